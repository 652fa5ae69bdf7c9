"""How `train` is judged."""

from __future__ import annotations

from typing import Any

import torch

from descent.grading import Draw, Exercise, expect

from .accumulate import right_accumulation
from .clip_gradients import right_clip
from .learning_rate import right_rate
from .parameter_groups import right_groups
from .shared import Table, Tensor, drawn_batch, drawn_table, weights_of
from .training_doubles import (
    BETAS,
    Stream,
    adamw_by_hand,
    curve_without_moving,
    scheduled,
    watched_steps,
)

# The first optimiser of torch in a process takes its seconds.
train = Exercise(
    "train",
    minutes=30,
    difficulty=3,
    changes=("model", "batches"),
    seconds=10.0,
    returns=list[tuple[float, float]],
)


_STILL = 1e-7  # a rate at which nothing moves that a comparison would see


def _drawn(draw: Draw, steps: int, rows: int = 2) -> list[tuple[Tensor, Tensor]]:
    return [drawn_batch(draw, rows) for _ in range(steps)]


@train.property("notes the loss of each batch and its gradient's norm before clipping", trials=2)
def _(answer, draw: Draw) -> None:
    model, batches = drawn_table(draw), _drawn(draw, 3)
    wanted = curve_without_moving(model, batches)
    found = answer(model, Stream(batches), 3, _STILL, _STILL, 1, largest=0.01)
    expect([list(pair) for pair in found], "the curve: loss and norm of each step").close_to(wanted)


@train.property("takes one batch for each step, and reads it once", trials=2)
def _(answer, draw: Draw) -> None:
    model, stream = drawn_table(draw), Stream(_drawn(draw, 5))
    curve = answer(model, stream, 3, 0.1, 0.1, 1)
    expect(stream.taken, "how many batches were taken for 3 steps").equals(3)
    expect(len(curve), "how many entries the curve has").equals(3)
    expect(len(model.rows), "how many times the model was called").equals(3)


@train.property(
    "trains in training mode, whichever mode the model comes in, all its parts", trials=2
)
def _(answer, draw: Draw) -> None:
    for mode in (True, False):
        model = drawn_table(draw).train(mode)
        answer(model, Stream(_drawn(draw, 3)), 3, 0.1, 0.1, 1)
        came = f"where it came in {'training' if mode else 'evaluation'}"
        words = f"how many of 3 steps were in training mode, {came}"
        expect(model.modes.count("training"), words).equals(3)
        words = f"how many were with some parts in training mode and some not, {came}"
        expect(model.modes.count("mixed"), words).equals(0)


@train.property("cuts each batch into the parts it is told", trials=2)
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw)
    answer(model, Stream(_drawn(draw, 2, rows=5)), 2, 0.1, 0.1, 1, parts=3)
    expect(model.rows, "the rows read each time, 2 steps of 5 rows in 3 parts").equals(
        [2, 2, 1, 2, 2, 1]
    )


@train.property("steps by one AdamW, with the betas (0.9, 0.99)", trials=2)
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw)
    with watched_steps(model) as seen:
        answer(model, Stream(_drawn(draw, 3)), 3, 0.1, 0.1, 1)
    expect(len(seen), "how many times an optimiser stepped, in 3 steps").equals(3)
    # Those that were seen are kept, so that no two of them have one id.
    expect(len({id(step.optimiser) for step in seen}), "how many optimisers stepped").equals(1)
    kinds = [type(step.optimiser).__name__ for step in seen]
    expect(kinds, "what stepped").equals(["AdamW"] * 3)
    betas = [list(pair) for step in seen for pair in step.betas if len(pair) == 2]
    expect(betas, "the betas, for each parameter in each step").close_to([list(BETAS)] * 9)


