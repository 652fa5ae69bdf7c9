"""How `smallest_batch` is judged."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from descent.grading import Draw, Exercise, expect

smallest_batch = Exercise("smallest_batch", minutes=12, difficulty=2)


def _reaches(n: int, inputs: int, outputs: int, ridge: Fraction, size: int) -> bool:
    flops = 2 * n * inputs * outputs
    moved = size * (n * inputs + inputs * outputs + n * outputs)
    return Fraction(flops, moved) >= ridge


def _searched(inputs: int, outputs: int, ridge: Fraction, size: int) -> int | None:
    """One batch size after the other; beyond the limit of the intensity there is none."""
    if Fraction(2 * inputs * outputs, size * (inputs + outputs)) <= ridge:
        return None
    return next(n for n in itertools.count(1) if _reaches(n, inputs, outputs, ridge, size))


def _layer(draw: Draw, part: float) -> tuple[int, int, int, int, int]:
    """Inputs, outputs, peak, bandwidth, size; the ridge is about `part` of what can be reached.

    No batch meets it exactly, so that rounding cannot decide.
    """
    while True:
        inputs, outputs = (8 * draw.integers(4, 40, 2)).tolist()
        size, bandwidth = draw.choice([2, 4]), draw.integers(2, 9)
        limit = 2 * inputs * outputs / (size * (inputs + outputs))
        peak = max(round(part * limit * bandwidth), 1)
        batch = 2 * inputs * outputs * bandwidth - peak * size * (inputs + outputs)
        if batch and (peak * size * inputs * outputs) % batch:
            return inputs, outputs, peak, bandwidth, size


@smallest_batch.property("is the first batch whose intensity reaches the ridge", trials=6)
def _(answer, draw: Draw) -> None:
    inputs, outputs, peak, bandwidth, size = _layer(draw, draw.uniform(0.2, 0.9))
    right = _searched(inputs, outputs, Fraction(peak, bandwidth), size)
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found, "the smallest batch").close_to(right, rtol=1e-9)


@smallest_batch.property("counts a batch that meets the ridge exactly", trials=3)
def _(answer, draw: Draw) -> None:
    # With equal widths w, n = w/2 and 2 bytes: 2n·w / (2 (2n + w)) = w/4.
    width, bandwidth = 2 ** draw.integers(3, 9), draw.choice([1, 2, 4])
    found = answer(width, width, float(width // 4 * bandwidth), float(bandwidth), 2)
    expect(found, "the smallest batch").close_to(width // 2, rtol=1e-9)
    # The ridge is 1/128 below the limit of 8: 2·16·16·n ≥ (8 − 1/128) · 2 (32n + 256).
    found = answer(16, 16, 8 - 1 / 128, 1.0, 2)
    expect(found, "the smallest batch, near the limit").close_to(8184, rtol=1e-3)


@smallest_batch.property("is None where no batch is large enough", trials=4)
def _(answer, draw: Draw) -> None:
    part = draw.choice([1.2, 3.0])
    inputs, outputs, peak, bandwidth, size = _layer(draw, part)
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found is None, "whether it is None").is_true(
        "However large this batch is, its intensity stays below the ridge: the answer is None."
    )
    # The limit itself is approached and never met: 2·w·w / (4 · 2w) = w/4.
    found = answer(16, 16, 8.0, 2.0, 4)
    expect(found is None, "whether it is None at the limit").is_true(
        "The intensity comes as near to the ridge as you like and never meets it: None."
    )


@smallest_batch.property("is a whole number, at least 1", trials=2)
def _(answer, draw: Draw) -> None:
    found = answer(64, 64, 0.01, 5.0, 4)
    expect(found, "the smallest batch").close_to(1, rtol=1e-9)
    found = answer(64, 48, 30.0, 5.0, 4)
    expect(isinstance(found, int | np.integer), "a whole number").is_true("Return an int.")


def _batch_size(inputs, outputs, peak, bandwidth, size=4, **habits):
    """The answer with one bad habit, named by keyword."""
    ridge = bandwidth / peak if habits.get("inverted") else peak / bandwidth
    gain = (1 if habits.get("half") else 2) * inputs * outputs
    size = 4 if habits.get("four") else size
    per_picture = size * (inputs + outputs)
    if habits.get("inputs_only"):
        per_picture = size * inputs
    if habits.get("weights_only"):
        per_picture = 0
    if habits.get("elements"):
        per_picture, size = per_picture / size, 1
    left = gain - ridge * per_picture
    fixed = 0 if habits.get("no_weights") else ridge * size * inputs * outputs
    if left < 0 or (left == 0 and not habits.get("divides")):
        return None if not habits.get("no_none") else abs(math.ceil(fixed / (left or 1)))
    exact = fixed / left
    if habits.get("floor"):
        return max(math.floor(exact), 1)
    if habits.get("above"):
        return math.floor(exact) + 1
    if habits.get("real"):
        return exact
    return max(math.ceil(exact), 1)


for _message, _name, _habits in (
    ("Your ridge is upside down: it is the peak over the bandwidth, in FLOP/byte.",
     "ridge_upside_down", {"inverted": True}),
    ("A multiplication and its addition are two FLOPs: 2 · n · inputs · outputs.",
     "one_flop_each", {"half": True}),
    ("You took 4 bytes an element whatever `size` says.", "four_bytes_each", {"four": True}),
    ("You counted elements, not bytes: multiply by `size`.", "elements_counted",
     {"elements": True}),
    ("The n · outputs numbers that are written are missing from your bytes.",
     "outputs_not_counted", {"inputs_only": True}),
    ("You counted the weights as the only bytes. Inputs and outputs move too, and they grow with "
     "the batch: that is why some layers never reach the ridge.",
     "weights_alone", {"weights_only": True}),
    ("The weights are missing from your bytes. Reading them once is what a large batch pays off.",
     "weights_not_counted", {"no_weights": True}),
    ("You rounded down. That batch is still a little too small.", "rounded_down",
     {"floor": True}),
    ("Meeting the ridge exactly is enough: round up, do not add 1 to what is whole already.",
     "above_the_ridge", {"above": True}),
    ("A batch is a whole number: round up.", "not_rounded", {"real": True}),
    ("Where no batch is large enough you still return a number. The intensity has a limit for "
     "n → ∞; where that does not exceed the ridge, return None.",
     "never_none", {"no_none": True}),
    ("Where a row gains exactly nothing you divide by 0. Then the ridge is never met either: "
     "return None for ≤ 0, not only for < 0.", "limit_divided_by", {"divides": True}),
):  # fmt: skip

    def _bad_batch(inputs, outputs, peak, bandwidth, size=4, habits=_habits):
        return _batch_size(inputs, outputs, peak, bandwidth, size, **habits)

    _bad_batch.__name__ = _name
    smallest_batch.mistake(_message)(_bad_batch)


smallest_batch.hint("Write FLOPs ≥ ridge · bytes, and collect what has an n in it on the left.")


smallest_batch.hint("n · (2io − ridge · size · (i + o)) ≥ ridge · size · i · o. What if the "
                    "bracket is 0 or negative?")  # fmt: skip


smallest_batch.hint("`math.ceil` rounds up and returns an int.", when="type")


smallest_batch.hint("Check your n, and n − 1, with FLOPs and bytes.", when="value")


smallest_batch.hint("A division by 0 means that no batch is large enough.", when="error")
