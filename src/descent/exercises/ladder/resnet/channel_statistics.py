"""How `channel_statistics` is judged."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_batch

channel_statistics = Exercise("channel_statistics", minutes=6, difficulty=1)


@channel_statistics.property("is mean and biased variance of each channel of pictures", trials=5)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, draw.size)
    mean, variance = answer(x)
    rows = x.double().numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    expect(mean, "the means").close_to(rows.mean(axis=1), atol=1e-4)
    expect(variance, "the variances").close_to(rows.var(axis=1), rtol=1e-3)


@channel_statistics.property("is mean and biased variance of each column of rows", trials=4)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, draw.size + 1, 4, ())
    mean, variance = answer(x)
    expect(mean, "the means").close_to(x.double().numpy().mean(axis=0), atol=1e-4)
    expect(variance, "the variances").close_to(x.double().numpy().var(axis=0), rtol=1e-3)


@channel_statistics.property("has variance 0 for a single row", trials=1)
def _(answer, draw: Draw) -> None:
    x = normals(draw, 1, 3)
    mean, variance = answer(x)
    expect(mean, "the means").close_to(x[0])
    expect(variance, "the variances").close_to(np.zeros(3), atol=1e-6)


@channel_statistics.property("lets `backward` pass", trials=1)
def _(answer, draw: Draw) -> None:
    outputs = answer(drawn_batch(draw, 3).requires_grad_())
    attached = [isinstance(part, Tensor) and part.requires_grad for part in outputs]
    expect(sum(attached), "how many of the two are part of the graph").equals(2)


def _statistics(x: Tensor, axes: list[int], correction: int = 0) -> tuple[Tensor, Tensor]:
    return x.mean(axes), x.var(axes, correction=correction)


@channel_statistics.mistake(
    "Your variance is divided by the count less one, torch's default. Normalising takes the biased "
    "one: `correction=0` (or `unbiased=False`)."
)
def unbiased_variance(x):
    return _statistics(x, [0, *range(2, x.ndim)], 1)


@channel_statistics.mistake(
    "You averaged over the batch alone: that is one mean for each *pixel* of a channel. "
    "A channel's "
    "pixels share a kernel, and they share their statistics: average over height and width too."
)
def per_pixel(x):
    return _statistics(x, [0])


@channel_statistics.mistake(
    "You averaged within each example. That is instance or layer norm; batch norm "
    "averages over the examples, axis 0."
)
def per_example(x):
    return _statistics(x, list(range(2, x.ndim)) or [1])


@channel_statistics.mistake(
    "You averaged over everything, so that all channels share one mean. Each channel has its own: "
    "leave axis 1 out."
)
def over_everything(x):
    channels = x.shape[1]
    return x.mean().expand(channels), x.var(correction=0).expand(channels)


@channel_statistics.mistake("You returned the standard deviation. The variance is its square.")
def standard_deviation(x):
    mean, variance = _statistics(x, [0, *range(2, x.ndim)])
    return mean, variance.sqrt()


@channel_statistics.mistake(
    "You returned the mean of the squares. Subtract the mean first: the variance is the "
    "mean square of the *deviations*."
)
def mean_square(x):
    axes = [0, *range(2, x.ndim)]
    return x.mean(axes), x.square().mean(axes)


@channel_statistics.mistake("Variance and mean have changed places: return the mean first.")
def variance_first(x):
    mean, variance = _statistics(x, [0, *range(2, x.ndim)])
    return variance, mean


@channel_statistics.mistake(
    "Your statistics are cut off from the graph (`.detach()`, `no_grad` or numpy). The "
    "gradient has to pass through mean and variance: they depend on x."
)
def detached_statistics(x):
    return _statistics(x.detach(), [0, *range(2, x.ndim)])


@channel_statistics.mistake(
    "You kept the averaged axes as axes of size 1. Return shape (c,): leave out `keepdim=True`."
)
def kept_axes(x):
    axes = [0, *range(2, x.ndim)]
    return x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)


channel_statistics.hint("Which axis is left over? The average runs over all the others.")


channel_statistics.hint("`x.mean((0, 2, 3))` averages over three axes; rows have axis 0 only.")


channel_statistics.hint("For rows of shape (n, c) there are no axes 2 and 3.", when="error")


channel_statistics.hint("The result has one entry for each channel.", when="shape")


channel_statistics.hint("By how much is it off: m / (m − 1)? See `correction`.", when="factor")


channel_statistics.hint("By how much is it off: m / (m − 1)? See `correction`.", when="value")
