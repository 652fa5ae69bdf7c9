"""How `normalised` is judged: beside Python's own statistics."""

from __future__ import annotations

import statistics

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

normalised = Exercise("normalised", minutes=8, difficulty=1, returns=Tensor)


def _wanted(numbers) -> list[float]:
    values = numbers.double().tolist()
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    return [(value - mean) / (spread + 1e-8) for value in values]


@normalised.property("has mean 0 and spread 1", trials=6)
def _(answer, draw: Draw) -> None:
    numbers = normals(draw, draw.size + 1, scale=draw.choice([0.1, 3.0])) + draw.choice([-4.0, 2.0])
    expect(answer(numbers), "the advantages").has_shape(len(numbers)).close_to(_wanted(numbers))


@normalised.property("divides by the spread of two rows, divided by n")
def _(answer, draw: Draw) -> None:
    numbers = torch.tensor([1.0, 3.0]) * draw.uniform(1.0, 2.0)
    expect(answer(numbers), "the advantages").close_to([-1.0, 1.0])


@normalised.property("is 0 for a single row", trials=3)
def _(answer, draw: Draw) -> None:
    expect(answer(normals(draw, 1) + 2), "the advantage").has_shape(1).is_finite().close_to([0.0])


@normalised.property("is 0 where all are equal")
def _(answer, draw: Draw) -> None:
    numbers = torch.full((4,), draw.choice([0.0, 0.5, -2.0]))
    expect(answer(numbers), "the advantages").is_finite().close_to(np.zeros(4), atol=1e-6)


@normalised.property("does not depend on the units, from thousandths to thousands", trials=3)
def _(answer, draw: Draw) -> None:
    for unit in (1e-3, 1e3):
        numbers = unit * normals(draw, 5)
        expect(answer(numbers), "the advantages").close_to(_wanted(numbers))


@normalised.property("adds 1e-8 to the spread, and not to the variance", trials=2)
def _(answer, draw: Draw) -> None:
    numbers = 1e-5 * (normals(draw, 4) + torch.tensor([0.0, 1.0, 2.0, 4.0]))
    expect(answer(numbers), "the advantages").close_to(_wanted(numbers), 1e-2)


@normalised.right
def right_normalised(advantages):
    centred = advantages - advantages.mean()
    spread = (centred**2).mean().sqrt()
    return centred / (spread + 1e-8)


normalised.slip(
    "divided_by_n_minus_one",
    "Your spread divides by n − 1. For a single row that is 0/0, NaN. The page divides by n.",
    {"(centred**2).mean().sqrt()": "advantages.std()"},
)
normalised.slip(
    "sample_spread_guarded",
    "Your spread divides by n − 1. The page divides by n; of two rows that is a factor of 1.41.",
    {"(centred**2).mean().sqrt()": "((centred**2).sum() / max(len(advantages) - 1, 1)).sqrt()"},
)
normalised.slip(
    "not_centred",
    "You did not take the mean off.",
    {"return centred /": "return advantages /"},
)
normalised.slip(
    "not_scaled",
    "You did not divide by the spread.",
    {"centred / (spread + 1e-8)": "centred"},
)
normalised.slip(
    "by_the_variance",
    "You divided by the variance. Divide by its root: else the units do not drop out.",
    {".mean().sqrt()": ".mean()"},
)
normalised.slip(
    "unguarded",
    "You divide by the spread alone. Where all advantages are equal it is 0, and 0/0 is NaN.",
    {"(spread + 1e-8)": "spread"},
)
normalised.slip(
    "large_guard",
    "You add far more than 1e-8 to the spread, so small advantages stay small.",
    {"(spread + 1e-8)": "(spread + 1e-2)"},
)
normalised.slip(
    "guard_in_the_root",
    "You added 1e-8 to the variance. Under the root that is 1e-4: small advantages are damped. Add "
    "it to the spread.",
    {"(spread + 1e-8)": "(spread**2 + 1e-8).sqrt()"},
)
normalised.slip(
    "around_zero",
    "You took the root of the mean square for the spread. It is measured from the mean.",
    {"(centred**2).mean()": "(advantages**2).mean()"},
)
normalised.slip(
    "mean_deviation",
    "You took the mean absolute deviation. The spread is the root of the mean square.",
    {"(centred**2).mean().sqrt()": "centred.abs().mean()"},
)
normalised.slip(
    "between_zero_and_one",
    "You brought them between 0 and 1. Asked for is mean 0 and spread 1.",
    {"return centred / (spread + 1e-8)": "return (advantages - advantages.min()) / "
     "(advantages.max() - advantages.min() + 1e-8)"},
)  # fmt: skip
normalised.slip(
    "sign",
    "The sign is wrong: the mean is taken off the advantage.",
    {"advantages - advantages.mean()": "advantages.mean() - advantages"},
)
normalised.slip(
    "median",
    "You took the median off. It is the mean.",
    {"advantages - advantages.mean()": "advantages - advantages.median()"},
)

normalised.slip(
    "by_the_largest",
    "You divided by the largest size. Asked for is a spread of 1: divide by the standard "
    "deviation.",
    {"(spread + 1e-8)": "(advantages.abs().max() + 1e-8)"},
)
normalised.slip(
    "by_the_largest_deviation",
    "You divided by the largest deviation. Asked for is a spread of 1: divide by the "
    "standard deviation.",
    {"(spread + 1e-8)": "(centred.abs().max() + 1e-8)"},
)
normalised.slip(
    "median_and_spread",
    "You took the median off, and divided by the spread around the mean. It is the mean that "
    "is taken off.",
    {"return centred /": "return (advantages - advantages.median()) /"},
)
normalised.slip(
    "single_as_it_is",
    "You hand a single advantage back as it is. It is its own mean, so 0 comes out.",
    {"centred / (spread + 1e-8)": ("advantages * 1.0 if len(advantages) == 1 else "
         "centred / (spread + 1e-8)")},
)  # fmt: skip
normalised.slip(
    "guard_too_large",
    "Your guard is 1e-5. Small advantages are damped by it: it is 1e-8.",
    {"1e-8": "1e-5"},
)

normalised.hint("`.std()` divides by n − 1 in torch. What does it give for one row?", when="nan")
normalised.hint("Centre first. The spread is the root of the mean of the squares of that.")

normalised.equivalent(
    "`return centred / (spread + 1e-08)` → `return centred / (spread - 1e-08)`",
    because="it is far below what is compared, and a spread of 0 has nothing to divide",
)

normalised.equivalent(
    "`return centred / (spread + 1e-08)` → `return centred / (spread + 2e-08)`",
    because="it is far below what is compared, and a spread of 0 has nothing to divide",
)
