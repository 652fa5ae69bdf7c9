"""How `gradient_norms` is judged."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals, normals
from descent.grading import Draw, Exercise, expect

from .shared import examples, positive

# The model is handed over as it is: a copy would have lost what is in `.grad`, and what becomes of
# the model could not be seen.
gradient_norms = Exercise(
    "gradient_norms", minutes=10, difficulty=2, changes=("model",), returns=list[float]
)


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


class _Mixing(nn.Module):
    """A matrix that belongs to no layer of torch's, and is not called `weight`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.mixing = nn.Parameter(torch.eye(size))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.mixing


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
    layers = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), _Mixing(8), nn.Linear(8, 3)
    model = nn.Sequential(*layers, nn.LayerNorm(3))
    fill_with_normals(model, draw)
    x, y = normals(draw, 4, 1, 4, 4), torch.tensor([0, 1, 2, 0])
    twin = copy.deepcopy(model).double()
    F.cross_entropy(twin(x.double()), y).backward()
    matrices: Any = (twin[0].weight, twin[3].mixing, twin[4].weight)
    expected = [float(matrix.grad.square().sum() ** 0.5) for matrix in matrices]
    found = answer(model, x, y)
    expect(len(found), "how many norms there are").equals(3)
    expect(found, "the norms of kernel and matrices").close_to(expected, rtol=1e-3)


@gradient_norms.property("does not count what was in `.grad` before", trials=2)
def _(answer, draw: Draw) -> None:
    model = _small_net(draw, 3, 4, 3)
    x, y = examples(draw, 5)
    expected = _norms_by_hand(model, x, y)
    for parameter in list(model.parameters())[:3]:  # some hold one, some hold None
        parameter.grad = torch.ones_like(parameter)
    expect(answer(model, x, y), "the norms, with old gradients about").close_to(expected, rtol=1e-3)


MODES = {"training": (True, True), "evaluation": (False, False), "mixed": (True, False)}
"""Of the whole model, and of the norm in it."""


def _normed(draw: Draw, mode: str) -> nn.Sequential:
    """A norm with statistics of its own, and a linear layer."""
    norm = nn.BatchNorm1d(3)
    norm.running_mean, norm.running_var = normals(draw, 3), positive(draw, 3)
    model = nn.Sequential(norm, _small_net(draw, 3, 3)[0]).train(MODES[mode][0])
    norm.train(MODES[mode][1])
    return model


@gradient_norms.property("uses every part of the model in the mode it is in", trials=1)
def _(answer, draw: Draw) -> None:
    x, y = examples(draw, 6)
    for mode in MODES:
        model = _normed(draw, mode)
        norm: Any = model[0]
        mean, variance = norm.running_mean, norm.running_var
        if norm.training:
            mean, variance = x.mean(0), x.var(0, correction=0)
        seen = (x - mean) / (variance + 1e-5).sqrt()
        expected = _norms_by_hand(nn.Sequential(model[1]), seen, y)
        expect(answer(model, x, y), f"the norms, modes: {mode}").close_to(expected, rtol=1e-3)


@gradient_norms.property("leaves every part in its mode, and the parameters as they were", trials=1)
def _(answer, draw: Draw) -> None:
    x, y = examples(draw, 6)
    for mode in MODES:
        model = _normed(draw, mode)
        model[1].bias.requires_grad_(False)
        before = [p.detach().clone() for p in model.parameters()]
        answer(model, x, y)
        modes = [int(part.training) for part in (model, *model)]
        wanted = [int(MODES[mode][0]), int(MODES[mode][1]), int(MODES[mode][0])]
        expect(modes, "afterwards in training mode (model, norm, layer; 1 is yes)").equals(wanted)
        asked = [int(p.requires_grad) for p in model.parameters()]
        expect(asked, "which parameters require a gradient afterwards").equals([1, 1, 1, 0])
        for old, new in zip(before, model.parameters(), strict=True):
            expect(new, "a parameter afterwards").close_to(old)


@gradient_norms.right
def right_norms(model, x, y):
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    weights = [p for p in model.parameters() if p.ndim > 1]
    return [float(p.grad.norm()) for p in weights]


