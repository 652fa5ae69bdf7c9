"""What ladder/01_scalar_regression is judged by.

The oracles use no formula of the chapter's solutions: ``numpy.polyval`` and ``numpy.dot`` for
values, central differences for slopes, a matrix power for the trajectory of gradient descent.
"""

from __future__ import annotations

import copy

import numpy as np

from descent.grading import Draw, Exercise, expect

# ----------------------------------------------------------------------------- predict

predict = Exercise("predict", minutes=2, difficulty=1)


@predict.property("gives w·x + b for every example", trials=6)
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(), draw.normal(), draw.normal(draw.size)
    expect(answer(w, b, x), "the predictions").close_to(np.polyval([w, b], x))


@predict.property("keeps the shape of x, for a batch of one and for an empty one")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    expect(answer(w, b, np.array([1.5])), "the prediction").has_shape(1)
    expect(answer(w, b, np.zeros(0)), "the predictions").has_shape(0)


@predict.property("gives b where x is 0")
def _(answer, draw: Draw) -> None:
    b = draw.normal()
    prediction = answer(draw.normal(), b, np.zeros(2))
    expect(prediction, "the predictions at x = 0").close_to(np.array([b, b]))


@predict.mistake("You left out b. Without it every line goes through the origin.")
def without_intercept(w, b, x):
    return w * x


@predict.mistake("w and b have changed places: w multiplies x, and b is added on its own.")
def swapped_parameters(w, b, x):
    return b * x + w


@predict.mistake("You multiplied b by w as well. Multiply x by w first, then add b.")
def bracket_around_the_sum(w, b, x):
    return w * (x + b)


@predict.mistake("You subtracted b. The line of this chapter is w·x + b.")
def subtracted_intercept(w, b, x):
    return w * x - b


@predict.mistake(
    "You returned one number, the mean of the predictions. Return one prediction per example: "
    "averaging comes later, in the loss."
)
def averaged(w, b, x):
    return float(np.mean(w * x + b)) if len(x) else b


@predict.mistake("You added w to x. A slope multiplies: a step of 1 in x moves the line by w.")
def added_slope(w, b, x):
    return w + x + b


predict.hint("A line has a slope and a height at zero. Which of the two numbers is which?")
predict.hint("numpy applies `*` and `+` to every entry of an array; no loop is needed.")
predict.hint(
    "The answer has as many entries as x. Did something average or index it?", when="shape"
)
predict.hint("Try x = 0: the prediction there is b. Try x = 1: it is w + b.", when="value")
predict.hint(
    "`w * x + b` makes a new array; `x *= w` writes into the one you were given.",
    when="changes input",
)

# ------------------------------------------------------------------ mean_squared_error

mean_squared_error = Exercise("mean_squared_error", minutes=5, difficulty=1)


@mean_squared_error.property("is the mean of the squared errors", trials=6)
def _(answer, draw: Draw) -> None:
    prediction, target = draw.normal(draw.size), draw.normal(draw.size)
    error = prediction - target
    expected = np.dot(error, error) / len(error)
    expect(answer(prediction, target), "the loss").close_to(expected)


@mean_squared_error.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    prediction, target = draw.normal(), draw.normal()
    loss = answer(np.array([prediction]), np.array([target]))
    expect(loss, "the loss").close_to((prediction - target) ** 2)


@mean_squared_error.property("is 0 for perfect predictions, and 1 when every error is 1")
def _(answer, draw: Draw) -> None:
    target = draw.normal(4)
    expect(answer(target.copy(), target), "the loss of perfect predictions").close_to(0.0)
    expect(answer(target + 1, target), "the loss when every error is 1").close_to(1.0)


@mean_squared_error.mistake(
    "You summed the squared errors. A mean divides by n, so that a batch of 10 and a batch of "
    "1 000 can be compared."
)
def summed_squares(prediction, target):
    return np.sum((prediction - target) ** 2)


@mean_squared_error.mistake(
    "You averaged the errors without squaring them. Errors of +3 and −3 then cancel, and a bad "
    "line gets a loss of 0."
)
def without_square(prediction, target):
    return np.mean(prediction - target)


@mean_squared_error.mistake(
    "You squared after averaging. Positive and negative errors cancel inside the mean: square "
    "each error first."
)
def squared_mean(prediction, target):
    return np.mean(prediction - target) ** 2


@mean_squared_error.mistake(
    "You took absolute values. That is the mean absolute error: a good loss, but another one."
)
def absolute(prediction, target):
    return np.mean(np.abs(prediction - target))


@mean_squared_error.mistake(
    "You took the square root of the mean. That is the root mean squared error; this loss stays "
    "squared, because squares are easier to differentiate."
)
def rooted(prediction, target):
    return np.sqrt(np.mean((prediction - target) ** 2))


@mean_squared_error.mistake(
    "You halved the loss. Some books do, to cancel a 2 later; this page does not, and its noise "
    "floor would come out at σ²/2."
)
def halved(prediction, target):
    return np.mean((prediction - target) ** 2) / 2


