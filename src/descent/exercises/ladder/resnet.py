"""What ladder/10_resnet is judged by.

The oracles are torch's own batch norm and convolution, numpy in double precision, Pascal's
triangle, and small networks whose gradients are known.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect


def _positive(draw: Draw, *shape: int) -> Tensor:
    return torch.tensor(draw.uniform(0.3, 2.0, *shape), dtype=torch.float32)


def _batch(draw: Draw, n: int, channels: int = 3, side: tuple[int, ...] = (2, 3)) -> Tensor:
    """Numbers whose channels differ in mean and spread."""
    ramp = torch.arange(1.0, channels + 1).reshape(1, channels, *[1] * len(side))
    return normals(draw, n, channels, *side) * ramp + 2 * ramp


# --------------------------------------------------------------------- gradient_norms

# The model is handed over as it is: a copy would have lost what is in `.grad`.
gradient_norms = Exercise("gradient_norms", minutes=10, difficulty=2, changes=("model",))


def _small_net(draw: Draw, *widths: int) -> nn.Sequential:
    """Linear layers with tanh between them, and weights of a size that keeps gradients alive."""
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(normals(draw, after, before) / before**0.5)
            layer.bias.copy_(normals(draw, after) / 4)
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _examples(draw: Draw, n: int, inputs: int = 3, classes: int = 3) -> tuple[Tensor, Tensor]:
    return normals(draw, n, inputs), torch.tensor(draw.integers(0, classes, n))


def _clean(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.grad = None


def _norms_by_hand(model: nn.Sequential, x: Tensor, y: Tensor) -> list[float]:
    """The norms for linear layers with tanh between them: backpropagation in numpy."""
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    weights = [layer.weight.detach().double().numpy() for layer in layers]
    inputs = [x.double().numpy()]
    for layer, weight in zip(layers, weights, strict=True):
        z = inputs[-1] @ weight.T + layer.bias.detach().double().numpy()
        inputs.append(np.tanh(z))
    chances = np.exp(z - z.max(axis=1, keepdims=True))
    delta = chances / chances.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y.numpy()]
    delta /= len(x)
    norms = []
    for weight, before in zip(reversed(weights), reversed(inputs[:-1]), strict=True):
        norms.append(float(np.sqrt(np.sum((delta.T @ before) ** 2))))
        delta = (delta @ weight) * (1 - before**2)
    return norms[::-1]


@gradient_norms.property("is the norm at every weight matrix, first layer first", trials=4)
def _(answer, draw: Draw) -> None:
    model = _small_net(draw, 3, 4, 2, 3)
    x, y = _examples(draw, draw.size)
    expect(answer(model, x, y), "the norms").close_to(_norms_by_hand(model, x, y), rtol=1e-3)


@gradient_norms.property("counts kernels, and leaves out biases and the scales of a norm", trials=1)
def _(answer, draw: Draw) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3), nn.LayerNorm(3)
    )
    x, y = normals(draw, 4, 1, 4, 4), torch.tensor([0, 1, 2, 0])
    found = answer(model, x, y)
    expect(len(found), "how many norms there are").equals(2)


@gradient_norms.property("does not count what was in `.grad` before", trials=2)
def _(answer, draw: Draw) -> None:
    model = _small_net(draw, 3, 4, 3)
    x, y = _examples(draw, 5)
    expected = _norms_by_hand(model, x, y)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    expect(answer(model, x, y), "the norms, with old gradients about").close_to(expected, rtol=1e-3)


@gradient_norms.property("uses the model in the mode it is in", trials=1)
def _(answer, draw: Draw) -> None:
    x, y = _examples(draw, 6)
    for training in (True, False):
        model = nn.Sequential(nn.BatchNorm1d(3), _small_net(draw, 3, 3)[0]).train(training)
        centred = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
        seen = centred if training else x / (1 + 1e-5) ** 0.5
        expected = _norms_by_hand(nn.Sequential(model[1]), seen, y)
        mode = "training" if training else "evaluation"
        expect(answer(model, x, y), f"the norms in {mode} mode").close_to(expected, rtol=1e-3)


def _norms(model, x, y, **habits) -> list[float]:
    """The answer with one bad habit, named by keyword."""
    if habits.get("evaluates"):
        model.eval()
    if habits.get("trains"):
        model.train()
    if not habits.get("adds_up"):
        _clean(model)
    reduction = "sum" if habits.get("summed") else "mean"
    F.cross_entropy(model(x), y, reduction=reduction).backward()
    chosen = [p for p in model.parameters() if p.ndim > 1 or habits.get("biases_too")]
    if habits.get("matrices_only"):
        chosen = [p for p in chosen if p.ndim == 2]
    if habits.get("backwards"):
        chosen = chosen[::-1]
    measured = [p if habits.get("weights") else p.grad for p in chosen]
    if habits.get("squared"):
        return [float(g.square().sum()) for g in measured]
    if habits.get("absolute"):
        return [float(g.abs().sum()) for g in measured]
    if habits.get("averaged"):
        return [float(g.square().mean().sqrt()) for g in measured]
    if habits.get("spectral"):
        return [float(torch.linalg.matrix_norm(g.flatten(1), 2)) for g in measured]
    return [float(g.norm()) for g in measured]


@gradient_norms.mistake("You measured the biases too. Take the parameters with two axes or more.")
def biases_too(model, x, y):
    return _norms(model, x, y, biases_too=True)


@gradient_norms.mistake(
    "What was in `.grad` before is in your norms: `backward` adds to it. Clear the gradients "
    "first, or use `torch.autograd.grad`, which leaves `.grad` alone."
)
def adds_to_the_old(model, x, y):
    return _norms(model, x, y, adds_up=True)


@gradient_norms.mistake("You returned the squares of the norms. Take the root of the sum.")
def squared_norms(model, x, y):
    return _norms(model, x, y, squared=True)


@gradient_norms.mistake(
    "You summed absolute values. The norm of this page is the root of the sum of squares."
)
def absolute_sums(model, x, y):
    return _norms(model, x, y, absolute=True)


@gradient_norms.mistake(
    "You averaged the squares. The norm adds them: two layers of different size would not be "
    "comparable with `.grad.norm()` elsewhere."
)
def root_mean_squares(model, x, y):
    return _norms(model, x, y, averaged=True)


@gradient_norms.mistake(
    "You took the largest singular value. `g.norm()` gives the root of the sum of squares; "
    "`torch.linalg.matrix_norm(g, 2)` is another norm."
)
def largest_singular_value(model, x, y):
    return _norms(model, x, y, spectral=True)


@gradient_norms.mistake("You measured the weights themselves, not their gradients.")
def of_the_weights(model, x, y):
    return _norms(model, x, y, weights=True)


@gradient_norms.mistake("Your loss is a sum over the examples. It is their mean.")
def of_the_summed_loss(model, x, y):
    return _norms(model, x, y, summed=True)


@gradient_norms.mistake("Your list runs from the last layer to the first. First layer first.")
def last_layer_first(model, x, y):
    return _norms(model, x, y, backwards=True)


@gradient_norms.mistake(
    "You put the model into evaluation mode. Use it in the mode it is in: with batch norm the two "
    "modes have different gradients."
)
def in_evaluation(model, x, y):
    return _norms(model, x, y, evaluates=True)


@gradient_norms.mistake(
    "You put the model into training mode. Use it in the mode it is in: with batch norm the two "
    "modes have different gradients."
)
def in_training(model, x, y):
    return _norms(model, x, y, trains=True)


@gradient_norms.mistake(
    "You took matrices alone, with exactly two axes. The kernels of a convolution have four: take "
    "every parameter with two axes or more."
)
def kernels_left_out(model, x, y):
    return _norms(model, x, y, matrices_only=True)


gradient_norms.hint("Loss first, then its gradient, then one number for each parameter you want.")
gradient_norms.hint("`torch.autograd.grad(loss, list_of_parameters)` gives a tuple of gradients.")
gradient_norms.hint("`p.ndim` tells a matrix (2) or kernel (4) from a bias (1).", when="length")
gradient_norms.hint("Is there a root, and one only?", when="value")
gradient_norms.hint("`float(gradient.norm())` makes a Python number.", when="type")

# ------------------------------------------------------------------- channel_statistics

channel_statistics = Exercise("channel_statistics", minutes=6, difficulty=1)


@channel_statistics.property("is mean and biased variance of each channel of pictures", trials=5)
def _(answer, draw: Draw) -> None:
    x = _batch(draw, draw.size)
    mean, variance = answer(x)
    rows = x.double().numpy().transpose(1, 0, 2, 3).reshape(3, -1)
    expect(mean, "the means").close_to(rows.mean(axis=1), atol=1e-4)
    expect(variance, "the variances").close_to(rows.var(axis=1), rtol=1e-3)


@channel_statistics.property("is mean and biased variance of each column of rows", trials=4)
def _(answer, draw: Draw) -> None:
    x = _batch(draw, draw.size + 1, 4, ())
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
    outputs = answer(_batch(draw, 3).requires_grad_())
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

# ---------------------------------------------------------------------------- normalise

normalise = Exercise("normalise", minutes=8, difficulty=1)


def _affine(draw: Draw, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean, variance, weight and bias of each channel."""
    mean, bias = normals(draw, channels), normals(draw, channels)
    return mean, _positive(draw, channels), _positive(draw, channels) + 0.5, bias


