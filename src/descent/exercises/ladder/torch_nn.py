"""What ladder/06_torch_nn is judged by.

The oracles are numpy and raw tensors: no ``nn.Module``, ``F.cross_entropy``, optimiser or loader
takes part in the numbers that answers are compared with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

from descent.exercises.doubles import PlainDescent, normals, torch_generator
from descent.grading import Draw, Exercise, expect

Weights = list[tuple[torch.Tensor, torch.Tensor]]


def _weights(draw: Draw, widths: list[int]) -> Weights:
    # The small shift keeps every unit off its corner, where the ways to write ReLU differ in slope.
    return [(normals(draw, a, c), normals(draw, c) + 33e-5) for a, c in pairwise(widths)]


def _logits(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    for W, b in weights[:-1]:
        x = torch.addmm(b, x, W)
        x = torch.where(x > 0, x, torch.zeros_like(x))
    return torch.addmm(weights[-1][1], x, weights[-1][0])


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each example, from its definition."""
    probabilities = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True))
    return -torch.log((probabilities * torch.eye(logits.shape[1])[labels]).sum(dim=1))


def _step(weights: Weights, loss: torch.Tensor, rate: float) -> Weights:
    slopes = torch.autograd.grad(loss, [tensor for layer in weights for tensor in layer])
    moved = [(tensor - rate * slope).detach().requires_grad_() for tensor, slope in zip(
        (tensor for layer in weights for tensor in layer), slopes, strict=True)]  # fmt: skip
    return list(zip(moved[::2], moved[1::2], strict=True))


def _leaves(weights: Weights) -> Weights:
    return [(W.clone().requires_grad_(), b.clone().requires_grad_()) for W, b in weights]


