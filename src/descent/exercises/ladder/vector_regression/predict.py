"""How `predict` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import plane_heights

predict = Exercise("predict", minutes=3, difficulty=1, returns=np.ndarray)


@predict.property("gives x·w + b for every example", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size, draw.size % 3 + 2
    w, b, x = draw.normal(d), draw.normal(), draw.normal(n, d)
    expect(answer(w, b, x), "the predictions").close_to(plane_heights(w, b, x), atol=1e-5)


@predict.property("takes each example's own features, also when n equals d")
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(3), draw.normal(), draw.normal(3, 3)
    expect(answer(w, b, x), "the predictions").close_to(plane_heights(w, b, x), atol=1e-5)


@predict.property("returns shape (n,), for one example, none, and a single feature")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(2), draw.normal()
    expect(answer(w, b, draw.normal(1, 2)), "the prediction").has_shape(1)
    expect(answer(w, b, np.zeros((0, 2))), "the predictions for no example").has_shape(0)
    x = draw.normal(4, 1)
    expected = np.polyval([w[0], b], x[:, 0])
    expect(answer(w[:1], b, x), "the predictions from one feature").close_to(expected, atol=1e-5)


@predict.mistake(
    "You multiplied from the wrong side: `w @ x` and `x.T @ w` sum over the examples. Each "
    "prediction sums over the features of one row: `x @ w`, (n, d) by (d,), gives (n,)."
)
def from_the_left(w, b, x):
    return w @ x + b


@predict.mistake("You left out b. Every such plane goes through the origin.")
def without_bias(w, b, x):
    return x @ w


@predict.mistake(
    "You multiplied and did not add up: `x * w` is a table of shape (n, d). A prediction is the "
    "sum of its row; `x @ w` does both."
)
def not_summed(w, b, x):
    return x * w + b


@predict.mistake(
    "You summed the whole table to one number. Sum along each row, `axis=1`, so that every "
    "example keeps its own prediction."
)
def summed_everything(w, b, x):
    return np.sum(x * w) + b


@predict.mistake(
    "You summed down the columns: axis 0 runs over the examples, axis 1 over the features."
)
def summed_columns(w, b, x):
    return np.sum(x * w, axis=0) + b


@predict.mistake(
    "You added b inside the sum, once for every feature. It is added once for every example."
)
def bias_in_every_term(w, b, x):
    return np.sum(x * w + b, axis=1)


@predict.mistake(
    "You averaged over the features. A prediction is the sum of weight times feature, not the mean."
)
def averaged_features(w, b, x):
    return np.mean(x * w, axis=1) + b


@predict.mistake(
    "Your predictions have shape (n, 1): a column. Make them (n,), like the targets; the next "
    "section shows what a column does to a loss."
)
def column(w, b, x):
    return (x @ w + b)[:, None]


predict.hint("One prediction is the sum over j of x[i, j]·w[j], plus b. Which product is that?")
predict.hint("`x @ w` pairs the last axis of x with w: (n, d) by (d,) gives (n,).")
predict.hint("Write the shapes under your line. Which axis is summed, and is it d?", when="shape")
predict.hint("The inner sizes of a product must agree: (n, d) @ (d,).", when="error")
predict.hint("Does b enter once for each example?", when="offset")
predict.hint("Try the worked example of the page: [5, 7, 2] should come out.", when="value")
