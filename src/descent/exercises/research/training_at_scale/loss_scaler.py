"""How `LossScaler` is judged: every step is worked out by hand in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

LossScaler = Exercise("LossScaler", minutes=35, difficulty=3, changes=("weights", "optimiser"))


class _Noting:
    """An optimiser that keeps the gradients it is asked to step with, and moves by a tenth."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = weights
        self.seen: list[list[Tensor]] = []

    def step(self) -> None:
        self.seen.append([w.grad.clone() for w in self.weights if w.grad is not None])
        with torch.no_grad():
            for w in self.weights:
                if w.grad is not None:
                    w.sub_(0.1 * w.grad)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for w in self.weights:
            w.grad = None

    def __repr__(self) -> str:
        return "plain descent"


class _Case:
    """Weights in float32, and the means to step."""

    def __init__(self, draw: Draw, shapes=((3,), (2, 2))) -> None:
        self.draw = draw
        self.weights = [nn.Parameter(normals(draw, *shape)) for shape in shapes]
        self.optimiser = _Noting(self.weights)

    def gradients(self, scale: float, size: float = 0.01) -> list[Tensor]:
        """Gradients of scale × loss, in float16."""
        return [
            (scale * normals(self.draw, *w.shape, scale=1.0) * size).half() for w in self.weights
        ]


def _spoilt(gradients: list[Tensor], value: float, which: int = -1) -> list[Tensor]:
    spoilt = [g.clone() for g in gradients]
    spoilt[which].view(-1)[-1] = value
    return spoilt


def _expect_gradients(case: _Case, given: list[Tensor], scale: float, clip=None) -> None:
    """The optimiser stepped with what was given, unscaled (and clipped) in float64."""
    real = [g.double() / scale for g in given]
    if clip is not None:
        norm = math.sqrt(sum(float((g**2).sum()) for g in real))
        real = [g * min(1.0, clip / norm) for g in real]
    stepped = case.optimiser.seen[-1] if case.optimiser.seen else []
    expect(len(stepped), "gradients that the optimiser stepped with").equals(len(real))
    for place, (got, want) in enumerate(zip(stepped, real, strict=False)):
        expect(got, f"gradient {place} that the optimiser stepped with").close_to(
            want, rtol=1e-3, atol=1e-4 * float(want.abs().max())
        )
        expect(got, f"gradient {place} that the optimiser stepped with").has_dtype("float32")


@LossScaler.property("steps with the gradients divided by the scale", trials=3)
def _(answer, draw: Draw) -> None:
    case, scale = _Case(draw), 2.0 ** draw.integers(3, 12)
    scaler = answer(scale, 10)
    given = case.gradients(scale)
    expect(scaler.step(case.weights, given, case.optimiser, None), "what step returns").equals(True)
    _expect_gradients(case, given, scale)


@LossScaler.property("divides in float32, where small gradients survive", trials=2)
def _(answer, draw: Draw) -> None:
    case, scale = _Case(draw), 2.0**16
    given = case.gradients(scale, size=1e-9)
    answer(scale, 10).step(case.weights, given, case.optimiser, None)
    _expect_gradients(case, given, scale)


@LossScaler.property("clips the gradients of all weights together, after dividing", trials=2)
def _(answer, draw: Draw) -> None:
    for clip in (0.003, 1e3):
        case, scale = _Case(draw), 1024.0
        given = case.gradients(scale)
        answer(scale, 10).step(case.weights, given, case.optimiser, clip)
        _expect_gradients(case, given, scale, clip)


@LossScaler.property("skips the step where a gradient overflows, and halves the scale", trials=3)
def _(answer, draw: Draw) -> None:
    values = (math.inf, -math.inf, math.nan)
    for which, value in enumerate(values):
        case = _Case(draw)
        before = [w.detach().clone() for w in case.weights]
        scaler = answer(512.0, 10)
        given = _spoilt(case.gradients(512.0), value, which % 2)
        told = scaler.step(case.weights, given, case.optimiser, draw.choice((None, 1.0)))
        expect(told, f"what step returns for a gradient with {value}").equals(False)
        expect(len(case.optimiser.seen), "steps of the optimiser").equals(0)
        for weight, old in zip(case.weights, before, strict=True):
            expect(weight, "the weights").close_to(old, rtol=0, atol=0)
        expect(float(scaler.scale), "the scale").equals(256.0)


