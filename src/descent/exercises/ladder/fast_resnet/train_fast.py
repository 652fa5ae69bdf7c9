"""How `train_fast` is judged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import Places, shifted, shifted_images

train_fast = Exercise("train_fast", minutes=35, difficulty=3, changes=("model", "optimiser"))


READS = {"item", "tolist", "numpy", "cpu", "__float__", "__int__", "__bool__", "__index__",
         "__array__", "__format__", "__repr__"}  # fmt: skip


class _Reads(TorchFunctionMode):
    """Counts what makes the CPU wait for a number of the device, from the first step to the last.

    Before and after, the grader itself reads what it hands over.
    """

    def __init__(self, optimiser: _Stepping) -> None:
        super().__init__()
        self.steps = optimiser.rates
        self.since_step = self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in READS and self.steps:
            self.since_step += 1
        elif getattr(function, "__name__", "") == "backward":
            self.count += self.since_step
            self.since_step = 0
        return function(*args, **(kwargs or {}))


class Watched(nn.Module):
    """A convolution and a linear layer; it notes how it was used."""

    def __init__(self, draw: Draw | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.linear = nn.Linear(2, 3)
        with torch.no_grad():
            for parameter in self.parameters():
                numbers = draw.normal(*parameter.shape) if draw else np.zeros(parameter.shape)
                parameter.copy_(torch.tensor(numbers))
        self.shown: list[Tensor] = []
        self.pooled: list[Tensor] = []
        self.logits: list[Tensor] = []
        self.uses: list[tuple[Any, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            return self._noted(x)

    def _noted(self, x: Tensor) -> Tensor:
        last = torch.channels_last
        self.uses.append((
            self.training,
            torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16,
            x.is_contiguous(memory_format=last),
            self.conv.weight.is_contiguous(memory_format=last),
        ))  # fmt: skip
        self.shown.append(x.detach().clone().contiguous())
        pooled = self.conv(x).mean((2, 3))
        logits = self.linear(pooled)
        self.pooled.append(pooled.detach().clone())
        self.logits.append(logits.detach().clone())
        return logits

    def __deepcopy__(self, memo: dict) -> Watched:
        twin = Watched()  # the notes hold graphs, which cannot be copied
        twin.load_state_dict(self.state_dict())
        return twin.train(self.training)


class _Stepping(torch.optim.SGD):
    """SGD of two groups that notes the rates of each step; a copy is itself."""

    def __init__(self, model: Watched) -> None:
        layers = model.conv, model.linear
        super().__init__([{"params": list(layer.parameters())} for layer in layers], lr=123.0)
        self.rates: list[float] = []
        self.second_rates: list[float] = []

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        with torch._C.DisableTorchFunction():
            for group, rates in zip(
                self.param_groups, (self.rates, self.second_rates), strict=True
            ):
                rates.append(float(group["lr"]))
            super().step(closure)

    def __deepcopy__(self, memo: dict) -> _Stepping:
        return self


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


@train_fast.property("returns a tensor of float32", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    found = answer(model, _Stepping(model), *_bytes(draw, 4), 2, 2, 0.1, torch_generator(5))
    expect(not isinstance(found, np.ndarray), "whether it is no numpy array").is_true(
        "Return a tensor, not a numpy array."
    )
    expect(isinstance(found, Tensor), "a tensor").is_true("Return a tensor, one loss a step.")
    expect(found, "the losses").has_dtype("float32")
    if isinstance(found, Tensor):
        expect(found.element_size(), "the bytes of each loss").equals(4)


@train_fast.property("shows the model the right pictures, shifted, from 0 to 1", trials=4)
def _(answer, draw: Draw) -> None:
    seed, model, limit = draw.seed(), Watched(draw), 2
    pictures, labels = _bytes(draw, 5)
    answer(model, _Stepping(model), pictures, labels, 2, 2, 0.1, torch_generator(seed), limit)
    right = []
    for batch, offsets in _batches(seed, 5, 2, 2, limit):
        right.append(shifted(pictures[batch].numpy(), offsets.numpy()) / 255)
    expect([len(shown) for shown in model.shown], "the sizes of the batches").equals([2] * 4)
    expect(torch.stack(model.shown[:4]), "what the model saw").close_to(np.stack(right), rtol=1e-5)


@train_fast.property("takes one step a batch, at the rate of the schedule", trials=3)
def _(answer, draw: Draw) -> None:
    model, peak, epochs = Watched(draw), draw.uniform(0.2, 0.6), draw.integers(2, 4)
    optimiser = _Stepping(model)
    answer(model, optimiser, *_bytes(draw, 7), epochs, 3, peak, torch_generator(1))
    right = _rates(2 * epochs, peak)
    expect(optimiser.rates, "the rates").close_to(right, rtol=1e-5)
    expect(optimiser.second_rates, "the rates of the second group").close_to(right, rtol=1e-5)


@train_fast.property("returns the losses as one tensor, computed in float32", trials=3)
def _(answer, draw: Draw) -> None:
    seed, model = draw.seed(), Watched(draw)
    pictures, labels = _bytes(draw, 6)
    found = answer(model, _Stepping(model), pictures, labels, 2, 3, 0.2, torch_generator(seed))
    right = []
    for (batch, _), logits in zip(_batches(seed, 6, 2, 3, 1), model.logits, strict=False):
        scores = logits.double()
        right.append(float(F.cross_entropy(scores, labels[batch])))
    expect(found, "the losses").close_to(right, rtol=1e-5)
    expect(found.requires_grad, "whether the losses hold on to their graphs").equals(False)


@train_fast.property("descends along the gradient", trials=3)
def _(answer, draw: Draw) -> None:
    seed, model, peak = draw.seed(), Watched(draw), 0.5
    pictures, labels = _bytes(draw, 6)
    weights = model.linear.weight.detach().double().numpy().copy()
    answer(model, _Stepping(model), pictures, labels, 3, 3, peak, torch_generator(seed))
    steps = zip(
        _batches(seed, 6, 3, 3, 1), _rates(6, peak), model.logits, model.pooled, strict=False
    )
    for (batch, _), rate, logits, pooled in steps:
        chances = torch.softmax(logits.double(), 1) - F.one_hot(labels[batch], 3)
        weights -= rate * (chances.T @ pooled.double()).numpy() / len(batch)
    found = model.linear.weight
    expect(found, "weights afterwards").close_to(weights, rtol=0.02, atol=0.01)
    expect(found, "weights afterwards").has_dtype("float32")


@train_fast.property("reads nothing back inside the loop", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = _Stepping(model), _bytes(draw, 8), torch_generator(2)
    with _Reads(optimiser) as reads:
        answer(model, optimiser, *data, 2, 2, 0.1, source)
    quiet = reads.count == 0
    expect(quiet, "how often a number was read").is_true(
        "A number of a tensor was read (`.item()`, `float(…)`, `.tolist()`, `.cpu()`, an `if` on a "
        f"tensor): {reads.count} times in 8 steps. On a GPU each of these waits."
    )


@train_fast.property("draws order and offsets on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = _Stepping(model), _bytes(draw, 4), torch_generator(4)
    with Places() as places:
        answer(model, optimiser, *data, 1, 2, 0.1, source)
    expect(places.unnamed == 0, "whether all draws name their device").is_true(
        "`torch.randperm` or `torch.randint` was called without `device=`. On a GPU it would "
        "draw on the CPU, and refuse the GPU's generator."
    )


@train_fast.property("autocasts on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    # On the meta device, which has shapes and no numbers, and which autocast does not know.
    model, asked = Watched(draw).to("meta"), []
    data = [part.to("meta") for part in _bytes(draw, 4)]
    genuine = torch.autocast.__init__

    def noting(self: torch.autocast, device_type: str, *args: Any, **keywords: Any) -> None:
        asked.append(device_type)
        genuine(self, "cpu", *args, **keywords)

    with mock.patch.object(torch.autocast, "__init__", noting), suppress(RuntimeError, ValueError):
        answer.answer(model, _Stepping(model), *data, 1, 2, 0.1, torch_generator(6))
    named = set(asked) - {"meta"}
    expect(not named, "whether autocast names no device of its own").is_true(
        f"`torch.autocast` is told {', '.join(map(repr, sorted(named)))}, wherever the pictures "
        "lie. With them on a GPU the model would compute in float32: `pictures.device.type`."
    )


@train_fast.property("runs the model in training mode, in bfloat16, channels last", trials=1)
def _(answer, draw: Draw) -> None:
    model, usual = Watched(draw).eval(), torch.get_autocast_dtype("cpu")
    optimiser, data, source = _Stepping(model), _bytes(draw, 4), torch_generator(3)
    torch.set_autocast_dtype("cpu", torch.float16)  # what a GPU takes where no dtype is named
    try:
        answer(model, optimiser, *data, 2, 2, 0.1, source)
    finally:
        torch.set_autocast_dtype("cpu", usual)
    names = (
        "training mode",
        "autocast to bfloat16",
        "pictures channels last",
        "kernels channels last",
    )
    for name, column in zip(names, zip(*model.uses, strict=True), strict=True):
        expect(sum(column), f"how many of 4 batches had: {name}").equals(4)


def _fast(
    model, optimiser, pictures, labels, epochs, batch_size, peak, generator, limit=1, **habits
):
    """A fast training loop with one bad habit, named by keyword."""
    if not habits.get("no_mode"):
        model.train()
    if not habits.get("model_first"):
        model.to(memory_format=torch.channels_last)
    n, losses = len(pictures), []
    per_epoch = math.ceil(n / batch_size) if habits.get("short") else n // batch_size
    steps = per_epoch * (1 if habits.get("per_epoch") else epochs)
    source = None if habits.get("global") else generator
    order_source = None if habits.get("global_order") else source
    offset_source = None if habits.get("global_offsets") else source
    place = None if habits.get("at_home") else pictures.device
    order = None
    if habits.get("one_order"):
        order = torch.randperm(n, generator=order_source, device=pictures.device)
    kind = torch.float16 if habits.get("half") else torch.bfloat16
    kind = None if habits.get("usual_dtype") else kind
    for epoch in range(epochs):
        if not habits.get("one_order"):
            order = torch.randperm(n, generator=order_source, device=place)
        for piece in range(per_epoch):
            batch = order[piece * batch_size : (piece + 1) * batch_size]
            size = (1 if habits.get("same_offset") else len(batch), 2)
            span = limit if habits.get("narrow") else limit + 1
            offsets = torch.randint(-limit, span, size, generator=offset_source, device=place)
            if habits.get("limit_one"):
                offsets = offsets.clamp(-1, 1)
            x = pictures[batch]
            if not habits.get("unshifted"):
                x = shifted_images(x, offsets.expand(len(batch), 2))
            x = x.float() if habits.get("bytes") else x.float() / 255
            if not habits.get("channels_first"):
                x = x.contiguous(memory_format=torch.channels_last)
            where = "cpu" if habits.get("cpu_only") else pictures.device.type
            with torch.autocast(where, kind, enabled=not habits.get("float32")):
                logits = model(x)
            logits = logits if habits.get("low_loss") else logits.float()
            named = slice(piece * batch_size, (piece + 1) * batch_size)
            wanted = labels[named if habits.get("unpermuted") else batch]
            loss = F.cross_entropy(
                logits, wanted, label_smoothing=0.1 if habits.get("smooths") else 0.0
            )
            step = epoch * per_epoch + piece
            step = piece if habits.get("per_epoch") else step
            step = epoch * per_epoch if habits.get("by_epoch") else step
            rate = peak if habits.get("constant") else _rates(steps, peak)[step]
            if not habits.get("unset"):
                for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
                    group["lr"] = rate
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            loss.backward()
            if habits.get("clears_late"):
                optimiser.zero_grad()
            optimiser.step()
            kept = loss if habits.get("graphs") else loss.detach()
            losses.append(loss.item() if habits.get("reads") else kept)
    if habits.get("listed"):
        return losses
    if habits.get("mean"):
        return torch.stack(losses).mean()
    found = torch.tensor(losses) if habits.get("reads") else torch.stack(losses)
    if habits.get("array"):
        return found.numpy()
    return found.double() if habits.get("double") else found


for _message, _name, _habits in (
    ("You read the loss at every step (`.item()` or `float`). The CPU then waits for the GPU each "
     "time. Append `loss.detach()`, and `torch.stack` after the loop.", "reads_each_loss",
     {"reads": True}),
    ("Your losses are still part of their graphs. Append `loss.detach()`.", "losses_with_graphs",
     {"graphs": True}),
    ("Return float32, not float64.", "float64_returned", {"double": True}),
    ("Return a tensor, not a numpy array.", "numpy_returned", {"array": True}),
    ("You returned a list. `torch.stack(losses)` makes it one tensor.", "list_of_losses",
     {"listed": True}),
    ("You returned the mean. Return one loss for each step.", "mean_of_losses", {"mean": True}),
    ("The short batch at the end of the epoch is used. Here it is dropped, so that all batches "
     "have one shape and a compiled graph fits all of them.", "short_batch_used", {"short": True}),
    ("The model computes in float32: call it inside `torch.autocast(device_type, "
     "torch.bfloat16)`.", "without_autocast", {"float32": True}),
    ("You use float16. Its range is small, and gradients vanish without a scaler: bfloat16.",
     "float16_instead", {"half": True}),
    ("Your loss is computed in bfloat16. Make the logits float32 first: `logits.float()`.",
     "loss_in_bfloat16", {"low_loss": True}),
    ("The pictures are not channels last: "
     "`x.contiguous(memory_format=torch.channels_last)`.", "pictures_channels_first",
     {"channels_first": True}),
    ("The model's kernels are not channels last: `model.to(memory_format=torch.channels_last)`, "
     "once before the loop.", "kernels_channels_first", {"model_first": True}),
    ("You never put the model into training mode.", "no_training_mode", {"no_mode": True}),
    ("The pictures are not shifted.", "not_shifted", {"unshifted": True}),
    ("All pictures of a batch are shifted by one offset. Draw (batch size, 2) of them.",
     "one_offset_a_batch", {"same_offset": True}),
    ("Your offsets never reach + limit: `torch.randint` leaves its upper end out, so it is "
     "limit + 1.", "limit_left_out", {"narrow": True}),
    ("You shift by at most 1 whatever `limit` says.", "limit_of_one", {"limit_one": True}),
    ("The model sees numbers up to 255. Divide by 255.", "not_divided", {"bytes": True}),
    ("Your order and offsets do not come from the generator.", "numbers_from_elsewhere",
     {"global": True}),
    ("`torch.randperm` lacks `generator=generator`.", "order_from_elsewhere",
     {"global_order": True}),
    ("`torch.randint` lacks `generator=generator`.", "offsets_from_elsewhere",
     {"global_offsets": True}),
    ("Your labels are not taken in the order of the pictures: `labels[batch]`.",
     "labels_not_permuted", {"unpermuted": True}),
    ("`torch.autocast` is given no dtype: on a GPU that is float16. Name `torch.bfloat16`.",
     "dtype_not_named", {"usual_dtype": True}),
    ("`torch.autocast` is told \"cpu\", wherever the pictures lie. With them on a GPU the model "
     "would compute in float32: `pictures.device.type`.", "cpu_named", {"cpu_only": True}),
    ("Only the first group gets the schedule's rate. Set it in all of `optimiser.param_groups`.",
     "first_group_alone", {"first_group": True}),
    ("`torch.randperm` or `torch.randint` lacks `device=pictures.device`: it draws on the CPU.",
     "drawn_at_home", {"at_home": True}),
    ("You drew one order for all epochs. Each epoch draws its own.", "one_order_for_all",
     {"one_order": True}),
    ("The rate is always the peak. Set `group[\"lr\"]` from `one_cycle` before each step.",
     "rate_at_the_peak", {"constant": True}),
    ("You never set the rate: the optimiser keeps the one it came with.", "rate_never_set",
     {"unset": True}),
    ("Your schedule starts anew in every epoch. It spans the whole training.",
     "schedule_in_every_epoch", {"per_epoch": True}),
    ("Your rate changes once an epoch. Set it at every step.", "rate_once_an_epoch",
     {"by_epoch": True}),
    ("Your gradients add up: clear them before `backward`.", "gradients_add_up",
     {"accumulates": True}),
    ("You clear the gradients between `backward` and the step, so that nothing moves. Clear them "
     "before `backward`.", "cleared_too_late", {"clears_late": True}),
    ("Your loss smooths the labels. Here it is the plain cross-entropy.", "smoothed_labels",
     {"smooths": True}),
):  # fmt: skip

    def _bad_fast(model, optimiser, pictures, labels, epochs, batch_size, peak, generator,
                  limit=1, habits=_habits):  # fmt: skip
        data = (model, optimiser, pictures, labels, epochs, batch_size, peak, generator, limit)
        return _fast(*data, **habits)

    _bad_fast.__name__ = _name
    train_fast.mistake(_message)(_bad_fast)


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