class _Witness(nn.Module):
    """Hands its input on, and remembers the mode and whether gradients were recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        return x


def _witness(network: nn.Sequential) -> _Witness:
    first = network[0]
    assert isinstance(first, _Witness)
    return first


def _sequential(weights: Weights) -> nn.Sequential:
    """The weights as a module, a witness in front."""
    parts: list[nn.Module] = [_Witness()]
    for W, b in weights:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(W.T)
            linear.bias.copy_(b)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def _expect_parameters(network: nn.Module, weights: Weights) -> None:
    pairs = zip(_linears(network), weights, strict=True)
    for number, (linear, (W, b)) in enumerate(pairs, start=1):
        expect(linear.weight, f"the weight of layer {number}").close_to(W.T, atol=1e-4)
        expect(linear.bias, f"the bias of layer {number}").close_to(b, atol=1e-4)


def _linears(network: nn.Module) -> list[nn.Linear]:
    return [part for part in network.modules() if isinstance(part, nn.Linear)]


# ------------------------------------------------------------------------ DeepNetwork

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


@DeepNetwork.property("is a Module that knows its parameters", trials=4)
def _(answer, draw: Draw) -> None:
    widths = ([2, 3], [2, 5, 3], [3, 4, 4, 4, 2], [2, 6, 5, 4, 3])[min(draw.size // 2, 3)]
    network = answer(widths)
    expect(network, "the network").is_a(nn.Module)
    expected = [size for a, c in pairwise(widths) for size in (c, a, c)]
    expect(_shapes(network), "the shapes of weight and bias, layer by layer").equals(expected)


@DeepNetwork.property("keeps its nn.Linear layers in `layers`")
def _(answer, draw: Draw) -> None:
    layers = getattr(answer([2, 5, 4, 3]), "layers", None)
    expect(layers, "network.layers").is_true(otherwise="The network has no `layers`.")
    expect(len(layers or []), "the length of network.layers").equals(3)
    linear = [isinstance(layer, nn.Linear) for layer in layers or []]
    expect(sum(linear), "how many of them are nn.Linear").equals(3)


@DeepNetwork.property("puts ReLU after every layer but the last", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.choice([[2, 5, 4, 3], [3, 4, 4, 2]])
    network, x = answer(widths), normals(draw, draw.size, widths[0])
    before = network(x)
    expect(before, "the logits at the start").has_shape(draw.size, widths[-1])
    weights = _filled(network, draw, widths)
    if weights is not None:
        expect(network(x), "the logits").close_to(_logits(weights, x), atol=1e-4)


@DeepNetwork.property("has no ReLU when there is one layer")
def _(answer, draw: Draw) -> None:
    network, x = answer([2, 3]), normals(draw, 4, 2)
    weights = _filled(network, draw, [2, 3])
    if weights is not None:
        expect(network(x), "the logits").close_to(_logits(weights, x), atol=1e-4)


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

# ----------------------------------------------------------------------- copy_weights

copy_weights = Exercise("copy_weights", minutes=8, difficulty=2, changes=("layers", "weights"))


def _layers(weights: Weights) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(*W.shape) for W, _ in weights)


@copy_weights.property("makes a square layer compute x @ W + b", trials=3)
def _(answer, draw: Draw) -> None:
    weights, x = _weights(draw, [2, 2]), normals(draw, draw.size, 2)
    layers = _layers(weights)
    answer(layers, weights)
    expect(layers[0](x), "what the layer gives").close_to(_logits(weights, x), atol=1e-4)


@copy_weights.property("fills every layer, of any shape", trials=3)
def _(answer, draw: Draw) -> None:
    weights = _weights(draw, [2, 5, 4, 3])
    layers = _layers(weights)
    with torch.no_grad():  # a missing no_grad is judged elsewhere
        answer(layers, weights)
    for number, (layer, (W, b)) in enumerate(zip(layers, weights, strict=True), start=1):
        expect(layer.weight, f"the weight of layer {number}").close_to(W.T, atol=1e-5)
        expect(layer.bias, f"the bias of layer {number}").close_to(b, atol=1e-5)


@copy_weights.property("copies from tensors that require a gradient, without recording it")
def _(answer, draw: Draw) -> None:
    weights = _leaves(_weights(draw, [3, 3]))
    layers = _layers(weights)
    answer(layers, weights)
    expect(layers[0].weight, "the weight").close_to(weights[0][0].T, atol=1e-5)
    expect(layers[0].weight.is_leaf, "the weight is a leaf").is_true(
        otherwise="the copying was recorded by autograd"
    )


@copy_weights.property("leaves the weights alone, and shares no memory with them")
def _(answer, draw: Draw) -> None:
    weights = _weights(draw, [3, 3])
    W, b = (tensor.clone() for tensor in weights[0])
    layers = _layers(weights)
    answer(layers, weights)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.add_(1)
    expect(weights[0][0], "W after the layer has changed").close_to(W, atol=1e-5)
    expect(weights[0][1], "b after the layer has changed").close_to(b, atol=1e-5)


@copy_weights.property("keeps the Parameter objects, which still require a gradient")
def _(answer, draw: Draw) -> None:
    weights = _weights(draw, [2, 3, 2])
    layers = _layers(weights)
    before = list(layers.parameters())
    answer(layers, weights)
    kept = [first is now for first, now in zip(before, layers.parameters(), strict=True)]
    expect(sum(kept), "how many of the 4 parameters are the same object").equals(4)
    ready = [parameter.requires_grad for parameter in layers.parameters()]
    expect(sum(ready), "how many of them require a gradient").equals(4)


@copy_weights.mistake(
    "You copied W as it is. nn.Linear stores it the other way round, (n_out, n_in): copy W.T. "
    "For a square layer torch cannot warn you."
)
def not_transposed(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight.copy_(W)
            layer.bias.copy_(b)


@copy_weights.mistake(
    "You reshaped W to (n_out, n_in). That fits and scrambles the numbers: reshape reads them "
    "row by row. Transposing is `W.T`."
)
def reshaped(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight.copy_(W.reshape(layer.weight.shape))
            layer.bias.copy_(b)


@copy_weights.mistake("You left the biases at torch's random start. Copy b as well.")
def only_weights(layers, weights):
    with torch.no_grad():
        for layer, (W, _) in zip(layers, weights, strict=True):
            layer.weight.copy_(W.T)


@copy_weights.mistake("You copied the biases and not the weights.")
def only_biases(layers, weights):
    with torch.no_grad():
        for layer, (_, b) in zip(layers, weights, strict=True):
            layer.bias.copy_(b)


@copy_weights.mistake("Only the first layer was filled. Go through all of them.")
def first_layer_only(layers, weights):
    with torch.no_grad():
        layers[0].weight.copy_(weights[0][0].T)
        layers[0].bias.copy_(weights[0][1])


@copy_weights.mistake(
    "The layers share memory with the raw weights: training one changes the other. Assigning "
    "`.data`, or making a Parameter of W.T, hands over the memory; `copy_` copies numbers."
)
def shared_memory(layers, weights):
    for layer, (W, b) in zip(layers, weights, strict=True):
        layer.weight.data, layer.bias.data = W.detach().T, b.detach()


@copy_weights.mistake(
    "You made new Parameters. An optimiser that was made before still holds the old ones and "
    "would train those: write into the parameters that are there, with `copy_`."
)
def new_parameters(layers, weights):
    for layer, (W, b) in zip(layers, weights, strict=True):
        layer.weight = nn.Parameter(W.detach().T.clone())
        layer.bias = nn.Parameter(b.detach().clone())


@copy_weights.mistake(
    "torch refuses to write into a parameter while autograd is recording: copy under "
    "`with torch.no_grad():`."
)
def recorded(layers, weights):
    for layer, (W, b) in zip(layers, weights, strict=True):
        layer.weight.copy_(W.T)
        layer.bias.copy_(b)


@copy_weights.mistake(
    "You copied in the wrong direction: the raw weights now hold what the layers had. It is "
    "`layer.weight.copy_(W.T)`."
)
def wrong_direction(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            W.copy_(layer.weight.T)
            b.copy_(layer.bias)


@copy_weights.mistake(
    "Nothing was written: the layers hold what they held. `weight = W.T` gives a name to a tensor; "
    "`layer.weight.copy_(W.T)` writes into the layer."
)
def nothing_written(layers, weights):
    pass


@copy_weights.mistake(
    "torch lets nothing but a Parameter take a Parameter's place, and here none should: write into "
    "the one that is there, `layer.weight.copy_(W.T)`."
)
def assigned(layers, weights):
    for layer, (W, b) in zip(layers, weights, strict=True):
        layer.weight = W.T
        layer.bias = b


@copy_weights.mistake("W and b have changed places: the pairs are (W, b), the weight first.")
def swapped_pair(layers, weights):
    with torch.no_grad():
        for layer, (b, W) in zip(layers, weights, strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(b)


@copy_weights.mistake("You added the weights to what the layers had. `copy_` replaces.")
def added(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight += W.T
            layer.bias += b


@copy_weights.mistake(
    "The parameters no longer require a gradient, so nothing would learn. Leave `requires_grad` "
    "as it is."
)
def frozen(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(b)
    for parameter in layers.parameters():
        parameter.requires_grad_(False)


copy_weights.hint(
    "Two copies for each layer, the weight and the bias. What shapes have the two weights?"
)
copy_weights.hint(
    "`layer.weight.copy_(…)` under `with torch.no_grad():`, and `zip(layers, weights)`."
)
copy_weights.hint("With W = [[1, −1], [0, 2]] the layer must send [1, 2] to [1, 3].", when="value")
copy_weights.hint("nn.Linear keeps (n_out, n_in). What does W have?", when="transposed")
copy_weights.hint(
    "Which shapes does torch name in the error? Or is `no_grad` missing?",
    when="error",
)
copy_weights.hint("`W.T` turns rows into columns; `reshape` does not.", when="order")

for _strict in ("zip(layers, weights)", "zip(layers, weights, strict=False)"):
    copy_weights.equivalent(
        "`for layer, (W, b) in zip(layers, weights, strict=True):` → "
        f"`for layer, (W, b) in {_strict}:`",
        because="the stub promises as many weights as layers, so that nothing is left over",
    )

# ----------------------------------------------------------------------------- Points

Points = Exercise("Points", minutes=8, difficulty=2)


def _expect_dtype(value: torch.Tensor, name: str, dtype: str) -> None:
    expect(isinstance(value, torch.Tensor), name).is_true(
        otherwise=f"It should be a tensor, and is of type `{type(value).__name__}`."
    )
    expect(value, name).has_dtype(dtype)
    # Once more as text: equal numbers of two dtypes count as the same answer.
    expect(str(getattr(value, "dtype", None)), f"the dtype of {name}").equals(f"torch.{dtype}")


@Points.property("is a Dataset with one item for each point", trials=4)
def _(answer, draw: Draw) -> None:
    n = draw.size
    dataset = answer(draw.normal(n, 4), draw.integers(0, 3, n))
    expect(dataset, "the data set").is_a(Dataset)
    expect(len(dataset), "its length").equals(n)


@Points.property("gives point i and its label", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    x, y = draw.normal(n, 2), draw.integers(0, 3, n)
    dataset = answer(x, y)
    for i in (0, n - 1, draw.integers(0, n)):
        item = dataset[i]
        expect(len(item), "the length of an item").equals(2)
        expect(item[0], f"the point of item {i}").close_to(x[i])
        expect(item[-1], f"the label of item {i}").equals(int(y[i]))


@Points.property("gives float32 points and int64 labels, whatever the arrays are", trials=3)
def _(answer, draw: Draw) -> None:
    kind = "float64" if draw.size == 1 else draw.choice(["float32", "int64"])
    x, y = draw.integers(-5, 5, 4, 2).astype(kind), draw.integers(0, 3, 4).astype("int32")
    point, label = answer(x, y)[1]
    _expect_dtype(point, "the point", "float32")
    _expect_dtype(label, "the label", "int64")
    expect(label, "the label").has_shape()


@Points.property("stacks into the batches that a network takes")
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(5, 2), draw.integers(0, 3, 5)
    batch_x, batch_y = next(iter(DataLoader(answer(x, y), batch_size=5)))
    expect(batch_x, "a batch of points").close_to(x)
    expect(batch_y, "its labels").close_to(y)
    _expect_dtype(batch_x, "a batch of points", "float32")
    _expect_dtype(batch_y, "its labels", "int64")


class _Points(Dataset):
    """A right data set, which the mistakes below spoil in one place each."""

    def __init__(self, x, y):
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(y, dtype=torch.int64)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


@Points.mistake(
    "Your points keep the dtype of the array, which is float64 for most. The layers are float32, "
    "and a matrix product does not mix the two: `torch.tensor(x, dtype=torch.float32)`."
)
class DtypeOfTheArray(_Points):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.x = torch.tensor(x)


@Points.mistake(
    "Your labels are floats. They are used as indices and must be int64; F.cross_entropy takes "
    "floats for something else."
)
class FloatLabels(_Points):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.y = torch.tensor(y, dtype=torch.float32)


@Points.mistake("Your labels keep the dtype of the array. Make them int64 whatever they come as.")
class DtypeOfTheLabels(_Points):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.y = torch.tensor(y)


@Points.mistake(
    "Your points are integers: the digits after the point are lost. They should be float32."
)
class IntegerPoints(_Points):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.x = torch.tensor(x).to(torch.int64)


@Points.mistake("Point and label have changed places: an item is (x, y).")
class SwappedItem(_Points):
    def __getitem__(self, i):
        return self.y[i], self.x[i]


@Points.mistake("Your length is the number of coordinates. It should be the number of points.")
class CountsColumns(_Points):
    def __len__(self):
        return self.x.shape[1]


@Points.mistake("Your length is the number of entries of x. It should be the number of points.")
class CountsEntries(_Points):
    def __len__(self):
        return self.x.numel()


@Points.mistake("You return all points whatever i is. Item i is one point and one label.")
class WholeArrays(_Points):
    def __getitem__(self, i):
        return self.x, self.y


@Points.mistake(
    "You cut out a slice, x[i:i+1], which keeps a dimension of length 1. A point has shape (d,) "
    "and a label shape (): index with i alone; the loader makes the batch."
)
class SlicedItem(_Points):
    def __getitem__(self, i):
        return self.x[i : i + 1], self.y[i : i + 1]


@Points.mistake("You return the point without its label.")
class OnlyThePoint(_Points):
    def __getitem__(self, i):
        return self.x[i]


@Points.mistake("Your items are one place off: item 0 is the first point.")
class OnePlaceOff(_Points):
    def __getitem__(self, i):
        return self.x[i - 1], self.y[i - 1]


@Points.mistake(
    "You turned the labels into one-hot rows. F.cross_entropy takes the class numbers themselves."
)
class OneHot(_Points):
    def __getitem__(self, i):
        return self.x[i], torch.eye(3, dtype=torch.int64)[self.y[i]]


@Points.mistake("Your label is a Python number. It should stay a tensor: index, without `.item()`.")
class PythonLabels(_Points):
    def __getitem__(self, i):
        return self.x[i], self.y[i].item()


Points.hint("`__init__` makes two tensors, `__len__` counts, `__getitem__` indexes both.")
Points.hint("`torch.tensor(x, dtype=torch.float32)`, and int64 for the labels.")
Points.hint("float64 is numpy's habit. Say which dtype you want.", when="dtype")
Points.hint("A point has shape (d,), a label shape (): no batch dimension yet.", when="shape")
Points.hint("Which i gives the first point?", when="value")
Points.hint("How many points are there, and along which dimension are they counted?", when="length")

# ------------------------------------------------------------------------ make_loader

make_loader = Exercise("make_loader", minutes=8, difficulty=2, changes=("generator",))


class Numbers(Dataset):
    """A data set whose i-th example is the number i, so that a batch tells what is in it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(i)
        return int(i)

    def __repr__(self) -> str:
        return f"the numbers 0 … {self.n - 1}"


