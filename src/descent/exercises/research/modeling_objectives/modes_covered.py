"""How `modes_covered` is judged: a study of counts, with an interval."""

from __future__ import annotations

import math

import numpy as np

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

modes_covered = Exercise(
    "modes_covered", minutes=25, difficulty=3, seconds=2.0, returns=tuple[int, int]
)

Z = 1.96


def _expected(counts: list[int], least: float) -> tuple[int, int]:
    """By the ends of Wilson's interval, one class after another."""
    n, covered, missed = sum(counts), 0, 0
    for count in counts:
        share, shrunk = count / n, 1 + Z * Z / n
        middle = (share + Z * Z / (2 * n)) / shrunk
        half = Z / shrunk * math.sqrt(share * (1 - share) / n + (Z / (2 * n)) ** 2)
        covered += middle - half > least
        missed += middle + half < least
    return int(covered), int(missed)


def _fits(counts: list[int], least: float) -> bool:
    """Whether no class is decided by less than rounding."""
    n = sum(counts)
    deviation = math.sqrt(least * (1 - least) / n)
    return all(abs(abs(count / n - least) / deviation - Z) > 0.02 for count in counts)


def _expect_counts(answer, counts: list[int], least: float) -> None:
    while not _fits(counts, least):
        counts = [*counts[:-1], counts[-1] + 1]
    found, expected = answer(counts, least), _expected(counts, least)
    expect(found[0], "classes surely covered").equals(expected[0])
    expect(found[1], "classes surely missed").equals(expected[1])


@modes_covered.property("tells what is sure from what is not", trials=8)
def _(answer, draw: Draw) -> None:
    least = draw.choice([0.02, 0.05, 0.1])
    n = 60 + 60 * draw.size
    shares = np.array([least * f for f in (0.0, 0.3, 0.6, 0.9, 1.1, 1.5, 2.0, 3.0)])
    counts = draw.rng.binomial(n, shares).tolist()
    _expect_counts(answer, [*counts, max(n - sum(counts), 0)], least)


@modes_covered.property(
    "of counts that are near the limit is decided by Wilson's interval", trials=6
)
def _(answer, draw: Draw) -> None:
    n, least = 150 * (draw.size + 1), 0.05
    middle, width = n * least, Z * math.sqrt(n * least * (1 - least))
    counts = [round(middle + sign * width + step) for sign in (-1, 1) for step in (-1.4, 1.4)]
    _expect_counts(answer, [*counts, n - sum(counts)], least)


@modes_covered.property("agrees with Wilson's interval in small experiments too", trials=1)
def _(answer, draw: Draw) -> None:
    for most in (3, 4, 6, 9, 13):
        counts = list(range(most + 1))
        for least in (0.02, 0.05, 0.1, 0.2, 0.35):
            if _fits(counts, least):
                found, expected = answer(counts, least), _expected(counts, least)
                expect(found[0], f"surely covered at {least}").equals(expected[0])
                expect(found[1], f"surely missed at {least}").equals(expected[1])


@modes_covered.property("knows little from 20 pictures, even of a class that never came")
def _(answer, draw: Draw) -> None:
    _expect_counts(answer, [0, 1, 2, 17], 0.05)
    _expect_counts(answer, [0, 20], 0.02)


@modes_covered.property("knows that a class is missed once it should have come often enough")
def _(answer, draw: Draw) -> None:
    _expect_counts(answer, [0, 0, 1000 + draw.size], 0.02)
    _expect_counts(answer, [188, 0], 0.02)
    _expect_counts(answer, [189 + 10, 0, 1], 0.02)


@modes_covered.property(
    "is fooled in one case of twenty, not of three, by a share at the limit", trials=1
)
def _(answer, draw: Draw) -> None:
    least, decided = 0.1, 0
    for _ in range(150):
        count = int(draw.rng.binomial(400, least))
        found = answer([count, 400 - count], least)
        decided += int(found[0] >= 2) + int(found[1] >= 1)
    expect(decided, "of 150 generators exactly at the limit, how many are decided").is_below(21)
    expect(decided, "of 150 generators exactly at the limit, how many are decided").is_above(0)