@train.property("sets the rate of each step before it, in every group", trials=3)
def _(answer, draw: Draw) -> None:
    model, steps, warm_up = drawn_table(draw), 3 + draw.size, {1: 2, 2: 0, 3: 3}[draw.size]
    peak, least = draw.uniform(0.2, 0.5), draw.uniform(0.01, 0.1)
    with watched_steps(model) as seen:
        answer(model, Stream(_drawn(draw, steps)), steps, peak, least, warm_up)
    rates = [step.rates for step in seen]
    wanted = [[rate] * 3 for rate in scheduled(steps, peak, least, warm_up)]
    words = "the rates of each step, for a matrix, another one and a gain"
    expect(rates, words).close_to(wanted)


@train.property("decays matrices by the amount it is told, and gains not at all", trials=3)
def _(answer, draw: Draw) -> None:
    model, decay = drawn_table(draw), 0.0 if draw.size == 2 else draw.uniform(0.2, 2.0)
    with watched_steps(model) as seen:
        answer(model, Stream(_drawn(draw, 2)), 2, 0.1, 0.1, 1, decay=decay)
    decays = [step.decays for step in seen]
    words = "the decay in each step, of a matrix, another one and a gain"
    expect(decays, words).close_to([[decay, decay, 0.0]] * 2, atol=1e-9)


@train.property("clips before the step, to the norm it is told", trials=3)
def _(answer, draw: Draw) -> None:
    model, batches = drawn_table(draw), _drawn(draw, 3)
    norms = [norm for _, norm in curve_without_moving(model, batches)]
    largest = {1: 0.5 * min(norms), 2: 2 * max(norms), 3: sum(norms) / 3}[draw.size]
    with watched_steps(model) as seen:
        answer(model, Stream(batches), 3, _STILL, _STILL, 1, largest=largest)
    words = f"the norm of the gradient that each step uses, where {largest:.4g} is allowed"
    expect([step.norm for step in seen], words).close_to([min(norm, largest) for norm in norms])


def _expect_by_hand(model: Table, found: Any, curve: Any, weights: list[Tensor]) -> None:
    expect([list(pair) for pair in found], "the curve: loss and norm of each step").close_to(
        curve, atol=1e-6
    )
    for name, got, expected in zip(
        ("tokens", "places", "gain"), weights_of(model), weights, strict=True
    ):
        expect(got, f"{name} afterwards").close_to(expected, atol=1e-6)


@train.property("comes, step by step, to what AdamW by its formula comes to", trials=3)
def _(answer, draw: Draw) -> None:
    steps, rows, parts = {1: (6, 4, 1), 2: (4, 5, 3), 3: (5, 3, 2)}[draw.size]
    model, batches = drawn_table(draw), _drawn(draw, steps, rows)
    decay, largest = draw.uniform(0.3, 2.0), 0.3
    curve, weights = adamw_by_hand(
        weights_of(model), batches, scheduled(steps, 0.1, 0.02, 2), decay, largest
    )
    stream, given = Stream(batches), (steps, 0.1, 0.02, 2, parts)
    found = answer(model, stream, *given, decay=decay, largest=largest)
    _expect_by_hand(model, found, curve, weights)


@train.property("works with its defaults: one part, a decay of 0.1, a largest norm of 1", trials=2)
def _(answer, draw: Draw) -> None:
    model, batches = drawn_table(draw), _drawn(draw, 4)
    model.gain.data.mul_(6)  # gradients above 1
    curve, weights = adamw_by_hand(weights_of(model), batches, scheduled(4, 0.5, 0.1, 0), 0.1, 1.0)
    found = answer(model, Stream(batches), 4, 0.5, 0.1, 0)
    _expect_by_hand(model, found, curve, weights)
    expect(model.rows, "the rows read each time, 4 steps of 2 rows").equals([2, 2, 2, 2])


@train.property("takes no batch and moves nothing in 0 steps", trials=2)
def _(answer, draw: Draw) -> None:
    model, stream = drawn_table(draw), Stream(_drawn(draw, 2))
    before = weights_of(model)
    curve = answer(model, stream, 0, 0.1, 0.1, 0)
    expect(len(curve), "how many entries the curve has").equals(0)
    expect(stream.taken, "how many batches were taken").equals(0)
    expect(model.tokens, "tokens afterwards").close_to(before[0])