@normalise.property("shifts and scales every channel of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    x, parts = _batch(draw, draw.size), _affine(draw, 3)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("shifts and scales every column of rows", trials=3)
def _(answer, draw: Draw) -> None:
    x, parts = _batch(draw, draw.size, 4, ()), _affine(draw, 4)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("tells channels from rows and columns where all are three", trials=1)
def _(answer, draw: Draw) -> None:
    x, parts = _batch(draw, 3, 3, (3, 3)), _affine(draw, 3)
    expect(answer(x, *parts), "the output").close_to(F.batch_norm(x, *parts), rtol=1e-3, atol=1e-4)


@normalise.property("adds eps under the root, and 1e-5 where none is given", trials=2)
def _(answer, draw: Draw) -> None:
    x, (mean, _, weight, bias) = _batch(draw, 2, 3, ()), _affine(draw, 3)
    flat = torch.zeros(3)
    eps = draw.choice([0.25, 4.0])
    large = F.batch_norm(x, mean, flat + 2, weight, bias, eps=eps)
    expect(answer(x, mean, flat + 2, weight, bias, eps), f"with eps {eps}").close_to(
        large, rtol=1e-3
    )
    expect(answer(x, mean, flat, weight, bias), "with variance 0").close_to(
        F.batch_norm(x, mean, flat, weight, bias), rtol=1e-3
    )


def _normalised(x, mean, variance, weight, bias, eps=1e-5, **habits):
    """Batch norm's arithmetic with one bad habit, named by keyword."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    if habits.get("last_axis"):
        shape = (-1,)
    root = (variance + eps).sqrt()
    root = variance.sqrt() + eps if habits.get("outside") else root
    root = variance + eps if habits.get("no_root") else root
    root = variance.sqrt() if habits.get("no_eps") else root
    root = (variance + 1e-5).sqrt() if habits.get("fixed_eps") else root
    if habits.get("no_scale"):
        weight, bias = torch.ones_like(weight), torch.zeros_like(bias)
    if habits.get("swapped"):
        weight, bias = bias, weight
    mean = -mean if habits.get("added") else mean
    mean, root, weight, bias = (part.view(shape) for part in (mean, root, weight, bias))
    if habits.get("bias_inside"):
        return ((x - mean) / root + bias) * weight
    if habits.get("own_statistics"):
        axes = [0, *range(2, x.ndim)]
        root = (x.var(axes, correction=0) + eps).sqrt().view(shape)
        mean = x.mean(axes).view(shape)
    return (x - mean) / root * weight + bias


@normalise.mistake(
    "Your eps stands outside the root. It is added to the *variance*: √(variance + eps)."
)
def eps_outside(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, outside=True)


@normalise.mistake("You divided by the variance. Divide by its root, the standard deviation.")
def divided_by_variance(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, no_root=True)


@normalise.mistake("There is no eps in it: a constant channel divides by 0.")
def without_eps(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, no_eps=True)


@normalise.mistake("Your eps is always 1e-5. Use the one that was given.")
def fixed_eps(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, fixed_eps=True)


@normalise.mistake("You left out weight and bias: (x − mean) / root, then · weight + bias.")
def without_scale(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, no_scale=True)


@normalise.mistake("Weight and bias have changed places: weight multiplies, bias is added.")
def swapped_scale(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, swapped=True)


@normalise.mistake("You added the bias before multiplying. Multiply by weight first.")
def bias_inside(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, bias_inside=True)


@normalise.mistake("You added the mean. Subtract it.")
def added_mean(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, added=True)


@normalise.mistake(
    "You computed mean and variance from x. Use the ones that were given: in evaluation they are "
    "not the batch's."
)
def own_statistics(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, own_statistics=True)


@normalise.mistake(
    "Your numbers were broadcast along the last axis, the columns of a picture. The "
    "channel is axis 1: give them shape (c, 1, 1) first."
)
def along_the_last_axis(x, mean, variance, weight, bias, eps=1e-5):
    return _normalised(x, mean, variance, weight, bias, eps, last_axis=True)


normalise.hint("Get the shapes right first: (c,) must become (1, c, 1, 1) for pictures.")
normalise.hint("`v.view(1, -1, 1, 1)`, or `v[:, None, None]`; for rows (c,) fits as it is.")
normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="error")
normalise.hint("Which axis of x do your (c,) vectors meet? Channels are axis 1.", when="shape")
normalise.hint("Do the worked number: pixel 1 must become −1.68.", when="value")

# ----------------------------------------------------------------------- update_running

update_running = Exercise("update_running", minutes=10, difficulty=2)


def _running(draw: Draw, x: Tensor, momentum: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Running statistics, and what torch makes of them with one batch."""
    mean, variance = normals(draw, x.shape[1]), _positive(draw, x.shape[1])
    new_mean, new_variance = mean.clone(), variance.clone()
    F.batch_norm(x, new_mean, new_variance, training=True, momentum=momentum)
    return mean, variance, new_mean, new_variance


@update_running.property("moves towards the statistics of the batch of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    x, momentum = _batch(draw, draw.size), draw.choice([0.1, 0.3, 0.7])
    mean, variance, new_mean, new_variance = _running(draw, x, momentum)
    found = answer(mean, variance, x, momentum)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("does so for rows, and with momentum 0.1 unless told", trials=3)
def _(answer, draw: Draw) -> None:
    x = _batch(draw, draw.size + 1, 4, ())
    mean, variance, new_mean, new_variance = _running(draw, x, 0.1)
    found = answer(mean, variance, x)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("keeps the old with momentum 0 and takes the new with 1", trials=1)
def _(answer, draw: Draw) -> None:
    x = _batch(draw, 4, 2, ())
    mean, variance, _, _ = _running(draw, x, 0.1)
    for momentum, want in ((0.0, (mean, variance)), (1.0, (x.mean(0), x.var(0)))):
        found = answer(mean, variance, x, momentum)
        expect(found[0], f"the running mean, momentum {momentum}").close_to(want[0], rtol=1e-3)
        expect(found[1], f"the running variance, momentum {momentum}").close_to(want[1], rtol=1e-3)


@update_running.property("keeps no graph", trials=1)
def _(answer, draw: Draw) -> None:
    x = _batch(draw, 4).requires_grad_()
    mean, variance, _, _ = _running(draw, x.detach(), 0.1)
    found = answer(mean, variance, x * 1.0)
    attached = [bool(getattr(part, "requires_grad", False)) for part in found]
    expect(sum(attached), "how many of the two hang on to the batch's graph").equals(0)


def _updated(running_mean, running_var, x, momentum=0.1, **habits):
    """The update with one bad habit, named by keyword."""
    x = x if habits.get("attached") else x.detach()
    axes = [0] if habits.get("counts_examples") else [0, *range(2, x.ndim)]
    mean = x.mean([0, *range(2, x.ndim)])
    variance = x.var([0, *range(2, x.ndim)], correction=0 if habits.get("biased") else 1)
    if habits.get("counts_examples"):
        n = len(x)
        biased = x.var([0, *range(2, x.ndim)], correction=0)
        variance = biased * n / (n - 1) if n > 1 else biased * math.inf
    if habits.get("wrong_way_correction"):
        count = math.prod(x.shape[axis] for axis in axes)
        variance = x.var(axes, correction=0) * (count - 1) / count
    old, new = 1 - momentum, momentum
    if habits.get("reversed"):
        old, new = new, old
    old = 1.0 if habits.get("not_forgetting") else old
    if habits.get("roots"):
        deviation = old * running_var.sqrt() + new * variance.sqrt()
        return old * running_mean + new * mean, deviation**2
    if habits.get("replaced"):
        return mean, variance
    new_var = running_var if habits.get("mean_only") else old * running_var + new * variance
    if habits.get("corrects_all"):
        count = x.numel() / x.shape[1]
        biased = x.var([0, *range(2, x.ndim)], correction=0)
        new_var = (old * running_var + new * biased) * count / (count - 1)
    return old * running_mean + new * mean, new_var


@update_running.mistake(
    "The biased variance went into the running one. The running variance estimates that of all "
    "pictures: multiply by m / (m − 1), or use torch's default `correction=1`."
)
def biased_into_running(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, biased=True)


@update_running.mistake(
    "Your momentum is the wrong way round: here it is the weight of the *new* batch, and the old "
    "keeps 1 − momentum."
)
def momentum_reversed(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, reversed=True)


@update_running.mistake(
    "You corrected with the number of examples. The m of m / (m − 1) counts all numbers of a "
    "channel: n · height · width."
)
def corrected_by_examples(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, counts_examples=True)


@update_running.mistake("Your correction is upside down: multiply by m / (m − 1), which exceeds 1.")
def correction_upside_down(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, wrong_way_correction=True)


@update_running.mistake(
    "You forgot to forget: the old statistics are to be multiplied by 1 − momentum, or they grow "
    "for ever."
)
def never_forgets(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, not_forgetting=True)


@update_running.mistake("You returned the batch's statistics. Mix them with the running ones.")
def replaced_by_batch(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, replaced=True)


@update_running.mistake("The running variance did not move. Both statistics are updated.")
def mean_only(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, mean_only=True)


@update_running.mistake(
    "You multiplied the old running variance by m / (m − 1) too. Correct the batch's variance "
    "alone, before you mix it in."
)
def corrects_the_old(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, corrects_all=True)


@update_running.mistake("You mixed standard deviations. It is the variances that are averaged.")
def mixed_deviations(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, roots=True)


@update_running.mistake(
    "Your running statistics hang on to the graph of the batch. Every batch would be kept in "
    "memory for ever: use `x.detach()`, or `torch.no_grad()`."
)
def keeps_the_graph(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, attached=True)


update_running.hint("Statistics of the batch first; `channel_statistics` has them.")
update_running.hint("How many numbers has a channel? `x.numel() / x.shape[1]`.")
update_running.hint("New = (1 − momentum) · old + momentum · batch, for both.")
update_running.hint("Which of the two is off? The variance needs m / (m − 1).", when="value")
update_running.hint("`x.detach()` cuts the batch out of its graph.", when="keeps no graph")

# ---------------------------------------------------------------------------- BatchNorm

BatchNorm = Exercise("BatchNorm", minutes=20, difficulty=3)

STATE = ("weight", "bias", "running_mean", "running_var")


def _has(module: Any, names: tuple[str, ...]) -> bool:
    """Expect these attributes; False where one is missing."""
    missing = [name for name in names if not hasattr(module, name)]
    expect(len(missing), f"how many of {', '.join(names)} are missing").equals(0)
    return not missing


def _twin(layer: Any, draw: Draw, channels: int, eps: float = 1e-5) -> nn.BatchNorm1d:
    """Torch's layer with the same random scale and shift, given to both."""
    twin = nn.BatchNorm1d(channels, eps=eps)
    for name in ("weight", "bias"):
        values = _positive(draw, channels) + 0.5
        with torch.no_grad():
            getattr(layer, name).copy_(values)
            getattr(twin, name).copy_(values)
    return twin


def _through(twin: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Send rows or pictures through torch's layer for rows."""
    if x.ndim == 2:
        return twin(x)
    n, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
    return twin(rows).reshape(n, height, width, channels).permute(0, 3, 1, 2)


@BatchNorm.property("has two parameters and two buffers, as in the table", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3)
    if not _has(layer, STATE):
        return
    starts = [torch.as_tensor(getattr(layer, name)) for name in STATE]
    for name, found, value in zip(STATE, starts, (1.0, 0.0, 0.0, 1.0), strict=True):
        expect(found, f"{name} at the start").close_to(np.full(3, value), atol=1e-6)
    parameters = sorted(name for name, _ in layer.named_parameters())
    buffers = {name for name, _ in layer.named_buffers()}
    expect(len(parameters), "how many parameters there are").equals(2)
    running = {"running_mean", "running_var"}
    expect(len(running & buffers), "how many of the two running statistics are buffers").equals(2)
    saved = len(set(STATE) & set(layer.state_dict()))
    expect(saved, "how many of the four tensors are saved with the model").equals(4)
    expect(parameters == ["bias", "weight"], "the parameters").is_true(
        otherwise="The parameters should be weight and bias; they are "
        f"{', '.join(parameters) or 'none'}."
    )
    expect(running <= buffers, "the buffers").is_true(
        otherwise="running_mean and running_var should be buffers; the buffers are "
        f"{', '.join(sorted(buffers)) or 'none'}."
    )


@BatchNorm.property("normalises with the batch's statistics while training", trials=4)
def _(answer, draw: Draw) -> None:
    for side in ((2, 3), ()):
        x, layer = _batch(draw, draw.size + 1, 3, side), answer(3).train()
        if _has(layer, STATE):
            expected = _through(_twin(layer, draw, 3), x)
            expect(layer(x), "the output in training").close_to(expected, rtol=1e-3, atol=1e-4)


@BatchNorm.property("remembers: running statistics after three batches", trials=2)
def _(answer, draw: Draw) -> None:
    for side, momentum in (((2, 2), 0.1), ((), 0.3)):
        layer = answer(2, momentum).train()
        twin = nn.BatchNorm1d(2, momentum=momentum).train()
        if not _has(layer, STATE):
            return
        for _ in range(3):
            x = _batch(draw, 4, 2, side)
            layer(x), _through(twin, x)
        expect(layer.running_mean, "the running mean").close_to(twin.running_mean, rtol=1e-3)
        expect(layer.running_var, "the running variance").close_to(twin.running_var, rtol=1e-3)


@BatchNorm.property("uses the running statistics in evaluation, and leaves them", trials=2)
def _(answer, draw: Draw) -> None:
    layer = answer(2)
    if not _has(layer, STATE):
        return
    twin = _twin(layer, draw, 2)
    for _ in range(2):
        x = _batch(draw, 5, 2)
        layer.train()(x), _through(twin.train(), x)
    layer.eval(), twin.eval()
    for n in (3, 1):
        x = _batch(draw, n, 2)
        expect(layer(x), f"the output of {n} in evaluation").close_to(
            _through(twin, x), rtol=1e-3, atol=1e-4
        )
    expect(layer.running_mean, "the running mean after evaluation").close_to(
        twin.running_mean, rtol=1e-3
    )
    expect(layer.running_var, "the running variance after evaluation").close_to(
        twin.running_var, rtol=1e-3
    )


@BatchNorm.property("lets the gradient pass through mean and variance", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3).train()
    if not _has(layer, STATE):
        return
    twin, x, slope = _twin(layer, draw, 3), _batch(draw, 4), normals(draw, 4, 3, 2, 3)
    own, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    (layer(own) * slope).sum().backward()
    (_through(twin, other) * slope).sum().backward()
    expect(own.grad, "the gradient at the input").close_to(other.grad, rtol=1e-3, atol=1e-4)
    for name in ("weight", "bias"):
        found, wanted = getattr(layer, name).grad, getattr(twin, name).grad
        expect(found, f"the gradient at {name}").close_to(wanted, rtol=1e-3, atol=1e-3)


@BatchNorm.property("keeps no graph in the running statistics, and uses its eps", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(2, 0.1, 0.5).train()
    if not _has(layer, STATE):
        return
    x = _batch(draw, 4, 2, ())
    twin = _twin(layer, draw, 2, eps=0.5)
    expect(layer(x.clone().requires_grad_()), "the output with eps 0.5").close_to(twin(x), 1e-3)
    names = ("running_mean", "running_var")
    attached = [bool(getattr(layer, name).grad_fn is not None) for name in names]
    expect(sum(attached), "how many running statistics hang on to a graph").equals(0)
    expect(layer.eval()(x), "in evaluation, with eps 0.5").close_to(twin.eval()(x), 1e-3)


class _Norm(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__()
        habits = self.habits
        self.momentum = 0.1 if "fixed_momentum" in habits else momentum
        self.eps = 1e-5 if "fixed_eps" in habits else eps
        make = (lambda t: t) if "no_parameters" in habits else nn.Parameter
        start = torch.zeros if "zero_scale" in habits else torch.ones
        self.weight, self.bias = make(start(channels)), make(torch.zeros(channels))
        var = torch.zeros(channels) if "zero_variance" in habits else torch.ones(channels)
        if "all_parameters" in habits:
            self.running_mean = nn.Parameter(torch.zeros(channels))
            self.running_var = nn.Parameter(var)
        elif "no_buffers" in habits:
            self.running_mean, self.running_var = torch.zeros(channels), var
        else:
            saved = "unsaved" not in habits
            self.register_buffer("running_mean", torch.zeros(channels), persistent=saved)
            self.register_buffer("running_var", var, persistent=saved)

    def remember(self, mean, variance):
        a = self.momentum
        a = 1 - a if "reversed" in self.habits else a
        mean = (1 - a) * self.running_mean + a * mean
        variance = (1 - a) * self.running_var + a * variance
        if "all_parameters" in self.habits:
            self.running_mean.data, self.running_var.data = mean, variance
        else:
            self.running_mean, self.running_var = mean, variance

    def forward(self, x):
        habits, axes = self.habits, [0, *range(2, x.ndim)]
        axes = [0] if "per_pixel" in habits and x.ndim == 4 else axes
        mean, variance = x.mean(axes), x.var(axes, correction=0)
        seen = x if "attached" in habits else x.detach()
        unbiased = seen.var(axes, correction=0 if "biased" in habits else 1)
        if "unbiased" in habits:
            variance = x.var(axes, correction=1)
        if "constants" in habits:
            mean, variance = mean.detach(), variance.detach()
        if (self.training and "forgets" not in habits) or "always_updates" in habits:
            kept = mean if "attached" in habits else mean.detach()
            self.remember(kept, unbiased)
        if not (self.training or "always_batch" in habits) or "running_in_training" in habits:
            mean, variance = self.running_mean, self.running_var
        if "per_pixel" in habits and mean.ndim == 3:
            return (x - mean) / (variance + self.eps).sqrt() * self.weight[:, None, None]
        return _normalised(
            x, mean, variance, self.weight, self.bias, self.eps, outside="outside" in habits
        )


@BatchNorm.mistake(
    "In evaluation your layer still uses the batch's statistics, so that a picture's "
    "answer depends "
    "on its company. Use running_mean and running_var there: `if self.training: … else: …`."
)
class AlwaysTheBatch(_Norm):
    habits = ("always_batch",)


@BatchNorm.mistake(
    "Your running statistics move in evaluation too. Looking must not change the layer: "
    "update only `if self.training`."
)
class UpdatesInEvaluation(_Norm):
    habits = ("always_updates",)


@BatchNorm.mistake(
    "Your running statistics never move. In training each batch is mixed in, or evaluation will "
    "normalise with mean 0 and variance 1 for ever."
)
class NeverRemembers(_Norm):
    habits = ("forgets",)


@BatchNorm.mistake(
    "In training you normalised with the running statistics. They are for evaluation; a batch in "
    "training is normalised with its own."
)
class RunningInTraining(_Norm):
    habits = ("running_in_training",)


@BatchNorm.mistake(
    "You normalised with the unbiased variance. The batch is normalised with the biased one; the "
    "unbiased one goes into the running estimate."
)
class NormalisesUnbiased(_Norm):
    habits = ("unbiased",)


@BatchNorm.mistake(
    "The biased variance went into running_var. The running estimate takes the unbiased one, "
    "divided by the count less one."
)
class RemembersBiased(_Norm):
    habits = ("biased",)


@BatchNorm.mistake(
    "Momentum is the wrong way round: it is the weight of the *new* batch, 1 − momentum that of "
    "the old."
)
class MomentumReversed(_Norm):
    habits = ("reversed",)


@BatchNorm.mistake("Your momentum is always 0.1. Use the one that was given.")
class FixedMomentum(_Norm):
    habits = ("fixed_momentum",)


@BatchNorm.mistake("Your eps is always 1e-5. Use the one that was given, in both modes.")
class FixedEps(_Norm):
    habits = ("fixed_eps",)


@BatchNorm.mistake("Your eps stands outside the root. It is added to the variance.")
class EpsOutside(_Norm):
    habits = ("outside",)


@BatchNorm.mistake(
    "weight and bias are plain tensors, which no optimiser finds. Make each an `nn.Parameter`."
)
class PlainTensors(_Norm):
    habits = ("no_parameters",)


@BatchNorm.mistake(
    "Your running statistics are parameters: the optimiser would move them, weight decay shrink "
    "them. Use `self.register_buffer(name, tensor)`."
)
class RunningParameters(_Norm):
    habits = ("all_parameters",)


@BatchNorm.mistake(
    "Your running statistics are plain attributes: they are not saved with the model and "
    "stay behind when it moves to a GPU. Use `self.register_buffer(name, tensor)`."
)
class PlainRunning(_Norm):
    habits = ("no_buffers",)


@BatchNorm.mistake(
    "Your buffers are not saved with the model (`persistent=False`): loaded again, it would "
    "evaluate with mean 0 and variance 1. Leave that out."
)
class UnsavedBuffers(_Norm):
    habits = ("unsaved",)


@BatchNorm.mistake(
    "Your running statistics hang on to the graph of every batch so far: memory grows with each "
    "step. Detach what goes into them."
)
class KeepsTheGraph(_Norm):
    habits = ("attached",)


@BatchNorm.mistake(
    "Mean and variance are cut off from the graph before you normalise. They depend on x, and the "
    "gradient passes through them; only the running copies are detached."
)
class ConstantsInTheGradient(_Norm):
    habits = ("constants",)


@BatchNorm.mistake("weight starts at 0, so that everything becomes 0. It starts at 1.")
class StartsAtZero(_Norm):
    habits = ("zero_scale",)


@BatchNorm.mistake("running_var starts at 0. A variance starts at 1, so that it scales nothing.")
class ZeroVariance(_Norm):
    habits = ("zero_variance",)


BatchNorm.hint("`__init__` makes four tensors: two `nn.Parameter`, two `register_buffer`.")
BatchNorm.hint("`forward` is your three functions, and one `if self.training`.")
BatchNorm.hint(
    "A buffer may be assigned again: `self.running_mean = …`, with a tensor, not a parameter."
)
BatchNorm.hint("Which statistics normalise, and which are remembered: in which mode?", when="value")
BatchNorm.hint("Are the four shapes (c,)?", when="shape")
BatchNorm.hint(
    "Call `super().__init__()` first; then `register_buffer` and parameters work.", when="error"
)

# ---------------------------------------------------------------------- fold_batch_norm

fold_batch_norm = Exercise("fold_batch_norm", minutes=10, difficulty=2)


def _trained_norm(draw: Draw, channels: int, eps: float = 1e-5) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=eps).eval()
    mean, variance, weight, bias = _affine(draw, channels)
    with torch.no_grad():
        norm.weight.copy_(weight * torch.tensor([-1.0] + [1.0] * (channels - 1)))
        norm.bias.copy_(bias)
        norm.running_mean, norm.running_var = mean + 0.5, variance
    return norm


@fold_batch_norm.property("gives one convolution that does what both did", trials=4)
def _(answer, draw: Draw) -> None:
    out, channels = min(draw.size, 4), 2
    kernel, norm = normals(draw, out, channels, 3, 2), _trained_norm(draw, out)
    x = normals(draw, 2, channels, 5, 4)
    with torch.no_grad():
        expected = norm(F.conv2d(x, kernel))
        folded, bias = answer(kernel, norm)
        expect(bias, "the bias").has_shape(out)
        expect(folded, "the kernel").has_shape(*kernel.shape)
        expect(F.conv2d(x, folded, bias), "its output").close_to(expected, rtol=1e-3, atol=1e-3)


@fold_batch_norm.property("tells output channels from input channels and rows", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 3, 3, 3, 3), _trained_norm(draw, 3)
    x = normals(draw, 1, 3, 4, 4)
    with torch.no_grad():
        expected = norm(F.conv2d(x, kernel))
        expect(F.conv2d(x, *answer(kernel, norm)), "the output of the folded one").close_to(
            expected, rtol=1e-3, atol=1e-3
        )


@fold_batch_norm.property("uses the norm's own eps", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 2, 1, 1, 1), _trained_norm(draw, 2, eps=2.0)
    with torch.no_grad():
        folded, bias = answer(kernel, norm)
        x = normals(draw, 1, 1, 2, 2)
        expected = norm(F.conv2d(x, kernel))
        expect(F.conv2d(x, folded, bias), "its output with eps 2").close_to(
            expected, rtol=1e-3, atol=1e-3
        )


def _folded(kernel, norm, **habits):
    """The folding with one bad habit, named by keyword."""
    root = (norm.running_var + norm.eps).sqrt()
    root = norm.running_var.sqrt() + norm.eps if habits.get("outside") else root
    root = (norm.running_var + 1e-5).sqrt() if habits.get("fixed_eps") else root
    root = norm.running_var + norm.eps if habits.get("no_root") else root
    scale = 1 / root if habits.get("no_weight") else norm.weight / root
    shift = norm.bias - norm.running_mean * scale
    shift = norm.bias - norm.running_mean if habits.get("bare_mean") else shift
    shift = norm.bias if habits.get("no_mean") else shift
    shift = norm.bias + norm.running_mean * scale if habits.get("plus") else shift
    shift = (norm.bias - norm.running_mean) * scale if habits.get("scaled_bias") else shift
    shift = -norm.running_mean * scale if habits.get("no_bias") else shift
    if habits.get("kernel_kept"):
        return kernel, shift
    axis = scale if habits.get("last_axis") else scale[:, None, None, None]
    axis = scale[:, None, None] if habits.get("inputs") else axis
    return kernel * axis, shift


@fold_batch_norm.mistake("The kernel is unchanged. Multiply output channel o of it by s[o].")
def kernel_kept(kernel, norm):
    return _folded(kernel, norm, kernel_kept=True)


@fold_batch_norm.mistake("The mean is missing from the bias: it becomes bias − mean · s.")
def mean_forgotten(kernel, norm):
    return _folded(kernel, norm, no_mean=True)


@fold_batch_norm.mistake(
    "The mean goes into the bias *scaled*: the norm subtracts it before it multiplies, so the bias "
    "is bias − mean · s."
)
def mean_unscaled(kernel, norm):
    return _folded(kernel, norm, bare_mean=True)


@fold_batch_norm.mistake("You scaled the norm's bias too. Only the mean is multiplied by s.")
def bias_scaled(kernel, norm):
    return _folded(kernel, norm, scaled_bias=True)


@fold_batch_norm.mistake("You added the mean. The norm subtracts it.")
def mean_added(kernel, norm):
    return _folded(kernel, norm, plus=True)


@fold_batch_norm.mistake("The norm's own bias is missing.")
def norm_bias_forgotten(kernel, norm):
    return _folded(kernel, norm, no_bias=True)


@fold_batch_norm.mistake("The norm's weight is missing: s = weight / √(variance + eps).")
def norm_weight_forgotten(kernel, norm):
    return _folded(kernel, norm, no_weight=True)


@fold_batch_norm.mistake("You divided by the variance. Divide by the root.")
def without_root(kernel, norm):
    return _folded(kernel, norm, no_root=True)


@fold_batch_norm.mistake("Your eps stands outside the root. It is added to the variance.")
def folded_eps_outside(kernel, norm):
    return _folded(kernel, norm, outside=True)


@fold_batch_norm.mistake("Your eps is always 1e-5. Use the norm's: `norm.eps`.")
def folded_fixed_eps(kernel, norm):
    return _folded(kernel, norm, fixed_eps=True)


@fold_batch_norm.mistake(
    "You scaled the *input* channels, axis 1 of the kernel. The norm follows the convolution: its "
    "channels are the output channels, axis 0."
)
def scaled_inputs(kernel, norm):
    return _folded(kernel, norm, inputs=True)


@fold_batch_norm.mistake(
    "Your scale met the last axis of the kernel, its columns. Output channels are axis 0: "
    "`scale[:, None, None, None]`."
)
def scaled_columns(kernel, norm):
    return _folded(kernel, norm, last_axis=True)


fold_batch_norm.hint("Write the norm as s · (number) + t. What are s and t?")
fold_batch_norm.hint("`scale[:, None, None, None]` has shape (o, 1, 1, 1).")
fold_batch_norm.hint("Channels of the norm are axis 0 of the kernel.", when="error")
fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="value")
fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="offset")

# -------------------------------------------------------------------------- path_counts

path_counts = Exercise("path_counts", minutes=6, difficulty=1)


def _pascal(blocks: int) -> list[int]:
    row = [1]
    for _ in range(blocks):
        row = [a + b for a, b in zip([0, *row], [*row, 0], strict=True)]
    return row


@path_counts.property("counts the paths by how many branches they go through", trials=6)
def _(answer, draw: Draw) -> None:
    expect(answer(draw.size), "the counts").equals(_pascal(draw.size))


@path_counts.property("has one path where there is no block", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(0), "the counts for no block").equals([1])


@path_counts.property("gives exact whole numbers for many blocks", trials=1)
def _(answer, draw: Draw) -> None:
    counts = list(answer(60))
    expect(len(counts), "how many counts there are").equals(61)
    expect([str(count) for count in counts] == [str(c) for c in _pascal(60)], "exact").is_true(
        otherwise="For 60 blocks the counts are not exact whole numbers: stay with Python's int."
    )


@path_counts.mistake(
    "You counted all paths together. Return one count for each length, 0 … blocks."
)
def all_together(blocks):
    return [2**blocks]


@path_counts.mistake("The path that passes by every block is missing: lengths start at 0.")
def without_the_shortcut(blocks):
    return _pascal(blocks)[1:]


@path_counts.mistake("The path through every branch is missing: there are blocks + 1 lengths.")
def without_the_longest(blocks):
    return _pascal(blocks)[:-1]


@path_counts.mistake(
    "You counted orders. Which branches a path takes matters, not in which order: they stand in a "
    "row, and 2 of 3 blocks can be chosen in 3 ways, not 6."
)
def orders(blocks):
    return [math.perm(blocks, k) for k in range(blocks + 1)]


@path_counts.mistake("Your counts are those of one block more.")
def one_block_more(blocks):
    return _pascal(blocks + 1)


@path_counts.mistake(
    "You doubled from length to length. There are 2 to the power of blocks paths in all; of length "
    "k there are as many as ways to choose k blocks."
)
def powers_of_two(blocks):
    return [2**k for k in range(blocks + 1)]


@path_counts.mistake("You returned shares. Return the counts, whole numbers.")
def shares(blocks):
    return [count / 2**blocks for count in _pascal(blocks)]


path_counts.hint("Multiply out (1 + a)(1 + b)(1 + c). How many terms have two letters?")
path_counts.hint("How many ways are there to choose k of the blocks? `math.comb`.")
path_counts.hint("For 3 blocks: [1, 3, 3, 1].", when="length")
path_counts.hint("For 3 blocks: [1, 3, 3, 1].", when="value")

# ------------------------------------------------------------------------ ResidualBlock

ResidualBlock = Exercise("ResidualBlock", minutes=20, difficulty=2)


def _block_shapes(before: int, after: int, stride: int) -> dict[str, tuple[int, ...]]:
    """Parameters and running statistics of a block, by name."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (after, before, 3, 3),
        "conv2.weight": (after, after, 3, 3),
    }
    norms = ["norm1", "norm2"]
    if stride != 1 or before != after:
        shapes["shortcut.0.weight"] = (after, before, 1, 1)
        norms.append("shortcut.1")
    for norm in norms:
        shapes |= {f"{norm}.{name}": (after,) for name in STATE}
    return shapes


def _fill(model: nn.Module, shapes: dict[str, tuple[int, ...]], seed: int) -> dict | None:
    """Give the model random numbers, and return them; None where its tensors are others."""
    state = {n: t for n, t in model.state_dict().items() if not n.endswith("batches_tracked")}
    missing = sorted(set(shapes) - set(state))
    extra = sorted(set(state) - set(shapes))
    expect(len(missing), f"missing tensors ({', '.join(missing) or 'none'})").equals(0)
    expect(len(extra), f"tensors too many ({', '.join(extra) or 'none'})").equals(0)
    if missing or extra:
        return None
    generator, weights = torch_generator(seed), {}
    for name, shape in shapes.items():
        expect(tuple(state[name].shape), f"the shape of {name}").equals(shape)
        if tuple(state[name].shape) != shape:
            return None
        spread = 0.4 if len(shape) == 1 else 1.4 * math.prod(shape[1:]) ** -0.5
        weights[name] = torch.randn(shape, generator=generator) * spread
        if name.endswith(("running_var", "weight")) and len(shape) == 1:
            weights[name] = 1 + 0.5 * torch.rand(shape, generator=generator)
    model.load_state_dict({**model.state_dict(), **weights})
    return weights


def _block_output(w: dict, x: Tensor, stride: int, training: bool, prefix: str = "") -> Tensor:
    """The block of the page, from its tensors."""

    def norm(name: str, z: Tensor) -> Tensor:
        weight, bias, mean, var = (w[f"{prefix}{name}.{part}"] for part in STATE)
        mean, var = (None, None) if training else (mean, var)
        return F.batch_norm(z, mean, var, weight, bias, training=training)

    branch = F.relu(norm("norm1", F.conv2d(x, w[f"{prefix}conv1.weight"], None, stride, 1)))
    branch = norm("norm2", F.conv2d(branch, w[f"{prefix}conv2.weight"], None, 1, 1))
    if f"{prefix}shortcut.0.weight" in w:
        x = norm("shortcut.1", F.conv2d(x, w[f"{prefix}shortcut.0.weight"], None, stride))
    return F.relu(x + branch)


def _check_block(answer, draw: Draw, before: int, after: int, stride: int) -> None:
    block = answer(before, after, stride)
    weights = _fill(block, _block_shapes(before, after, stride), draw.seed())
    if weights is None:
        return
    x = normals(draw, draw.size, before, 5, 6)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = _block_output(weights, x, stride, training)
        found = block.train(training)(x.clone())
        expect(found, f"the output in {mode}").close_to(expected, rtol=1e-3, atol=1e-3)


@ResidualBlock.property("with an identity shortcut, is relu(x + branch)", trials=3)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 3, 3, 1)


@ResidualBlock.property("projects where the channels change", trials=2)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 2, 3, 1)


@ResidualBlock.property("projects where the stride is not 1", trials=2)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 3, 3, 2)
    _check_block(answer, draw, 2, 4, 2)


@ResidualBlock.property("has stride 1 unless told, and leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(2, 2).eval(), normals(draw, 2, 2, 4, 4)
    kept = x.clone()
    expect(tuple(block(x).shape), "the shape of the output").equals((2, 2, 4, 4))
    expect(x, "x afterwards").close_to(kept)
    expect(isinstance(block.shortcut, nn.Identity), "the shortcut is nn.Identity()").is_true(
        otherwise="Where nothing changes shape, the shortcut should be nn.Identity()."
    )


@ResidualBlock.property("lets the gradient reach every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    block = answer(2, 3, 2)
    if _fill(block, _block_shapes(2, 3, 2), draw.seed()) is None:
        return
    slope = normals(draw, 4, 3, 3, 3)
    (block.train()(normals(draw, 4, 2, 5, 5)) * slope).sum().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
    expect(sum(reached), "how many of 9 parameters got a gradient").equals(9)


class _Block(nn.Module):
    """A right block, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        habits = self.habits
        first, second = (1, stride) if "second_strides" in habits else (stride, 1)
        second = stride if "both_stride" in habits else second
        bias = "bias" in habits
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, first, 1, bias=bias)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, second, 1, bias=bias)
        self.norm2 = self.norm1 if "one_norm" in habits else nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        changes = stride != 1 or in_channels != out_channels
        changes = in_channels != out_channels if "channels_only" in habits else changes
        changes = stride != 1 if "stride_only" in habits else changes
        if (changes and "never" not in habits) or "always" in habits:
            parts = [nn.Conv2d(in_channels, out_channels, 1, stride, bias=bias)]
            if "bare" not in habits:
                parts.append(nn.BatchNorm2d(out_channels))
            self.shortcut = parts[0] if "lone" in habits else nn.Sequential(*parts)

    def forward(self, x):
        habits = self.habits
        first = self.norm1(self.conv1(x))
        if "relu_first" in habits:
            first = self.norm1(F.relu(self.conv1(x)))
        if not {"no_inner_relu", "relu_first"} & set(habits):
            first = F.relu(first)
        branch = self.norm2(self.conv2(first))
        if "no_second_norm" in habits:
            branch = self.conv2(first)
        passed = x if "adds_x" in habits else self.shortcut(x)
        if "adds_into" in habits:
            passed += branch
            return F.relu(passed)
        if "from_inside" in habits:
            passed = first
        if "detached" in habits:
            passed = passed.detach()
        if "early" in habits:
            return passed + F.relu(branch)
        if "both_relus" in habits:
            return F.relu(passed + F.relu(branch))
        if "in_place" in habits:
            return F.relu(branch + self.shortcut(x.relu_()))
        if "no_skip" in habits:
            return F.relu(branch)
        if "minus" in habits:
            return F.relu(passed - branch)
        total = passed + branch
        return total if "no_last_relu" in habits else F.relu(total)


