"""How `sgd_step` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Network, drawn_network, expect_parameters, module, parameters_of, step

sgd_step = Exercise("sgd_step", minutes=10, difficulty=2, changes=("network",))


def _with_gradients(draw: Draw, network: Network, rate: float) -> list[np.ndarray]:
    """Put random gradients on a network; return where a step takes each parameter."""
    expected = []
    for parameter in parameters_of(network):
        slope = normals(draw, *parameter.shape)
        parameter.grad = slope
        expected.append(np.add(parameter.detach().numpy(), -rate * slope.numpy()))
    return expected


def _expect_moved(network: Network, expected: list[np.ndarray]) -> None:
    pairs = zip(parameters_of(network), expected, strict=True)
    for number, (parameter, wanted) in enumerate(pairs):
        expect(parameter, f"{'Wb'[number % 2]}{number // 2 + 1}").close_to(wanted, atol=1e-5)


@sgd_step.property("moves every parameter against its gradient", trials=3)
def _(answer, draw: Draw) -> None:
    network = drawn_network(draw, [2, 3] if draw.size == 1 else [2, 3, 2])
    rate = draw.uniform(0.05, 0.5)
    expected = _with_gradients(draw, network, rate)
    answer(network, rate)
    _expect_moved(network, expected)


def _expect_cleared(answer, draw: Draw, rate: float) -> None:
    network = drawn_network(draw, [2, 3, 2])
    expected = _with_gradients(draw, network, rate)
    answer(network, rate)
    left = [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in parameters_of(network)]
    expect(left, "the gradients left in W1, b1, W2, b2, by size").close_to(np.zeros(4), atol=1e-6)
    _expect_moved(network, expected)


@sgd_step.property("clears every gradient", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_cleared(answer, draw, rate=0.1)


@sgd_step.property("with a learning rate of 0, moves nothing and clears all the same", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_cleared(answer, draw, rate=0.0)


@sgd_step.property("keeps the tensors themselves, as leaves that require a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    network = drawn_network(draw, [2, 3, 2])
    _with_gradients(draw, network, 0.1)
    before = parameters_of(network)
    answer(network, 0.1)
    after = parameters_of(network)
    kept = [first is second for first, second in zip(before, after, strict=True)]
    expect(sum(kept), "how many of the four tensors are the same object").equals(4)
    ready = [tensor.requires_grad and tensor.is_leaf for tensor in after]
    expect(sum(ready), "how many are leaves that require a gradient").equals(4)


@sgd_step.property("takes two steps in a row with two gradients", trials=2)
def _(answer, draw: Draw) -> None:
    network, x, upstream = (
        drawn_network(draw, [2, 3, 2]),
        normals(draw, 4, 2),
        normals(draw, 4, 2),
    )
    oracle = module(network)
    for _ in range(2):
        if not all(p.requires_grad and p.is_leaf for p in parameters_of(network)):
            return
        W, b = network[0]
        hidden = (x @ W + b).clamp(min=0) @ network[1][0] + network[1][1]
        (hidden * upstream).sum().backward()
        answer(network, 0.1)
        step(oracle, (oracle(x) * upstream).sum(), 0.1)
    expect_parameters(network, oracle)


@sgd_step.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter += learning_rate * parameter.grad
            parameter.grad = None


@sgd_step.mistake("You moved the weights and left the biases where they were. Both learn.")
def only_weights_moved(network, learning_rate):
    with torch.no_grad():
        for W, b in network:
            W -= learning_rate * W.grad
            W.grad = b.grad = None


@sgd_step.mistake(
    "You did not clear the gradients. backward() adds to what is there, so the next step would "
    "carry this one along."
)
def not_cleared(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter -= learning_rate * parameter.grad


@sgd_step.mistake(
    "Nothing in the network moved, though the gradients are cleared. Did you clear them before you "
    "used them? Step first. Or is it `W = W - …`, which makes a new tensor under the local name W? "
    "Write into the one that is there: `W -= …`."
)
def cleared_first(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter.grad.zero_()
            parameter -= learning_rate * parameter.grad


@sgd_step.mistake(
    "You cleared the gradients of the weights only. Those of the biases would pile up."
)
def biases_not_cleared(network, learning_rate):
    with torch.no_grad():
        for W, b in network:
            W -= learning_rate * W.grad
            b -= learning_rate * b.grad
            W.grad = None


@sgd_step.mistake(
    "Nothing in the network moved, and its gradients are still there. `W = W - …` makes a new "
    "tensor and gives it the name W inside this function; the network keeps the old one. Write "
    "into the tensor: `W -= …`."
)
def rebound_names(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            moved = parameter - learning_rate * parameter.grad
            moved.grad = None


@sgd_step.mistake(
    "You put new tensors into the list. They hold the right numbers, but they require no gradient, "
    "and whoever else holds the old ones does not see the step. Write into the tensors: `W -= …`."
)
def replaced_tensors(network, learning_rate):
    with torch.no_grad():
        for place, (W, b) in enumerate(network):
            network[place] = (W - learning_rate * W.grad, b - learning_rate * b.grad)


@sgd_step.mistake(
    "torch refuses to change a leaf in place while autograd is recording. The step is no part of "
    "the function you differentiate: put it under `with torch.no_grad():`."
)
def inside_the_graph(network, learning_rate):
    for parameter in parameters_of(network):
        parameter -= learning_rate * parameter.grad
        parameter.grad = None


@sgd_step.mistake(
    "Your step has a fixed length. Multiply the gradient by the learning rate you were given."
)
def fixed_rate(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter -= parameter.grad
            parameter.grad = None


@sgd_step.mistake(
    "You replaced the parameters by the step. A step is subtracted from where the parameter was."
)
def step_instead(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter.copy_(-learning_rate * parameter.grad)
            parameter.grad = None


@sgd_step.mistake("Only the last layer moved. The loop runs over all layers.")
def last_layer_only(network, learning_rate):
    with torch.no_grad():
        for parameter in network[-1]:
            parameter -= learning_rate * parameter.grad
        for parameter in parameters_of(network):
            parameter.grad = None


@sgd_step.mistake(
    "You put new leaves into the list. Whoever else holds the old tensors does not see the step. "
    "Write into the tensors that are there: `W -= …`."
)
def replaced_leaves(network, learning_rate):
    for place, layer in enumerate(network):
        moved = [p.detach() - learning_rate * p.grad for p in layer]
        network[place] = tuple(p.requires_grad_() for p in moved)


@sgd_step.mistake(
    "With a learning rate of 0 you returned before the gradients were cleared. Nothing moves then, "
    "but the clearing is done all the same."
)
def returned_at_rate_zero(network, learning_rate):
    if learning_rate:
        with torch.no_grad():
            for parameter in parameters_of(network):
                parameter -= learning_rate * parameter.grad
                parameter.grad = None


@sgd_step.mistake(
    "Only the last layer's gradients are cleared: the clearing has slipped out of the loop."
)
def last_layer_cleared(network, learning_rate):
    with torch.no_grad():
        for parameter in parameters_of(network):
            parameter -= learning_rate * parameter.grad
    for parameter in network[-1]:
        parameter.grad = None


sgd_step.hint(
    "Two loops: over the layers, and inside over W and b. Each gets a step, then a clearing."
)
sgd_step.hint("`parameter -= learning_rate * parameter.grad` under `with torch.no_grad():`.")
sgd_step.hint("Did W and b both move, and in every layer?", when="value")
sgd_step.hint("Downhill is against the gradient.", when="sign")
sgd_step.hint(
    "Read the last line of the error: what does torch refuse, and outside which block?",
    when="error",
)
sgd_step.hint(
    "`parameter.grad = None` or `parameter.grad.zero_()`, after the step.",
    when="clears every gradient",
)


sgd_step.equivalent(
    "`for parameter in (W, b):` → `for parameter in (b, W):`",
    because="the two tensors are moved independently, so their order does not matter",
)
