"""How `train` is judged."""

from __future__ import annotations

import copy

import torch
from torch import nn

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import Network, drawn_network, expect_parameters, he, module, parameters_of, step

train = Exercise(
    "train", minutes=30, difficulty=3, changes=("network", "generator"), returns=list[float]
)


def _trained(network, x, y, learning_rate, batch_size, epochs, generator) -> tuple[nn.Module, list]:
    """The same training with torch's own network, loss and optimiser."""
    oracle, losses = module(network), []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss = nn.functional.cross_entropy(oracle(x[batch]), y[batch])
            losses.append(loss.item())
            step(oracle, loss, learning_rate)
    return oracle, losses


def _problem(draw: Draw, n: int) -> tuple[Network, torch.Tensor, torch.Tensor]:
    y = torch.tensor(draw.integers(0, 3, n))
    return drawn_network(draw, [2, 6, 3]), normals(draw, n, 2), y


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, draw.size)
    settings = (draw.uniform(0.02, 0.1), draw.size, draw.integers(2, 4))
    seed = draw.seed()
    oracle, expected = _trained(network, x, y, *settings, torch_generator(seed))
    losses = answer(network, x, y, *settings, torch_generator(seed))
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    expect_parameters(network, oracle)


@train.property("goes through minibatches in the order of torch.randperm", trials=2)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, 7)
    settings = (draw.uniform(0.02, 0.1), 3, 2)
    seed = draw.seed()
    oracle, expected = _trained(network, x, y, *settings, torch_generator(seed))
    losses = answer(network, x, y, *settings, torch_generator(seed))
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    expect_parameters(network, oracle)


@train.property("takes a batch size beyond the number of examples, and a rate of 0", trials=2)
def _(answer, draw: Draw) -> None:
    for rate in (0.0, 0.05):
        network, x, y = _problem(draw, 4)
        seed = draw.seed()
        oracle, expected = _trained(network, x, y, rate, 6, 2, torch_generator(seed))
        losses = answer(network, x, y, rate, 6, 2, torch_generator(seed))
        expect(losses, f"the losses at a rate of {rate:g}").close_to(expected, atol=1e-4)
        expect_parameters(network, oracle)


@train.property("records plain Python numbers", trials=1)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, 4)
    losses = answer(network, x, y, 0.05, 2, 1, torch_generator(draw.seed()))
    for loss in losses:
        expect(loss, "a recorded loss").is_a(float)


@train.property("learns the exclusive or, which no straight line divides", trials=1)
def _(answer, draw: Draw) -> None:
    x = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    generator = torch_generator(draw.seed())
    network = [he(2, 32, generator), he(32, 2, generator)]
    losses = answer(network, x, y, 0.3, 4, 100, generator)
    expect(losses[-1], "the last loss").is_below(0.1)


def _mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits, labels)


def _loop(network, x, y, learning_rate, batch_size, epochs, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, losses, parameters = len(x), [], parameters_of(network)
    order = torch.arange(n)
    for epoch in range(epochs):
        if habits.get("global_order"):
            order = torch.randperm(n)
        elif not habits.get("unshuffled") and not (epoch and habits.get("shuffles_once")):
            order = torch.randperm(n, generator=generator)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order if habits.get("full_batch") else order[start : start + batch_size]
            labels = y[start : start + batch_size] if habits.get("labels_stay") else y[batch]
            logits = _through(network, x[batch])
            logits = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
            loss = _mean_loss(logits, labels)
            loss = loss * len(batch) if habits.get("summed") else loss
            losses.append(loss if habits.get("tensors") else loss.item())
            (-loss if habits.get("climbs") else loss).backward()
            rate = 0.1 if habits.get("fixed_rate") else learning_rate
            with torch.no_grad():
                for place, parameter in enumerate(parameters):
                    if place >= len(parameters) - 2 or not habits.get("last_layer"):
                        parameter -= rate * parameter.grad
                    if not habits.get("accumulates"):
                        parameter.grad = None
            if habits.get("loss_after"):
                losses[-1] = _mean_loss(_through(network, x[batch]), labels).item()
    return losses


def _with_habit(name, **habits):
    """A mistake made of `_loop`. Its parameters are named, so that `changes` applies to them."""

    def answer(network, x, y, learning_rate, batch_size, epochs, generator):
        return _loop(network, x, y, learning_rate, batch_size, epochs, generator, **habits)

    answer.__name__ = name
    return answer


def _through(network: Network, x: torch.Tensor) -> torch.Tensor:
    for W, b in network[:-1]:
        x = (x @ W + b).clamp(min=0)
    return x @ network[-1][0] + network[-1][1]


train.mistake(
    "The gradients are never cleared: each step carries all earlier ones along. `sgd_step` clears "
    "them; whoever steps by hand must do it too."
)(_with_habit("accumulating", accumulates=True))


train.mistake(
    "You applied softmax before the cross-entropy, which contains it already. The loss then sees "
    "probabilities for logits, and its gradients are far too small."
)(_with_habit("softmax_twice", softmax=True))


train.mistake(
    "You shuffled x and not y: the labels belong to other points. Index both with the same batch."
)(_with_habit("labels_left_behind", labels_stay=True))


train.mistake(
    "You never shuffled. Every epoch goes through the examples in the order of "
    "`torch.randperm(n, generator=generator)`."
)(_with_habit("never_shuffled", unshuffled=True))


train.mistake(
    "You shuffled once, before the first epoch. Draw a new order at the start of each epoch."
)(_with_habit("shuffled_once", shuffles_once=True))


train.mistake(
    "You drew the order from torch's global generator. Hand on the one you were given: "
    "`torch.randperm(n, generator=generator)`."
)(_with_habit("global_order", global_order=True))


train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")(
    _with_habit("dropped_last_batch", drops_rest=True)
)


