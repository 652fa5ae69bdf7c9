"""How `estimate_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import (
    Table,
    Tensor,
    drawn_batch,
    drawn_table,
    loss_and_slopes,
    mode_of,
    weights_of,
)

estimate_loss = Exercise(
    "estimate_loss",
    minutes=10,
    difficulty=2,
    changes=("model",),
    returns=tuple[float, float],
)


def _estimate_by_hand(model: Table, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    weights = weights_of(model)
    means = np.array([loss_and_slopes(weights, *batch)[0] for batch in batches])
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means)))


def _batches(draw: Draw, count: int) -> list[tuple[Tensor, Tensor]]:
    rows = 1 + draw.size % 3
    return [drawn_batch(draw, rows) for _ in range(count)]


@estimate_loss.property("is the mean over the batches, and its standard error", trials=5)
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw)
    batches = _batches(draw, 2 + draw.size % 5)
    mean, error = _estimate_by_hand(model, batches)
    found = answer(model, batches)
    expect(found[0], "the mean").close_to(mean)
    expect(found[1], "the standard error").close_to(error)


@estimate_loss.property("evaluates in evaluation mode, all parts of the model")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw).train()
    answer(model, _batches(draw, 3))
    words = "how many of 3 batches were read in evaluation mode"
    expect(model.modes.count("evaluation"), words).equals(3)
    words = "how many were read with some parts in training mode and some not"
    expect(model.modes.count("mixed"), words).equals(0)


@estimate_loss.property("records no gradients")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw).train()
    answer(model, _batches(draw, 3))
    expect(sum(model.recorded), "how many of 3 batches recorded gradients").equals(0)


@estimate_loss.property("leaves the recording of gradients as it was, on or off")
def _(answer, draw: Draw) -> None:
    for on in (True, False):
        with torch.set_grad_enabled(on):
            answer(drawn_table(draw), _batches(draw, 2))
            after = torch.is_grad_enabled()
        words = f"whether gradients are recorded afterwards ({on} before)"
        expect(after, words).equals(on)


@estimate_loss.property("leaves the model in the mode in which it came, all its parts")
def _(answer, draw: Draw) -> None:
    for mode in ("training", "evaluation"):
        model = drawn_table(draw).train(mode == "training")
        answer(model, _batches(draw, 2))
        after = mode_of(model)
        expect(after, f"its mode afterwards, where it came in {mode}").equals(mode)
        expect(after == "mixed", "whether some of its parts are in another mode").equals(False)


@estimate_loss.property("leaves parameters and gradients of the model as they were")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw)
    before = weights_of(model)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    answer(model, _batches(draw, 2))
    for name, found, kept in zip(
        ("tokens", "places", "gain"), weights_of(model), before, strict=True
    ):
        expect(found, name).close_to(kept)
    slope = model.tokens.grad
    expect(slope, "the gradient of tokens").close_to(torch.full_like(model.tokens, 3.0))


@estimate_loss.right
def right_estimate(model, batches):
    was = model.training
    model.eval()
    losses = []
    with torch.no_grad():
        for inputs, targets in batches:
            logits = model(inputs).flatten(0, 1)
            losses.append(F.cross_entropy(logits, targets.flatten()).item())
    model.train(was)
    spread = float(np.std(losses, ddof=1))
    mean = float(np.mean(losses))
    return mean, spread / math.sqrt(len(losses))


_ERROR = "spread / math.sqrt(len(losses))"


estimate_loss.slip(
    "in_training_mode",
    "You evaluate in whichever mode the model came, so that dropout raises the loss. Call "
    "model.eval() first.",
    {"    model.eval()\n": ""},
)
estimate_loss.slip(
    "mode_of_the_top_alone",
    "Only the model itself is in evaluation mode, and its parts, dropout among them, are not. "
    "`model.training = False` sets one of them; model.eval() sets all.",
    {"model.eval()": "model.training = False"},
)
estimate_loss.slip(
    "left_in_evaluation",
    "The model is left in evaluation mode, and trains on without dropout. Put back the mode that "
    "it had before model.eval().",
    {"    model.train(was)\n": ""},
)
estimate_loss.slip(
    "top_alone_put_back",
    "You put back the mode of the model itself; its parts, dropout among them, stay in evaluation "
    "mode. model.train(mode) sets all of them.",
    {"model.train(was)": "model.training = was"},
)
estimate_loss.slip(
    "always_to_training",
    "You end with model.train(), whatever the mode was. Remember model.training at the start.",
    {"model.train(was)": "model.train()"},
)
estimate_loss.slip(
    "with_gradients",
    "You record gradients for a number that is never differentiated: torch.no_grad().",
    {"with torch.no_grad():": "if True:"},
)
estimate_loss.slip(
    "recording_left_off",
    "You switch the recording of gradients off for good, and nothing trains afterwards. `with "
    "torch.no_grad():` puts it back by itself.",
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\n    if True:"},
)
estimate_loss.slip(
    "recording_switched_on",
    "You end with recording switched on, whatever it was. `with torch.no_grad():` puts it back by "
    "itself.",
    {"model.train(was)": "torch.set_grad_enabled(True)\n    model.train(was)"},
)
estimate_loss.slip(
    "gradients_cleared",
    "You clear the model's gradients. Nothing here computes any: leave them alone.",
    {"model.eval()": "model.eval()\n    model.zero_grad()"},
)
estimate_loss.slip(
    "spread_for_error",
    "You return the spread of the batches. A mean of n of them is √n times as sure: divide by √n.",
    {_ERROR: "spread"},
)
estimate_loss.slip(
    "divided_by_count",
    "You divided the spread by n. The spread of a mean falls with √n.",
    {_ERROR: "spread / len(losses)"},
)
estimate_loss.slip(
    "variance_for_error",
    "You return the variance of the mean. Its root is the standard error.",
    {_ERROR: "spread**2 / len(losses)"},
)
estimate_loss.slip(
    "root_of_one_less",
    "You divided by √(n − 1). The n − 1 belongs into the spread; the spread is divided by √n.",
    {_ERROR: "spread / math.sqrt(len(losses) - 1)"},
)
estimate_loss.slip(
    "biased_spread",
    "Your spread divides by n. The batches are a sample: divide the squares by n − 1.",
    {", ddof=1": ""},
)
estimate_loss.slip(
    "spread_of_tokens",
    "Your spread is that of the single tokens. Tokens of one window resemble each other, so "
    "that they tell less than as many independent ones: take the spread of the batches' means.",
    {
        "losses = []": "losses, tokens = [], []",
        "            losses.append": "            tokens += F.cross_entropy("
        "logits, targets.flatten(), reduction='none').tolist()\n            losses.append",
        "np.std(losses": "np.std(tokens",
        "math.sqrt(len(losses))": "math.sqrt(len(tokens))",
    },
)
estimate_loss.slip(
    "last_batch",
    "You return the last batch's loss. Average over all of them.",
    {"float(np.mean(losses))": "losses[-1]"},
)
estimate_loss.slip(
    "summed_batches",
    "You added up the losses of the batches. Divide by their number.",
    {"np.mean(losses)": "np.sum(losses)"},
)
estimate_loss.slip(
    "summed_tokens",
    "You took the sum over the tokens of a batch. Each batch gives its mean.",
    {"targets.flatten())": "targets.flatten(), reduction='sum')"},
)
estimate_loss.slip(
    "error_first",
    "The standard error comes first. Return (mean, standard error).",
    {f"mean, {_ERROR}": f"{_ERROR}, mean"},
)


estimate_loss.hint(
    "Remember the mode; eval; one mean loss a batch; put the mode back; two numbers."
)
estimate_loss.hint("`torch.tensor(losses).std()` divides by n − 1; then divide by √n.")
estimate_loss.hint("By hand: means 1 and 3 have the spread √2 and the standard error 1.", "value")
estimate_loss.hint("n or √n? n or n − 1?", when="factor")
estimate_loss.hint("Two floats: `.item()` or float(…).", when="type")