def _scales(
    answer, draw: Draw, start: float, patience: int, good: str, size: float = 0.01
) -> list[float]:
    """The scale after each step, of which those marked with x overflow."""
    case, scaler = _Case(draw), answer(start, patience)
    scales: list[float] = []
    for mark in good:
        given = case.gradients(float(scaler.scale), size)
        if mark == "x":
            given = _spoilt(given, math.inf)
        scaler.step(case.weights, given, case.optimiser, None)
        if mark != "x":
            _expect_gradients(case, given, float(scales[-1] if scales else start))
        scales.append(float(scaler.scale))
    return scales


def _by_hand(start: float, patience: int, good: str) -> list[float]:
    scales, scale, run = [], start, ""
    for mark in good:
        if mark == "x":
            scale, run = scale / 2, ""
        else:
            run += mark
            if len(run) == patience:
                scale, run = scale * 2, ""
        scales.append(scale)
    return scales


@LossScaler.property("doubles the scale after `patience` good steps in a row", trials=3)
def _(answer, draw: Draw) -> None:
    patience = 1 + draw.size
    marks = "." * (2 * patience + 1)
    expect(_scales(answer, draw, 64.0, patience, marks), "the scale after each step").equals(
        _by_hand(64.0, patience, marks)
    )


@LossScaler.property("begins to count again after an overflow", trials=3)
def _(answer, draw: Draw) -> None:
    for marks in ("..x...x..", ".x..x...", "xx....", "...x..."):
        expect(
            _scales(answer, draw, 256.0, 3, marks),
            f"the scale after each step, x overflows: {marks}",
        ).equals(_by_hand(256.0, 3, marks))


@LossScaler.property("knows no bounds of the scale, below 1 or above 65 536", trials=1)
def _(answer, draw: Draw) -> None:
    for start, marks in ((2.0, "xxx.."), (2.0**23, "....")):
        expect(
            _scales(answer, draw, start, 2, marks, size=1e-4),
            f"the scale after each step, x overflows: {marks}",
        ).equals(_by_hand(start, 2, marks))


@LossScaler.property(
    "begins at 65 536 and waits for 2 000 good steps where nothing is said", trials=1
)
def _(answer, draw: Draw) -> None:
    scaler, case = answer(), _Case(draw, ((1,),))
    expect(float(scaler.scale), "the scale").equals(65536.0)
    given = [torch.ones(1).half()]
    for _ in range(1999):
        scaler.step(case.weights, given, case.optimiser, None)
    expect(float(scaler.scale), "the scale after 1 999 steps").equals(65536.0)
    scaler.step(case.weights, given, case.optimiser, None)
    expect(float(scaler.scale), "the scale after 2 000 steps").equals(131072.0)


@LossScaler.property("takes large gradients that are finite for what they are", trials=2)
def _(answer, draw: Draw) -> None:
    case = _Case(draw)
    given = [torch.full(w.shape, 5e4).half() for w in case.weights]
    expect(
        answer(4096.0, 3).step(case.weights, given, case.optimiser, None), "what step returns"
    ).equals(True)
    _expect_gradients(case, given, 4096.0)


@LossScaler.property("forgets the gradients of the step before", trials=1)
def _(answer, draw: Draw) -> None:
    case, scaler = _Case(draw), answer(64.0, 9)
    for clip in (None, 0.002):
        given = case.gradients(64.0)
        scaler.step(case.weights, given, case.optimiser, clip)
        _expect_gradients(case, given, 64.0, clip)


@LossScaler.property("works with gradients of 0, and clips them to 0", trials=1)
def _(answer, draw: Draw) -> None:
    case = _Case(draw)
    given = [torch.zeros(w.shape).half() for w in case.weights]
    told = answer(8.0, 3).step(case.weights, given, case.optimiser, 1.0)
    expect(told, "what step returns").equals(True)
    case = _Case(draw)
    given = case.gradients(8.0)
    answer(8.0, 3).step(case.weights, given, case.optimiser, 0.0)
    stepped = case.optimiser.seen[-1][0] if case.optimiser.seen else None
    expect(stepped, "the first gradient, with clip = 0.0").close_to(torch.zeros(3), atol=1e-6)


@LossScaler.right
class RightScaler:
    def __init__(self, scale=65536.0, patience=2000):
        self.scale, self.patience, self.good = scale, patience, 0

    def step(self, weights, gradients, optimiser, clip):
        if not all(g.isfinite().all() for g in gradients):
            self.scale, self.good = self.scale / 2, 0
            return False
        for w, g in zip(weights, gradients, strict=True):
            w.grad = g.float() / self.scale
        if clip is not None:
            nn.utils.clip_grad_norm_(weights, clip)
        optimiser.step()
        self.good += 1
        if self.good == self.patience:
            self.scale, self.good = self.scale * 2, 0
        return True


