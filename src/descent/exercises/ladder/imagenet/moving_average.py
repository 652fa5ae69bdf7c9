"""How `MovingAverage` is judged."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

MovingAverage = Exercise("MovingAverage", minutes=20, difficulty=2, changes=("model",))


class Small(nn.Module):
    """Parameters, a batch norm with its buffers, and a buffer of whole numbers."""

    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self.matrix = nn.Parameter(normals(draw, 2, 3))
        self.norm = nn.BatchNorm1d(3)
        self.renew(draw, 0)

    def renew(self, draw: Draw, batches: int) -> None:
        """New numbers everywhere, as a step of training would give."""
        with torch.no_grad():
            counted = [part for part in self.norm.buffers() if part.is_floating_point()]
            for part in (*self.parameters(), *counted):
                part.copy_(normals(draw, *part.shape))
            self.norm.get_buffer("num_batches_tracked").fill_(batches)

    def floats(self) -> list[np.ndarray]:
        """Everything but the counter, in the order of the state."""
        return [t.double().numpy().copy() for t in self.state_dict().values() if t.ndim]

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x @ self.matrix)

    def __repr__(self) -> str:
        return "a model"


def _weights_of_the_past(count: int, half_life: float) -> np.ndarray:
    """What each of `count` states weighs in the average, the oldest first."""
    keep = 2.0 ** (-1 / half_life)
    kept = [min(keep, t / (t + 1)) for t in range(count)]
    return np.array([(1 - kept[t]) * math.prod(kept[t + 1 :]) for t in range(count)])


def _averaged_states(answer, draw: Draw, count: int, half_life: float) -> tuple[Any, list, Small]:
    """The average after `count` updates, what it should hold, and the live model."""
    live = Small(draw)
    average = answer(live, half_life)
    past = []
    for t in range(count):
        live.renew(draw, 10 + t)
        past.append(live.floats())
        average.update(live)
    weights = _weights_of_the_past(count, half_life)
    wanted = [sum(w * part for w, part in zip(weights, parts, strict=True))
              for parts in zip(*past, strict=True)]  # fmt: skip
    return average, wanted, live


def _floats_of(model: Any) -> list[Tensor]:
    state = model.state_dict().values()
    return [t.detach().clone() for t in state if t.ndim]


PARTS = ("matrix", "scale", "shift", "running mean", "running variance")


def _expect_parts(model: Any, wanted: list, which: slice, what: str = "") -> None:
    """Compare tensors of the average, by their place in the state, with what they should hold."""
    parts = zip(PARTS[which], _floats_of(model)[which], wanted[which], strict=True)
    for name, found, right in parts:
        expect(found, f"the {name}{what}").close_to(right, rtol=1e-3, atol=1e-4)


WEIGHTS, STATISTICS = slice(0, 3), slice(3, 5)


@MovingAverage.property("is a plain mean while it is young", trials=3)
def _(answer, draw: Draw) -> None:
    average, wanted, _ = _averaged_states(answer, draw, draw.size, 100.0)
    _expect_parts(average.model, wanted, WEIGHTS)


@MovingAverage.property("forgets half in a half-life once it is older", trials=2)
def _(answer, draw: Draw) -> None:
    for half_life in (draw.choice([0.5, 1.0]), draw.choice([1.5, 2.0, 4.0])):
        average, wanted, _ = _averaged_states(answer, draw, 6 + draw.size, half_life)
        _expect_parts(average.model, wanted, WEIGHTS, f" at half-life {half_life:g}")


@MovingAverage.property("averages batch norm's statistics as it does the weights", trials=2)
def _(answer, draw: Draw) -> None:
    for half_life, count in ((100.0, draw.size + 2), (1.5, 8)):
        average, wanted, _ = _averaged_states(answer, draw, count, half_life)
        _expect_parts(average.model, wanted, STATISTICS, f" after {count} updates")


@MovingAverage.property("starts as a copy", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    kept = live.floats()
    average = answer(live, 5.0)
    _expect_parts(average.model, kept, slice(0, 5), " before any update")
    live.renew(draw, 3)
    _expect_parts(average.model, kept, slice(0, 5), " when the live model has moved on")


@MovingAverage.property("copies the counter of batches", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    average = answer(live, 5.0)
    for count in (7, 30):
        live.renew(draw, count)
        average.update(live)
        counter = average.model.norm.num_batches_tracked
        expect(counter, "the counter of batches").close_to(count, atol=1e-6)
        expect(counter, "the counter of batches").has_dtype("int64")


@MovingAverage.property("takes in the model that it is handed, which may be another", trials=1)
def _(answer, draw: Draw) -> None:
    first, second = Small(draw), Small(draw)
    average = answer(first, 100.0)
    average.update(second)
    average.update(first)
    wanted = [(one + two) / 2 for one, two in zip(first.floats(), second.floats(), strict=True)]
    _expect_parts(average.model, wanted, slice(0, 5))


@MovingAverage.property("is in evaluation mode, every layer of it", trials=1)
def _(answer, draw: Draw) -> None:
    average, _, live = _averaged_states(answer, draw, 3, 5.0)
    expect(average.model.training, "training mode of the average").equals(False)
    expect(average.model.norm.training, "training mode of its layers").equals(False)


@MovingAverage.property("asks for no gradient", trials=1)
def _(answer, draw: Draw) -> None:
    average, _, live = _averaged_states(answer, draw, 3, 5.0)
    asking = sum(part.requires_grad for part in average.model.parameters())
    expect(asking, "how many averaged parameters ask for a gradient").equals(0)
    history = sum(part.grad_fn is not None for part in average.model.state_dict().values())
    expect(history, "how many averaged tensors have a history").equals(0)


@MovingAverage.property("leaves the live model's tensors alone", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    live.norm.bias.requires_grad_(False)
    live.matrix.grad = slope = normals(draw, 2, 3)
    before = live.floats()
    average = answer(live, 2.0)
    average.update(live)
    average.update(live)
    for name, found, right in zip(PARTS, _floats_of(live), before, strict=True):
        expect(found, f"the live {name}").close_to(right)
    expect(live.matrix.grad, "the live gradient").close_to(slope)
    asking = sum(part.requires_grad for part in live.parameters())
    expect(asking, "how many live parameters ask for a gradient").equals(2)
    shared = {t.data_ptr() for t in live.state_dict().values()} & {
        t.data_ptr() for t in average.model.state_dict().values()
    }
    expect(len(shared), "how many tensors the two share").equals(0)


@MovingAverage.property("leaves the live model's mode alone, of each layer", trials=1)
def _(answer, draw: Draw) -> None:
    for training, inner in ((True, True), (True, False), (False, False)):
        live = Small(draw).train(training)
        live.norm.train(inner)
        answer(live, 2.0).update(live)
        expect(live.training, "training mode of the live model").equals(training)
        expect(live.norm.training, "training mode of the layer in it").equals(inner)


@MovingAverage.property("leaves the recording of gradients as it was", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    for recording in (True, False):
        with torch.set_grad_enabled(recording):
            answer(live, 2.0).update(live)
            after = torch.is_grad_enabled()
        expect(after, "whether gradients are recorded afterwards").equals(recording)


@MovingAverage.right
class RightAverage:
    def __init__(self, model, half_life):
        self.model = copy.deepcopy(model)
        self.model.eval()
        self.model.requires_grad_(False)
        self.keep = 0.5 ** (1 / half_life)
        self.updates = 0

    def update(self, model):
        keep = min(self.keep, self.updates / (self.updates + 1))
        self.updates += 1
        live = model.state_dict()
        with torch.no_grad():
            for name, old in self.model.state_dict().items():
                if old.is_floating_point():
                    old.mul_(keep).add_(live[name], alpha=1 - keep)
                else:
                    old.copy_(live[name])


_COPY = "copy.deepcopy(model)"
_POWER = "0.5 ** (1 / half_life)"
_KEEP = "min(self.keep, self.updates / (self.updates + 1))"
_MIX = "old.mul_(keep).add_(live[name], alpha=1 - keep)"
_INTO_MODE = "self.model.eval()\n"
_FREEZE = "self.model.requires_grad_(False)\n"
_COUNTER = "old.copy_(live[name])"


MovingAverage.slip(
    "SharesSwapped",
    "keep and 1 − keep have changed places: the old average weighs `keep`.",
    {_MIX: "old.mul_(1 - keep).add_(live[name], alpha=keep)"},
)
MovingAverage.slip(
    "TimeConstant",
    "After `half_life` updates your average has forgotten 63 %, not half: keep = ½^(1/half-life).",
    {_POWER: "math.exp(-1 / half_life)"},
)
MovingAverage.slip(
    "OneLessTheInverse",
    "keep = 1 − 1/half-life is a time constant, not a half-life: keep = ½^(1/half-life).",
    {_POWER: "1 - 1 / half_life"},
)
MovingAverage.slip(
    "PowerUpsideDown",
    "keep is ½ to the power *one over* the half-life.",
    {_POWER: "0.5**half_life"},
)
MovingAverage.slip(
    "PowerWithoutBrackets",
    "keep is ½ to the power of *one over the half-life*. Without brackets `0.5 ** 1 / half_life` "
    "is one half, divided.",
    {_POWER: "0.5**1 / half_life"},
)
MovingAverage.slip(
    "RemembersTheStart",
    "Your average remembers the random weights it started from. At the first update it takes the "
    "live weights whole: keep is at most t / (t + 1).",
    {_KEEP: "self.keep"},
)
MovingAverage.slip(
    "CopiesOnce",
    "Your first update copies, and from the second on `keep` is the full one: the first state "
    "weighs far too much for long. keep is at most t / (t + 1).",
    {_KEEP: "self.keep if self.updates else 0.0"},
)
MovingAverage.slip(
    "CountsFromOne",
    "Updates count from 0: at the first, t / (t + 1) is 0.",
    {_KEEP: "min(self.keep, (self.updates + 1) / (self.updates + 2))"},
)
MovingAverage.slip(
    "AnotherWarmUp",
    "keep is at most t / (t + 1) on this page, which makes a plain mean at first. You took "
    "(1 + t) / (10 + t), another rule that some libraries have.",
    {_KEEP: "min(self.keep, (1 + self.updates) / (10 + self.updates))"},
)
MovingAverage.slip(
    "TakesTheLarger",
    "You took the larger of keep and t / (t + 1). Take the smaller.",
    {"keep = min(": "keep = max("},
)
MovingAverage.slip(
    "NeverForgets",
    "Your average is the plain mean of all states and never forgets. From some age on keep is "
    "½^(1/half-life).",
    {_KEEP: "self.updates / (self.updates + 1)"},
)
MovingAverage.slip(
    "BuffersForgotten",
    "The buffers of batch norm are not averaged. The average of the weights needs statistics that "
    "belong to it.",
    {"self.model.state_dict().items()": "self.model.named_parameters()"},
)
MovingAverage.slip(
    "BuffersCopied",
    "You copied the buffers from the live model. Average those of floating point, as the weights.",
    {"if old.is_floating_point():": "if name in dict(self.model.named_parameters()):"},
)
MovingAverage.slip(
    "BuffersRememberTheStart",
    "The buffers of your average remember their start: they are averaged as the weights are, with "
    "keep at most t / (t + 1).",
    {
        _MIX: "kept = keep if name in dict(self.model.named_parameters()) else self.keep\n"
        "                    old.mul_(kept).add_(live[name], alpha=1 - kept)"
    },
)
MovingAverage.slip(
    "CounterAveraged",
    "You averaged a whole number, the counter of batches. Copy it.",
    {_COUNTER: "old.copy_(keep * old + (1 - keep) * live[name])"},
)
MovingAverage.slip(
    "CounterForgotten",
    "The counter of batches stays at its start. Copy it from the live model.",
    {_COUNTER: "pass"},
)
MovingAverage.slip(
    "SharesTheModel",
    "Your average *is* the live model, not a copy: `copy.deepcopy`.",
    {_COPY: "model"},
)
MovingAverage.slip(
    "ShallowCopy",
    "`copy.copy` makes a new model of the same tensors: what you average into is the live model's. "
    "`copy.deepcopy` copies the tensors too.",
    {_COPY: "copy.copy(model)"},
)
MovingAverage.slip(
    "IgnoresTheArgument",
    "You read the model that you were made with, whatever `update` is handed. Read the argument.",
    {
        "self.updates = 0\n": "self.updates = 0\n        self.live = model\n",
        "live = model.state_dict()": "live = self.live.state_dict()",
    },
)
MovingAverage.slip(
    "LeftInTraining",
    "Your average is left in training mode: an evaluation would change it.",
    {_INTO_MODE: "\n"},
)
MovingAverage.slip(
    "AsksForGradients",
    "The averaged parameters ask for gradients. Nobody trains them: requires_grad_(False).",
    {_FREEZE: "\n"},
)
MovingAverage.slip(
    "StopsTheLiveModel",
    "You switched off the gradients of the *live* model. Only the copy's.",
    {_FREEZE: f"{_FREEZE}        model.requires_grad_(False)\n"},
)
MovingAverage.slip(
    "EvaluatesTheLiveModel",
    "You put the *live* model into evaluation mode. Only the copy.",
    {_INTO_MODE: f"{_INTO_MODE}        model.eval()\n"},
)
MovingAverage.slip(
    "TrainsTheLiveModel",
    "The *live* model is in training mode afterwards, whatever it was in, or its layers were. Do "
    "not touch its mode: put the copy into evaluation mode.",
    {_INTO_MODE: f"{_INTO_MODE}        model.train()\n"},
)
MovingAverage.slip(
    "GradientsOffForGood",
    "No gradients are recorded after `update`: you switched them off and not on again. "
    "`with torch.no_grad():` ends where its block ends.",
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\n        if True:"},
)
MovingAverage.slip(
    "NothingWritten",
    "The weights of your average never change. Did you bind a local name (`old = …`), where the "
    "new numbers must be written into the tensor (`mul_`, `add_`, `copy_`)?",
    {_MIX: "old = keep * old + (1 - keep) * live[name]"},
)
MovingAverage.slip(
    "AddsUp",
    "The old average is not multiplied by keep before the new part is added.",
    {_MIX: "old.add_(live[name], alpha=1 - keep)"},
)
MovingAverage.slip(
    "CopiesAlways",
    "You copy the live model at every update, and nothing is averaged. Is every update counted?",
    {"self.updates += 1\n": "\n"},
)


MovingAverage.equivalent(
    "`keep = min(self.keep, self.updates / (self.updates + 1))` → "
    "`keep = min(self.updates / (self.updates + 1), self.keep)`",
    because="the smaller of two does not depend on which comes first",
)


MovingAverage.hint("`copy.deepcopy(model)`, evaluation mode, no gradients, and a counter at 0.")
MovingAverage.hint(
    "`state_dict()` holds parameters and buffers, and writing into its tensors counts."
)
MovingAverage.hint("Old: `mul_(keep)`, then `add_(new, alpha=1 - keep)`.")
MovingAverage.hint(
    "`tensor.is_floating_point()` tells the statistics from the counter.", when="error"
)
MovingAverage.hint("By hand: after the first update the average is the live model.", when="value")
MovingAverage.hint(
    "What is keep at the second update, t = 1?", when="is a plain mean while it is young"
)
