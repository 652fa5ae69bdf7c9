"""How `channel_statistics` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import drawn_batch

channel_statistics = Exercise(
    "channel_statistics", minutes=6, difficulty=1, returns=tuple[Tensor, Tensor]
)


def _expect_statistics(found: tuple[Tensor, Tensor], x: Tensor) -> None:
    """Compare with numpy, which has every number of a channel in one row."""
    rows = np.moveaxis(x.double().numpy(), 1, 0).reshape(x.shape[1], -1)
    expect(found[0], "the means").close_to(rows.mean(axis=1), atol=1e-4)
    expect(found[1], "the variances").close_to(rows.var(axis=1), rtol=1e-3)


@channel_statistics.property("is mean and biased variance of each channel of pictures", trials=5)
def _(answer, draw: Draw) -> None:
    side = (draw.integers(2, 5), draw.integers(2, 5))
    x = drawn_batch(draw, draw.size, draw.integers(2, 5), side)
    _expect_statistics(answer(x), x)


@channel_statistics.property("is mean and biased variance of each column of rows", trials=4)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, draw.size + 1, 4, ())
    _expect_statistics(answer(x), x)


@channel_statistics.property("tells channels from examples, rows and columns, three of each", 1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 3, 3, (3, 3))
    _expect_statistics(answer(x), x)


@channel_statistics.property("takes pictures that lie channels last in memory", trials=1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 4, 2, (3, 2)).contiguous(memory_format=torch.channels_last)
    _expect_statistics(answer(x), x)


@channel_statistics.property("has variance 0 for a single row, or a single pixel", trials=1)
def _(answer, draw: Draw) -> None:
    for x in (normals(draw, 1, 3), normals(draw, 1, 3, 1, 1)):
        mean, variance = answer(x)
        expect(mean, "the means").close_to(x.reshape(3))
        expect(variance, "the variances").close_to(np.zeros(3), atol=1e-6)


@channel_statistics.property("lets `backward` pass", trials=1)
def _(answer, draw: Draw) -> None:
    x, slopes = drawn_batch(draw, 3), normals(draw, 2, 3)
    mean, variance = answer(x.clone().requires_grad_())
    attached = [int(part.requires_grad) for part in (mean, variance)]
    expect(attached, "which of the two are part of the graph (1 is yes)").equals([1, 1])
    if all(attached):
        found = gradients_at_leaves((slopes[0] * mean + slopes[1] * variance).sum())
        count, channel = 18, (1, 3, 1, 1)
        own_mean = x.mean((0, 2, 3)).view(channel)
        wanted = slopes[0].view(channel) + 2 * slopes[1].view(channel) * (x - own_mean)
        expect(len(found), "how many inputs the gradient reaches").equals(1)
        expect(found[0], "the gradient at x").close_to(wanted / count, rtol=1e-3, atol=1e-4)


@channel_statistics.right
def right_statistics(x):
    axes = [0, *range(2, x.ndim)]
    mean = x.mean(axes)
    variance = x.var(axes, correction=0)
    return mean, variance


channel_statistics.slip(
    "unbiased_variance",
    "Your variance is divided by the count less one, torch's default. Normalising takes the biased "
    "one: `correction=0` (or `unbiased=False`).",
    {"correction=0": "correction=1"},
)
channel_statistics.slip(
    "per_pixel",
    "You averaged over the batch alone: that is one mean for each *pixel* of a channel. A "
    "channel's pixels share a kernel, and they share their statistics: average over height and "
    "width too.",
    {"[0, *range(2, x.ndim)]": "[0]"},
)
channel_statistics.slip(
    "per_example",
    "You averaged within each example. That is instance or layer norm; batch norm averages over "
    "the examples, axis 0.",
    {"[0, *range(2, x.ndim)]": "list(range(2, x.ndim)) or [1]"},
)
channel_statistics.slip(
    "over_everything",
    "You averaged over everything, so that all channels share one mean. Each channel has its own: "
    "leave axis 1 out.",
    {
        "x.mean(axes)": "x.mean().expand(x.shape[1])",
        "x.var(axes, correction=0)": "x.var(correction=0).expand(x.shape[1])",
    },
)
channel_statistics.slip(
    "standard_deviation",
    "You returned the standard deviation. The variance is its square.",
    {"return mean, variance": "return mean, variance.sqrt()"},
)
channel_statistics.slip(
    "sample_deviation",
    "You returned the standard deviation, and torch's `std` divides by the count less one. Return "
    "the variance, divided by the count: `x.var(axes, correction=0)`.",
    {"x.var(axes, correction=0)": "x.std(axes)"},
)
channel_statistics.slip(
    "mean_square",
    "You returned the mean of the squares. Subtract the mean first: the variance is the mean "
    "square of the *deviations*.",
    {"x.var(axes, correction=0)": "x.square().mean(axes)"},
)
channel_statistics.slip(
    "mean_deviation",
    "You averaged the sizes of the deviations. The variance is the mean of their *squares*.",
    {
        "x.var(axes, correction=0)": "(x - x.mean(axes, keepdim=True)).abs().mean(axes)",
    },
)
channel_statistics.slip(
    "deviations_summed",
    "Your variance is the sum of the squared deviations. Divide it by how many numbers there are.",
    {
        "x.var(axes, correction=0)": "x.var(axes, correction=0) * (x.numel() / x.shape[1])",
    },
)
channel_statistics.slip(
    "both_summed",
    "You summed and never divided. Mean and variance are averages: divide by how many numbers the "
    "channel has.",
    {
        "x.mean(axes)": "x.sum(axes)",
        "x.var(axes, correction=0)": "x.var(axes, correction=0) * (x.numel() / x.shape[1])",
    },
)
channel_statistics.slip(
    "divided_by_examples",
    "You divided by the number of examples. A channel has n · height · width numbers, and all are "
    "counted.",
    {
        "return mean, variance": "pixels = x[0, 0].numel()\n    "
        "return mean * pixels, variance * pixels",
    },
)
channel_statistics.slip(
    "averaged_variances",
    "You took the variance within each picture and averaged those. What differs *between* the "
    "pictures is lost: take one variance over all numbers of the channel.",
    {
        "x.var(axes, correction=0)": "x.var(axes[1:] or axes, correction=0).reshape("
        "-1, x.shape[1]).mean(0)",
    },
)
channel_statistics.slip(
    "variance_of_the_means",
    "You took the variance of the pictures' means. What differs *within* the pictures is lost: "
    "take one variance over all numbers of the channel.",
    {
        "x.var(axes, correction=0)": "x.reshape(*x.shape[:2], -1).mean(2).var(0, correction=0)",
    },
)
channel_statistics.slip(
    "reshaped_only",
    "You reshaped to one row a channel without bringing the channels to the front, so that the "
    "rows mix channels. `x.transpose(0, 1)` comes first.",
    {
        "    axes = [0, *range(2, x.ndim)]\n": "    x = x.reshape(x.shape[1], -1)\n    axes = 1\n",
    },
)
channel_statistics.slip(
    "variance_first",
    "Variance and mean have changed places: return the mean first.",
    {"return mean, variance": "return variance, mean"},
)
channel_statistics.slip(
    "detached_statistics",
    "Your statistics are cut off from the graph (`.detach()`, `no_grad` or numpy). The gradient "
    "has to pass through mean and variance: they depend on x.",
    {"    mean = x": "    x = x.detach()\n    mean = x"},
)
channel_statistics.slip(
    "detached_mean",
    "Your mean is cut off from the graph. It depends on x, and the gradient has to pass through "
    "it.",
    {"x.mean(axes)": "x.detach().mean(axes)"},
)
channel_statistics.slip(
    "detached_variance",
    "Your variance is cut off from the graph. It depends on x, and the gradient has to pass "
    "through it.",
    {"x.var(axes, correction=0)": "x.detach().var(axes, correction=0)"},
)
channel_statistics.slip(
    "kept_axes",
    "You kept the averaged axes as axes of size 1. Return shape (c,): leave out `keepdim=True`.",
    {
        "x.mean(axes)": "x.mean(axes, keepdim=True)",
        "x.var(axes, correction=0)": "x.var(axes, correction=0, keepdim=True)",
    },
)


channel_statistics.hint("Which axis is left over? The average runs over all the others.")
channel_statistics.hint("`x.mean((0, 2, 3))` averages over three axes; rows have axis 0 only.")
channel_statistics.hint("For rows of shape (n, c) there are no axes 2 and 3.", when="error")
channel_statistics.hint("The result has one entry for each channel.", when="shape")
channel_statistics.hint("By how much is it off: m / (m − 1)? See `correction`.", when="factor")
channel_statistics.hint("By how much is it off: m / (m − 1)? See `correction`.", when="value")