def _name_block(message: str, name: str, habit: str) -> None:
    """Declare a spoiled block as a named mistake."""
    ResidualBlock.mistake(message)(type(name, (_Block,), {"habits": (habit,)}))


for _message, _name, _habit in (
    (
        "Your last ReLU stands before the addition, so that a block can only add. Add first, then "
        "ReLU: relu(shortcut(x) + branch).",
        "ReluBeforeAddition",
        "early",
    ),
    (
        "The branch has a ReLU of its own before the addition, so that it can only add. Leave it "
        "out; the ReLU after the addition is enough.",
        "TwoLastRelus",
        "both_relus",
    ),
    ("The ReLU after the addition is missing.", "NoLastRelu", "no_last_relu"),
    (
        "The ReLU between the two convolutions is missing: without it they are one linear map.",
        "NoInnerRelu",
        "no_inner_relu",
    ),
    (
        "Your first ReLU stands before norm1. The order is convolution, norm, ReLU.",
        "ReluBeforeNorm",
        "relu_first",
    ),
    (
        "Your shortcut is cut off from the graph (`.detach()` or `no_grad`). The gradient has to "
        "pass through it: that is what it is for.",
        "DetachedShortcut",
        "detached",
    ),
    (
        "Your shortcut starts after the first convolution. It passes by the *whole* branch: add x "
        "itself.",
        "ShortcutFromInside",
        "from_inside",
    ),
    ("Nothing is added: this is a plain block. Add shortcut(x).", "NoSkip", "no_skip"),
    ("You subtracted the branch. Add it.", "Subtracts", "minus"),
    (
        "Your shortcut does not project where the shape changes, so that x and the "
        "branch cannot be added: use the 1 × 1 convolution there.",
        "NeverProjects",
        "never",
    ),
    (
        "Your shortcut projects only where the *channels* change. A stride of 2 changes the shape "
        "as well.",
        "ProjectsForChannelsOnly",
        "channels_only",
    ),
    (
        "Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
        "either.",
        "ProjectsForStrideOnly",
        "stride_only",
    ),
    (
        "Your shortcut projects always. Where the shape stays it is nn.Identity(): a "
        "free way past.",
        "AlwaysProjects",
        "always",
    ),
    ("The projecting shortcut has no batch norm after its convolution.", "BareProjection", "bare"),
    (
        "Your projecting shortcut is a convolution alone. It is an `nn.Sequential` of the "
        "convolution and a batch norm.",
        "LoneProjection",
        "lone",
    ),
    (
        "You added x itself where the shape changes. Add shortcut(x), which has the shape of the "
        "branch.",
        "AddsTheInput",
        "adds_x",
    ),
    (
        "`+=` on what the shortcut returned changed the input: the identity returns x itself, not "
        "a copy. Write `self.shortcut(x) + branch`.",
        "AddsIntoTheInput",
        "adds_into",
    ),
    (
        "Your convolutions have a bias. The norm behind them subtracts it again: bias=False.",
        "WithBias",
        "bias",
    ),
    (
        "Your stride is in conv2. It belongs to conv1, so that both convolutions save by it.",
        "StrideInSecond",
        "second_strides",
    ),
    (
        "Both convolutions have the stride, so that the picture shrinks twice. Only conv1 has it.",
        "StrideInBoth",
        "both_stride",
    ),
    (
        "Both norms are one and the same layer, so that they share scales and running statistics. "
        "Make two.",
        "OneNorm",
        "one_norm",
    ),
    (
        "norm2 is never used: it follows conv2, before the addition.",
        "NoSecondNorm",
        "no_second_norm",
    ),
    (
        "Your shortcut carries relu(x). It is to carry x as it came; a ReLU in place "
        "(`inplace=True`) would change it too.",
        "InPlaceRelu",
        "in_place",
    ),
):
    _name_block(_message, _name, _habit)

