"""How `train_fast` is judged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import Places, Reads, Stepping, Watched, shifted
from .shift import right_shift

train_fast = Exercise(
    "train_fast",
    minutes=35,
    difficulty=3,
    changes=("model", "optimiser"),
    seconds=10.0,
    returns=Tensor,
)


def _bytes(draw: Draw, n: int) -> tuple[Tensor, Tensor]:
    pictures = torch.tensor(draw.integers(1, 256, n, 2, 4, 4), dtype=torch.uint8)
    return pictures, torch.tensor(draw.integers(0, 3, n))


def _batches(seed: int, n: int, epochs: int, size: int, limit: int) -> Iterator[tuple]:
    """Orders and offsets as the specification draws them."""
    generator = torch_generator(seed)
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator)
        for place in range(n // size):
            offsets = torch.randint(-limit, limit + 1, (size, 2), generator=generator)
            yield order[place * size : (place + 1) * size], offsets


def _rates(steps: int, peak: float) -> list[float]:
    """The schedule of rung 10, with a warm-up of a quarter."""
    found = []
    for step in range(steps):
        t = (step + 0.5) / steps
        rising, falling = t / 0.25, 0.5 * (1 + math.cos(math.pi * (t - 0.25) / 0.75))
        found.append(peak * (rising if t < 0.25 else falling))
    return found


def _run(answer, draw: Draw, n: int, epochs: int, size: int, seed: int = 1) -> Watched:
    """The model after a training at a peak of 0.1."""
    model = Watched(draw).eval()
    data = _bytes(draw, n)
    answer(model, Stepping(model), *data, epochs, size, 0.1, torch_generator(seed))
    return model


def _expect_shown(answer, draw: Draw, limit: int | None) -> None:
    seed, model = draw.seed(), Watched(draw)
    pictures, labels = _bytes(draw, 5)
    given = () if limit is None else (limit,)
    answer(model, Stepping(model), pictures, labels, 2, 2, 0.1, torch_generator(seed), *given)
    right = []
    for batch, offsets in _batches(seed, 5, 2, 2, 1 if limit is None else limit):
        right.append(shifted(pictures[batch].numpy(), offsets.numpy()) / 255)
    expect([len(shown) for shown in model.shown], "the sizes of the batches").equals([2] * 4)
    expect(torch.stack(model.shown[:4]), "what the model saw").close_to(np.stack(right), rtol=1e-5)
    expect(model.shown[0], "the pictures").has_dtype("float32")


@train_fast.property("returns a float32 for each step", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    found = answer(model, Stepping(model), *_bytes(draw, 5), 3, 2, 0.1, torch_generator(5))
    expect(found, "the losses").has_shape(6)
    expect(found, "the losses").has_dtype("float32")
    expect(found.element_size(), "the bytes of each loss").equals(4)


@train_fast.property("shows the model the pictures in each epoch's order, from 0 to 1", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_shown(answer, draw, 0)


@train_fast.property("shifts each picture by its own offset, by up to `limit`", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_shown(answer, draw, {1: 2, 2: None}.get(draw.size, 3))


@train_fast.property("takes one step a batch, at the rate of the schedule", trials=3)
def _(answer, draw: Draw) -> None:
    model, peak, epochs = Watched(draw), draw.uniform(0.2, 0.6), draw.integers(2, 4)
    optimiser = Stepping(model)
    answer(model, optimiser, *_bytes(draw, 7), epochs, 3, peak, torch_generator(1))
    right = _rates(2 * epochs, peak)
    expect(optimiser.rates, "the rates").close_to(right, rtol=1e-5)
    expect(optimiser.second_rates, "the rates of the second group").close_to(right, rtol=1e-5)


@train_fast.property("returns the loss of each batch before its step, in float32", trials=2)
def _(answer, draw: Draw) -> None:
    seed, model = draw.seed(), Watched(draw)
    pictures, labels = _bytes(draw, 6)
    found = answer(model, Stepping(model), pictures, labels, 2, 3, 0.2, torch_generator(seed))
    right = []
    for (batch, _), logits in zip(_batches(seed, 6, 2, 3, 1), model.logits, strict=False):
        scores = logits.double()
        right.append(float(F.cross_entropy(scores, labels[batch])))
    expect(found, "the losses").close_to(right, rtol=1e-5)


@train_fast.property("returns losses without their graphs", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    found = answer(model, Stepping(model), *_bytes(draw, 2), 1, 2, 0.1, torch_generator(5))
    expect(found.requires_grad, "whether the losses hold on to their graphs").equals(False)


def _weights_after(draw: Draw, answer, epochs: int, left_over: bool) -> tuple[Tensor, np.ndarray]:
    """The linear layer's weights after a training, as they are and as they should be."""
    seed, model, peak = draw.seed(), Watched(draw), 0.5
    pictures, labels = _bytes(draw, 6)
    weights = model.linear.weight.detach().double().numpy().copy()
    if left_over:
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 3.0)
    answer(model, Stepping(model), pictures, labels, epochs, 3, peak, torch_generator(seed))
    steps = zip(
        _batches(seed, 6, epochs, 3, 1), _rates(2 * epochs, peak), model.logits, model.pooled,
        strict=False,
    )  # fmt: skip
    for (batch, _), rate, logits, pooled in steps:
        chances = torch.softmax(logits.double(), 1) - F.one_hot(labels[batch], 3)
        weights -= rate * (chances.T @ pooled.double()).numpy() / len(batch)
    return model.linear.weight, weights


