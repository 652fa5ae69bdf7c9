"""How `best_rate` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

best_rate = Exercise("best_rate", minutes=12, difficulty=2, returns=float)


def _bowl(draw: Draw, count: int) -> tuple[list[float], list[int | None], int]:
    """Rates in order, steps that fall and rise again, and the place of the fewest."""
    rates = [round(0.001 * 1.7**k, 6) for k in range(count)]
    best = draw.integers(1, count - 1)
    steps: list[int | None] = [100 + 7 * abs(k - best) + draw.integers(0, 5) for k in range(count)]
    steps[best] = 90
    return rates, steps, best


@best_rate.property("is the rate with the fewest steps")
def _(answer, draw: Draw) -> None:
    rates, steps, best = _bowl(draw, draw.size + 3)
    expect(answer(rates, steps), "the best rate").close_to(rates[best], rtol=1e-9)


@best_rate.property("takes rates in any order, and leaves those out that never arrive")
def _(answer, draw: Draw) -> None:
    rates, steps, best = _bowl(draw, draw.size + 4)
    steps[0] = None
    if best != len(steps) - 1:
        steps[-1] = None
    order = draw.rng.permutation(len(rates))
    given = answer([rates[i] for i in order], [steps[i] for i in order])
    expect(given, "the best rate").close_to(rates[best], rtol=1e-9)


@best_rate.property("of a tie is the middle on a logarithmic scale", trials=4)
def _(answer, draw: Draw) -> None:
    rates = [0.01 * 3.0**k for k in range(7)]
    for low, high in (draw.choice([(1, 3), (2, 4), (3, 5)]), draw.choice([(1, 4), (2, 5)])):
        steps: list[int | None] = [50 + abs(k - 3) for k in range(7)]
        steps[low] = steps[high] = 20
        if high - low > 2:  # three that tie, not evenly spaced
            steps[low + 1] = 20
        order = draw.rng.permutation(7)
        given = answer([rates[i] for i in order], [steps[i] for i in order])
        wanted = math.sqrt(rates[low] * rates[high])
        expect(given, "the best rate").close_to(wanted, rtol=1e-9)


@best_rate.property("next to rates that never arrive may be the best", trials=3)
def _(answer, draw: Draw) -> None:
    rates = [0.1, 0.2, 0.4, 0.8]
    expect(answer(rates, [90, 50, 20 + draw.integers(0, 9), None]), "the best rate").close_to(
        0.4, rtol=1e-9
    )
    expect(answer(rates, [None, 0, 5, 9]), "the best rate").close_to(0.2, rtol=1e-9)


@best_rate.property("is refused where it lies at an end of the grid", trials=4)
def _(answer, draw: Draw) -> None:
    rates, steps, _ = _bowl(draw, draw.size + 4)
    for end in (0, -1):
        at_end = list(steps)
        at_end[end] = 12
        order = draw.rng.permutation(len(rates))
        refuses(
            answer, [rates[i] for i in order], [at_end[i] for i in order],
            because="a best rate at an end of the grid",
        )  # fmt: skip


@best_rate.property("is refused where a tie reaches an end of the grid", trials=2)
def _(answer, draw: Draw) -> None:
    refuses(answer, [0.1, 0.2, 0.4, 0.8], [30, 9, 9, 9], because="a tie up to the largest rate")
    refuses(answer, [0.8, 0.2, 0.4, 0.1], [30, 9, 9, 9], because="a tie up to the smallest rate")


@best_rate.property("is refused where no rate arrives, or there is none", trials=1)
def _(answer, draw: Draw) -> None:
    refuses(answer, [0.1, 0.2, 0.4], [None, None, None], because="a target that no rate reaches")
    refuses(answer, [], [], because="an empty grid")


@best_rate.right
def right_best(rates, steps):
    arrived = [count for count in steps if count is not None]
    if not arrived:
        raise ValueError("no rate reaches the target")
    best = [rate for rate, count in zip(rates, steps, strict=True) if count == min(arrived)]
    if min(best) == min(rates) or max(best) == max(rates):
        raise ValueError("the best rate lies at an end of the grid: widen it")
    return float(np.sqrt(min(best) * max(best)))


best_rate.slip(
    "end_accepted",
    "You return a rate at an end of the grid. A better one may lie beyond: that is no optimum, and "
    "a slope fitted through it is the grid's. Raise a ValueError.",
    {"if min(best) == min(rates) or max(best) == max(rates)": "if False"},
)
best_rate.slip(
    "only_the_upper_end",
    "You look at one end of the grid. A best rate at the smallest is as unfinished as one at the "
    "largest.",
    {"min(best) == min(rates) or ": ""},
)
best_rate.slip(
    "only_the_lower_end",
    "You look at the lower end of the grid only. A best rate at the largest is as unfinished.",
    {" or max(best) == max(rates)": ""},
)
best_rate.slip(
    "first_of_the_tie",
    "Of a tie you take the smallest rate. Where several rates need equally many steps, the best "
    "lies "
    "somewhere among them: take the middle on a logarithmic scale.",
    {"np.sqrt(min(best) * max(best))": "min(best)"},
)
best_rate.slip(
    "last_of_the_tie",
    "Of a tie you take the largest rate. The best lies among them: take the middle on a "
    "logarithmic "
    "scale.",
    {"np.sqrt(min(best) * max(best))": "max(best)"},
)
best_rate.slip(
    "plain_middle",
    "You took the arithmetic middle of the tie. Rates live on a logarithmic scale: the root of the "
    "product.",
    {"np.sqrt(min(best) * max(best))": "(min(best) + max(best)) / 2"},
)
best_rate.slip(
    "most_steps",
    "You chose the rate with the most steps. Fewer are better.",
    {"count == min(arrived)": "count == max(arrived)"},
)
best_rate.slip(
    "ends_by_place",
    "You compare with the first and the last of the list. The rates come in any order: the ends of "
    "the grid are its smallest and its largest.",
    {"min(best) == min(rates) or max(best) == max(rates)":
     "min(best) == rates[0] or max(best) == rates[-1]"},
)  # fmt: skip
best_rate.slip(
    "ends_of_those_that_arrive",
    "You compare with the ends of those rates that arrive. A rate beside one that never arrives is "
    "bracketed: the grid did look beyond it.",
    {
        "min(rates) or": "min(r for r, n in zip(rates, steps, strict=True) if n is not None) or",
        "max(rates):": "max(r for r, n in zip(rates, steps, strict=True) if n is not None):",
    },
)
best_rate.slip(
    "nothing_for_never",
    "Where no rate arrives you return NaN. Whoever plots it sees a gap and no reason: raise a "
    "ValueError.",
    {'raise ValueError("no rate reaches the target")': 'return float("nan")'},
)


def _tied(rates, steps) -> list[float]:
    """The rates with the fewest steps, in the order of the list."""
    right_best(rates, steps)
    fewest = min(count for count in steps if count is not None)
    return [rate for rate, count in zip(rates, steps, strict=True) if count == fewest]


@best_rate.mistake(
    "You averaged the logarithms of all rates that tie. The middle lies between the smallest and "
    "the largest of them, wherever the grid put the others."
)
def mean_of_all(rates, steps):
    return float(np.exp(np.mean(np.log(_tied(rates, steps)))))


@best_rate.mistake(
    "Of a tie you take the rate that comes first in the list. The order says nothing: take the "
    "middle on a logarithmic scale."
)
def first_in_the_list(rates, steps):
    return _tied(rates, steps)[0]


@best_rate.mistake("You return the number of steps. Asked for is the rate that needs them.")
def steps_for_rate(rates, steps):
    _tied(rates, steps)
    return float(min(count for count in steps if count is not None))


@best_rate.mistake("You return a place in the list. Asked for is the rate that stands there.")
def place_for_rate(rates, steps):
    return float(rates.index(_tied(rates, steps)[0]))


@best_rate.mistake(
    "You accept a tie that reaches an end of the grid, as long as not all of it lies there. The "
    "rates beyond may need as few steps, and then the middle is another: raise a ValueError."
)
def tie_at_the_end_accepted(rates, steps):
    arrived = [count for count in steps if count is not None]
    if not arrived:
        raise ValueError("no rate reaches the target")
    best = [rate for rate, count in zip(rates, steps, strict=True) if count == min(arrived)]
    middle = float(np.sqrt(min(best) * max(best)))
    if not min(rates) < middle < max(rates):
        raise ValueError("the best rate lies at an end of the grid")
    return middle


@best_rate.mistake(
    "Your rate lies between those that were tried, as the bottom of a parabola would. Asked for is "
    "a rate of the grid; only a tie has a middle."
)
def parabola(rates, steps):
    best = right_best(rates, steps)
    points = sorted(p for p in zip(rates, steps, strict=True) if p[1] is not None)
    at = min(range(len(points)), key=lambda k: points[k][1])
    near = points[max(at - 1, 0) : at + 2]
    if len(near) < 3:
        return best
    square, line, _ = np.polyfit(np.log([p[0] for p in near]), [p[1] for p in near], 2)
    return float(np.exp(-line / 2 / square))


best_rate.hint("First: which rates need the fewest steps? There may be several.")
best_rate.hint("When could a better rate lie outside the grid? Look at both ends of it.")
best_rate.hint("Zero steps is a number of steps; None is not.", when="value")

_BEST = "best = [rate for rate, count in zip(rates, steps, strict=True) if count == min(arrived)]"
for _other in ("zip(rates, steps)", "zip(rates, steps, strict=False)"):
    best_rate.equivalent(
        f"`{_BEST}` → `{_BEST.replace('zip(rates, steps, strict=True)', _other)}`",
        because="there are as many counts as rates",
    )
for _line in ("if not arrived:", "raise ValueError('no rate reaches the target')"):
    best_rate.equivalent(
        f"`{_line}` deleted",
        because="min() of nothing raises a ValueError too, if a less clear one",
    )
