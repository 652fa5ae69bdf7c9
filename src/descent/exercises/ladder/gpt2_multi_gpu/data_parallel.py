"""How `DataParallel` is judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, in_turns

from .average_gradients import right_average
from .shared import SECONDS, Tensor, ring

DataParallel = Exercise("DataParallel", minutes=45, difficulty=3, changes=("model",))


_MICRO = 2
"""Rows of a micro-batch."""


class _Scaled(nn.Module):
    """A layer inside the network, with buffers; it notes in which mode it was called."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.scale: Tensor
        self.counted: Tensor
        self.register_buffer("scale", torch.rand(4, generator=generator, dtype=torch.float64) + 0.5)
        self.register_buffer("counted", torch.randint(100, (), generator=generator))
        self.modes: list[bool] = []

    def forward(self, hidden: Tensor) -> Tensor:
        self.modes.append(self.training)
        return hidden * self.scale


class _Net(nn.Module):
    """Small, in float64; it notes in which mode it was called."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Linear(3, 4).double()
        self.scaled = _Scaled(generator)
        self.second = nn.Linear(4, 1).double()
        self.modes: list[bool] = []
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        hidden: Tensor = self.second(self.scaled(torch.tanh(self.first(x))))
        return hidden

    def __repr__(self) -> str:
        return "a small network"


class _Descent:
    """Plain descent, which keeps the gradient of each of its steps.

    It does not divide by the gradient's own size, as Adam does: a factor too much would not show.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.gradients: list[Tensor] = []

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        self.gradients.append(torch.cat([slope.flatten() for slope in slopes]).clone())
        for parameter, slope in zip(self.parameters, slopes, strict=True):
            parameter.sub_(0.1 * slope)

    def __repr__(self) -> str:
        return "plain descent"


