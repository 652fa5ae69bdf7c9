"""How `train` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import expect_plain, float64_tensor

train = Exercise(
    "train", minutes=30, difficulty=3, changes=("rng",), returns=tuple[float, float, list[float]]
)


class StepRecorder:
    """An ``on_step`` that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list = []
        self.losses: list = []

    def __call__(self, step, loss) -> None:
        self.steps.append(step)
        self.losses.append(loss)

    def __repr__(self) -> str:
        return "a function that keeps what it is told"


def _loop(x, y, learning_rate, batch_size, epochs, rng, on_step=None, **habits):
    """Rung 1's loop in numpy, gradient by hand; with a keyword, one bad habit of a mistake."""
    kind = np.float32 if habits.get("single") else np.float64
    x, y = x.astype(kind), y.astype(kind)
    n, theta, carried, losses = len(x), np.zeros(2, kind), np.zeros(2, kind), []
    order = np.arange(n)
    for epoch in range(epochs):
        if habits.get("restarts"):
            theta = np.zeros(2, kind)
        order = _order(n, rng, order, first=epoch == 0, **habits)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order if habits.get("full_batch") else order[start : start + batch_size]
            features = np.stack([x[batch], np.ones(len(batch), kind)], axis=1)
            error = features @ theta - y[batch]
            slopes = features.T @ error * kind(2 if habits.get("summed") else 2 / len(batch))
            carried = slopes + (carried if habits.get("accumulates") else 0)
            rate = kind(0.01 if habits.get("fixed_rate") else learning_rate)
            rate = rate * kind(habits.get("rate_factor", 1.0))
            theta = theta - rate * carried
            if habits.get("loss_after"):
                error = features @ theta - y[batch]
            losses.append(float(error @ error / (1 if habits.get("summed") else len(batch))))
            if on_step is not None:
                on_step(len(losses) - 1, losses[-1])
    return float(theta[0]), float(theta[1]), losses


def _order(n: int, rng, previous: np.ndarray, first: bool, **habits) -> np.ndarray:
    """The order of one epoch, or what a bad habit makes of it."""
    if habits.get("unshuffled") or (habits.get("shuffles_once") and not first):
        return previous
    if habits.get("torch_order"):
        return torch.randperm(n).numpy()
    return (np.random.default_rng(0) if habits.get("own_generator") else rng).permutation(n)


def _compare(answer, draw: Draw, n: int, batch_size: int, epochs: int) -> None:
    """Train beside rung 1's loop, from generators in the same state, and expect equal paths."""
    x, y, seed = draw.normal(n), draw.normal(n), draw.seed()
    rate = draw.uniform(0.02, 0.1)
    w, b, losses = answer(x, y, rate, batch_size, epochs, np.random.default_rng(seed))
    own_w, own_b, own = _loop(x, y, rate, batch_size, epochs, np.random.default_rng(seed))
    expect(len(losses), "how many losses were recorded").equals(len(own))
    expect(losses, "the losses").close_to(own)
    expect(w, "w").close_to(own_w, atol=1e-5)
    expect(b, "b").close_to(own_b, atol=1e-5)


@train.property("takes rung 1's steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=draw.size, batch_size=draw.size, epochs=draw.integers(2, 5))


@train.property("takes rung 1's steps through minibatches, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=5, batch_size=2, epochs=2)


@train.property("takes loss and step from one example at a time", trials=1)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=4, batch_size=1, epochs=2)


@train.property("takes a batch size beyond the number of examples, and a rate of 0", trials=1)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=3, batch_size=7, epochs=2)
    x, y = draw.normal(4), draw.normal(4)
    w, b, _ = answer(x, y, 0.0, 2, 1, np.random.default_rng(draw.seed()))
    expect(w, "w with a learning rate of 0").close_to(0.0, atol=1e-9)
    expect(b, "b with a learning rate of 0").close_to(0.0, atol=1e-9)


@train.property("tells on_step the number and the loss of every step", trials=2)
def _(answer, draw: Draw) -> None:
    x, y, seed, recorder = draw.normal(5), draw.normal(5), draw.seed(), StepRecorder()
    answer(x, y, 0.1, 2, 2, np.random.default_rng(seed), recorder)
    _, _, own = _loop(x, y, 0.1, 2, 2, np.random.default_rng(seed))
    expect(recorder.steps, "the step numbers that on_step was given").close_to(np.arange(len(own)))
    expect(recorder.losses, "the losses that on_step was given").close_to(own)
    tensors = (one for one in recorder.losses if isinstance(one, torch.Tensor))
    expect_plain(next(tensors, 0.0), "a loss given to on_step")


@train.property("computes in float64: equal to rung 1 in the ninth digit", trials=1)
def _(answer, draw: Draw) -> None:
    x, y, seed = draw.normal(21), draw.normal(21), draw.seed()
    w, b, losses = answer(x, y, 0.07, 4, 3, np.random.default_rng(seed))
    own_w, own_b, own = _loop(x, y, 0.07, 4, 3, np.random.default_rng(seed))
    expect(losses, "the losses").close_to(own)
    mine, theirs = np.array([*map(_digits, (w, b, *losses))]), np.array([own_w, own_b, *own])
    gap = np.max(np.abs(mine - theirs)) if mine.shape == theirs.shape else math.inf
    expect(gap < 1e-9, "equal to rung 1").is_true(
        otherwise=f"The path is up to {gap:.1g} away from rung 1's. Is everything float64, the "
        "parameters too?"
    )


