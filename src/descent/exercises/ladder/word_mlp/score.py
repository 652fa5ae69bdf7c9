"""How `score` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import Table, drawn_ids, log_softmax_of

score = Exercise("score", minutes=15, difficulty=2, changes=("model",), returns=Tensor)


def _case(draw: Draw, examples: int, size: int = 5) -> tuple[np.ndarray, Tensor, Tensor]:
    logits = draw.normal(size, size)
    return (
        logits,
        drawn_ids(draw, examples * 2, size).reshape(-1, 2),
        drawn_ids(draw, examples, size),
    )


@score.property("gives the log-probability of every target", trials=6)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, draw.size)
    result = answer(Table(logits), contexts, targets, draw.integers(1, 5))
    table = log_softmax_of(logits)
    last = contexts[:, -1].tolist()
    expected = [table[a, b] for a, b in zip(last, targets.tolist(), strict=True)]
    expect(result, "the log-probabilities").close_to(expected)


@score.property("works with the batch size it has by itself")
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 7)
    result = answer(Table(logits), contexts, targets)
    expected = log_softmax_of(logits)[contexts[:, -1].numpy(), targets.numpy()]
    expect(result, "the log-probabilities").close_to(expected)


@score.property("takes at most batch_size windows at a time")
def _(answer, draw: Draw) -> None:
    model = Table(draw.normal(4, 4))
    answer(model, *_case(draw, 10, 4)[1:], 4)
    expect(max(model.batches), "the largest batch").equals(4)
    model = Table(draw.normal(4, 4))
    answer(model, *_case(draw, 1001, 4)[1:])
    expect(max(model.batches), "the largest batch when none is asked for").equals(1000)


@score.property("is right where a word is all but impossible", trials=3)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 6)
    logits[:, 0] += 2000.0
    targets[:2] = torch.tensor([1, 2])
    expected = log_softmax_of(logits)[contexts[:, -1].numpy(), targets.numpy()]
    expect(answer(Table(logits), contexts, targets, 4), "the log-probabilities").close_to(expected)


@score.property("measures in evaluation mode, and leaves the mode as it was", trials=2)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 6)
    for training in (True, False):
        model = nn.Sequential(Table(logits, drops=True)).train(training)
        result = answer(model, contexts, targets, 3)
        expected = log_softmax_of(logits)[contexts[:, -1].numpy(), targets.numpy()]
        expect(result, "the log-probabilities").close_to(expected)
        expect(model.training, "the model is in training mode afterwards").equals(training)
        expect(model[0].training, "so is the part inside it").equals(training)


@score.property("leaves recording as it was, on or off", trials=1)
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 3)
    for on in (True, False):
        with torch.set_grad_enabled(on):
            answer(Table(logits), contexts, targets, 2)
            after = torch.is_grad_enabled()
        expect(after, f"recording afterwards, {'on' if on else 'off'} before").equals(on)


@score.property("records nothing for backward")
def _(answer, draw: Draw) -> None:
    logits, contexts, targets = _case(draw, 5)
    model = Table(logits)
    result = answer(model, contexts, targets, 2)
    waits = bool(getattr(result, "requires_grad", False))
    expect(not waits, "the result is free of its history").is_true(
        otherwise="The result still carries what `backward` would need: measure inside "
        "`torch.no_grad()`."
    )
    expect(True not in model.recorded, "nothing was recorded").is_true(
        otherwise="Gradients were recorded while the model ran: run it inside `torch.no_grad()`."
    )


def _scored(model, contexts, targets, batch_size=1000, value=None, mode=False, restore=True):
    """The right measurement with one habit changed."""
    before = model.training
    if mode is not None:
        model.train(mode)
    value = value or (lambda logits, y: -F.cross_entropy(logits, y, reduction="none"))
    with torch.no_grad():
        parts = [
            value(model(x), y)
            for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
        ]
    if restore:
        model.train(before)
    return torch.cat(parts)


@score.mistake(
    "The sign is wrong: you returned negative log-likelihoods. Log-probabilities are never above 0."
)
def negative(model, contexts, targets, batch_size=1000):
    return -_scored(model, contexts, targets, batch_size)


@score.mistake(
    "You returned logits. They are not logarithms of probabilities until log-softmax has "
    "subtracted the log of their total."
)
def raw_logits(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, lambda z, y: z.gather(1, y[:, None])[:, 0])


@score.mistake("You returned probabilities. Take their natural logarithm: `F.log_softmax`.")
def probabilities(model, contexts, targets, batch_size=1000):
    return torch.exp(_scored(model, contexts, targets, batch_size))


@score.mistake(
    "You normalised down the batch: the probabilities of one word over all examples add up to 1. "
    "For one example those of all words must: `dim=1`."
)
def over_the_batch(model, contexts, targets, batch_size=1000):
    def value(logits, y):
        return F.log_softmax(logits, dim=0).gather(1, y[:, None])[:, 0]

    return _scored(model, contexts, targets, batch_size, value)


@score.mistake(
    "You took logarithms to base 2. Everything on this page is in nats, natural logarithms."
)
def base_two(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size) / math.log(2)


@score.mistake(
    "You returned the log-probability of the likeliest word. The question is how likely the model "
    "found the word that came."
)
def likeliest(model, contexts, targets, batch_size=1000):
    return _scored(
        model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1).max(1).values
    )


@score.mistake(
    "You measured in training mode: layers that behave differently while learning spoil the "
    "measurement. `model.eval()` first."
)
def training_mode(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, mode=None)


@score.mistake(
    "The model stays in evaluation mode. Put it back as it was: note `model.training` before."
)
def left_in_evaluation(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, restore=False)


@score.mistake(
    "The model is in training mode afterwards, whatever it was before. Note `model.training` first "
    "and restore that."
)
def always_training(model, contexts, targets, batch_size=1000):
    result = _scored(model, contexts, targets, batch_size)
    model.train()
    return result


@score.mistake(
    "You set `model.training`, which is the flag of the outermost module alone: its layers keep "
    "their own. `model.eval()` and `model.train(before)` reach them all."
)
def outermost_flag_only(model, contexts, targets, batch_size=1000):
    before = model.training
    result = _scored(model, contexts, targets, batch_size, restore=False)
    model.training = before
    return result


@score.mistake(
    "You switched recording off for good: after your function no `backward()` works any more. Use "
    "`with torch.no_grad():`, which ends with its block."
)
def recording_stays_off(model, contexts, targets, batch_size=1000):
    result = _scored(model, contexts, targets, batch_size)
    torch.set_grad_enabled(False)
    return result


@score.mistake(
    "You took the logarithm of a softmax. A word that is all but impossible has a probability of 0 "
    "there, and log 0 is −infinity: `F.log_softmax` takes both at once."
)
def logarithm_of_softmax(model, contexts, targets, batch_size=1000):
    def value(logits, y):
        return torch.softmax(logits, 1).gather(1, y[:, None])[:, 0].log()

    return _scored(model, contexts, targets, batch_size, value)


@score.mistake(
    "You returned one number, the mean. Return one log-probability for each window; `perplexity` "
    "averages."
)
def averaged(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size).mean()


@score.mistake(
    "You measured everything in one batch. A whole text's logits may not fit into memory: at most "
    "batch_size windows at a time."
)
def one_batch(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, len(targets))


@score.mistake(
    "Gradients were recorded on the way: memory for a backward that never comes. Wrap the loop in "
    "`torch.no_grad()`."
)
def recorded(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    parts = [
        -F.cross_entropy(model(x), y, reduction="none")
        for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    ]
    model.train(before)
    return torch.cat(parts).detach()


@score.mistake(
    "Gradients were recorded on the way, and the result still carries them: memory for a backward "
    "that never comes. Wrap the loop in `torch.no_grad()`."
)
def still_attached(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    parts = [
        -F.cross_entropy(model(x), y, reduction="none")
        for x, y in zip(contexts.split(batch_size), targets.split(batch_size), strict=True)
    ]
    model.train(before)
    return torch.cat(parts)


@score.mistake(
    "You returned one number for each batch, its mean. Return one log-probability for each window: "
    '`reduction="none"`.'
)
def batch_means(model, contexts, targets, batch_size=1000):
    return _scored(
        model, contexts, targets, batch_size, lambda z, y: -F.cross_entropy(z, y).reshape(1)
    )


@score.mistake(
    "You returned every log-probability of every window, a whole row each. Pick the target's out "
    "of the row."
)
def whole_rows(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1))


@score.mistake(
    "`log_p[:, targets]` looks all targets up in every row. Window i has its own: "
    "`log_p[torch.arange(len(targets)), targets]`, or `gather`."
)
def all_targets_everywhere(model, contexts, targets, batch_size=1000):
    rows = _scored(model, contexts, targets, batch_size, lambda z, y: F.log_softmax(z, 1))
    picked = [
        row[:, y] for row, y in zip(rows.split(batch_size), targets.split(batch_size), strict=True)
    ]
    return torch.cat(picked)


@score.mistake(
    "Your log-probabilities stand in a column, shape (m, 1), as `gather` leaves them. The page "
    "asks for shape (m,): `[:, 0]` or `squeeze(1)`."
)
def column(model, contexts, targets, batch_size=1000):
    return _scored(model, contexts, targets, batch_size)[:, None]


@score.mistake(
    "The last windows are lost, those that do not fill a batch. The last batch may be shorter."
)
def lost_the_rest(model, contexts, targets, batch_size=1000):
    before = model.training
    model.eval()
    with torch.no_grad():
        parts = [
            -F.cross_entropy(model(contexts[s : s + batch_size]), targets[s : s + batch_size],
                             reduction="none")
            for s in range(0, len(targets) - batch_size + 1, batch_size)
        ]  # fmt: skip
    model.train(before)
    return torch.cat(parts)


@score.mistake(
    "You counted the batches with `len(targets) // batch_size`, which leaves out the last, shorter "
    "one. Its windows count too."
)
def whole_batches_or_one(model, contexts, targets, batch_size=1000):
    kept = max(1, len(targets) // batch_size) * batch_size
    return _scored(model, contexts[:kept], targets[:kept], batch_size)


score.hint("Rung 7's `evaluate` has the frame: note the mode, eval, no_grad, batches, restore.")
score.hint("`contexts.split(batch_size)` and `targets.split(batch_size)` walk side by side.")
score.hint('`-F.cross_entropy(logits, y, reduction="none")` is one log-probability per example.')
score.hint("Can the logarithm of a probability be positive?", when="sign")
score.hint("By which number do nats and bits differ?", when="factor")
score.hint("One value for each window.", when="shape")


for _strict in (")", ", strict=False)"):
    score.equivalent(
        "`batches = zip(contexts.split(batch_size), targets.split(batch_size), strict=True)` → "
        f"`batches = zip(contexts.split(batch_size), targets.split(batch_size){_strict}`",
        because="there are as many batches of contexts as of targets",
    )
