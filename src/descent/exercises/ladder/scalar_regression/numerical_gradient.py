"""How `numerical_gradient` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

numerical_gradient = Exercise(
    "numerical_gradient", minutes=10, difficulty=2, returns=tuple[float, float]
)


class Surface:
    """A loss surface whose slopes are known, and which prints as its formula.

    It keeps the points it was asked for, so that a nudge can be measured.
    """

    def __init__(self, ww: float, wb: float, bb: float, cubic: float = 0.0) -> None:
        self.ww, self.wb, self.bb, self.cubic = ww, wb, bb, cubic
        self.asked: list[tuple[float, float]] = []

    def __call__(self, w: float, b: float) -> float:
        self.asked.append((w, b))
        quadratic = self.ww * w**2 + self.wb * w * b + self.bb * b**2
        return quadratic + self.cubic * (w**3 + b**3)

    def __repr__(self) -> str:
        cubic = f" + {self.cubic}·(w³ + b³)" if self.cubic else ""
        return f"the function {self.ww}·w² + {self.wb}·w·b + {self.bb}·b²{cubic}"

    def slopes(self, w: float, b: float, h: float) -> tuple[float, float]:
        """Return the central differences in closed form; only the cubic feels h."""
        dw = 2 * self.ww * w + self.wb * b + self.cubic * (3 * w**2 + h**2)
        return dw, self.wb * w + 2 * self.bb * b + self.cubic * (3 * b**2 + h**2)

    def reach(self, w: float, b: float) -> tuple[float, float]:
        """How far from (w, b) it was asked, along each of the two."""
        points = np.array(self.asked, dtype=float).reshape(-1, 2)
        away = np.abs(points - [w, b]).max(axis=0, initial=0.0)
        return float(away[0]), float(away[1])


@numerical_gradient.property("gives both slopes of a curved loss", trials=6)
def _(answer, draw: Draw) -> None:
    surface = Surface(draw.normal(), draw.normal(), draw.normal())
    w, b, h = draw.normal(), draw.normal(), 0.25
    dw, db = answer(surface, w, b, h)
    expected_dw, expected_db = surface.slopes(w, b, h)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@numerical_gradient.property("nudges by the h it was given")
def _(answer, draw: Draw) -> None:
    surface = Surface(draw.normal(), draw.normal(), draw.normal(), cubic=1.0)
    w, b, h = draw.normal(), draw.normal(), draw.choice([0.5, 1.0, 2.0])
    dw, db = answer(surface, w, b, h)
    expected_dw, expected_db = surface.slopes(w, b, h)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@numerical_gradient.property("uses 1e-4 when no h is given")
def _(answer, draw: Draw) -> None:
    surface = Surface(draw.normal(), draw.normal(), draw.normal(), cubic=1.0)
    w, b = draw.normal(), draw.normal()
    dw, db = answer(surface, w, b)
    reach_w, reach_b = surface.reach(w, b)
    expected_dw, expected_db = surface.slopes(w, b, 1e-4)
    expect(dw, "dw").close_to(expected_dw, atol=1e-3)
    expect(db, "db").close_to(expected_db, atol=1e-3)
    expect(reach_w, "the nudge of w").close_to(1e-4, rtol=1e-2)
    expect(reach_b, "the nudge of b").close_to(1e-4, rtol=1e-2)


@numerical_gradient.mistake(
    "You nudged to one side only. On a curved loss the slope then belongs to a point half a nudge "
    "away: step to both sides, w + h and w − h, so that the curvature cancels."
)
def forward_difference(loss, w, b, h=1e-4):
    here = loss(w, b)
    return (loss(w + h, b) - here) / h, (loss(w, b + h) - here) / h


@numerical_gradient.mistake(
    "You nudged downwards only. On a curved loss the slope then belongs to a point half a nudge "
    "away: step to both sides, w + h and w − h, so that the curvature cancels."
)
def backward_difference(loss, w, b, h=1e-4):
    here = loss(w, b)
    return (here - loss(w - h, b)) / h, (here - loss(w, b - h)) / h


@numerical_gradient.mistake(
    "Your rise goes from the middle to one side, and your run is 2h. Start the rise at w − h."
)
def half_the_rise(loss, w, b, h=1e-4):
    here = loss(w, b)
    return (loss(w + h, b) - here) / (2 * h), (loss(w, b + h) - here) / (2 * h)


@numerical_gradient.mistake(
    "You nudged by h/2 to each side. Here h is the nudge itself: w + h and w − h, which are 2h "
    "apart."
)
def half_nudge(loss, w, b, h=1e-4):
    dw = (loss(w + h / 2, b) - loss(w - h / 2, b)) / h
    return dw, (loss(w, b + h / 2) - loss(w, b - h / 2)) / h


@numerical_gradient.mistake(
    "Your db nudges w once more: it is the same number as dw. For db, hold w still and nudge b."
)
def same_slope_twice(loss, w, b, h=1e-4):
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    return dw, dw


@numerical_gradient.mistake(
    "You divided the difference by 2 only. The run is 2h: the smaller the nudge, the smaller the "
    "rise, and the h takes that out again."
)
def divided_by_two(loss, w, b, h=1e-4):
    return (loss(w + h, b) - loss(w - h, b)) / 2, (loss(w, b + h) - loss(w, b - h)) / 2


@numerical_gradient.mistake(
    "Python divides before it subtracts, so only the second loss was divided by 2h. Put the "
    "difference in brackets."
)
def divided_second_only(loss, w, b, h=1e-4):
    dw = loss(w + h, b) - loss(w - h, b) / (2 * h)
    return dw, loss(w, b + h) - loss(w, b - h) / (2 * h)


@numerical_gradient.mistake(
    "w was still nudged when you measured db. Each slope starts from the w and b you were given."
)
def left_nudged(loss, w, b, h=1e-4):
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    return dw, (loss(w + h, b + h) - loss(w + h, b - h)) / (2 * h)


@numerical_gradient.mistake(
    "w was still at w − h when you measured db. After moving w up and down, put it back: each "
    "slope starts from the w and b you were given."
)
def left_nudged_down(loss, w, b, h=1e-4):
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    return dw, (loss(w - h, b + h) - loss(w - h, b - h)) / (2 * h)


@numerical_gradient.mistake("You returned one slope. Measure the slope in b too: return (dw, db).")
def only_dw(loss, w, b, h=1e-4):
    return (loss(w + h, b) - loss(w - h, b)) / (2 * h)


@numerical_gradient.mistake(
    "You divided by h. From w − h to w + h the distance is 2h, so your slopes are twice too steep."
)
def divided_by_h(loss, w, b, h=1e-4):
    return (loss(w + h, b) - loss(w - h, b)) / h, (loss(w, b + h) - loss(w, b - h)) / h


@numerical_gradient.mistake(
    "You returned the change of the loss. A slope is that change divided by the distance, 2h."
)
def not_divided(loss, w, b, h=1e-4):
    return loss(w + h, b) - loss(w - h, b), loss(w, b + h) - loss(w, b - h)


@numerical_gradient.mistake(
    "You subtracted the wrong way round: it is the loss at w + h minus the loss at w − h."
)
def backwards(loss, w, b, h=1e-4):
    dw = (loss(w - h, b) - loss(w + h, b)) / (2 * h)
    return dw, (loss(w, b - h) - loss(w, b + h)) / (2 * h)


@numerical_gradient.mistake(
    "You nudged w and b together. Each slope moves one number and holds the other still."
)
def both_at_once(loss, w, b, h=1e-4):
    slope = (loss(w + h, b + h) - loss(w - h, b - h)) / (2 * h)
    return slope, slope


@numerical_gradient.right
def right_slopes(loss, w, b, h=1e-4):
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    db = (loss(w, b + h) - loss(w, b - h)) / (2 * h)
    return dw, db


numerical_gradient.slip(
    "w_nudged_for_db",
    "For db you nudged w as well as b. Hold w still: loss(w, b + h) and loss(w, b − h).",
    {"loss(w, b + h)": "loss(w + h, b + h)", "loss(w, b - h)": "loss(w - h, b - h)"},
)
numerical_gradient.slip(
    "b_nudged_for_dw",
    "For dw you nudged b as well as w. Hold b still: loss(w + h, b) and loss(w − h, b).",
    {"loss(w + h, b)": "loss(w + h, b + h)", "loss(w - h, b)": "loss(w - h, b - h)"},
)
numerical_gradient.slip(
    "one_sided_for_db",
    "Your db nudges b to one side only. Step to both sides, as you did for dw.",
    {"(loss(w, b + h) - loss(w, b - h)) / (2 * h)": "(loss(w, b + h) - loss(w, b)) / h"},
)


@numerical_gradient.mistake("The two slopes have changed places: return dw first, then db.")
def swapped_slopes(loss, w, b, h=1e-4):
    db = (loss(w, b + h) - loss(w, b - h)) / (2 * h)
    return db, (loss(w + h, b) - loss(w - h, b)) / (2 * h)


@numerical_gradient.mistake(
    "Python reads `/ 2 * h` from left to right: divide by 2, then multiply by h. You need "
    "`/ (2 * h)`."
)
def precedence(loss, w, b, h=1e-4):
    dw = (loss(w + h, b) - loss(w - h, b)) / 2 * h
    return dw, (loss(w, b + h) - loss(w, b - h)) / 2 * h


@numerical_gradient.mistake(
    "Your nudge is fixed. Use the h you were given, so that the caller can choose it."
)
def fixed_nudge(loss, w, b, h=1e-4):
    h = 1e-4
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    return dw, (loss(w, b + h) - loss(w, b - h)) / (2 * h)


numerical_gradient.hint("A slope is rise over run. Call `loss` twice for each slope: four calls.")
numerical_gradient.hint("For dw the rise is loss(w + h, b) − loss(w − h, b). How long is the run?")
numerical_gradient.hint("How far apart are w − h and w + h?", when="factor")
numerical_gradient.hint("Which of the two losses do you subtract from which?", when="sign")
numerical_gradient.hint("Is dw the slope where only w moved?", when="order")
numerical_gradient.hint(
    "Does your answer use h everywhere a nudge is made?", when="ignores argument"
)
