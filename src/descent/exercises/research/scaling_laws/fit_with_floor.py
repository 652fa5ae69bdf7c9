"""How `fit_with_floor` is judged: laws with a floor that the grader knows, and what is refused."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar, nnls

from descent.exercises.studies import PowerLaw, refuses
from descent.grading import Draw, Exercise, expect

from .shared import settled, three_digits

fit_with_floor = Exercise(
    "fit_with_floor", minutes=30, difficulty=3, returns=tuple[float, float, float]
)


def _law(draw: Draw) -> PowerLaw:
    return PowerLaw(draw.uniform(0.8, 6.0), draw.uniform(0.25, 0.9), draw.uniform(0.4, 2.0))


def _points(draw: Draw, count: int) -> np.ndarray:
    return draw.rng.permutation(draw.uniform(0.5, 2.0) * np.logspace(0.0, 2.5, count))


def _expect_near(number: float, name: str, wanted: float, rtol: float, atol: float = 0.0) -> None:
    slack = atol + rtol * abs(wanted)
    seen = settled(number, wanted - slack, wanted + slack)
    expect(seen, name).close_to(wanted, rtol=rtol, atol=atol)


def _expect_between(number: float, name: str, low: float, high: float) -> None:
    expect(settled(number, low, high), name).is_between(low, high)


@fit_with_floor.property("finds an exact law again, from points in any order", trials=4)
def _(answer, draw: Draw) -> None:
    law = _law(draw)
    x = _points(draw, draw.size + 6)
    floor, scale, exponent = answer(x, law(x))
    _expect_near(floor, "the floor", law.floor, rtol=0.01)
    _expect_near(exponent, "the exponent", law.exponent, rtol=0.02)
    _expect_near(scale, "the scale", law.scale, rtol=0.01)


@fit_with_floor.property("finds a floor of 0 where there is none", trials=3)
def _(answer, draw: Draw) -> None:
    law = PowerLaw(draw.uniform(0.8, 6.0), draw.uniform(0.3, 0.6))
    x = _points(draw, 12)
    floor, _, exponent = answer(x, law(x))
    _expect_between(floor, "the floor", 0.0, 0.02 * law.scale)
    _expect_near(exponent, "the exponent", law.exponent, rtol=0.03)


@fit_with_floor.property("never has a floor below 0, whatever the noise", trials=6)
def _(answer, draw: Draw) -> None:
    law = PowerLaw(draw.uniform(0.8, 6.0), draw.uniform(0.25, 0.5))
    x = _points(draw, 8)
    y = law.measured(x, 0.2, draw)

    def height(exponent):
        rows = np.column_stack([1 / y, x**-exponent / y])
        return nnls(rows, np.ones(len(y)))[1]

    exponents = np.linspace(0.01, 2.0, 200)
    wanted = exponents[np.argmin([height(exponent) for exponent in exponents])]
    near = max(wanted - 0.01, 0.01), min(wanted + 0.01, 2.0)
    wanted = float(minimize_scalar(height, bounds=near, method="bounded").x)
    floor, scale, exponent = answer(x, y)
    below = three_digits(min(floor, 0.0))
    expect(below, "the floor, or 0 where it is above").is_between(0.0, np.inf)
    _expect_near(exponent, "the exponent", wanted, rtol=2e-3, atol=1e-3)
    reached = float(np.linalg.norm((floor + scale * x**-exponent) / y - 1) / height(wanted))
    name = "the root of the sum of squares, as a multiple of the lowest"
    expect(settled(reached, 0.0, 1.0005), name).is_below(1.0005)


@fit_with_floor.property("keeps the exponent at 2 or below")
def _(answer, draw: Draw) -> None:
    x = _points(draw, 8)
    _expect_between(answer(x, 3.0 * x**-3.0)[2], "the exponent", 1.9, 2.0)


@fit_with_floor.property("weighs every point by its relative error", trials=3)
def _(answer, draw: Draw) -> None:
    law = PowerLaw(draw.uniform(3.0, 6.0), draw.uniform(0.6, 0.9), draw.uniform(0.4, 0.8))
    x = np.repeat(np.logspace(0.0, 3.0, 10), 6)
    y = law.measured(x, 0.03, draw)

    # The lowest sum of relative squares that a search finds, over the exponent alone.
    def best(exponent):
        rows = np.column_stack([1 / y, x**-exponent / y])
        return rows, np.linalg.lstsq(rows, np.ones(len(y)), rcond=None)[0]

    def height(exponent):
        rows, found = best(exponent)
        return ((rows @ found - 1) ** 2).sum()

    exponents = np.linspace(0.2, 1.6, 281)
    wanted = exponents[np.argmin([height(exponent) for exponent in exponents])]
    found = minimize_scalar(height, bounds=(wanted - 0.01, wanted + 0.01), method="bounded")
    floor, _, exponent = answer(x, y)
    _expect_near(floor, "the floor", best(found.x)[1][0], rtol=0.01)
    _expect_near(exponent, "the exponent", float(found.x), rtol=0.02)


@fit_with_floor.property(
    "refuses fewer than five points, or losses that are not positive", trials=2
)
def _(answer, draw: Draw) -> None:
    law, x = _law(draw), np.array([1.0, 4.0, 30.0, 200.0])
    refuses(answer, x, law(x), because="four points, which three numbers fit nearly always")
    x = np.array([1.0, 4.0, 30.0, 100.0, 200.0])
    for bad in (0.0, -1.0):
        losses = law(x) * np.array([1, 1, 1, 1, bad])
        refuses(answer, x, losses, because=f"a loss of {bad + 0.0:g} times what it was")
    _expect_near(answer(x, law(x))[0], "the floor from five points", law.floor, rtol=0.02)


@fit_with_floor.right
def right_floor(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(y) < 5 or np.any(y <= 0):
        raise ValueError("too few, or not positive")

    def solved(exponent):
        rows = np.column_stack([1 / y, x**-exponent / y])
        floor, scale = np.linalg.lstsq(rows, np.ones(len(y)), rcond=None)[0]
        if floor < 0:
            floor, scale = 0.0, rows[:, 1].sum() / (rows[:, 1] @ rows[:, 1])
        return floor, scale, ((floor * rows[:, 0] + scale * rows[:, 1] - 1) ** 2).sum()

    found = minimize_scalar(
        lambda a: solved(a)[2], bounds=(0.01, 2.0), method="bounded", options={"xatol": 1e-7}
    )
    floor, scale, _ = solved(found.x)
    return float(floor), float(scale), float(found.x)


fit_with_floor.slip(
    "absolute_errors",
    "You minimised absolute errors, so the large losses of the cheap runs outweigh the rest. "
    "Divide each error by its loss.",
    {
        "np.column_stack([1 / y, x**-exponent / y])": (
            "np.column_stack([np.ones(len(y)), x**-exponent])"
        ),
        "np.ones(len(y)), rcond": "y, rcond",
        "rows[:, 1].sum() /": "rows[:, 1] @ y /",
        "scale * rows[:, 1] - 1)": "scale * rows[:, 1] - y)",
    },
)
fit_with_floor.slip(
    "floor_below_zero",
    "Your floor can be negative. No loss is: fit without a floor where it would be.",
    {"floor < 0": "False"},
)
fit_with_floor.slip(
    "floor_cut_after_the_fit",
    "You set a negative floor to 0 and kept the scale that belonged to it. Fit the scale again.",
    {"floor, scale = 0.0, rows[:, 1].sum() / (rows[:, 1] @ rows[:, 1])": "floor = 0.0"},
)
fit_with_floor.slip(
    "order",
    "You returned the exponent first. The order is floor, scale, exponent.",
    {
        "return float(floor), float(scale), "
        "float(found.x)": "return float(found.x), float(scale), float(floor)"
    },
)
fit_with_floor.slip(
    "four_points",
    "You fitted four points with three numbers. That leaves nearly nothing to be wrong by: refuse "
    "fewer than five.",
    {"len(y) < 5": "len(y) < 4"},
)
fit_with_floor.slip(
    "negative_losses",
    "A loss of 0 or below went into the fit. A relative error needs positive "
    "losses: raise ValueError.",
    {" or np.any(y <= 0)": ""},
)


@fit_with_floor.mistake(
    "You took the smallest loss for the floor. The floor lies *below* every loss measured."
)
def smallest_loss(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(y) < 5 or np.any(y <= 0):
        raise ValueError("too few, or not positive")
    floor = y.min()
    rest = y > floor
    slope, height = np.polyfit(np.log(x[rest]), np.log(y[rest] - floor), 1)
    return float(floor), float(np.exp(height)), float(-slope)


@fit_with_floor.mistake(
    "You fitted a straight line in logarithms, with a floor of 0. With a floor the curve bends."
)
def no_floor(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if len(y) < 5 or np.any(y <= 0):
        raise ValueError("too few, or not positive")
    slope, height = np.polyfit(np.log(x), np.log(y), 1)
    return 0.0, float(np.exp(height)), float(-slope)


fit_with_floor.slip(
    "errors_over_roots",
    "You divided each error by the root of its loss. Relative errors are divided by the loss "
    "itself.",
    {
        "np.column_stack([1 / y, x**-exponent / y])": (
            "np.column_stack([y**-0.5, x**-exponent * y**-0.5])"
        ),
        "np.ones(len(y)), rcond": "y**0.5, rcond",
        "rows[:, 1].sum() /": "rows[:, 1] @ y**0.5 /",
        "scale * rows[:, 1] - 1)": "scale * rows[:, 1] - y**0.5)",
    },
)
fit_with_floor.slip(
    "floor_cut_at_the_end",
    "You fitted with a negative floor, and set it to 0 at the very end. Scale and exponent still "
    "belong to the negative one: fit both again without a floor.",
    {
        "if floor < 0:": "if False:",
        "float(floor), float(scale)": "float(max(floor, 0.0)), float(scale)",
    },
)
fit_with_floor.slip(
    "scale_first",
    "You returned scale, exponent, floor. The order is floor, scale, exponent.",
    {
        "return float(floor), float(scale), "
        "float(found.x)": "return float(scale), float(found.x), float(floor)"
    },
)
fit_with_floor.slip(
    "scale_before_floor",
    "You returned the scale first. The order is floor, scale, exponent.",
    {
        "return float(floor), float(scale), "
        "float(found.x)": "return float(scale), float(floor), float(found.x)"
    },
)
fit_with_floor.slip(
    "slope_returned",
    "Your exponent is negative. The law is floor + scale · x^(−exponent), so what falls has a "
    "positive one.",
    {"float(scale), float(found.x)": "float(scale), float(-found.x)"},
)
fit_with_floor.slip(
    "exponent_up_to_one",
    "Your search ends at an exponent of 1. The page asks for one between 0.01 and 2.",
    {"bounds=(0.01, 2.0)": "bounds=(0.01, 1.0)"},
)
fit_with_floor.slip(
    "nothing_refused",
    "You refuse nothing. Fewer than five points, or a loss that is not positive: raise ValueError.",
    {"if len(y) < 5 or np.any(y <= 0):": "if False:"},
)


_SEARCH = "found = minimize_scalar(lambda exponent: solved(exponent)[2], bounds=(%s, 2.0)%s)"
fit_with_floor.equivalent(
    f"`{_SEARCH % ('0.01', ', method=' + repr('bounded'))}` → `{_SEARCH % ('0.01', '')}`",
    because="with bounds, scipy takes the bounded search by itself",
)
fit_with_floor.equivalent(
    f"`{_SEARCH % ('0.01', ', method=' + repr('bounded'))}` → "
    f"`{_SEARCH % ('0.02', ', method=' + repr('bounded'))}`",
    because="a law as flat as that cannot be told from a floor",
)
fit_with_floor.equivalent(
    "`if floor < 0:` → `if floor <= 0:`", because="with a floor of 0 both fits are the same"
)
fit_with_floor.equivalent(
    "`if len(y) < 5 or np.any(y <= 0):` → `if len(y) < 5 or np.any(y < 0):`",
    because="a loss of 0 is divided by, and numpy's LinAlgError is a ValueError",
)
_SUM = "return (floor, scale, float(((parts @ [floor, scale] - %s) ** 2).%s()))"
fit_with_floor.equivalent(
    f"`{_SUM % (1, 'sum')}` → `{_SUM % (1, 'mean')}`", because="it is lowest at the same exponent"
)
fit_with_floor.equivalent(
    f"`{_SUM % (1, 'sum')}` → `{_SUM % (2, 'sum')}`",
    because="residuals of least squares add up to minus their squares, so it is lowest at the same",
)
fit_with_floor.hint(
    "With the exponent known, floor and scale are a *linear* least-squares "
    "problem. So search over the exponent alone."
)
fit_with_floor.hint("`scipy.optimize.minimize_scalar` with bounds searches over one number.")
fit_with_floor.hint("A relative error is floor/y + scale·x^(−a)/y − 1.", when="value")
