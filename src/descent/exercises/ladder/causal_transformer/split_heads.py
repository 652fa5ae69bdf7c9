"""How `split_heads` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import (
    normals,
)
from descent.grading import Draw, Exercise, expect

split_heads = Exercise("split_heads", minutes=6, difficulty=2, returns=torch.Tensor)


@split_heads.property("gives head h its own slice of every word", trials=5)
def _(answer, draw: Draw) -> None:
    heads, time = 1 + draw.size % 4, min(draw.size, 5)
    each = draw.integers(2, 5)
    x = normals(draw, 2, time, each * heads)
    slices = [x[:, :, each * h : each * h + each] for h in range(heads)]
    expect(answer(x, heads), "the heads").close_to(np.stack(slices, axis=1))


@split_heads.property("works for one word, and for heads one number wide")
def _(answer, draw: Draw) -> None:
    expect(answer(normals(draw, 1, 1, 6), 2), "the heads").has_shape(1, 2, 1, 3)
    expect(answer(normals(draw, 3, 4, 2), 2), "the heads").has_shape(3, 2, 4, 1)


@split_heads.property("gives one head everything")
def _(answer, draw: Draw) -> None:
    x = normals(draw, 2, 3, 4)
    expect(answer(x, 1), "the only head").close_to(x[:, None])


@split_heads.right
def right_split(x, heads):
    batch, time, width = x.shape
    words = x.reshape(batch, time, heads, width // heads)
    return words.transpose(1, 2)


_WORDS, _TURNED = "x.reshape(batch, time, heads, width // heads)", "words.transpose(1, 2)"


split_heads.slip(
    "reshaped_only",
    "You reshaped straight to (batch, heads, time, width). The shape is right and the numbers are "
    "not: each head gets whole words of some times instead of a slice of every word. Split the "
    "last dimension first, then transpose heads and time.",
    {_WORDS: "x.reshape(batch, heads, time, width // heads)", _TURNED: "words"},
)
split_heads.slip(
    "without_transpose",
    "The heads are still behind the time. Transpose dimensions 1 and 2.",
    {_TURNED: "words"},
)
split_heads.slip(
    "interleaved",
    "You split the width as (width/heads, heads), so that head h gets every heads-th number. Head "
    "h gets a block: reshape to (…, heads, width/heads).",
    {_WORDS: "x.reshape(batch, time, width // heads, heads)", _TURNED: "words.permute(0, 3, 1, 2)"},
)
split_heads.slip(
    "heads_for_their_width",
    "You take `heads` for the width of a head: there are width/heads heads of `heads` numbers in "
    "your result. There are `heads` of them, width/heads numbers wide.",
    {_WORDS: "x.reshape(batch, time, width // heads, heads)"},
)
split_heads.slip(
    "heads_first",
    "Heads come first in your result. The order is batch, heads, time, width.",
    {_TURNED: "words.permute(2, 0, 1, 3)"},
)
split_heads.slip(
    "heads_in_the_batch",
    "Batch and heads are one dimension in your result. Keep them apart: batch, heads, time, width.",
    {_TURNED: "words.transpose(1, 2).flatten(0, 1)"},
)
split_heads.slip(
    "repeated",
    "Every head got the full width. Each gets width/heads of it.",
    {_TURNED: "x[:, None].expand(-1, heads, -1, -1)"},
)
split_heads.slip(
    "time_last",
    "Time and width of each head are exchanged: (batch, heads, time, width).",
    {_TURNED: "words.permute(0, 2, 3, 1)"},
)


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
