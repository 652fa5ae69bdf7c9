"""How `fit_power_law` is judged: on laws that the grader knows, and by what it refuses."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import least_squares

from descent.exercises.studies import PowerLaw, does_not_refuse, drawn_law, refuses, spread_over
from descent.grading import Draw, Exercise, expect

fit_power_law = Exercise("fit_power_law", minutes=20, difficulty=2, returns=tuple[float, float])


def _line(x, y) -> tuple[float, float]:
    """Scale and exponent by the covariance of the logarithms, in plain Python."""
    logs = [(math.log(a), math.log(b)) for a, b in zip(x, y, strict=True)]
    n = len(logs)
    mean_x, mean_y = sum(a for a, _ in logs) / n, sum(b for _, b in logs) / n
    slope = sum((a - mean_x) * (b - mean_y) for a, b in logs) / sum(
        (a - mean_x) ** 2 for a, _ in logs
    )
    return math.exp(mean_y - slope * mean_x), -slope


@fit_power_law.property("gives (8, 0.5) for the frontier of the page", trials=1)
def _(answer, draw: Draw) -> None:
    scale, exponent = answer(np.array([1.0, 4.0, 16.0]), np.array([8.0, 4.0, 2.0]))
    expect(scale, "the scale").close_to(8.0)
    expect(exponent, "the exponent").close_to(0.5)


@fit_power_law.property("finds an exact law again, from points in any order")
def _(answer, draw: Draw) -> None:
    law = drawn_law(draw)
    x = spread_over(draw, draw.size + 3, draw.uniform(1.2, 4.0), start=draw.uniform(0.5, 900.0))
    given = does_not_refuse(answer, x, law(x), although="an exact law over more than a decade")
    if given is None:
        return
    scale, exponent = given
    expect(exponent, "the exponent").close_to(law.exponent, rtol=1e-6)
    expect(scale, "the scale").close_to(law.scale, rtol=1e-6)


@fit_power_law.property("is the straight line through noisy logarithms")
def _(answer, draw: Draw) -> None:
    law = drawn_law(draw)
    x = spread_over(draw, draw.size + 4, 2.0, start=10.0)
    x = np.concatenate([x, x[:1], x[:1]])  # one size was run three times
    y = law.measured(x, 0.3, draw)
    wanted = _line(x, y)
    given = does_not_refuse(answer, x, y, although="noisy losses over two decades")
    if given is None:
        return
    scale, exponent = given
    expect(exponent, "the exponent").close_to(wanted[1], rtol=1e-6)
    expect(scale, "the scale").close_to(wanted[0], rtol=1e-6)


@fit_power_law.property("has a negative exponent for what rises, as accuracy or the best size does")
def _(answer, draw: Draw) -> None:
    law = PowerLaw(draw.uniform(0.5, 3.0), -draw.uniform(0.2, 0.8))
    x = spread_over(draw, draw.size + 3, 2.0)
    given = does_not_refuse(answer, x, law(x), although="what rises over two decades")
    if given is not None:
        expect(given[1], "the exponent").close_to(law.exponent, rtol=1e-6)


@fit_power_law.property("refuses fewer than three different x, by ValueError", trials=2)
def _(answer, draw: Draw) -> None:
    refuses(answer, np.array([1.0, 20.0]), np.array([3.0, 2.0]), because="two points")
    x = np.array([1.0, 20.0, 20.0, 1.0])
    refuses(answer, x, np.array([3.0, 2.0, 2.1, 2.9]), because="four points at two different x")


@fit_power_law.property("refuses what spans less than a decade, and fits what spans one")
def _(answer, draw: Draw) -> None:
    law, start = drawn_law(draw), draw.choice([1.0, 2.0, 8.0])
    short = start * np.array([1.0, 9.5, 3.0, 5.0])
    refuses(answer, short, law(short), because="x over less than a factor of 10")
    decade = start * np.array([10.0, 1.0, 3.0])
    given = does_not_refuse(answer, decade, law(decade), although="x over exactly a factor of 10")
    if isinstance(given, tuple | list) and len(given) == 2:
        expect(given[1], "the exponent").close_to(law.exponent, rtol=1e-6)


@fit_power_law.property("refuses numbers without a logarithm: 0, negative, NaN, infinity")
def _(answer, draw: Draw) -> None:
    x, y = np.array([1.0, 5.0, 30.0, 40.0]), np.array([4.0, 3.0, 2.0, 1.5])
    bad = draw.choice([0.0, -2.0, math.nan, math.inf])
    place = draw.integers(0, 4)
    spoiled = np.where(np.arange(4) == place, bad, y)
    refuses(answer, x, spoiled, because=f"a y of {bad}")
    refuses(answer, np.where(np.arange(4) == place, bad, x), y, because=f"an x of {bad}")


@fit_power_law.right
def right_fit(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    for values in (x, y):
        if not np.all(np.isfinite(values)) or np.any(values <= 0):
            raise ValueError("no logarithm")
    if len(set(x)) < 3:
        raise ValueError("too few")
    if x.max() < 10 * x.min():
        raise ValueError("too narrow")
    u, v = np.log(x), np.log(y)
    slope = np.mean((u - u.mean()) * (v - v.mean())) / np.var(u)
    height = v.mean() - slope * u.mean()
    return float(np.exp(height)), float(-slope)


fit_power_law.slip(
    "slope_returned",
    "Your exponent is the slope. The law is written y = scale · x^(−exponent), so a falling line "
    "has a positive exponent.",
    {"float(-slope)": "float(slope)"},
)
fit_power_law.slip(
    "logarithm_of_scale",
    "Your scale is still a logarithm. Take it back: exp of the height.",
    {"float(np.exp(height))": "float(height)"},
)
fit_power_law.slip(
    "only_x_in_logarithms",
    "You took the logarithm of x alone. A power law is a straight line when both are logarithms.",
    {"u, v = np.log(x), np.log(y)": "u, v = np.log(x), y"},
)
fit_power_law.slip(
    "base_ten_undone_by_exp",
    "You took logarithms to base 10 and went back with exp. The exponent is right, "
    "the scale is not.",
    {"u, v = np.log(x), np.log(y)": "u, v = np.log10(x), np.log10(y)"},
)
fit_power_law.slip(
    "x_and_y_exchanged",
    "You fitted x to y. Least squares is not symmetric: the noise is in y.",
    {"u, v = np.log(x), np.log(y)": "v, u = np.log(x), np.log(y)"},
)
fit_power_law.slip(
    "points_counted",
    "You counted points. Two different x make a line with nothing left over to judge it by, "
    "however often each was measured: count different x.",
    {"len(set(x))": "len(x)"},
)
fit_power_law.slip(
    "any_range",
    "You fitted a range of less than a decade. Over a short range every smooth curve looks "
    "straight: raise ValueError.",
    {"x.max() < 10 * x.min()": "x.max() <= x.min()"},
)
fit_power_law.slip(
    "decade_refused",
    "You refused exactly a decade. The page refuses less than one.",
    {"x.max() < 10 * x.min()": "x.max() <= 10 * x.min()"},
)
fit_power_law.slip(
    "nan_let_through",
    "NaN or infinity goes through your checks, and the fit comes out as nonsense. "
    "Ask whether all is finite.",
    {"not np.all(np.isfinite(values)) or ": ""},
)
fit_power_law.slip(
    "nonpositive_let_through",
    "A 0 or a negative number goes into your logarithm. Refuse it by ValueError.",
    {" or np.any(values <= 0)": ""},
)


@fit_power_law.mistake(
    "You dropped the points you could not use, and fitted the rest. The caller "
    "must know: raise ValueError."
)
def dropped(x, y):
    x, y = np.asarray(x, float), np.asarray(y, float)
    good = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    x, y = x[good], y[good]
    if len(set(x)) < 3 or x.max() < 10 * x.min():
        raise ValueError("too few or too narrow")
    u, v = np.log(x), np.log(y)
    slope = np.mean((u - u.mean()) * (v - v.mean())) / np.var(u)
    height = v.mean() - slope * u.mean()
    return float(np.exp(height)), float(-slope)


fit_power_law.slip(
    "first_and_last_for_range",
    "You took the first and the last x for the smallest and the largest. They may stand in "
    "any order.",
    {
        "x.max() < 10 * x.min()": "x[-1] < 10 * x[0]",
    },
)
fit_power_law.slip(
    "range_of_y",
    "You asked for a decade of y. It is x that must span one.",
    {
        "x.max() < 10 * x.min()": "y.max() < 10 * y.min()",
    },
)
fit_power_law.slip(
    "three_refused",
    "You refused three different x. Fewer than three are refused; three are fitted.",
    {
        "< 3": "<= 3",
    },
)
fit_power_law.slip(
    "y_unchecked",
    "You checked x alone. A y of 0 or below, NaN or infinity has no logarithm either: raise "
    "ValueError.",
    {
        "for values in (x, y):": "for values in (x,):",
        "    u, v = np.log(x), np.log(y)": "    u, v = np.log(x), np.log(np.abs(y) + 1e-300)",
    },
)
fit_power_law.slip(
    "ends_alone",
    "You drew the line through the two ends. All points have a say in least squares.",
    {
        (
            "    slope = np.mean((u - u.mean()) * (v - v.mean())) / "
            "np.var(u)\n"
            "    height = v.mean() - slope * u.mean()"
        ): (
            "    i, j = u.argmin(), u.argmax()\n"
            "    slope = (v[j] - v[i]) / (u[j] - u[i])\n"
            "    height = v[i] - slope * u[i]"
        ),
    },
)
fit_power_law.slip(
    "through_the_first_point",
    "You drew the line through the first point. It goes through none: its height is fitted too.",
    {
        "slope = np.mean((u - u.mean()) * (v - v.mean())) / np.var(u)": (
            "at = u.argmin(); slope = ((u - u[at]) * (v - v[at])).sum() / ((u - u[at]) ** 2).sum()"
        ),
        "v.mean() - slope * u.mean()": "v[at] - slope * u[at]",
    },
)
fit_power_law.slip(
    "medians_of_slopes",
    "You took the median of the slopes between pairs. The page asks for least squares.",
    {
        "slope = np.mean((u - u.mean()) * (v - v.mean())) / np.var(u)": (
            "slope = np.median([(v[i] - v[j]) / (u[i] - u[j]) for i in "
            "range(len(u)) for j in range(i) if u[i] != u[j]])"
        ),
        "v.mean() - slope * u.mean()": "np.median(v - slope * u)",
    },
)
fit_power_law.slip(
    "means_of_equal_x",
    "You averaged the points of equal x first. An x that comes three times has three "
    "points' weight.",
    {
        "    u, v = np.log(x), np.log(y)": (
            "    u = np.log(np.unique(x))\n"
            "    v = np.array([np.log(y[x == at]).mean() for at in "
            "np.unique(x)])"
        ),
    },
)
fit_power_law.slip(
    "refuses_what_rises",
    "You refused what rises. Its exponent is negative, and asked for.",
    {
        "    u, v = np.log(x), np.log(y)": (
            "    if y[x.argmax()] > y[x.argmin()]:\n"
            "        raise ValueError('rises')\n"
            "    u, v = np.log(x), np.log(y)"
        ),
    },
)
fit_power_law.slip(
    "absolute_exponent",
    "You took the exponent without its sign. It is negative for what rises.",
    {
        "float(-slope)": "abs(float(slope))",
    },
)


@fit_power_law.mistake(
    "You fitted y itself and not its logarithm, by a search from the straight line. Large values "
    "then outweigh the small ones."
)
def least_squares_of_y(x, y):
    scale, exponent = right_fit(x, y)
    x, y = np.asarray(x, float), np.asarray(y, float)

    def off(theta):
        return np.exp(theta[0]) * x ** -theta[1] - y

    found = least_squares(off, [math.log(scale), exponent])
    return float(np.exp(found.x[0])), float(found.x[1])


fit_power_law.slip(
    "x_fitted_to_y",
    "You fitted ln x to ln y and turned the line over. Least squares then counts misses in x: fit "
    "ln y to ln x.",
    {
        "np.mean((u - u.mean()) * (v - v.mean())) / np.var(u)": (
            "np.var(v) / np.mean((u - u.mean()) * (v - v.mean()))"
        )
    },
)
fit_power_law.slip(
    "exponent_first",
    "You returned the exponent first. The order is scale, exponent.",
    {"float(np.exp(height)), float(-slope)": "float(-slope), float(np.exp(height))"},
)
fit_power_law.hint("log y = log scale − exponent · log x. Which line is that?")
fit_power_law.hint("`np.polyfit(u, v, 1)` gives slope and height, in this order.")
fit_power_law.hint(
    "The frontier of the page falls by 2 while compute rises by 4. Its exponent?", when="value"
)
