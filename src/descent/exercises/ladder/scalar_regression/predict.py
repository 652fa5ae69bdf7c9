"""How `predict` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

predict = Exercise("predict", minutes=2, difficulty=1, returns=np.ndarray)


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
