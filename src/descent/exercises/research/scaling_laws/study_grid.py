"""How `study_grid` is judged: every pair listed by loops, and held against the largest cost."""

from __future__ import annotations

import math

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

study_grid = Exercise("study_grid", minutes=20, difficulty=2, returns=list[tuple[int, int]])


class Cost:
    """A run's FLOPs, by a formula that weighs width and examples differently."""

    def __init__(self, power: int) -> None:
        self.power = power

    def __call__(self, width: int, examples: int) -> float:
        return float(width**self.power * examples + width)

    def __repr__(self) -> str:
        return f"lambda width, examples: width**{self.power} * examples + width"


def _listed(base, widths, full, sizes, cost, most) -> list[tuple[int, int]]:
    pairs = set()
    for k in range(widths):
        for j in range(sizes):
            width, examples = round(base * math.sqrt(2) ** k), full // 2**j
            if width >= 1 and examples >= 1 and not cost(width, examples) > most:
                pairs.add((width, examples))
    return sorted(pairs, key=lambda pair: (cost(*pair), pair[0]))


@study_grid.property("has widths by √2 and sizes by ½, cheapest first")
def _(answer, draw: Draw) -> None:
    call = (
        draw.integers(2, 6),
        draw.integers(2, 6),
        draw.integers(40, 90),
        draw.integers(2, 5),
        Cost(2),
        math.inf,
    )
    expect(answer(*call), "the runs").equals(_listed(*call))


@study_grid.property(
    "leaves out every run that costs more than the most, and keeps one that costs it", trials=6
)
def _(answer, draw: Draw) -> None:
    cost = Cost(draw.integers(1, 3))
    call = (
        draw.integers(2, 6),
        draw.integers(3, 7),
        draw.integers(40, 90),
        draw.integers(3, 6),
        cost,
    )
    costs = sorted(cost(*pair) for pair in _listed(*call, math.inf))
    most = costs[len(costs) // 2]
    expect(answer(*call, most), "the runs").equals(_listed(*call, most))


@study_grid.property("has no run twice, where narrow widths round to the same")
def _(answer, draw: Draw) -> None:
    call = (1, 5, draw.integers(9, 20), 3, Cost(2), math.inf)
    expect(answer(*call), "the runs").equals(_listed(*call))


@study_grid.property("has no run without examples")
def _(answer, draw: Draw) -> None:
    call = (2, 2, draw.integers(2, 6), 6, Cost(1), math.inf)
    expect(answer(*call), "the runs").equals(_listed(*call))


@study_grid.property("refuses, by ValueError, a limit under which no run fits", trials=2)
def _(answer, draw: Draw) -> None:
    refuses(answer, 4, 3, 50, 2, Cost(2), 10.0, because="a limit below the cheapest run")


@study_grid.right
def right_grid(base, widths, full, sizes, cost, most):
    runs = set()
    for k in range(widths):
        for j in range(sizes):
            width, examples = round(base * 2 ** (k / 2)), full // 2**j
            if examples > 0 and cost(width, examples) <= most:
                runs.add((width, examples))
    if not runs:
        raise ValueError("no run fits")
    return sorted(runs, key=lambda run: (cost(*run), run[0]))


study_grid.slip(
    "widths_by_two",
    "Your widths double. Compute goes with the *square* of the width, so steps of √2 double it.",
    {"2 ** (k / 2)": "2 ** k"},
)
study_grid.slip(
    "cut_not_rounded",
    "You cut widths down to whole numbers. Round them: 4·√2 = 5.66 is 6.",
    {"round(base * 2 ** (k / 2))": "int(base * 2 ** (k / 2))"},
)
study_grid.slip(
    "limit_ignored",
    "Runs over the limit are in your list. Leave out what costs more than `most`.",
    {"examples > 0 and cost(width, examples) <= most": "examples > 0"},
)
study_grid.slip(
    "limit_excluded",
    "You left out a run that costs exactly `most`. It may be made.",
    {"<= most": "< most"},
)
study_grid.slip(
    "empty_runs",
    "Your list has runs on no examples at all. Halving stops at 1.",
    {"examples > 0 and cost": "cost"},
)
study_grid.slip(
    "returned_empty",
    "You returned an empty list where no run fits. Nothing can be studied then: raise ValueError.",
    {'    if not runs:\n        raise ValueError("no run fits")\n': ""},
)
study_grid.slip(
    "dearest_first",
    "Your list begins with the dearest run. Cheapest first: if the money ends, "
    "most of the study is done.",
    {"(cost(*run), run[0])": "(-cost(*run), run[0])"},
)
study_grid.slip(
    "sorted_by_width",
    "Your list is sorted by width. Sort it by cost.",
    {", key=lambda run: (cost(*run), run[0])": ""},
)


@study_grid.mistake(
    "A run is in your list twice. Narrow widths can round to the same number: keep one of them."
)
def with_repeats(base, widths, full, sizes, cost, most):
    runs = [(round(base * 2 ** (k / 2)), full // 2**j) for k in range(widths) for j in range(sizes)]
    runs = [run for run in runs if run[1] > 0 and cost(*run) <= most]
    if not runs:
        raise ValueError("no run fits")
    return sorted(runs, key=lambda run: (cost(*run), run[0]))


study_grid.slip(
    "rounded_step_by_step",
    "You rounded each width and multiplied the rounded one. The errors add up: round base · √2^k.",
    {
        "    for k in range(widths):": (
            "    chain = [base]\n"
            "    for _ in range(widths):\n"
            "        chain.append(round(chain[-1] * 2**0.5))\n"
            "    for k in range(widths):"
        ),
        "round(base * 2 ** (k / 2))": "chain[k]",
    },
)
study_grid.slip(
    "money_added_up",
    "You added the costs up and stopped at `most`. It is a limit for each run by itself.",
    {
        "    return sorted(runs, key=lambda run: (cost(*run), run[0]))": (
            "    kept, spent = [], 0\n"
            "    for run in sorted(runs, key=lambda run: (cost(*run), "
            "run[0])):\n"
            "        spent += cost(*run)\n"
            "        if spent <= most:\n"
            "            kept.append(run)\n"
            "    return kept"
        ),
    },
)
study_grid.slip(
    "own_cost",
    "You ordered by a cost of your own. The order goes by `cost`, whatever it is.",
    {
        "(cost(*run), run[0])": "(run[0] ** 2 * run[1], run[0])",
    },
)
study_grid.slip(
    "sizes_by_root_two",
    "Your sizes fall by √2. It is the widths that go by √2; the examples are halved.",
    {
        "full // 2**j": "int(full / 2 ** (j / 2))",
    },
)
study_grid.slip(
    "ties_wider_first",
    "Where two runs cost the same, you put the wider one first. The page asks for the narrower.",
    {
        "run[0]))": "-run[0]))",
    },
)
study_grid.slip(
    "widths_and_sizes_in_pairs",
    "You paired the widths with the sizes. Each width is run with each size.",
    {
        "        for j in range(sizes):": "        for j in range(k, min(k + 1, sizes)):",
    },
)
study_grid.slip(
    "arguments_of_cost_exchanged",
    "You called `cost` with the examples first. It takes the width first.",
    {
        "cost(width, examples) <=": "cost(examples, width) <=",
        "cost(*run)": "cost(*run[::-1])",
    },
)
study_grid.hint("List all pairs first. Only then throw out what may not stay.")
study_grid.hint("A set has nothing twice; `sorted` takes a key, and a key may be a tuple.")
study_grid.hint(
    "Base 1: the widths are 1, 1.41, 2, 2.83, 4. Which are left after rounding?", when="value"
)
