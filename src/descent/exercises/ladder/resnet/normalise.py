"""How `normalise` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import affine, drawn_batch

normalise = Exercise("normalise", minutes=8, difficulty=1, returns=Tensor)


@normalise.property("shifts and scales every channel of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    channels, side = draw.integers(2, 5), (draw.integers(2, 5), draw.integers(2, 5))
    x, parts = drawn_batch(draw, draw.size, channels, side), affine(draw, channels)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("shifts and scales every column of rows", trials=3)
def _(answer, draw: Draw) -> None:
    x, parts = drawn_batch(draw, draw.size, 4, ()), affine(draw, 4)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("tells channels from examples, rows and columns, three of each", trials=1)
def _(answer, draw: Draw) -> None:
    for side in ((3, 3), ()):
        x, parts = drawn_batch(draw, 3, 3, side), affine(draw, 3)
        wanted = F.batch_norm(x, *parts)
        expect(answer(x, *parts), "the output").close_to(wanted, rtol=1e-3, atol=1e-4)


@normalise.property("adds eps under the root: the one given, and 1e-5 unless told", trials=2)
def _(answer, draw: Draw) -> None:
    x, (mean, _, weight, bias) = drawn_batch(draw, 2, 3, ()), affine(draw, 3)
    for eps in (draw.choice([0.25, 4.0]), 1e-3):
        variance = torch.full((3,), 2 * eps)
        wanted = F.batch_norm(x, mean, variance, weight, bias, eps=eps)
        found = answer(x, mean, variance, weight, bias, eps)
        expect(found, f"with variance {2 * eps} and eps {eps}").close_to(wanted, rtol=1e-3)
    small = torch.full((3,), 1e-6)
    wanted = F.batch_norm(x, mean, small, weight, bias)
    expect(answer(x, mean, small, weight, bias), "with variance 1e-6").close_to(wanted, rtol=1e-3)


@normalise.property("makes of a constant channel, whose variance is 0, its bias", trials=1)
def _(answer, draw: Draw) -> None:
    mean, _, weight, bias = affine(draw, 3)
    found = answer(mean.expand(2, 3).clone(), mean, torch.zeros(3), weight, bias)
    expect(found, "the output").close_to(bias.expand(2, 3))


@normalise.property("takes an eps of 0 as 0", trials=1)
def _(answer, draw: Draw) -> None:
    x, (mean, variance, weight, bias) = drawn_batch(draw, 2, 3, ()), affine(draw, 3)
    variance = variance * 1e-5
    wanted = (x - mean) / variance.sqrt() * weight + bias
    found = answer(x, mean, variance, weight, bias, 0.0)
    expect(found, "with small variances and eps 0").close_to(wanted, rtol=1e-3)


@normalise.property("lets `backward` pass to all five tensors", trials=1)
def _(answer, draw: Draw) -> None:
    given = [drawn_batch(draw, 2, 3, (2, 2)), *affine(draw, 3)]
    slope = normals(draw, 2, 3, 2, 2)
    names = ("x", "mean", "variance", "weight", "bias")
    own = [part.clone().requires_grad_() for part in given]
    x, mean, variance, weight, bias = (part[:, None, None] if part.ndim == 1 else part
                                       for part in own)  # fmt: skip
    wanted = ((x - mean) / (variance + 1e-5).sqrt() * weight + bias) * slope
    wanted.sum().backward()
    reached = []
    for asked, name in zip(own, names, strict=True):
        alone = [part.detach().clone().requires_grad_(part is asked) for part in own]
        found = answer(*alone)
        reached.append(int(found.requires_grad))
        if found.requires_grad:
            (gradient,) = gradients_at_leaves((found * slope).sum())
            expect(gradient, f"the gradient at {name}").close_to(asked.grad, rtol=1e-3, atol=1e-3)
    expect(reached, f"which are reached (1 is yes), of {', '.join(names)}").equals([1] * 5)


@normalise.right
def right_normalised(x, mean, variance, weight, bias, eps=1e-5):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    root = torch.sqrt(variance + eps)
    mean, root = mean.view(shape), root.view(shape)
    weight, bias = weight.view(shape), bias.view(shape)
    return (x - mean) / root * weight + bias


normalise.slip(
    "eps_outside",
    "Your eps stands outside the root. It is added to the *variance*: √(variance + eps).",
    {"torch.sqrt(variance + eps)": "torch.sqrt(variance) + eps"},
)
normalise.slip(
    "divided_by_variance",
    "You divided by the variance. Divide by its root, the standard deviation.",
    {"torch.sqrt(variance + eps)": "variance + eps"},
)
normalise.slip(
    "without_eps",
    "There is no eps in it: a constant channel divides by 0.",
    {"variance + eps": "variance"},
)
normalise.slip(
    "fixed_eps",
    "Your eps is always 1e-5. Use the one that was given.",
    {"variance + eps": "variance + 1e-5"},
)
normalise.slip(
    "zero_eps_replaced",
    "Your eps of 0 became 1e-5: `eps or …` and `if eps` take 0 for nothing. Use the one that was "
    "given as it is.",
    {"variance + eps": "variance + (eps or 1e-5)"},
)
normalise.slip(
    "another_default",
    "Your eps is smaller than 1e-5 where none is given. The signature of the page has the default.",
    {"eps=1e-5": "eps=1e-8"},
)
normalise.slip(
    "eps_subtracted",
    "You subtracted eps. It is added to the variance, to keep the root away from 0.",
    {"variance + eps": "variance - eps"},
)
normalise.slip(
    "without_scale",
    "You left out weight and bias: (x − mean) / root, then · weight + bias.",
    {" * weight + bias": ""},
)
normalise.slip("without_weight", "The weight is missing: … · weight + bias.", {" * weight": ""})
normalise.slip("without_bias", "The bias is missing: … · weight + bias.", {" + bias": ""})
normalise.slip(
    "swapped_scale",
    "Weight and bias have changed places: weight multiplies, bias is added.",
    {" * weight + bias": " * bias + weight"},
)
normalise.slip(
    "swapped_statistics",
    "Mean and variance have changed places: subtract the mean, divide by the root of the variance.",
    {"(x, mean, variance, weight": "(x, variance, mean, weight"},
)
normalise.slip(
    "bias_inside",
    "You added the bias before multiplying. Multiply by weight first.",
    {"(x - mean) / root * weight + bias": "((x - mean) / root + bias) * weight"},
)
normalise.slip(
    "without_brackets",
    "Only the mean was divided: x − mean / root. Put x − mean into brackets.",
    {"(x - mean) / root * weight": "x - mean / root * weight"},
)
normalise.slip(
    "mean_divided",
    "You divided the mean, and then multiplied the difference by the weight: the x is not "
    "normalised. Put x − mean into brackets: (x − mean) / root.",
    {"(x - mean) / root * weight": "(x - mean / root) * weight"},
)
normalise.slip(
    "weight_below_the_line",
    "You divided by root · weight. The weight multiplies.",
    {"/ root * weight": "/ (root * weight)"},
)
normalise.slip(
    "multiplied_by_root", "You multiplied by the root. Divide by it.", {"/ root": "* root"}
)
normalise.slip("added_mean", "You added the mean. Subtract it.", {"x - mean": "x + mean"})
normalise.slip(
    "own_statistics",
    "You computed mean and variance from x. Use the ones that were given: in evaluation they are "
    "not the batch's.",
    {
        "    root = ": "    axes = [0, *range(2, x.ndim)]\n"
        "    mean, variance = x.mean(axes), x.var(axes, correction=0)\n    root = "
    },
)
normalise.slip(
    "along_the_last_axis",
    "Your numbers were broadcast along the last axis, the columns of a picture. The channel is "
    "axis 1: give them shape (c, 1, 1) first.",
    {"(1, -1) + (1,) * (x.ndim - 2)": "(-1,)"},
)
normalise.slip(
    "along_the_first_axis",
    "Your numbers were broadcast along the first axis, the examples. The channel is axis 1.",
    {"(1, -1) + (1,) * (x.ndim - 2)": "(-1,) + (1,) * (x.ndim - 1)"},
)
normalise.slip(
    "cut_off",
    "Your output is cut off from the graph (`.detach()`, `no_grad` or numpy). In training the "
    "gradient has to pass through it, to x, to the statistics and to weight and bias.",
    {"return (x - mean) / root * weight + bias": "return ((x - mean) / root * weight + "
     "bias).detach()"},
)  # fmt: skip
normalise.slip(
    "constant_statistics",
    "You detached mean and variance. They depend on x in training, and the gradient has to pass "
    "through them.",
    {"    root = ": "    mean, variance = mean.detach(), variance.detach()\n    root = "},
)


normalise.hint("Get the shapes right first: (c,) must become (1, c, 1, 1) for pictures.")
normalise.hint("`v.view(1, -1, 1, 1)`, or `v[:, None, None]`; for rows (c,) fits as it is.")
normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="error")
normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="shape")
normalise.hint("Do the worked number: pixel 1 must become −1.68.", when="value")
