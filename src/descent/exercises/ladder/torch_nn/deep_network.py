"""How `DeepNetwork` is judged."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Weights, logits_of

DeepNetwork = Exercise("DeepNetwork", minutes=15, difficulty=2)


def _shapes(network: nn.Module) -> list[int]:
    """The shapes of all parameters in one flat list."""
    return [size for parameter in network.parameters() for size in parameter.shape]


def _filled(network: nn.Module, draw: Draw, widths: list[int]) -> Weights | None:
    """Write drawn numbers into the network's parameters; return them as raw weights."""
    expected = [size for a, c in pairwise(widths) for size in (c, a, c)]
    expect(_shapes(network), "the shapes of weight and bias, layer by layer").equals(expected)
    if _shapes(network) != expected:
        return None
    parameters = list(network.parameters())
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(normals(draw, *parameter.shape))
    copies = [parameter.detach().clone() for parameter in parameters]
    return [(W.T, b) for W, b in zip(copies[::2], copies[1::2], strict=True)]


@DeepNetwork.property("makes its layers of the widths it was given", trials=1)
def _(answer, draw: Draw) -> None:
    one, two = _shapes(answer([2, 5, 4, 3])), _shapes(answer([3, 7, 6, 2]))
    expect(not one or one != two, "other widths, other layers").is_true(
        otherwise="The networks for the widths [2, 5, 4, 3] and [3, 7, 6, 2] have layers of the "
        "same sizes: the widths you were given are not used."
    )