ResidualBlock.hint("Four layers and a shortcut in `__init__`; three lines in `forward`.")
ResidualBlock.hint("`if stride != 1 or in_channels != out_channels:` the shortcut projects.")
ResidualBlock.hint("`nn.Conv2d(a, b, 3, stride, padding=1, bias=False)`.")
ResidualBlock.hint("Where is the last ReLU: before or after the addition?", when="value")
ResidualBlock.hint("Print the shapes of branch and shortcut(x) before you add them.", when="error")
ResidualBlock.hint("Which convolution has the stride, and which has not?", when="shape")

# -------------------------------------------------------------------- start_as_identity

start_as_identity = Exercise("start_as_identity", minutes=6, difficulty=1, changes=("blocks",))


class _Given(_Block):
    """A residual block for the grader to hand over, with scales that are not 1."""

    def __init__(self, channels: int, draw: Draw) -> None:
        super().__init__(channels, channels + 1)
        for norm in (self.norm1, self.norm2, self.shortcut[1]):
            with torch.no_grad():
                norm.weight.copy_(_positive(draw, channels + 1))
                norm.bias.copy_(normals(draw, channels + 1) + 3)


def _others(block: nn.Module) -> list[Tensor]:
    """Copies of all parameters but the scale of norm2."""
    named = block.named_parameters()
    return [p.detach().clone() for name, p in named if name != "norm2.weight"]


