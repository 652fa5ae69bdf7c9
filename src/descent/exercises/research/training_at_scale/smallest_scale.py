"""How `smallest_scale` is judged: by the two ends of float16, worked out in float64."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

smallest_scale = Exercise("smallest_scale", minutes=20, difficulty=2, returns=float | None)

LOST = 2.0**-25  # it lies half-way between 0 and the smallest number, and goes to 0
OVERFLOWS = 65520.0  # half-way between the largest number and what would come next


def _oracle(gradients: Tensor, share: float) -> float | None:
    """From the smallest exponent that saves enough; None where that overflows."""
    sizes = np.sort(np.abs(gradients.double().flatten().numpy()))
    if not np.isfinite(sizes).all():
        return None
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return 1.0
    may_go = math.floor(share * len(sizes) + 1e-9)
    first_kept = sizes[may_go] if may_go < len(sizes) else math.inf
    k = 0
    while first_kept * 2.0**k <= LOST:
        k += 1
    return 2.0**k if k <= 24 and sizes[-1] * 2.0**k < OVERFLOWS else None


def _gradients(draw: Draw, count: int, low: float, high: float) -> Tensor:
    """Sizes spread evenly over powers of two from 2^low to 2^high, of either sign."""
    sizes = 2.0 ** draw.rng.uniform(low, high, size=count)
    return torch.tensor(sizes * draw.rng.choice([-1.0, 1.0], size=count), dtype=torch.float32)


def _expect(answer, gradients: Tensor, share: float, name: str = "the scale") -> None:
    expect(answer(gradients, share), name).equals(_oracle(gradients, share))


@smallest_scale.property("loses no more than the share that may be lost", trials=6)
def _(answer, draw: Draw) -> None:
    for share in (0.0, 0.125, 0.5):
        _expect(answer, _gradients(draw, 8 * (1 + draw.size), -34, -16), share)


@smallest_scale.property("is 1 where nothing needs saving", trials=3)
def _(answer, draw: Draw) -> None:
    _expect(answer, _gradients(draw, 4 + draw.size, -22, 3), 0.0)
    _expect(answer, torch.tensor([0.5, -65510.0]), 0.0, "the scale for one that rounds to 65 504")
    _expect(answer, torch.zeros(4), 0.0, "the scale for gradients of 0")
    _expect(answer, torch.zeros(0), 0.25, "the scale for no gradients")


@smallest_scale.property("counts numbers below the smallest normal one as saved", trials=3)
def _(answer, draw: Draw) -> None:
    _expect(answer, _gradients(draw, 6, -24, -15), 0.0)


@smallest_scale.property("leaves exact zeros out of the count", trials=3)
def _(answer, draw: Draw) -> None:
    gradients = torch.cat([_gradients(draw, 8, -32, -20), torch.zeros(5 + draw.size)])
    for share in (0.0, 0.25):
        _expect(answer, gradients, share)


@smallest_scale.property("is None where that scale makes another gradient infinite", trials=3)
def _(answer, draw: Draw) -> None:
    small = _gradients(draw, 6, -40, -34)
    for high in (6.0, 1.0):
        large = _gradients(draw, 3, high, high + 4)
        for share in (0.0, 0.5, 0.75):
            _expect(answer, torch.cat([large, small]), share)


@smallest_scale.property("is None where even 2²⁴ is too little", trials=2)
def _(answer, draw: Draw) -> None:
    _expect(answer, _gradients(draw, 5, -60, -51), 0.1)
    _expect(answer, torch.tensor([2.0**-49, -(2.0**-49)]), 0.0)
    _expect(answer, torch.tensor([2.0**-48, -(2.0**-48)]), 0.0)
    _expect(answer, _gradients(draw, 5, -48.9, -48.1), 0.0)


@smallest_scale.property("is None for gradients that are infinite or NaN already", trials=1)
def _(answer, draw: Draw) -> None:
    for value in (math.inf, -math.inf, math.nan):
        gradients = torch.cat([_gradients(draw, 4, -12, -2), torch.tensor([value])])
        _expect(answer, gradients, 0.5, f"the scale for gradients with {value}")


@smallest_scale.property("takes gradients of any shape", trials=1)
def _(answer, draw: Draw) -> None:
    _expect(answer, _gradients(draw, 24, -36, -18).view(2, 3, 4), 0.25)


@smallest_scale.right
def right_scale(gradients, share):
    nonzero = gradients[gradients != 0]
    for power in range(25):
        scaled = (nonzero * 2.0**power).half()
        lost = (scaled == 0).sum()
        fits = scaled.isfinite().all()
        if fits and lost <= share * len(nonzero):
            return 2.0**power
    return None


smallest_scale.slip(
    "zeros_counted_as_lost",
    "You count gradients that are 0 to begin with. They lose nothing: leave them out.",
    {"gradients[gradients != 0]": "gradients.flatten()"},
)
smallest_scale.slip(
    "share_of_all",
    "You took the share of all gradients, those that are 0 to begin with among them. It is the "
    "share of the others.",
    {"share * len(nonzero)": "share * gradients.numel()"},
)
smallest_scale.slip(
    "normal_numbers_only",
    "You count everything below 6 · 10⁻⁵ as lost. That is the smallest *normal* number; below it "
    "float16 goes on, less exactly, down to 6 · 10⁻⁸.",
    {"(scaled == 0)": "(scaled.abs() < 2.0**-14)"},
)
smallest_scale.slip(
    "down_to_the_smallest",
    "You count everything below 2⁻²⁴ as lost. What is more than half of that is rounded up to it, "
    "and saved.",
    {"(scaled == 0)": "(nonzero.abs() * 2.0**power < 2.0**-24)"},
)
smallest_scale.slip(
    "half_way_saved",
    "Exactly half of 2⁻²⁴ is rounded to 0, the even neighbour: it is lost.",
    {"(scaled == 0)": "(nonzero.abs() * 2.0**power < 2.0**-25)"},
)
smallest_scale.slip(
    "rounded_first",
    "You turn the gradients into float16 and scale them then. What has become 0 stays 0 at any "
    "scale: scale in float32 first.",
    {"(nonzero * 2.0**power).half()": "nonzero.half() * 2.0**power"},
)
smallest_scale.slip(
    "nan_let_through",
    "You look for infinity only. NaN is no gradient either: ask isfinite.",
    {"scaled.isfinite().all()": "not scaled.isinf().any()"},
)
smallest_scale.slip(
    "largest_before_rounding",
    "You compare with 65 504 before rounding. What is a little larger is rounded down to it, and "
    "finite.",
    {"scaled.isfinite().all()": ("(nonzero.abs() * 2.0**power <= 65504).all()")},
)
smallest_scale.slip(
    "overflow_ignored",
    "You look at the small gradients only. The same scale may make a large one infinite.",
    {"scaled.isfinite().all()": "True"},
)
smallest_scale.slip(
    "positive_overflow_only",
    "You look for gradients that are too large and positive. A negative one overflows too.",
    {"scaled.isfinite().all()": "(scaled < torch.inf).all()"},
)
smallest_scale.slip(
    "fewer_than_the_share",
    "You ask for less than the share. As much as the share may be lost; with share 0 nothing.",
    {"lost <= share": "lost < share"},
)
smallest_scale.slip(
    "largest_scale",
    "That is the largest scale that does. The smallest leaves more room before an overflow.",
    {"range(25)": "reversed(range(25))"},
)
smallest_scale.slip(
    "never_1",
    "You begin at 2. Where nothing needs saving the scale is 1.",
    {"range(25)": "range(1, 25)"},
)
smallest_scale.slip(
    "one_power_short",
    "2²⁴ may be tried as well.",
    {"range(25)": "range(24)"},
)
smallest_scale.slip(
    "one_for_none",
    "Where no scale does, say None. A scale of 1 would claim that it does.",
    {"return None": "return 1.0"},
)
smallest_scale.slip(
    "mean_of_nothing",
    "Where all gradients are 0, or there are none, nothing needs saving: the scale is 1.0. A share "
    "of nothing is 0/0, and NaN is never small enough.",
    {"lost <= share * len(nonzero)": "(scaled == 0).float().mean() <= share"},
)
smallest_scale.slip(
    "infinite_left_out",
    "You leave infinite gradients and NaN out. No scale makes them finite: the answer is None.",
    {"gradients[gradients != 0]": "gradients[(gradients != 0) & gradients.isfinite()]"},
)
smallest_scale.slip(
    "share_to_be_saved",
    "You take `share` for what has to be saved. It is what may be lost at most.",
    {"lost <= share * len(nonzero)": "len(nonzero) - lost >= share * len(nonzero)"},
)
smallest_scale.slip(
    "exponent_returned",
    "You return the exponent. The scale is 2 to that power.",
    {"return 2.0**power": "return float(power)"},
)
smallest_scale.slip(
    "normal_limit_and_zeros",
    "You count zeros, and what is below the smallest normal number, as lost. Zeros lose nothing, "
    "and float16 goes on below 6 · 10⁻⁵.",
    {
        "gradients[gradients != 0]": "gradients.flatten()",
        "(scaled == 0)": "(scaled.abs() < 2.0**-14)",
    },
)
smallest_scale.slip(
    "positive_only",
    "You look at positive gradients only.",
    {"gradients[gradients != 0]": "gradients[gradients > 0]"},
)

smallest_scale.hint("Try the powers in turn, and let `.half()` tell you what is lost.")
smallest_scale.hint("Two things can go wrong with a scale. Which gradients show each of them?")
smallest_scale.hint(
    "Take the gradients that are not 0, multiply, convert, count those that are 0 now; and ask "
    "whether all are finite. The first power that passes both is the answer.",
)
smallest_scale.hint("What does share 0 allow?", when="none")
