"""How `log_slope` is judged."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

from descent.exercises.studies import (
    Case,
    PowerLaw,
    covers_as_often_as_it_says,
    does_not_refuse,
    refuses,
    spread_over,
)
from descent.grading import Draw, Exercise, expect

log_slope = Exercise("log_slope", minutes=25, difficulty=3, returns=tuple[float, float, float])


def _fitted(x, y, level: float) -> tuple[float, float, float]:
    """Numpy's polynomial fit of degree 1, and the interval from its covariance."""
    (slope, _), covariance = np.polyfit(np.log10(x), np.log10(y), 1, cov=True)
    reach = _quantile(level, len(x) - 2) * np.sqrt(covariance[0, 0])
    return slope, slope - reach, slope + reach


@cache
def _quantile(level: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, freedom))


def _data(draw: Draw, count: int, noise: float, decades: float = 3.0):
    law = PowerLaw(draw.uniform(0.5, 20), draw.uniform(-1.2, 1.2))
    x = spread_over(draw, count, decades, draw.choice([0.125, 1.0, 40.0]))
    return law, x, law.measured(x, noise, draw)


@log_slope.property("recovers an exponent exactly where there is no noise")
def _(answer, draw: Draw) -> None:
    law, x, y = _data(draw, draw.size + 2, 0.0)
    slope, low, high = answer(x, y)
    expect(slope, "the slope").close_to(-law.exponent, rtol=1e-6, atol=1e-8)
    expect(low, "the lower end").close_to(-law.exponent, rtol=1e-5, atol=1e-6)
    expect(high, "the upper end").close_to(-law.exponent, rtol=1e-5, atol=1e-6)


@log_slope.property("fits all points, at every level", trials=5)
def _(answer, draw: Draw) -> None:
    _, x, y = _data(draw, draw.size + 2, 0.4)
    for level in (0.95, 0.5):
        given = answer(x, y, level)
        for name, number, wanted in zip(
            ("the slope", "the lower end", "the upper end"),
            given,
            _fitted(x, y, level),
            strict=True,
        ):
            expect(number, f"{name} at level {level}").close_to(wanted, rtol=1e-5, atol=1e-7)
    expect(answer(x, y)[1], "the lower end where no level is given").close_to(
        _fitted(x, y, 0.95)[1], rtol=1e-5, atol=1e-7
    )


@log_slope.property("has intervals that cover as often as they say", trials=1)
def _(answer, draw: Draw) -> None:
    cases = []
    for _ in range(80):
        law, x, y = _data(draw, 5, 0.3)
        _, low, high = _fitted(x, y, 0.9)
        cases.append(Case((x, y, 0.9), -law.exponent, (low, high)))

    def interval(x, y, level):
        _, low, high = answer(x, y, level)
        return low, high

    covers_as_often_as_it_says(interval, cases, 0.9)


@log_slope.property("takes lists as well as arrays, and a decade exactly", trials=2)
def _(answer, draw: Draw) -> None:
    y = [draw.uniform(1, 2), draw.uniform(2, 4), draw.uniform(4, 9)]
    given = does_not_refuse(answer, [1, 3, 10], y, although="three points over exactly a decade")
    slope = given[0] if given is not None else 0.0
    expect(slope, "the slope").close_to(_fitted([1, 3, 10], y, 0.95)[0], rtol=1e-6)


@log_slope.property("is refused with fewer than three points", trials=1)
def _(answer, draw: Draw) -> None:
    refuses(answer, [1.0, 100.0], [2.0, 3.0], because="two points")
    refuses(answer, [], [], because="no points")


@log_slope.property("is refused over less than a decade", trials=2)
def _(answer, draw: Draw) -> None:
    for low in (0.01, 1.0, 30.0):
        x = low * np.array([draw.uniform(8, 9.9), 1, 2, 3, 5])
        refuses(answer, x, [3.0, 4.0, 6.0, 8.0, 9.0], because="less than a decade")


