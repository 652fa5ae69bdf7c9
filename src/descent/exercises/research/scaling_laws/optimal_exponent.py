"""How `optimal_exponent` is judged: loss surfaces whose best size is known in closed form.

For L = E + A·N^(−α) + B·D^(−β) and C = k·N·D the best size goes as C^(β/(α+β)).
"""

from __future__ import annotations

import math

import numpy as np

from descent.exercises.studies import does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

optimal_exponent = Exercise("optimal_exponent", minutes=40, difficulty=3, returns=float)


def _surface(draw: Draw, sizes: np.ndarray, examples: np.ndarray, noise: float = 0.0):
    """The exponent, and flops and losses of shape (sizes, examples)."""
    alpha, beta = draw.uniform(0.3, 0.9), draw.uniform(0.3, 0.9)
    factor = draw.uniform(2.0, 9.0)
    flops = factor * sizes[:, None] * examples
    size, some = 10.0 ** draw.uniform(2.4, 2.6), 10.0 ** draw.uniform(3.4, 3.6)
    losses = (sizes[:, None] / size) ** -alpha + beta / alpha * (examples / some) ** -beta
    losses = losses * np.exp(noise * draw.rng.normal(size=losses.shape))
    budgets = factor * size * some * np.logspace(-0.8, 0.8, 6)
    return beta / (alpha + beta), flops, losses, budgets


def _grid(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    sizes = 10.0 * np.sqrt(2.0) ** np.arange(21)
    return sizes * draw.uniform(0.9, 1.1), 10.0 * 2.0 ** np.arange(17)


@optimal_exponent.property("finds the exponent of an exact surface within 0.02", trials=6)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    truth, flops, losses, budgets = _surface(draw, sizes, examples)
    given = answer(sizes, flops, losses, draw.rng.permutation(budgets))
    expect(given, f"the exponent, {truth:.3f} in truth,").is_between(truth - 0.02, truth + 0.02)


def _by_steps(sizes, flops, losses, budgets) -> float | None:
    """The page's steps in plain Python, the parabola by divided differences."""
    found = []
    for budget in map(math.log, budgets):
        curve = []
        for size, row, some in zip(sizes, np.log(flops), np.log(losses), strict=True):
            if row[0] <= budget <= row[-1]:
                j = max(k for k in range(len(row) - 1) if row[k] <= budget)
                share = (budget - row[j]) / (row[j + 1] - row[j])
                curve.append((math.log(size), (1 - share) * some[j] + share * some[j + 1]))
        best = min(range(len(curve)), key=lambda k: curve[k][1], default=0)
        if len(curve) < 3 or best in (0, len(curve) - 1):
            continue
        (x0, y0), (x1, y1), (x2, y2) = curve[best - 1 : best + 2]
        first = (y1 - y0) / (x1 - x0)
        second = ((y2 - y1) / (x2 - x1) - first) / (x2 - x0)
        found.append((budget, (x0 + x1) / 2 - first / (2 * second)))
    if len(found) < 3:
        return None
    at, best_sizes = np.array(found).T
    centred = at - at.mean()
    return float(centred @ best_sizes / (centred @ centred))


@optimal_exponent.property(
    "is what the three steps give, also at the ends of a size's runs", trials=10
)
def _(answer, draw: Draw) -> None:
    sizes = np.cumprod(draw.uniform(2.0, 4.0, 6))
    flops = draw.uniform(2.0, 9.0) * sizes[:, None] * 4.0 ** np.arange(6)
    losses = np.exp(0.3 * draw.rng.normal(size=flops.shape)) * flops**-0.2
    some = draw.rng.choice(flops.ravel(), 3)
    budgets = np.concatenate([flops[:, 0], flops[:, -1], some, [3 * flops.max()]])
    wanted = _by_steps(sizes, flops, losses, budgets)
    if wanted is None:
        refuses(answer, sizes, flops, losses, budgets, because="fewer than three inner optima")
    else:
        given = does_not_refuse(
            answer, sizes, flops, losses, budgets, although="three inner optima or more"
        )
        if given is not None:
            expect(given, "the exponent").close_to(wanted, rtol=1e-6)


@optimal_exponent.property("finds it under noise of 0.3 % within 0.07", trials=4)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    sizes = sizes[::2]
    truth, flops, losses, budgets = _surface(draw, sizes, examples, noise=0.003)
    given = answer(sizes, flops, losses, budgets)
    expect(given, f"the exponent, {truth:.3f} in truth,").is_between(truth - 0.07, truth + 0.07)


@optimal_exponent.property(
    "leaves out budgets whose best size is the smallest or the largest there is", trials=6
)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    truth, flops, losses, budgets = _surface(draw, sizes, examples)
    wide = np.concatenate(
        [
            budgets,
            budgets[-1] * 10.0 ** np.array([1.5, 2.0, 2.5]),
            budgets[0] / 10.0 ** np.array([2.0, 2.5]),
        ]
    )
    given = answer(sizes, flops, losses, wide)
    expect(given, f"the exponent, {truth:.3f} in truth,").is_between(truth - 0.025, truth + 0.025)


@optimal_exponent.property(
    "compares only sizes that were run on both sides of the budget", trials=4
)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    truth, flops, losses, budgets = _surface(draw, sizes, examples[4:-4])
    keep = np.array(
        [((row <= budget).any() and (row >= budget).any()) for budget in budgets for row in flops]
    )
    if keep.reshape(len(budgets), -1).sum(axis=1).min() >= 5:
        given = answer(sizes, flops, losses, budgets)
        expect(given, f"the exponent, {truth:.3f} in truth,").is_between(truth - 0.03, truth + 0.03)


@optimal_exponent.property(
    "refuses, by ValueError, where fewer than three budgets have an inner best size", trials=3
)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    _, flops, losses, budgets = _surface(draw, sizes, examples)
    beyond = flops.max() * np.array([2.0, 9.0])
    two = np.append(budgets[:2], beyond)
    refuses(answer, sizes, flops, losses, two, because="two inner optima and two beyond all runs")


@optimal_exponent.property("fits three budgets", trials=3)
def _(answer, draw: Draw) -> None:
    sizes, examples = _grid(draw)
    truth, flops, losses, budgets = _surface(draw, sizes, examples)
    given = does_not_refuse(
        answer, sizes, flops, losses, budgets[[4, 0, 2]], although="three inner optima"
    )
    if given is not None:
        wanted = _by_steps(sizes, flops, losses, budgets[[4, 0, 2]])
        expect(given, "the exponent").close_to(wanted, rtol=1e-6)


@optimal_exponent.right
def right_exponent(sizes, flops, losses, budgets):
    found = []
    for budget in budgets:
        reach = np.flatnonzero((flops[:, 0] <= budget) & (budget <= flops[:, -1]))
        if len(reach) < 3:
            continue
        curve = np.array(
            [np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i])) for i in reach]
        )
        best = int(np.argmin(curve))
        if best == 0 or best == len(reach) - 1:
            continue
        three = slice(best - 1, best + 2)
        a, b, _ = np.polyfit(np.log(sizes[reach[three]]), curve[three], 2)
        found.append((np.log(budget), -b / (2 * a)))
    if len(found) < 3:
        raise ValueError("too few inner optima")
    at, best_sizes = np.array(found).T
    return float(np.polyfit(at, best_sizes, 1)[0])