@train.right
def right_training(model, batches, steps, peak, least, warm_up, parts=1, decay=0.1, largest=1.0):
    model.train()
    optimiser = torch.optim.AdamW(right_groups(model, decay), lr=peak, betas=(0.9, 0.99))
    curve = []
    for step in range(steps):
        inputs, targets = next(batches)
        loss = right_accumulation(model, inputs, targets, parts)
        norm = right_clip(model.parameters(), largest)
        for group in optimiser.param_groups:
            group["lr"] = right_rate(step, steps, peak, least, warm_up)
        optimiser.step()
        curve.append((loss, norm))
    return curve


_OPTIMISER = "optimiser = torch.optim.AdamW(right_groups(model, decay), lr=peak, betas=(0.9, 0.99))"
_GROUPS = "right_groups(model, decay)"
_CLIP = "right_clip(model.parameters(), largest)"
_RATE = "right_rate(step, steps, peak, least, warm_up)"


train.slip(
    "usual_betas",
    "β₂ is torch's usual 0.999. nanoGPT uses 0.99 for this small model, whose batches hold few "
    "tokens: betas=(0.9, 0.99).",
    {", betas=(0.9, 0.99)": ""},
)
train.slip(
    "betas_swapped",
    "The two betas have changed places: betas=(0.9, 0.99).",
    {"(0.9, 0.99)": "(0.99, 0.9)"},
)
train.slip(
    "everything_decays",
    "Gains decay too. Hand the optimiser your parameter_groups(model, decay).",
    {_GROUPS: "model.parameters(), weight_decay=decay"},
)
train.slip(
    "without_groups",
    "Every parameter decays, by the 0.01 that is AdamW's own. Hand the optimiser your "
    "parameter_groups(model, decay).",
    {_GROUPS: "model.parameters()"},
)
train.slip(
    "nothing_decays",
    "Nothing decays: pass `decay` on to parameter_groups.",
    {_GROUPS: "right_groups(model, 0.0)"},
)
train.slip(
    "decay_fixed",
    "Your decay is 0.1 whatever was given. That is the default.",
    {_GROUPS: "right_groups(model, 0.1)"},
)
train.slip(
    "zero_decay_replaced",
    "A decay of 0 becomes another number. `decay or …` takes 0 for nothing: pass `decay` on as it "
    "is.",
    {_GROUPS: "right_groups(model, decay or 0.1)"},
)
train.slip(
    "largest_fixed",
    "You clip at a norm of 1 whatever was given. That is the default: pass `largest` on.",
    {_CLIP: "right_clip(model.parameters(), 1.0)"},
)
train.slip(
    "adam_with_penalty",
    "You used Adam, whose weight_decay is added to the gradient and then divided by its root. "
    "AdamW takes the decay from the weights directly.",
    {"optim.AdamW": "optim.Adam"},
)
train.slip(
    "plain_descent",
    "You used plain gradient descent. It is AdamW here.",
    {"optim.AdamW": "optim.SGD", ", betas=(0.9, 0.99)": ""},
)
train.slip(
    "never_clipped",
    "The steps are taken with gradients that are not clipped: clip_gradients("
    "model.parameters(), largest), after accumulate and before the step.",
    {_CLIP: "right_clip(model.parameters(), torch.inf)"},
)
train.slip(
    "clipped_each_alone",
    "Every gradient is clipped by its own norm. One norm for all of them.",
    {
        _CLIP: """right_clip(model.parameters(), torch.inf)
        for parameter in model.parameters():
            right_clip([parameter], largest)"""
    },
)
train.slip(
    "rate_never_set",
    "Every step has the peak rate. Set group['lr'] = learning_rate(…) in every group, before "
    "the step.",
    {_RATE: "peak"},
)
train.slip(
    "rate_of_next_step",
    "Your steps use the rate of the step after. Steps count from 0.",
    {_RATE: "right_rate(step + 1, steps, peak, least, warm_up)"},
)
train.slip(
    "rate_set_late",
    "You set the rate after the step, so that each step uses the one before. Set it first.",
    {
        "        for group in": "        optimiser.step()\n        for group in",
        "warm_up)\n        optimiser.step()\n": "warm_up)\n",
    },
)
train.slip(
    "first_group_only",
    "Only the first group gets the rate. Gains and biases are in the second: set both.",
    {"in optimiser.param_groups": "in optimiser.param_groups[:1]"},
)
train.slip(
    "peak_and_least_swapped",
    "`peak` and `least` have changed places: the rate falls first and rises then. "
    "learning_rate(step, steps, peak, least, warm_up).",
    {_RATE: "right_rate(step, steps, least, peak, warm_up)"},
)
train.slip(
    "without_warm_up",
    "There is no warm-up: pass `warm_up` on to learning_rate.",
    {_RATE: "right_rate(step, steps, peak, least, 0)"},
)
train.slip(
    "optimiser_made_anew",
    "You make a new optimiser in every step, which forgets its running means. Once, before "
    "the loop.",
    {
        f"    {_OPTIMISER}\n": "",
        "        inputs, targets = next": f"        {_OPTIMISER}\n        inputs, targets = next",
    },
)
train.slip(
    "gradients_pile_up",
    "Gradients pile up from step to step. Your accumulate clears them; does anything undo it?",
    {
        "        loss = right": "        kept = [p.grad for p in model.parameters()]\n"
        "        loss = right",
        "        norm =": "        for p, grad in zip(model.parameters(), kept):\n"
        "            p.grad += 0.0 if grad is None else grad\n        norm =",
    },
)
train.slip(
    "cleared_too_late",
    "The gradient is cleared between accumulate and the step, so that nothing moves. "
    "accumulate clears the old one itself.",
    {"        optimiser.step": "        optimiser.zero_grad()\n        optimiser.step"},
)
train.slip(
    "step_forgotten",
    "Nothing takes a step: optimiser.step(), after the rate is set.",
    {"        optimiser.step()\n": ""},
)
train.slip(
    "parts_ignored",
    "`parts` is ignored: the whole batch goes through the model at once.",
    {"targets, parts)": "targets, 1)"},
)
train.slip(
    "one_batch_for_all",
    "Every step trains on the first batch. Take a new one each step: next(batches).",
    {
        "curve = []\n": "curve, batch = [], next(batches) if steps else None\n",
        "= next(batches)\n": "= batch\n",
    },
)
train.slip(
    "in_evaluation_mode",
    "The model trains in evaluation mode, without dropout. Call model.train() first.",
    {"model.train()": "model.eval()"},
)
train.slip(
    "mode_left_alone",
    "The model trains in whichever mode it came. One that came from an evaluation trains without "
    "dropout: call model.train() first.",
    {"    model.train()\n": ""},
)
train.slip(
    "mode_of_the_top_alone",
    "Only the model itself is put into training mode, and its parts, dropout among them, are not. "
    "`model.training = True` sets one of them; model.train() sets all.",
    {"model.train()": "model.training = True"},
)
train.slip(
    "norm_after_clipping",
    "You record the norm after clipping. Before it is the gauge that tells of trouble.",
    {"(loss, norm)": "(loss, min(norm, largest))"},
)
train.slip(
    "norm_first",
    "Your pairs begin with the norm. Record (loss, norm before clipping).",
    {"(loss, norm)": "(norm, loss)"},
)
train.slip(
    "loss_after_the_step",
    "You compute the loss again after the step. The one before the step is what accumulate has "
    "returned, and costs nothing.",
    {"(loss, norm)": "(right_accumulation(model, inputs, targets, parts), norm)"},
)
train.slip(
    "one_batch_too_many",
    "You take one batch more than there are steps. `zip(batches, range(steps))` does that; "
    "`zip(range(steps), batches)` does not.",
    {
        "for step in range(steps):\n        inputs, targets = next(batches)\n": (
            "for (inputs, targets), step in zip(batches, range(steps)):\n"
        )
    },
)


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