@DeepNetwork.property("is a Module that knows its parameters", trials=4)
def _(answer, draw: Draw) -> None:
    widths = ([2, 3], [2, 5, 3], [3, 4, 4, 4, 2], [2, 6, 5, 4, 3])[min(draw.size // 2, 3)]
    network = answer(widths)
    expect(network, "the network").is_a(nn.Module)
    expected = [size for a, c in pairwise(widths) for size in (c, a, c)]
    expect(_shapes(network), "the shapes of weight and bias, layer by layer").equals(expected)


@DeepNetwork.property("keeps its nn.Linear layers in `layers`")
def _(answer, draw: Draw) -> None:
    layers = getattr(answer([2, 5, 4, 3]), "layers", None) or ()
    expect(bool(layers), "there are network.layers").is_true(
        otherwise="The network has no `layers`."
    )
    expect(len(layers), "the length of network.layers").equals(3)
    linear = [isinstance(layer, nn.Linear) for layer in layers]
    expect(sum(linear), "how many of them are nn.Linear").equals(3)


@DeepNetwork.property("puts ReLU after every layer but the last", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.choice([[2, 5, 4, 3], [3, 4, 4, 2]])
    network, x = answer(widths), normals(draw, draw.size, widths[0])
    before = network(x)
    expect(before, "the logits at the start").has_shape(draw.size, widths[-1])
    weights = _filled(network, draw, widths)
    if weights is not None:
        expect(network(x), "the logits").close_to(logits_of(weights, x), atol=1e-4)


@DeepNetwork.property("has no ReLU when there is one layer")
def _(answer, draw: Draw) -> None:
    network, x = answer([2, 3]), normals(draw, 4, 2)
    weights = _filled(network, draw, [2, 3])
    if weights is not None:
        expect(network(x), "the logits").close_to(logits_of(weights, x), atol=1e-4)


@DeepNetwork.property("lets the gradient reach every parameter")
def _(answer, draw: Draw) -> None:
    network, x = answer([2, 8, 8, 3]), normals(draw, 16, 2)
    network(x).square().sum().backward()
    reached = [parameter.grad is not None for parameter in network.parameters()]
    expect(sum(reached), "how many of 6 parameters got a gradient").equals(6)


class _Answer(nn.Module):
    """A right network, which the mistakes below spoil in one place each."""

    def __init__(self, widths):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, c) for a, c in pairwise(widths))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


@DeepNetwork.mistake(
    "Your layers are in a plain list, where Module does not look: the network has no registered "
    "parameters, and an optimiser would train nothing. Use nn.ModuleList."
)
class PlainList(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.layers = [nn.Linear(a, c) for a, c in pairwise(widths)]

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


@DeepNetwork.mistake(
    "Module was not set up when you assigned to self. Begin `__init__` with `super().__init__()`."
)
class WithoutSuper(_Answer):
    def __init__(self, widths):
        self.layers = nn.ModuleList(nn.Linear(a, c) for a, c in pairwise(widths))


@DeepNetwork.mistake(
    "You put ReLU after the last layer too. Its output is the logits, and a logit must be free "
    "to be negative."
)
class ReluAfterLast(_Answer):
    def forward(self, x):
        return torch.relu(super().forward(x))


@DeepNetwork.mistake(
    "There is no ReLU between your layers: the whole network is one linear layer in disguise."
)
class NoRelu(_Answer):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


@DeepNetwork.mistake(
    "You apply ReLU before each layer, so that it hits the input x as well. It comes after a layer."
)
class ReluOnInput(_Answer):
    def forward(self, x):
        for layer in self.layers:
            x = layer(torch.relu(x))
        return x


@DeepNetwork.mistake(
    "You have one layer too many, after the last width. k widths have k − 1 neighbouring pairs."
)
class ExtraLayer(_Answer):
    def __init__(self, widths):
        super().__init__([*widths, widths[-1]])


@DeepNetwork.mistake(
    "One layer is missing: k widths have k − 1 neighbouring pairs, the last included."
)
class OneLayerShort(_Answer):
    def __init__(self, widths):
        super().__init__(widths[:-1] if len(widths) > 2 else widths)


@DeepNetwork.mistake(
    "Your layers have no bias. `nn.Linear(n_in, n_out)` has one unless told otherwise."
)
class WithoutBias(_Answer):
    def __init__(self, widths):
        super().__init__(widths)
        self.layers = nn.ModuleList(nn.Linear(a, c, bias=False) for a, c in pairwise(widths))


@DeepNetwork.mistake(
    "You apply softmax at the end. The logits go out as they are: F.cross_entropy contains the "
    "softmax."
)
class SoftmaxAtEnd(_Answer):
    def forward(self, x):
        return torch.softmax(super().forward(x), dim=1)


@DeepNetwork.mistake(
    "n_in and n_out have changed places: it is `nn.Linear(n_in, n_out)`, although the weight "
    "inside has shape (n_out, n_in)."
)
class SwappedSizes(_Answer):
    def __init__(self, widths):
        super().__init__(widths)
        self.layers = nn.ModuleList(nn.Linear(c, a) for a, c in pairwise(widths))


@DeepNetwork.mistake(
    "Layers of equal shape are one and the same object: training one trains all. Make each with "
    "a call of its own."
)
class SharedLayers(_Answer):
    def __init__(self, widths):
        super().__init__(widths)
        made = {pair: nn.Linear(*pair) for pair in pairwise(widths)}
        self.layers = nn.ModuleList(made[pair] for pair in pairwise(widths))


@DeepNetwork.mistake("Only your first layer has a ReLU. Every layer but the last has one.")
class ReluOnce(_Answer):
    def forward(self, x):
        for place, layer in enumerate(self.layers):
            x = layer(x)
            x = torch.relu(x) if place == 0 and len(self.layers) > 1 else x
        return x


@DeepNetwork.mistake("You took tanh (or a relative) for the bend. This page uses ReLU.")
class Tanh(_Answer):
    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


@DeepNetwork.mistake(
    "Your `layers` hold the ReLUs as well. They are to hold the nn.Linear layers alone; apply ReLU "
    "in `forward`, with `torch.relu`."
)
class ReluAmongLayers(nn.Module):
    def __init__(self, widths):
        super().__init__()
        parts = [part for a, c in pairwise(widths) for part in (nn.Linear(a, c), nn.ReLU())]
        self.layers = nn.Sequential(*parts[:-1])

    def forward(self, x):
        return self.layers(x)


@DeepNetwork.mistake(
    "`nn.ReLU(…)` makes a ReLU module; it does not apply one. The function is `torch.relu(z)`, the "
    "module `nn.ReLU()(z)`."
)
class ReluMade(_Answer):
    def forward(self, x):
        for layer in self.layers[:-1]:
            x = nn.ReLU(layer(x))
        return self.layers[-1](x)


@DeepNetwork.mistake("Your `forward` gives None: the logits are not returned.")
class ReturnsNothing(_Answer):
    def forward(self, x):
        super().forward(x)


DeepNetwork.hint(
    "`__init__` makes the layers and assigns them to self; `forward` sends x through them."
)
DeepNetwork.hint(
    "`nn.ModuleList(nn.Linear(a, c) for a, c in pairwise(widths))`, after `super().__init__()`."
)
DeepNetwork.hint(
    "Does the last layer have a ReLU? It should not; all the others should.",
    when="value",
)
DeepNetwork.hint(
    "Read the error's last line. Shapes that do not fit: does each layer get what the one before "
    "gave? An attribute that cannot be assigned: was `super().__init__()` called first?",
    when="error",
)
DeepNetwork.hint(
    "Print `[p.shape for p in network.parameters()]` for widths [2, 5, 3].",
    when="length",
)
DeepNetwork.hint(
    "Print `[p.shape for p in network.parameters()]` for widths [2, 5, 3].",
    when="shape",
)