def _digits(value) -> float:
    """All digits of a number, or of a tensor that should have been one."""
    return value.item() if isinstance(value, torch.Tensor) else float(value)


@train.mistake(
    "You did not clear the slopes after a step. `backward()` adds to `.grad`, so every step "
    "carries all earlier ones along."
)
def accumulates(*specification):
    return _loop(*specification, accumulates=True)


@train.mistake(
    "w and b never move. Did you clear `.grad` between `backward()` and the step, or put new "
    "tensors in their place?"
)
def never_moves(*specification):
    return _loop(*specification, rate_factor=0.0)


@train.mistake("The loss climbs: you went along the slope. Subtract it.")
def climbs(*specification):
    return _loop(*specification, rate_factor=-1.0)


@train.mistake(
    "You recorded each loss after its step. Record it before, as in rung 1: the first entry is the "
    "loss of w = b = 0."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out `inputs[batch]` and `targets[batch]`."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake("You recorded one loss an epoch. The page asks for one for every step.")
def one_loss_an_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    steps = -(-len(x) // batch_size)
    return w, b, losses[steps - 1 :: steps]


@train.mistake(
    "You recorded one loss an epoch, the mean of its minibatches' losses. The page asks for one "
    "for every step."
)
def mean_loss_of_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng, on_step)
    return w, b, np.reshape(losses, (epochs, -1)).mean(axis=1).tolist()


@train.mistake("w and b have changed places: return w, b, losses.")
def swapped_parameters_returned(*specification):
    w, b, losses = _loop(*specification)
    return b, w, losses


@train.mistake("Your loss is a sum over the minibatch. It is a mean, and its slopes are too.")
def summed_minibatch(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You never shuffled. Ask `minibatches` for new batches in every epoch.")
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake(
    "You shuffled once, before the first epoch. Call `minibatches` inside the epoch loop."
)
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "You took the order from torch's generator. Rung 1 took it from `rng`: only then are the two "
    "paths the same."
)
def torch_order(*specification):
    return _loop(*specification, torch_order=True)


@train.mistake("You made a generator of your own. Take the order from the `rng` you were given.")
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake("w and b go back to 0 in every epoch. Make them once, before the epoch loop.")
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("Your steps do not depend on the learning rate you were given.")
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "The path is rung 1's, but only to seven digits: something is float32. "
    "`torch.tensor(0.0)` is; give the parameters `dtype=torch.float64`, like the data."
)
def single_precision_loop(*specification):
    return _loop(*specification, single=True)


@train.mistake(
    "Your losses are tensors. If they still have their graphs, every step of the training stays in "
    "memory. Keep numbers: `loss.item()`."
)
def kept_tensors(*specification):
    w, b, losses = _loop(*specification)
    return w, b, [float64_tensor(loss) for loss in losses]


@train.mistake(
    "Your losses are tensors, the recorded ones and those that `on_step` gets. Each holds on to "
    "its graph, so the whole training stays in memory. Take the number out once: `loss.item()`."
)
def kept_and_told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    w, b, losses = told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step)
    return w, b, [float64_tensor(loss) for loss in losses]


@train.mistake("You returned w and b as tensors. The page asks for numbers: `w.item()`.")
def returned_parameters(*specification):
    w, b, losses = _loop(*specification)
    return float64_tensor(w), float64_tensor(b), losses


@train.mistake("You never called `on_step`. After every step tell it the step and the loss.")
def silent(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    return _loop(x, y, learning_rate, batch_size, epochs, rng)


@train.mistake(
    "`on_step` may be None, which is its default: call it only when it is something to call."
)
def called_none(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    if on_step is None:
        raise TypeError("'NoneType' object is not callable")
    return _loop(x, y, learning_rate, batch_size, epochs, rng, on_step)


@train.mistake("The first step has the number 0; you told `on_step` 1.")
def counted_from_one(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    def shifted(step, loss):
        if on_step is not None:
            on_step(step + 1, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, shifted)


@train.mistake("Your step numbers start again in every epoch. Count on: 0, 1, 2, … to the end.")
def counted_per_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    steps = -(-len(x) // batch_size)

    def within_epoch(step, loss):
        if on_step is not None:
            on_step(step % steps, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, within_epoch)


@train.mistake("You told `on_step` once an epoch. The page asks for every step.")
def told_once_an_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    steps = -(-len(x) // batch_size)

    def at_the_end(step, loss):
        if on_step is not None and (step + 1) % steps == 0:
            on_step(step, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, at_the_end)


@train.mistake("You handed `on_step` the loss as a tensor. Hand over the number, `loss.item()`.")
def told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    def with_tensor(step, loss):
        if on_step is not None:
            on_step(step, float64_tensor(loss))

    return _loop(x, y, learning_rate, batch_size, epochs, rng, with_tensor)


train.hint("Rung 1's two loops are still the frame: over epochs, inside over minibatches(…).")
train.hint("Before the loops: tensors of the data, and w and b as float64 leaves.")
train.hint("Inside: line_loss of the batch, backward(), sgd_step_([w, b], …), record, on_step.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint("Is the slope of the last step still in `.grad` when the next one comes?", when="value")
train.hint("Which of your values are tensors that should be numbers?", when="type")
train.hint("Which argument is None by default?", when="error")
train.hint("What is the very first loss? At w = b = 0 it is the mean of y².", when="shift")
