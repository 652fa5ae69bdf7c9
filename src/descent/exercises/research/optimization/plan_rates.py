"""How `plan_rates` is judged: by what its schedule is worth beside the best there is."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from descent.exercises.research.optimization.shared import Problem, stepped
from descent.grading import Draw, Exercise, expect

plan_rates = Exercise("plan_rates", minutes=40, difficulty=3, seconds=8.0, returns=np.ndarray)

SLACK = 1.02


def _lower_left(points: np.ndarray) -> list[int]:
    """Corners of the lower left of a cloud of points: of the others none is ever the best.

    What later steps make of a state is a sum of its two numbers with positive weights.
    """
    corners: list[int] = []
    for i in np.lexsort((points[:, 1], points[:, 0])).tolist():
        x, y = points[i]
        if corners and y >= points[corners[-1], 1]:
            continue
        while len(corners) > 1:
            (x0, y0), (x1, y1) = points[corners[-2]], points[corners[-1]]
            if (x1 - x0) * (y - y0) > (y1 - y0) * (x - x0):
                break
            corners.pop()
        corners.append(i)
    return corners


def _optimum(problem: Problem, batch: float, steps: int, rates: np.ndarray) -> float:
    """The lowest loss of all schedules, forwards and without a grid."""
    shrunk = (1 - rates[:, None] * problem.h) ** 2
    noise = rates[:, None] ** 2 * problem.c / batch
    states = (problem.start**2)[None]
    for _ in range(steps):
        reached = (shrunk * states[:, None] + noise).reshape(-1, 2)
        states = reached[_lower_left(reached)]
    return float((0.5 * states @ problem.h).min())


def _problem(draw: Draw) -> Problem:
    """A steep direction and a flat one that starts far off, in either order."""
    h = draw.uniform(0.7, 1.8) * np.array([1.0, draw.uniform(0.06, 0.15)])
    c = h * draw.uniform(0.6, 2.0, 2)
    start = np.array([draw.uniform(0.5, 2.0), -draw.uniform(2.0, 4.0)])
    order = draw.rng.permutation(2)
    return Problem(h[order], c[order], start[order])


def _rates(draw: Draw, problem: Problem, count: int) -> np.ndarray:
    top = draw.uniform(1.5, 1.9) / problem.h.max()
    return draw.rng.permutation(top * np.geomspace(0.03, 1.0, count))


def _expect_plan(answer, problem: Problem, batch: float, steps: int, rates, best: float) -> None:
    given = answer(*problem, batch, steps, rates)
    expect(given, "the rates").has_shape(steps)
    given = np.asarray(given, dtype=float)
    if given.shape != (steps,):
        return
    far = max((float(np.abs(rates / rate - 1).min()) if rate else 1.0 for rate in given), default=0)
    expect(far, "how far a rate is from all of the list").is_below(1e-9)
    worth = stepped(problem, given.tolist(), batch)[-1]
    expect(worth, "the loss at the end").is_below(best * SLACK)


@plan_rates.property("of one step makes the next loss lowest", trials=2)
def _(answer, draw: Draw) -> None:
    problem, batch = _problem(draw), draw.uniform(2, 9)
    rates = _rates(draw, problem, 5)
    best = min(stepped(problem, [rate], batch)[-1] for rate in rates)
    _expect_plan(answer, problem, batch, 1, rates, best)


@plan_rates.property("of four steps is as good as the best of all schedules", trials=2)
def _(answer, draw: Draw) -> None:
    problem, batch = _problem(draw), draw.uniform(2, 30)
    rates = _rates(draw, problem, 4)
    every = itertools.product(rates.tolist(), repeat=4)
    best = min(stepped(problem, list(one), batch)[-1] for one in every)
    _expect_plan(answer, problem, batch, 4, rates, best)


@plan_rates.property("of 24 steps ends within 2 % of the best there is", trials=2)
def _(answer, draw: Draw) -> None:
    problem, batch = _problem(draw), draw.uniform(3, 40)
    rates = _rates(draw, problem, 8)
    _expect_plan(answer, problem, batch, 24, rates, _optimum(problem, batch, 24, rates))


@plan_rates.property("on the page's two directions ends at half of the greedy loss", trials=1)
def _(answer, draw: Draw) -> None:
    problem = Problem(np.array([2.0, 0.5]), np.array([3.0, 1.0]), np.array([1.0, -2.0]))
    rates = np.geomspace(0.03, 0.95, 8)
    _expect_plan(answer, problem, 4, 24, rates, _optimum(problem, 4, 24, rates))


@plan_rates.property("lets a direction start at its minimum", trials=1)
def _(answer, draw: Draw) -> None:
    h, c, start = _problem(draw)
    problem = Problem(h, c, np.where(h == h.max(), 0.0, start))
    rates = _rates(draw, problem, 6)
    _expect_plan(answer, problem, 8, 12, rates, _optimum(problem, 8, 12, rates))


@plan_rates.property("of no steps is empty, and of one rate holds it", trials=1)
def _(answer, draw: Draw) -> None:
    problem = _problem(draw)
    rates = _rates(draw, problem, 3)
    expect(answer(*problem, 4, 0, rates), "the rates of no steps").has_shape(0)
    given = answer(*problem, 4, 3, rates[:1])
    expect(given, "the rates").close_to(np.repeat(rates[:1], 3), rtol=1e-9)


@plan_rates.right
def right_plan(h, c, start, batch, steps, rates):
    shrink = (1 - rates[:, None] * h) ** 2
    noise = rates[:, None] ** 2 * c / batch
    low = noise.min(axis=0)
    high = np.maximum(start**2, (noise / (1 - shrink)).max(axis=0)) * 1.01
    axes = [np.linspace(np.log(low[i]), np.log(high[i]), 40) for i in (0, 1)]
    states = np.exp(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))
    after = np.clip(shrink[:, None, None] * states + noise[:, None, None], low, high)
    tables = [np.log((h * states).sum(axis=-1))]
    for _ in range(steps - 1):
        tables.append(RegularGridInterpolator(axes, tables[-1])(np.log(after)).min(axis=0))
    second, plan = start**2, []
    for left in reversed(range(steps)):
        reached = shrink * second + noise
        table = RegularGridInterpolator(axes, tables[left])
        worth = table(np.log(np.clip(reached, low, high)))
        if left == 0:
            worth = (h * reached).sum(axis=1)
        best = int(worth.argmin())
        plan.append(rates[best])
        second = reached[best]
    return np.array(plan)


_WORTH = """        worth = table(np.log(np.clip(reached, low, high)))
        if left == 0:
            worth = (h * reached).sum(axis=1)
