"""How `DataParallel` is judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, in_turns

from .shared import SECONDS, Tensor, ring

DataParallel = Exercise("DataParallel", minutes=45, difficulty=3, changes=("model",))


_BATCH, _MICRO = 24, 2


class _Net(nn.Module):
    """Small, in float64, with a buffer; it notes in which mode it was called."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = nn.Linear(3, 4).double()
        self.second = nn.Linear(4, 1).double()
        self.scale: Tensor
        self.register_buffer("scale", torch.rand(4, generator=generator, dtype=torch.float64) + 0.5)
        self.modes: list[bool] = []
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        hidden: Tensor = self.second(torch.tanh(self.first(x)) * self.scale)
        return hidden

    def __repr__(self) -> str:
        return "a small network"


class _Recorder:
    """Adam in a few lines, which counts its steps and keeps the norm of the last gradient.

    (The first optimiser that torch makes loads its compiler, which takes seconds.)
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps, self.norm = 0, 0.0

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        self.steps += 1
        slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        self.norm = float(torch.cat([slope.flatten() for slope in slopes]).norm())
        kept = zip(self.parameters, slopes, self.means, self.squares, strict=True)
        for parameter, slope, mean, square in kept:
            mean.lerp_(slope, 0.1)
            square.lerp_(slope**2, 0.001)
            root = (square / (1 - 0.999**self.steps)).sqrt() + 1e-8
            parameter.sub_(0.05 * mean / (1 - 0.9**self.steps) / root)


def _squared(model: Any, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean loss of a micro-batch."""
    inputs, targets = batch
    return F.mse_loss(model(inputs), targets)


def _data(draw: Draw, updates: int, rows: int = _BATCH) -> list[tuple[Tensor, Tensor]]:
    return [
        (
            torch.tensor(draw.rng.normal(size=(rows, 3))),
            torch.tensor(draw.rng.normal(size=(rows, 1))),
        )
        for _ in range(updates)
    ]


class _Trained:
    """What data-parallel training by an answer came to, process by process."""

    def __init__(self, answer, size: int, data, clip: float | None, before=None) -> None:
        self.models = [_Net(seed) for seed in range(size)]  # every process starts otherwise
        self.losses: list[list[Any]] = [[] for _ in range(size)]
        self.sent: list[int] = [0] * size
        self.recorders: list[_Recorder] = []
        self.started: list[dict[str, Tensor]] = [{} for _ in range(size)]
        in_turns(lambda link: self._one(answer, link, data, clip, before), size, SECONDS)

    def _one(self, answer, link: Link, data, clip, before) -> None:
        model = self.models[link.rank]
        parallel = answer(model, link)
        self.started[link.rank] = {k: v.clone() for k, v in model.state_dict().items()}
        optimiser = _Recorder(model.parameters())
        self.recorders.append(optimiser)
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


def _alone(data, clip: float | None) -> tuple[_Net, list[float]]:
    """One process with the whole batch at once, by torch."""
    model, losses = _Net(0), []
    optimiser = _Recorder(model.parameters())
    for batch in data:
        optimiser.zero_grad()
        loss = _squared(model, batch)
        loss.backward()
        losses.append(loss.item())
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
    return model, losses


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


@DataParallel.property("starts every process with the weights and buffers of process 0", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 3, [], None)
    wanted = _Net(0).state_dict()
    for rank in (0, 2):
        for name, value in trained.started[rank].items():
            expect(value, f"`{name}` in process {rank}").close_to(wanted[name], rtol=1e-9)


@DataParallel.property("takes the steps that one process takes with the whole batch", trials=2)
def _(answer, draw: Draw) -> None:
    size, data = 2 * draw.size, _data(draw, 2)
    trained = _Trained(answer, size, data, None)
    model, _ = _alone(data, None)
    expect(_weights(trained.models[0]), f"the weights, {size} processes").close_to(
        _weights(model), rtol=1e-6
    )
    expect(_weights(trained.models[-1]), "the weights of the last process").close_to(
        _weights(model), rtol=1e-6
    )
    expect(trained.recorders[0].steps, "steps of the optimiser in 2 updates").equals(2)


@DataParallel.property("returns the mean loss of the whole batch, in every process", trials=2)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 2)
    trained = _Trained(answer, 2 * draw.size - 1, data, None)
    _, losses = _alone(data, None)
    for rank in (0, -1):
        expect(trained.losses[rank][0], "what it returns").is_a(float)
        expect(trained.losses[rank], "the losses of two updates").close_to(losses, rtol=1e-6)


@DataParallel.property("exchanges once an update, not with each micro-batch", trials=1)
def _(answer, draw: Draw) -> None:
    trained = _Trained(answer, 2, _data(draw, 2, rows=16), None)
    expect(max(trained.sent), "messages of a process in an update of 4 micro-batches").is_between(
        1, 4
    )


@DataParallel.property("clips the gradient of the whole batch", trials=1)
def _(answer, draw: Draw) -> None:
    data = _data(draw, 1)
    trained = _Trained(answer, 3, data, 0.1)
    expect(trained.recorders[0].norm, "the gradient's norm when the optimiser steps").close_to(
        0.1, rtol=1e-3
    )
    trained = _Trained(answer, 3, data, 1e6)
    one = _Net(0)
    _squared(one, data[0]).backward()
    slopes = [p.grad for p in one.parameters() if p.grad is not None]
    norm = float(torch.cat([slope.flatten() for slope in slopes]).norm())
    expect(trained.recorders[0].norm, "the norm where the limit is far above it").close_to(norm)


