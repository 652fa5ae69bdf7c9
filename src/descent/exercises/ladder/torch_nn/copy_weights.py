"""How `copy_weights` is judged."""

from __future__ import annotations

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Weights, drawn_weights, leaves, logits_of

copy_weights = Exercise("copy_weights", minutes=8, difficulty=2, changes=("layers", "weights"))


def _layers(weights: Weights) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(*W.shape) for W, _ in weights)


@copy_weights.property("makes a square layer compute x @ W + b", trials=3)
def _(answer, draw: Draw) -> None:
    weights, x = drawn_weights(draw, [2, 2]), normals(draw, draw.size, 2)
    layers = _layers(weights)
    answer(layers, weights)
    expect(layers[0](x), "what the layer gives").close_to(logits_of(weights, x), atol=1e-4)


@copy_weights.property("fills every layer, of any shape", trials=3)
def _(answer, draw: Draw) -> None:
    weights = drawn_weights(draw, [2, 5, 4, 3])
    layers = _layers(weights)
    with torch.no_grad():  # a missing no_grad is judged elsewhere
        answer(layers, weights)
    for number, (layer, (W, b)) in enumerate(zip(layers, weights, strict=True), start=1):
        expect(layer.weight, f"the weight of layer {number}").close_to(W.T, atol=1e-5)
        expect(layer.bias, f"the bias of layer {number}").close_to(b, atol=1e-5)


@copy_weights.property("copies from tensors that require a gradient, without recording it")
def _(answer, draw: Draw) -> None:
    weights = leaves(drawn_weights(draw, [3, 3]))
    layers = _layers(weights)
    answer(layers, weights)
    expect(layers[0].weight, "the weight").close_to(weights[0][0].T, atol=1e-5)
    expect(layers[0].weight.is_leaf, "the weight is a leaf").is_true(
        otherwise="the copying was recorded by autograd"
    )


@copy_weights.property("leaves the weights alone, and shares no memory with them")
def _(answer, draw: Draw) -> None:
    weights = drawn_weights(draw, [3, 3])
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
    weights = drawn_weights(draw, [2, 3, 2])
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


@copy_weights.mistake(
    "You transposed only where the shapes differ. A square W is to be transposed as well, and "
    "there torch cannot warn you: copy W.T always."
)
def transposed_where_it_must(layers, weights):
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight.copy_(W if layer.weight.shape == W.shape else W.T)
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