@modes_covered.property("refuses to judge from no pictures at all")
def _(answer, draw: Draw) -> None:
    refuses(answer, [0] * (draw.size + 1), 0.02, because="no pictures")
    refuses(answer, [], 0.02, because="no classes")


@modes_covered.right
def right_cover(counts, least):
    n = sum(counts)
    if n == 0:
        raise ValueError("no pictures, no verdict")
    z = 1.96
    covered = missed = 0
    for count in counts:
        share = count / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
        covered += middle - half > least
        missed += middle + half < least
    return int(covered), int(missed)


_MIDDLE = "(share + z**2 / (2 * n)) / (1 + z**2 / n)"
_HALF = "z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5"

modes_covered.slip(
    "without_interval",
    "You compared the shares themselves with the limit. A share from a few pictures is uncertain: "
    "compare the ends of its interval.",
    {_MIDDLE: "share", _HALF: "0.0"},
)
modes_covered.slip(
    "plain_interval",
    "You took share ± 1.96 √(share (1 − share) / n). At a count of 0 its width is 0, and it is "
    "sure of everything: take Wilson's interval.",
    {_MIDDLE: "share", _HALF: "z * (share * (1 - share) / n) ** 0.5"},
)
modes_covered.slip(
    "middle_not_moved",
    "You took the half-width of Wilson's interval, but round the share itself. Its middle lies "
    "nearer to one half.",
    {_MIDDLE: "share"},
)
modes_covered.slip(
    "one_deviation",
    "Your interval is one standard deviation wide on either side, so one in three generators "
    "at the limit is decided. 95 % need 1.96.",
    {"z = 1.96": "z = 1.0"},
)
modes_covered.slip(
    "three_deviations",
    "Your interval is wider than 95 % need: z is 1.96.",
    {"z = 1.96": "z = 3.0"},
)
modes_covered.slip(
    "rest_is_missed",
    "You counted as missed what is not surely covered. Between the two is what cannot be said yet.",
    {"middle + half < least": "middle - half <= least"},
)
modes_covered.slip(
    "rest_is_covered",
    "You counted as covered what is not surely missed. Between the two is what cannot be said yet.",
    {"middle - half > least": "middle + half >= least"},
)
modes_covered.slip(
    "order_exchanged",
    "The two numbers come back in the wrong order: covered first.",
    {"return int(covered), int(missed)": "return int(missed), int(covered)"},
)
modes_covered.slip(
    "never_missed_unless_zero",
    "You call a class missed only where it never came. One picture in a thousand is missed as "
    "well, if the limit is 2 %.",
    {"middle + half < least": "count == 0 and middle + half < least"},
)
modes_covered.slip(
    "no_pictures_no_refusal",
    "From no pictures nothing follows: raise a ValueError before you divide.",
    {
        '    if n == 0:\n        raise ValueError("no pictures, no verdict")\n': (
            "    if n == 0:\n        return 0, 0\n"
        )
    },
)
modes_covered.slip(
    "count_for_share",
    "You compared counts with a share. Divide by the number of pictures.",
    {"share = count / n": "share = count"},
)
modes_covered.slip(
    "ninety_per_cent",
    "Your interval is one of 90 %, with z = 1.645. 95 % need 1.96.",
    {"z = 1.96": "z = 1.645"},
)
modes_covered.slip(
    "ninety_nine_per_cent",
    "Your interval is one of 99 %, with z = 2.576. 95 % need 1.96.",
    {"z = 1.96": "z = 2.576"},
)
modes_covered.slip(
    "n_not_squared",
    "Under the root z² is divided by 4n². You divided by 4n.",
    {"(4 * n**2)": "(4 * n)"},
)
modes_covered.slip(
    "middle_not_divided",
    "You did not divide the middle of the interval by 1 + z²/n.",
    {_MIDDLE: "share + z**2 / (2 * n)"},
)
modes_covered.slip(
    "two_added",
    "You moved the share to the middle, and took the plain interval there (Agresti and Coull, "
    "or two added to either side). Wilson's own half-width is asked for; near the limit they "
    "differ.",
    {
        _MIDDLE: "(count + 2) / (n + 4)",
        _HALF: "z * ((count + 2) / (n + 4) * (1 - (count + 2) / (n + 4)) / (n + 4)) ** 0.5",
    },
)
modes_covered.slip(
    "zero_is_missed",
    "You call missed what never came. From few pictures that is not sure, and from many a class "
    "that came once may be missed too: compare the interval.",
    {"middle + half < least": "count == 0"},
)

