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

train = Exercise(
    "train",
    minutes=20,
    difficulty=3,
    changes=("model", "optimiser", "generator"),
    returns=list[float],
)


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


@train.property("trains with every part of the model in training mode")
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    model.eval()
    _run(answer, model, tokens, 4, 1, [0.0, 0.0, 0.0], draw.seed())
    expect(model.modes, "how many of its 2 parts were in training mode, step by step").equals(
        [2, 2, 2]
    )


@train.property("records one loss for each rate, and none for no rates")
def _(answer, draw: Draw) -> None:
    for rates in ([], [0.0], [0.1, 0.0, 0.2]):
        model, tokens = _only_window(draw)
        losses = _run(answer, model, tokens, 4, 1, rates, draw.seed())
        expect(len(losses), f"how many losses there are for {len(rates)} rates").equals(len(rates))


@train.right
def right_training(model, tokens, context, batch_size, rates, optimiser, generator):
    model.train()
    losses = []
    for rate in rates:
        starts = torch.randint(len(tokens) - context, (batch_size,), generator=generator)
        places = starts[:, None] + torch.arange(context)
        logits, targets = model(tokens[places]), tokens[places + 1]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
    return losses


_DRAWN = "torch.randint(len(tokens) - context, (batch_size,), generator=generator)"
_LOOP, _CLEAR, _STEP = "    for rate in rates:\n", "optimiser.zero_grad()", "optimiser.step()"
_SET = '        for group in optimiser.param_groups:\n            group["lr"] = rate\n'


train.slip(
    "trained_without_offset",
    "Your targets are the inputs themselves: the model learns to repeat the word it sees. "
    "Take them from windows_at, offset by one.",
    {"tokens[places + 1]": "tokens[places]"},
)
train.slip(
    "trained_on_last_place",
    "You train on the last place of each window alone. All N places predict at once: that "
    "is what makes the transformer cheap to train.",
    {"logits.flatten(0, 1), targets.flatten()": "logits[:, -1], targets[:, -1]"},
)
train.slip(
    "gradients_pile_up",
    "Gradients pile up from step to step, and from before: call optimiser.zero_grad() "
    "before loss.backward().",
    {f"        {_CLEAR}\n": ""},
)
train.slip(
    "cleared_once",
    "You clear the gradient once, before the loop, so that it piles up from step to step. Clear it "
    "before each backward.",
    {f"        {_CLEAR}\n": "", _LOOP: f"    {_CLEAR}\n{_LOOP}"},
)
train.slip(
    "cleared_too_late",
    "You cleared the gradient between backward and step, so that nothing moves. Clear it "
    "before backward.",
    {f"        {_CLEAR}\n": "", "loss.backward()": f"loss.backward()\n        {_CLEAR}"},
)
train.slip(
    "cleared_after_step",
    "You clear the gradient after the step, so that what was left over before the first one "
    "still counts. Clear it before backward.",
    {f"        {_CLEAR}\n": "", _STEP: f"{_STEP}\n        {_CLEAR}"},
)
train.slip(
    "rate_not_set",
    "The learning rates never reach the optimiser. Before each step set group['lr'] = rate "
    "in every group of optimiser.param_groups.",
    {_SET: ""},
)
train.slip(
    "first_rate_only",
    "Every step used the first rate. Set the rate anew before each step.",
    {'group["lr"] = rate': 'group["lr"] = rates[0]'},
)
train.slip(
    "rate_set_late",
    "You set the rate after the step, so that each step uses the one before. Set it first.",
    {_SET: "", f"        {_STEP}\n": f"        {_STEP}\n{_SET}"},
)
train.slip(
    "first_group_only",
    "Only the first group of optimiser.param_groups gets the rate. There may be several: set "
    "it in each.",
    {"optimiser.param_groups": "optimiser.param_groups[:1]"},
)
train.slip(
    "one_batch_for_all",
    "Every step trains on the same windows: the starts are drawn once. Draw them inside the loop.",
    {f"{_LOOP}        starts = {_DRAWN}\n": f"    starts = {_DRAWN}\n{_LOOP}"},
)
train.slip(
    "starts_without_repeats",
    "You shuffle the starts, so that none comes twice and a batch has no more windows than "
    "there are starts. Draw each on its own: torch.randint.",
    {_DRAWN: "torch.randperm(len(tokens) - context, generator=generator)[:batch_size]"},
)
train.slip(
    "never_the_last_window",
    "The last window of the text is never drawn: the starts run from 0 to n − context − 1, "
    "which is torch.randint(n − context, …), since its upper end is left out.",
    {"len(tokens) - context": "max(1, len(tokens) - context - 1)"},
)
train.slip(
    "one_start_too_few",
    "The last window of the text is never drawn, and where one window fits exactly there is "
    "nothing to draw from. torch.randint leaves its upper end out: it is n − context.",
    {"len(tokens) - context": "len(tokens) - context - 1"},
)
train.slip(
    "one_start_too_many",
    "Your last start leaves no room for the target of its last word. The starts run from 0 to "
    "n − context − 1, which is torch.randint(n − context, …).",
    {"len(tokens) - context": "len(tokens) - context + 1"},
)
train.slip(
    "global_randomness",
    "Your windows do not come from the generator that was handed in. Pass "
    "generator=generator to torch.randint.",
    {", generator=generator": ""},
)
train.slip(
    "always_the_first_window",
    "You always train on the first window. Draw new starts at every step.",
    {"starts[:, None] +": "0 * starts[:, None] +"},
)
train.slip(
    "trained_in_evaluation_mode",
    "The model was left in evaluation mode. Call model.train() before the loop.",
    {"    model.train()\n": ""},
)
train.slip(
    "top_alone_trains",
    "The model says that it is in training mode, and its parts are not. `model.train()` sets all "
    "of them.",
    {"model.train()": "model.training = True"},
)
train.slip(
    "recorded_after_step",
    "You recorded each loss after its step. Record the one the gradient came from.",
    {
        "        losses.append(loss.item())\n": "",
        _STEP: f"{_STEP}\n        logits = model(tokens[places])\n        loss = "
        "F.cross_entropy(logits.flatten(0, 1), targets.flatten())\n"
        "        losses.append(loss.item())",
    },
)


train.hint(
    "One pass through the loop for each rate: draw, cut, loss, clear, backward, set rate, step."
)
train.hint("`torch.randint(high, (batch_size,), generator=generator)` draws from 0 to high − 1.")
train.hint("How many starts are there when one window fits exactly?", when="error")
train.hint("Try a rate of 0: all losses must then be those of the start.", when="value")
train.hint("As many losses as rates.", when="length")
