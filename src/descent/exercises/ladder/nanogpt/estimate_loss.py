"""How `estimate_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import Table, Tensor, drawn_batch, drawn_table, loss_and_slopes, weights_of

estimate_loss = Exercise("estimate_loss", minutes=10, difficulty=2, changes=("model",))


def _estimate_by_hand(model: Table, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    weights = weights_of(model)
    means = np.array([loss_and_slopes(weights, *batch)[0] for batch in batches])
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means)))


@estimate_loss.property("is the mean over the batches, and its standard error", trials=5)
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw)
    batches = [drawn_batch(draw, 2) for _ in range(2 + draw.size % 5)]
    mean, error = _estimate_by_hand(model, batches)
    found = answer(model, batches)
    expect(found, "what it returns").is_a(tuple)
    expect(found[0], "the mean").close_to(mean)
    expect(found[1], "the standard error").close_to(error)
    expect(found[1], "the standard error").is_a(float)


@estimate_loss.property("evaluates in evaluation mode, without recording gradients")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw).train()
    answer(model, [drawn_batch(draw, 2) for _ in range(3)])
    expect(sum(model.modes), "how many of 3 batches were read in training mode").equals(0)
    expect(sum(model.recorded), "how many of 3 batches recorded gradients").equals(0)
    left_on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    expect(left_on, "whether gradients are recorded again afterwards").equals(True)


@estimate_loss.property("leaves the model in the mode in which it came")
def _(answer, draw: Draw) -> None:
    for mode in (True, False):
        model = drawn_table(draw).train(mode)
        answer(model, [drawn_batch(draw, 2) for _ in range(2)])
        after = "training" if model.training else "evaluation"
        expect(after, "its mode afterwards").equals("training" if mode else "evaluation")


def _estimate(model, batches, **habits):
    was = model.training
    if not habits.get("trains"):
        model.eval()
    means, each = [], []
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for inputs, targets in batches:
            logits = model(inputs).flatten(0, 1)
            each += F.cross_entropy(logits, targets.flatten(), reduction="none").tolist()
            loss = F.cross_entropy(logits, targets.flatten())
            means.append(loss.item() * (targets.numel() if habits.get("sums") else 1))
    if habits.get("stays_off"):
        torch.set_grad_enabled(False)
    if not habits.get("stays"):
        model.train(True if habits.get("always_trains") else was)
    spread = float(np.std(means, ddof=0 if habits.get("biased") else 1))
    error = spread / math.sqrt(len(means))
    if habits.get("spread"):
        error = spread
    if habits.get("pooled"):
        error = float(np.std(each, ddof=1)) / math.sqrt(len(each))
    if habits.get("no_root"):
        error = spread / len(means)
    if habits.get("variance"):
        error = spread**2 / len(means)
    mean = means[-1] if habits.get("last") else float(np.mean(means))
    if habits.get("tensors"):
        return torch.tensor(mean), torch.tensor(error)
    return mean if habits.get("no_error") else (mean, error)


def _estimating(name, habit):
    def answer(model, batches):
        return _estimate(model, batches, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "in_training_mode", "trains",
        "You evaluate in whichever mode the model came, so that dropout raises the loss. Call "
        "model.eval() first.",
    ),
    (
        "left_in_evaluation", "stays",
        "The model is left in evaluation mode, and trains on without dropout. Put its mode back.",
    ),
    (
        "always_to_training", "always_trains",
        "You end with model.train(), whatever the mode was. Remember model.training at the start.",
    ),
    (
        "with_gradients", "records",
        "You record gradients for a number that is never differentiated: torch.no_grad().",
    ),
    (
        "recording_left_off", "stays_off",
        "You switch the recording of gradients off for good, and nothing trains afterwards. `with "
        "torch.no_grad():` puts it back by itself.",
    ),
    (
        "spread_for_error", "spread",
        "You return the spread of the batches. A mean of n of them is √n times as sure: divide by "
        "√n.",
    ),
    (
        "divided_by_count", "no_root",
        "You divided the spread by n. The spread of a mean falls with √n.",
    ),
    (
        "variance_for_error", "variance",
        "You return the variance of the mean. Its root is the standard error.",
    ),
    (
        "biased_spread", "biased",
        "Your spread divides by n. The batches are a sample: divide the squares by n − 1.",
    ),
    (
        "spread_of_tokens", "pooled",
        "Your spread is that of the single tokens. Tokens of one window resemble each other, so "
        "that they tell less than as many independent ones: take the spread of the batches' means.",
    ),
    ("last_batch", "last", "You return the last batch's loss. Average over all of them."),
    (
        "summed_tokens", "sums",
        "You took the sum over the tokens of a batch. Each batch gives its mean.",
    ),
    ("without_error", "no_error", "You return the mean alone. Return (mean, standard error)."),
    ("as_tensors", "tensors", "You return tensors. Both are plain floats."),
):  # fmt: skip
    estimate_loss.mistake(_message)(_estimating(_name, _habit))


estimate_loss.hint(
    "Remember the mode; eval; one mean loss a batch; put the mode back; two numbers."
)


estimate_loss.hint("`torch.tensor(losses).std()` divides by n − 1; then divide by √n.")


estimate_loss.hint("By hand: means 1 and 3 have the spread √2 and the standard error 1.", "value")


estimate_loss.hint("n or √n? n or n − 1?", when="factor")


estimate_loss.hint("Two floats: `.item()` or float(…).", when="type")