@mean_squared_error.mistake(
    "You divided by n − 1. That belongs to an estimate of a variance; a mean divides by n, and for "
    "one example n − 1 would be 0."
)
def one_less(prediction, target):
    return np.sum((prediction - target) ** 2) / (len(prediction) - 1)


@mean_squared_error.mistake("`* 2` doubles an error. To square it, write `** 2`.")
def doubled(prediction, target):
    return np.mean((prediction - target) * 2)


@mean_squared_error.mistake(
    "Python squares before it subtracts, so only the target was squared. Put prediction − target "
    "in brackets."
)
def squared_target(prediction, target):
    return np.mean(prediction - target**2)


@mean_squared_error.mistake(
    "You subtracted the squares. Subtract first, then square the difference: a² − b² is not "
    "(a − b)²."
)
def difference_of_squares(prediction, target):
    return np.mean(prediction**2 - target**2)


@mean_squared_error.mistake(
    "You took the variance of the errors, which subtracts their mean first: a line that is 1 too "
    "high everywhere would get a loss of 0."
)
def variance(prediction, target):
    return np.var(prediction - target)


@mean_squared_error.mistake(
    "You returned one squared error per example. The loss is one number: their mean."
)
def not_averaged(prediction, target):
    return (prediction - target) ** 2


mean_squared_error.hint("Read the name backwards: error first, then squared, then mean.")
mean_squared_error.hint("`np.mean` averages an array; `** 2` squares every entry.")
mean_squared_error.hint("Which number did you divide by: n, 2, nothing?", when="factor")
mean_squared_error.hint("A loss is one number for the whole batch.", when="shape")
mean_squared_error.hint("A mean of squares cannot be negative. Where was the square?", when="sign")

# ------------------------------------------------------------------ numerical_gradient

numerical_gradient = Exercise("numerical_gradient", minutes=10, difficulty=2)


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

# ---------------------------------------------------------------------------- gradient

gradient = Exercise("gradient", minutes=15, difficulty=2)


def _loss(w: float, b: float, x: np.ndarray, y: np.ndarray) -> float:
    residual = np.polyval([w, b], x) - y
    return float(np.dot(residual, residual) / len(residual))