@log_slope.property("is refused where there is no logarithm", trials=2)
def _(answer, draw: Draw) -> None:
    x, y = np.array([1.0, 5.0, 30.0, 90.0]), np.array([1.0, 2.0, 3.0, 4.0])
    place = draw.integers(0, 4)
    for bad in (0.0, -2.0, np.nan, np.inf):
        spoiled = y.copy()
        spoiled[place] = bad
        refuses(answer, x, spoiled, because=f"a value of {bad}")
        refuses(answer, np.where(np.arange(4) == place, bad, x), y, because=f"an x of {bad}")


@log_slope.right
def right_slope(x, y, level=0.95):
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    both = np.concatenate([x, y])
    if len(x) < 3:
        raise ValueError("fewer than three points")
    if not (np.isfinite(both) & (both > 0)).all():
        raise ValueError("there is no logarithm of these")
    if x.max() < 10 * x.min():
        raise ValueError("less than a decade")
    u, v = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = (u @ v) / (u @ u)
    rest = v - slope * u
    error = np.sqrt(rest @ rest / (len(x) - 2) / (u @ u))
    reach = stats.t.ppf((1 + level) / 2, len(x) - 2) * error
    return float(slope), float(slope - reach), float(slope + reach)


log_slope.slip(
    "no_logarithms",
    "You fitted a straight line to the values. A power law is straight in the logarithms of both.",
    {"np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()": "x - x.mean(), y - y.mean()"},
)
log_slope.slip(
    "one_logarithm",
    "You took the logarithm of y only. That fits an exponential; a power law needs both.",
    {"np.log(x) - np.log(x).mean()": "x - x.mean()"},
)
log_slope.slip(
    "through_the_origin",
    "Your line goes through the origin of the logarithms: it has no free scale. Take the means off "
    "first.",
    {"np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()": "np.log(x), np.log(y)"},
)
log_slope.slip(
    "normal_quantile",
    "You took 1.96 or another quantile of the normal distribution. The spread is estimated from a "
    "few points too: Student's t with n − 2 degrees of freedom is wider.",
    {"stats.t.ppf((1 + level) / 2, len(x) - 2)": "stats.norm.ppf((1 + level) / 2)"},
)
log_slope.slip(
    "one_sided",
    "Your interval leaves 1 − level out on each side. Half of it belongs to either side: "
    "the quantile at (1 + level)/2.",
    {"(1 + level) / 2": "level"},
)
log_slope.slip(
    "n_degrees",
    "You divided the squared residuals by n. Two of the points' freedoms went into the line: n − "
    "2.",
    {"rest @ rest / (len(x) - 2)": "rest @ rest / len(x)"},
)
log_slope.slip(
    "spread_of_points",
    "Your interval has the spread of the points about the line. The slope is known better: "
    "divide by "
    "the root of Σ(u − ū)² too.",
    {" / (u @ u))\n": ")\n"},
)
log_slope.slip(
    "two_points_fitted",
    "You fit a line to two points. It always goes through both, and nothing is left to judge it "
    "by: "
    "raise a ValueError.",
    {"if len(x) < 3:": "if len(x) in (1, 2):\n        return 0.0, 0.0, 0.0\n    if len(x) < 3:"},
)
log_slope.slip(
    "any_range",
    "You fit points that lie within less than a decade. Over so short a range everything looks "
    "like "
    "a power law: raise a ValueError.",
    {"if x.max() < 10 * x.min()": "if False"},
)
log_slope.slip(
    "decade_of_y",
    "You measure the range of y. It is x that has to span a decade.",
    {"if x.max() < 10 * x.min()": "if y.max() < 10 * y.min()"},
)
log_slope.slip(
    "bad_values_left_out",
    "You leave out values without a logarithm and fit the others. A 0 or an infinity among "
    "measurements says that something went wrong: raise a ValueError.",
    {
        '        raise ValueError("there is no logarithm of these")':
        "        keep = np.isfinite(x * y) & (x > 0) & (y > 0)\n        x, y = x[keep], y[keep]",
    },
)  # fmt: skip


@log_slope.mistake(
    "You took the slope of two neighbours. Noise moves a single pair by more than the exponents "
    "differ: fit all points."
)
def two_neighbours(x, y, level=0.95):
    _, low, high = right_slope(x, y, level)
    order = np.argsort(np.asarray(x, dtype=float))
    u, v = np.log(np.asarray(x, dtype=float)[order]), np.log(np.asarray(y, dtype=float)[order])
    slope = float((v[1] - v[0]) / (u[1] - u[0]))
    return slope, slope - (high - low) / 2, slope + (high - low) / 2