"""

plan_rates.slip(
    "greedy",
    "Your rates are the greedy ones: each is the best for the next loss. Ask what the state that a "
    "rate leads to is worth at the *end*.",
    {_WORTH: "        worth = (h * reached).sum(axis=1)\n"},
)
plan_rates.slip(
    "backwards",
    "Your rates come from the last step to the first. You plan backwards, and then follow the plan "
    "forwards from the start.",
    {"return np.array(plan)": "return np.array(plan[::-1])"},
)
plan_rates.slip(
    "tables_backwards",
    "At the first step you look at the table of the last, and the other way round. With k steps "
    "still to go after this one, the table that was made k steps from the end is right.",
    {"tables[left]": "tables[steps - 1 - left]", "if left == 0": "if left == steps - 1"},
)
plan_rates.slip(
    "state_never_moves",
    "You choose every rate from the start. After each rate the state is another: go on from there.",
    {"second = reached[best]": "second = second + 0 * reached[best]"},
)
plan_rates.slip(
    "places_for_rates",
    "You return places in the list. Asked for are the rates that stand there.",
    {"plan.append(rates[best])": "plan.append(float(best))"},
)
plan_rates.slip(
    "noise_forgotten",
    "You planned without the noise: a state becomes qs + η²c/B. Where nothing is ever brought in, "
    "small rates look useless.",
    {"rates[:, None] ** 2 * c / batch": "rates[:, None] ** 2 * c / batch * 1e-6"},
)
plan_rates.slip(
    "batch_ignored",
    "The batch makes no difference to your plan. The noise of a step is η²c/B.",
    {"* c / batch": "* c"},
)
plan_rates.slip(
    "start_not_squared",
    "You took the start for the first state. A state is E[θ²]: the start squared.",
    {"second, plan = start**2, []": "second, plan = np.abs(start), []"},
)
plan_rates.slip(
    "distance_not_loss",
    "Your last table holds Σθ² where the loss ½ Σ hθ² belongs.",
    {"(h * states).sum(axis=-1)": "states.sum(axis=-1)",
     "(h * reached).sum(axis=1)": "reached.sum(axis=1)"},
)  # fmt: skip
plan_rates.slip(
    "average_over_rates",
    "A table's entry is the *best* of what the rates lead to. You averaged over them, as if the "
    "rates after this one were drawn by lot.",
    {"(np.log(after)).min(axis=0)": "(np.log(after)).mean(axis=0)"},
)
plan_rates.slip(
    "worst_of_the_rates",
    "You took the largest of what the rates lead to. You choose the rate: take the smallest.",
    {"(np.log(after)).min(axis=0)": "(np.log(after)).max(axis=0)"},
)
plan_rates.slip(
    "even_grid",
    "Your grid is even in E[θ²], and a run ends in its first cell. The states span powers of ten: "
    "make the grid even in their logarithms.",
    {
        "axes = [np.linspace(np.log(low[i]), np.log(high[i]), 40) for i in (0, 1)]":
        "axes = [np.log(np.linspace(low[i], high[i], 40)) for i in (0, 1)]",
    },
)  # fmt: skip
plan_rates.slip(
    "nearest_state",
    "You took the nearest state of the grid and did not interpolate. Two rates that lead into the "
    "same cell then look alike.",
    {
        "RegularGridInterpolator(axes, tables[-1])":
        "RegularGridInterpolator(axes, tables[-1], method='nearest')",
        "RegularGridInterpolator(axes, tables[left])":
        "RegularGridInterpolator(axes, tables[left], method='nearest')",
    },
)  # fmt: skip
plan_rates.slip(
    "one_table_for_all",
    "You use one table at every step. What a state is worth depends on how many steps are left.",
    {"tables[left]": "tables[-1]", "if left == 0": "if False"},
)


@plan_rates.mistake(
    "You hold the best constant rate. Large rates belong to the beginning and small ones to the "
    "end: plan each step."
)
def constant_rate(h, c, start, batch, steps, rates):
    problem = Problem(h, c, start)
    best = min(rates, key=lambda rate: stepped(problem, [rate] * steps, batch)[-1])
    return np.full(steps, best)


@plan_rates.mistake(
    "You look a few steps ahead and not to the end. That is greedy with a longer nose: the rate "
    "still falls too soon."
)
def three_ahead(h, c, start, batch, steps, rates):
    second, plan = start**2, []
    for k in range(steps):
        ahead = right_plan(h, c, np.sqrt(second), batch, min(3, steps - k), rates)
        plan.append(ahead[0])
        second = (1 - ahead[0] * h) ** 2 * second + ahead[0] ** 2 * c / batch
    return np.array(plan)


plan_rates.hint(
    "Fill tables from the end. The last holds each state's loss. The one before: for each state "
    "and rate, where does it lead, and what is that worth in the last?"
)
plan_rates.hint(
    "Which states can occur? E[θ²] is never below the noise of one step at the smallest rate, nor "
    "above the larger of its start and its highest floor."
)
plan_rates.hint(
    "Interpolate logarithms over logarithms: scipy.interpolate.RegularGridInterpolator, or "
    "np.interp twice. 40 states a direction are plenty."
)
plan_rates.hint("Fewer states on the grid, and all of them at once in arrays.", when="slow")

_RANGE = "low, high = (a.min({}), np.maximum({}))"
_START, _FLOOR = "start ** 2", "(a / (1 - q)).max(axis=0)"
_RIGHT = _RANGE.format("axis=0", f"{_START}, {_FLOOR}")
for _other, _because in {
    _RANGE.format("", f"{_START}, {_FLOOR}"): "a grid that reaches lower holds the same states",
    _RANGE.format("axis=0", f"{_FLOOR}, {_START}"):
    "the larger of two does not depend on which comes first",
    _RANGE.format("axis=0", f"{_START}, (a / (1 - q)).max()"):
    "a grid that reaches higher holds the same states",
    _RANGE.format("axis=0", f"{_START}, (a / (1 + q)).max(axis=0)"):
    "a state above the grid is taken for its highest, which costs less than 2 %",
    _RANGE.format("axis=0", f"{_START}, (a / (2 - q)).max(axis=0)"):
    "a state above the grid is taken for its highest, which costs less than 2 %",
}.items():  # fmt: skip
    plan_rates.equivalent(f"`{_RIGHT}` → `{_other}`", because=_because)
_AXES = "axes = np.linspace(np.log(low), np.log(high {}), {}).T"
for _end, _count in (("* 1.01", 41), ("* 1.01", 39), ("/ 1.01", 40), ("* 2.02", 40)):
    plan_rates.equivalent(
        f"`{_AXES.format('* 1.01', 40)}` → `{_AXES.format(_end, _count)}`",
        because="a grid as fine and about as wide finds the same within 2 %",
    )
for _other in ("np.exp((h * states).sum(axis=-1))", "np.log((h * states).mean(axis=-1))"):
    plan_rates.equivalent(
        f"`tables = [np.log((h * states).sum(axis=-1))]` → `tables = [{_other}]`",
        because="whatever rises with the loss is lowest after the same rates",
    )
for _other in ("steps + 1", "steps - 0"):
    plan_rates.equivalent(
        f"`for _ in range(steps - 1):` → `for _ in range({_other}):`",
        because="tables for steps that are not taken are never looked at",
    )
_CLIP = "inside = np.clip({}, {}, axes[:, -1])"
for _first, _second in (("axes[:, 0]", "logs"), ("logs", "axes[:, 1]")):
    plan_rates.equivalent(
        f"`{_CLIP.format('logs', 'axes[:, 0]')}` → `{_CLIP.format(_first, _second)}`",
        because="it cuts at the same bounds, or one cell further in, where no state matters",
    )