def _epoch(loader: DataLoader) -> list[list[int]]:
    return [[int(i) for i in torch.as_tensor(batch).reshape(-1)] for batch in loader]


@make_loader.property("visits the examples in the order of torch.randperm", trials=4)
def _(answer, draw: Draw) -> None:
    n, seed = draw.size + 3, draw.seed()
    loader = answer(Numbers(n), n, torch_generator(seed))
    expected = torch.randperm(n, generator=torch_generator(seed))
    order = [i for batch in _epoch(loader) for i in batch]
    expect(order, "the order of the first epoch").equals(expected.tolist())


@make_loader.property("takes one more randperm for each epoch")
def _(answer, draw: Draw) -> None:
    n, seed = 8, draw.seed()
    loader, twin = answer(Numbers(n), 3, torch_generator(seed)), torch_generator(seed)
    for epoch in (1, 2, 3):
        order = [i for batch in _epoch(loader) for i in batch]
        expected = torch.randperm(n, generator=twin).tolist()
        expect(order, f"the order of epoch {epoch}").equals(expected)


@make_loader.property("cuts batches of the size asked for, the last one shorter", trials=3)
def _(answer, draw: Draw) -> None:
    n, size = draw.choice([(7, 3), (8, 4), (5, 2), (3, 5)])
    loader = answer(Numbers(n), size, torch_generator(draw.seed()))
    sizes = [len(batch) for batch in _epoch(loader)]
    expect(sizes, "the sizes of the batches").equals([min(size, n - i) for i in range(0, n, size)])