@DataParallel.property("starts each update without old gradients, in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    def spoil(model: _Net) -> None:
        model.eval()
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)

    data = _data(draw, 2)
    trained = _Trained(answer, 2, data, None, before=spoil)
    model, _ = _alone(data, None)
    expect(_weights(trained.models[0]), "the weights").close_to(_weights(model), rtol=1e-6)
    evaluating = sum(not mode for mode in trained.models[0].modes)
    expect(evaluating, "how often the model was called in evaluation mode").equals(0)


class _Parallel:
    """Right, but for what the mistakes below spoil in one place each."""

    habits: dict[str, Any] = {}

    def __init__(self, model, link):
        self.model, self.link = model, link
        tensors = list(model.parameters())
        if "forgets_buffers" not in self.habits:
            tensors += list(model.buffers())
        if "no_broadcast" in self.habits:
            return
        with torch.no_grad():
            for tensor in tensors:
                if "averages_start" in self.habits:
                    tensor.copy_(ring(tensor.flatten(), link).view_as(tensor) / link.size)
                elif link.rank == 0:
                    for other in range(1, link.size):
                        link.send(tensor, other)
                else:
                    tensor.copy_(link.receive(0))

    def _average(self, scale):
        gradients = [p.grad for p in self.model.parameters()]
        total = ring(torch.cat([g.flatten() for g in gradients]), self.link) * scale
        for gradient in gradients:
            gradient.copy_(total[: gradient.numel()].view_as(gradient))
            total = total[gradient.numel() :]

    def update(self, optimiser, batches, loss_of, clip):
        habits, size = self.habits, self.link.size
        if "keeps_mode" not in habits:
            self.model.train()
        if "keeps_gradients" not in habits:
            optimiser.zero_grad()
        total = 0.0
        parts = 1 if "not_divided" in habits else len(batches)
        scale = 1.0 if "sums" in habits else 1 / size
        for batch in batches:
            loss = loss_of(self.model, batch) / parts
            loss.backward()
            total += loss.item() * parts / len(batches)
            if "every_micro_batch" in habits:
                self._exchanged_again(scale)
            if "steps_often" in habits:
                self._average(scale * len(batches))
                optimiser.step()
                optimiser.zero_grad()
        if clip is not None and "clips_own" in habits:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        if not habits.keys() & {"every_micro_batch", "steps_often", "no_exchange"}:
            self._average(scale)
        if clip is not None and not habits.keys() & {"clips_own", "never_clips"}:
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        if "steps_often" not in habits:
            optimiser.step()
        if "own_loss" in habits:
            return total
        mean = ring(torch.tensor([total], dtype=torch.float64), self.link) / size
        return mean[0] if "tensor_loss" in habits else mean.item()

    def _exchanged_again(self, scale):
        """What has been averaged before is averaged again, which changes nothing of it."""
        self._average(scale)


@DataParallel.mistake(
    "Every process keeps its own start. Then averaged gradients move p different models, and "
    "they never meet: send the parameters of process 0 to all."
)
class NoBroadcast(_Parallel):
    habits = {"no_broadcast": True}


@DataParallel.mistake(
    "The buffers are not sent. They are no parameters, but the model computes with them: "
    "model.buffers() has what batch norm counts, for one."
)
class ForgetsBuffers(_Parallel):
    habits = {"forgets_buffers": True}


@DataParallel.mistake(
    "You averaged the starts. A mean of random starts is a smaller start; take that of process 0."
)
class AveragesStart(_Parallel):
    habits = {"averages_start": True}


@DataParallel.mistake(
    "The gradients are summed over the processes, not averaged: as if the learning rate were p "
    "times larger."
)
class Sums(_Parallel):
    habits = {"sums": True}


@DataParallel.mistake(
    "The losses of the micro-batches are not divided by their number, so the gradient is too "
    "large by that factor."
)
class NotDivided(_Parallel):
    habits = {"not_divided": True}


@DataParallel.mistake(
    "The gradients are never exchanged: each process trains a model of its own on its own part."
)
class NoExchange(_Parallel):
    habits = {"no_exchange": True}


@DataParallel.mistake(
    "You exchange with every micro-batch. Only the last time is needed: gradients add up in .grad "
    "until then, and the exchange costs the same whenever it is made."
)
class EveryMicroBatch(_Parallel):
    habits = {"every_micro_batch": True}


@DataParallel.mistake(
    "The optimiser steps after each micro-batch. An update is one step, for the whole batch."
)
class StepsOften(_Parallel):
    habits = {"steps_often": True}


@DataParallel.mistake(
    "Each process clips its own gradient before the exchange. The norm that counts is that of the "
    "average: exchange first, then clip."
)
class ClipsOwn(_Parallel):
    habits = {"clips_own": True}


@DataParallel.mistake("The gradient is not clipped where `clip` is a number.")
class NeverClips(_Parallel):
    habits = {"never_clips": True}


@DataParallel.mistake("Gradients from before the update are still in .grad: clear them first.")
class KeepsGradients(_Parallel):
    habits = {"keeps_gradients": True}


@DataParallel.mistake(
    "You return the loss of this process's part. Exchange it as well: every process returns the "
    "mean over all."
)
class OwnLoss(_Parallel):
    habits = {"own_loss": True}


@DataParallel.mistake("The loss is still a tensor; return a Python float, with .item().")
class TensorLoss(_Parallel):
    habits = {"tensor_loss": True}


@DataParallel.mistake(
    "The model stays in the mode it came in. Train in training mode: model.train()."
)
class KeepsMode(_Parallel):
    habits = {"keeps_mode": True}


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
