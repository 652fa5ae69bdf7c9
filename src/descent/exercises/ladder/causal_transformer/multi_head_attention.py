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
from descent.grading import Draw, Exercise, expect

from .shared import (
    PROJECTIONS,
    Attention,
    expected_attention,
    has,
    parameter_total,
    weights_by_hand,
)

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
    module(x)
    weights: Any = getattr(module, "weights", None)
    expect(weights, "module.weights").is_a(torch.Tensor)
    expect(weights, "module.weights").has_shape(3, 2, 5, 5)
    expect(torch.as_tensor(weights).sum(-1), "their sums along the last dimension").close_to(
        np.ones((3, 2, 5)), atol=1e-5
    )
    expect(weights.requires_grad, "whether they are tied to the gradient").equals(False)
    if _attention_parts(module, 4):
        causal, rows = torch.ones(5, 5).tril().bool(), []
        for h in (slice(0, 2), slice(2, 4)):
            q, k = (x[1] @ part.weight.detach()[h].T for part in (module.query, module.key))
            rows.append(weights_by_hand(q, k, causal))
        expect(weights[1], "module.weights of one window").close_to(np.stack(rows), atol=1e-5)


@MultiHeadAttention.property("lets the gradient reach all four matrices")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 2, 5, 4)
    fill_with_normals(module, draw)
    module(x).square().sum().backward()
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters()]
    expect(sum(reached), "how many of 4 matrices got a gradient").equals(4)


@MultiHeadAttention.mistake(
    "There is no causal mask: every word looks at the words after it, and the loss will be "
    "wonderful for the wrong reason."
)
class Leaks(Attention):
    habits = {"leaks": True}


@MultiHeadAttention.mistake("Your mask is transposed: each word sees the future and not the past.")
class LooksForward(Attention):
    habits = {"transposed": True}


@MultiHeadAttention.mistake(
    "You divided by the square root of the whole width. A head's dot product has width/heads "
    "terms, so it is √(width/heads)."
)
class ScaledByFullWidth(Attention):
    habits = {"full_width": True}


@MultiHeadAttention.mistake("The scores are not divided by √(width/heads).")
class Unscaled(Attention):
    habits = {"unscaled": True}


@MultiHeadAttention.mistake(
    "The output projection is missing: the heads lie side by side and are never mixed. Send the "
    "joined result through `out`."
)
class WithoutOut(Attention):
    habits = {"no_out": True}


@MultiHeadAttention.mistake(
    "You joined the heads with a reshape alone. Transpose heads and time back first, or the words "
    "are mixed up."
)
class JoinsBadly(Attention):
    habits = {"joins_badly": True}


@MultiHeadAttention.mistake(
    "You split into heads with a reshape alone, which mixes times and heads. Use your split_heads."
)
class SplitsBadly(Attention):
    habits = {"reshapes": True}


@MultiHeadAttention.mistake(
    "Queries and keys have changed places: `query` belongs to the word that looks, `key` to the "
    "word that is looked at."
)
class SwapsQueryAndKey(Attention):
    habits = {"swaps": True}


@MultiHeadAttention.mistake(
    "There is one head as wide as the whole layer. Send queries, keys and values through "
    "split_heads before they meet."
)
class OneWideHead(Attention):
    habits = {"one_head": True}


@MultiHeadAttention.mistake("Your four projections have a bias. Here they have none: bias=False.")
class WithBias(Attention):
    habits = {"bias": True}


@MultiHeadAttention.mistake(
    "The weights you keep are still part of the graph, and hold the memory of the whole pass. "
    "Keep weights.detach()."
)
class AttachedWeights(Attention):
    habits = {"attached": True}


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
