"""How `train` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import DoublesWhileTraining, evaluation, examples, linear, numbered

train = Exercise(
    "train",
    minutes=35,
    difficulty=3,
    changes=("model", "generator"),
    seconds=10.0,
    returns=dict[str, list[float]],
)


MOMENTUM = 0.9


class NotesWhatItLearns(nn.Module):
    """Notes pixel 0 of every example that passes in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen += [int(value) for value in x[:, 0]]
        return x


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _score(theta: np.ndarray, data: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, float]:
    """Mean loss and accuracy of softmax regression with weights (3, 2) and biases side by side."""
    x, y = (part.numpy() for part in data)
    logits = np.c_[x.astype(np.float64), np.ones(len(x))] @ theta.T
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
    return float(losses.mean()), float(np.mean(logits.argmax(axis=1) == y))


def _descended(
    layer: nn.Linear,
    train_set: tuple[torch.Tensor, torch.Tensor],
    test_set: tuple[torch.Tensor, torch.Tensor],
    schedule: tuple[int, int],
    rates: tuple[float, float],
    gain: float = 1.0,
) -> dict[str, np.ndarray]:
    """Full-batch gradient descent with momentum on softmax regression, in numpy.

    Parameters
    ----------
    schedule : epochs, and steps in each of them
    rates : learning rate and momentum
    gain : what the logits are multiplied by while learning, as `DoublesWhileTraining` does

    Returns
    -------
    dict of train_loss, test_loss, test_accuracy (epochs + 1 entries each), and the final weights
    """
    x, y = (part.numpy().astype(np.float64) for part in train_set)
    x, targets = np.c_[x, np.ones(len(x))], np.eye(3)[y.astype(int)]
    theta = np.c_[layer.weight.detach().numpy(), layer.bias.detach().numpy()].astype(np.float64)
    velocity, history = np.zeros_like(theta), []
    for epoch in range(schedule[0] + 1):
        for _ in range(schedule[1] if epoch else 0):
            slope = gain * (_softmax(gain * x @ theta.T) - targets).T @ x / len(x)
            velocity = rates[1] * velocity + slope
            theta = theta - rates[0] * velocity
        history.append((_score(theta, train_set)[0], *_score(theta, test_set)))
    names = ("train_loss", "test_loss", "test_accuracy")
    columns = dict(zip(names, np.array(history).T, strict=True))
    return {**columns, "weight": theta[:, :2], "bias": theta[:, 2]}


def _expect_trained(history, layer: nn.Linear, expected: dict[str, np.ndarray]) -> None:
    for name in ("train_loss", "test_loss", "test_accuracy"):
        expect(history[name], f"history['{name}']").close_to(expected[name], rtol=1e-3)
    expect(layer.weight, "the weights afterwards").close_to(expected["weight"], rtol=1e-3)
    expect(layer.bias, "the biases afterwards").close_to(expected["bias"], rtol=1e-3)


@train.property(
    "takes momentum steps and measures after each epoch, and before the first", trials=4
)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    layer, train_set, test_set = linear(draw), examples(draw, n), examples(draw, 5)
    epochs, rate, momentum = draw.integers(2, 4), draw.uniform(0.1, 0.4), draw.choice([0.5, 0.8])
    expected = _descended(layer, train_set, test_set, (epochs, 1), (rate, momentum))
    history = answer(layer, train_set, test_set, epochs, n, rate, torch_generator(1), momentum)
    _expect_trained(history, layer, expected)


