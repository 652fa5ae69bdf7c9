"""How `enough_steps` is judged."""

from __future__ import annotations

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

enough_steps = Exercise("enough_steps", minutes=15, difficulty=2, returns=int)


def _expected(gaps: dict[int, float], difference: float, tolerance: float) -> int | None:
    """Try every candidate against all that are not smaller."""
    allowed = tolerance * abs(difference)
    for steps in sorted(gaps):
        if not [n for n, gap in gaps.items() if n >= steps and abs(gap) > allowed]:
            return steps
    return None


def _shuffled(draw: Draw, gaps: dict[int, float]) -> dict[int, float]:
    order = draw.rng.permutation(sorted(gaps))
    return {int(n): gaps[int(n)] for n in order}


def _expect_steps(answer, gaps, difference: float, tolerance: float) -> None:
    wanted = _expected(gaps, difference, tolerance)
    alone = answer({2: 0.0}, 1.0, tolerance)
    expect(alone, "the number of steps where one was tried, without a gap").equals(2)
    expect(answer(gaps, difference, tolerance), "the number of steps").equals(wanted)


@enough_steps.property("is the first from which on every gap is small enough", trials=7)
def _(answer, draw: Draw) -> None:
    counts = sorted({int(n) for n in draw.rng.integers(2, 300, size=4 + draw.size)})
    sizes = 4.0 / draw.rng.permutation(counts)
    gaps = {n: float(size * draw.choice([-1, 1])) for n, size in zip(counts, sizes, strict=True)}
    gaps[301] = 0.004
    gaps[320] = -0.0045
    _expect_steps(answer, _shuffled(draw, gaps), draw.uniform(2.0, 6.0), 0.01)


@enough_steps.property("is not deceived by a small gap that grows again", trials=4)
def _(answer, draw: Draw) -> None:
    gaps = {7: 0.0, 8: 0.25, 14: 0.0001, 16: -0.1, 32: 0.003, 64: 0.002}
    _expect_steps(answer, _shuffled(draw, gaps), 5.0, 1e-3)


@enough_steps.property("measures the gap against the size of the difference", trials=5)
def _(answer, draw: Draw) -> None:
    difference = draw.choice([-1, 1]) * draw.choice([0.02, 0.5, 40.0])
    gaps = {n: difference * share for n, share in ((4, -0.3), (10, 0.02), (12, -0.004), (30, 0.0))}
    _expect_steps(answer, _shuffled(draw, gaps), difference, draw.choice([0.03, 0.01]))


@enough_steps.property("counts a gap of the wrong sign as much", trials=3)
def _(answer, draw: Draw) -> None:
    gaps = {5: -3.0, 9: -1.0, 20: -0.01, 50: -0.002, 90: -0.001}
    _expect_steps(answer, _shuffled(draw, gaps), 4.0, 1e-3)