class _Order(torch.utils.data.Sampler):
    def __init__(self, n: int, generator: torch.Generator | None) -> None:
        self.n, self.generator = n, generator

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n, generator=self.generator).tolist())


@make_loader.mistake(
    "You let the loader shuffle. It takes other numbers from your generator as well, so its "
    "order is not that of torch.randperm. Hand it a sampler: `EpochOrder(len(dataset), "
    "generator)`."
)
def own_shuffle(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=True, generator=generator)


@make_loader.mistake(
    "You let the loader shuffle, and without your generator: another order at every run. Hand it a "
    "sampler: `EpochOrder(len(dataset), generator)`."
)
def global_shuffle(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, shuffle=True)


@make_loader.mistake("Your loader does not shuffle: without a sampler the order is 0, 1, 2, …")
def unshuffled(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size)


@make_loader.mistake(
    "Every epoch of yours has the same order: the permutation was drawn once, when the loader "
    "was made. A sampler draws anew each time it is gone through."
)
def drawn_once(dataset, batch_size, generator):
    order = torch.randperm(len(dataset), generator=generator).tolist()
    return DataLoader(dataset, batch_size=batch_size, sampler=order)


@make_loader.mistake(
    "You drop the short batch at the end of an epoch. Its examples count too: leave `drop_last` "
    "at False."
)
def drops_last(dataset, batch_size, generator):
    order = _Order(len(dataset), generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=order, drop_last=True)


@make_loader.mistake("You did not pass on the batch size: the loader's default is batches of one.")
def batches_of_one(dataset, batch_size, generator):
    return DataLoader(dataset, sampler=_Order(len(dataset), generator))


@make_loader.mistake(
    "Your first epoch has the right order and the next has not. torch's RandomSampler draws a "
    "second permutation at the end of each epoch. EpochOrder draws one."
)
def random_sampler(dataset, batch_size, generator):
    sampler = RandomSampler(dataset, generator=generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler)


@make_loader.mistake(
    "You gave the generator to the sampler and to the loader. The loader draws from it too, "
    "before the permutation: give it to the sampler alone."
)
def generator_twice(dataset, batch_size, generator):
    order = _Order(len(dataset), generator)
    return DataLoader(dataset, batch_size=batch_size, sampler=order, generator=generator)


@make_loader.mistake(
    "You used a generator of your own, or seeded the one you were given. Use it as it comes."
)
def seeded_again(dataset, batch_size, generator):
    return DataLoader(
        dataset, batch_size=batch_size, sampler=_Order(len(dataset), torch_generator(0))
    )


@make_loader.mistake(
    "Your order has as many indices as a batch, so that an epoch is one batch. It runs over all "
    "examples: `EpochOrder(len(dataset), generator)`."
)
def order_of_one_batch(dataset, batch_size, generator):
    return DataLoader(dataset, batch_size=batch_size, sampler=_Order(batch_size, generator))


make_loader.hint("The loader takes a data set, a batch size, and something that gives the order.")
make_loader.hint("`DataLoader(dataset, batch_size=…, sampler=…)` with the EpochOrder of the page.")
make_loader.hint("Who else draws from the generator? Give it to the sampler alone.", when="order")
make_loader.hint("How long is the last batch of 7 examples, three at a time?", when="length")
make_loader.hint("`shuffle=True` and a sampler exclude each other.", when="error")
make_loader.hint(
    "Is the order drawn when the loader is made, or each time an epoch starts?",
    when="takes one more randperm for each epoch",
)

# ------------------------------------------------------------------------ train_epoch

train_epoch = Exercise(
    "train_epoch", minutes=12, difficulty=2, changes=("network", "loader", "optimiser")
)

Batches = list[tuple[torch.Tensor, torch.Tensor]]


def _batches(draw: Draw, *sizes: int) -> Batches:
    return [(normals(draw, n, 2), torch.tensor(draw.integers(0, 3, n))) for n in sizes]


def _epoch_by_hand(weights: Weights, batches: Batches, rate: float) -> tuple[Weights, list[float]]:
    weights, losses = _leaves(weights), []
    for x, y in batches:
        loss = _losses(_logits(weights, x), y).mean()
        losses.append(loss.item())
        weights = _step(weights, loss, rate)
    return weights, losses


def _judge_epoch(answer, draw: Draw, batches: Batches, stale: bool = False) -> None:
    weights, rate = _weights(draw, [2, 5, 3]), draw.uniform(0.05, 0.2)
    network = _sequential(weights)
    if stale:
        for parameter in network.parameters():
            parameter.grad = normals(draw, *parameter.shape)
    moved, expected = _epoch_by_hand(weights, batches, rate)
    optimiser = PlainDescent(network, rate)
    losses = answer(network, batches, optimiser)
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    _expect_parameters(network, moved)
    expect(optimiser.steps, "how many steps the optimiser took").equals(len(batches))


@train_epoch.property("takes one right step on one batch", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, _batches(draw, draw.size))


@train_epoch.property("takes a step for each batch, short ones included", trials=2)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, _batches(draw, 4, 4, 1))


@train_epoch.property("is not misled by gradients from before", trials=2)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, _batches(draw, 3, 3), stale=True)