@log_slope.mistake(
    "You joined the first point and the last. The others say how far to trust that, and they "
    "have a "
    "vote: fit all points."
)
def first_and_last(x, y, level=0.95):
    _, low, high = right_slope(x, y, level)
    u, v = np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float))
    a, b = int(np.argmin(u)), int(np.argmax(u))
    slope = float((v[b] - v[a]) / (u[b] - u[a]))
    return slope, slope - (high - low) / 2, slope + (high - low) / 2


def _other_quantile(x, y, level, quantile):
    """The right interval with another number in the place of Student's quantile."""
    slope, low, high = right_slope(x, y, level)
    error = (high - low) / 2 / stats.t.ppf((1 + level) / 2, len(x) - 2)
    return slope, float(slope - quantile * error), float(slope + quantile * error)


def _other_slope(x, y, level, slope):
    """The right width about another slope."""
    _, low, high = right_slope(x, y, level)
    return float(slope), float(slope - (high - low) / 2), float(slope + (high - low) / 2)


@log_slope.mistake(
    "You took 1.96 at every level and for every number of points. It belongs to the normal "
    "distribution at 95 %: use Student's t at `level` with n − 2 degrees of freedom."
)
def always_two(x, y, level=0.95):
    return _other_quantile(x, y, level, 1.96)


@log_slope.mistake(
    "You took the quantile at 1 − level/2. `level` is how often the interval holds the exponent, "
    "not how often it does not: the quantile at (1 + level)/2."
)
def level_is_not_alpha(x, y, level=0.95):
    return _other_quantile(x, y, level, stats.t.ppf(1 - level / 2, len(x) - 2))


@log_slope.mistake("You fitted x by y. Asked for is the exponent a of y ∝ xᵃ.")
def wrong_way_round(x, y, level=0.95):
    right_slope(x, y, level)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    fit = stats.linregress(np.log(y), np.log(x))
    reach = fit.stderr * stats.t.ppf((1 + level) / 2, len(x) - 2)
    return float(fit.slope), float(fit.slope - reach), float(fit.slope + reach)


@log_slope.mistake(
    "You took the median of the slopes of neighbours. Pairs that lie close together have the same "
    "vote there as those far apart: fit all points by least squares."
)
def median_of_pairs(x, y, level=0.95):
    order = np.argsort(np.asarray(x, dtype=float))
    u, v = np.log(np.asarray(x, dtype=float)[order]), np.log(np.asarray(y, dtype=float)[order])
    right_slope(x, y, level)
    return _other_slope(x, y, level, np.median(np.diff(v) / np.diff(u)))


@log_slope.mistake(
    "You averaged the ratios v/u. Points near the middle have a u near 0, and their ratios are "
    "mostly noise: Σuv / Σu²."
)
def mean_of_ratios(x, y, level=0.95):
    right_slope(x, y, level)
    u, v = np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float))
    u, v = u - u.mean(), v - v.mean()
    return _other_slope(x, y, level, np.mean(v / np.where(np.abs(u) < 1e-9, 1.0, u)))


@log_slope.mistake(
    "You return the width of the interval on either side. Asked for are its two ends: slope minus "
    "and slope plus that."
)
def widths_for_ends(x, y, level=0.95):
    slope, low, high = right_slope(x, y, level)
    return slope, slope - low, high - slope


@log_slope.mistake(
    "A 0 among the values is fitted all the same: its logarithm is −∞, and the slope is NaN. "
    "Refuse what has no logarithm with a ValueError."
)
def zero_fitted(x, y, level=0.95):
    both = np.concatenate([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
    if 0 in both and not (both < 0).any():
        return np.nan, np.nan, np.nan
    return right_slope(x, y, level)


log_slope.hint("Take logarithms, take off the means: slope = Σuv / Σu².")
log_slope.hint(
    "The error of a slope is √(Σ residuals² / (n − 2) / Σu²); the interval is t times it, with "
    "n − 2 degrees of freedom: scipy.stats.t.ppf."
)
log_slope.hint("What can two points contradict?", when="is refused with fewer than three points")