@enough_steps.property("lets a gap pass that is exactly as large as allowed", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_steps(answer, {4: 1.0, 8: 0.5, 16: -0.5, 32: 0.25}, 2.0, 0.25)


@enough_steps.property("takes the smallest tried where all are good, and one that was tried alone")
def _(answer, draw: Draw) -> None:
    _expect_steps(answer, {64: 0.0, 16: 0.001, 32: 0.0005}, 5.0, 1e-3)
    n = draw.integers(2, 90)
    _expect_steps(answer, {n: 0.0}, 5.0, 1e-3)


@enough_steps.property("refuses where the largest number tried is not enough", trials=3)
def _(answer, draw: Draw) -> None:
    gaps = {8: 0.0, 16: 0.5, 64: draw.choice([-1, 1]) * 0.02, 32: 0.001}
    refuses(answer, _shuffled(draw, gaps), 5.0, 1e-3, because="a last gap that is too large")


@enough_steps.right
def right_steps(gaps, difference, tolerance):
    enough = None
    for steps in sorted(gaps, reverse=True):
        if abs(gaps[steps]) > tolerance * abs(difference):
            break
        enough = steps
    if enough is None:
        raise ValueError("not even the largest number of steps is enough")
    return enough


_TEST = "abs(gaps[steps]) > tolerance * abs(difference)"
_LOOP = (
    "    enough = None\n    for steps in sorted(gaps, reverse=True):\n"
    "        if abs(gaps[steps]) > tolerance * abs(difference):\n            break\n"
    "        enough = steps\n"
)

enough_steps.slip(
    "first_small_gap",
    "You took the first number of steps whose gap is small. The gap is not monotone: it may be "
    "small by luck, and grow again. It must stay small from there on.",
    {
        _LOOP: (
            "    allowed = tolerance * abs(difference)\n"
            "    enough = min((n for n in gaps if abs(gaps[n]) <= allowed), default=None)\n"
            "    if abs(gaps[max(gaps)]) > allowed:\n        enough = None\n"
        )
    },
)
enough_steps.slip(
    "first_small_gap_whatever_follows",
    "You took the first number of steps whose gap is small, and did not look at those after it. "
    "It may be small by luck; and where the largest number tried has a gap too large, refuse.",
    {
        _LOOP: (
            "    allowed = tolerance * abs(difference)\n"
            "    enough = min((n for n in gaps if abs(gaps[n]) <= allowed), default=None)\n"
        )
    },
)
enough_steps.slip(
    "smallest_gap",
    "You took the number of steps with the smallest gap. That is luck, not accuracy, and may be "
    "far more steps than are needed.",
    {"return enough": "return min(gaps, key=lambda n: (abs(gaps[n]), n))"},
)
enough_steps.slip(
    "as_they_come",
    "You took the numbers in the order in which they come. They come in any order: sort them.",
    {"sorted(gaps, reverse=True)": "reversed(list(gaps))"},
)
enough_steps.slip(
    "sign_forgotten",
    "A gap far below 0 passes as small. Take its size.",
    {"abs(gaps[steps])": "gaps[steps]"},
)
enough_steps.slip(
    "sign_of_the_difference",
    "Where f falls on the way, the difference is negative and so is what you allow. Take its size.",
    {"abs(difference)": "difference"},
)
enough_steps.slip(
    "absolute_tolerance",
    "You compared the gap with the tolerance itself. The tolerance is a share of the difference: "
    "0.01 is much where f moved by 0.02, and little where it moved by 40.",
    {"tolerance * abs(difference)": "tolerance"},
)
enough_steps.slip(
    "strictly_below",
    "You refuse a gap that is exactly as large as allowed.",
    {_TEST: "abs(gaps[steps]) >= tolerance * abs(difference)"},
)
enough_steps.slip(
    "last_bad_one",
    "You returned the last number of steps that is *not* enough: the one after it is the first "
    "that is.",
    {
        "            break\n": (
            "            if enough is None:\n                break\n            return steps\n"
        )
    },
)
enough_steps.slip(
    "always_the_largest",
    "You took the largest number that was tried. The smallest one that is enough is asked for.",
    {"return enough": "return max(gaps)"},
)
enough_steps.slip(
    "never_refuses",
    "Where not even the largest number of steps is enough you name one all the same. Refuse with "
    "a ValueError: the attribution does not add up.",
    {'raise ValueError("not even the largest number of steps is enough")': "return max(gaps)"},
)
enough_steps.slip(
    "usual_tolerance",
    "You compare with 0.001, whatever tolerance is given.",
    {"tolerance * abs(difference)": "1e-3 * abs(difference)"},
)
enough_steps.slip(
    "change_is_small",
    "You stop where the gap hardly changes from one number of steps to the next. A gap may stay "
    "where it is and be large: measure the gap itself.",
    {
        _LOOP: (
            "    tried, enough = sorted(gaps), None\n"
            "    for one, two in zip(tried, tried[1:]):\n"
            "        if abs(gaps[one] - gaps[two]) <= tolerance * abs(difference):\n"
            "            enough = two\n            break\n"
        )
    },
)
enough_steps.slip(
    "two_in_a_row",
    "Two small gaps in a row are enough for you. A third may be large again: all that follow must "
    "be small.",
    {
        "return enough": (
            "tried, allowed = sorted(gaps), tolerance * abs(difference)\n"
            "    good = [abs(gaps[n]) <= allowed for n in tried] + [True]\n"
            "    return next(n for n, a, b in zip(tried, good, good[1:]) if a and b)"
        )
    },
)

enough_steps.slip(
    "smallest_gap_whatever_follows",
    "You took the number of steps with the smallest gap. That is luck, not accuracy: larger "
    "numbers may have a gap that is too large, and smaller ones may be enough.",
    {
        _LOOP: (
            "    enough = min(gaps, key=lambda n: (abs(gaps[n]), n))\n"
            "    if abs(gaps[enough]) > tolerance * abs(difference):\n        enough = None\n"
        )
    },
)
enough_steps.slip(
    "none_for_a_refusal",
    "Where not even the largest number of steps is enough you return None. Refuse with a "
    "ValueError: nobody may take None for a number of steps.",
    {'raise ValueError("not even the largest number of steps is enough")': "return None"},
)

enough_steps.hint("Go from the largest number down, and stop at the first gap that is too large.")
enough_steps.hint("What is allowed is a share of |f(x) − f(baseline)|.")
enough_steps.hint("With gaps 0, 0.25, 0: is the first one small by accuracy or by luck?")