@train_epoch.property("runs the network in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    network = _sequential(_weights(draw, [2, 4, 3]))
    answer(network.eval(), _batches(draw, 3, 3), PlainDescent(network, 0.1))
    expect(sum(_witness(network).modes), "how many of two batches ran in training mode").equals(2)


@train_epoch.property("records plain Python numbers", trials=1)
def _(answer, draw: Draw) -> None:
    network = _sequential(_weights(draw, [2, 4, 3]))
    losses = answer(network, _batches(draw, 3, 2), PlainDescent(network, 0.1))
    for loss in losses:
        expect(loss, "a recorded loss").is_a(float)


def _epoch_with(network, loader, optimiser, **habits):
    """One epoch with one bad habit, named by keyword: what the mistakes below share."""
    network.train(not habits.get("evaluation_mode"))
    if habits.get("mode_untouched"):
        network.eval()
    losses = []
    for x, y in loader:
        logits = network(x)
        logits = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
        if habits.get("probabilities"):
            logits = torch.log_softmax(logits, dim=1).exp()
            loss = nn.functional.nll_loss(logits, y)
        else:
            loss = nn.functional.cross_entropy(
                logits, y, reduction="sum" if habits.get("summed") else "mean"
            )
        losses.append(loss if habits.get("tensors") else loss.item())
        if not habits.get("accumulates"):
            optimiser.zero_grad()
        if habits.get("step_first"):
            optimiser.step()
        loss.backward()
        if habits.get("cleared_too_late"):
            optimiser.zero_grad()
        if not (habits.get("no_step") or habits.get("step_first")):
            optimiser.step()
        if habits.get("cleared_after_step"):
            optimiser.zero_grad()
        if habits.get("loss_after"):
            losses[-1] = nn.functional.cross_entropy(network(x), y).item()
        if habits.get("first_batch"):
            break
    return losses


def _epoch_habit(name, **habits):
    """A mistake made of `_epoch_with`, its parameters named as the exercise names them."""

    def answer(network, loader, optimiser):
        return _epoch_with(network, loader, optimiser, **habits)

    answer.__name__ = name
    return answer


train_epoch.mistake(
    "You never clear the gradients: backward() adds to what is there, so each step carries all "
    "earlier ones along. Call `optimiser.zero_grad()` before `backward()`."
)(_epoch_habit("never_cleared", accumulates=True))
train_epoch.mistake(
    "Nothing moves: `step()` finds no gradients. Either `zero_grad()` stands between `backward()` "
    "and `step()`, or `step()` before `backward()`. The order is zero_grad, backward, step."
)(_epoch_habit("cleared_too_late", cleared_too_late=True))
train_epoch.mistake(
    "You clear the gradients after the step, which is too late for the first batch: what the "
    "parameters held before the epoch counts in it. Clear before `backward()`."
)(_epoch_habit("cleared_after_step", accumulates=True, cleared_after_step=True))
train_epoch.mistake(
    "You call `step()` before `backward()`: the gradients of this batch do not exist yet. The "
    "order is zero_grad, backward, step."
)(_epoch_habit("step_before_backward", step_first=True, accumulates=True))
train_epoch.mistake(
    "You applied softmax before F.cross_entropy, which contains it already. Hand it the logits."
)(_epoch_habit("softmax_twice", softmax=True))
train_epoch.mistake(
    "You handed probabilities to nll_loss, which wants their logarithms. F.cross_entropy takes "
    "the logits and does both."
)(_epoch_habit("nll_of_probabilities", probabilities=True))
train_epoch.mistake(
    "Your loss is the sum over the batch. It is a mean, so that the step does not depend on the "
    "batch size."
)(_epoch_habit("summed", summed=True))
train_epoch.mistake(
    "There is no step: backward() finds the gradients, and `optimiser.step()` uses them."
)(_epoch_habit("no_step", no_step=True))
train_epoch.mistake(
    "The network ran in the mode it came in, evaluation mode. Whoever trains calls "
    "`network.train()` first."
)(_epoch_habit("mode_untouched", mode_untouched=True))
train_epoch.mistake(
    "You recorded tensors. Each of them keeps its whole graph alive, so memory grows with every "
    "step: record `loss.item()`."
)(_epoch_habit("recorded_tensors", tensors=True))
train_epoch.mistake(
    "You recorded each loss after its step. Record the one the gradient was computed from."
)(_epoch_habit("loss_after_step", loss_after=True))
train_epoch.mistake(
    "You stop after the first batch: a `return` stands inside the loop. An epoch goes through "
    "all of them."
)(_epoch_habit("first_batch_only", first_batch=True))


@train_epoch.mistake(
    "You returned one number, the mean loss. Return one loss for each batch, in a list."
)
def mean_of_losses(network, loader, optimiser):
    losses = _epoch_with(network, loader, optimiser)
    return sum(losses) / len(losses)


@train_epoch.mistake(
    "You step once, after the last batch: zero_grad and step have slipped out of the loop. Each "
    "batch takes a step of its own."
)
def one_step_at_the_end(network, loader, optimiser):
    network.train()
    losses = []
    optimiser.zero_grad()
    for x, y in loader:
        loss = nn.functional.cross_entropy(network(x), y)
        losses.append(loss.item())
        loss.backward()
    optimiser.step()
    return losses


train_epoch.hint(
    "One loop over the loader; inside it the four lines of the page, and the loss recorded."
)
train_epoch.hint("Before the loop: which mode should the network be in?")
train_epoch.hint("The order: loss, zero_grad, backward, step. All inside the loop.", when="value")
train_epoch.hint("A sum over n examples is n times their mean.", when="factor")
train_epoch.hint("One loss for each batch.", when="length")
train_epoch.hint("`loss.item()` is a Python number.", when="type")
train_epoch.hint("`network.train()`.", when="runs the network in training mode")
train_epoch.hint(
    "Gradients may be there before the first batch: when do you clear them?",
    when="is not misled by gradients from before",
)

# --------------------------------------------------------------------------- evaluate

evaluate = Exercise("evaluate", minutes=12, difficulty=2, changes=("network", "loader"))


def _measured(weights: Weights, batches: Batches) -> tuple[float, float]:
    """Loss and accuracy over all examples at once."""
    x = torch.cat([x for x, _ in batches])
    y = torch.cat([y for _, y in batches])
    logits = _logits(weights, x)
    return float(_losses(logits, y).mean()), float(np.mean(logits.numpy().argmax(1) == y.numpy()))


def _judge_evaluation(answer, draw: Draw, *sizes: int) -> None:
    weights, batches = _weights(draw, [2, 5, 3]), _batches(draw, *sizes)
    loss, accuracy = answer(_sequential(weights), batches)
    expected_loss, expected_accuracy = _measured(weights, batches)
    expect(loss, "the loss").close_to(expected_loss, atol=1e-4)
    expect(accuracy, "the accuracy").close_to(expected_accuracy, atol=1e-4)


@evaluate.property("gives loss and accuracy of one batch", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_evaluation(answer, draw, draw.size + 1)


@evaluate.property("averages over examples, not over batches", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_evaluation(answer, draw, 4, 4, 1)


@evaluate.property("runs in evaluation mode, without recording gradients", trials=1)
def _(answer, draw: Draw) -> None:
    network = _sequential(_weights(draw, [2, 4, 3])).train()
    answer(network, _batches(draw, 3, 3))
    witness = _witness(network)
    expect(sum(witness.modes), "how many of two batches ran in training mode").equals(0)
    expect(sum(witness.recorded), "how many of two batches recorded gradients").equals(0)


@evaluate.property("puts the mode back and changes nothing", trials=2)
def _(answer, draw: Draw) -> None:
    weights = _weights(draw, [2, 4, 3])
    for mode in (True, False):
        network = _sequential(weights).train(mode)
        answer(network, _batches(draw, 3))
        expect(int(network.training), "training mode afterwards (1 or 0)").equals(int(mode))
        _expect_parameters(network, weights)
        trainable = [parameter.requires_grad for parameter in network.parameters()]
        expect(sum(trainable), "how many of 4 parameters still require a gradient").equals(4)
        expect(torch.is_grad_enabled(), "autograd is on afterwards").equals(True)


@evaluate.property("returns plain Python numbers", trials=1)
def _(answer, draw: Draw) -> None:
    loss, accuracy = answer(_sequential(_weights(draw, [2, 3])), _batches(draw, 3))
    for number, name in ((loss, "the loss"), (accuracy, "the accuracy")):
        expect(isinstance(number, float | int), name).is_true(
            otherwise=f"It should be a Python number, and is of type `{type(number).__name__}`."
        )


def _evaluated(network, loader, **habits):
    """An evaluation with one bad habit, named by keyword: what the mistakes below share."""
    was_training = network.training
    if not habits.get("mode_untouched"):
        network.eval()
    loss, right, n, batches = 0.0, 0.0, 0, 0
    with torch.set_grad_enabled(bool(habits.get("recorded"))):
        for x, y in loader:
            if habits.get("last_batch"):
                loss, right, n, batches = 0.0, 0.0, 0, 0
            logits = network(x)
            shown = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
            losses = nn.functional.cross_entropy(shown, y, reduction="none")
            hits = (logits.argmax(dim=1) == y).float()
            by_batch = bool(habits.get("by_batch"))
            means = by_batch or habits.get("loss_by_batch") or habits.get("means_over_examples")
            loss += losses.mean().item() if means else losses.sum().item()
            right += hits.mean().item() if by_batch else hits.sum().item()
            n, batches = n + len(y), batches + 1
            if habits.get("first_batch"):
                break
    if habits.get("back_to_training"):
        network.train()
    elif not habits.get("left_in_evaluation"):
        network.train(was_training)
    count = batches if habits.get("by_batch") else n
    count = len(y) if habits.get("last_count") else count
    accuracy = right if habits.get("counted") else right / count
    count = batches if habits.get("loss_by_batch") else count
    loss = loss if habits.get("summed") else loss / count
    if habits.get("tensors"):
        return torch.tensor(loss), torch.tensor(accuracy)
    accuracy = 100 * accuracy if habits.get("percent") else accuracy
    accuracy = 1 - accuracy if habits.get("error_rate") else accuracy
    return (accuracy, loss) if habits.get("swapped") else (loss, accuracy)


def _evaluation_habit(name, **habits):
    """A mistake made of `_evaluated`, its parameters named as the exercise names them."""

    def answer(network, loader):
        return _evaluated(network, loader, **habits)

    answer.__name__ = name
    return answer


evaluate.mistake(
    "You averaged the means of the batches. The last batch is shorter, and its examples count "
    "for too much: weight each batch by its size, or add up sums."
)(_evaluation_habit("mean_of_means", by_batch=True))
evaluate.mistake(
    "The network ran in the mode it came in. Layers such as dropout would go on dropping: call "
    "`network.eval()` first."
)(_evaluation_habit("mode_untouched", mode_untouched=True))
evaluate.mistake(
    "You leave the network in evaluation mode. In the middle of training that would change the "
    "training: remember `network.training` and put it back."
)(_evaluation_habit("left_in_evaluation", left_in_evaluation=True))
evaluate.mistake(
    "You always end in training mode. A network that came in evaluation mode should leave in it: "
    "remember `network.training` and put it back."
)(_evaluation_habit("back_to_training", back_to_training=True))
evaluate.mistake(
    "Autograd recorded your evaluation. The numbers are the same; memory and time are wasted: go "
    "through the batches under `with torch.no_grad():`."
)(_evaluation_habit("gradients_recorded", recorded=True))
evaluate.mistake("Your accuracy is in per cent. It should be a share, from 0 to 1.")(
    _evaluation_habit("percent", percent=True)
)
evaluate.mistake("You counted the right answers and did not divide by the number of examples.")(
    _evaluation_habit("counted", counted=True)
)
evaluate.mistake("You added up the losses and did not divide by the number of examples.")(
    _evaluation_habit("summed_loss", summed=True)
)
evaluate.mistake(
    "You returned the share of wrong answers. The accuracy is the share of right ones."
)(_evaluation_habit("error_rate", error_rate=True))
evaluate.mistake("Only the last batch counts: the sums start again inside the loop.")(
    _evaluation_habit("last_batch_only", last_batch=True)
)
evaluate.mistake("Only the first batch counts: a `return` stands inside the loop.")(
    _evaluation_habit("first_batch_only", first_batch=True)
)
evaluate.mistake("Loss and accuracy have changed places: return (loss, accuracy).")(
    _evaluation_habit("swapped_results", swapped=True)
)
evaluate.mistake(
    "You applied softmax before F.cross_entropy, which contains it already. The accuracy does "
    "not notice, the loss does."
)(_evaluation_habit("softmax_twice", softmax=True))

evaluate.mistake(
    "Your accuracy is right, and your loss is the mean of the batches' means: examples of a short "
    "batch count for too much. Weight each mean by the size of its batch."
)(_evaluation_habit("loss_mean_of_means", loss_by_batch=True))
evaluate.mistake(
    "You added up the means of the batches and divided by the number of examples. Multiply each "
    "mean by the size of its batch first, or add up with `reduction='sum'`."
)(_evaluation_habit("means_over_examples", means_over_examples=True))
evaluate.mistake(
    "You divided by the size of the last batch. Count the examples as you go through the batches."
)(_evaluation_habit("last_count", last_count=True))
evaluate.mistake(
    "The numbers are right and they are tensors. `.item()` makes a Python number of each."
)(_evaluation_habit("tensor_results", tensors=True))


@evaluate.mistake(
    "The parameters no longer require a gradient: training could not go on. `torch.no_grad()` "
    "switches the recording off for the block alone, and leaves the network as it is."
)
def frozen_for_good(network, loader):
    network.requires_grad_(False)
    return _evaluated(network, loader)


evaluate.hint("Three sums in a loop: of the losses, of the right answers, of the examples.")
evaluate.hint(
    "`F.cross_entropy(…, reduction='sum')` adds up; divide by the number of examples at the end."
)
evaluate.hint(
    "Batches of 3 and 1 with means 1.0 and 5.0: the answer is 2.0, not 3.0.",
    when="value",
)
evaluate.hint("Did you divide, and by what?", when="factor")
evaluate.hint("Which comes first, loss or accuracy?", when="order")
evaluate.hint(
    "`was_training = network.training` at the start; `network.train(was_training)` at the end.",
    when="puts the mode back and changes nothing",
)
evaluate.hint(
    "logits has shape (n, classes): `argmax(dim=1)` goes along the classes.", when="error"
)
evaluate.hint("`.item()` turns a tensor with one number into a Python number.", when="type")

# ------------------------------------------------------------------------------ train

# The first use of torch.optim in a process takes seconds, and belongs to the learner's answer here.
train = Exercise("train", minutes=30, difficulty=3, seconds=20.0)


@dataclass(frozen=True)
class Specification:
    """What the chapter's object of the same name holds."""

    widths: tuple[int, ...]
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int


def _specification(draw: Draw, widths: tuple[int, ...] = (2, 6, 3)) -> Specification:
    return Specification(widths, draw.choice([0.1, 0.2]), 4, 2, draw.seed() % 1000)


def _points(draw: Draw, n: int) -> tuple[np.ndarray, np.ndarray]:
    return draw.normal(n, 2), draw.integers(0, 3, n)


def _start(widths: tuple[int, ...], generator: torch.Generator) -> Weights:
    return [
        (torch.randn(a, c, generator=generator) * math.sqrt(2 / a), torch.zeros(c))
        for a, c in pairwise(widths)
    ]


def _full_run(specification, x, y, held_out_x, held_out_y, **habits):
    """The whole run on raw tensors; `habits` are what the mistakes do differently."""
    generator = torch_generator(specification.seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)
    watched = (torch.tensor(held_out_x, dtype=torch.float32), torch.tensor(held_out_y))
    weights = _start(specification.widths, generator)
    if habits.get("default_start"):
        linears = [nn.Linear(a, c) for a, c in pairwise(specification.widths)]
        weights = [(layer.weight.detach().T, layer.bias.detach()) for layer in linears]
    if habits.get("seeded_again"):
        generator = torch_generator(specification.seed)
    watched = (x, y) if habits.get("on_training_points") else watched
    weights, losses, accuracies = _leaves(weights), [], []
    epochs = 1 if habits.get("one_epoch") else specification.epochs
    order = torch.randperm(len(x), generator=generator) if habits.get("one_order") else None
    size = len(x) if habits.get("full_batch") else specification.batch_size
    shuffled = DataLoader(Numbers(len(x)), batch_size=size, shuffle=True, generator=generator)

    def batches():
        if habits.get("own_shuffle"):
            return list(shuffled)
        indices = order if order is not None else torch.randperm(len(x), generator=generator)
        return (torch.arange(len(x)) if habits.get("unshuffled") else indices).split(size)

    rate = 0.3 if habits.get("fixed_rate") else specification.learning_rate
    for _ in range(epochs):
        if habits.get("before_epoch"):
            accuracies.append(_measured(_detached(weights), [watched])[1])
        epoch_losses = []
        for batch in batches():
            loss = _losses(_logits(weights, x[batch]), y[batch]).mean()
            epoch_losses.append(loss.item())
            weights = _step(weights, loss, rate)
        losses += [float(np.mean(epoch_losses))] if habits.get("epoch_means") else epoch_losses
        if habits.get("held_out_order"):
            torch.randperm(len(watched[0]), generator=generator)
        if not habits.get("before_epoch"):
            seen = 0 if habits.get("watches_loss") else 1
            accuracies.append(_measured(_detached(weights), [watched])[seen])
    accuracies = accuracies[-1:] if habits.get("last_accuracy") else accuracies
    network = _sequential(_detached(weights))
    return network.train(bool(habits.get("left_training"))), losses, accuracies


def _detached(weights: Weights) -> Weights:
    return [(W.detach(), b.detach()) for W, b in weights]


def _judge_run(answer, specification: Specification, data: tuple) -> None:
    network, losses, accuracies = answer(specification, *data)
    oracle, expected_losses, expected_accuracies = _full_run(specification, *data)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-4)
    expect(accuracies, "the held-out accuracies").close_to(expected_accuracies, atol=1e-4)
    x = torch.tensor(data[2], dtype=torch.float32)
    with torch.no_grad():
        expect(network(x), "the logits of the trained network").close_to(oracle(x), atol=1e-3)


@train.property("gives the losses, accuracies and network of the specification", trials=2)
def _(answer, draw: Draw) -> None:
    _judge_run(answer, _specification(draw), (*_points(draw, 10), *_points(draw, 8)))


@train.property("follows other widths, from one layer to four", trials=1)
def _(answer, draw: Draw) -> None:
    for widths in ((2, 3), (2, 16, 16, 16, 3)):
        data = (*_points(draw, 6), *_points(draw, 5))
        _judge_run(answer, _specification(draw, widths), data)


@train.property("returns the network in evaluation mode, and plain numbers", trials=1)
def _(answer, draw: Draw) -> None:
    data = (*_points(draw, 6), *_points(draw, 5))
    network, losses, accuracies = answer(_specification(draw), *data)
    expect(int(network.training), "training mode of the returned network (1 or 0)").equals(0)
    for number in (*losses[:2], *accuracies[:2]):
        expect(number, "a recorded number").is_a(float)


def _run_habit(name, **habits):
    """A mistake made of `_full_run`, its parameters named as the exercise names them."""

    def answer(specification, x, y, held_out_x, held_out_y):
        return _full_run(specification, x, y, held_out_x, held_out_y, **habits)

    answer.__name__ = name
    return answer


train.mistake(
    "The network starts from torch's own numbers. Copy the weights of `initial_network` into it "
    "before training."
)(_run_habit("default_start", default_start=True))
train.mistake(
    "The order of the batches starts from the seed again. There is one generator: it gives the "
    "weights first and then, moved on, the order."
)(_run_habit("seeded_again", seeded_again=True))
train.mistake(
    "You do not shuffle. The loader of `make_loader` does, from the generator you hand it."
)(_run_habit("unshuffled", unshuffled=True))
train.mistake("Every epoch has the same order. Each takes a new randperm from the generator.")(
    _run_habit("one_order", one_order=True)
)
train.mistake(
    "You measured the accuracy on the training points. The held-out points are there to show "
    "what was understood and not learned by heart."
)(_run_habit("on_training_points", on_training_points=True))
train.mistake(
    "You evaluated before each epoch. Evaluate after it, so that the last value is the result."
)(_run_habit("evaluated_too_early", before_epoch=True))
train.mistake("You recorded one accuracy in all. Record one after every epoch.")(
    _run_habit("last_accuracy_only", last_accuracy=True)
)
train.mistake("You recorded the mean loss of each epoch. Record one loss for every step.")(
    _run_habit("epoch_means", epoch_means=True)
)
train.mistake("You stop after one epoch. Go on for `specification.epochs`.")(
    _run_habit("one_epoch", one_epoch=True)
)
train.mistake("Your batches hold everything. Use `specification.batch_size`.")(
    _run_habit("full_batch", full_batch=True)
)
train.mistake("You did not use the learning rate of the specification.")(
    _run_habit("rate_ignored", fixed_rate=True)
)
train.mistake(
    "The network comes back in training mode. Whoever gets it will want to use it: call "
    "`network.eval()`."
)(_run_habit("left_training", left_training=True))
train.mistake(
    "You let a DataLoader shuffle the training points. Its order is not that of torch.randperm: "
    "use `make_loader`."
)(_run_habit("own_shuffle", own_shuffle=True))
train.mistake(
    "The held-out loader takes its order from the generator too, so that from the second epoch on "
    "the training points come in another order. The held-out points need no shuffling: a plain "
    "`DataLoader`."
)(_run_habit("held_out_order", held_out_order=True))
train.mistake(
    "Your accuracies are held-out losses. `evaluate` returns (loss, accuracy): take the second."
)(_run_habit("watches_loss", watches_loss=True))


def _optimised(make_optimiser):
    """A mistake that runs the specification with another rule than plain SGD."""

    def answer(specification, x, y, held_out_x, held_out_y):
        generator = torch_generator(specification.seed)
        network = _sequential(_start(specification.widths, generator))
        optimiser = make_optimiser(network.parameters(), specification.learning_rate)
        points = _Points(x, y)
        watched = [(torch.tensor(held_out_x, dtype=torch.float32), torch.tensor(held_out_y))]
        losses, accuracies = [], []
        for _ in range(specification.epochs):
            order = torch.randperm(len(points), generator=generator)
            batches = [(points.x[b], points.y[b]) for b in order.split(specification.batch_size)]
            losses += _epoch_with(network, batches, optimiser)
            accuracies.append(_evaluated(network, watched)[1])
        return network.eval(), losses, accuracies

    return answer


@train.mistake("Your optimiser has momentum. The specification asks for plain SGD.")
def momentum(specification, x, y, held_out_x, held_out_y):
    run = _optimised(lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9))
    return run(specification, x, y, held_out_x, held_out_y)


@train.mistake(
    "Your optimiser is Adam, which rung 8 is about. The specification asks for plain SGD."
)
def adam(specification, x, y, held_out_x, held_out_y):
    return _optimised(torch.optim.Adam)(specification, x, y, held_out_x, held_out_y)


train.hint(
    "Set up five things in order: generator, network, its weights, optimiser, loader. Then loop."
)
train.hint("An epoch is `train_epoch` and then `evaluate` on a loader of the held-out points.")
train.hint("`losses += train_epoch(…)` joins lists; `evaluate(…)[1]` is the accuracy.")
train.hint(
    "Is the very first loss right? It depends on the initial weights and the first batch only.",
    when="value",
)
train.hint("How many steps do 2 epochs of 10 points take in batches of 4? Six.", when="length")
train.hint("One generator, made once: weights first, then orders.", when="order")
train.hint("The order: the accuracy after epoch k belongs at place k − 1.", when="shift")
for _size in (")", ", batch_size=257)", ", batch_size=255)"):
    train.equivalent(
        "`held_out = DataLoader(Points(held_out_x, held_out_y), batch_size=256)` → "
        f"`held_out = DataLoader(Points(held_out_x, held_out_y){_size}`",
        because="an average over examples does not depend on how they are cut into batches",
    )