_CLIP = """        if clip is not None:
            nn.utils.clip_grad_norm_(weights, clip)
"""

LossScaler.slip(
    "ClipsScaled",
    "You clip while the gradients are still multiplied by the scale, so nearly all are clipped, "
    "and to far too little. Divide first, then clip.",
    {
        "w.grad = g.float() / self.scale": "w.grad = g.float()",
        "        optimiser.step()\n": (
            "        for w in weights:\n            w.grad /= self.scale\n"
            "        optimiser.step()\n"
        ),
    },
)
LossScaler.slip(
    "DividesInHalf",
    "You divide in float16. What the scale has saved from underflow is lost there again: turn the "
    "gradients into float32 first.",
    {"g.float() / self.scale": "(g / self.scale).float()"},
)
LossScaler.slip(
    "NotDivided",
    "The gradients are those of scale × loss. Divide by the scale before the step.",
    {"g.float() / self.scale": "g.float()"},
)
LossScaler.slip(
    "MissesNan",
    "You look for infinity only. inf − inf inside the network is NaN: ask isfinite.",
    {"not all(g.isfinite().all() for g in gradients)": "any(g.isinf().any() for g in gradients)"},
)
LossScaler.slip(
    "MissesInfinity",
    "You look for NaN only. An overflow is infinity first: ask isfinite.",
    {"not all(g.isfinite().all() for g in gradients)": "any(g.isnan().any() for g in gradients)"},
)
LossScaler.slip(
    "FirstGradientOnly",
    "You look at the first gradient only. An overflow in any of them spoils the step.",
    {"for g in gradients):": "for g in gradients[:1]):"},
)
LossScaler.slip(
    "SumIsTooLarge",
    "You ask whether the sum of a gradient is finite. In float16 large finite numbers add up to "
    "infinity: ask it of every number.",
    {"g.isfinite().all()": "g.sum().isfinite()"},
)
LossScaler.slip(
    "EachClippedAlone",
    "Every gradient is clipped by its own norm. It is the norm over all weights together that is "
    "held to clip: one call for all.",
    {
        "            nn.utils.clip_grad_norm_(weights, clip)\n": (
            "            for w in weights:\n                nn.utils.clip_grad_norm_([w], clip)\n"
        )
    },
)
LossScaler.slip(
    "ValuesClipped",
    "You cut every number at clip by itself, which changes the direction. Scale all of them down "
    "together, by their norm: nn.utils.clip_grad_norm_.",
    {"clip_grad_norm_": "clip_grad_value_"},
)
LossScaler.slip(
    "AddsUpGradients",
    "The new gradient is added to that of the step before. Put it in its place.",
    {
        "w.grad = g.float() / self.scale": (
            "w.grad = g.float() / self.scale + (0.0 if w.grad is None else w.grad)"
        )
    },
)
LossScaler.slip(
    "NotHalved",
    "After an overflow the scale stays, so the next step overflows as well. Halve it.",
    {"self.scale, self.good = self.scale / 2, 0": "self.good = 0"},
)
LossScaler.slip(
    "CountGoesOn",
    "After an overflow you go on counting. `patience` good steps *in a row* are wanted: begin at 0 "
    "again.",
    {"self.scale, self.good = self.scale / 2, 0": "self.scale = self.scale / 2"},
)
LossScaler.slip(
    "GrowsEveryStep",
    "Once the count has been reached the scale doubles at every step. Set the count to 0 when you "
    "double.",
    {
        "self.good == self.patience": "self.good >= self.patience",
        "self.scale, self.good = self.scale * 2, 0": "self.scale = self.scale * 2",
    },
)
LossScaler.slip(
    "GrowsOnce",
    "The scale doubles once and never again: after doubling, the count has to begin at 0.",
    {"self.scale, self.good = self.scale * 2, 0": "self.scale = self.scale * 2"},
)
LossScaler.slip(
    "OneStepLate",
    "The scale doubles one good step too late.",
    {"self.good == self.patience": "self.good == self.patience + 1"},
)
LossScaler.slip(
    "StepsAnyway",
    "You halve the scale, and step all the same. With an infinite gradient every weight is lost: "
    "skip the step.",
    {"            return False\n": ""},
)
LossScaler.slip(
    "DividesByTheNewScale",
    "You change the scale before you divide. These gradients were made with the old one.",
    {
        "        for w, g in zip": (
            "        self.good += 1\n"
            "        if self.good == self.patience:\n"
            "            self.scale, self.good = self.scale * 2, 0\n"
            "        for w, g in zip"
        ),
        "        optimiser.step()\n        self.good += 1\n"
        "        if self.good == self.patience:\n"
        "            self.scale, self.good = self.scale * 2, 0\n": "        optimiser.step()\n",
    },
)
LossScaler.slip(
    "ZeroIsNone",
    "`if clip:` takes 0.0 for no clipping. Ask `clip is not None`.",
    {"if clip is not None:": "if clip:"},
)

