"""How `after_speedup` is judged."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

after_speedup = Exercise("after_speedup", minutes=5, difficulty=1)


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
    expect(answer(seconds, {}), "the speed-up where nothing changes").close_to(1.0)


@after_speedup.property("takes a factor of infinity, and one below 1", trials=3)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, 3)
    gone = {"loading": math.inf}
    expect(answer(seconds, gone), "with no loading left").close_to(_overall(seconds, gone))
    slower = {"network": 0.5, "loading": 2.0}
    expect(answer(seconds, slower), "with a slower network").close_to(_overall(seconds, slower))


@after_speedup.property("leaves its inputs alone", trials=1)
def _(answer, draw: Draw) -> None:
    seconds, factors = _profile(draw, 3), {"network": 4.0, "loading": 2.0}
    kept = dict(seconds), dict(factors)
    answer.answer(seconds, factors)  # not watched: what is watched is handed a copy
    for name, now, before in zip(("seconds", "factors"), (seconds, factors), kept, strict=True):
        expect(now == before, f"whether `{name}` is as it was").is_true(
            f"Your code changed `{name}` in place: whoever calls it goes on with other numbers."
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
    "Your ratio is upside down: a speed-up is the time before over the time after."
)
def upside_down(seconds, factors):
    return 1 / _overall(seconds, factors)


@after_speedup.mistake("You returned the seconds that are left. Return how many times faster "
                       "the whole is: before over after.")  # fmt: skip
def seconds_left(seconds, factors):
    return sum(part / factors.get(name, 1.0) for name, part in seconds.items())


@after_speedup.mistake(
    "Parts without a factor are missing from your new total. They take as long as before."
)
def others_left_out(seconds, factors):
    after = sum(part / factors[name] for name, part in seconds.items() if name in factors)
    return sum(seconds.values()) / after if after else 1.0


@after_speedup.mistake("Parts that no factor names still take their time.")
def others_dropped(seconds, factors):
    return sum(seconds.values()) / sum(seconds[name] / f for name, f in factors.items())


@after_speedup.mistake(
    "You changed `seconds` itself. The next call then starts from the faster parts: make new "
    "numbers instead."
)
def changes_seconds(seconds, factors):
    before = sum(seconds.values())
    for name, factor in factors.items():
        seconds[name] = seconds[name] / factor
    return before / sum(seconds.values())


@after_speedup.mistake(
    "You looked at the sped-up parts alone, before and after. The whole includes the parts "
    "that did not change."
)
def sped_up_parts_alone(seconds, factors):
    before = sum(part for name, part in seconds.items() if name in factors)
    after = sum(part / factors[name] for name, part in seconds.items() if name in factors)
    return before / after if after else 1.0


after_speedup.hint("Two totals: the seconds before, and the seconds after. Then one division.")


after_speedup.hint("A part that is 4 times faster takes a quarter of its seconds.")


after_speedup.hint("`factors.get(name, 1.0)` is 1 where nothing is named.", when="error")


after_speedup.hint("Do you divide seconds, or average factors?", when="value")


after_speedup.hint("Which total is on top?", when="factor")
