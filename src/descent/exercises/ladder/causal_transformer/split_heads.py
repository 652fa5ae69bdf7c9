"""How `split_heads` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import (
    normals,
)
from descent.grading import Draw, Exercise, expect

split_heads = Exercise("split_heads", minutes=6, difficulty=2)


@split_heads.property("gives head h its own slice of every word", trials=5)
def _(answer, draw: Draw) -> None:
    heads, time = 1 + draw.size % 4, min(draw.size, 5)
    x = normals(draw, 2, time, 3 * heads)
    slices = [x[:, :, 3 * h : 3 * h + 3] for h in range(heads)]
    expect(answer(x, heads), "the heads").close_to(np.stack(slices, axis=1))


@split_heads.property("works for one word, and for heads one number wide")
def _(answer, draw: Draw) -> None:
    expect(answer(normals(draw, 1, 1, 6), 2), "the heads").has_shape(1, 2, 1, 3)
    expect(answer(normals(draw, 3, 4, 2), 2), "the heads").has_shape(3, 2, 4, 1)


@split_heads.property("gives one head everything")
def _(answer, draw: Draw) -> None:
    x = normals(draw, 2, 3, 4)
    expect(answer(x, 1), "the only head").close_to(x[:, None])


@split_heads.mistake(
    "You reshaped straight to (batch, heads, time, width). The shape is right and the numbers are "
    "not: each head gets whole words of some times instead of a slice of every word. Split the "
    "last dimension first, then transpose heads and time."
)
def reshaped_only(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, heads, time, width // heads)


@split_heads.mistake("The heads are still behind the time. Transpose dimensions 1 and 2.")
def without_transpose(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads)


@split_heads.mistake(
    "You split the width as (width/heads, heads), so that head h gets every heads-th number. Head "
    "h gets a block: reshape to (…, heads, width/heads)."
)
def interleaved(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, width // heads, heads).permute(0, 3, 1, 2)


@split_heads.mistake("Heads come first in your result. The order is batch, heads, time, width.")
def heads_first(x, heads):
    return torch.stack(x.chunk(heads, dim=-1), dim=0)


@split_heads.mistake("Every head got the full width. Each gets width/heads of it.")
def repeated(x, heads):
    return x[:, None].expand(-1, heads, -1, -1)


@split_heads.mistake("Time and width of each head are exchanged: (batch, heads, time, width).")
def time_last(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).permute(0, 2, 3, 1)


split_heads.equivalent(
    "`return x.reshape(batch, time, heads, width // heads).transpose(1, 2)` → "
    "`return x.reshape(batch, time, heads, width // heads).transpose(2, 1)`",
    because="exchanging two dimensions has no order",
)


split_heads.hint("First give the last dimension two parts, then move one of them forward.")


split_heads.hint("`x.reshape(batch, time, heads, width // heads)`, then `.transpose(1, 2)`.")


split_heads.hint("Print one word of `x` and follow where its numbers go.", when="value")


split_heads.hint("A reshape never changes the order of the numbers in memory.", when="order")


split_heads.hint("Which four sizes, and in which order?", when="shape")
