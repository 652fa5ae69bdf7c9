"""How `gradient_norms` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import examples

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
    x, y = examples(draw, draw.size)
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
    x, y = examples(draw, 5)
    expected = _norms_by_hand(model, x, y)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    expect(answer(model, x, y), "the norms, with old gradients about").close_to(expected, rtol=1e-3)


@gradient_norms.property("uses the model in the mode it is in", trials=1)
def _(answer, draw: Draw) -> None:
    x, y = examples(draw, 6)
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