@train.property("uses momentum 0.9 unless told otherwise", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = linear(draw), examples(draw, 4), examples(draw, 3)
    expected = _descended(layer, train_set, test_set, (3, 1), (0.2, MOMENTUM))
    _expect_trained(
        answer(layer, train_set, test_set, 3, 4, 0.2, torch_generator(1)), layer, expected
    )


@train.property("takes one step per minibatch, the short last one included", trials=3)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = examples(draw, 1)
    layer, train_set, test_set = linear(draw), (x.repeat(5, 1), y.repeat(5)), examples(draw, 4)
    expected = _descended(layer, train_set, test_set, (2, 3), (0.1, MOMENTUM))
    _expect_trained(
        answer(layer, train_set, test_set, 2, 2, 0.1, torch_generator(1)), layer, expected
    )


@train.property("learns in training mode and measures in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = linear(draw), examples(draw, 6), examples(draw, 4)
    expected = _descended(layer, train_set, test_set, (2, 1), (0.1, MOMENTUM), gain=2.0)
    model = nn.Sequential(layer, DoublesWhileTraining()).eval()
    _expect_trained(
        answer(model, train_set, test_set, 2, 6, 0.1, torch_generator(1)), layer, expected
    )


def _visits(answer, generator: torch.Generator) -> list[list[int]]:
    """Which of 12 training examples each of 2 epochs saw; test examples are numbered from 100."""
    notes = NotesWhatItLearns()
    x, y = numbered(12)
    test_set = (x[:4] + 100, y[:4] % 3)
    answer(nn.Sequential(notes, nn.Linear(2, 3)), (x, y % 3), test_set, 2, 5, 0.001, generator)
    return [notes.seen[:12], notes.seen[12:]]


@train.property("shows every training example once an epoch, in a new order each time", trials=3)
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, torch_generator(draw.seed()))
    for number, seen in enumerate(epochs, start=1):
        expect(sorted(seen), f"what epoch {number} learned from, sorted").equals(list(range(12)))
    unmoved = sum(a == b for a, b in zip(epochs[0], range(12), strict=False))
    expect(unmoved, "examples still in their own place in epoch 1").is_below(9)
    repeated = sum(a == b for a, b in zip(*epochs, strict=False))
    expect(repeated, "examples in the same place in both epochs").is_below(9)


@train.property("takes its order from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first, again = (_visits(answer, torch_generator(seed))[0] for _ in range(2))
    other = _visits(answer, torch_generator(seed + 1))[0]
    expect(len(first), "how many examples epoch 1 showed").equals(12)
    expect(again, "epoch 1, the same seed again").equals(first)
    shared = sum(a == b for a, b in zip(first, other, strict=False))
    expect(shared, "places that another seed fills alike").is_below(10)


@train.property("calls after_epoch with each measurement", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = linear(draw), examples(draw, 4), examples(draw, 3)
    expected = _descended(layer, train_set, test_set, (2, 1), (0.2, MOMENTUM))
    called: list[tuple] = []
    answer(layer, train_set, test_set, 2, 4, 0.2, torch_generator(1),
           after_epoch=lambda *numbers: called.append(numbers))  # fmt: skip
    rows = np.stack([np.arange(3), expected["train_loss"], expected["test_loss"]], axis=1)
    expect(called, "(epoch, train loss, test loss) of every call").close_to(rows, rtol=1e-3)


@train.property("returns lists of plain numbers")
def _(answer, draw: Draw) -> None:
    layer = linear(draw)
    history = answer(layer, examples(draw, 4), examples(draw, 3), 1, 2, 0.1, torch_generator(1))
    for name in ("train_loss", "test_loss", "test_accuracy"):
        expect(history[name], f"history['{name}']").is_a(list)
        plain = sum(isinstance(value, float) for value in history[name])
        expect(plain, f"plain floats in history['{name}']").equals(2)


class _Loop:
    """A training loop with one bad habit: what the mistakes below share."""

    def __init__(self, habits, model, train_set, test_set, momentum, after_epoch):
        self.habits, self.model, self.momentum = frozenset(habits), model, momentum
        self.train_set, self.test_set, self.after_epoch = train_set, test_set, after_epoch
        self.history = {"train_loss": [], "test_loss": [], "test_accuracy": []}

    def has(self, *habits):
        return not self.habits.isdisjoint(habits)

    def run(self, epochs, batch_size, learning_rate, generator):
        x, y = self.train_set
        if self.has("learns_only_from_test"):
            x, y = self.test_set
        if self.has("learns_from_test"):
            x, y = torch.cat([x, self.test_set[0]]), torch.cat([y, self.test_set[1]])
        if not self.has("no_first_measurement"):
            self.measure(0)
        optimiser = self.optimiser(learning_rate)
        first_order = torch.randperm(len(x), generator=generator)
        for epoch in range(1, 2 if self.has("one_epoch") else epochs + 1):
            if self.has("new_optimiser"):
                optimiser = self.optimiser(learning_rate)
            if not self.has("never_switches_mode"):
                self.model.train(not (self.has("stays_in_evaluation") and epoch > 1))
            order = first_order if epoch == 1 else self.later_order(first_order, generator)
            if self.has("never_shuffles", "global_generator"):
                order = (
                    torch.randperm(len(x)) if self.has("global_generator") else torch.arange(len(x))
                )
            losses = self.one_epoch(x, y, order, batch_size, optimiser)
            if not self.has("measures_at_end") or epoch == epochs:
                self.measure(epoch, losses, batch_size)
        return self.history

    def optimiser(self, learning_rate):
        rate = 0.01 if self.has("fixed_rate") else learning_rate
        if self.has("adam"):
            return torch.optim.Adam(self.model.parameters(), lr=rate)
        momentum = 0.0 if self.has("no_momentum") else self.momentum
        momentum = 0.9 if self.has("fixed_momentum") else momentum
        return torch.optim.SGD(self.model.parameters(), lr=rate, momentum=momentum)

    def later_order(self, first_order, generator):
        if self.has("shuffles_once"):
            return first_order
        return torch.randperm(len(first_order), generator=generator)

    def one_epoch(self, x, y, order, batch_size, optimiser):
        pieces = order.split(len(x) if self.has("full_batch") else batch_size)
        if self.has("drops_rest"):
            pieces = [piece for piece in pieces if len(piece) == batch_size]
        losses = []
        for piece in pieces:
            loss = F.cross_entropy(self.model(x[piece]), y[piece])
            if not self.has("keeps_gradients"):
                optimiser.zero_grad()
            loss.backward()
            if not self.has("steps_once"):
                optimiser.step()
            losses.append(loss.item())
            if self.has("measures_each_step") and piece is not pieces[-1]:
                self.measure(1)
        if self.has("steps_once"):
            optimiser.step()
        return losses

    def measure(self, epoch, losses=(), batch_size=1):
        was_training = self.model.training
        self.model.train(self.has("measures_in_training_mode"))
        mode = {"in_training_mode": self.has("measures_in_training_mode")}
        train_loss, train_accuracy = evaluation(self.model, [self.train_set], **mode)
        tested = self.train_set if self.has("test_is_train") else self.test_set
        test_loss, accuracy = evaluation(self.model, [tested], **mode)
        self.model.train(was_training)
        if self.has("running_loss", "last_batch_loss") and losses:
            train_loss = float(np.mean(losses)) if self.has("running_loss") else losses[-1]
        if self.has("weighted_running_loss") and losses:
            sizes = [batch_size] * (len(losses) - 1)
            sizes.append(len(self.train_set[0]) - sum(sizes))
            train_loss = float(np.average(losses, weights=sizes))
        if self.has("losses_swapped"):
            train_loss, test_loss = test_loss, train_loss
        accuracy = train_accuracy if self.has("train_accuracy") else accuracy
        for name, value in zip(self.history, (train_loss, test_loss, accuracy), strict=True):
            self.history[name].append(torch.tensor(value) if self.has("keeps_tensors") else value)
        silent = self.has("never_calls") or (epoch == 0 and self.has("skips_first_call"))
        if self.after_epoch is not None and not silent:
            number = max(epoch - 1, 0) if self.has("counts_zero_twice", "from_zero") else epoch
            second = accuracy if self.has("hands_accuracy") else test_loss
            self.after_epoch(number + self.has("counts_from_one"), train_loss, second)


def _with_habit(*habits):
    """A whole training loop with bad habits, called as the exercise says and named after them."""

    def answer(model, train_set, test_set, epochs, batch_size, learning_rate, generator,
               momentum=MOMENTUM, after_epoch=None):  # fmt: skip
        loop = _Loop(habits, model, train_set, test_set, momentum, after_epoch)
        return loop.run(epochs, batch_size, learning_rate, generator)

    answer.__name__ = "_and_".join(habits)
    return answer


train.mistake(
    "after_epoch is not called for the measurement before training. It is epoch 0, and has its "
    "call like the others."
)(_with_habit("skips_first_call"))


train.mistake(
    "after_epoch is not called for the measurement before training, and its epochs count from 0 "
    "after the first round. The measurement before it is epoch 0, the first round is epoch 1."
)(_with_habit("skips_first_call", "from_zero"))


train.mistake(
    "Two of your calls of after_epoch say epoch 0. The measurement before training is epoch 0, the "
    "one after the first round is epoch 1: count with `range(1, epochs + 1)`."
)(_with_habit("counts_zero_twice"))


train.mistake(
    "The third number you hand to after_epoch is the accuracy. It is called with (epoch, train "
    "loss, test loss)."
)(_with_habit("hands_accuracy"))


train.mistake(
    "Your optimiser is Adam. This page uses `torch.optim.SGD` with momentum; rung 8 is about the "
    "others."
)(_with_habit("adam"))


train.mistake(
    "You trained on the test set. Minibatches come from `train_set`; the test set is only measured."
)(_with_habit("learns_only_from_test"))


train.mistake(
    "You measured after every minibatch: the measurement has slipped into the inner loop. Measure "
    "once an epoch, when its minibatches are done."
)(_with_habit("measures_each_step"))


train.mistake(
    "Your history begins after the first epoch. Measure once before it too: entry 0 shows where "
    "the untrained network stands, near ln 10 for ten classes. The lists have epochs + 1 entries."
)(_with_habit("no_first_measurement"))


train.mistake(
    "Your history begins after the first epoch, and you call that epoch 0. Epoch 0 is the "
    "measurement before any training: the lists have epochs + 1 entries."
)(_with_habit("no_first_measurement", "from_zero"))


train.mistake(
    "Your train loss is the running mean over the examples of the epoch. It was measured while the "
    "weights moved and in training mode, so it cannot be compared with the test loss: `evaluate` "
    "both at the same moment."
)(_with_habit("weighted_running_loss"))


train.mistake(
    "Your train loss is the running mean of the minibatch losses. Those were measured while the "
    "weights moved and in training mode, so they cannot be compared with the test loss: "
    "`evaluate` both at the same moment."
)(_with_habit("running_loss"))


train.mistake(
    "Your train loss is that of the last minibatch. It jumps about, and comes from before the "
    "step: `evaluate` the whole training set."
)(_with_habit("last_batch_loss"))


train.mistake(
    "You never cleared the gradients, so every step is taken with the sum of all gradients so "
    "far. `optimiser.zero_grad()` before `backward()`."
)(_with_habit("keeps_gradients"))


train.mistake(
    "You made a new optimiser in every epoch. The momentum it had gathered is lost each time: "
    "make it once, before the loop."
)(_with_habit("new_optimiser"))


train.mistake(
    "Your steps have no momentum. Hand it on: `torch.optim.SGD(model.parameters(), "
    "lr=learning_rate, momentum=momentum)`."
)(_with_habit("no_momentum"))


train.mistake("Your momentum is always 0.9. Use the argument; 0.9 is only what it is by default.")(
    _with_habit("fixed_momentum")
)


train.mistake("Your learning rate is written into the loop. Use the one you were given.")(
    _with_habit("fixed_rate")
)


train.mistake(
    "The model came in evaluation mode and you trained it like that, so a dropout layer would "
    "have done nothing. Call `model.train()` before each epoch."
)(_with_habit("never_switches_mode"))


train.mistake(
    "From the second epoch on the model learns in evaluation mode: measuring left it there. Call "
    "`model.train()` at the start of each epoch, inside the loop."
)(_with_habit("stays_in_evaluation"))


train.mistake(
    "You measured in training mode. Use `evaluate`, which switches to evaluation mode and back."
)(_with_habit("measures_in_training_mode"))


train.mistake(
    "Your test loss is measured on the training set. It will look wonderful, and say nothing."
)(_with_habit("test_is_train"))


train.mistake("Your test accuracy is measured on the training set. Take it from the test set.")(
    _with_habit("train_accuracy")
)


train.mistake(
    "You trained on the test set as well. Nothing is left to tell you how the network does on "
    "pictures it has not seen."
)(_with_habit("learns_from_test"))


train.mistake("train_loss and test_loss have changed places in the history.")(
    _with_habit("losses_swapped")
)


train.mistake(
    "You never shuffled. Hand the generator to `batches` in every epoch: without one it keeps the "
    "data's own order."
)(_with_habit("never_shuffles"))


train.mistake(
    "You shuffled once, before the first epoch. Call `batches` inside the epoch loop, so that "
    "every epoch has an order of its own."
)(_with_habit("shuffles_once"))


train.mistake(
    "You shuffled with torch's global generator. Hand on the one you were given, or the same seed "
    "will not give the same run."
)(_with_habit("global_generator"))


train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")(
    _with_habit("drops_rest")
)


train.mistake("Each of your steps uses all the data. Take one step for each minibatch.")(
    _with_habit("full_batch")
)


train.mistake(
    "You step once an epoch: `optimiser.step()` has slipped out of the inner loop. Indent it one "
    "level further."
)(_with_habit("steps_once"))


train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")(
    _with_habit("one_epoch")
)


train.mistake(
    "You measured before training and at the very end. The curve needs a point after every epoch."
)(_with_habit("measures_at_end"))


train.mistake(
    "after_epoch is never called. When it is given, call it with (epoch, train loss, test loss) "
    "after every measurement, the one before training (epoch 0) included."
)(_with_habit("never_calls"))


train.mistake(
    "Your calls of after_epoch count from 1. The measurement before training is epoch 0."
)(_with_habit("counts_from_one"))


train.mistake(
    "Your history holds tensors. `evaluate` gives plain floats; keep those, so that a curve can "
    "be saved and plotted without torch."
)(_with_habit("keeps_tensors"))


for _line in (
    "train_loss, _ = evaluate(model, batches(*train_set, {}))",
    "test_loss, test_accuracy = evaluate(model, batches(*test_set, {}))",
):
    for _size in (999, 1001):
        train.equivalent(
            f"`{_line.format(1000)}` → `{_line.format(_size)}`",
            because="a measurement does not depend on how it is cut into batches",
        )


train.equivalent(
    "`history: dict[str, list[float]] = {'train_loss': [], 'test_loss': [], 'test_accuracy': []}` "
    "→ `history: dict[list[float], str] = {'train_loss': [], 'test_loss': [], 'test_accuracy': "
    "[]}`",
    because="the annotation of a local variable is never evaluated",
)


train.hint(
    "Four pieces: an optimiser, a function that measures, the epoch loop, the minibatch loop."
)
train.hint("In the inner loop: zero_grad, forward, cross_entropy, backward, step. Nothing else.")
train.hint(
    "Measure before the first epoch and after each: a small inner function keeps it in one place."
)
train.hint("How many entries has the history after 2 epochs? Three.", when="length")
train.hint(
    "Follow the first step: is the gradient cleared, is the momentum the one you were given?",
    when="value",
)
train.hint(
    "`model.train()` at the start of each epoch; `evaluate` minds the rest.",
    when="learns in training mode and measures in evaluation mode",
)
train.hint(
    "`batches(…, generator)` inside the epoch loop.",
    when="shows every training example once an epoch, in a new order each time",
)
train.hint(
    "`if after_epoch is not None: after_epoch(epoch, train_loss, test_loss)`, next to where you "
    "measure.",
    when="calls after_epoch with each measurement",
)
train.hint(
    "Does every argument take part: epochs, batch size, learning rate, momentum, generator?",
    when="ignores argument",
)
train.hint("Keep what `evaluate` returns, as it is.", when="type")
