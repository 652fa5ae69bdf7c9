"""How `forward` is judged."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_network, expect_parameters, module

forward = Exercise("forward", minutes=12, difficulty=2, changes=("network",), returns=Tensor)


@forward.property("gives x @ W + b for a network of one layer", trials=4)
def _(answer, draw: Draw) -> None:
    network, x = drawn_network(draw, [3, 2]), normals(draw, draw.size, 3)
    expected = module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("bends after every layer but the last", trials=4)
def _(answer, draw: Draw) -> None:
    network, x = drawn_network(draw, [2, 5, 4, 3]), normals(draw, draw.size + 1, 2)
    expected = module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("works for a batch of one, and for many layers", trials=2)
def _(answer, draw: Draw) -> None:
    network, x = drawn_network(draw, [2, 4, 4, 4, 4, 2]), normals(draw, 1, 2)
    expected = module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("leaves the network as it was", trials=1)
def _(answer, draw: Draw) -> None:
    network, x = drawn_network(draw, [2, 3, 2]), normals(draw, 4, 2)
    before = copy.deepcopy(network)
    answer(network, x)
    expect(len(network), "the number of layers afterwards").equals(2)
    for number, (now, then) in enumerate(zip(network, before, strict=False), start=1):
        expect(now[0], f"W{number} afterwards").close_to(then[0])
        expect(now[1], f"b{number} afterwards").close_to(then[1])


@forward.property("lets the gradient reach every parameter", trials=2)
def _(answer, draw: Draw) -> None:
    network, x = drawn_network(draw, [2, 5, 4, 3]), normals(draw, 6, 2)
    upstream, oracle, layers = normals(draw, 6, 3), module(network), list(network)
    logits = answer(network, x)
    if not getattr(logits, "requires_grad", False):
        expect(False, "the logits").is_true(
            otherwise="They do not require a gradient: backward() cannot reach the parameters."
        )
        return
    (logits * upstream).sum().backward()
    (oracle(x) * upstream).sum().backward()
    expect_parameters(layers, oracle, gradients=True)


@forward.mistake(
    "You put ReLU after the last layer too. Its output is the logits, and a logit must be free "
    "to be negative."
)
def relu_after_last(network, x):
    for W, b in network:
        x = (x @ W + b).clamp(min=0)
    return x


@forward.mistake(
    "There is no ReLU between your layers. A product of matrices is a matrix: the whole network is "
    "one linear layer."
)
def no_relu(network, x):
    for W, b in network:
        x = x @ W + b
    return x


@forward.mistake("You left out the biases. A layer is h @ W + b.")
def no_bias(network, x):
    for W, _b in network[:-1]:
        x = (x @ W).clamp(min=0)
    return x @ network[-1][0]


@forward.mistake(
    "You applied ReLU before each layer, so that it hits the input x as well and drops its "
    "negative coordinates. It comes after a layer."
)
def relu_on_input(network, x):
    for W, b in network:
        x = x.clamp(min=0) @ W + b
    return x


@forward.mistake(
    "You applied softmax at the end. The logits go out as they are; the cross-entropy does the "
    "rest."
)
def softmax_at_end(network, x):
    return torch.softmax(module(network)(x), dim=1)


@forward.mistake(
    "You added b after ReLU. The shift comes first, inside: ReLU(h @ W + b). It decides where the "
    "bend is."
)
def bias_after_relu(network, x):
    for W, b in network[:-1]:
        x = (x @ W).clamp(min=0) + b
    return x @ network[-1][0] + network[-1][1]


@forward.mistake("Only your first layer has a ReLU. Every layer but the last has one.")
def relu_once(network, x):
    for number, (W, b) in enumerate(network):
        x = x @ W + b
        x = x.clamp(min=0) if number == 0 and len(network) > 1 else x
    return x


@forward.mistake(
    "You put ReLU after the first two layers, however many there are. Every layer but the last has "
    "one: the number of layers decides where the last is."
)
def relu_after_first_two(network, x):
    for number, (W, b) in enumerate(network):
        x = x @ W + b
        x = x.clamp(min=0) if number < 2 else x
    return x


@forward.mistake("You stopped before the last layer: it too is applied, without ReLU.")
def last_layer_missing(network, x):
    for W, b in network[:-1]:
        x = (x @ W + b).clamp(min=0)
    return x


@forward.mistake("You took tanh (or a relative) for the bend. This page uses ReLU.")
def tanh(network, x):
    for W, b in network[:-1]:
        x = torch.tanh(x @ W + b)
    return x @ network[-1][0] + network[-1][1]


@forward.mistake(
    "Every layer of yours starts from x again, so that only the last counts. Hand each layer the "
    "output of the one before."
)
def starts_again_from_x(network, x):
    for W, b in network:
        output = x @ W + b
    return output


@forward.mistake(
    "You ran the network where autograd does not look (`no_grad`, `.detach()` or `.data`), so "
    "that no gradient can reach its parameters."
)
def without_gradient(network, x):
    with torch.no_grad():
        return module(network)(x)


@forward.mistake(
    "You used W transposed. W has shape (n_in, n_out) here, so that x @ W fits as it is."
)
def transposed_weights(network, x):
    for W, b in network:
        x = x @ W.T + b
    return x


@forward.mistake(
    "You took the last layer out of the network: `pop` changes the list you were given. Read it "
    "with `network[-1]`."
)
def popped(network, x):
    W_last, b_last = network.pop()
    for W, b in network:
        x = (x @ W + b).clamp(min=0)
    return x @ W_last + b_last


@forward.mistake(
    "The last layer gets its gradient and those before it none: the hidden layers ran under "
    "`no_grad`, or their output was detached."
)
def hidden_layers_detached(network, x):
    with torch.no_grad():
        for W, b in network[:-1]:
            x = (x @ W + b).clamp(min=0)
    return x @ network[-1][0] + network[-1][1]


@forward.mistake(
    "You returned inside the loop, after the first layer. The last layer comes after the loop."
)
def returned_in_the_loop(network, x):
    for W, b in network[:-1]:
        return (x @ W + b).clamp(min=0) @ network[-1][0] + network[-1][1]


forward.hint(
    "One name, `hidden`, goes through the layers: it starts as x, and each layer replaces it."
)
forward.hint("A loop over `network[:-1]` with ReLU, then `network[-1]` without.")
forward.hint(
    "Do the paper example: x = [1, 2] gives [3, −1], then [3, 0], then [3, 1].",
    when="value",
)
forward.hint(
    "Print the shapes: (n, n_in) @ (n_in, n_out) + (n_out,). Which does not fit?",
    when="error",
)
forward.hint("Did every layer take part, the last one included?", when="shape")
forward.hint(
    "What does a network of one layer have between its layers? Nothing: no ReLU.",
    when="gives x @ W + b for a network of one layer",
)