modes_covered.slip(
    "shares_compared",
    "You compared the shares themselves with the limit, and counted every class as covered or "
    "missed. A share from a few pictures is uncertain: compare the ends of its interval.",
    {_MIDDLE: "share", _HALF: "0.0", "middle - half > least": "middle - half >= least"},
)
modes_covered.slip(
    "divided_by_the_largest",
    "You took the largest count for n. n is the number of all pictures, the sum of the counts.",
    {"n = sum(counts)": "n = max(counts, default=0)"},
)
modes_covered.slip(
    "divided_by_classes",
    "You divided by the number of classes. A share is a count divided by the number of pictures.",
    {"n = sum(counts)\n    if n == 0:": "n = len(counts)\n    if sum(counts) == 0:"},
)
modes_covered.slip(
    "half_width_not_divided",
    "You did not divide the half-width of the interval by 1 + z²/n. Both its middle and its "
    "half-width are.",
    {_HALF: "z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5"},
)
modes_covered.slip(
    "neither_divided",
    "You did not divide by 1 + z²/n. Both the middle of the interval and its half-width are.",
    {
        _MIDDLE: "share + z**2 / (2 * n)",
        _HALF: "z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5",
    },
)
modes_covered.slip(
    "middle_divided_in_part",
    "In the middle of the interval you divided only z²/(2n) by 1 + z²/n. The share is divided "
    "too: brackets are missing.",
    {_MIDDLE: "share + z**2 / (2 * n) / (1 + z**2 / n)"},
)
modes_covered.slip(
    "root_left_out",
    "You left out the root in the half-width: a variance is no width.",
    {" ** 0.5": ""},
)
modes_covered.slip(
    "least_counted_twice",
    "You counted as covered every class that the interval does not rule out, and as missed every "
    "class that it does not surely cover. Those between belong to neither.",
    {
        "middle + half < least": "middle - half <= least",
        "middle - half > least": "middle + half >= least",
    },
)


@modes_covered.mistake(
    "You refuse an empty list alone. Ten classes with a count of 0 are no pictures either: raise "
    "a ValueError where the sum of the counts is 0."
)
def only_no_classes_refused(counts, least):
    if not counts:
        raise ValueError("no classes")
    return right_cover(counts, least) if sum(counts) else (0, 0)


@modes_covered.mistake(
    "You divide by the number of pictures before you ask whether there are any. Raise a "
    "ValueError first."
)
def divides_by_nothing(counts, least):
    n = sum(counts)
    shares = [count / n for count in counts]
    if not counts:
        return 0, 0
    return right_cover(counts, least) if shares else (0, 0)


_RETURN = "return (int((scores {} 1.96).sum()), int((scores {} -1.96).sum()))"
for _above, _below in ((">=", "<"), (">", "<=")):
    modes_covered.equivalent(
        f"`{_RETURN.format('>', '<')}` → `{_RETURN.format(_above, _below)}`",
        because="no end of an interval lies exactly on the limit",
    )


modes_covered.hint(
    "For each class: the share, its interval, and where the limit lies: below, above, inside."
)
modes_covered.hint("Wilson's interval stands above; write it down once, for `count` and `n`.")
modes_covered.hint("What does your interval say of 0 pictures out of 20?", when="value")
modes_covered.hint(
    "Are there more counts between covered and missed than you think?",
    when="tells what is sure from what is not",
)
