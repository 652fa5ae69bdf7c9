"""How `normalise` is judged."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import affine, drawn_batch, normalised

normalise = Exercise("normalise", minutes=8, difficulty=1)


@normalise.property("shifts and scales every channel of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    x, parts = drawn_batch(draw, draw.size), affine(draw, 3)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("shifts and scales every column of rows", trials=3)
def _(answer, draw: Draw) -> None:
    x, parts = drawn_batch(draw, draw.size, 4, ()), affine(draw, 4)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("tells channels from rows and columns where all are three", trials=1)
def _(answer, draw: Draw) -> None:
    x, parts = drawn_batch(draw, 3, 3, (3, 3)), affine(draw, 3)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("adds eps under the root, and 1e-5 where none is given", trials=2)
def _(answer, draw: Draw) -> None:
    x, (mean, _, weight, bias) = drawn_batch(draw, 2, 3, ()), affine(draw, 3)
    flat = torch.zeros(3)
    eps = draw.choice([0.25, 4.0])
    large = F.batch_norm(x, mean, flat + 2, weight, bias, eps=eps)
    expect(answer(x, mean, flat + 2, weight, bias, eps), f"with eps {eps}").close_to(
        large, rtol=1e-3
    )
    expect(answer(x, mean, flat, weight, bias), "with variance 0").close_to(
        F.batch_norm(x, mean, flat, weight, bias), rtol=1e-3
    )


@normalise.mistake(
    "Your eps stands outside the root. It is added to the *variance*: √(variance + eps)."
)
def eps_outside(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, outside=True)


@normalise.mistake("You divided by the variance. Divide by its root, the standard deviation.")
def divided_by_variance(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, no_root=True)


@normalise.mistake("There is no eps in it: a constant channel divides by 0.")
def without_eps(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, no_eps=True)


@normalise.mistake("Your eps is always 1e-5. Use the one that was given.")
def fixed_eps(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, fixed_eps=True)


@normalise.mistake("You left out weight and bias: (x − mean) / root, then · weight + bias.")
def without_scale(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, no_scale=True)


@normalise.mistake("Weight and bias have changed places: weight multiplies, bias is added.")
def swapped_scale(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, swapped=True)


@normalise.mistake("You added the bias before multiplying. Multiply by weight first.")
def bias_inside(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, bias_inside=True)


@normalise.mistake("You added the mean. Subtract it.")
def added_mean(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, added=True)


@normalise.mistake(
    "You computed mean and variance from x. Use the ones that were given: in evaluation they are "
    "not the batch's."
)
def own_statistics(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, own_statistics=True)


@normalise.mistake(
    "Your numbers were broadcast along the last axis, the columns of a picture. The "
    "channel is axis 1: give them shape (c, 1, 1) first."
)
def along_the_last_axis(x, mean, variance, weight, bias, eps=1e-5):
    return normalised(x, mean, variance, weight, bias, eps, last_axis=True)


normalise.hint("Get the shapes right first: (c,) must become (1, c, 1, 1) for pictures.")


normalise.hint("`v.view(1, -1, 1, 1)`, or `v[:, None, None]`; for rows (c,) fits as it is.")


normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="error")


normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="shape")


normalise.hint("Do the worked number: pixel 1 must become −1.68.", when="value")
