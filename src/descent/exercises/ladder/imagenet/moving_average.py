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


@MovingAverage.property("is a plain mean while it is young", trials=3)
def _(answer, draw: Draw) -> None:
    average, wanted, _ = _averaged_states(answer, draw, draw.size, 100.0)
    for name, found, right in zip(PARTS, _floats_of(average.model), wanted, strict=True):
        expect(found, f"the {name}").close_to(right, rtol=1e-3, atol=1e-4)


@MovingAverage.property("forgets half in a half-life once it is older", trials=3)
def _(answer, draw: Draw) -> None:
    half_life = draw.choice([1.0, 1.5, 2.0, 4.0])
    average, wanted, _ = _averaged_states(answer, draw, 7 + draw.size, half_life)
    for name, found, right in zip(PARTS, _floats_of(average.model), wanted, strict=True):
        expect(found, f"the {name}").close_to(right, rtol=1e-3, atol=1e-4)


@MovingAverage.property("starts as a copy, and copies the counter of batches", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw)
    average = answer(live, 5.0)
    for name, found, right in zip(PARTS, _floats_of(average.model), live.floats(), strict=True):
        expect(found, f"the {name} before any update").close_to(right)
    for count in (7, 30):
        live.renew(draw, count)
        average.update(live)
        counter = average.model.norm.num_batches_tracked
        expect(counter, "the counter of batches").close_to(count, atol=1e-6)
        expect(counter, "the counter of batches").has_dtype("int64")


@MovingAverage.property("is in evaluation mode and asks for no gradient", trials=1)
def _(answer, draw: Draw) -> None:
    average, _, live = _averaged_states(answer, draw, 3, 5.0)
    expect(average.model.training, "training mode of the average").equals(False)
    expect(average.model.norm.training, "training mode of its layers").equals(False)
    asking = sum(part.requires_grad for part in average.model.parameters())
    expect(asking, "how many averaged parameters ask for a gradient").equals(0)
    history = sum(part.grad_fn is not None for part in average.model.state_dict().values())
    expect(history, "how many averaged tensors have a history").equals(0)


@MovingAverage.property("leaves the live model alone", trials=1)
def _(answer, draw: Draw) -> None:
    live = Small(draw).train()
    before = live.floats()
    average = answer(live, 2.0)
    average.update(live)
    average.update(live)
    for name, found, right in zip(PARTS, _floats_of(live), before, strict=True):
        expect(found, f"the live {name}").close_to(right)
    expect(live.training, "training mode of the live model").equals(True)
    asking = sum(part.requires_grad for part in live.parameters())
    expect(asking, "how many live parameters ask for a gradient").equals(3)
    shared = {t.data_ptr() for t in live.state_dict().values()} & {
        t.data_ptr() for t in average.model.state_dict().values()
    }
    expect(len(shared), "how many tensors the two share").equals(0)


