"""How `gradient` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import plane_heights, several

gradient = Exercise("gradient", minutes=15, difficulty=2, returns=tuple[np.ndarray, float])


def _loss(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.linalg.norm(plane_heights(w, b, x) - y) ** 2 / len(y))


def _slopes(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Slopes by central differences: exact on a quadratic for any step, so take a long one."""
    half = 0.5 * np.eye(len(w))
    dw = np.array([_loss(w + h, b, x, y) - _loss(w - h, b, x, y) for h in half])
    return dw, _loss(w, b + 0.5, x, y) - _loss(w, b - 0.5, x, y)


def _expect_slopes(answer, w, b, x, y, of: str = "") -> None:
    dw, db = several(answer(w, b, x, y), "two things: dw, db")
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, f"dw{of}").close_to(expected_dw, atol=1e-4)
    expect(db, f"db{of}").close_to(expected_db, atol=1e-4)


@gradient.property("matches the slopes of the loss", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size + 1, draw.size % 2 + 2
    n += n == d  # never square: a missing transpose must not fit by chance
    w, b, x, y = draw.normal(d), draw.normal(), draw.normal(n, d), draw.normal(n)
    _expect_slopes(answer, w, b, x, y)


@gradient.property("sums over examples, not features, also when n equals d")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(3), draw.normal(), draw.normal(3, 3), draw.normal(3)
    _expect_slopes(answer, w, b, x, y)


@gradient.property("works for a batch of one, and for a single feature")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(2), draw.normal()
    _expect_slopes(answer, w, b, draw.normal(1, 2), draw.normal(1), " of one example")
    _expect_slopes(answer, w[:1], b, draw.normal(4, 1), draw.normal(4), " for one feature")


@gradient.property("is zero when the plane goes through every point")
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(2), draw.normal(), draw.normal(5, 2)
    dw, db = several(answer(w, b, x, plane_heights(w, b, x)), "two things: dw, db")
    expect(dw, "dw").close_to(np.zeros(2), atol=1e-5)
    expect(db, "db").close_to(0.0, atol=1e-5)


@gradient.property("stays the same when every example is written twice")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(2), draw.normal(), draw.normal(3, 2), draw.normal(3)
    dw, db = several(answer(w, b, np.tile(x, (2, 1)), np.tile(y, 2)), "two things: dw, db")
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, "dw of the doubled batch").close_to(expected_dw, atol=1e-4)
    expect(db, "db of the doubled batch").close_to(expected_db, atol=1e-4)


@gradient.mistake(
    "The transpose is missing: `x @ error` pairs features with errors. dw[j] sums over the "
    "examples, so it is `x.T @ error`, (d, n) by (n,), which gives (d,)."
)
def without_transpose(w, b, x, y):
    error = x @ w + b - y
    return 2 * x @ error / len(y), 2 * np.mean(error)


@gradient.mistake(
    "`error * x` lines (n,) up with the last axis of x, the features. To multiply each row by its "
    "own error, make it a column, `error[:, None] * x`; or let `x.T @ error` do it all."
)
def error_along_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error * x, axis=0), 2 * np.mean(error)


@gradient.mistake("You divided dw by d, the number of features. The mean runs over n examples.")
def divided_by_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error / x.shape[1], 2 * np.mean(error)


@gradient.mistake(
    "You summed over the batch. The loss is a mean over n examples, so its gradient is divided by "
    "n too."
)
def summed(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error, 2 * np.sum(error)


@gradient.mistake(
    "dw is a sum and db a mean: `x.T @ error` adds over the examples and does not divide. Divide "
    "it by n."
)
def summed_weights_only(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error, 2 * np.mean(error)


@gradient.mistake(
    "Your signs are flipped: the error is prediction − target, and a step along your gradient "
    "climbs."
)
def flipped(w, b, x, y):
    error = y - x @ w - b
    return 2 * x.T @ error / len(y), 2 * np.mean(error)


@gradient.mistake("The 2 from the square is missing: the derivative of error² is 2·error.")
def without_two(w, b, x, y):
    error = x @ w + b - y
    return x.T @ error / len(y), np.mean(error)


@gradient.mistake(
    "You divided dw by n·d, the number of entries of x. The mean of the loss runs over the n "
    "examples only; `len(x)` is n."
)
def divided_by_size(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error / x.size, 2 * np.mean(error)


@gradient.mistake(
    "dw is one number. Averaging over the whole table mixes the features; each weight has a slope "
    "of its own, so average over the examples alone, axis 0."
)
def mixed_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error[:, None] * x), 2 * np.mean(error)


@gradient.mistake(
    "All your dw are one and the same number. A mean over the whole table mixes the features; each "
    "weight has a slope of its own, so average over the examples alone, axis 0."
)
def mixed_and_repeated(w, b, x, y):
    dw, db = mixed_features(w, b, x, y)
    return np.full(len(w), dw), db


@gradient.mistake(
    "You made y a column, so that prediction − y is an n × n table of every prediction against "
    "every target. Leave y as it is, shape (n,)."
)
def against_every_target(w, b, x, y):
    error = x @ w + b - np.mean(y)
    return 2 * x.T @ error / len(y), 2 * np.mean(error)


@gradient.mistake(
    "You returned a slope for every example. The loss is one mean: average over axis 0, and dw "
    "has shape (d,), db none."
)
def per_example(w, b, x, y):
    error = x @ w + b - y
    return 2 * error[:, None] * x, 2 * error


@gradient.mistake(
    "dw has shape (d, 1). The weights have shape (d,); a column subtracted from them would "
    "broadcast to (d, d)."
)
def column_of_slopes(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error[:, None] / len(y), 2 * np.mean(error)


@gradient.mistake("Your error leaves out b. The prediction inside the gradient is x @ w + b too.")
def error_without_bias(w, b, x, y):
    error = x @ w - y
    return 2 * x.T @ error / len(y), 2 * np.mean(error)


@gradient.mistake(
    "You multiplied the mean error by the mean of each feature. Multiply each error by its own "
    "row first, then average."
)
def product_of_means(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error) * np.mean(x, axis=0), 2 * np.mean(error)


@gradient.mistake("dw and db have changed places: return (dw, db).")
def swapped(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error), 2 * x.T @ error / len(y)


gradient.hint("First the error, shape (n,). dw[j] is 2/n times the sum of error[i]·x[i, j].")
gradient.hint("A sum over the examples for every feature: which product of x and error is that?")
gradient.hint("Count the factors: a 2 from the square, a 1/n from the mean.", when="factor")
gradient.hint("Is it prediction − target, or target − prediction?", when="sign")
gradient.hint("dw must look like w: shape (d,). db is one number.", when="shape")
gradient.hint("x is (n, d) and the error (n,). What must be transposed to meet?", when="error")
gradient.hint("On the page's example, dw = [14/3, 2/3] and db = 4/3. What are yours?", when="value")