def _squared(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean loss of a micro-batch."""
    inputs, targets = batch
    return F.mse_loss(model(inputs), targets)


def _data(draw: Draw, updates: int, rows: int) -> list[tuple[Tensor, Tensor]]:
    """A batch for each update. The rows grow, so that micro-batches differ in their losses."""
    growing = torch.linspace(0.5, 2.0, rows, dtype=torch.float64)[:, None]
    return [
        (
            torch.tensor(draw.rng.normal(size=(rows, 3))),
            torch.tensor(draw.rng.normal(size=(rows, 1))) * growing,
        )
        for _ in range(updates)
    ]


class _Trained:
    """What data-parallel training by an answer came to, process by process."""

    def __init__(self, answer, size: int, data, clip: float | None = None, before=None) -> None:
        self.models = [_Net(seed) for seed in range(size)]  # every process starts otherwise
        self.losses: list[list[Any]] = [[] for _ in range(size)]
        self.sent: list[int] = [0] * size
        self.optimisers: list[Any] = [None] * size
        self.started: list[dict[str, Tensor]] = [{} for _ in range(size)]
        self.kept: list[bool] = []
        in_turns(lambda link: self._one(answer, link, data, clip, before), size, SECONDS)

    def _one(self, answer, link: Link, data, clip, before) -> None:
        model = self.models[link.rank]
        parallel = answer(model, link)
        self.started[link.rank] = {k: v.clone() for k, v in model.state_dict().items()}
        self.kept.append(
            getattr(parallel, "model", None) is model and getattr(parallel, "link", None) is link
        )
        optimiser = self.optimisers[link.rank] = _Descent(model.parameters())
        if before is not None:
            before(model)
        for inputs, targets in data:
            share = len(inputs) // link.size
            mine = slice(link.rank * share, (link.rank + 1) * share)
            batches = list(
                zip(inputs[mine].split(_MICRO), targets[mine].split(_MICRO), strict=True)
            )
            already = len(link.sent)
            loss = parallel.update(optimiser, batches, _squared, clip)
            self.losses[link.rank].append(loss)
            self.sent[link.rank] = max(self.sent[link.rank], len(link.sent) - already)

    def gradient(self, rank: int = 0, update: int = 0) -> Tensor:
        """The gradient with which the optimiser made its step."""
        made: list[Tensor] = self.optimisers[rank].gradients
        return made[update] if len(made) > update else torch.zeros(0)


def _alone(data, clip: float | None = None) -> tuple[_Net, list[float], list[Tensor]]:
    """One process with the whole batch at once, by torch: the model, its losses and gradients."""
    model, losses = _Net(0), []
    optimiser = _Descent(model.parameters())
    for batch in data:
        optimiser.zero_grad()
        loss = _squared(model, batch)
        loss.backward()
        losses.append(loss.item())
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return model, losses, optimiser.gradients


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def _expect_started(answer, names: list[str]) -> None:
    trained = _Trained(answer, 3, [])
    wanted = _Net(0).state_dict()
    for rank in (0, 2):
        for name in names:
            found = trained.started[rank][name]
            expect(found, f"`{name}` in process {rank}").close_to(wanted[name], rtol=1e-9)


@DataParallel.property("starts every process with the weights of process 0", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_started(answer, [name for name, _ in _Net(0).named_parameters()])


@DataParallel.property("starts every process with the buffers of process 0", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_started(answer, [name for name, _ in _Net(0).named_buffers()])


@DataParallel.property("keeps the model and the link", trials=1)
def _(answer, draw: Draw) -> None:
    kept = _Trained(answer, 2, []).kept
    expect(kept, "whether `.model` and `.link` are what was given").equals([True, True])


@DataParallel.property("weighs all micro-batches of a process alike, together as one", trials=2)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 1, rows=_MICRO * (2 + draw.size))
    gradient = _Trained(answer, 1, data).gradient()
    expect(gradient, "the gradient that a process alone steps with").close_to(_alone(data)[2][0])


@DataParallel.property("weighs all processes alike, together as one", trials=2)
def _(answer, draw: Draw) -> None:
    size = 1 + draw.size
    data = _data(draw, 1, rows=_MICRO * size)
    trained = _Trained(answer, size, data)
    for rank in range(size):
        expect(
            trained.gradient(rank), f"the gradient of process {rank}, with one micro-batch"
        ).close_to(_alone(data)[2][0])


@DataParallel.property("takes the steps that one process takes with the whole batch", trials=2)
def _(answer, draw: Draw) -> None:
    size = 1 + draw.size
    data = _data(draw, 2, rows=2 * _MICRO * size)
    trained = _Trained(answer, size, data)
    wanted = _weights(_alone(data)[0])
    for rank in (0, size - 1):
        weights = _weights(trained.models[rank])
        expect(weights, f"the weights of process {rank}").close_to(wanted, rtol=1e-6)


@DataParallel.property("makes one step an update", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 2, rows=12))
    steps = [len(optimiser.gradients) for optimiser in trained.optimisers]
    expect(steps, "steps of each process's optimiser in 2 updates").equals([2, 2])


@DataParallel.property("exchanges once an update, not with each micro-batch", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 2, rows=16))
    expect(max(trained.sent) <= 4, "whether 4 messages are enough").is_true(
        otherwise=f"A process sent {max(trained.sent)} messages in an update of 4 micro-batches. "
        "Between 2 processes 4 are enough: 2 for the gradients, 2 for the loss."
    )


@DataParallel.property("clips the gradient of the whole batch", trials=1)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 1, rows=12)
    for clip in (0.1, 1e6):
        trained = _Trained(answer, 3, data, clip)
        expect(trained.gradient(), f"the gradient, with clip = {clip:g}").close_to(
            _alone(data, clip)[2][0], rtol=1e-3
        )


@DataParallel.property("clips to 0 as well, which is not None", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 1, rows=8), 0.0)
    norm = float(trained.gradient().norm())
    expect(norm, "the gradient's norm, with clip = 0.0").close_to(0.0, atol=1e-9)


@DataParallel.property("starts each update without old gradients", trials=1)
def _(answer, draw: Draw) -> None:
    def spoil(model: _Net) -> None:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)

    data = _data(draw, 2, rows=8)
    trained = _Trained(answer, 2, data, before=spoil)
    for update in (0, 1):
        expect(trained.gradient(0, update), f"the gradient of update {update + 1}").close_to(
            _alone(data)[2][update]
        )


@DataParallel.property("trains in training mode, with all that is inside the model", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 1, rows=8), before=lambda model: model.eval())
    model = trained.models[0]
    for called, modes in (("the model", model.modes), ("a layer inside it", model.scaled.modes)):
        expect(modes.count(False), f"how often {called} was called in evaluation mode").equals(0)


@DataParallel.property("returns the mean loss over the micro-batches", trials=2)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 2, rows=_MICRO * (2 + draw.size))
    losses = _Trained(answer, 1, data).losses[0]
    expect(losses, "the losses of two updates, one process").close_to(_alone(data)[1], rtol=1e-6)


@DataParallel.property("returns the mean loss over the processes, in every one", trials=2)
def _(answer, draw: Draw) -> None:
    size = 1 + draw.size
    data = _data(draw, 2, rows=_MICRO * size)
    losses = _Trained(answer, size, data).losses
    for rank in range(size):
        expect(losses[rank], f"the losses of two updates in process {rank}").close_to(
            _alone(data)[1], rtol=1e-6
        )


@DataParallel.property("returns a Python float", trials=1)
def _(answer, draw: Draw) -> None:
    for found in _Trained(answer, 2, _data(draw, 1, rows=8)).losses:
        expect(found[0], "what it returns").is_a(float)


@DataParallel.right
class RightParallel:
    def __init__(self, model, link):
        self.model, self.link = model, link
        with torch.no_grad():
            for tensor in [*model.parameters(), *model.buffers()]:
                if link.rank == 0:
                    for other in range(1, link.size):
                        link.send(tensor, other)
                else:
                    tensor.copy_(link.receive(0))

    def update(self, optimiser, batches, loss_of, clip):
        self.model.train()
        optimiser.zero_grad()
        total = 0.0
        for batch in batches:
            loss = loss_of(self.model, batch) / len(batches)
            loss.backward()
            total += loss.item()
        right_average(self.model, self.link)
        if clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        optimiser.step()
        mean = ring(torch.tensor([total], dtype=torch.float64), self.link) / self.link.size
        return mean.item()


_AVERAGE = "        right_average(self.model, self.link)\n"
_CLIP = (
    "        if clip is not None:\n"
    "            nn.utils.clip_grad_norm_(self.model.parameters(), clip)\n"
)
_LOSS = "loss = loss_of(self.model, batch) / len(batches)"

DataParallel.slip(
    "NoBroadcast",
    "Every process keeps its own start. Then averaged gradients move p different models, and "
    "they never meet: send the parameters of process 0 to all.",
    {"[*model.parameters(), *model.buffers()]": "[]"},
)
DataParallel.slip(
    "ForgetsBuffers",
    "The buffers are not sent. They are no parameters, but the model computes with them: "
    "model.buffers() has what batch norm counts, for one.",
    {", *model.buffers()": ""},
)
DataParallel.slip(
    "AveragesStart",
    "You averaged the starts. A mean of random starts is a smaller start; take that of process 0.",
    {
        "                if link.rank == 0:\n"
        "                    for other in range(1, link.size):\n"
        "                        link.send(tensor, other)\n"
        "                else:\n"
        "                    tensor.copy_(link.receive(0))\n": (
            "                mean = ring(tensor.flatten(), link) / link.size\n"
            "                tensor.copy_(mean.view_as(tensor))\n"
        )
    },
)
DataParallel.slip(
    "Sums",
    "The gradients are summed over the processes, not averaged: as if the learning rate were p "
    "times larger.",
    {
        _AVERAGE: _AVERAGE
        + "        for p in self.model.parameters():\n            p.grad *= self.link.size\n"
    },
)
DataParallel.slip(
    "NotDivided",
    "The losses of the micro-batches are not divided by their number, so the gradient is too "
    "large by that factor.",
    {_LOSS: "loss = loss_of(self.model, batch)", "loss.item()": "loss.item() / len(batches)"},
)
DataParallel.slip(
    "NothingDivided",
    "The losses of the micro-batches are not divided by their number: neither for `backward`, so "
    "that the gradient is too large by that factor, nor in what you return.",
    {_LOSS: "loss = loss_of(self.model, batch)"},
)
DataParallel.slip(
    "DividedByProcessesToo",
    "You divide by the number of processes twice: averaging the gradients does it already.",
    {
        _LOSS: _LOSS + " / self.link.size",
        "loss.item()": "loss.item() * self.link.size",
    },
)
DataParallel.slip(
    "DividedTwice",
    "You divide by the number of micro-batches twice, so the gradient is too small by that factor.",
    {_LOSS: _LOSS + "**2", "loss.item()": "loss.item() * len(batches)"},
)
DataParallel.slip(
    "LastMicroBatchAlone",
    "The gradient is that of the last micro-batch alone. `backward` adds to .grad: clear it once "
    "at the start of an update, and not with each micro-batch.",
    {
        "        optimiser.zero_grad()\n": "",
        "loss.backward()": "optimiser.zero_grad()\n            loss.backward()",
    },
)
DataParallel.slip(
    "NoExchange",
    "The gradients are never exchanged: each process trains a model of its own on its own part.",
    {_AVERAGE: ""},
)
DataParallel.slip(
    "EveryMicroBatch",
    "You exchange with every micro-batch. Only the last time is needed: gradients add up in .grad "
    "until then, and the exchange costs the same whenever it is made.",
    {
        _AVERAGE: "",
        "            total += loss.item()": "            total += loss.item()\n    " + _AVERAGE,
    },
)


@DataParallel.mistake(
    "The optimiser steps after each micro-batch. An update is one step, for the whole batch."
)
class StepsOften(RightParallel):
    def update(self, optimiser, batches, loss_of, clip):
        losses = [
            super(StepsOften, self).update(optimiser, [batch], loss_of, clip) for batch in batches
        ]
        return sum(losses) / len(losses)


DataParallel.slip(
    "ClipsOwn",
    "Each process clips its own gradient before the exchange. The norm that counts is that of the "
    "average: exchange first, then clip.",
    {_AVERAGE + _CLIP: _CLIP + _AVERAGE},
)
DataParallel.slip(
    "NeverClips",
    "The gradient is not clipped when the optimiser makes its step, where `clip` is a number. Clip "
    "between the exchange and optimiser.step().",
    {_CLIP: ""},
)
DataParallel.slip(
    "NoClipAtZero",
    "With clip = 0.0 nothing is clipped: 0 counts as false. Ask `if clip is not None`.",
    {"clip is not None": "clip"},
)
DataParallel.slip(
    "ClipsEachParameter",
    "You clip every parameter by itself. The norm is that over all parameters together.",
    {
        "            nn.utils.clip_grad_norm_(self.model.parameters(), clip)": (
            "            for p in self.model.parameters():\n"
            "                nn.utils.clip_grad_norm_([p], clip)"
        )
    },
)
DataParallel.slip(
    "KeepsGradients",
    "Gradients from before the update are still in .grad: clear them first.",
    {"        optimiser.zero_grad()\n": ""},
)
DataParallel.slip(
    "ClearsAfterwards",
    "You clear the gradients at the end of an update. What somebody else has left in .grad before "
    "the first one is still there: clear them at the start.",
    {
        "        optimiser.zero_grad()\n": "",
        "        optimiser.step()": "        optimiser.step()\n        optimiser.zero_grad()",
    },
)
DataParallel.slip(
    "OwnLoss",
    "You return the loss of this process's part. Exchange it as well: every process returns the "
    "mean over all.",
    {
        "mean = ring(torch.tensor([total], dtype=torch.float64), self.link) / self.link.size": "",
        "return mean.item()": "return total",
    },
)
DataParallel.slip(
    "LastLoss",
    "You return the loss of the last micro-batch. What is asked for is the mean over all of them.",
    {
        "total += loss.item()": "total = loss.item() * len(batches)",
    },
)
DataParallel.slip(
    "SummedLosses",
    "The loss that you return is the sum over the micro-batches. Divide by their number.",
    {"total += loss.item()": "total += loss.item() * len(batches)"},
)
DataParallel.slip(
    "LossDividedTwice",
    "The loss that you return is divided by the number of micro-batches twice.",
    {"total += loss.item()": "total += loss.item() / len(batches)"},
)
DataParallel.slip(
    "LossNotAveraged",
    "The loss that you return is the sum over the processes. Divide by their number.",
    {"self.link) / self.link.size": "self.link)"},
)
DataParallel.slip(
    "TensorLoss",
    "The loss is still a tensor; return a Python float, with .item().",
    {"mean.item()": "mean[0]"},
)
DataParallel.slip(
    "KeepsMode",
    "The model stays in the mode it came in. Train in training mode: model.train().",
    {"        self.model.train()\n": ""},
)
DataParallel.slip(
    "TopModeOnly",
    "You set `training` of the model itself, and the layers inside it stay as they were. "
    "model.train() sets all of them.",
    {"self.model.train()": "self.model.training = True"},
)


DataParallel.equivalent(
    "`for values in itertools.chain(model.parameters(), model.buffers()):` → "
    "`for values in itertools.chain(model.buffers(), model.parameters()):`",
    because="any order will do, if it is the same in every process",
)


DataParallel.hint("Two jobs: make all models equal at the start, and keep them equal ever after.")
DataParallel.hint(
    "The order of an update: train mode, clear, micro-batches (loss / their number, backward), "
    "average_gradients, clip, step, mean loss."
)
DataParallel.hint("torch.nn.utils.clip_grad_norm_(parameters, clip) after the exchange.")
DataParallel.hint("Are buffers among the parameters?", when="ForgetsBuffers")
DataParallel.hint(
    "Is what you divide by the number of micro-batches, of processes, or both?", when="value"
)
DataParallel.hint("Does every send have its receive, in all processes?", when="error")
