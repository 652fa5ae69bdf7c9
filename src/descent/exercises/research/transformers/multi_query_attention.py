"""How `MultiQueryAttention` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals, normals
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .attention import right_attention
from .shared import PROJECTIONS, Tensor

MultiQueryAttention = Exercise("MultiQueryAttention", minutes=30, difficulty=3)


def _built(answer, draw: Draw, width: int, heads: int) -> tuple[Any, bool]:
    layer = answer(width, heads)
    if not has(layer, "the layer", *PROJECTIONS):
        return layer, False
    d = width // heads
    shapes = [tuple(getattr(layer, name).weight.shape) for name in PROJECTIONS]
    wanted = [(width, width), (d, width), (d, width), (width, width)]
    expect(shapes, "the shapes of the weights of query, key, value and out").equals(wanted)
    expect(parameter_total(layer), "its number of parameters").equals(2 * width**2 + 2 * width * d)
    good = shapes == wanted and parameter_total(layer) == 2 * width**2 + 2 * width * d
    if good:
        fill_with_normals(layer, draw)
    return layer, good


def _whole(layer: Any, x: Tensor, heads: int) -> Tensor:
    """Causal attention over the whole text, head by head, by torch's own kernel."""
    query, key, value, out = (getattr(layer, name).weight.detach() for name in PROJECTIONS)
    k, v = x @ key.T, x @ value.T
    parts = [
        F.scaled_dot_product_attention(x @ rows.T, k, v, is_causal=True)
        for rows in query.chunk(heads)
    ]
    return torch.cat(parts, dim=-1) @ out.T


