"""How `train` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import (
    Tensor,
    accumulated,
    clip,
    drawn_batch,
    drawn_table,
    loss_and_slopes,
    scheduled_rate,
    weights_of,
)

# The first optimiser of torch in a process takes its seconds.
train = Exercise("train", minutes=30, difficulty=3, changes=("model", "batches"), seconds=10.0)


_BETAS = (0.9, 0.99)


class Stream:
    """Batches one after another, and how many were taken."""

    def __init__(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        self.batches, self.taken = batches, 0

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        if self.taken == len(self.batches):
            raise StopIteration
        self.taken += 1
        return self.batches[self.taken - 1]

    def __repr__(self) -> str:
        return f"a stream of {len(self.batches)} batches"


def _by_hand(
    weights: list[Tensor],
    batches: list[tuple[Tensor, Tensor]],
    rates: list[float],
    decay: float,
    largest: float,
) -> tuple[list[list[float]], list[Tensor]]:
    """AdamW written out, with clipping: the curve and the weights afterwards."""
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    curve = []
    for step, ((inputs, targets), rate) in enumerate(zip(batches, rates, strict=True), 1):
        loss, slopes = loss_and_slopes(weights, inputs, targets)
        norm = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
        curve.append([loss, norm])
        for i, slope in enumerate(slopes):
            slope = slope * min(1.0, largest / norm)
            means[i] = _BETAS[0] * means[i] + (1 - _BETAS[0]) * slope
            squares[i] = _BETAS[1] * squares[i] + (1 - _BETAS[1]) * slope**2
            mean = means[i] / (1 - _BETAS[0] ** step)
            root = (squares[i] / (1 - _BETAS[1] ** step)).sqrt()
            kept = 1 - rate * decay if weights[i].dim() > 1 else 1.0
            weights[i] = kept * weights[i] - rate * mean / (root + 1e-8)
    return curve, weights


def _rates(steps: int, peak: float, least: float, warm_up: int) -> list[float]:
    rise = [peak * (s + 1) / (warm_up + 1) for s in range(warm_up)]
    angles = np.linspace(0, np.pi / 2, steps - warm_up + 1)[:-1]
    return rise + [float(least + (peak - least) * np.cos(a) ** 2) for a in angles]


_SETTINGS: dict[str, Any] = {"peak": 0.1, "least": 0.02, "warm_up": 2}


def _against_hand(answer, draw: Draw, steps: int, rows: int, **more: Any) -> None:
    model = drawn_table(draw)
    batches = [drawn_batch(draw, rows) for _ in range(steps)]
    settings = {**_SETTINGS, **more}
    parts = settings.pop("parts", 1)
    decay, largest = settings.pop("decay", 0.1), settings.pop("largest", 1.0)
    rates = _rates(steps, **settings)
    curve, weights = _by_hand(weights_of(model), batches, rates, decay, largest)
    given = (steps, settings["peak"], settings["least"], settings["warm_up"])
    found = answer(model, Stream(batches), *given, parts=parts, decay=decay, largest=largest)
    expect([list(pair) for pair in found], "the curve: loss and norm of each step").close_to(
        curve, atol=1e-6
    )
    for name, got, expected in zip(
        ("tokens", "places", "gain"), weights_of(model), weights, strict=True
    ):
        expect(got, f"{name} afterwards").close_to(expected, atol=1e-6)


@train.property("follows AdamW, the schedule and clipping, step by step", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 6, 4, largest=0.3)


@train.property("decays matrices alone, and by the amount it is told", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 5, 3, decay=2.0, largest=100.0)


@train.property("accumulates over parts, and comes to the same", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 4, 5, parts=3, largest=0.5)
    model = drawn_table(draw)
    answer(model, Stream([drawn_batch(draw, 5) for _ in range(3)]), 3, 0.1, 0.1, 1, parts=3)
    expect(max(model.rows), "the most rows read at once, of 5 in 3 parts").equals(2)


@train.property("works with its defaults: one part, a decay of 0.1, a largest norm of 1")
def _(answer, draw: Draw) -> None:
    model, batches = drawn_table(draw), [drawn_batch(draw, 2) for _ in range(4)]
    model.gain.data.mul_(6)  # gradients above 1
    rates = _rates(4, 0.5, 0.1, 0)
    curve, weights = _by_hand(weights_of(model), batches, rates, 0.1, 1.0)
    found = answer(model, Stream(batches), 4, 0.5, 0.1, 0)
    expect([list(pair) for pair in found], "the curve").close_to(curve, atol=1e-6)
    expect(model.tokens, "tokens afterwards").close_to(weights[0], atol=1e-6)
    expect(model.gain, "gain afterwards").close_to(weights[2], atol=1e-6)


@train.property("trains in training mode, on one batch a step, and records plain numbers")
def _(answer, draw: Draw) -> None:
    model, stream = drawn_table(draw).eval(), Stream([drawn_batch(draw, 2) for _ in range(5)])
    curve = answer(model, stream, 3, 0.1, 0.1, 1)
    expect(stream.taken, "how many batches were taken for 3 steps").equals(3)
    expect(len(curve), "how many entries the curve has").equals(3)
    expect(sum(model.modes), "how many of 3 steps were in training mode").equals(3)
    plain = all(isinstance(number, float) for pair in curve for number in pair)
    expect(plain, "whether losses and norms are plain floats").equals(True)


def _optimiser(model, peak, decay, **habits):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.0 if habits.get("no_decay") else decay},
        {"params": rest, "weight_decay": decay if habits.get("decays_all") else 0.0},
    ]
    betas = (0.9, 0.999) if habits.get("usual_betas") else _BETAS
    if habits.get("plain_adam"):
        return torch.optim.Adam(groups, lr=peak, betas=betas)
    if habits.get("descends"):
        return torch.optim.SGD(groups, lr=peak)
    return torch.optim.AdamW(groups, lr=peak, betas=betas)


def _fit(model, batches, steps, peak, least, warm_up, parts, decay, largest, **habits):
    if habits.get("evaluates"):
        model.eval()
    else:
        model.train()
    parts = 1 if habits.get("ignores_parts") else parts
    decay = 0.1 if habits.get("fixed_decay") else decay
    largest = 1.0 if habits.get("fixed_largest") else largest
    optimiser, curve, first = _optimiser(model, peak, decay, **habits), [], None
    for step in range(steps):
        if habits.get("fresh"):
            optimiser = _optimiser(model, peak, decay, **habits)
        first = next(batches) if first is None or not habits.get("one_batch") else first
        inputs, targets = first
        loss = accumulated(model, inputs, targets, parts, keeps_old=habits.get("piles_up"))
        if habits.get("never_clips"):
            norm = clip(model.parameters(), math.inf)
        else:
            norm = clip(model.parameters(), largest, each=habits.get("clips_each"))
        rate = scheduled_rate(step + bool(habits.get("next_rate")), steps, peak, least, warm_up)
        if habits.get("rate_late"):
            rate = peak if step == 0 else scheduled_rate(step - 1, steps, peak, least, warm_up)
        for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
            group["lr"] = peak if habits.get("constant") else rate
        if habits.get("clears_late"):
            optimiser.zero_grad()
        optimiser.step()
        norm = min(norm, largest) if habits.get("norm_after") else norm
        curve.append((torch.tensor(loss), norm) if habits.get("tensors") else (loss, norm))
    if habits.get("one_more"):
        next(batches)
    return [loss for loss, _ in curve] if habits.get("losses_only") else curve


def _fitting(name, habit):
    def answer(model, batches, steps, peak, least, warm_up, parts=1, decay=0.1, largest=1.0):
        given = (model, batches, steps, peak, least, warm_up, parts, decay, largest)
        return _fit(*given, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "usual_betas", "usual_betas",
        "β₂ is torch's usual 0.999. nanoGPT uses 0.99 for this small model, whose batches hold few "
        "tokens: betas=(0.9, 0.99).",
    ),
    (
        "everything_decays", "decays_all",
        "Gains decay too. Hand the optimiser your parameter_groups(model, decay).",
    ),
    ("nothing_decays", "no_decay", "Nothing decays: pass `decay` on to parameter_groups."),
    ("decay_fixed", "fixed_decay", "Your decay is 0.1 whatever was given. That is the default."),
    (
        "largest_fixed", "fixed_largest",
        "You clip at a norm of 1 whatever was given. That is the default: pass `largest` on.",
    ),
    (
        "adam_with_penalty", "plain_adam",
        "You used Adam, whose weight_decay is added to the gradient and then divided by its root. "
        "AdamW takes the decay from the weights directly.",
    ),
    ("plain_descent", "descends", "You used plain gradient descent. It is AdamW here."),
    (
        "never_clipped", "never_clips",
        "The steps are taken with gradients that are not clipped: clip_gradients("
        "model.parameters(), largest), after accumulate and before the step.",
    ),
    (
        "clipped_each_alone", "clips_each",
        "Every gradient is clipped by its own norm. One norm for all of them.",
    ),
    (
        "rate_never_set", "constant",
        "Every step has the peak rate. Set group['lr'] = learning_rate(…) in every group, before "
        "the step.",
    ),
    (
        "rate_of_next_step", "next_rate",
        "Your steps use the rate of the step after. Steps count from 0.",
    ),
    (
        "rate_set_late", "rate_late",
        "You set the rate after the step, so that each step uses the one before. Set it first.",
    ),
    (
        "first_group_only", "first_group",
        "Only the first group gets the rate. Gains and biases are in the second: set both.",
    ),
    (
        "optimiser_made_anew", "fresh",
        "You make a new optimiser in every step, which forgets its running means. Once, before "
        "the loop.",
    ),
    (
        "gradients_pile_up", "piles_up",
        "Gradients pile up from step to step. Your accumulate clears them; does anything undo it?",
    ),
    (
        "cleared_too_late", "clears_late",
        "The gradient is cleared between accumulate and the step, so that nothing moves. "
        "accumulate clears the old one itself.",
    ),
    (
        "parts_ignored", "ignores_parts",
        "`parts` is ignored: the whole batch goes through the model at once.",
    ),
    (
        "one_batch_for_all", "one_batch",
        "Every step trains on the first batch. Take a new one each step: next(batches).",
    ),
    (
        "in_evaluation_mode", "evaluates",
        "The model trains in evaluation mode, without dropout. Call model.train() first.",
    ),
    (
        "norm_after_clipping", "norm_after",
        "You record the norm after clipping. Before it is the gauge that tells of trouble.",
    ),
    (
        "without_norms", "losses_only",
        "Your curve has losses alone. Record a pair for each step: (loss, norm before clipping).",
    ),
    (
        "one_batch_too_many", "one_more",
        "You take one batch more than there are steps. `zip(batches, range(steps))` does that; "
        "`zip(range(steps), batches)` does not.",
    ),
    ("recorded_tensors", "tensors", "Your losses are tensors. Keep plain floats."),
):  # fmt: skip
    train.mistake(_message)(_fitting(_name, _habit))


train.equivalent(
    "`optimiser = torch.optim.AdamW(parameter_groups(model, decay), lr=peak, betas=(0.9, 0.99))` → "
    "`optimiser = torch.optim.AdamW(parameter_groups(model, decay), betas=(0.9, 0.99))`",
    because="the rate is set from the schedule before every step, the first included",
)


train.hint(
    "Mode, optimiser; then for each step: batch, accumulate, clip, set the rate, step, note."
)


train.hint("`torch.optim.AdamW(parameter_groups(model, decay), lr=peak, betas=(0.9, 0.99))`, once.")


train.hint("`for group in optimiser.param_groups: group['lr'] = learning_rate(step, …)`.", "value")


train.hint("One pair (loss, norm) a step.", when="shape")


train.hint("`next(batches)` gives the next batch.", when="error")


train.hint("As many entries as steps.", when="length")
