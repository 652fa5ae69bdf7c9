"""How `smallest_batch` is judged."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

from descent.grading import Draw, Exercise, expect

smallest_batch = Exercise("smallest_batch", minutes=12, difficulty=2, returns=int | None)


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
    inputs, outputs, peak, bandwidth, size = _layer(draw, draw.uniform(0.2, 0.75))
    right = _searched(inputs, outputs, Fraction(peak, bandwidth), size)
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found, "the smallest batch").close_to(right, rtol=1e-9)


@smallest_batch.property("takes 4 bytes an element where no size is given", trials=2)
def _(answer, draw: Draw) -> None:
    # The ridge is 10: 2n·64·64 ≥ 10 · 4 (128n + 4096) from n = 53.3 on.
    found = answer(64, 64, 30.0, 3.0)
    expect(found, "the smallest batch").close_to(54, rtol=1e-9)


@smallest_batch.property("counts a batch that meets the ridge exactly", trials=3)
def _(answer, draw: Draw) -> None:
    # With equal widths w, n = w/2 and 2 bytes: 2n·w / (2 (2n + w)) = w/4.
    width, bandwidth = 2 ** draw.integers(3, 9), draw.choice([1, 2, 4])
    found = answer(width, width, float(width // 4 * bandwidth), float(bandwidth), 2)
    expect(found, "the smallest batch").close_to(width // 2, rtol=1e-9)


@smallest_batch.property("finds a batch of more than a hundred thousand", trials=1)
def _(answer, draw: Draw) -> None:
    # The ridge is 1/2048 below the limit of 8: 2·16·16·n ≥ (8 − 1/2048) · 2 (32n + 256).
    found = answer(16, 16, 8 - 1 / 2048, 1.0, 2)
    words = "It says that there is none. There is one, and it is large: 131064."
    expect(found is not None, "whether there is one").is_true(words)
    expect(found, "the smallest batch, near the limit").close_to(131064, rtol=1e-4)


@smallest_batch.property("is None where no batch is large enough", trials=4)
def _(answer, draw: Draw) -> None:
    inputs, outputs, peak, bandwidth, size = _layer(draw, draw.choice([1.2, 3.0]))
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found is None, "whether it is None").is_true(
        "However large this batch is, its intensity stays below the ridge: the answer is None."
    )


@smallest_batch.property("is None where the intensity nears the ridge and never meets it", trials=1)
def _(answer, draw: Draw) -> None:
    found = answer(16, 16, 8.0, 2.0, 4)  # 2·w·w / (4 · 2w) = w/4
    expect(found is None, "whether it is None at the limit").is_true(
        "The intensity comes as near to the ridge as you like and never meets it: None."
    )


@smallest_batch.property("is at least 1", trials=2)
def _(answer, draw: Draw) -> None:
    found = answer(64, 64, 0.01, 5.0, 4)
    expect(found, "the smallest batch").close_to(1, rtol=1e-9)


@smallest_batch.right
def right_batch(inputs, outputs, peak, bandwidth, size=4):
    ridge = peak / bandwidth
    gained = 2 * inputs * outputs - ridge * size * (inputs + outputs)
    if gained <= 0:
        return None
    weights = ridge * size * inputs * outputs
    return max(math.ceil(weights / gained), 1)


_GUARD = "    if gained <= 0:\n        return None\n"


smallest_batch.slip(
    "ridge_upside_down",
    "Your ridge is upside down: it is the peak over the bandwidth, in FLOP/byte.",
    {"peak / bandwidth": "bandwidth / peak"},
)
smallest_batch.slip(
    "one_flop_each",
    "A multiplication and its addition are two FLOPs: 2 · n · inputs · outputs.",
    {"2 * inputs": "inputs"},
)
smallest_batch.slip(
    "four_bytes_each",
    "You took 4 bytes an element whatever `size` says.",
    {"    ridge = ": "    size = 4\n    ridge = "},
)
smallest_batch.slip(
    "elements_counted",
    "You counted elements, not bytes: multiply by `size`.",
    {"    ridge = ": "    size = 1\n    ridge = "},
)
smallest_batch.slip(
    "outputs_not_counted",
    "The n · outputs numbers that are written are missing from your bytes.",
    {"(inputs + outputs)": "inputs"},
)
smallest_batch.slip(
    "inputs_not_counted",
    "The n · inputs numbers that are read are missing from your bytes.",
    {"(inputs + outputs)": "outputs"},
)
smallest_batch.slip(
    "brackets_forgotten",
    "Brackets are missing: ridge · size multiplies inputs and outputs, not the first alone.",
    {"size * (inputs + outputs)": "size * inputs + outputs"},
)
smallest_batch.slip(
    "weights_alone",
    "You counted the weights as the only bytes. Inputs and outputs move too, and they grow with "
    "the batch: that is why some layers never reach the ridge.",
    {" - ridge * size * (inputs + outputs)": ""},
)
smallest_batch.slip(
    "weights_not_counted",
    "The weights are missing from your bytes. Reading them once is what a large batch pays off.",
    {"ridge * size * inputs * outputs": "0"},
)
smallest_batch.slip(
    "rounded_down",
    "You rounded down. That batch is still a little too small.",
    {"math.ceil": "math.floor"},
)
smallest_batch.slip(
    "above_the_ridge",
    "Meeting the ridge exactly is enough: round up, do not add 1 to what is whole already.",
    {"max(math.ceil(weights / gained), 1)": "math.floor(weights / gained) + 1"},
)
smallest_batch.slip(
    "never_none",
    "Where no batch is large enough you return a number, or divide by 0. The intensity has a limit "
    "for n → ∞; where that does not exceed the ridge, return None.",
    {_GUARD: ""},
)
smallest_batch.slip(
    "none_at_the_limit_alone",
    "Where no batch is large enough you still return a number. The bracket before n is negative "
    "there: return None for ≤ 0, not only for 0.",
    {"gained <= 0": "gained == 0"},
)
smallest_batch.slip(
    "limit_divided_by",
    "Where a row gains exactly nothing you divide by 0. Then the ridge is never met either: "
    "return None for ≤ 0, not only for < 0.",
    {"gained <= 0": "gained < 0"},
)


@smallest_batch.mistake(
    "Your search ends too early: you say that there is no batch where there is a large one. Near "
    "the limit n grows without bound. Solve for n, or ask the limit whether there is one."
)
def search_ends(inputs, outputs, peak, bandwidth, size=4):
    n = right_batch(inputs, outputs, peak, bandwidth, size)
    return n if n is None or n < 1000 else None


smallest_batch.hint("Write FLOPs ≥ ridge · bytes, and collect what has an n in it on the left.")
smallest_batch.hint("n · (2io − ridge · size · (i + o)) ≥ ridge · size · i · o. What if the "
                    "bracket is 0 or negative?")  # fmt: skip
smallest_batch.hint("`math.ceil` rounds up and returns an int.", when="type")
smallest_batch.hint("Check your n, and n − 1, with FLOPs and bytes.", when="value")
smallest_batch.hint("A division by 0 means that no batch is large enough.", when="error")