@start_as_identity.property("sets the scale of norm2 to 0 in every block", trials=3)
def _(answer, draw: Draw) -> None:
    blocks = [_Given(2, draw) for _ in range(draw.size)]
    answer(blocks)
    scales = torch.stack([torch.as_tensor(block.norm2.weight).detach() for block in blocks])
    expect(scales, "the scales of norm2").close_to(np.zeros((draw.size, 3)), atol=1e-8)


@start_as_identity.property("leaves everything else as it was", trials=2)
def _(answer, draw: Draw) -> None:
    block = _Given(2, draw)
    before = _others(block)
    answer([block])
    after = _others(block)
    for name, old, new in zip(
        ("conv1", "norm1.weight", "norm1.bias", "conv2", "norm2.bias"), before, after, strict=False
    ):
        expect(new, f"{name} afterwards").close_to(old)
    expect(after[-1], "the shortcut's shift afterwards").close_to(before[-1])
    expect(after[-2], "the shortcut's scale afterwards").close_to(before[-2])


@start_as_identity.property("leaves the scale the same parameter, and trainable", trials=1)
def _(answer, draw: Draw) -> None:
    block = _Given(2, draw)
    scale = block.norm2.weight
    answer([block])
    expect(block.norm2.weight is scale, "the same parameter").is_true(
        otherwise="The scale is a new object: an optimiser made before would move the old one."
    )
    expect(bool(block.norm2.weight.requires_grad), "trainable").equals(True)
    expect(block.norm2.weight.grad_fn is None, "a leaf").equals(True)