train.mistake(
    "Your steps use all the examples, not the minibatch: pick out x[batch] and y[batch] first."
)(_with_habit("full_batch", full_batch=True))


train.mistake(
    "You recorded each loss after its step. Record the one the gradient was computed from."
)(_with_habit("loss_after_step", loss_after=True))


train.mistake(
    "Your loss is a sum over the batch. It is a mean, so that η does not depend on its size."
)(_with_habit("summed_loss", summed=True))


train.mistake("Your loss climbs: the steps go along the gradient, not against it.")(
    _with_habit("climbing_loss", climbs=True)
)


train.mistake("Only the last layer is trained. Every W and every b takes a step.")(
    _with_habit("last_layer_trained", last_layer=True)
)


train.mistake("Your steps do not depend on the learning rate you were given.")(
    _with_habit("rate_ignored", fixed_rate=True)
)


train.mistake(
    "You recorded tensors. Each of them keeps its whole graph alive, so memory grows with every "
    "step: record `loss.item()`."
)(_with_habit("recorded_tensors", tensors=True))


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: as many as there were minibatches."
)
def one_loss_an_epoch(network, x, y, learning_rate, batch_size, epochs, generator):
    losses = _loop(network, x, y, learning_rate, batch_size, epochs, generator)
    per_epoch = -(-len(x) // batch_size)
    return losses[per_epoch - 1 :: per_epoch]


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(network, x, y, learning_rate, batch_size, epochs, generator):
    return _loop(network, x, y, learning_rate, batch_size, 1, generator)


@train.mistake(
    "The losses are right and the network did not change: you trained a copy. Step on the "
    "tensors of the network you were given."
)
def trained_a_copy(network, x, y, learning_rate, batch_size, epochs, generator):
    twin = copy.deepcopy(network)
    return _loop(twin, x, y, learning_rate, batch_size, epochs, generator)


@train.mistake(
    "Nothing moves: every loss is that of the initial network. Is there a step after backward()?"
)
def no_step(network, x, y, learning_rate, batch_size, epochs, generator):
    return _loop(network, x, y, 0.0, batch_size, epochs, generator)


@train.mistake("You returned the network as well. It is changed in place: return the losses alone.")
def network_too(network, x, y, learning_rate, batch_size, epochs, generator):
    losses = _loop(network, x, y, learning_rate, batch_size, epochs, generator)
    return network, losses


train.hint("Write the two loops first: over epochs, and inside over pieces of the shuffled order.")
train.hint(
    "Inside: forward, cross_entropy, record `loss.item()`, backward, sgd_step. All of them exist."
)
train.hint("`order.split(batch_size)` cuts a tensor into pieces; the last may be shorter.")
train.hint("How many steps do 2 epochs of 7 examples take with batch_size 3? Six.", when="length")
train.hint("The first loss is that of the untouched network on the first minibatch.", when="shift")
train.hint(
    "One randperm at the start of each epoch, from the given generator; x and y by the same "
    "indices.",
    when="goes through minibatches in the order of torch.randperm",
)
train.hint(
    "Compare the first two losses. Is the first right and the second not? Then look at the step.",
    when="value",
)
train.hint("`loss.item()` is a Python number.", when="type")