def _keys(layer: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    return x @ layer.key.weight.detach().T, x @ layer.value.weight.detach().T


@MultiQueryAttention.property("has one key and one value for all heads, and nothing else")
def _(answer, draw: Draw) -> None:
    _built(answer, draw, 6, 3)
    _built(answer, draw, 8, 2)


@MultiQueryAttention.property("is causal attention when there is no cache", trials=5)
def _(answer, draw: Draw) -> None:
    heads = draw.integers(1, 4)
    layer, good = _built(answer, draw, 3 * heads, heads)
    if good:
        x = normals(draw, 2, draw.size, 3 * heads)
        output, cache = layer(x)
        expect(output, "the output").close_to(_whole(layer, x, heads), atol=1e-4)
        for name, found, wanted in zip(("keys", "values"), cache, _keys(layer, x), strict=True):
            expect(found, f"the {name} of the cache").close_to(wanted, atol=1e-4)


@MultiQueryAttention.property("equals the whole pass, token after token", trials=4)
def _(answer, draw: Draw) -> None:
    layer, good = _built(answer, draw, 6, 2)
    if good:
        time = min(draw.size + 1, 6)
        x = normals(draw, 2, time, 6)
        wanted, cache = _whole(layer, x, 2), None
        for t in range(time):
            output, cache = layer(x[:, t : t + 1], cache)
            expect(output, f"the output at place {t}").close_to(wanted[:, t : t + 1], atol=1e-4)


@MultiQueryAttention.property("equals the whole pass, several new tokens at a time", trials=4)
def _(answer, draw: Draw) -> None:
    layer, good = _built(answer, draw, 6, 3)
    if good:
        old, new = draw.integers(1, 5), draw.integers(2, 5)
        x = normals(draw, 2, old + new, 6)
        _, cache = layer(x[:, :old])
        output, longer = layer(x[:, old:], cache)
        expect(output, "the output of the new places").close_to(
            _whole(layer, x, 3)[:, old:], atol=1e-4
        )
        for name, found, wanted in zip(("keys", "values"), longer, _keys(layer, x), strict=True):
            expect(found, f"the {name} of the longer cache").close_to(wanted, atol=1e-4)


@MultiQueryAttention.property("uses the cache it is handed, and leaves it as it is")
def _(answer, draw: Draw) -> None:
    layer, good = _built(answer, draw, 4, 2)
    if good:
        cache = normals(draw, 1, 3, 2), normals(draw, 1, 3, 2)
        before = cache[0].clone(), cache[1].clone()
        x = normals(draw, 1, 1, 4)
        output, longer = layer(x, cache)
        keys, values = (
            torch.cat([old, new], 1) for old, new in zip(before, _keys(layer, x), strict=True)
        )
        parts = [
            F.scaled_dot_product_attention(x @ rows.T, keys, values)
            for rows in layer.query.weight.detach().chunk(2)
        ]
        wanted = torch.cat(parts, -1) @ layer.out.weight.detach().T
        expect(output, "the output with a cache of other numbers").close_to(wanted, atol=1e-4)
        expect(longer[0], "the keys returned").close_to(keys, atol=1e-4)
        for name, now, then in zip(("keys", "values"), cache, before, strict=True):
            expect(now, f"the {name} that were handed over").equals(then)


@MultiQueryAttention.property("lets the gradient reach all four matrices")
def _(answer, draw: Draw) -> None:
    layer, good = _built(answer, draw, 6, 2)
    if good:
        layer(normals(draw, 2, 4, 6))[0].square().sum().backward()
        reached = sum(
            p.grad is not None and bool(p.grad.abs().sum() > 0) for p in layer.parameters()
        )
        expect(reached, "how many of 4 matrices got a gradient").equals(4)


@MultiQueryAttention.right
class RightShared(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        size = width // heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, size, bias=False)
        self.value = nn.Linear(width, size, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, cache=None):
        keys, values = self.key(x), self.value(x)
        if cache is not None:
            keys = torch.cat([cache[0], keys], 1)
            values = torch.cat([cache[1], values], 1)
        new, total = x.shape[1], keys.shape[1]
        mask = torch.ones(new, total, dtype=torch.bool).tril(total - new)
        queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mixed, _ = right_attention(queries, keys[:, None], values[:, None], mask)
        joined = mixed.transpose(1, 2).flatten(2)
        return self.out(joined), (keys, values)


_MASK = "torch.ones(new, total, dtype=torch.bool).tril(total - new)"
MultiQueryAttention.slip(
    "mask_not_moved",
    "Your mask begins at the cache's first place: new place 0 sees one key alone. The new places "
    "stand at total − new and later: move the diagonal by so much.",
    {".tril(total - new)": ".tril()"},
)
MultiQueryAttention.slip(
    "no_mask",
    "New places see each other's future. With one new token that does not show; with several it "
    "leaks.",
    {_MASK: "torch.ones(new, total, dtype=torch.bool)"},
)
MultiQueryAttention.slip(
    "hides_itself",
    "Your mask hides a place from itself: move the diagonal by total − new, no less.",
    {"(total - new)": "(total - new - 1)"},
)
MultiQueryAttention.slip(
    "sees_one_ahead",
    "Your mask shows each place the one after it.",
    {"(total - new)": "(total - new + 1)"},
)
MultiQueryAttention.slip(
    "cache_ignored",
    "The cache has no effect: every call begins anew.",
    {"if cache is not None:": "if False:"},
)
MultiQueryAttention.slip(
    "cache_behind",
    "You put the cache *behind* the new keys. It holds the earlier places.",
    {"[cache[0], keys]": "[keys, cache[0]]", "[cache[1], values]": "[values, cache[1]]"},
)
MultiQueryAttention.slip(
    "returns_new_ones_only",
    "You return the keys and values of the new places alone. The next call needs all of them.",
    {"(keys, values)": "(self.key(x), self.value(x))"},
)
MultiQueryAttention.slip(
    "cache_returned_unchanged",
    "You return the cache as it came. The new keys and values belong to it.",
    {"self.out(joined), (keys, values)": "self.out(joined), (cache or (keys, values))"},
)
MultiQueryAttention.slip(
    "keys_and_values_exchanged",
    "Keys and values have changed places in the cache you return: (keys, values).",
    {"self.out(joined), (keys, values)": "self.out(joined), (values, keys)"},
)
MultiQueryAttention.slip(
    "keys_for_every_head",
    "Every head has a key and a value of its own in your layer: `key` and `value` "
    "return width / heads numbers "
    "here, and all heads share them.",
    {
        "self.key = nn.Linear(width, size": "self.key = nn.Linear(width, width",
        "self.value = nn.Linear(width, size": "self.value = nn.Linear(width, width",
        "keys[:, None], values[:, None]": "keys.unflatten(-1, (self.heads, -1)).transpose(1, 2), "
        "values.unflatten(-1, (self.heads, -1)).transpose(1, 2)",
    },
)
MultiQueryAttention.slip(
    "with_bias",
    "Your projections have a bias. Here they have none.",
    {
        "self.key = nn.Linear(width, size, bias=False)": "self.key = nn.Linear(width, size)",
        "self.value = nn.Linear(width, size, bias=False)": "self.value = nn.Linear(width, size)",
    },
)
MultiQueryAttention.slip(
    "query_shared_too",
    "Your heads all ask the same question. They share key and value; each has a query of its own.",
    {
        "queries = self.query(x).unflatten(-1, "
        "(self.heads, -1)).transpose(1, 2)": "queries = self.query(x).unflatten(-1, "
        "(self.heads, -1)).transpose(1, 2)[:, "
        ":1].expand(-1, self.heads, -1, -1)"
    },
)
MultiQueryAttention.slip(
    "joined_by_reshape",
    "You joined the heads with a reshape alone. Exchange heads and time back first.",
    {"mixed.transpose(1, 2).flatten(2)": "mixed.reshape(x.shape)"},
)
MultiQueryAttention.slip(
    "heads_interleaved",
    "Your heads take every h-th number of the query. Head 0 has the first d, head 1 the next.",
    {
        "unflatten(-1, (self.heads, -1)).transpose(1, "
        "2)": "unflatten(-1, (-1, self.heads)).permute(0, 3, 1, 2)"
    },
)
MultiQueryAttention.slip(
    "keys_cached_as_values",
    "Your values are put behind the cache's *keys*. The cache is (keys, values).",
    {"[cache[1], values]": "[cache[0], values]"},
)
MultiQueryAttention.slip(
    "scaled_by_model_width",
    "Your scores are divided by the root of the whole width. A head's dot product has d terms.",
    {"(queries, keys": "(queries / self.heads**0.5, keys"},
)
MultiQueryAttention.slip(
    "no_mask_with_a_cache",
    "With a cache you use no mask. Several new places would see each other's future.",
    {
        _MASK: "torch.ones(new, total, dtype=torch.bool)\n        mask = mask.tril() if"
        " cache is None else mask"
    },
)
MultiQueryAttention.slip(
    "hides_itself_with_a_cache",
    "With a cache your mask hides a place from itself: the diagonal moves by what was in "
    "the cache, total − new.",
    {"(total - new)": "(total - new - (cache is not None))"},
)
MultiQueryAttention.slip(
    "skip_inside",
    "You added x to the result. The skip belongs to the block around this layer.",
    {"return self.out(joined)": "return x + self.out(joined)"},
)
MultiQueryAttention.slip(
    "key_as_wide_as_the_model",
    "Your `key` returns `width` numbers. All heads share one key of width / heads numbers.",
    {"self.key = nn.Linear(width, size": "self.key = nn.Linear(width, width"},
)
MultiQueryAttention.slip(
    "heads_in_the_cache",
    "Your cache has a dimension for heads. There is one key for all of them: (batch, places, d).",
    {"self.out(joined), (keys, values)": "self.out(joined), (keys[:, None], values[:, None])"},
)
MultiQueryAttention.slip(
    "cache_along_the_batch",
    "You put the cache along the batch. The places are dimension 1.",
    {
        "[cache[0], keys], 1": "[cache[0], keys], 0",
        "[cache[1], values], 1": "[cache[1], values], 0",
    },
)


MultiQueryAttention.equivalent(
    "`queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)` → "
    "`queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(2, 1)`",
    because="exchanging two dimensions has no order",
)
MultiQueryAttention.equivalent(
    "`return (self.out(mixed.transpose(1, 2).flatten(2)), (keys, values))` → "
    "`return (self.out(mixed.transpose(2, 1).flatten(2)), (keys, values))`",
    because="exchanging two dimensions has no order",
)


MultiQueryAttention.equivalent(
    "`mask = torch.ones(new, total, dtype=torch.bool, device=x.device).tril(total - new)` → "
    "`mask = torch.ones(new, total, dtype=torch.bool).tril(total - new)`",
    because="a machine that grades computes on one device",
)


MultiQueryAttention.hint("New keys and values first, then cat them behind the cache, then attend.")
MultiQueryAttention.hint(
    "Keys (batch, total, d) serve all heads as keys[:, None]: (batch, 1, total, d)."
)
MultiQueryAttention.hint(
    "3 places in the cache, 2 new ones: rows 1 1 1 1 0 and 1 1 1 1 1. Which tril?",
    when="equals the whole pass, several new tokens at a time",
)
MultiQueryAttention.hint(
    "Does the cache come first in your cat?", when="equals the whole pass, token after token"
)