LossScaler.slip(
    "NeverBelow1",
    "You never let the scale fall below 1. Nothing was said of a bound: after an overflow it is "
    "halved, whatever it is.",
    {"self.scale / 2, 0": "max(self.scale / 2, 1.0), 0"},
)
LossScaler.slip(
    "NeverAboveTheFirst",
    "You never let the scale rise above a bound. Nothing was said of one: after `patience` good "
    "steps it is doubled, whatever it is.",
    {"self.scale * 2, 0": "min(self.scale * 2, 2.0**24), 0"},
)
LossScaler.slip(
    "ReturnsNothing",
    "After a good step you return nothing. It should say that it was taken: True.",
    {
        "            self.scale, self.good = self.scale * 2, 0\n        return True\n": (
            "            self.scale, self.good = self.scale * 2, 0\n"
        )
    },
)
LossScaler.slip(
    "ReturnsWhetherSkipped",
    "You return True where a step was skipped, and False where it was taken. It is the other way "
    "round.",
    {"return False": "return bool(1)", "        return True\n": "        return False\n"},
)
LossScaler.slip(
    "Multiplies",
    "You multiply by the scale once more. The gradients are those of scale × loss: divide.",
    {"g.float() / self.scale": "g.float() * self.scale"},
)
LossScaler.slip(
    "SkippedIsGood",
    "You count a skipped step as a good one. After an overflow the count begins at 0 again.",
    {"self.scale / 2, 0": "self.scale / 2, self.good + 1"},
)
LossScaler.slip(
    "SkippedCountsToo",
    "A skipped step goes into your count of good ones. After an overflow the count begins at 0 "
    "again.",
    {
        "self.scale / 2, 0": "self.scale / 2, self.good + 1",
        "self.good == self.patience": "self.good >= self.patience",
    },
)
LossScaler.slip(
    "CountsFromOneAfterOverflow",
    "After an overflow your count begins at 1, so the scale is doubled one good step too early. "
    "The skipped step is no good one.",
    {"self.scale / 2, 0": "self.scale / 2, 1"},
)
LossScaler.slip(
    "AlwaysToTheNorm",
    "You bring every norm to clip, small ones too. It is at most clip: only what is longer is "
    "scaled down.",
    {
        "            nn.utils.clip_grad_norm_(weights, clip)\n": (
            "            norm = sum((w.grad**2).sum() for w in weights) ** 0.5\n"
            "            for w in weights:\n"
            "                w.grad *= clip / (norm + 1e-6)\n"
        )
    },
)
LossScaler.slip(
    "ClipsWithoutEnding",
    "You never clip. Where clip is a number, the norm over all weights is held to it: "
    "nn.utils.clip_grad_norm_, after dividing.",
    {"            nn.utils.clip_grad_norm_(weights, clip)\n": "            pass\n"},
)
LossScaler.slip(
    "GrowsByOne",
    "You add to the scale. It is doubled, and so stays a power of two and finds its place soon.",
    {"self.scale * 2, 0": "self.scale + 2, 0"},
)
LossScaler.hint("First ask whether all is finite; only then touch anything.")
LossScaler.hint("In which dtype does 2⁻²⁰ / 2¹⁶ exist?")
LossScaler.hint(
    "A counter of good steps since the scale last changed is all the memory you need. The order of "
    "a good step: float32, divide, clip, step, count.",
)
LossScaler.hint("Which norm is compared with `clip`: that of the loss or of scale × loss?",
                when="clips the gradients of all weights together, after dividing")  # fmt: skip
LossScaler.hint("Write the scale after each step of `..x...x` on paper.", when="value")

for _weaker in ("", ", strict=False"):
    LossScaler.equivalent(
        "`for weight, gradient in zip(weights, gradients, strict=True):` → "
        f"`for weight, gradient in zip(weights, gradients{_weaker}):`",
        because="there are as many gradients as weights",
    )
