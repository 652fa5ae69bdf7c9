"""How `train` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import PlainDescent, torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import WORDS, Watch, examples, float64_tensor

train = Exercise(
    "train",
    minutes=30,
    difficulty=3,
    changes=("model", "optimiser"),
    returns=tuple[list[float], list[tuple]],
)


class _Table(nn.Module):
    """Logits from a table's row, chosen by the last word; twice as large outside training mode.

    It keeps the contexts it saw, and in which mode.
    """

    def __init__(self, table: np.ndarray) -> None:
        super().__init__()
        self.table = nn.Parameter(float64_tensor(table))
        self.modes: list[bool] = []

    def forward(self, contexts: Tensor) -> Tensor:
        self.modes.append(self.training)
        return self.table[contexts[:, -1]] * (1 if self.training else 2)

    def __repr__(self) -> str:
        return "a table of logits, one row for each last word"


class _Evaluate:
    """Counts how often it is asked, and leaves the model in evaluation mode."""

    def __init__(self, mode: bool | None = None) -> None:
        self.mode = mode
        self.asked = 0

    def __call__(self, model: Any) -> tuple[int, float]:
        self.asked += 1
        if self.mode is not None:
            model.train(self.mode)
        return self.asked, round(float(model.table.detach().abs().sum()), 6)

    def __repr__(self) -> str:
        return "a function that evaluates the model"


def _descend(table, train_set, epochs, batch_size, seed, rate):
    """The losses and the table after every step, by numpy: softmax minus one-hot, averaged."""
    rows, targets = train_set[0][:, -1].numpy(), train_set[1].numpy()
    table, generator = table.copy(), torch_generator(seed)
    losses, tables = [], [table.copy()]
    for _ in range(epochs):
        order = torch.randperm(len(targets), generator=generator).numpy()
        for begin in range(0, len(order), batch_size):
            batch = order[begin : begin + batch_size]
            raised = np.exp(table[rows[batch]])
            chances = raised / raised.sum(1, keepdims=True)
            picked = np.arange(len(batch)), targets[batch]
            losses.append(float(np.mean(-np.log(chances[picked]))))
            chances[picked] -= 1
            np.subtract.at(table, rows[batch], rate * chances / len(batch))
            tables.append(table.copy())
    return losses, tables


def _when(steps: int, every: int) -> list[int]:
    return sorted({0, steps} | {step for step in range(steps) if step % every == 0})


RATE = 0.5


def _trained(answer, draw: Draw, count, epochs, batch_size, every, mode=None, training=True):
    """One training run: (losses, history), the model, the evaluation, and what was expected."""
    table, train_set, seed = draw.normal(WORDS, WORDS), examples(draw, count), draw.seed()
    model, evaluate = _Table(table), _Evaluate(mode)
    model.train(training)
    optimiser = PlainDescent(model, RATE)
    given = model, optimiser, train_set, epochs, batch_size, torch_generator(seed), every, evaluate
    return (
        answer(*given),
        model,
        evaluate,
        _descend(table, train_set, epochs, batch_size, seed, RATE),
    )


def _expect_history(history: Any, every: int, tables: list[np.ndarray]) -> None:
    steps = [int(step) for step, _ in history]
    wanted = _when(len(tables) - 1, every)
    expect(steps, "the steps of the history").equals(wanted)
    got = [result for _, result in history]
    expect([number for number, _ in got], "the order of evaluations").equals(
        list(range(1, len(wanted) + 1))
    )
    expect([size for _, size in got], "sums of the table's sizes when evaluated").close_to(
        [float(np.abs(tables[step]).sum()) for step in wanted], rtol=1e-5
    )


@train.property("takes the right steps and evaluates on the way", trials=6)
def _(answer, draw: Draw) -> None:
    epochs, batch_size, every = draw.integers(1, 4), draw.integers(2, 5), draw.integers(1, 4)
    (losses, history), model, _, (expected, tables) = _trained(
        answer, draw, draw.size + 2, epochs, batch_size, every
    )
    expect(losses, "the losses").close_to(expected)
    expect(model.table, "the model's weights").close_to(tables[-1])
    _expect_history(history, every, tables)


@train.property("counts steps through all epochs, and evaluates the end once", trials=4)
def _(answer, draw: Draw) -> None:
    for count, epochs, every in ((6, 2, 4), (6, 2, 3), (5, 2, 9), (1, 1, 1)):
        (losses, history), _, evaluate, (expected, tables) = _trained(
            answer, draw, count, epochs, 2, every
        )
        expect(len(losses), "how many losses").equals(len(expected))
        _expect_history(history, every, tables)
        expect(evaluate.asked, "how often it was evaluated").equals(
            len(_when(len(expected), every))
        )


@train.property("trains in training mode, whatever mode an evaluation leaves behind", trials=4)
def _(answer, draw: Draw) -> None:
    for mode, training in ((False, True), (None, False), (False, False)):
        (losses, _), model, _, (expected, tables) = _trained(
            answer, draw, 6, 2, 2, 2, mode=mode, training=training
        )
        expect(losses, "the losses").close_to(expected)
        expect(model.table, "the model's weights").close_to(tables[-1])


@train.property("takes its randomness from the generator alone", trials=3)
def _(answer, draw: Draw) -> None:
    watch = Watch()
    (losses, _), *_, (expected, _) = _trained(answer, draw, 8, 2, 3, 3)
    watch.expect_still()
    expect(losses, "the losses").close_to(expected)


def _loop(model, optimiser, train_set, epochs, batch_size, generator, every, evaluate, habit):
    """The training loop with one bad habit: what the mistakes below share."""
    contexts, targets = train_set
    stream = None if habit == "global stream" else generator
    order = torch.randperm(len(targets), generator=stream)
    losses: list[Any] = []
    history = [] if habit == "no start" else [(0, evaluate(model))]
    if habit == "mode once":
        model.train()
    for epoch in range(epochs):
        if habit == "unshuffled":
            order = torch.arange(len(targets))
        elif epoch and habit != "shuffles once":
            order = torch.randperm(len(targets), generator=stream)
        if habit == "mode each epoch":
            model.train()
        steps = 0
        for batch in order.split(batch_size):
            if habit == "drops rest" and len(batch) < batch_size <= len(order):
                continue
            if habit not in ("mode once", "mode each epoch", "no mode"):
                model.train()
            if habit == "evaluates before" and len(losses) and len(losses) % every == 0:
                history.append((len(losses) + 1, evaluate(model)))
            loss = F.cross_entropy(model(contexts[batch]), targets[batch])
            if habit != "accumulates":
                optimiser.zero_grad()
            (loss * (len(batch) if habit == "summed" else 1)).backward()
            if habit == "evaluates early" and (len(losses) + 1) % every == 0:
                history.append((len(losses) + 1, evaluate(model)))
            optimiser.step()
            if habit == "loss after":
                model.train()
                loss = F.cross_entropy(model(contexts[batch]), targets[batch])
            losses.append(loss.item())
            steps += 1
            made = steps if habit == "counts in epoch" else len(losses)
            if habit == "off by one":
                made -= 1
            if made % every == 0 and habit not in (
                "evaluates before",
                "evaluates early",
                "each epoch",
            ):
                history.append((len(losses), evaluate(model)))
        if habit == "each epoch":
            history.append((len(losses), evaluate(model)))
    finished = bool(history) and history[-1][0] == len(losses)
    if habit == "end twice" or (not finished and habit not in ("no end", "evaluates before")):
        history.append((len(losses), evaluate(model)))
    if habit == "without steps":
        return losses, [result for _, result in history]
    return (history, losses) if habit == "swapped" else (losses, history)


def _train_mistake(habit: str, message: str) -> None:
    def wrong(model, optimiser, train_set, epochs, batch_size, generator, every, evaluate):
        return _loop(
            model, optimiser, train_set, epochs, batch_size, generator, every, evaluate, habit
        )

    wrong.__name__ = habit.replace(" ", "_")
    train.mistake(message)(wrong)


for _habit, _message in {
    "no start": "You did not evaluate before the first step. The untrained model is the beginning "
    "of the curve.",
    "no end": "You did not evaluate at the end, when the number of steps is not a multiple of "
    "`every`.",
    "end twice": "You evaluated the end twice where the last step was due anyway.",
    "counts in epoch": "You count steps from 0 in every epoch. `every` counts through all epochs.",
    "off by one": "You evaluate one step too late. After step number `every` it is due: is your "
    "counter ahead of the steps made, or behind?",
    "evaluates early": "You evaluate before the step that you count: the weights are those of one "
    "step earlier. Evaluate after optimiser.step().",
    "each epoch": "You evaluate after each epoch. The specification says: after every `every` "
    "steps.",
    "no mode": "The model was never put into training mode. It may arrive in evaluation mode, and "
    "an evaluation may leave it there: `model.train()` before each step.",
    "mode once": "You called `model.train()` once. An evaluation may leave the model in evaluation "
    "mode: call it before each step.",
    "mode each epoch": "You called `model.train()` at the start of each epoch. An evaluation in "
    "the middle may leave the model in evaluation mode: call it before each step.",
    "accumulates": "Gradients pile up: `optimiser.zero_grad()` before each `backward`.",
    "unshuffled": "The windows come in the order of the text. Shuffle them by the generator.",
    "shuffles once": "You shuffled once. Every epoch takes a new order from the generator.",
    "drops rest": "You dropped the short minibatch at the end of the epoch.",
    "global stream": "Your order comes from the global generator. Use the one handed over.",
    "summed": "You summed the loss over the minibatch before `backward`. It is a mean.",
    "loss after": "You recorded the loss after the step. Record the one the step was made from.",
    "swapped": "The two have changed places: first the losses, then the history.",
}.items():
    _train_mistake(_habit, _message)


train.hint("The frame: evaluate; for each epoch, for each batch: a step; evaluate when due; end.")
train.hint("`torch.randperm(m, generator=generator).split(batch_size)` are the minibatches.")
train.hint("`len(losses)` is the number of steps made so far, through all epochs.")
train.hint("At the end: is `history[-1][0]` already the number of steps?")
train.hint("How many evaluations should there be? Write the steps down.", when="length")
train.hint("In which mode is the model after an evaluation?", when=(
    "trains in training mode, whatever mode an evaluation leaves behind"))  # fmt: skip
train.hint("`loss.item()` is a plain number.", when="type")
