"""How `MultiHeadAttention` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from descent.exercises.doubles import (
    fill_with_normals,
    normals,
)
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .attention import right_attention
from .causal_mask import right_mask
from .shared import PROJECTIONS, expected_attention, weights_by_hand
from .split_heads import right_split

MultiHeadAttention = Exercise("MultiHeadAttention", minutes=20, difficulty=3)


def _attention_parts(module: nn.Module, width: int) -> bool:
    if not has(module, "the layer", *PROJECTIONS):
        return False
    shapes = [tuple(getattr(module, name).weight.shape) for name in PROJECTIONS]
    expect(shapes, "the shapes of the four weights").equals([(width, width)] * 4)
    expect(parameter_total(module), "its number of parameters").equals(4 * width**2)
    return shapes == [(width, width)] * 4


@MultiHeadAttention.property("has four square matrices and nothing else")
def _(answer, draw: Draw) -> None:
    _attention_parts(answer(6, 2), 6)


@MultiHeadAttention.property("agrees with torch's causal attention, head by head", trials=5)
def _(answer, draw: Draw) -> None:
    heads = 1 + draw.size % 3
    width, time = 4 * heads, min(draw.size, 6)
    module, x = answer(width, heads), normals(draw, 2, time, width)
    if _attention_parts(module, width):
        fill_with_normals(module, draw)
        expect(module(x), "the output").close_to(expected_attention(module, x, heads), atol=1e-4)


@MultiHeadAttention.property("does not let the future change the past")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2), normals(draw, 1, 6, 8)
    if _attention_parts(module, 8):
        fill_with_normals(module, draw)
        other = x.clone()
        other[:, 3:] += 1 + normals(draw, 1, 3, 8).abs()
        change = (module(other) - module(x))[:, :3].abs().max()
        expect(change, "the change at words 0 to 2 when words 3 to 5 change").close_to(0, atol=1e-5)


@MultiHeadAttention.property("keeps its last weights in `weights`")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 3, 5, 4)
    fill_with_normals(module, draw)
    module(normals(draw, 3, 5, 4))
    module(x)
    weights: Any = getattr(module, "weights", None)
    expect(weights, "module.weights").is_a(torch.Tensor)
    expect(weights, "module.weights").has_shape(3, 2, 5, 5)
    expect(torch.as_tensor(weights).sum(-1), "their sums along the last dimension").close_to(
        np.ones((3, 2, 5)), atol=1e-5
    )
    if _attention_parts(module, 4):
        causal, rows = torch.ones(5, 5).tril().bool(), []
        for h in (slice(0, 2), slice(2, 4)):
            q, k = (x[1] @ part.weight.detach()[h].T for part in (module.query, module.key))
            rows.append(weights_by_hand(q, k, causal))
        expect(weights[1], "module.weights of one window").close_to(np.stack(rows), atol=1e-5)


@MultiHeadAttention.property("keeps its weights detached from the gradient")
def _(answer, draw: Draw) -> None:
    module = answer(4, 2)
    module(normals(draw, 3, 5, 4))
    weights: Any = getattr(module, "weights", None)
    expect(getattr(weights, "requires_grad", None), "weights.requires_grad").equals(False)


@MultiHeadAttention.property("lets the gradient reach all four matrices")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 2, 5, 4)
    fill_with_normals(module, draw)
    module(x).square().sum().backward()
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters()]
    expect(sum(reached), "how many of 4 matrices got a gradient").equals(4)


@MultiHeadAttention.right
class RightAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x):
        q, k, v = self.query(x), self.key(x), self.value(x)
        q, k, v = (right_split(part, self.heads) for part in (q, k, v))
        mask = right_mask(x.shape[1])
        mixed, weights = right_attention(q, k, v, mask)
        self.weights = weights.detach()
        joined = mixed.transpose(1, 2).reshape(x.shape)
        return self.out(joined)


_SPLIT = "right_split(part, self.heads)"
_HEADS = f"        q, k, v = ({_SPLIT} for part in (q, k, v))\n"
_LINEAR = "nn.Linear(width, width"
_ATTENDED, _KEPT = "right_attention(q, k, v, mask)", "self.weights = weights.detach()"


MultiHeadAttention.slip(
    "Leaks",
    "There is no causal mask: every word looks at the words after it, and the loss will be "
    "wonderful for the wrong reason.",
    {_ATTENDED: "right_attention(q, k, v, torch.ones_like(mask))"},
)
MultiHeadAttention.slip(
    "LooksForward",
    "Your mask is transposed: each word sees the future and not the past.",
    {_ATTENDED: "right_attention(q, k, v, mask.T)"},
)
MultiHeadAttention.slip(
    "ScaledByFullWidth",
    "You divided by the square root of the whole width. A head's dot product has width/heads "
    "terms, so it is √(width/heads).",
    {_ATTENDED: "right_attention(q / self.heads**0.5, k, v, mask)"},
)
MultiHeadAttention.slip(
    "Unscaled",
    "The scores are not divided by √(width/heads).",
    {_ATTENDED: "right_attention(q * q.shape[-1] ** 0.5, k, v, mask)"},
)
MultiHeadAttention.slip(
    "WithoutOut",
    "The output projection is missing: the heads lie side by side and are never mixed. Send the "
    "joined result through `out`.",
    {"self.out(joined)": "joined"},
)
MultiHeadAttention.slip(
    "JoinsBadly",
    "You joined the heads with a reshape alone. Transpose heads and time back first, or the words "
    "are mixed up.",
    {"mixed.transpose(1, 2).reshape": "mixed.reshape"},
)
MultiHeadAttention.slip(
    "SplitsBadly",
    "You split into heads with a reshape alone, which mixes times and heads. Use your split_heads.",
    {_SPLIT: "part.reshape(len(x), self.heads, x.shape[1], -1)"},
)
MultiHeadAttention.slip(
    "SwapsQueryAndKey",
    "Queries and keys have changed places: `query` belongs to the word that looks, `key` to the "
    "word that is looked at.",
    {"self.query(x), self.key(x)": "self.key(x), self.query(x)"},
)
MultiHeadAttention.slip(
    "QueryNeverUsed",
    "`query` is never used: your words look with their keys. The word that looks has a projection "
    "of its own.",
    {"self.query(x)": "self.key(x)"},
)
MultiHeadAttention.slip(
    "ValueNeverUsed",
    "`value` is never used: the words themselves are mixed. What is looked up goes through a "
    "projection of its own.",
    {"self.value(x)": "x"},
)
MultiHeadAttention.slip(
    "ValuesOfKeys",
    "`value` is never used: the keys are mixed. What is looked up goes through a projection of its "
    "own.",
    {"self.value(x)": "self.key(x)"},
)
MultiHeadAttention.slip(
    "OneWideHead",
    "There is one head as wide as the whole layer. Send queries, keys and values through "
    "split_heads before they meet.",
    {_HEADS: "", "mixed.transpose(1, 2).reshape(x.shape)": "mixed"},
)
MultiHeadAttention.slip(
    "OneWideHeadRepeated",
    "There is one head as wide as the whole layer, and each head is said to have its weights. Send "
    "queries, keys and values through split_heads before they meet.",
    {
        _HEADS: "",
        _KEPT: "self.weights = weights.detach()[:, None].repeat(1, self.heads, 1, 1)",
        "mixed.transpose(1, 2).reshape(x.shape)": "mixed",
    },
)
MultiHeadAttention.slip(
    "WithBias",
    "Your four projections have a bias. Here they have none: bias=False.",
    {f"self.{name} = {_LINEAR}, bias=False)": f"self.{name} = {_LINEAR})" for name in PROJECTIONS},
)
MultiHeadAttention.slip(
    "AttachedWeights",
    "The weights you keep are still part of the graph, and hold the memory of the whole pass. "
    "Keep weights.detach().",
    {_KEPT: "self.weights = weights"},
)
MultiHeadAttention.slip(
    "WeightsNotKept",
    "The weights of the last call are not kept: self.weights = weights.detach(), in `forward`.",
    {f"        {_KEPT}\n": ""},
)
MultiHeadAttention.slip(
    "WeightsOfFirstHead",
    "You keep the weights of one head. Keep those of all: (batch, heads, time, time).",
    {_KEPT: "self.weights = weights[:, 0].detach()"},
)


MultiHeadAttention.equivalent(
    "`return self.out(mixed.transpose(1, 2).reshape(x.shape))` → "
    "`return self.out(mixed.transpose(2, 1).reshape(x.shape))`",
    because="exchanging two dimensions has no order",
)


MultiHeadAttention.hint("Project three times, split, attend, join, project once more.")
MultiHeadAttention.hint("Joining undoes splitting: `.transpose(1, 2).reshape(batch, time, width)`.")
MultiHeadAttention.hint(
    "With heads split off, your `attention` divides by the right √d.", when="value"
)
MultiHeadAttention.hint("`nn.Linear(width, width, bias=False)`, four times.", when="type")
MultiHeadAttention.hint(
    "What is the shape after attention, and what was it before the split?", when="shape"
)
