"""How `predict_largest` is judged: by the gap on drawn laws, at 30 times the budget."""

from __future__ import annotations

import numpy as np

from descent.exercises.studies import PowerLaw
from descent.grading import Draw, Exercise, expect

from .fit_with_floor import right_floor

predict_largest = Exercise("predict_largest", minutes=45, difficulty=3, returns=float)
GAP = 0.10
TIMES = 30


class Laboratory:
    """Trains at the price of its FLOPs, and keeps the account."""

    def __init__(self, law: PowerLaw, purse: float, noise: float, seed: int) -> None:
        self.law, self.purse, self.noise = law, purse, noise
        self.generator = np.random.default_rng(seed)
        self.spent = 0.0
        self.overdrawn = False

    def __call__(self, flops: float) -> float:
        """The loss of the best run of this compute, once, with the luck of its seed."""
        if not flops > 0:
            raise ValueError(f"a run of {flops} FLOPs")
        if self.spent + flops > self.purse * (1 + 1e-9):
            self.overdrawn = True
            raise RuntimeError("the purse is empty")
        self.spent += flops
        relative = np.log(flops / self.purse)
        exact = self.law.floor + self.law.scale * np.exp(-self.law.exponent * relative)
        return float(exact * np.exp(self.noise * self.generator.normal()))

    def truth(self, target: float) -> float:
        """What the large run will give, but for the luck of its seed."""
        relative = np.log(target / self.purse)
        return float(self.law.floor + self.law.scale * np.exp(-self.law.exponent * relative))

    def __repr__(self) -> str:
        return f"a laboratory with {self.purse:.3g} FLOPs"


def _laboratory(draw: Draw, noise: float = 0.003) -> Laboratory:
    law = PowerLaw(draw.uniform(0.3, 1.5), draw.uniform(0.25, 0.5), draw.uniform(0.5, 2.0))
    return Laboratory(law, float(10.0 ** draw.integers(2, 18)), noise, draw.seed())


def _judge(answer, laboratory: Laboratory, target: float) -> None:
    try:
        predicted = answer(laboratory, laboratory.purse, target)
    except RuntimeError:
        if not laboratory.overdrawn:
            raise
        predicted = None
    expect(laboratory.overdrawn, "whether more was spent than there was").equals(False)
    if predicted is None:
        return
    truth = laboratory.truth(target)
    name = f"the prediction for a run that gives {truth:.4g}"
    expect(predicted, name).is_between((1 - GAP) * truth, (1 + GAP) * truth)


@predict_largest.property("is within 10 % at 30 times the budget", trials=6)
def _(answer, draw: Draw) -> None:
    laboratory = _laboratory(draw)
    _judge(answer, laboratory, TIMES * laboratory.purse)


@predict_largest.property("is within 1 % where nothing is left to chance", trials=4)
def _(answer, draw: Draw) -> None:
    laboratory = _laboratory(draw, noise=0.0)
    target = draw.choice([3.0, 10.0, 30.0]) * laboratory.purse
    predicted = answer(laboratory, laboratory.purse, target)
    truth = laboratory.truth(target)
    expect(predicted, "the prediction").is_between(0.99 * truth, 1.01 * truth)


@predict_largest.property("spends no more than there is, and more than half of it")
def _(answer, draw: Draw) -> None:
    laboratory = _laboratory(draw)
    _judge(answer, laboratory, 10 * laboratory.purse)
    if not laboratory.overdrawn:
        share = laboratory.spent / laboratory.purse
        expect(share, "the share of the budget that was spent").is_between(0.5, 1.0 + 1e-9)


@predict_largest.property("never makes the large run itself", trials=2)
def _(answer, draw: Draw) -> None:
    laboratory = _laboratory(draw)
    _judge(answer, laboratory, 0.9 * laboratory.purse)
    largest = laboratory.spent < 0.9 * laboratory.purse or not laboratory.overdrawn
    expect(largest, "whether the budget was kept").equals(True)


@predict_largest.right
def right_prediction(train, budget, target):
    sizes = list(budget / 4 / 2.0 ** np.arange(9))
    left = budget - sum(sizes)
    sizes += [budget / 8] * int(left // (budget / 8))
    losses = np.array([train(size) for size in sizes])
    relative = np.array(sizes) / budget
    floor, scale, exponent = right_floor(relative, losses)
    return float(floor + scale * (target / budget) ** -exponent)


predict_largest.slip(
    "without_floor",
    "You drew a straight line on in logarithms. It goes through every floor: fit a "
    "law that has one.",
    {
        "floor, scale, exponent = right_floor(relative, losses)": (
            "slope, height = np.polyfit(np.log(relative), np.log(losses), 1)\n"
            "    floor, scale, exponent = 0.0, np.exp(height), -slope"
        )
    },
)
predict_largest.slip(
    "last_loss",
    "You predicted that nothing more is gained: the loss of the largest run you made.",
    {"floor + scale * (target / budget) ** -exponent": "losses[0]"},
)
predict_largest.slip(
    "only_the_floor",
    "You predicted the floor. The large run comes nearer to it, and is not there.",
    {"floor + scale * (target / budget) ** -exponent": "floor"},
)
predict_largest.slip(
    "overspent",
    "You spent more than there was. Add up the ladder before you climb it: 1 + ½ + "
    "¼ + … comes to 2.",
    {"budget / 4 / 2.0": "budget / 2.0"},
)
predict_largest.slip(
    "too_short_a_ladder",
    "Your runs lie too close together. From a short stretch neither the floor nor "
    "the exponent can be "
    "told: cover two decades and more.",
    {"budget / 4 / 2.0 ** np.arange(9)": "budget / 12 * np.linspace(0.7, 1.3, 9)"},
)
predict_largest.slip(
    "miserly",
    "You left most of the budget unspent. The largest runs say most about the still larger one.",
    {"budget / 4 / 2.0": "budget / 100 / 2.0", "[budget / 8] * int(left // (budget / 8))": "[]"},
)
predict_largest.slip(
    "at_the_budget",
    "You predicted for a run of the budget. The run to predict costs `target`.",
    {"(target / budget)": "1.0"},
)
_LADDER = "costs = list(budget / %s / %s ** np.arange(%s))"
for _changed in ((5, "2.0", 9), (3, "2.0", 9), (4, "4.0", 9), (4, "2.0", 10), (4, "2.0", 8)):
    predict_largest.equivalent(
        f"`{_LADDER % (4, '2.0', 9)}` → `{_LADDER % _changed}`", because="another ladder, as good"
    )
_REST = "costs += [budget / %s] * int(left // (budget / %s))"
for _pair in ((9, 8), (8, 9), (8, 7)):
    predict_largest.equivalent(
        f"`{_REST % (8, 8)}` → `{_REST % _pair}`", because="the rest is spent nearly as well"
    )
predict_largest.hint(
    "What must a set of runs show, so that a floor can be told from a small exponent?"
)
predict_largest.hint(
    "A ladder with halved costs has many cheap rungs: ¼ + ⅛ + … of the budget "
    "leaves half of it. For what?"
)
predict_largest.hint(
    "Your `fit_with_floor` does the rest. Divide costs by the budget first, so "
    "that numbers stay near 1."
)