@start_as_identity.property("returns nothing, and takes no blocks calmly", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer([_Given(2, draw)]) is None, "returns None").equals(True)
    answer([])


@start_as_identity.mistake("You set the scale of norm1. The branch ends with norm2.")
def first_norm(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm1.weight)


@start_as_identity.mistake(
    "You set the scales of both norms. With norm1 silent too, a 0 stands before the "
    "convolution and its gradient stays 0 for long. Only norm2's."
)
def both_norms(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm1.weight)
        nn.init.zeros_(block.norm2.weight)


@start_as_identity.mistake(
    "You set the shift (`bias`) to 0. It is the scale (`weight`) that silences the branch."
)
def shift_instead(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.bias)


@start_as_identity.mistake("You set the shift to 0 as well. Only the scale changes.")
def scale_and_shift(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
        nn.init.zeros_(block.norm2.bias)


@start_as_identity.mistake(
    "You set the kernels of conv2 to 0. norm2 would divide 0 by √eps, and the scale learn from "
    "nothing: set norm2's scale."
)
def kernels_instead(blocks):
    for block in blocks:
        nn.init.zeros_(block.conv2.weight)


@start_as_identity.mistake("You changed the first block alone. Go through all of them.")
def first_block_only(blocks):
    for block in blocks[:1]:
        nn.init.zeros_(block.norm2.weight)


@start_as_identity.mistake(
    "The shortcut's norm is at 0 too, so that nothing passes at all. Only norm2's scale changes."
)
def shortcut_too(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
        nn.init.zeros_(block.shortcut[1].weight)


@start_as_identity.mistake(
    "You made new parameters. An optimiser made before would go on moving the old ones: write into "
    "the old one, `nn.init.zeros_(…)`."
)
def new_parameters(blocks):
    for block in blocks:
        block.norm2.weight = nn.Parameter(torch.zeros_like(block.norm2.weight))


@start_as_identity.mistake(
    "The scale is frozen (`requires_grad` is False): the branch could never wake. It only *starts* "
    "at 0."
)
def frozen(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight).requires_grad_(False)


@start_as_identity.mistake("The scales are 1, where every norm starts anyway. Set them to 0.")
def ones(blocks):
    for block in blocks:
        nn.init.ones_(block.norm2.weight)


start_as_identity.hint("Which number, multiplied with the branch, makes it vanish?")
start_as_identity.hint("`nn.init.zeros_(parameter)` fills in place, without recording.")
start_as_identity.hint("Under `torch.no_grad()`, or with `nn.init`.", when="error")
start_as_identity.hint("Is it norm2, and its `weight`?", when="value")

# ------------------------------------------------------------------------------- ResNet

ResNet = Exercise("ResNet", minutes=25, difficulty=3)


def _resnet_shapes(per_stage: int, widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (widths[0], 1, 5, 5)}
    shapes |= {f"norm.{name}": (widths[0],) for name in STATE}
    before, number = widths[0], 0
    for stage, width in enumerate(widths):
        for place in range(per_stage):
            stride = 2 if stage and not place else 1
            for name, shape in _block_shapes(before, width, stride).items():
                shapes[f"blocks.{number}.{name}"] = shape
            before, number = width, number + 1
    return {**shapes, "linear.weight": (10, before), "linear.bias": (10,)}


def _resnet_output(w: dict, x: Tensor, per_stage: int, training: bool) -> Tensor:
    """The network of the page, from its tensors."""
    weight, bias, mean, var = (w[f"norm.{name}"] for name in STATE)
    mean, var = (None, None) if training else (mean, var)
    x = F.conv2d(x, w["stem.weight"], None, 2, 2)
    x = F.relu(F.batch_norm(x, mean, var, weight, bias, training=training))
    for number in range(3 * per_stage):
        stride = 2 if number in (per_stage, 2 * per_stage) else 1
        x = _block_output(w, x, stride, training, f"blocks.{number}.")
    return x.flatten(2).max(dim=2).values @ w["linear.weight"].T + w["linear.bias"]


@ResNet.property("has the tensors of the specification", trials=1)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in ((1, (16, 32, 64)), (3, (2, 3, 4)), (1, (2, 2, 3))):
        model = answer() if widths[0] == 16 else answer(per_stage, widths)
        shapes = _resnet_shapes(per_stage, widths)
        firsts = [module.conv1 for module in model.modules() if hasattr(module, "conv1")]
        expect(len(firsts), "how many different residual blocks there are").equals(3 * per_stage)
        expect(sum(p.numel() for p in model.parameters()), "how many parameters there are").equals(
            sum(math.prod(s) for name, s in shapes.items() if "running" not in name)
        )
        _fill(model, shapes, 0)
        strides = [getattr(first, "stride", (0,))[0] for first in firsts]
        wanted = [1] * per_stage + ([2] + [1] * (per_stage - 1)) * 2
        expect(strides, "the stride of conv1, block by block").equals(wanted)


@ResNet.property("computes the network of the specification", trials=2)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in ((1, (2, 3, 4)), (2, (3, 3, 4))):
        model = answer(per_stage, widths)
        weights = _fill(model, _resnet_shapes(per_stage, widths), draw.seed())
        if weights is None:
            return
        x = torch.rand(draw.size + 1, 1, 28, 28, generator=torch_generator(draw.seed()))
        for training in (False, True):
            mode = "training" if training else "evaluation"
            expect(model.train(training)(x), f"the logits in {mode}").close_to(
                _resnet_output(weights, x, per_stage, training), rtol=1e-2, atol=2e-3
            )


@ResNet.property("starts with silent branches, and with nothing else silent", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(2, (2, 3, 4))
    scales = {n: p for n, p in model.named_parameters() if p.ndim == 1 and n.endswith("weight")}
    last = [float(p.detach().abs().max()) for n, p in scales.items() if n.endswith("norm2.weight")]
    rest = [float(p.detach().abs().min()) for n, p in scales.items() if "norm2" not in n]
    expect(last, "the scales of norm2 at the start").close_to([0.0] * 6)
    expect(rest, "the other scales at the start").close_to([1.0] * 9)
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@ResNet.property("turns n pictures into n rows of 10 logits", trials=2)
def _(answer, draw: Draw) -> None:
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(1))
    expect(tuple(answer().eval()(x).shape), "the shape of the logits").equals((draw.size, 10))


class _Net(nn.Module):
    """A right network, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, per_stage=1, widths=(16, 32, 64)):
        super().__init__()
        habits = self.habits
        per_stage = 1 if "one_per_stage" in habits else per_stage
        widths = (16, 32, 64) if "fixed_widths" in habits else widths
        stem_stride = 1 if "wide_stem" in habits else 2
        self.stem = nn.Conv2d(1, widths[0], 5, stem_stride, 2, bias="stem_bias" in habits)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks, before = [], widths[0]
        for stage, width in enumerate(widths):
            for place in range(per_stage):
                if "shares" in habits and place > (1 if stage else 0):
                    blocks.append(blocks[-1])
                    continue
                stride = 2 if stage > 0 and place == 0 else 1
                stride = 2 if "first_stage_strides" in habits and place == 0 else stride
                stride = 1 if "never_strides" in habits else stride
                stride = 2 if "all_stride" in habits and stage > 0 else stride
                if "last_strides" in habits:
                    stride = 2 if stage > 0 and place == per_stage - 1 else 1
                blocks.append(_Block(before, width, stride))
                before = width
        for block in blocks[: 0 if "loud" in habits else None]:
            nn.init.zeros_(block.norm2.weight)
            block.norm2.weight.requires_grad_("frozen" not in habits)
            for norm in block.modules():
                if "all_silent" in habits and isinstance(norm, nn.BatchNorm2d):
                    nn.init.zeros_(norm.weight)
        self.blocks = blocks if "listed" in habits else nn.Sequential(*blocks)
        if "nested" in habits:
            starts = range(0, len(blocks), per_stage)
            self.blocks = nn.Sequential(*[nn.Sequential(*blocks[i:][:per_stage]) for i in starts])
        self.linear = nn.Linear(before * (16 if "flattened" in habits else 1), 10)

    def forward(self, x):
        habits = self.habits
        x = self.norm(self.stem(x))
        x = x if "no_stem_relu" in habits else F.relu(x)
        for block in self.blocks:
            x = block(x)
        if "averages" in habits:
            x = x.mean((2, 3))
        elif "corner" in habits:
            x = x[:, :, 0, 0]
        elif "flattened" in habits:
            x = x.flatten(1)
        else:
            x = x.amax((2, 3))
        logits = self.linear(x)
        logits = logits.softmax(dim=1) if "softmax" in habits else logits
        return F.relu(logits) if "relu" in habits else logits


for _message, _name, _habit in (
    (
        "You averaged over the places. The table takes the largest number of each channel.",
        "AveragesPlaces",
        "averages",
    ),
    ("You read the top left corner alone. Take the largest over all places.", "Corner", "corner"),
    (
        "You laid all places flat, so that the linear layer has 16 inputs for each channel. Step 5 "
        "of the table keeps one number of each channel, the largest.",
        "LaysFlat",
        "flattened",
    ),
    ("The ReLU after the stem's norm is missing.", "NoStemRelu", "no_stem_relu"),
    ("Your stem has a bias. The norm subtracts it again: bias=False.", "StemBias", "stem_bias"),
    ("Your stem has stride 1: it should make 28 × 28 into 14 × 14.", "WideStem", "wide_stem"),
    (
        "The first stage strides as well. Only the first blocks of stages 2 and 3 do.",
        "FirstStageStrides",
        "first_stage_strides",
    ),
    (
        "None of your blocks has a stride. The first of stages 2 and 3 has stride 2.",
        "NeverStrides",
        "never_strides",
    ),
    (
        "Every block of stages 2 and 3 has stride 2. Only the first of each has.",
        "AllStride",
        "all_stride",
    ),
    (
        "The *last* blocks of stages 2 and 3 have the stride. It belongs to the first of each.",
        "LastStrides",
        "last_strides",
    ),
    (
        "One block stands in several places (`[block] * k` repeats the same object), so that these "
        "places share their weights. Make a new block for each.",
        "SharedBlocks",
        "shares",
    ),
    (
        "Your blocks are nested, one `nn.Sequential` for each stage. `blocks` is a single "
        "`nn.Sequential` of all 3k blocks.",
        "NestedStages",
        "nested",
    ),
    (
        "The scales of norm2 are frozen (`requires_grad` is False): no branch could ever wake. "
        "They only *start* at 0.",
        "FrozenScales",
        "frozen",
    ),
    (
        "Every norm of your blocks starts with scale 0. Only norm2 does: `start_as_identity`.",
        "AllSilent",
        "all_silent",
    ),
    (
        "There is one block a stage, whatever `per_stage` says.",
        "OneBlockPerStage",
        "one_per_stage",
    ),
    ("Your widths are always (16, 32, 64). Use those given.", "FixedWidths", "fixed_widths"),
    (
        "Your blocks do not start as the identity: call `start_as_identity` on them.",
        "LoudBranches",
        "loud",
    ),
    (
        "Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
        "ListedBlocks",
        "listed",
    ),
    ("You returned probabilities. Return logits.", "EndsInSoftmax", "softmax"),
    ("There is a ReLU on the logits. Logits may be negative.", "ReluOnLogits", "relu"),
):
    ResNet.mistake(_message)(type(_name, (_Net,), {"habits": (_habit,)}))

ResNet.equivalent(
    "`return self.linear(self.blocks(x).amax((2, 3)))` → "
    "`return self.linear(self.blocks(x).amax((3, 2)))`",
    because="the largest over rows and columns does not depend on which come first",
)
ResNet.hint("A list of blocks, built in two loops: stages outside, places in the stage inside.")
ResNet.hint("Keep a variable with the channels that the next block gets.")
ResNet.hint("Stride 2 only where the stage is not the first and the place is.")
ResNet.hint("`x.amax((2, 3))` takes the largest over rows and columns.", when="shape")
ResNet.hint("Go down the table: a ReLU after the stem's norm? The right strides?", when="value")
ResNet.hint("Does each block get the channels that the one before it gives?", when="error")

# ---------------------------------------------------------------------------- one_cycle

one_cycle = Exercise("one_cycle", minutes=8, difficulty=2)


def _cycle(step: int, steps: int, peak: float, warm_up: float) -> float:
    """The schedule by interpolation: sin² of half the angle that is left."""
    t = (2 * step + 1) / (2 * steps)
    if t <= warm_up:
        return float(np.interp(t, [0, warm_up], [0, peak]))
    left = np.interp(t, [warm_up, 1], [1, 0])
    return float(peak * np.sin(np.pi / 2 * left) ** 2)


@one_cycle.property("rises in a line and falls along a cosine", trials=6)
def _(answer, draw: Draw) -> None:
    steps, peak = draw.size + 3, draw.uniform(0.1, 2.0)
    warm_up = draw.choice([0.2, 0.4, 0.6])
    rates = [answer(step, steps, peak, warm_up) for step in range(steps)]
    expect(rates, "the rates").close_to([_cycle(s, steps, peak, warm_up) for s in range(steps)])


@one_cycle.property("warms up over the first quarter unless told", trials=2)
def _(answer, draw: Draw) -> None:
    rates = [answer(step, 8, 1.0) for step in range(8)]
    expect(rates, "the rates of 8 steps").close_to([_cycle(s, 8, 1.0, 0.25) for s in range(8)])


@one_cycle.property("works without warm-up, and for a single step", trials=2)
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    rates = [answer(step, 4, peak, 0.0) for step in range(4)]
    expect(rates, "the rates without warm-up").close_to([_cycle(s, 4, peak, 0.0) for s in range(4)])
    expect(answer(0, 1, peak), "the rate of the only step").close_to(_cycle(0, 1, peak, 0.25))


@one_cycle.property("is at the peak where the warm-up ends in the middle of a step", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(1, 6, 3.0, 0.25), "the rate").close_to(3.0)


def _rate(step, steps, peak, warm_up=0.25, **habits):
    """The schedule with one bad habit, named by keyword."""
    t = (step + habits.get("offset", 0.5)) / steps
    t = step / max(steps - 1, 1) if habits.get("ends_at_one") else t
    if t < warm_up:
        if habits.get("no_warm_up"):
            return peak
        rise = t if habits.get("slow_rise") else t / warm_up
        return rise if habits.get("rises_to_one") else peak * rise
    u = (t - warm_up) / (1 - warm_up)
    u = t if habits.get("whole_cosine") else u
    u = t - warm_up if habits.get("unscaled") else u
    if habits.get("line"):
        return peak * (1 - u)
    if habits.get("full_turn"):
        return peak * (1 + math.cos(2 * math.pi * u)) / 2
    if habits.get("quarter"):
        return peak * math.cos(math.pi * u / 2)
    if habits.get("unhalved"):
        return peak * (1 + math.cos(math.pi * u))
    if habits.get("degrees"):
        return peak * (1 + math.cos(180 * u)) / 2
    return peak * (1 + math.cos(math.pi * u)) / 2


for _message, _name, _habits in (
    (
        "You measured at the start of the step: t = step / steps. The page takes its middle, "
        "(step + ½) / steps, so that the first step is not wasted on a rate of 0.",
        "at_the_start",
        {"offset": 0.0},
    ),
    (
        "You measured at the end of the step, (step + 1) / steps. The page takes its middle.",
        "at_the_end",
        {"offset": 1.0},
    ),
    (
        "You divided by steps − 1. The middle of the step is (step + ½) / steps.",
        "one_step_less",
        {"ends_at_one": True},
    ),
    ("Your rate falls in a line. After the warm-up it follows a cosine.", "linear", {"line": True}),
    (
        "Your cosine starts with the training and not with the end of the warm-up: its argument is "
        "π (t − u) / (1 − u).",
        "cosine_from_zero",
        {"whole_cosine": True},
    ),
    (
        "Your cosine does not reach 0: divide t − u by what is left, 1 − u.",
        "cosine_unscaled",
        {"unscaled": True},
    ),
    (
        "Your cosine makes a whole turn, back to the peak. It is half a turn: cos(π …).",
        "whole_turn",
        {"full_turn": True},
    ),
    (
        "You took a quarter of a turn, cos(π/2 …). It is ½ (1 + cos(π …)), flat at both ends.",
        "quarter_turn",
        {"quarter": True},
    ),
    ("The ½ is missing: 1 + cos goes up to 2.", "unhalved", {"unhalved": True}),
    ("`math.cos` takes radians: half a turn is π, not 180.", "in_degrees", {"degrees": True}),
    ("There is no warm-up: the rate starts at the peak.", "without_warm_up", {"no_warm_up": True}),
    (
        "The warm-up does not reach the peak: it is peak · t / u.",
        "warm_up_too_slow",
        {"slow_rise": True},
    ),
    (
        "Your warm-up rises to 1, whatever the peak is: multiply t / u by it.",
        "warm_up_to_one",
        {"rises_to_one": True},
    ),
):

    def _spoiled(step, steps, peak, warm_up=0.25, habits=_habits):  # each with its own habits
        return _rate(step, steps, peak, warm_up, **habits)

    _spoiled.__name__ = _name
    one_cycle.mistake(_message)(_spoiled)

one_cycle.equivalent(
    "`if t < warm_up:` → `if t <= warm_up:`",
    because="at t = u both formulas give the peak",
)
one_cycle.hint("Compute t first, then an `if` for its two parts.")
one_cycle.hint("`math.cos` and `math.pi`; half a cosine goes from 1 to −1.")
one_cycle.hint("Compare with the worked numbers: ¼, ¾, 0.983 for 8 steps.", when="value")
one_cycle.hint(
    "With warm_up = 0, t < 0 never holds: is the division inside the `if`?", when="error"
)
one_cycle.hint("½ (1 + cos …) lies between 0 and 1.", when="factor")

# -------------------------------------------------------------------------------- train

train = Exercise("train", minutes=30, difficulty=3, changes=("model", "generator"), seconds=8.0)


class Watched(nn.Module):
    """Softmax regression that notes what it sees, and in which mode."""

    def __init__(self, draw: Draw | None = None, inputs: int = 2, classes: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes)
        self.seen: list[list[int]] = []
        self.modes: list[bool] = []
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.zero_()
            if draw is not None:
                self.linear.weight.copy_(normals(draw, classes, inputs))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append([int(value) for value in x[:, 0]])
        self.modes.append(self.training)
        return self.linear(x)


def _descend(
    theta: np.ndarray, pairs: list, peak: float, smoothing: float = 0.0
) -> tuple[np.ndarray, list[float]]:
    """Nesterov's descent with weight decay on softmax regression, in numpy, one pair a step."""
    velocity, losses = np.zeros_like(theta), []
    for step, (x, y) in enumerate(pairs):
        inputs = np.c_[np.asarray(x, dtype=float), np.ones(len(x))]
        logits = inputs @ theta.T
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        classes = theta.shape[0]
        wanted = (1 - smoothing) * np.eye(classes)[y] + smoothing / classes
        losses.append(float(-np.sum(wanted * np.log(chances), axis=1).mean()))
        slope = (chances - wanted).T @ inputs / len(y) + 5e-4 * theta
        velocity = 0.9 * velocity + slope
        theta = theta - _cycle(step, len(pairs), peak, 0.25) * (slope + 0.9 * velocity)
    return theta, losses


def _theta(model: Watched) -> np.ndarray:
    layer = model.linear
    return np.c_[layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()]


@train.property("takes the right steps where one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n, peak, epochs = draw.size, draw.uniform(0.2, 0.6), draw.integers(3, 6)
    model = Watched(draw)
    x, y = _examples(draw, n, 2)
    theta, losses = _descend(_theta(model), [(x.numpy(), y.numpy())] * epochs, peak)
    found = answer(model, x, y, epochs, n, peak, torch_generator(0))
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("smooths the targets by as much as it is told", trials=2)
def _(answer, draw: Draw) -> None:
    model, smoothing = Watched(draw), draw.choice([0.1, 0.3])
    x, y = _examples(draw, 5, 2)
    pairs = [(x.numpy(), y.numpy())] * 4
    theta, losses = _descend(_theta(model), pairs, 0.4, smoothing)
    found = answer(model, x, y, 4, 5, 0.4, torch_generator(0), smoothing=smoothing)
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("counts the steps of all epochs, the short batch included", trials=2)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = normals(draw, 1, 2).expand(5, 2).contiguous(), torch.full((5,), 1)
    model, peak = Watched(draw), draw.uniform(0.2, 0.6)
    sizes = [2, 2, 1] * 3
    theta, losses = _descend(_theta(model), [(x[:s].numpy(), y[:s].numpy()) for s in sizes], peak)
    found = answer(model, x, y, 3, 2, peak, torch_generator(0))
    expect(len(found), "how many losses there are").equals(9)
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)
    expect([len(seen) for seen in model.seen], "the sizes of the batches").equals(sizes)


@train.property("visits the examples in the order of the generator", trials=2)
def _(answer, draw: Draw) -> None:
    seed, x = draw.seed(), torch.arange(7.0)[:, None].expand(7, 2).contiguous()
    generator, model = torch_generator(seed), Watched()
    answer(model, x, torch.zeros(7, dtype=torch.int64), 2, 3, 1e-3, generator)
    same = torch_generator(seed)
    orders = [torch.randperm(7, generator=same).tolist() for _ in range(2)]
    expect(sum(model.seen, []), "the examples in the order of their visits").equals(sum(orders, []))


@train.property("learns in training mode, also after an evaluation", trials=1)
def _(answer, draw: Draw) -> None:
    model, called = Watched().eval(), []

    def after_epoch(epoch: int) -> None:
        called.append((epoch, len(model.seen)))
        model.eval()

    x, y = _examples(draw, 4, 2)
    answer(model, x, y, 3, 2, 0.1, torch_generator(1), None, after_epoch)
    expect(sum(model.modes), "how many of 6 batches were seen in training mode").equals(6)
    epochs = [epoch for epoch, _ in called]
    expect(epochs, "what after_epoch was called with").equals([1, 2, 3])
    batches = [count for _, count in called]
    expect(batches, "batches seen before each call").equals([2, 4, 6])


@train.property("shows the model what augment makes of each piece", trials=1)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    model, generator, given = Watched(), torch_generator(seed), []

    def augment(pictures: Tensor, source: torch.Generator) -> Tensor:
        given.append((len(pictures), source is generator))
        torch.rand(5, generator=source)
        return pictures + 100

    x, y = torch.arange(7.0)[:, None].expand(7, 2).contiguous(), torch.arange(7) % 3
    answer(model, x, y, 2, 3, 0.0, generator, augment)
    same, shown = torch_generator(seed), []
    for _ in range(2):
        shown += [100 + number for number in torch.randperm(7, generator=same).tolist()]
        for _ in range(3):
            torch.rand(5, generator=same)
    sizes = [count for count, _ in given]
    expect(sizes, "how many pictures augment was given").equals([3, 3, 1, 3, 3, 1])
    expect(sum(model.seen, []), "what the model saw").equals(shown)
    expect(sum(own for _, own in given), "how often augment got the generator").equals(6)


@train.property("moves nothing at a peak of 0, and returns plain floats", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    before = _theta(model)
    x, y = _examples(draw, 3, 2)
    found = answer(model, x, y, 1, 2, 0.0, torch_generator(3))
    expect(_theta(model), "weights and biases afterwards").close_to(before)
    expect(isinstance(found, list), "a list").equals(True)
    expect(sum(isinstance(loss, float) for loss in found), "Python floats in it").equals(2)


def _loop(
    model,
    x,
    y,
    epochs,
    batch_size,
    peak,
    generator,
    augment=None,
    after_epoch=None,
    smoothing=0.0,
    **habits,
):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=peak,
        momentum=habits.get("momentum", 0.9),
        nesterov=habits.get("nesterov", True),
        weight_decay=habits.get("decay", 5e-4),
    )
    per_epoch = math.ceil(len(x) / batch_size)
    if habits.get("drops_rest"):
        per_epoch = max(len(x) // batch_size, 1)
    steps = per_epoch if habits.get("per_epoch") else epochs * per_epoch
    steps = epochs * (len(x) // batch_size) if habits.get("floor") else steps
    source = None if habits.get("global") else generator
    order = torch.randperm(len(x), generator=source) if habits.get("one_order") else None
    losses: list[Any] = []
    smoothing = 0.0 if habits.get("no_smoothing") else smoothing
    smoothing = 0.1 if habits.get("fixed_smoothing") else smoothing
    if not habits.get("no_mode"):
        model.train()
    for epoch in range(epochs):
        if not (habits.get("mode_once") or habits.get("no_mode")):
            model.train()
        if not habits.get("one_order"):
            order = torch.randperm(len(x), generator=source)
        order = torch.arange(len(x)) if habits.get("unshuffled") else order
        if habits.get("forgets_velocity"):
            optimiser.state.clear()
        everything = augment(x, generator) if augment and habits.get("augments_all") else x
        for place, batch in enumerate(order.split(batch_size)):
            short = len(batch) < batch_size < len(x)
            if short and (habits.get("drops_rest") or habits.get("skips_rest")):
                continue
            shown = everything[batch]
            if augment and not (habits.get("no_augment") or habits.get("augments_all")):
                shown = augment(shown, generator)
            loss = F.cross_entropy(model(shown), y[batch], label_smoothing=smoothing)
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            loss.backward()
            step = place if habits.get("per_epoch") else epoch * per_epoch + place
            step = epoch * per_epoch if habits.get("by_epoch") else step
            step = step + 1 if habits.get("late") else step
            step = len(losses) if habits.get("skips_rest") else step
            rate = peak if habits.get("constant") else _rate(step, steps, peak)
            if habits.get("rate_after"):
                optimiser.step()
            for group in optimiser.param_groups:
                group["lr"] = rate
            if not (habits.get("no_step") or habits.get("rate_after")):
                optimiser.step()
            if habits.get("after"):
                loss = F.cross_entropy(model.linear(shown), y[batch], label_smoothing=smoothing)
            losses.append(loss.detach() if habits.get("tensors") else float(loss.detach()))
        if after_epoch and not habits.get("silent"):
            after_epoch(epoch if habits.get("from_zero") else epoch + 1)
    if habits.get("by_mean"):
        return [float(np.mean(part)) for part in np.array_split(losses, epochs)]
    return losses


for _message, _name, _habits in (
    (
        "The learning rate never changes: `one_cycle` is not used, or its result never reaches the "
        'optimiser. Set `group["lr"]` before each step.',
        "constant_rate",
        {"constant": True},
    ),
    (
        "Your schedule starts anew in every epoch. It spans the whole training: count the steps of "
        "all epochs.",
        "cycle_in_every_epoch",
        {"per_epoch": True},
    ),
    (
        "Your rate changes once an epoch. Set it at every step.",
        "rate_by_epoch",
        {"by_epoch": True},
    ),
    (
        "Your schedule runs one step ahead: the first step has number 0.",
        "one_step_ahead",
        {"late": True},
    ),
    (
        "You set the rate after the step. Then each step takes the rate of the one before it, and "
        "the first takes the peak: set it before `step`.",
        "rate_after_the_step",
        {"rate_after": True},
    ),
    (
        "You counted full batches alone, so that the schedule ends too early. An epoch has "
        "n / batch_size steps, rounded *up*.",
        "full_batches_counted",
        {"floor": True},
    ),
    (
        "Your optimiser is made anew in every epoch and forgets its velocity. Make it once, before "
        "the epochs.",
        "optimiser_in_every_epoch",
        {"forgets_velocity": True},
    ),
    (
        "Your gradients add up: clear them before `backward`.",
        "never_clears",
        {"accumulates": True},
    ),
    ("The optimiser never steps.", "never_steps", {"no_step": True}),
    (
        "Your optimiser has no momentum. Momentum 0.9, Nesterov's variant.",
        "without_momentum",
        {"momentum": 0.0, "nesterov": False},
    ),
    ("Your momentum is the plain one: nesterov=True.", "plain_momentum", {"nesterov": False}),
    ("The weight decay of 5e-4 is missing.", "without_decay", {"decay": 0.0}),
    (
        "You never put the model into training mode. A model that was evaluated before would learn "
        "with the running statistics of batch norm.",
        "never_in_training_mode",
        {"no_mode": True},
    ),
    (
        "You put the model into training mode once. `after_epoch` may leave it in evaluation mode: "
        "say `model.train()` at the start of every epoch.",
        "training_mode_once",
        {"mode_once": True},
    ),
    (
        "The short batch at the end of an epoch is dropped. It counts.",
        "drops_short_batch",
        {"drops_rest": True},
    ),
    (
        "The short batch at the end of an epoch is skipped. It counts, as in your number of steps.",
        "skips_short_batch",
        {"skips_rest": True},
    ),
    ("Your order does not come from the generator.", "order_from_elsewhere", {"global": True}),
    ("The examples are never shuffled.", "unshuffled_examples", {"unshuffled": True}),
    (
        "You drew one order for all epochs. Each epoch draws its own from the generator.",
        "one_order_for_all",
        {"one_order": True},
    ),
    ("`augment` is not used.", "augment_unused", {"no_augment": True}),
    (
        "You changed all pictures at once, at the start of the epoch. Change each piece when its "
        "turn comes: `augment(x[piece], generator)`.",
        "augments_everything",
        {"augments_all": True},
    ),
    (
        "`smoothing` is not used. Hand it to `F.cross_entropy` as `label_smoothing`.",
        "smoothing_unused",
        {"no_smoothing": True},
    ),
    (
        "You smooth by 0.1 always. Use the number that was given.",
        "smoothing_fixed",
        {"fixed_smoothing": True},
    ),
    ("`after_epoch` is never called.", "after_epoch_unused", {"silent": True}),
    ("Epochs count from 1 for `after_epoch`.", "epochs_from_zero", {"from_zero": True}),
    (
        "You recorded the loss after the step. Record that of the batch before it.",
        "loss_after_the_step",
        {"after": True},
    ),
    (
        "Your losses are tensors. Record plain numbers: `loss.item()`.",
        "losses_are_tensors",
        {"tensors": True},
    ),
    (
        "You returned one loss an epoch. Return one for each step.",
        "one_loss_an_epoch",
        {"by_mean": True},
    ),
):

    def _bad_loop(
        model,
        x,
        y,
        epochs,
        batch_size,
        peak,
        generator,
        augment=None,
        after_epoch=None,
        smoothing=0.0,
        habits=_habits,  # each with its own
    ):
        data = (model, x, y, epochs, batch_size, peak, generator, augment, after_epoch, smoothing)
        return _loop(*data, **habits)

    _bad_loop.__name__ = _name
    train.mistake(_message)(_bad_loop)

train.equivalent(
    "`optimiser = torch.optim.SGD(model.parameters(), lr=peak, momentum=0.9, nesterov=True, "
    "weight_decay=0.0005)` → `optimiser = torch.optim.SGD(model.parameters(), momentum=0.9, "
    "nesterov=True, weight_decay=0.0005)`",
    because="the rate is set from the schedule before every step, the first included",
)
train.hint("Optimiser and the number of all steps first, then two loops.")
train.hint("The number of the step is `len(losses)` before you append.")
train.hint("Inside: pictures, loss, zero_grad, backward, the rate for each group, step, append.")
train.hint("How many steps has an epoch of 5 examples with batches of 2?", when="length")
train.hint("Is the rate set before each step, and counted over all epochs?", when="value")
train.hint("`model.train()` belongs inside the loop over epochs.",
           when="learns in training mode, also after an evaluation")  # fmt: skip
train.hint("`loss.item()` makes a Python float.", when="type")
