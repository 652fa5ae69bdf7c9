"""How `after_speedup` is judged."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

after_speedup = Exercise("after_speedup", minutes=5, difficulty=1, returns=float)


PARTS = ("loading", "augmenting", "network", "optimiser", "reporting", "waiting")


def _profile(draw: Draw, parts: int) -> dict[str, float]:
    return {name: draw.uniform(0.5, 9.0) for name in PARTS[:parts]}


def _overall(seconds: dict[str, float], factors: dict[str, float]) -> float:
    """Amdahl's law by shares."""
    total = sum(seconds.values())
    return 1 / sum(part / total / factors.get(name, 1.0) for name, part in seconds.items())


@after_speedup.property("is the old total over the new", trials=5)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, min(draw.size + 1, 6))
    factors = {name: draw.uniform(1.5, 8.0) for name in seconds}
    expect(answer(seconds, factors), "the speed-up").close_to(_overall(seconds, factors))


@after_speedup.property("leaves the parts alone that no factor names", trials=4)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, 4)
    factors = {draw.choice(PARTS[:4]): draw.uniform(1.5, 8.0)}
    expect(answer(seconds, factors), "the speed-up").close_to(_overall(seconds, factors))


@after_speedup.property("takes a factor of infinity: that part is gone", trials=3)
def _(answer, draw: Draw) -> None:
    seconds, factors = _profile(draw, 3), {"loading": math.inf, "network": 1.5}
    expect(answer(seconds, factors), "with no loading left").close_to(_overall(seconds, factors))


@after_speedup.property("takes a factor below 1: that part becomes slower", trials=3)
def _(answer, draw: Draw) -> None:
    seconds, factors = _profile(draw, 3), {"network": 0.5, "loading": 2.0}
    right = _overall(seconds, factors)
    expect(answer(seconds, factors), "with a slower network").close_to(right)


@after_speedup.property("takes a part that needs no time", trials=2)
def _(answer, draw: Draw) -> None:
    seconds, factors = {**_profile(draw, 3), "loading": 0.0}, {"loading": 3.0, "network": 4.0}
    expect(answer(seconds, factors), "the speed-up").close_to(_overall(seconds, factors))


@after_speedup.property("leaves its inputs alone", trials=1)
def _(answer, draw: Draw) -> None:
    seconds, factors = _profile(draw, 3), {"network": 4.0, "loading": 2.0}
    kept = dict(seconds), dict(factors)
    answer.answer(seconds, factors)  # not watched: what is watched is handed a copy
    for name, now, before in zip(("seconds", "factors"), (seconds, factors), kept, strict=True):
        expect(now == before, f"whether `{name}` is as it was").is_true(
            f"Your code changed `{name}` in place: whoever calls it goes on with other numbers."
        )


@after_speedup.right
def right_speedup(seconds, factors):
    before, after = sum(seconds.values()), 0.0
    for name, part in seconds.items():
        after += part / factors.get(name, 1.0)
    return before / after


after_speedup.slip(
    "upside_down",
    "Your ratio is upside down: a speed-up is the time before over the time after.",
    {"before / after": "after / before"},
)
after_speedup.slip(
    "seconds_left",
    "You returned the seconds that are left. Return how many times faster the whole is: before "
    "over after.",
    {"before / after": "after"},
)
after_speedup.slip(
    "multiplied_seconds",
    "You multiplied the seconds of a part by its factor. A part that is 4 times faster takes a "
    "quarter of its seconds: divide.",
    {"part / factors": "part * factors"},
)
after_speedup.slip(
    "others_dropped",
    "Parts that no factor names are missing from your new total. They take as long as before.",
    {"factors.get(name, 1.0)": "factors.get(name, math.inf)"},
)
after_speedup.slip(
    "every_part_looked_up",
    "You look every part up in `factors`, and stop at one that is not there. A part that is not "
    "named stays as it is: `factors.get(name, 1.0)` is 1 for it.",
    {"factors.get(name, 1.0)": "factors[name]"},
)
after_speedup.slip(
    "never_slower",
    "A factor below 1 makes no difference in your code. It stands for a part that becomes slower: "
    "divide by it as by any other.",
    {"factors.get(name, 1.0)": "max(1.0, factors.get(name, 1.0))"},
)
after_speedup.slip(
    "saved_in_place_of_left",
    "You take t / f for the seconds that a part saves. They are what it still takes.",
    {"part / factors.get(name, 1.0)": "part - (part / factors[name] if name in factors else 0)"},
)
after_speedup.slip(
    "changes_seconds",
    "You changed `seconds` itself. The next call then starts from the faster parts: make new "
    "numbers instead.",
    {
        "part / factors.get(name, 1.0)": "seconds[name]",
        "in seconds.items():": "in list(seconds.items()):\n"
        "        seconds[name] = part / factors.get(name, 1.0)",
    },
)
after_speedup.slip(
    "changes_factors",
    "You wrote into `factors`. It belongs to whoever calls: look a missing name up with "
    "`factors.get(name, 1.0)`.",
    {"factors.get": "factors.setdefault"},
)


@after_speedup.mistake(
    "You averaged the factors, each with its share of the time. Factors do not add: seconds do. "
    "Divide each part's seconds by its factor, and compare the totals."
)
def weighted_average(seconds, factors):
    total = sum(seconds.values())
    return sum(part * factors.get(name, 1.0) for name, part in seconds.items()) / total


@after_speedup.mistake(
    "You took the plain average of the factors. A part that takes little time matters little."
)
def plain_average(seconds, factors):
    return sum(factors.get(name, 1.0) for name in seconds) / len(seconds)


@after_speedup.mistake("You multiplied the factors. That would need each of them to hold of "
                       "the whole time.")  # fmt: skip
def product_of_factors(seconds, factors):
    return math.prod(factors.values())


@after_speedup.mistake(
    "You looked at the sped-up parts alone, before and after. The whole includes the parts "
    "that did not change."
)
def sped_up_parts_alone(seconds, factors):
    before = sum(part for name, part in seconds.items() if name in factors)
    return before / sum(seconds[name] / factor for name, factor in factors.items())


after_speedup.hint("Two totals: the seconds before, and the seconds after. Then one division.")
after_speedup.hint("A part that is 4 times faster takes a quarter of its seconds.")
after_speedup.hint("`factors.get(name, 1.0)` is 1 where nothing is named.", when="error")
after_speedup.hint("Do you divide seconds, or average factors?", when="value")
after_speedup.hint("Which total is on top?", when="factor")
