"""How `train` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, normals_of

train = Exercise(
    "train",
    minutes=30,
    difficulty=3,
    changes=("generator",),
    returns=tuple[Tensor, Tensor, list[float]],
)


def _descend(x, labels, classes, learning_rate, batch_size, epochs, seed):
    """The specified run in float64, with torch's own cross-entropy and autograd.

    Returns
    -------
    W, b, losses : arrays of shape (d, k), (k,) and (steps,)
    """
    generator = torch_generator(seed)
    W = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss = F.cross_entropy(F.linear(x[batch].double(), W.T, b), labels[batch])
            dW, db = torch.autograd.grad(loss, (W, b))
            with torch.no_grad():
                W -= learning_rate * dW
                b -= learning_rate * db
            losses.append(loss.item())
    return W.detach().numpy(), b.detach().numpy(), np.array(losses)


def _expect_run(answer, x, labels, classes, rate, batch_size, epochs, seed) -> None:
    W, b, losses = answer(x, labels, classes, rate, batch_size, epochs, torch_generator(seed))
    W0, b0, losses0 = _descend(x, labels, classes, rate, batch_size, epochs, seed)
    _expect_even_odds_first(losses, classes)
    expect(losses, "the losses").close_to(losses0, atol=1e-4)
    expect(W, "W").close_to(W0, atol=1e-4)
    expect(b, "b").close_to(b0, atol=1e-4)


def _expect_even_odds_first(losses, classes: int) -> None:
    """Said in words, since no two random starts give the same numbers."""
    try:
        first = float(_numbers(losses)[0])
    except (TypeError, ValueError, IndexError, RuntimeError):
        return
    expect(abs(first - math.log(classes)) < 1e-4, "the first loss is ln k").is_true(
        otherwise=f"The first loss is {first:.4g}, and ln {classes} = {math.log(classes):.4g} is "
        "right: W and b start at 0, not at random numbers, and all classes are then equally "
        "probable."
    )


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n, d, k = draw.size, draw.integers(1, 4), draw.integers(2, 5)
    x, labels = normals_of(draw, n, d), drawn_labels(draw, n, k)
    rate, epochs = draw.uniform(0.1, 0.5), draw.integers(1, 5)
    _expect_run(answer, x, labels, k, rate, n, epochs, draw.seed())


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    x, labels = normals_of(draw, 7, 2), drawn_labels(draw, 7, 3)
    rate, epochs = draw.uniform(0.1, 0.5), draw.integers(2, 4)
    _expect_run(answer, x, labels, 3, rate, 3, epochs, draw.seed())


@train.property("has a column for a class that no label names, and allows a large batch size")
def _(answer, draw: Draw) -> None:
    x, labels = normals_of(draw, 4, 2), drawn_labels(draw, 4, 2)
    _expect_run(answer, x, labels, 4, draw.uniform(0.1, 0.5), 10, 2, draw.seed())


@train.property("starts at ln k, and stays there with a learning rate of 0")
def _(answer, draw: Draw) -> None:
    x, labels = normals_of(draw, 5, 2), drawn_labels(draw, 5, 3)
    W, b, losses = answer(x, labels, 3, 0.0, 2, 2, torch_generator(draw.seed()))
    expect(losses, "the losses").close_to(np.full(6, math.log(3)), atol=1e-4)
    expect(W, "W").close_to(np.zeros((2, 3)))
    expect(b, "b").close_to(np.zeros(3))


@train.property("takes its order from the generator it was given")
def _(answer, draw: Draw) -> None:
    x, labels = normals_of(draw, 6, 2), drawn_labels(draw, 6, 3)
    _expect_run(answer, x, labels, 3, 0.5, 1, 2, draw.seed())


@train.property("survives inputs that are not scaled")
def _(answer, draw: Draw) -> None:
    # Every point comes twice, with two labels: one of them must be found very improbable.
    x = normals_of(draw, 3, 2, scale=100.0).round().repeat(2, 1)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    W, b, losses = answer(x, labels, 3, 0.5, 6, 3, torch_generator(draw.seed()))
    for name, value in (("W", W), ("b", b), ("losses", losses)):
        finite = bool(np.isfinite(np.asarray(_numbers(value))).all())
        expect(finite, f"{name} finite").is_true(
            otherwise=f"{name} has NaN or infinity in it when the inputs are in the hundreds"
        )


@train.property("records numbers, without a history")
def _(answer, draw: Draw) -> None:
    x, labels = normals_of(draw, 4, 2), drawn_labels(draw, 4, 3)
    losses = answer(x, labels, 3, 0.1, 2, 1, torch_generator(draw.seed()))[2]
    parts = losses if isinstance(losses, list | tuple) else [losses]
    heavy = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
    expect(not heavy, "the losses are plain").is_true(
        otherwise="the losses are tensors that still hold all the operations they came from"
    )


def _numbers(value) -> np.ndarray:
    parts = value if isinstance(value, list | tuple) else [value]
    return np.concatenate([np.ravel(torch.as_tensor(part).detach().numpy()) for part in parts])


def _loop(x, labels, classes, learning_rate, batch_size, epochs, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, (W, b), losses = len(x), _start(x, classes, habits), []
    order, last = torch.arange(n), (torch.zeros(()), torch.zeros(()))
    if habits.get("own_generator"):
        generator = torch_generator(0)
    for epoch in range(epochs):
        if habits.get("restarts"):
            W, b = _start(x, classes, habits)
        if not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            order = _order(n, generator, habits)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order[start : start + batch_size]
            batch = torch.arange(n) if habits.get("full_batch") else batch
            named = torch.arange(n)[start : start + batch_size]
            named = labels[named if habits.get("labels_stay") else batch]
            dW, db = _habitual_slopes(W, b, x[batch], named, batch_size, habits)
            if habits.get("accumulates"):
                last = dW + last[0], db + last[1]
                dW, db = last
            rate = 0.1 if habits.get("fixed_rate") else learning_rate
            rate = -rate if habits.get("climbs") else rate
            measured = (x, labels) if habits.get("full_loss") else (x[batch], named)
            loss = _habitual_loss(W, b, *measured, habits)
            W = W - rate * dW
            if habits.get("bias_late"):
                db = _habitual_slopes(W, b, x[batch], named, batch_size, habits)[1]
            b = b if habits.get("bias_stays") else b - rate * db
            if habits.get("loss_after"):
                loss = _habitual_loss(W, b, x[batch], labels[batch], habits)
            losses.append(loss.item())
    return W, b, losses


def _start(x, classes, habits) -> tuple[Tensor, Tensor]:
    if habits.get("random_start"):
        draws = torch_generator(1)
        return (torch.randn(x.shape[1], classes, generator=draws),
                torch.randn(classes, generator=draws))  # fmt: skip
    return torch.zeros(x.shape[1], classes), torch.zeros(classes)


def _order(n: int, generator: torch.Generator, habits) -> Tensor:
    if habits.get("with_replacement"):
        return torch.randint(n, (n,), generator=generator)
    if habits.get("global_generator"):
        return torch.randperm(n)
    return torch.randperm(n, generator=generator)


def _habitual_loss(W, b, x, labels, habits) -> Tensor:
    if habits.get("naive_loss"):
        return F.nll_loss(torch.softmax(x @ W + b, dim=1).log(), labels)
    if habits.get("overflows"):
        powers = (x @ W + b).exp()
        return F.nll_loss((powers / powers.sum(dim=1, keepdim=True)).log(), labels)
    return F.cross_entropy(
        x @ W + b, labels, reduction="sum" if habits.get("summed_loss") else "mean"
    )


def _habitual_slopes(W, b, x, labels, batch_size, habits) -> tuple[Tensor, Tensor]:
    probabilities = torch.softmax(x @ W + b, dim=1)
    if habits.get("overflows"):
        powers = (x @ W + b).exp()
        probabilities = powers / powers.sum(dim=1, keepdim=True)
    error = probabilities - F.one_hot(labels, W.shape[1])
    count = batch_size if habits.get("fixed_divisor") else len(x)
    error = error / (1 if habits.get("summed") else count)
    return x.T @ error, error.sum(dim=0)


@train.mistake(
    "You recorded each loss after its step. Record it before: the first entry is then ln k, the "
    "loss of a classifier without an opinion."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "You shuffled the points and not their labels, so that each point is taught the label of "
    "another. Take both in the same order: x[batch] and labels[batch]."
)
def labels_stay(*specification):
    return _loop(*specification, labels_stay=True)


@train.mistake(
    "W has moved already when you work out db. Work out both slopes at the old W and b, then take "
    "both steps."
)
def bias_late(*specification):
    return _loop(*specification, bias_late=True)


@train.mistake(
    "You never shuffled: every epoch takes the examples in their original order. Draw "
    "`torch.randperm(n, generator=generator)` at the start of each epoch."
)
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake("You shuffled once, before the first epoch. Draw a new order inside the epoch loop.")
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out x[batch] and labels[batch] first."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "The loss you record is that of all the data. Record that of the minibatch the step was "
    "computed from."
)
def full_loss(*specification):
    return _loop(*specification, full_loss=True)


@train.mistake(
    "The losses you record are sums over the minibatch. They are means: the first is ln k, however "
    "large the batch."
)
def summed_losses(*specification):
    return _loop(*specification, summed_loss=True)


@train.mistake(
    "W and b go back to 0 at the start of every epoch. Set them once, before the epoch loop."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake(
    "In the short last batch you divided by batch_size. A mean divides by the number of examples "
    "that are there."
)
def fixed_divisor(*specification):
    return _loop(*specification, fixed_divisor=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake(
    "Your steps do not depend on the learning rate you were given; 0.1 seems to be written into "
    "the loop."
)
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "You start from random numbers. For this linear model the page starts from W = 0 and b = 0, "
    "so that the first loss is ln k."
)
def random_start(*specification):
    return _loop(*specification, random_start=True)


@train.mistake(
    "Your loss is the logarithm of finished probabilities, some of which are 0 when logits are "
    "large. Use your log_softmax: it never takes the logarithm of 0."
)
def logarithm_of_zero(*specification):
    return _loop(*specification, naive_loss=True)


@train.mistake(
    "Your softmax overflows when the inputs are not scaled, and one NaN spoils every weight. Use "
    "your log_softmax, in the loss and (with `.exp()`) in the gradient."
)
def overflowing_softmax(*specification):
    return _loop(*specification, overflows=True)


@train.mistake(
    "Your losses are tensors that drag all the operations they came from along, and cannot be "
    "plotted. Record `loss.item()`."
)
def losses_with_history(*specification):
    W, b, losses = _loop(*specification)
    return W, b, [torch.tensor(loss, requires_grad=True) for loss in losses]


@train.mistake("b never moves. It takes a step too, with its own gradient db.")
def bias_stays(*specification):
    return _loop(*specification, bias_stays=True)


@train.mistake(
    "Gradients pile up from step to step: backward() adds to what is in `.grad`. Clear it (set it "
    "to None, or zero it) after each step."
)
def accumulated_gradients(*specification):
    return _loop(*specification, accumulates=True)


@train.mistake(
    "You drew the order from torch's global generator. Hand yours over: "
    "`torch.randperm(n, generator=generator)`."
)
def global_generator(*specification):
    return _loop(*specification, global_generator=True)


@train.mistake(
    "You made your own generator with a fixed seed. Use the one you were given, so that the caller "
    "decides."
)
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake(
    "You drew examples with replacement, so that in one epoch some come twice and others never. "
    "`torch.randperm` shuffles."
)
def drawn_with_replacement(*specification):
    return _loop(*specification, with_replacement=True)


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, labels, classes, learning_rate, batch_size, epochs, generator):
    return _loop(x, labels, classes, learning_rate, batch_size, 1, generator)


@train.mistake(
    "You counted the classes from the labels. A class may be missing from them: use `classes`."
)
def classes_counted(x, labels, classes, learning_rate, batch_size, epochs, generator):
    k = int(labels.max()) + 1
    return _loop(x, labels, k, learning_rate, batch_size, epochs, generator)


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: as many as there were minibatches."
)
def one_loss_an_epoch(x, labels, classes, learning_rate, batch_size, epochs, generator):
    W, b, losses = _loop(x, labels, classes, learning_rate, batch_size, epochs, generator)
    per_epoch = -(-len(x) // batch_size)
    return W, b, losses[per_epoch - 1 :: per_epoch]


@train.mistake("You returned the losses first. The order is W, b, losses.")
def losses_first(*specification):
    W, b, losses = _loop(*specification)
    return losses, W, b


train.hint("Write the two loops first, empty: over epochs, and inside it over pieces of an order.")
train.hint("`torch.randperm(n, generator=generator).split(batch_size)` gives the pieces.")
train.hint("Inside: logits, log-softmax, loss; record it; gradient; step. Every part exists.")
train.hint("How many steps does an epoch of 7 examples take with batch_size 3?", when="length")
train.hint("What is the very first loss? At W = 0 it is ln k for every batch.", when="shift")
train.hint("W is (d, classes), b is (classes,). Set them before the first loop.", when="shape")
train.hint("Follow one step by hand from the page's E, with W = 0 and b = 0.", when="value")
train.hint(
    "Does every argument take part: the rate, the batch size, the epochs, the generator?",
    when="ignores argument",
)
train.hint("`loss.item()` is a plain number; a list of those is what is returned.", when="type")