optimal_exponent.slip(
    "edges_kept",
    "You kept budgets at which the best size is the smallest or the largest that could be "
    "compared. The true optimum may lie beyond, and each of these points pulls the slope towards "
    "the edge.",
    {
        "best == 0 or best == len(reach) - 1": "False",
        "three = slice(best - 1, best + 2)": (
            "best = min(max(best, 1), len(reach) - 2)\n        three = slice(best - 1, best + 2)"
        ),
    },
)
optimal_exponent.slip(
    "turned_over",
    "You fitted the budget to the size. The exponent says how the size goes with the budget.",
    {"np.polyfit(at, best_sizes, 1)": "np.polyfit(best_sizes, at, 1)"},
)
optimal_exponent.slip(
    "flops_not_logarithms",
    "You interpolated over the FLOPs themselves. Runs lie evenly in their logarithm, and losses "
    "are nearly straight there.",
    {"np.log(budget), np.log(flops[i])": "budget, flops[i]"},
)
optimal_exponent.slip(
    "last_loss",
    "You compared the *last* loss of each size, whatever it cost. At a budget each size has the "
    "loss that it reaches with that budget.",
    {"np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i]))": "np.log(losses[i, -1])"},
)
optimal_exponent.slip(
    "size_not_logarithm",
    "You fitted the sizes, not their logarithms. A power law is straight in both.",
    {
        "found.append((np.log(budget), -b / (2 * a)))": (
            "found.append((np.log(budget), np.exp(-b / (2 * a))))"
        )
    },
)
optimal_exponent.slip(
    "two_budgets_enough",
    "Two budgets always lie on a line. With fewer than three, raise ValueError.",
    {"len(found) < 3": "len(found) < 2"},
)
optimal_exponent.slip(
    "grid_points",
    "You took the best size of the grid itself, which moves in steps. The parabola through it and "
    "its two neighbours finds the place between.",
    {"-b / (2 * a)": "np.log(sizes[reach[best]])"},
)
optimal_exponent.slip(
    "all_sizes_compared",
    "You compared sizes that were never run near the budget: `np.interp` holds the end of a curve "
    "for what lies beyond it. Compare those with a run on either side.",
    {"(flops[:, 0] <= budget) & (budget <= flops[:, -1])": "flops[:, 0] > 0"},
)
optimal_exponent.equivalent(
    "`if best in (0, len(reach) - 1):` → `if best in (len(reach) - 1, 0):`",
    because="the order of two edges does not matter",
)
optimal_exponent.equivalent(
    "`if len(reach) < 3:` → `if len(reach) < 2:`",
    because="of two sizes the best is always an edge",
)
optimal_exponent.slip(
    "vertex_sign",
    "Your lowest point lies on the wrong side. A parabola a·u² + b·u + c is lowest at −b / (2a).",
    {
        "-b / (2 * a)": "b / (2 * a)",
    },
)
optimal_exponent.slip(
    "vertex_without_two",
    "You forgot the 2 of the lowest point, −b / (2a).",
    {
        "-b / (2 * a)": "-b / a",
    },
)
optimal_exponent.slip(
    "parabola_of_losses",
    "Your parabola goes through the losses. The page asks for the log losses.",
    {
        "curve[three], 2": "np.exp(curve[three]), 2",
    },
)
optimal_exponent.slip(
    "losses_not_logarithms",
    "You interpolated the losses over log compute. Interpolate their logarithms.",
    {
        "np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i]))": (
            "np.log(np.interp(np.log(budget), np.log(flops[i]), losses[i]))"
        ),
    },
)
optimal_exponent.slip(
    "largest_of_all_as_edge",
    "You asked whether the best is the smallest or the largest of *all* sizes. The edge is "
    "that of the sizes compared at this budget.",
    {
        "best == 0 or best == len(reach) - 1": "reach[best] in (0, len(sizes) - 1)",
        "slice(best - 1, best + 2)": (
            "slice(min(max(best - 1, 0), len(reach) - 3), min(max(best - "
            "1, 0), len(reach) - 3) + 3)"
        ),
    },
)
optimal_exponent.slip(
    "upper_edge_kept",
    "You left out budgets whose best is the smallest size, and kept those whose best is the "
    "largest compared.",
    {
        "best == 0 or best == len(reach) - 1": "best == 0",
        "slice(best - 1, best + 2)": (
            "slice(min(best - 1, len(reach) - 3), min(best - 1, len(reach) - 3) + 3)"
        ),
    },
)
optimal_exponent.slip(
    "lower_edge_kept",
    "You left out budgets whose best is the largest size, and kept those whose best is the "
    "smallest compared.",
    {
        "best == 0 or best == len(reach) - 1": "best == len(reach) - 1",
        "slice(best - 1, best + 2)": "slice(max(best - 1, 0), max(best - 1, 0) + 3)",
    },
)
optimal_exponent.slip(
    "ends_alone",
    "You drew the line through the first budget and the last. All have a say: fit a line.",
    {
        "float(np.polyfit(at, best_sizes, 1)[0])": (
            "float((best_sizes[-1] - best_sizes[0]) / (at[-1] - at[0]))"
        ),
    },
)
optimal_exponent.slip(
    "three_budgets_refused",
    "You refused three budgets. Fewer than three are refused.",
    {
        "len(found) < 3": "len(found) < 4",
    },
)
optimal_exponent.slip(
    "nearest_run",
    "You took each size's run nearest to the budget. Interpolate between the two runs around it.",
    {
        "np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i]))": (
            "np.log(losses[i][np.abs(np.log(flops[i] / budget)).argmin()])"
        ),
    },
)
optimal_exponent.slip(
    "edge_refused",
    "You raised an error at the first budget with its best at an edge. Leave this budget "
    "out and go on.",
    {
        "            continue\n        three": (
            "            raise ValueError('edge')\n        three"
        ),
    },
)
optimal_exponent.slip(
    "runs_above_forgotten",
    "You asked only for a run with at most the budget. Without one above it there is "
    "nothing to interpolate to.",
    {
        " & (budget <= flops[:, -1])": "",
    },
)
optimal_exponent.slip(
    "runs_below_forgotten",
    "You asked only for a run with at least the budget. Without one below it there is "
    "nothing to interpolate from.",
    {
        "(flops[:, 0] <= budget) & ": "",
    },
)
optimal_exponent.slip(
    "places_among_compared",
    "You used places among the sizes compared as places among all sizes. They differ as "
    "soon as the smallest sizes are left out.",
    {
        "sizes[reach[three]]": "sizes[three]",
    },
)
optimal_exponent.slip(
    "whole_valley",
    "You fitted the parabola to all sizes compared. The page asks for the best and its two "
    "neighbours: a valley is no parabola far from its bottom.",
    {
        "sizes[reach[three]]), curve[three]": "sizes[reach]), curve",
    },
)
optimal_exponent.slip(
    "data_for_compute",
    "You fitted the size to the examples. It is to be fitted to the budget.",
    {
        "found.append((np.log(budget), -b / (2 * a)))": (
            "found.append((np.log(budget) + b / (2 * a), -b / (2 * a)))"
        ),
    },
)
optimal_exponent.slip(
    "run_at_the_budget_left_out",
    "You left out a size that has a run of exactly the budget. At most and at least include it.",
    {
        "flops[:, 0] <= budget) & (budget <= flops": "flops[:, 0] < budget) & (budget < flops",
    },
)
optimal_exponent.slip(
    "parabola_over_sizes",
    "Your parabola lies over the sizes. The page asks for log size, over which the grid is even.",
    {
        "np.polyfit(np.log(sizes[reach[three]])": "np.polyfit(sizes[reach[three]]",
        "-b / (2 * a)": "np.log(-b / (2 * a))",
    },
)
optimal_exponent.slip(
    "no_logarithms_between_runs",
    "You interpolated losses over FLOPs. Interpolate in the logarithms of both, where a power law "
    "is straight.",
    {
        "np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i]))": (
            "np.log(np.interp(budget, flops[i], losses[i]))"
        )
    },
)
optimal_exponent.slip(
    "edge_taken_as_best",
    "Where the best size is at an edge you took the edge itself. The true best may lie beyond: "
    "leave the budget out.",
    {
        "            continue\n        three": (
            "            found.append((np.log(budget), np.log(sizes[reach[best]])))\n"
            "            continue\n        three"
        )
    },
)
optimal_exponent.slip(
    "edge_of_compared_taken",
    "You left out the smallest and largest of *all* sizes, and took the edge of those compared as "
    "it is. Beyond it nothing was compared at this budget: leave it out.",
    {
        "            continue\n        three": (
            "            if reach[best] not in (0, len(sizes) - 1):\n"
            "                found.append((np.log(budget), np.log(sizes[reach[best]])))\n"
            "            continue\n        three"
        )
    },
)
optimal_exponent.slip(
    "least_and_most_budget_alone",
    "You drew the line through the smallest budget and the largest. All have a say: fit a line.",
    {
        "float(np.polyfit(at, best_sizes, 1)[0])": (
            "float((best_sizes[at.argmax()] - best_sizes[at.argmin()]) / np.ptp(at))"
        )
    },
)
optimal_exponent.slip(
    "three_lowest_sizes",
    "You put the parabola through the three lowest losses. The page asks for the best and its two "
    "neighbours, one on each side.",
    {"slice(best - 1, best + 2)": "np.sort(np.argsort(curve)[:3])"},
)
optimal_exponent.slip(
    "mean_of_local_slopes",
    "You averaged the slopes from each budget to the next. Fit one line through all of them.",
    {
        "    return float(np.polyfit(at, best_sizes, 1)[0])": (
            "    order = np.argsort(at)\n"
            "    return float(np.mean(np.diff(best_sizes[order]) / np.diff(at[order])))"
        )
    },
)
optimal_exponent.hint(
    "One budget first. Which sizes were run with less *and* with more compute than it?"
)
optimal_exponent.hint(
    "`np.interp` along a size's row, in logarithms, gives its loss at the budget."
)
optimal_exponent.hint(
    "The best of a grid moves in steps. A parabola through it and its two neighbours, over log "
    "size, has its lowest point at −b/(2a).",
    when="value",
)
