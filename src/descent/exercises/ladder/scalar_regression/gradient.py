"""How `gradient` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

gradient = Exercise("gradient", minutes=15, difficulty=2, returns=tuple[float, float])


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