@train_fast.property("descends along the gradient of each batch", trials=2)
def _(answer, draw: Draw) -> None:
    found, right = _weights_after(draw, answer, 3, left_over=False)
    expect(found, "weights afterwards").close_to(right, rtol=0.02, atol=0.01)
    expect(found, "weights afterwards").has_dtype("float32")


@train_fast.property("clears what was left over in the gradients before", trials=1)
def _(answer, draw: Draw) -> None:
    found, right = _weights_after(draw, answer, 1, left_over=True)
    expect(found, "weights afterwards").close_to(right, rtol=0.02, atol=0.01)


@train_fast.property("reads nothing back inside the loop", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = Stepping(model), _bytes(draw, 8), torch_generator(2)
    with Reads(optimiser) as reads:
        answer(model, optimiser, *data, 2, 2, 0.1, source)
    quiet = reads.count == 0
    expect(quiet, "how often a number was read").is_true(
        "A number of a tensor was read (`.item()`, `float(…)`, `.tolist()`, `.cpu()`, an `if` on a "
        f"tensor): {reads.count} times in 8 steps. On a GPU each of these waits."
    )


@train_fast.property("draws order and offsets on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = Stepping(model), _bytes(draw, 4), torch_generator(4)
    with Places() as places:
        answer(model, optimiser, *data, 1, 2, 0.1, source)
    expect(places.unnamed == 0, "whether all draws name their device").is_true(
        "`torch.randperm` or `torch.randint` was called without `device=`. On a GPU it would "
        "draw on the CPU, and refuse the GPU's generator."
    )


def _on_meta(answer, draw: Draw) -> tuple[set[str], Any]:
    """The devices that autocast was told, and what came back, on the meta device.

    It has shapes and no numbers, and autocast does not know it.
    """
    model, asked = Watched(draw).to("meta"), []
    data = [part.to("meta") for part in _bytes(draw, 4)]
    genuine, found = torch.autocast.__init__, None

    def noting(self: torch.autocast, device_type: str, *args: Any, **keywords: Any) -> None:
        asked.append(device_type)
        genuine(self, "cpu", *args, **keywords)

    with mock.patch.object(torch.autocast, "__init__", noting), suppress(RuntimeError, ValueError):
        found = answer.answer(model, Stepping(model), *data, 1, 2, 0.1, torch_generator(6))
    return set(asked), found


@train_fast.property("autocasts on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    asked, _ = _on_meta(answer, draw)
    named = asked - {"meta"}
    expect(not named, "whether autocast names no device of its own").is_true(
        f"`torch.autocast` is told {', '.join(map(repr, sorted(named)))}, wherever the pictures "
        "lie. With them on a GPU the model would compute in float32: `pictures.device.type`."
    )


@train_fast.property("leaves the losses on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    _, found = _on_meta(answer, draw)
    there = isinstance(found, Tensor) and found.device.type == "meta"
    expect(there, "whether the losses are on the device").is_true(
        "On a device whose numbers nobody may read, no losses came back that lie there: something "
        "is read, or made or brought elsewhere."
    )


_USES = {
    "runs the model under autocast to bfloat16": "autocast to bfloat16",
    "hands the pictures over channels last": "pictures channels last",
    "puts the model's kernels channels last": "kernels channels last",
}


@train_fast.property("puts every part of the model into training mode", trials=1)
def _(answer, draw: Draw) -> None:
    trained = [use[0] for use in _run(answer, draw, 4, 2, 2).uses]
    expect(trained, "how many of the model's 3 parts are in training mode, batch by batch").equals(
        [3] * 4
    )


def _declare_use(place: int, claim: str, name: str) -> None:
    @train_fast.property(claim, trials=1)
    def _(answer, draw: Draw) -> None:
        usual = torch.get_autocast_dtype("cpu")
        torch.set_autocast_dtype("cpu", torch.float16)  # what a GPU takes where none is named
        try:
            model = _run(answer, draw, 4, 2, 2)
        finally:
            torch.set_autocast_dtype("cpu", usual)
        uses = [use[place] for use in model.uses]
        expect(sum(uses), f"how many of 4 batches had: {name}").equals(4)


for _place, (_claim, _name) in enumerate(_USES.items(), start=1):
    _declare_use(_place, _claim, _name)


@train_fast.right
def right_loop(model, optimiser, pictures, labels, epochs, batch_size, peak, generator, limit=1):
    device, n = pictures.device, len(pictures)
    model.train()
    model.to(memory_format=torch.channels_last)
    per_epoch = n // batch_size
    rates = _rates(epochs * per_epoch, peak)
    losses = []
    for epoch in range(epochs):
        order = torch.randperm(n, generator=generator, device=device)
        for piece in range(per_epoch):
            step = epoch * per_epoch + piece
            batch = order[piece * batch_size : (piece + 1) * batch_size]
            size = (len(batch), 2)
            offsets = torch.randint(-limit, limit + 1, size, generator=generator, device=device)
            x = right_shift(pictures[batch], offsets).float() / 255
            x = x.contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(x)
            loss = F.cross_entropy(logits.float(), labels[batch])
            for group in optimiser.param_groups:
                group["lr"] = rates[step]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
    return torch.stack(losses)


_ORDER = "        order = torch.randperm(n, generator=generator, device=device)\n"
_SET = (
    '            for group in optimiser.param_groups:\n                group["lr"] = rates[step]\n'
)
_EPOCHS = "    for epoch in range(epochs):\n"
_KEPT, _RETURNED = "losses.append(loss.detach())", "return torch.stack(losses)"
_CLEAR = "            optimiser.zero_grad()\n"


train_fast.slip(
    "reads_each_loss",
    "A number of a tensor is read at every step, such as the loss (`.item()`, `float`, "
    "`.cpu()`). The CPU then waits for the GPU each time. Append `loss.detach()`, and "
    "`torch.stack` after the loop.",
    {_KEPT: "losses.append(loss.item())", _RETURNED: "return torch.tensor(losses)"},
)
train_fast.slip(
    "losses_with_graphs",
    "Your losses are still part of their graphs. Append `loss.detach()`.",
    {"loss.detach()": "loss"},
)
train_fast.slip(
    "float64_returned",
    "Return float32, not float64.",
    {_RETURNED: "return torch.stack(losses).double()"},
)
train_fast.slip(
    "mean_of_losses",
    "You returned the mean. Return one loss for each step.",
    {_RETURNED: "return torch.stack(losses).mean()"},
)
train_fast.slip(
    "losses_of_last_epoch",
    "You return the losses of the last epoch alone: the list begins anew in each. Make it "
    "once, before the loops.",
    {_ORDER: f"{_ORDER}        losses = []\n"},
)
train_fast.slip(
    "losses_elsewhere",
    "Your losses come back on the CPU, wherever the pictures lie. They stay on the device: "
    "`torch.stack`, or a tensor made with `device=pictures.device`.",
    {
        _RETURNED: "found = torch.zeros(len(losses))\n"
        "    for i, loss in enumerate(losses):\n        found[i] = loss\n    return found"
    },
)
train_fast.slip(
    "short_batch_used",
    "The short batch at the end of the epoch is used. Here it is dropped, so that all batches"
    " have one shape and a compiled graph fits all of them.",
    {"n // batch_size": "math.ceil(n / batch_size)"},
)
train_fast.slip(
    "without_autocast",
    "The model computes in float32: call it inside `torch.autocast(device_type, torch.bfloat16)`.",
    {"with torch.autocast(device.type, torch.bfloat16)": "if True"},
)
train_fast.slip(
    "float16_instead",
    "You use float16. Its range is small, and gradients vanish without a scaler: bfloat16.",
    {"torch.bfloat16": "torch.float16"},
)
train_fast.slip(
    "loss_in_bfloat16",
    "Your loss is computed in bfloat16. Make the logits float32 first: `logits.float()`.",
    {"logits.float()": "logits"},
)
train_fast.slip(
    "pictures_channels_first",
    "The pictures are not channels last: `x.contiguous(memory_format=torch.channels_last)`.",
    {"            x = x.contiguous(memory_format=torch.channels_last)\n": ""},
)
train_fast.slip(
    "kernels_channels_first",
    "The model's kernels are not channels last: "
    "`model.to(memory_format=torch.channels_last)`, once before the loop.",
    {"    model.to(memory_format=torch.channels_last)\n": ""},
)
train_fast.slip(
    "no_training_mode",
    "You never put the model into training mode.",
    {"    model.train()\n": ""},
)
train_fast.slip(
    "top_alone_trains",
    "The model says that it is in training mode, and its parts are not. `model.train()` sets "
    "all of them.",
    {"model.train()": "model.training = True"},
)
train_fast.slip(
    "not_shifted",
    "The pictures are not shifted.",
    {"right_shift(pictures[batch], offsets)": "pictures[batch]"},
)
train_fast.slip(
    "one_offset_a_batch",
    "All pictures of a batch are shifted by one offset. Draw (batch size, 2) of them.",
    {"size = (len(batch), 2)": "size = (1, 2)"},
)
train_fast.slip(
    "limit_left_out",
    "Your offsets never reach + limit: `torch.randint` leaves its upper end out, so it is "
    "limit + 1.",
    {"limit + 1": "limit"},
)
train_fast.slip(
    "limit_of_one",
    "You shift by at most 1 whatever `limit` says.",
    {"-limit, limit + 1": "-1, 2"},
)
train_fast.slip(
    "never_up_or_left",
    "Your offsets begin at 0: pictures move down and to the right alone. They begin at −limit.",
    {"-limit, limit + 1": "0, limit + 1"},
)
train_fast.slip(
    "not_divided",
    "The model sees numbers up to 255. Divide by 255.",
    {".float() / 255": ".float()"},
)
train_fast.slip(
    "numbers_from_elsewhere",
    "Your order and offsets do not come from the generator.",
    {"(n, generator=generator": "(n", "size, generator=generator": "size"},
)
train_fast.slip(
    "order_from_elsewhere",
    "`torch.randperm` lacks `generator=generator`.",
    {"(n, generator=generator": "(n"},
)
train_fast.slip(
    "offsets_from_elsewhere",
    "`torch.randint` lacks `generator=generator`.",
    {"size, generator=generator": "size"},
)
train_fast.slip(
    "labels_not_permuted",
    "Your labels are not taken in the order of the pictures: `labels[batch]`.",
    {"labels[batch]": "labels[piece * batch_size : (piece + 1) * batch_size]"},
)
train_fast.slip(
    "dtype_not_named",
    "`torch.autocast` is given no dtype: on a GPU that is float16. Name `torch.bfloat16`.",
    {"device.type, torch.bfloat16": "device.type"},
)
train_fast.slip(
    "cpu_named",
    '`torch.autocast` is told "cpu", wherever the pictures lie. With them on a GPU the model '
    "would compute in float32: `pictures.device.type`.",
    {"device.type": "'cpu'"},
)
train_fast.slip(
    "first_group_alone",
    "Only the first group gets the schedule's rate. Set it in all of `optimiser.param_groups`.",
    {"optimiser.param_groups": "optimiser.param_groups[:1]"},
)
train_fast.slip(
    "drawn_at_home",
    "`torch.randperm` or `torch.randint` lacks `device=pictures.device`: it draws on the CPU.",
    {
        "(n, generator=generator, device=device)": "(n, generator=generator)",
        "size, generator=generator, device=device)": "size, generator=generator)",
    },
)
train_fast.slip(
    "order_drawn_at_home",
    "`torch.randperm` lacks `device=pictures.device`: it draws on the CPU.",
    {"(n, generator=generator, device=device)": "(n, generator=generator)"},
)
train_fast.slip(
    "one_order_for_all",
    "You drew one order for all epochs. Each epoch draws its own.",
    {f"{_EPOCHS}{_ORDER}": f"{_ORDER[4:]}{_EPOCHS}"},
)
train_fast.slip(
    "rate_at_the_peak",
    'The rate is always the peak. Set `group["lr"]` from `one_cycle` before each step.',
    {"rates[step]": "peak"},
)
train_fast.slip(
    "rate_never_set",
    "You never set the rate: the optimiser keeps the one it came with.",
    {_SET: ""},
)
train_fast.slip(
    "rate_set_after_the_step",
    "You set the rate after the step: the first step has the rate that the optimiser came "
    "with, and every other that of the step before. Set it first.",
    {_SET: "", "            optimiser.step()\n": f"            optimiser.step()\n{_SET}"},
)
train_fast.slip(
    "schedule_in_every_epoch",
    "Your schedule starts anew in every epoch. It spans the whole training.",
    {"epochs * per_epoch, peak": "per_epoch, peak", "rates[step]": "rates[piece]"},
)
train_fast.slip(
    "steps_begin_again",
    "Your schedule spans the whole training, but you count the steps from 0 in each epoch. "
    "Count on over all epochs.",
    {"rates[step]": "rates[piece]"},
)
train_fast.slip(
    "rate_once_an_epoch",
    "Your rate changes once an epoch. Set it at every step.",
    {"rates[step]": "rates[epoch * per_epoch]"},
)
train_fast.slip(
    "gradients_add_up",
    "Your gradients add up: clear them before `backward`.",
    {_CLEAR: ""},
)
train_fast.slip(
    "cleared_after_the_step",
    "You clear the gradients after the step, so that what was there before the first is still"
    " counted. Clear them before `backward`.",
    {_CLEAR: "", "optimiser.step()": "optimiser.step()\n            optimiser.zero_grad()"},
)
train_fast.slip(
    "cleared_too_late",
    "You clear the gradients between `backward` and the step, so that nothing moves. Clear "
    "them before `backward`.",
    {f"{_CLEAR}            loss.backward()\n": f"            loss.backward()\n{_CLEAR}"},
)
train_fast.slip(
    "smoothed_labels",
    "Your loss smooths the labels. Here it is the plain cross-entropy.",
    {"labels[batch])": "labels[batch], label_smoothing=0.1)"},
)


train_fast.hint("Before the loop: training mode, channels last, the number of steps, an empty "
                "list.")  # fmt: skip
train_fast.hint("`order[i * batch_size : (i + 1) * batch_size]` for i in range(n // batch_size).")
train_fast.hint(
    "In the loop: gather, offsets, shift, float, / 255, channels last; the model under autocast; "
    "logits.float() and the loss outside it; the rate; zero_grad, backward, step; append."
)
train_fast.hint("`losses.append(loss.detach())`, and `torch.stack(losses)` at the end.",
                when="reads nothing back inside the loop")  # fmt: skip
train_fast.hint("The order of the draws: randperm once an epoch, then randint once a batch.",
                when="value")  # fmt: skip
train_fast.hint("Is the short batch dropped?", when="shape")
