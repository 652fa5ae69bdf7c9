"""How `train` is judged."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from descent.exercises.doubles import (
    PlainDescent,
    token_tensor,
    torch_generator,
)
from descent.grading import Draw, Exercise, expect

from .shared import Table, Tensor, drawn_table, table_surprises

train = Exercise("train", minutes=20, difficulty=3, changes=("model", "optimiser", "generator"))


def _run(answer, model: Table, tokens: Tensor, context: int, batch: int, rates, seed: int):
    return answer(model, tokens, context, batch, rates, PlainDescent(model), torch_generator(seed))


def _only_window(draw: Draw, context: int = 4) -> tuple[Table, Tensor]:
    """A text into which one window fits, so that chance has no say."""
    return drawn_table(draw, 5, context), token_tensor(draw, 5, context + 1)


@train.property("predicts the next word at every place, and records the loss before the step")
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    expected = table_surprises(model, tokens, 4).mean()
    losses = _run(answer, model, tokens, 4, 2, [0.0, 0.0], draw.seed())
    expect(losses, "the losses at a learning rate of 0").close_to([expected, expected])


@train.property("takes one step at each rate, along that step's gradient alone", trials=3)
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    twin = [model.words.detach().clone(), model.places.detach().clone()]
    rates, expected = [0.5, 2.0, 1.0], []
    for rate in rates:
        twin = [part.requires_grad_() for part in twin]
        logits = twin[0][tokens[:-1]] + twin[1]
        picked = logits.log_softmax(-1)[torch.arange(4), tokens[1:]]
        expected.append(-picked.mean().item())
        slopes = torch.autograd.grad(-picked.mean(), twin)
        twin = [(part - rate * s).detach() for part, s in zip(twin, slopes, strict=True)]
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)  # left over from before
    losses = _run(answer, model, tokens, 4, 3, rates, draw.seed())
    expect(losses, "the losses").close_to(expected, atol=1e-5)
    expect(model.words, "the parameters afterwards").close_to(twin[0], atol=1e-5)


@train.property("draws every window that has room for its targets, and no other")
def _(answer, draw: Draw) -> None:
    tokens = torch.arange(7)
    model = drawn_table(draw, 7, 4)
    _run(answer, model, tokens, 4, 40, [0.0] * 12, draw.seed())
    shapes = sorted({tuple(x.shape) for x in model.inputs})
    expect(shapes, "the shapes of the batches").equals([(40, 4)])
    starts = torch.cat([x[:, 0] for x in model.inputs])
    expect(sorted(set(starts.tolist())), "the starts that were drawn").equals([0, 1, 2])
    expect(
        len({tuple(x[:, 0].tolist()) for x in model.inputs}) > 6, "whether the batches differ"
    ).equals(True)


@train.property("takes its windows from the generator it was given")
def _(answer, draw: Draw) -> None:
    seen = []
    seed = draw.seed()
    for number in (seed, seed, seed + 1):
        model = drawn_table(draw, 40, 3)
        _run(answer, model, torch.arange(40), 3, 6, [0.0] * 3, number)
        seen.append([x.tolist() for x in model.inputs])
    expect(seen[0] == seen[1], "whether the same seed gives the same windows").equals(True)
    expect(seen[0] == seen[2], "whether another seed gives the same windows").equals(False)


@train.property("trains in training mode")
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    model.eval()
    losses = _run(answer, model, tokens, 4, 1, [0.0, 0.0, 0.0], draw.seed())
    expect(sum(model.modes), "how many of 3 steps were in training mode").equals(3)
    expect(len(losses), "how many losses there are").equals(3)
    expect(all(isinstance(loss, float) for loss in losses), "plain floats").equals(True)


def _learn(model, tokens, context, batch_size, rates, optimiser, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    if habits.get("evaluates"):
        model.eval()
    else:
        model.train()
    losses = []
    high = max(1, len(tokens) - context - habits.get("short", 0))
    source = None if habits.get("ignores_generator") else generator
    for step, rate in enumerate(rates):
        if habits.get("without_repeats"):
            starts = torch.randperm(high, generator=source)[:batch_size]
        elif step == 0 or not habits.get("one_batch"):
            starts = torch.randint(high, (batch_size,), generator=source)
        starts = torch.zeros_like(starts) if habits.get("first_window") else starts
        places = starts[:, None] + torch.arange(context)
        x, y = tokens[places], tokens[places + (0 if habits.get("not_offset") else 1)]
        if not habits.get("fixed_rate") and not habits.get("late_rate"):
            for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
                group["lr"] = rates[0] if habits.get("first_rate") else rate
        logits = model(x)
        if habits.get("last_only"):
            logits, y = logits[:, -1:], y[:, -1:]
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if not habits.get("accumulates") and not habits.get("clears_after"):
            optimiser.zero_grad()
        loss.backward()
        if habits.get("clears_late"):
            optimiser.zero_grad()
        optimiser.step()
        if habits.get("clears_after"):
            optimiser.zero_grad()
        if habits.get("late_rate"):
            for group in optimiser.param_groups:
                group["lr"] = rate
        if habits.get("loss_after"):
            with torch.no_grad():
                loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        losses.append(loss.detach() if habits.get("tensors") else loss.item())
    return losses


def _learning(name, habit):
    # Its parameters have names, so that the engine knows which arguments may be changed.
    def answer(model, tokens, context, batch_size, rates, optimiser, generator):
        return _learn(
            model, tokens, context, batch_size, rates, optimiser, generator, **{habit: True}
        )

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "trained_without_offset", "not_offset",
        "Your targets are the inputs themselves: the model learns to repeat the word it sees. "
        "Take them from windows_at, offset by one.",
    ),
    (
        "trained_on_last_place", "last_only",
        "You train on the last place of each window alone. All N places predict at once: that "
        "is what makes the transformer cheap to train.",
    ),
    (
        "gradients_pile_up", "accumulates",
        "Gradients pile up from step to step, and from before: call optimiser.zero_grad() "
        "before loss.backward().",
    ),
    (
        "cleared_too_late", "clears_late",
        "You cleared the gradient between backward and step, so that nothing moves. Clear it "
        "before backward.",
    ),
    (
        "rate_not_set", "fixed_rate",
        "The learning rates never reach the optimiser. Before each step set group['lr'] = rate "
        "in every group of optimiser.param_groups.",
    ),
    (
        "first_rate_only", "first_rate",
        "Every step used the first rate. Set the rate anew before each step.",
    ),
    (
        "rate_set_late", "late_rate",
        "You set the rate after the step, so that each step uses the one before. Set it first.",
    ),
    (
        "first_group_only", "first_group",
        "Only the first group of optimiser.param_groups gets the rate. There may be several: set "
        "it in each.",
    ),
    (
        "cleared_after_step", "clears_after",
        "You clear the gradient after the step, so that what was left over before the first one "
        "still counts. Clear it before backward.",
    ),
    (
        "one_batch_for_all", "one_batch",
        "Every step trains on the same windows: the starts are drawn once. Draw them inside the "
        "loop.",
    ),
    (
        "starts_without_repeats", "without_repeats",
        "You shuffle the starts, so that none comes twice and a batch has no more windows than "
        "there are starts. Draw each on its own: torch.randint.",
    ),
    (
        "never_the_last_window", "short",
        "The last window of the text is never drawn: the starts run from 0 to n − context − 1, "
        "which is torch.randint(n − context, …), since its upper end is left out.",
    ),
    (
        "global_randomness", "ignores_generator",
        "Your windows do not come from the generator that was handed in. Pass "
        "generator=generator to torch.randint.",
    ),
    (
        "always_the_first_window", "first_window",
        "You always train on the first window. Draw new starts at every step.",
    ),
    (
        "trained_in_evaluation_mode", "evaluates",
        "The model was left in evaluation mode. Call model.train() before the loop.",
    ),
    (
        "recorded_after_step", "loss_after",
        "You recorded each loss after its step. Record the one the gradient came from.",
    ),
    (
        "recorded_tensors", "tensors",
        "Your losses are tensors. `loss.item()` keeps a plain number and lets go of the rest.",
    ),
):  # fmt: skip
    train.mistake(_message)(_learning(_name, _habit))


train.hint(
    "One pass through the loop for each rate: draw, cut, loss, clear, backward, set rate, step."
)


train.hint("`torch.randint(high, (batch_size,), generator=generator)` draws from 0 to high − 1.")


train.hint("How many starts are there when one window fits exactly?", when="error")


train.hint("Try a rate of 0: all losses must then be those of the start.", when="value")


train.hint("As many losses as rates.", when="length")