def _slopes(w: float, b: float, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slopes by central differences: exact on a quadratic for any step, so take a long one."""
    dw = (_loss(w + 0.5, b, x, y) - _loss(w - 0.5, b, x, y)) / 1.0
    db = (_loss(w, b + 0.5, x, y) - _loss(w, b - 0.5, x, y)) / 1.0
    return dw, db


@gradient.property("matches the slopes of the loss", trials=6)
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    dw, db = answer(w, b, x, y)
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@gradient.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    x, y = draw.normal(1), draw.normal(1)
    dw, db = answer(w, b, x, y)
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@gradient.property("is zero when the line goes through every point")
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(), draw.normal(), draw.normal(4)
    dw, db = answer(w, b, x, np.polyval([w, b], x))
    expect(dw, "dw").close_to(0.0, atol=1e-5)
    expect(db, "db").close_to(0.0, atol=1e-5)


@gradient.property("stays the same when every example is written twice")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(3), draw.normal(3)
    dw, db = answer(w, b, np.tile(x, 2), np.tile(y, 2))
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, "dw of the doubled batch").close_to(expected_dw, atol=1e-5)
    expect(db, "db of the doubled batch").close_to(expected_db, atol=1e-5)


@gradient.mistake(
    "You summed over the batch. The loss is a mean over n examples, so its gradient is divided by "
    "n too. With a sum, a larger batch would take a larger step."
)
def summed(w, b, x, y):
    error = w * x + b - y
    return 2 * np.sum(error * x), 2 * np.sum(error)


@gradient.mistake(
    "Your signs are flipped: the error here is prediction − target, not target − prediction. The "
    "square hides the difference in the loss, the derivative does not, and a step with this "
    "gradient climbs."
)
def flipped(w, b, x, y):
    error = y - (w * x + b)
    return 2 * np.mean(error * x), 2 * np.mean(error)


@gradient.mistake(
    "The 2 is missing. The derivative of error² is 2·error; it stays unless the loss was halved."
)
def without_two(w, b, x, y):
    error = w * x + b - y
    return np.mean(error * x), np.mean(error)


@gradient.mistake(
    "You forgot the inner derivative in dw. Nudging w moves the prediction by x times the nudge, "
    "so each error is multiplied by its own x before the mean."
)
def without_x(w, b, x, y):
    slope = 2 * np.mean(w * x + b - y)
    return slope, slope


@gradient.mistake(
    "dw and db have changed places: the one with the factor x is dw. Return (dw, db)."
)
def swapped(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error), 2 * np.mean(error * x)


@gradient.mistake(
    "You multiplied db by x as well. Nudging b moves every prediction by the nudge itself, "
    "wherever x is: its inner derivative is 1."
)
def x_in_both(w, b, x, y):
    slope = 2 * np.mean((w * x + b - y) * x)
    return slope, slope


@gradient.mistake(
    "You multiplied the mean error by the mean of x. The mean of a product is not the product of "
    "the means: multiply each error by its own x first, then average."
)
def product_of_means(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error) * np.mean(x), 2 * np.mean(error)


@gradient.mistake(
    "You kept the square. Differentiating error² brings the 2 down and leaves error to the first "
    "power."
)
def kept_square(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error**2 * x), 2 * np.mean(error**2)


@gradient.mistake("Your error leaves out b. The prediction inside the gradient is w·x + b too.")
def error_without_intercept(w, b, x, y):
    error = w * x - y
    return 2 * np.mean(error * x), 2 * np.mean(error)


@gradient.mistake(
    "You multiplied the errors by w. Ask how much the prediction w·x + b moves when w is nudged: "
    "by x, not by w."
)
def times_w(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error * w), 2 * np.mean(error)


@gradient.mistake(
    "You returned a slope per example. The loss is one mean, so dw and db are one number each: "
    "average over the batch."
)
def per_example(w, b, x, y):
    error = w * x + b - y
    return 2 * error * x, 2 * error


@gradient.mistake(
    "The 2 is missing in db. Its square is the same square: derive 2·error first, then multiply by "
    "the inner derivative."
)
def without_two_in_db(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error * x), np.mean(error)


@gradient.mistake(
    "dw is a mean, db is a sum. Both are slopes of the same mean loss: divide db by n as well."
)
def summed_db(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error * x), 2 * np.sum(error)


@gradient.mistake(
    "You multiplied the errors by y. Ask how much w·x + b − y moves when w is nudged: by x. The "
    "target y is subtracted and does not move."
)
def times_y(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error * y), 2 * np.mean(error)


@gradient.mistake(
    "You multiplied db by b. Ask how much the prediction w·x + b moves when b is nudged by a "
    "hundredth: the value of b itself plays no part."
)
def times_b(w, b, x, y):
    error = w * x + b - y
    return 2 * np.mean(error * x), 2 * np.mean(error * b)


gradient.hint("First write the error w·x + b − y; both derivatives contain it.")
gradient.hint("dw: each error times its own x, averaged, times 2. What is db's inner derivative?")
gradient.hint("Nudge b by a hundredth: every prediction moves by that hundredth, wherever x is.")
gradient.hint("In full: dw = 2 · mean(error · x) and db = 2 · mean(error).")
gradient.hint("Is it prediction − target, or target − prediction?", when="sign")
gradient.hint("Count the factors: a 2 from the square, a 1/n from the mean.", when="factor")
gradient.hint("dw and db are single numbers. What turns n of them into one?", when="shape")
gradient.hint("Which of the two is multiplied by x?", when="order")
gradient.hint(
    "Compare with numerical_gradient on two examples: which of dw, db agrees?", when="value"
)

# ---------------------------------------------------------------------------- sgd_step

sgd_step = Exercise("sgd_step", minutes=5, difficulty=1)


@sgd_step.property("moves both numbers against their slopes", trials=6)
def _(answer, draw: Draw) -> None:
    w, b, dw, db = draw.normal(), draw.normal(), draw.normal(scale=5), draw.normal(scale=5)
    rate = draw.uniform(0.05, 0.5)
    new_w, new_b = answer(w, b, dw, db, rate)
    moved = np.array([[1.0, -rate]]) @ np.array([[w, b], [dw, db]])
    expect(new_w, "the new w").close_to(moved[0, 0])
    expect(new_b, "the new b").close_to(moved[0, 1])


@sgd_step.property("stays where it is when the slopes are zero")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    new_w, new_b = answer(w, b, 0.0, 0.0, 0.1)
    expect(new_w, "the new w").close_to(w)
    expect(new_b, "the new b").close_to(b)


@sgd_step.property("stays where it is when the learning rate is zero")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    new_w, new_b = answer(w, b, draw.normal(), draw.normal(), 0.0)
    expect(new_w, "the new w").close_to(w)
    expect(new_b, "the new b").close_to(b)


@sgd_step.mistake(
    "You added the slope. The gradient points uphill, where the loss grows; to go down, subtract."
)
def climbed(w, b, dw, db, learning_rate):
    return w + learning_rate * dw, b + learning_rate * db


@sgd_step.mistake(
    "You ignored the learning rate. A whole gradient is usually far too long a step: scale it."
)
def without_rate(w, b, dw, db, learning_rate):
    return w - dw, b - db


@sgd_step.mistake("You moved b by dw. Each number moves by its own slope: b by db.")
def same_slope(w, b, dw, db, learning_rate):
    return w - learning_rate * dw, b - learning_rate * dw


@sgd_step.mistake("The slopes have changed places: w moves by dw, b by db.")
def crossed(w, b, dw, db, learning_rate):
    return w - learning_rate * db, b - learning_rate * dw


@sgd_step.mistake("You moved w and left b where it was. Both numbers take the step.")
def only_w(w, b, dw, db, learning_rate):
    return w - learning_rate * dw, b


@sgd_step.mistake(
    "You returned the step itself. Return where the step arrives: the old number minus the step."
)
def step_only(w, b, dw, db, learning_rate):
    return learning_rate * dw, learning_rate * db


@sgd_step.mistake(
    "You returned minus the step. Return where the step arrives: the old number minus the step."
)
def negative_step_only(w, b, dw, db, learning_rate):
    return -learning_rate * dw, -learning_rate * db


@sgd_step.mistake("You divided by the learning rate. A smaller rate should make a smaller step.")
def divided_by_rate(w, b, dw, db, learning_rate):
    scale = 1 / learning_rate if learning_rate else 0.0
    return w - dw * scale, b - db * scale


@sgd_step.mistake("You returned (b, w). The order is w first, then b.")
def returned_swapped(w, b, dw, db, learning_rate):
    return b - learning_rate * db, w - learning_rate * dw


@sgd_step.mistake(
    "You multiplied the slope by the number itself. The length of a step depends on the slope and "
    "the learning rate, not on where you stand."
)
def scaled_by_parameter(w, b, dw, db, learning_rate):
    return w * (1 - learning_rate * dw), b * (1 - learning_rate * db)


@sgd_step.mistake(
    "You subtracted the learning rate times the number itself: the slopes play no part, and the "
    "line shrinks towards 0. Multiply the rate by the slope."
)
def shrunk(w, b, dw, db, learning_rate):
    return w - learning_rate * w, b - learning_rate * b


@sgd_step.mistake(
    "You used the sign of the slope alone, so that every step is equally long. The size counts "
    "too: a step is long where the slope is steep."
)
def sign_only(w, b, dw, db, learning_rate):
    return w - learning_rate * np.sign(dw), b - learning_rate * np.sign(db)


sgd_step.hint("One number at a time: new w = old w − (something). What is the something for w?")
sgd_step.hint("The something is learning_rate · dw for w, and learning_rate · db for b.")
sgd_step.hint("A positive slope means the loss grows to the right. Which way is down?", when="sign")
sgd_step.hint("Is every slope multiplied by the learning rate?", when="ignores argument")
sgd_step.hint(
    "Which slope belongs to which number, and in which order are they returned?", when="order"
)

# ------------------------------------------------------------------------- minibatches

# Everything these properties record is the same for every right way of shuffling: lengths and
# yes-or-no questions, never the order itself.

minibatches = Exercise("minibatches", minutes=15, difficulty=2, changes=("rng",))


def _epoch(answer, n: int, batch_size: int, seed: int) -> list[list[int]]:
    """One epoch's batches as lists, from a generator started at ``seed``."""
    batches = answer(n, batch_size, np.random.default_rng(seed))
    return [np.asarray(batch).tolist() for batch in batches]


@minibatches.property("cuts batches of batch_size; only the last may be shorter", trials=6)
def _(answer, draw: Draw) -> None:
    n, batch_size = draw.size, draw.integers(1, 6)
    batches = _epoch(answer, n, batch_size, draw.seed())
    full, rest = divmod(n, batch_size)
    expected = [batch_size] * full + [rest] * (rest > 0)
    expect([len(batch) for batch in batches], "the batch lengths").equals(expected)


@minibatches.property("cuts 10 examples in batches of 4 into 4, 4 and 2", trials=1)
def _(answer, draw: Draw) -> None:
    batches = _epoch(answer, 10, 4, draw.seed())
    expect([len(batch) for batch in batches], "the batch lengths").equals([4, 4, 2])


@minibatches.property("shows every example exactly once", trials=6)
def _(answer, draw: Draw) -> None:
    n, batch_size = draw.size, draw.integers(1, 6)
    seen = [i for batch in _epoch(answer, n, batch_size, draw.seed()) for i in batch]
    expect(len(seen), "how many indices the epoch holds").equals(n)
    expect(len(set(seen)) == len(seen), "no index twice").is_true(
        otherwise="An example appears twice in one epoch."
    )
    expect(set(seen) <= set(range(n)), "indices 0 … n − 1").is_true(
        otherwise=f"An index is not one of 0 … n − 1 = {n - 1}."
    )


@minibatches.property("gives integers that can index an array")
def _(answer, draw: Draw) -> None:
    batches = answer(7, 3, np.random.default_rng(draw.seed()))
    kinds = {np.asarray(batch).dtype.kind for batch in batches}
    expect(kinds <= {"i", "u"}, "whole-number indices").is_true(
        otherwise="The batches hold something other than whole numbers, which cannot index."
    )


@minibatches.property("mixes the examples", trials=3)
def _(answer, draw: Draw) -> None:
    batches = [sorted(batch) for batch in _epoch(answer, 40, 5, draw.seed())]
    in_place = batches == [list(range(i, i + 5)) for i in range(0, 40, 5)]
    expect(not in_place, "another order").is_true(
        otherwise="The batches are the data in its original order."
    )
    # Of 39 pairs i, i + 1 a shuffle leaves about 4 in one batch; runs of neighbours leave 32.
    pairs = sum(i + 1 in batch for batch in batches for i in batch)
    expect(pairs < 20, "neighbours are parted").is_true(
        otherwise="Nearly every example shares its batch with its neighbour in the data."
    )


@minibatches.property("lets every example come early or late", trials=1)
def _(answer, draw: Draw) -> None:
    places = np.zeros((16, 10), dtype=int)
    for epoch in places:
        for place, batch in enumerate(_epoch(answer, 10, 2, draw.seed())):
            epoch[[i for i in batch if 0 <= i < 10]] = place
    moved = (places != places[0]).any(axis=0)
    expect(moved.all(), "no example has a fixed place").is_true(
        otherwise=f"Example {int(np.argmin(moved))} was in the same batch in each of 16 epochs."
    )


@minibatches.property("takes its order from the generator it was given", trials=3)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first, again = _epoch(answer, 40, 5, seed), _epoch(answer, 40, 5, seed)
    expect(first == again, "same seed, same batches").is_true(
        otherwise="Two generators with the same seed gave different batches."
    )
    expect(first != _epoch(answer, 40, 5, seed + 1), "another seed, other batches").is_true(
        otherwise="Two generators with different seeds gave the same batches."
    )


@minibatches.property("gives the next epoch another order")
def _(answer, draw: Draw) -> None:
    rng = np.random.default_rng(draw.seed())
    first, second = (
        [np.asarray(batch).tolist() for batch in answer(40, 5, rng)] for _epoch_number in range(2)
    )
    expect(first != second, "two epochs from one generator").is_true(
        otherwise="Two epochs in a row, from one generator, had the same batches."
    )


@minibatches.mistake(
    "You did not shuffle: the batches are the data in its original order. If the data were sorted, "
    "every batch would see one corner of it."
)
def unshuffled(n, batch_size, rng):
    return [np.arange(n)[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You dropped the short batch at the end. Its examples count too: an epoch shows every one."
)
def dropped_rest(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(0, n - batch_size + 1, batch_size)]


@minibatches.mistake(
    "You drew with replacement, so some examples come twice and others never. Shuffle 0 … n − 1 "
    "once and cut the shuffled order into pieces."
)
def with_replacement(n, batch_size, rng):
    order = rng.integers(0, n, size=n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled with numpy's global generator. Use the `rng` you were given: the same seed then "
    "gives the same run, whatever else draws random numbers."
)
def global_generator(n, batch_size, rng):
    order = np.random.permutation(n)  # noqa: NPY002 (the mistake itself)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You made your own generator with a fixed seed. Every epoch would then have the same order: "
    "use the `rng` you were given, which moves on each time it is asked."
)
def own_generator(n, batch_size, rng):
    order = np.random.default_rng(0).permutation(n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled inside each batch: the same neighbours always travel together. Shuffle all the "
    "indices first, cut afterwards."
)
def shuffled_inside(n, batch_size, rng):
    return [rng.permutation(np.arange(n)[i : i + batch_size]) for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You shuffled the batches, not the examples: the same neighbours always travel together. "
    "Shuffle the indices first, cut afterwards."
)
def shuffled_batches(n, batch_size, rng):
    blocks = [np.arange(n)[i : i + batch_size] for i in range(0, n, batch_size)]
    rng.shuffle(blocks)
    return blocks


@minibatches.mistake(
    "You cut batches one too short: the slice `[start : start + k]` already leaves out its end, so "
    "it holds k indices."
)
def one_short(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size - 1] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "Your indices run from 1 to n. Python counts from 0: the last example of n is n − 1."
)
def counts_from_one(n, batch_size, rng):
    order = rng.permutation(n) + 1
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