gradient_norms.slip(
    "biases_too",
    "You measured the biases too. Take the parameters with two axes or more.",
    {
        " if p.ndim > 1": " if p.requires_grad",
    },
)
gradient_norms.slip(
    "scales_too",
    "You chose the parameters by their name. The scale of a norm is called `weight` too: go by the "
    "number of axes, `p.ndim`.",
    {
        "[p for p in model.parameters() if p.ndim > 1]": "[p for name, p in "
        'model.named_parameters() if name.endswith("weight")]',
    },
)
gradient_norms.slip(
    "weights_by_name",
    "You chose the parameters by the name `weight`. A matrix may have any name: go by the number "
    "of axes, `p.ndim`, alone.",
    {
        "[p for p in model.parameters() if p.ndim > 1]": "[p for name, p in "
        'model.named_parameters() if name.endswith("weight") and p.ndim > 1]',
    },
)
gradient_norms.slip(
    "adds_to_the_old",
    "What was in `.grad` before is in your norms: `backward` adds to it. Clear the gradients "
    "first, or use `torch.autograd.grad`, which leaves `.grad` alone.",
    {"    model.zero_grad()\n": ""},
)
gradient_norms.slip(
    "squared_norms",
    "You returned the squares of the norms. Take the root of the sum.",
    {"p.grad.norm()": "p.grad.square().sum()"},
)
gradient_norms.slip(
    "absolute_sums",
    "You summed absolute values. The norm of this page is the root of the sum of squares.",
    {"p.grad.norm()": "p.grad.abs().sum()"},
)
gradient_norms.slip(
    "plain_sums",
    "You added the entries up without squaring them, so that positive and negative ones cancel. "
    "Square first, add, then take the root.",
    {"p.grad.norm()": "p.grad.sum()"},
)
gradient_norms.slip(
    "largest_entry",
    "You returned the largest entry of each gradient. The norm is the root of the sum of squares.",
    {"p.grad.norm()": "p.grad.abs().max()"},
)
gradient_norms.slip(
    "root_mean_squares",
    "You averaged the squares. The norm adds them: two layers of different size would not be "
    "comparable with `.grad.norm()` elsewhere.",
    {"p.grad.norm()": "p.grad.square().mean().sqrt()"},
)
gradient_norms.slip(
    "largest_singular_value",
    "You took the largest singular value. `g.norm()` gives the root of the sum of squares; "
    "`torch.linalg.matrix_norm(g, 2)` is another norm.",
    {"p.grad.norm()": "torch.linalg.matrix_norm(p.grad.flatten(1), 2)"},
)
gradient_norms.slip(
    "of_the_weights",
    "You measured the weights themselves, not their gradients.",
    {"p.grad.norm()": "p.norm()"},
)
gradient_norms.slip(
    "of_the_summed_loss",
    "Your loss is a sum over the examples. It is their mean.",
    {"cross_entropy(model(x), y)": 'cross_entropy(model(x), y, reduction="sum")'},
)
gradient_norms.slip(
    "softmax_first",
    "You handed probabilities to `F.cross_entropy`. It takes logits, and does the softmax itself.",
    {"cross_entropy(model(x), y)": "cross_entropy(model(x).softmax(dim=1), y)"},
)
gradient_norms.slip(
    "last_layer_first",
    "Your list runs from the last layer to the first. First layer first.",
    {"for p in weights]": "for p in reversed(weights)]"},
)
gradient_norms.slip(
    "in_evaluation",
    "You put the model into evaluation mode. Use it in the mode it is in: with batch norm the two "
    "modes have different gradients.",
    {"    model.zero_grad()\n": "    model.zero_grad()\n    model.eval()\n"},
)
gradient_norms.slip(
    "in_evaluation_and_back",
    "You measured in evaluation mode, and put the model back afterwards. Use it in the mode it is "
    "in: with batch norm the two modes have different gradients.",
    {
        "    model.zero_grad()\n": "    model.zero_grad()\n    was_training = model.training\n"
        "    model.eval()\n",
        "    loss.backward()\n": "    loss.backward()\n    model.train(was_training)\n",
    },
)
gradient_norms.slip(
    "left_in_evaluation",
    "You measured in the right mode and left the model in evaluation mode. Leave it as it was.",
    {"    loss.backward()\n": "    loss.backward()\n    model.eval()\n"},
)
gradient_norms.slip(
    "in_training",
    "You put the model into training mode. Use it in the mode it is in: with batch norm the two "
    "modes have different gradients.",
    {"    model.zero_grad()\n": "    model.zero_grad()\n    model.train()\n"},
)
gradient_norms.slip(
    "mode_of_the_whole",
    "You gave every part the mode of the whole model. A part may be in another mode, and is used "
    "in that: leave the modes alone.",
    {"    model.zero_grad()\n": "    model.zero_grad()\n    model.train(model.training)\n"},
)
gradient_norms.slip(
    "takes_a_step",
    "You took a training step: the parameters have moved. A gauge only looks.",
    {
        "    loss.backward()\n": "    loss.backward()\n    with torch.no_grad():\n"
        "        for p in model.parameters():\n"
        "            p.sub_(0 if p.grad is None else 0.1 * p.grad)\n",
    },
)
gradient_norms.slip(
    "kernels_left_out",
    "You took matrices alone, with exactly two axes. The kernels of a convolution have four: take "
    "every parameter with two axes or more.",
    {"p.ndim > 1": "p.ndim == 2"},
)


gradient_norms.hint("Loss first, then its gradient, then one number for each parameter you want.")
gradient_norms.hint("`torch.autograd.grad(loss, list_of_parameters)` gives a tuple of gradients.")
gradient_norms.hint("`p.ndim` tells a matrix (2) or kernel (4) from a bias (1).", when="length")
gradient_norms.hint("Is there a root, and one only?", when="value")
gradient_norms.hint("`float(gradient.norm())` makes a Python number.", when="type")