class _Average:
    """A right average, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, model, half_life):
        habits = self.habits
        self.keep = 0.5 ** (1 / half_life)
        if "time_constant" in habits:
            self.keep = math.exp(-1 / half_life)
        if "one_less" in habits:
            self.keep = 1 - 1 / half_life
        if "as_given" in habits:
            self.keep = 0.5**half_life
        self.updates = 0
        if "live" in habits:
            self.model = model
            return
        self.model = copy.deepcopy(model)
        if "training" not in habits:
            self.model.eval()
        if "asks" not in habits:
            self.model.requires_grad_(False)
        if "stops_the_live" in habits:
            model.requires_grad_(False)
        if "evaluates_live" in habits:
            model.eval()

    def _share(self):
        habits, t = self.habits, self.updates
        if "from_the_start" in habits:
            return self.keep
        if "copies_once" in habits:
            return self.keep if t else 0.0
        if "one_late" in habits:
            return min(self.keep, (t + 1) / (t + 2))
        if "larger" in habits:
            return max(self.keep, t / (t + 1))
        if "mean" in habits:
            return t / (t + 1)
        return min(self.keep, t / (t + 1))

    def update(self, model):
        habits, keep = self.habits, self._share()
        keep = 1 - keep if "swapped" in habits else keep
        self.updates += 1
        buffers = {name for name, _ in model.named_buffers()}
        new = model.state_dict()
        for name, old in self.model.state_dict().items():
            if "no_buffers" in habits and name in buffers:
                continue
            if "copies_buffers" in habits and name in buffers:
                old.copy_(new[name])
            elif "old_buffers" in habits and name in buffers and old.is_floating_point():
                old.mul_(self.keep).add_(new[name], alpha=1 - self.keep)
            elif not old.is_floating_point():
                if "averages_counter" in habits:
                    old.copy_(keep * old + (1 - keep) * new[name])
                elif "leaves_counter" not in habits:
                    old.copy_(new[name])
            elif "adds" in habits:
                old.add_(new[name], alpha=1 - keep)
            elif "replaces" in habits:
                old.copy_(new[name])
            else:
                old.mul_(keep).add_(new[name], alpha=1 - keep)


for _message, _name, _habit in (
    ("keep and 1 − keep have changed places: the old average weighs `keep`.",
     "SharesSwapped", "swapped"),
    ("After `half_life` updates your average has forgotten 63 %, not half: keep = ½^(1/half-life).",
     "TimeConstant", "time_constant"),
    ("keep = 1 − 1/half-life is a time constant, not a half-life: keep = ½^(1/half-life).",
     "OneLessTheInverse", "one_less"),
    ("keep is ½ to the power *one over* the half-life.", "PowerUpsideDown", "as_given"),
    ("Your average remembers the random weights it started from. At the first update it takes the "
     "live weights whole: keep is at most t / (t + 1).", "RemembersTheStart", "from_the_start"),
    ("Your first update copies, and from the second on `keep` is the full one: the first state "
     "weighs far too much for long. keep is at most t / (t + 1).", "CopiesOnce", "copies_once"),
    ("Updates count from 0: at the first, t / (t + 1) is 0.", "CountsFromOne", "one_late"),
    ("You took the larger of keep and t / (t + 1). Take the smaller.", "TakesTheLarger", "larger"),
    ("Your average is the plain mean of all states and never forgets. From some age on keep is "
     "½^(1/half-life).", "NeverForgets", "mean"),
    ("The buffers of batch norm are not averaged. The average of the weights needs statistics that "
     "belong to it.", "BuffersForgotten", "no_buffers"),
    ("You copied the buffers from the live model. Average those of floating point, as the weights.",
     "BuffersCopied", "copies_buffers"),
    ("The buffers of your average remember their start: they are averaged as the weights are, with "
     "keep at most t / (t + 1).", "BuffersRememberTheStart", "old_buffers"),
    ("You averaged a whole number, the counter of batches. Copy it.",
     "CounterAveraged", "averages_counter"),
    ("The counter of batches stays at its start. Copy it from the live model.",
     "CounterForgotten", "leaves_counter"),
    ("Your average *is* the live model, not a copy: `copy.deepcopy`.", "SharesTheModel", "live"),
    ("Your average is left in training mode: an evaluation would change it.",
     "LeftInTraining", "training"),
    ("The averaged parameters ask for gradients. Nobody trains them: requires_grad_(False).",
     "AsksForGradients", "asks"),
    ("You switched off the gradients of the *live* model. Only the copy's.",
     "StopsTheLiveModel", "stops_the_live"),
    ("You put the *live* model into evaluation mode. Only the copy.",
     "EvaluatesTheLiveModel", "evaluates_live"),
    ("The old average is not multiplied by keep before the new part is added.",
     "AddsUp", "adds"),
    ("You copy the live model at every update, and nothing is averaged. Is every update counted?",
     "CopiesAlways", "replaces"),
):  # fmt: skip
    MovingAverage.mistake(_message)(type(_name, (_Average,), {"habits": (_habit,)}))


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