@minibatches.mistake(
    "You cut n into equal pieces. The pieces have batch_size examples each, and what is left over "
    "makes a shorter batch at the end."
)
def equal_pieces(n, batch_size, rng):
    return np.array_split(rng.permutation(n), -(-n // batch_size))


@minibatches.mistake(
    "The short batch comes first. It belongs at the end: start cutting at index 0."
)
def short_batch_first(n, batch_size, rng):
    order, rest = rng.permutation(n), n % batch_size
    starts = range(rest, n, batch_size)
    return [order[:rest]] * (rest > 0) + [order[i : i + batch_size] for i in starts]


@minibatches.mistake(
    "An empty batch comes last when batch_size divides n: the mean over no examples is NaN. Let "
    "the starts run to n, n excluded."
)
def empty_last_batch(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(0, n + 1, batch_size)]


@minibatches.mistake(
    "You return only the first batch: the `return` is inside the loop, or there is no loop."
)
def first_batch_only(n, batch_size, rng):
    return [rng.permutation(n)[:batch_size]]


@minibatches.mistake(
    "Your batches overlap: each starts one index after the last. Move on by batch_size each time."
)
def overlapping(n, batch_size, rng):
    order = rng.permutation(n)
    return [order[i : i + batch_size] for i in range(n)]


@minibatches.mistake(
    "You made batch_size batches. `np.array_split` takes the number of pieces; batch_size is how "
    "many examples go into each."
)
def that_many_batches(n, batch_size, rng):
    return np.array_split(rng.permutation(n), batch_size)


@minibatches.mistake(
    "You returned the shuffled order uncut. Cut it into a list of arrays, with batch_size indices "
    "in each."
)
def uncut(n, batch_size, rng):
    return rng.permutation(n)


@minibatches.mistake(
    "You shuffled with a copy of `rng`, so that `rng` itself never moves on: the next epoch would "
    "have the same order. Use the generator itself."
)
def copied_generator(n, batch_size, rng):
    order = copy.deepcopy(rng).permutation(n)
    return [order[i : i + batch_size] for i in range(0, n, batch_size)]


minibatches.hint("Two steps: a shuffled list of 0 … n − 1, then cut it into pieces.")
minibatches.hint(
    "`rng.permutation(n)` shuffles; `range(0, n, batch_size)` gives where pieces start."
)
minibatches.hint("What should the last piece be when batch_size does not divide n?", when="length")
minibatches.hint("A slice may run past the end of an array: it stops there.", when="error")
minibatches.hint("Where does each piece start, and is its end included?", when="offset")

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=30, difficulty=3, changes=("rng",))


def _descend(
    x: np.ndarray, y: np.ndarray, rate: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient descent on a fixed batch as powers of one matrix.

    On a quadratic a step is affine, θ ← (I − ηH)θ + ηc, so k steps from 0 are the last column of
    the k-th power of [[I − ηH, ηc], [0, 1]].

    Returns
    -------
    theta : (2,) array, w and b after ``steps`` steps
    losses : (steps,) array, the loss before each of them
    """
    features = np.stack([x, np.ones_like(x)], axis=1)
    step = np.eye(3)
    step[:2, :2] -= rate * 2 * features.T @ features / len(x)
    step[:2, 2] = rate * 2 * features.T @ y / len(x)
    path = [np.linalg.matrix_power(step, k)[:2, 2] for k in range(steps + 1)]
    losses = [np.linalg.norm(features @ theta - y) ** 2 / len(x) for theta in path[:-1]]
    return path[-1], np.array(losses)


def _visits(answer, n: int, epochs: int, seed: int) -> list[list[int]]:
    """Which example each step saw, epoch by epoch.

    With a learning rate of 0 and batches of one, the line stays at 0 and a step's loss is its
    example's y²; with y = 1 … n its root is the example's name.
    """
    y = np.arange(1.0, n + 1)
    _, _, losses = answer(np.ones(n), y, 0.0, 1, epochs, np.random.default_rng(seed))
    names = np.rint(np.sqrt(np.asarray(losses, dtype=float))).astype(int).tolist()
    return [names[i : i + n] for i in range(0, len(names), n)]


def _batches_seen(answer, seed: int) -> tuple[list[int], list[list[frozenset[int]]]]:
    """Which examples each step saw when 16 are cut in fives: sizes, and batches by epoch.

    The line stays at 0 as above. With y² = 1, 2, 4 … the sum over a batch names its members in
    binary.
    """
    y = 2.0 ** (np.arange(16) / 2)
    _, _, losses = answer(np.ones(16), y, 0.0, 5, 2, np.random.default_rng(seed))
    means = np.asarray(losses, dtype=float).reshape(-1)
    sums = np.rint(means * np.resize([5, 5, 5, 1], len(means))).astype(int)
    seen = [frozenset(i for i in range(16) if total >> i & 1) for total in sums.tolist()]
    return [len(batch) for batch in seen], [seen[i : i + 4] for i in range(0, len(seen), 4)]


@train.property("starts at w = 0 and b = 0, and stays there with a learning rate of 0", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n), draw.normal(n)
    w, b, losses = answer(x, y, 0.0, n, 1, np.random.default_rng(draw.seed()))
    expect(w, "w").close_to(0.0, atol=1e-9)
    expect(b, "b").close_to(0.0, atol=1e-9)
    expect(losses, "the losses").close_to([np.dot(y, y) / n], atol=1e-5)


@train.property("takes the right steps when one batch holds everything", trials=4)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n), draw.normal(n)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(1, 5)
    w, b, losses = answer(x, y, rate, n, epochs, np.random.default_rng(draw.seed()))
    theta, expected_losses = _descend(x, y, rate, epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-5)
    expect(w, "w").close_to(theta[0], atol=1e-5)
    expect(b, "b").close_to(theta[1], atol=1e-5)


@train.property("takes one step per minibatch, the short last one included", trials=3)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = np.full(5, draw.uniform(0.5, 1.5)), np.full(5, draw.uniform(1.0, 3.0))
    # Not 3 epochs: their first batches alone would be as many steps as one whole epoch.
    rate, epochs = draw.uniform(0.02, 0.1), draw.choice([2, 4])
    w, b, losses = answer(x, y, rate, 2, epochs, np.random.default_rng(draw.seed()))
    theta, expected_losses = _descend(x[:1], y[:1], rate, 3 * epochs)
    expect(len(losses), "how many losses were recorded").equals(3 * epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-5)
    expect(w, "w").close_to(theta[0], atol=1e-5)
    expect(b, "b").close_to(theta[1], atol=1e-5)


@train.property("takes loss and gradient from the minibatch alone", trials=3)
def _(answer, draw: Draw) -> None:
    # (x, 1) of the two examples are at right angles: a step on one leaves the error of the other
    # alone, so the result does not depend on their order.
    c = draw.choice([0.5, 1.0, 2.0])
    x, y = np.array([c, -1 / c]), np.array([draw.uniform(1, 2), draw.uniform(2.5, 4)])
    rate = draw.uniform(0.05, 0.1)
    w, b, losses = answer(x, y, rate, 1, 1, np.random.default_rng(draw.seed()))
    steps = [_descend(x[i : i + 1], y[i : i + 1], rate, 1)[0] for i in range(2)]
    expect(sorted(losses), "the two losses, sorted").close_to(y**2)
    expect(w, "w").close_to(steps[0][0] + steps[1][0], atol=1e-5)
    expect(b, "b").close_to(steps[0][1] + steps[1][1], atol=1e-5)


@train.property("shows every example once an epoch, in a new order each time", trials=3)
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, 12, 2, draw.seed())
    expect(len(epochs), "how many epochs of 12 steps").equals(2)
    expect(all(sorted(e) == list(range(1, 13)) for e in epochs), "each example once").is_true(
        otherwise="In one epoch some example was seen twice, or never."
    )
    expect(epochs[0] != list(range(1, 13)), "the first epoch is shuffled").is_true(
        otherwise="The first epoch went through the data in its original order."
    )
    expect(epochs[0] != epochs[-1], "the second epoch has another order").is_true(
        otherwise="The second epoch repeated the order of the first."
    )


@train.property("puts other examples together in the next epoch", trials=2)
def _(answer, draw: Draw) -> None:
    sizes, epochs = _batches_seen(answer, draw.seed())
    expect(sizes == [5, 5, 5, 1] * 2, "16 examples in batches of 5").is_true(
        otherwise="16 examples in batches of 5 should make steps on 5, 5, 5 and 1 of them."
    )
    expect(set(epochs[0]) != set(epochs[-1]), "other batches").is_true(
        otherwise="Both epochs were made of the same batches: which examples travel together "
        "should change too."
    )


@train.property("takes its order from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = _visits(answer, 12, 1, seed)
    expect(first == _visits(answer, 12, 1, seed), "same seed, same order").is_true(
        otherwise="Two generators with the same seed gave different orders."
    )
    expect(first != _visits(answer, 12, 1, seed + 1), "another seed, another order").is_true(
        otherwise="Two generators with different seeds gave the same order."
    )


@train.property("recovers a noisy line", trials=2)
def _(answer, draw: Draw) -> None:
    true_w, true_b = draw.uniform(0.5, 2.0), draw.uniform(-2.0, -0.5)
    x = draw.rng.uniform(-1, 1, 400)
    y = true_w * x + true_b + 0.1 * draw.rng.normal(size=400)
    w, b, losses = answer(x, y, 0.1, 20, 20, np.random.default_rng(draw.seed()))
    best_w, best_b = np.polyfit(x, y, 1)
    # Truth values, not numbers: the last digits depend on how the answer shuffles.
    expect(abs(w - best_w) < 0.05, "w").is_true(
        otherwise=f"w is {w:.3f} where least squares finds {best_w:.3f}"
    )
    expect(abs(b - best_b) < 0.05, "b").is_true(
        otherwise=f"b is {b:.3f} where least squares finds {best_b:.3f}"
    )
    last = float(np.mean(losses[-20:]))
    expect(0.005 < last < 0.02, "the last epoch's loss").is_true(
        otherwise=f"the last epoch's mean loss is {last:.4f}; the noise floor is 0.01"
    )


def _loop(x, y, learning_rate, batch_size, epochs, rng, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, w, b, losses = len(x), 0.0, 0.0, []
    order = np.arange(n)
    rng = np.random.default_rng(0) if habits.get("own_rng") else rng
    for epoch in range(epochs):
        if habits.get("restarts"):
            w, b = 0.0, 0.0
        if habits.get("with_replacement"):
            order = rng.integers(0, n, size=n)
        elif habits.get("global_rng"):
            order = np.random.permutation(n)  # noqa: NPY002 (the mistake itself)
        elif not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            order = rng.permutation(n)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = np.arange(n) if habits.get("full_batch") else order[start : start + batch_size]
            error = w * x[batch] + b - y[batch]
            count = batch_size if habits.get("fixed_divisor") else len(batch)
            count = 1 if habits.get("summed") else count
            loss = np.mean((w * x + b - y) ** 2) if habits.get("full_loss") else np.mean(error**2)
            rate = 0.01 if habits.get("fixed_rate") else learning_rate
            rate = -rate if habits.get("climbs") else rate
            w = w - rate * 2 * np.sum(error * x[batch]) / count
            if habits.get("sequential"):
                error = w * x[batch] + b - y[batch]
            b = b - rate * 2 * np.sum(error) / count
            if habits.get("loss_after"):
                loss = np.mean((w * x[batch] + b - y[batch]) ** 2)
            losses.append(float(loss))
    return w, b, losses


@train.mistake(
    "You recorded each loss after its step. Record it before: the loss of the line that the "
    "gradient was computed for. The first entry is then the loss of w = b = 0."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "You never shuffled: every epoch goes through the data in its original order. Ask "
    "`minibatches` for new batches at the start of each epoch."
)
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake(
    "You shuffled once, before the first epoch. Call `minibatches` inside the epoch loop, so that "
    "every epoch has an order of its own."
)
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "You made a generator of your own with a fixed seed, so that no caller can have another order. "
    "Hand the `rng` you were given to `minibatches`."
)
def own_generator_for_training(*specification):
    return _loop(*specification, own_rng=True)


@train.mistake(
    "Your order comes from numpy's global generator. Hand the `rng` you were given to "
    "`minibatches`: the same seed then gives the same run."
)
def global_generator_for_training(*specification):
    return _loop(*specification, global_rng=True)


@train.mistake(
    "Your list of losses starts afresh in every epoch. Make it once, before the epoch loop, as "
    "you do with w and b."
)
def losses_of_last_epoch(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    per_epoch = -(-len(x) // batch_size)
    return w, b, losses[-per_epoch:]


@train.mistake(
    "You recorded the root of each loss. The loss of this page is the mean squared error itself."
)
def rooted_losses(*specification):
    w, b, losses = _loop(*specification)
    return w, b, [loss**0.5 for loss in losses]


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out x[batch] and y[batch] before you "
    "compute the gradient and the loss."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "Your losses come from the minibatch, but your gradient from all the data. Hand x[batch] and "
    "y[batch] to `gradient` too."
)
def full_gradient(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = 0.0, 0.0, []
    for _epoch_number in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            losses.append(float(np.mean((w * x[batch] + b - y[batch]) ** 2)))
            error = w * x + b - y
            dw, db = 2 * np.mean(error * x), 2 * np.mean(error)
            w, b = w - learning_rate * dw, b - learning_rate * db
    return w, b, losses


@train.mistake(
    "w and b never move: the step was computed and thrown away. Write `w, b = sgd_step(…)`, since "
    "it returns the new numbers and changes nothing."
)
def step_not_assigned(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, 0.0, batch_size, epochs, rng)


@train.mistake(
    "The loss you record is that of all the data. Record the loss of the minibatch the step was "
    "computed from: it is nearly free, and it is what the rest of the page plots."
)
def full_loss(*specification):
    return _loop(*specification, full_loss=True)


@train.mistake(
    "w and b go back to 0 at the start of every epoch. Set them once, before the epoch loop, or "
    "all that was learned is lost."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake(
    "You moved w first and used the new w in db. Compute dw and db at the same point, then move "
    "both."
)
def sequential(*specification):
    return _loop(*specification, sequential=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake(
    "In the short last batch you divided by batch_size. A mean divides by the number of examples "
    "that are there."
)
def fixed_divisor(*specification):
    return _loop(*specification, fixed_divisor=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake(
    "Your steps do not depend on the learning rate you were given; 0.01 seems to be written into "
    "the loop."
)
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "You drew examples with replacement, so that in one epoch some come twice and others never."
)
def drawn_with_replacement(*specification):
    return _loop(*specification, with_replacement=True)


@train.mistake(
    "You step once an epoch, with the last minibatch only: the step has slipped out of the inner "
    "loop. Indent it one level further."
)
def step_outside_loop(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = 0.0, 0.0, []
    for _epoch_number in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            error = w * x[batch] + b - y[batch]
            losses.append(float(np.mean(error**2)))
        w = w - learning_rate * 2 * np.mean(error * x[batch])
        b = b - learning_rate * 2 * np.mean(error)
    return w, b, losses


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: the list has as many entries as "
    "there were minibatches in all."
)
def one_loss_an_epoch(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    per_epoch = -(-len(x) // batch_size)
    return w, b, losses[per_epoch - 1 :: per_epoch]


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, learning_rate, batch_size, 1, rng)


train.hint("Write the two loops first, empty: over epochs, and inside it over minibatches(…).")
train.hint("Inside: xb, yb = x[batch], y[batch]; loss; gradient; step. The four functions exist.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint(
    "What is the very first loss? At w = b = 0 it is the mean of y² over the batch.", when="shift"
)
train.hint(
    "Follow one step by hand with the example of this page: x = [1, 3], y = [2, 6].", when="value"
)
train.hint(
    "Does every argument take part: the learning rate, the batch size, the epochs, rng?",
    when="ignores argument",
)
train.hint(
    "`losses.append(float(loss))` keeps plain numbers; return the list, not its mean.", when="type"
)
train.equivalent(
    "`losses.append(float(mean_squared_error(predict(w, b, batch_x), batch_y)))` → "
    "`losses.append(float(mean_squared_error(batch_y, predict(w, b, batch_x))))`",
    because="the square of an error does not depend on its sign",
)
