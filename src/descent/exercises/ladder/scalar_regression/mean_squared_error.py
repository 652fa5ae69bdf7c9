"""How `mean_squared_error` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

mean_squared_error = Exercise("mean_squared_error", minutes=5, difficulty=1, returns=float)


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
