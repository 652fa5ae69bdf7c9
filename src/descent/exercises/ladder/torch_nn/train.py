"""How `train` is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import (
    Numbers,
    RightPoints,
    Weights,
    descent_step,
    epoch_with,
    evaluated,
    leaves,
    logits_of,
    loss_of_each,
    measured,
    sequential,
)

# The first use of torch.optim in a process takes seconds, and belongs to the learner's answer here.
train = Exercise(
    "train",
    minutes=30,
    difficulty=3,
    seconds=20.0,
    returns=tuple[nn.Module, list[float], list[float]],
)


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
    weights, losses, accuracies = leaves(weights), [], []
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
            accuracies.append(measured(_detached(weights), [watched])[1])
        epoch_losses = []
        for batch in batches():
            loss = loss_of_each(logits_of(weights, x[batch]), y[batch]).mean()
            epoch_losses.append(loss.item())
            weights = descent_step(weights, loss, rate)
        losses += [float(np.mean(epoch_losses))] if habits.get("epoch_means") else epoch_losses
        if habits.get("held_out_order"):
            torch.randperm(len(watched[0]), generator=generator)
        if not habits.get("before_epoch"):
            seen = 0 if habits.get("watches_loss") else 1
            accuracies.append(measured(_detached(weights), [watched])[seen])
    accuracies = accuracies[-1:] if habits.get("last_accuracy") else accuracies
    network = sequential(_detached(weights))
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


@train.property("starts from the weights that the seed gives", trials=1)
def _(answer, draw: Draw) -> None:
    for seed in (draw.seed() % 1000, draw.seed() % 1000):
        specification = Specification((2, 5, 3), 0.0, 4, 1, seed)
        network, _, _ = answer(specification, *_points(draw, 6), *_points(draw, 5))
        start = _start(specification.widths, torch_generator(seed))
        own = {tuple(p.shape): p.detach() for p in network.parameters()}
        near = [
            shape in own and bool(torch.allclose(own[shape], W.T, atol=1e-5))
            for shape, (W, _) in zip(((5, 2), (3, 5)), start, strict=True)
        ]
        expect(all(near), "its weights at a learning rate of 0").is_true(
            otherwise="At a learning rate of 0 nothing moves, and the network does not hold what "
            "`initial_network` draws from the seed. Are those weights copied into it, and is the "
            "learning rate the specification's?"
        )


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
        network = sequential(_start(specification.widths, generator))
        optimiser = make_optimiser(network.parameters(), specification.learning_rate)
        points = RightPoints(x, y)
        watched = [(torch.tensor(held_out_x, dtype=torch.float32), torch.tensor(held_out_y))]
        losses, accuracies = [], []
        for _ in range(specification.epochs):
            order = torch.randperm(len(points), generator=generator)
            batches = [(points.x[b], points.y[b]) for b in order.split(specification.batch_size)]
            losses += epoch_with(network, batches, optimiser)
            accuracies.append(evaluated(network, watched)[1])
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
