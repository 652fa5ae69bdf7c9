"""How `steps_to_target` is judged."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from descent.exercises.research.optimization.shared import Problem, drawn_problem, stepped
from descent.grading import Draw, Exercise, expect

steps_to_target = Exercise(
    "steps_to_target", minutes=30, difficulty=3, seconds=3.0, returns=int | None
)


def _by_steps(problem: Problem, rate: float, batch: float, target: float, most: int):
    """The first step at which the recursion is at or below the target."""
    losses = stepped(problem, [rate] * most, batch)
    return next((t for t, loss in enumerate(losses) if loss <= target), None)


def _expect_steps(answer, problem: Problem, rate, batch, target, most: int, wanted) -> None:
    found = answer(*problem, rate, batch, target, most)
    expect(found is None, "whether None comes back").equals(wanted is None)
    if wanted is not None:
        expect(-1 if found is None else found, "the number of steps").equals(wanted)


def _dipping(draw: Draw) -> tuple[Problem, float, float]:
    """A steep direction that falls and a flat noisy one that rises: the loss dips, then climbs."""
    h = np.array([1.0, 0.02])
    c = np.array([0.01, draw.uniform(3.0, 6.0)])
    return Problem(h, c, np.array([draw.uniform(2, 3), 0.0])), draw.uniform(0.2, 0.4), 1.0


@steps_to_target.property("counts to the first step at or below the target")
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, min(draw.size, 5))
    problem = Problem(h, c * 0.01, np.abs(start) + 0.5)
    rate = draw.choice([draw.uniform(0.05, 0.4), round(1.6 / float(h.max()), 3)])
    batch = draw.integers(4, 20)
    target = stepped(problem, [rate] * 8, batch)[draw.integers(2, 7)] * 1.0001
    wanted = _by_steps(problem, rate, batch, target, 50)
    _expect_steps(answer, problem, rate, batch, target, 50, wanted)


@steps_to_target.property("is 0 where the start is already there, and stops at `most`", trials=4)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, 2)
    problem = Problem(h, c * 0.001, np.abs(start) + 0.5)
    losses = stepped(problem, [0.2] * 9, 8)
    _expect_steps(answer, problem, 0.2, 8, losses[0] * 1.001, 9, 0)
    _expect_steps(answer, problem, 0.2, 8, losses[0] * 1.001, 0, 0)
    _expect_steps(answer, problem, 0.2, 8, losses[0] * 50, 9, 0)
    _expect_steps(answer, problem, 0.2, 8, losses[9] * 1.0001, 9, 9)
    _expect_steps(answer, problem, 0.2, 8, losses[9] * 1.0001, 8, None)


@steps_to_target.property("of millions are found in no time", trials=4)
def _(answer, draw: Draw) -> None:
    h, rate = draw.uniform(0.5, 1.5), draw.uniform(0.5, 2) * 1e-5
    problem = Problem(np.array([h, h / 64]), np.zeros(2), np.array([0.0, draw.uniform(2, 9)]))
    fraction = draw.uniform(0.05, 0.4)
    target = 0.5 * problem.h[1] * problem.start[1] ** 2 * fraction
    wanted = math.ceil(math.log(fraction) / (2 * math.log1p(-rate * problem.h[1])))
    found = answer(*problem, rate, 4, target, 10**9)
    expect(-1 if found is None else found, "the number of steps").is_between(wanted - 2, wanted + 2)
    _expect_steps(answer, problem, rate, 4, target, wanted // 2, None)


@steps_to_target.property("is None where the noise floor is above the target", trials=4)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, 3)
    rate, batch = draw.uniform(0.2, 0.6), draw.integers(1, 4)
    settled = rate * c / batch / h / (2 - rate * h)
    problem = Problem(h, c, np.sqrt(settled) + draw.uniform(0.1, 2))
    floor = 0.5 * float((h * settled).sum())
    _expect_steps(answer, problem, rate, batch, 0.9 * floor, 10**9, None)


@steps_to_target.property("finds the dip of a loss that falls and rises again", trials=5)
def _(answer, draw: Draw) -> None:
    problem, rate, batch = _dipping(draw)
    losses = stepped(problem, [rate] * 400, batch)
    lowest = int(np.argmin(losses))
    target = losses[lowest] * 1.02
    wanted = _by_steps(problem, rate, batch, target, 400)
    _expect_steps(answer, problem, rate, batch, target, 400, wanted)
    _expect_steps(answer, problem, rate, batch, losses[lowest] * 0.98, 400, None)
    if wanted:
        _expect_steps(answer, problem, rate, batch, target, wanted, wanted)
        _expect_steps(answer, problem, rate, batch, target, wanted - 1, None)


@steps_to_target.property("finds the dip before an unstable direction explodes", trials=4)
def _(answer, draw: Draw) -> None:
    h = np.array([draw.uniform(4.2, 4.6), 0.8])
    problem = Problem(h, np.array([0.0, 0.01]), np.array([0.001, draw.uniform(2, 4)]))
    losses = stepped(problem, [0.5] * 60, 2)
    lowest = int(np.argmin(losses))
    wanted = _by_steps(problem, 0.5, 2, losses[lowest] * 1.02, 60)
    _expect_steps(answer, problem, 0.5, 2, losses[lowest] * 1.02, 60, wanted)
    _expect_steps(answer, problem, 0.5, 2, losses[lowest] * 0.98, 60, None)


@steps_to_target.property("at hopeless rates is None at once, whatever `most`", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, 3)
    problem = Problem(h, c, np.zeros(3))
    problem.start[0] = 3.0
    target = 0.4 * float(h[0]) * 9.0
    _expect_steps(answer, problem, 2.2 / float(h[0]), 1, target, 10**9, None)


@steps_to_target.property("a loss exactly at the target is there", trials=2)
def _(answer, draw: Draw) -> None:
    at = 2.0 ** draw.integers(1, 4)
    problem = Problem(np.array([1.0]), np.zeros(1), np.array([at]))
    target = float(Fraction(1, 2) * Fraction(at) ** 2 * Fraction(1, 4) ** 3)
    _expect_steps(answer, problem, 0.5, 1, target, 10**6, 3)
    _expect_steps(answer, problem, 0.5, 1, target, 3, 3)
    # The same beside a direction that rises, so that it has to be looked for step by step.
    rising = Problem(np.array([1.0, 0.5]), np.array([0.0, 4.0]), np.array([0.0, 0.0]))
    _expect_steps(answer, rising, 1.0, 1, 0.0, 40, 0)


@steps_to_target.right
def right_steps(h, c, start, rate, batch, target, most):
    second, q = start.astype(float) ** 2, (1 - rate * h) ** 2
    stable = rate * h < 2
    settled = np.where(stable, rate * c / (batch * h * np.where(stable, 2 - rate * h, 1)), np.inf)
    if 0.5 * (h * np.minimum(second, settled)).sum() > target:
        return None
    if (settled <= second).all():

        def loss(t):
            return 0.5 * (h * (settled + (second - settled) * q**t)).sum()

        low, high = -1, most
        if loss(high) > target:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if loss(middle) <= target:
                high = middle
            else:
                low = middle
        return high
    for t in range(most + 1):
        if 0.5 * (h * second).sum() <= target:
            return t
        second = q * second + rate**2 * c / batch
    return None


steps_to_target.slip(
    "never_scans",
    "You halve the interval although the loss may fall and rise again: where it does, the loss at "
    "`most` says nothing about the dip before. Halve only where every direction falls.",
    {"if (settled <= second).all():": "settled = np.minimum(settled, 1e9)\n    if True:"},
)
steps_to_target.slip(
    "one_too_many",
    "You count one step too many. The loss after t steps belongs to t; the start is t = 0.",
    {"return high\n": "return high + 1\n", "return t\n": "return t + 1\n"},
)
steps_to_target.slip(
    "one_too_few",
    "You return the last step that is still above the target. Asked for is the first at or below.",
    {"return high\n": "return low\n", "return t\n": "return t - 1\n"},
)
steps_to_target.slip(
    "most_for_never",
    "Where the target is not reached you return a number, `most` or −1 perhaps. That looks like an "
    "answer; return None.",
    {
        "        if loss(high) > target:\n            return None":
        "        if loss(high) > target:\n            return most",
        "        second = q * second + rate**2 * c / batch\n    return None":
        "        second = q * second + rate**2 * c / batch\n    return most",
        ".sum() > target:\n        return None": ".sum() > target:\n        return most",
    },
)  # fmt: skip
steps_to_target.slip(
    "start_not_looked_at",
    "You do not look at the start. Where its loss is at the target already, 0 steps are enough.",
    {
        "low, high = -1, most": "low, high = 0, max(most, 1)",
        "range(most + 1)": "range(1, most + 1)",
    },
)
steps_to_target.slip(
    "last_step_left_out",
    "You stop one step before `most`. A target reached after exactly `most` steps is reached.",
    {"low, high = -1, most": "low, high = -1, max(most - 1, 0)", "range(most + 1)": "range(most)"},
)
steps_to_target.slip(
    "strictly_below",
    "You ask for a loss below the target. At the target is enough.",
    {
        "if loss(middle) <= target": "if loss(middle) < target",
        ".sum() <= target": ".sum() < target",
        "if loss(high) > target": "if loss(high) >= target",
    },
)
steps_to_target.slip(
    "noise_forgotten",
    "You followed the mean alone: without the noise every rate reaches every target. The floor "
    "decides whether it is reached at all.",
    {"rate * c / (batch": "0 * c / (batch", "rate**2 * c / batch": "0"},
)


def _loss_after(h, c, start, rate, batch, steps):
    """The closed form, infinite where it overflows."""
    q = (1 - rate * h) ** 2
    with np.errstate(all="ignore"):
        power = np.minimum(q ** float(steps), 1e300)
        total = np.where(q == 1, steps, (1 - power) / (1 - q))
    return 0.5 * (h * (power * start**2 + rate**2 * c / batch * total)).sum()


@steps_to_target.mistake(
    "You halve the interval whatever the directions do. Where some of them rise, the loss may "
    "fall and rise again, and the loss at `most` or in the middle says nothing about the dip "
    "before: look at each step there."
)
def always_halves(h, c, start, rate, batch, target, most):
    if _loss_after(h, c, start, rate, batch, 0) <= target:
        return 0
    if _loss_after(h, c, start, rate, batch, most) > target:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        if _loss_after(h, c, start, rate, batch, middle) <= target:
            high = middle
        else:
            low = middle
    return high


@steps_to_target.mistake(
    "You double the steps until the loss is below the target. A dip may be over before the next "
    "number that you look at: where a direction rises, look at each step."
)
def doubles_then_halves(h, c, start, rate, batch, target, most):
    if _loss_after(h, c, start, rate, batch, 0) <= target:
        return 0
    high = 1
    while high <= most and _loss_after(h, c, start, rate, batch, high) > target:
        high *= 2
    if high > most:
        return None
    return always_halves(h, c, start, rate, batch, target, high)


@steps_to_target.mistake(
    "You give up where the noise floor lies above the target. A direction that starts below its "
    "floor may be late: the loss can dip under the target before it rises."
)
def floor_decides(h, c, start, rate, batch, target, most):
    if (rate * h < 2).all() and 0.5 * (rate * c / (batch * (2 - rate * h))).sum() > target:
        return None
    return right_steps(h, c, start, rate, batch, target, most)


@steps_to_target.mistake(
    "You give up at every rate past stability. The direction that explodes may be small at first: "
    "until then the others may bring the loss to the target."
)
def unstable_is_never(h, c, start, rate, batch, target, most):
    if (rate * h >= 2).any():
        return None
    return right_steps(h, c, start, rate, batch, target, most)


@steps_to_target.mistake(
    "You look beyond `most`. A target that is reached later than that is not reached: None."
)
def past_most(h, c, start, rate, batch, target, most):
    longer = 2 * most + 50 if most < 10_000 else 10**9
    return right_steps(h, c, start, rate, batch, target, longer)


@steps_to_target.mistake("Your losses are twice too large: the loss is ½ Σ hE[θ²].")
def without_half(h, c, start, rate, batch, target, most):
    return right_steps(h, c, start, rate, batch, target / 2, most)


steps_to_target.hint(
    "Each direction's expected θ² moves from its start to its floor and never turns."
)
steps_to_target.hint(
    "If all of them fall, the loss falls: halve an interval. If some rise, look at each step."
)
steps_to_target.hint(
    "No loss on the way is below ½ Σ h min(θ₀², floor). What if that is above the target?",
    when="slow",
)
steps_to_target.hint(
    "A direction past stability has no floor: what is the least that its θ² is ever?",
    when="at hopeless rates is None at once, whatever `most`",
)

_FLOOR = (
    "floor = np.where(stable, rate * c / (batch * h * np.where(stable, 2 - rate * h, {})), np.inf)"
)
for _unused in (0, 2):
    steps_to_target.equivalent(
        f"`{_FLOOR.format(1)}` → `{_FLOOR.format(_unused)}`",
        because="the number stands where it is not used, and only avoids a warning",
    )
steps_to_target.equivalent(
    "`stable = rate * h < 2` → `stable = rate * h <= 2`",
    because="at exactly 2 the floor is then infinite by its formula",
)
steps_to_target.equivalent(
    "`if 0.5 * (h * np.minimum(second, floor)).sum() > target:` → "
    "`if 0.5 * (h * np.minimum(floor, second)).sum() > target:`",
    because="the smaller of two does not depend on which comes first",
)
