"""How `MultiHeadAttention` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from descent.exercises.doubles import fill_with_normals, normals
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .attention import right_attention
from .shared import PROJECTIONS, causal, expected_attention, some_mask

MultiHeadAttention = Exercise("MultiHeadAttention", minutes=25, difficulty=3)


def _parts(module: nn.Module, width: int, heads: int, d_k: int, d_v: int) -> bool:
    if not has(module, "the layer", *PROJECTIONS):
        return False
    shapes = [tuple(getattr(module, name).weight.shape) for name in PROJECTIONS]
    wanted = [
        (heads * d_k, width),
        (heads * d_k, width),
        (heads * d_v, width),
        (width, heads * d_v),
    ]
    expect(shapes, "the shapes of the weights of query, key, value and out").equals(wanted)
    expect(parameter_total(module), "its number of parameters").equals(
        2 * width * heads * (d_k + d_v)
    )
    return shapes == wanted


@MultiHeadAttention.property("has four matrices of the right shapes and nothing else")
def _(answer, draw: Draw) -> None:
    _parts(answer(6, 2, 5, 3), 6, 2, 5, 3)
    _parts(answer(7, 3, 2, 4), 7, 3, 2, 4)


@MultiHeadAttention.property("agrees with torch's attention, head by head", trials=6)
def _(answer, draw: Draw) -> None:
    heads, d_k, d_v = draw.integers(1, 4), draw.integers(1, 6), draw.integers(1, 6)
    width, time = draw.integers(3, 9), min(draw.size, 6)
    module, x = answer(width, heads, d_k, d_v), normals(draw, 2, time, width)
    if _parts(module, width, heads, d_k, d_v):
        fill_with_normals(module, draw)
        wanted = expected_attention(module, x, heads, causal(time))
        expect(module(x, causal(time)), "the output").close_to(wanted, atol=1e-4)


@MultiHeadAttention.property("obeys whatever mask it is handed", trials=3)
def _(answer, draw: Draw) -> None:
    module, x, mask = answer(5, 2, 3, 4), normals(draw, 2, 6, 5), some_mask(draw, 6, 6)
    if _parts(module, 5, 2, 3, 4):
        fill_with_normals(module, draw)
        wanted = expected_attention(module, x, 2, mask)
        expect(module(x, mask), "the output").close_to(wanted, atol=1e-4)


@MultiHeadAttention.property("keeps the weights of its last call, detached from the gradient")
def _(answer, draw: Draw) -> None:
    module, x = answer(5, 3, 2, 4), normals(draw, 2, 4, 5)
    fill_with_normals(module, draw)
    module(normals(draw, 1, 4, 5), causal(4))
    module(x, causal(4))
    weights: Any = getattr(module, "weights", None)
    expect(weights, "module.weights").is_a(torch.Tensor)
    expect(weights, "module.weights").has_shape(2, 3, 4, 4)
    expect(getattr(weights, "requires_grad", None), "weights.requires_grad").equals(False)
    if _parts(module, 5, 3, 2, 4):
        q, k = (
            torch.einsum("btc,oc->bto", x, part.weight.detach())
            for part in (module.query, module.key)
        )
        scores = torch.stack(
            [q[..., h : h + 2] @ k[..., h : h + 2].transpose(1, 2) for h in (0, 2, 4)], dim=1
        )
        exponentials = (scores / 2**0.5).exp() * causal(4)
        wanted = exponentials / exponentials.sum(-1, keepdim=True)
        expect(weights, "module.weights").close_to(wanted, atol=1e-4)


@MultiHeadAttention.property("lets the gradient reach all four matrices")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2, 3, 2), normals(draw, 2, 5, 4)
    fill_with_normals(module, draw)
    module(x, causal(5)).square().sum().backward()
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters()]
    expect(sum(reached), "how many of 4 matrices got a gradient").equals(4)


@MultiHeadAttention.right
class RightHeads(nn.Module):
    def __init__(self, width, heads, key_width, value_width):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, heads * key_width, bias=False)
        self.key = nn.Linear(width, heads * key_width, bias=False)
        self.value = nn.Linear(width, heads * value_width, bias=False)
        self.out = nn.Linear(heads * value_width, width, bias=False)

    def forward(self, x, mask):
        q, k, v = self.query(x), self.key(x), self.value(x)
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        mixed, weights = right_attention(q, k, v, mask)
        self.weights = weights.detach()
        joined = mixed.transpose(1, 2).flatten(2)
        return self.out(joined)


_SPLIT = "part.unflatten(-1, (self.heads, -1)).transpose(1, 2)"
MultiHeadAttention.slip(
    "values_as_wide_as_keys",
    "Your values are as wide as your keys. They have a width of their own, value_width, and `out` "
    "takes heads · value_width numbers.",
    {
        "self.value = nn.Linear(width, heads * "
        "value_width": "self.value = nn.Linear(width, heads * key_width",
        "self.out = nn.Linear(heads * value_width": "self.out = nn.Linear(heads * key_width",
    },
)
MultiHeadAttention.slip(
    "widths_exchanged",
    "key_width and value_width have changed places: queries and keys share key_width.",
    {"heads, key_width, value_width)": "heads, value_width, key_width)"},
)
MultiHeadAttention.slip(
    "divided_among_heads",
    "You divide the widths among the heads. key_width and value_width are those of *one* head: the "
    "matrices have `heads` times as many rows.",
    {
        "self.query = nn.Linear(width, heads * "
        "key_width": "self.query = nn.Linear(width, key_width",
        "self.key = nn.Linear(width, heads * key_width": "self.key = nn.Linear(width, key_width",
        "self.value = nn.Linear(width, heads * "
        "value_width": "self.value = nn.Linear(width, value_width",
        "self.out = nn.Linear(heads * value_width": "self.out = nn.Linear(value_width",
    },
)
MultiHeadAttention.slip(
    "always_causal",
    "Your layer uses a causal mask whatever it is handed. The mask is an argument.",
    {"right_attention(q, k, v, mask)": "right_attention(q, k, v, torch.ones_like(mask).tril())"},
)
MultiHeadAttention.slip(
    "mask_ignored",
    "The mask has no effect: every place looks everywhere.",
    {"right_attention(q, k, v, mask)": "right_attention(q, k, v, torch.ones_like(mask))"},
)
MultiHeadAttention.slip(
    "mask_transposed",
    "Your mask is on its side. Row t says what place t may look at.",
    {"right_attention(q, k, v, mask)": "right_attention(q, k, v, mask.T)"},
)
MultiHeadAttention.slip(
    "heads_interleaved",
    "Your heads take every h-th number. Head 0 has the *first* key_width outputs, head 1 the next.",
    {_SPLIT: "part.unflatten(-1, (-1, self.heads)).permute(0, 3, 1, 2)"},
)
MultiHeadAttention.slip(
    "split_by_reshape",
    "A reshape alone mixes places and heads. Split the last dimension, then exchange heads and "
    "time.",
    {_SPLIT: "part.reshape(len(x), self.heads, x.shape[1], -1)"},
)
MultiHeadAttention.slip(
    "joined_by_reshape",
    "You joined the heads with a reshape alone. Exchange heads and time back first.",
    {"mixed.transpose(1, 2).flatten(2)": "mixed.reshape(*x.shape[:2], -1)"},
)
MultiHeadAttention.slip(
    "scaled_by_all_heads",
    "Your scores are divided by the root of all heads' widths together. A head's dot product has "
    "key_width terms.",
    {"right_attention(q, k, v, mask)": "right_attention(q / self.heads**0.5, k, v, mask)"},
)
MultiHeadAttention.slip(
    "with_bias",
    "Your projections have a bias. Here they have none.",
    {
        "self.query = nn.Linear(width, heads * "
        "key_width, bias=False)": "self.query = nn.Linear(width, heads * key_width)",
        "self.out = nn.Linear(heads * value_width, "
        "width, bias=False)": "self.out = nn.Linear(heads * value_width, width)",
    },
)
MultiHeadAttention.slip(
    "query_and_key_exchanged",
    "Queries and keys have changed places: `query` belongs to the place that looks.",
    {"self.query(x), self.key(x)": "self.key(x), self.query(x)"},
)
MultiHeadAttention.slip(
    "weights_attached",
    "The weights you keep are still part of the graph. Keep weights.detach().",
    {"self.weights = weights.detach()": "self.weights = weights"},
)
MultiHeadAttention.slip(
    "weights_not_kept",
    "The weights of the last call are not kept: self.weights = weights.detach().",
    {"        self.weights = weights.detach()\n": ""},
)
MultiHeadAttention.slip(
    "weights_averaged",
    "The weights you keep are a mean over the heads. Each head has its own: (batch, heads, "
    "time, time).",
    {"weights.detach()": "weights.detach().mean(1)"},
)
MultiHeadAttention.slip(
    "weights_turned",
    "The weights you keep lie on their side: row t says where place t looks.",
    {"weights.detach()": "weights.detach().transpose(-1, -2)"},
)
MultiHeadAttention.slip(
    "skip_inside",
    "You added x to the result. The skip belongs to the block around this layer.",
    {"return self.out(joined)": "return x + self.out(joined)"},
)
MultiHeadAttention.slip(
    "keys_from_query",
    "Your keys are made by the query matrix. They have one of their own, `key`.",
    {"self.query(x), self.key(x)": "self.query(x), self.query(x)"},
)
MultiHeadAttention.slip(
    "scaled_by_model_width",
    "Your scores are divided by the root of the model's width. A head's dot product has "
    "key_width terms.",
    {
        "right_attention(q, k, v, mask)": "right_attention(q * (q.shape[-1] / x.shape[-1])"
        " ** 0.5, k, v, mask)"
    },
)
MultiHeadAttention.slip(
    "mask_inverted",
    "Your mask works the wrong way round. True means 'may look'.",
    {"right_attention(q, k, v, mask)": "right_attention(q, k, v, ~mask)"},
)
MultiHeadAttention.slip(
    "bias_in_out",
    "Your `out` has a bias. None of the four matrices has one.",
    {
        "self.out = nn.Linear(heads * value_width, "
        "width, bias=False)": "self.out = nn.Linear(heads * value_width, width)"
    },
)


MultiHeadAttention.equivalent(
    "`q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in projected)` → "
    "`q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(2, 1) for part in projected)`",
    because="exchanging two dimensions has no order",
)
MultiHeadAttention.equivalent(
    "`return self.out(mixed.transpose(1, 2).flatten(2))` → "
    "`return self.out(mixed.transpose(2, 1).flatten(2))`",
    because="exchanging two dimensions has no order",
)


MultiHeadAttention.hint(
    "Project three times, split each into heads, attend, join, project once more."
)
MultiHeadAttention.hint(
    "`part.unflatten(-1, (heads, -1))` gives (batch, time, heads, own width). What now?"
)
MultiHeadAttention.hint(
    "Which of the four matrices know key_width, and which value_width?", when="shape"
)
MultiHeadAttention.hint(
    "Feed it a mask that is not causal. Does it obey?", when="obeys whatever mask it is handed"
)
