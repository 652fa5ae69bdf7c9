"""How `blind_result` is judged: pairs counted by hand, and the roots that Wilson's interval is."""

from __future__ import annotations

import math

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

blind_result = Exercise(
    "blind_result", minutes=25, difficulty=2, returns=tuple[float, float, float]
)


def _wilson(share: float, n: int, z: float) -> tuple[float, float]:
    """The two shares from which this one lies z standard errors away: roots of a quadratic."""
    a, b, c = 1 + z * z / n, -(2 * share + z * z / n), share * share
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def _counted(key: list[str], ratings: list[float], z: float) -> tuple[float, float, float]:
    start = [r for k, r in zip(key, ratings, strict=True) if k == "start"]
    trained = [r for k, r in zip(key, ratings, strict=True) if k == "trained"]
    points = [1.0 if t > s else 0.5 if t == s else 0.0 for s, t in zip(start, trained, strict=True)]
    share = sum(points) / len(points)
    return (share, *_wilson(share, len(points), z))


def _sheet(draw: Draw, n: int, better: float = 0.7) -> tuple[list[str], list[float]]:
    key = [["start", "trained"][i] for i in draw.rng.permutation([0] * n + [1] * n)]
    ratings = []
    for whose in key:
        odds = (
            [0.2, 0.2, 0.6] if whose == "trained" and draw.uniform(0, 1) < better else [1 / 3] * 3
        )
        ratings.append(float(draw.rng.choice([0.0, 0.5, 1.0], p=odds)))
    return key, ratings


def _expect_result(answer, key, ratings, z: float = 1.96) -> None:
    found, right = answer(key, ratings, z), _counted(key, ratings, z)
    for value, wanted, name in zip(
        found, right, ("the share of wins", "the lower end", "the upper end"), strict=True
    ):
        value = 0.0 if abs(value) < 1e-12 else value  # how 0 is rounded tells nothing
        expect(value, name).is_finite().close_to(wanted, atol=1e-6)


@blind_result.property("counts wins in pairs, and ties as halves", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_result(answer, *_sheet(draw, draw.size + 3))


@blind_result.property("has Wilson's interval at other levels too", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_result(answer, *_sheet(draw, 8 + draw.size), draw.choice([1.0, 1.28, 2.58]))


@blind_result.property("pairs the k-th of one with the k-th of the other, as they were shown")
def _(answer, draw: Draw) -> None:
    key = ["trained", "trained", "start", "trained", "start", "start", "start", "trained"]
    _expect_result(answer, key, [1.0, 0.5, 0.5, 0.0, 0.5, 1.0, 0.0, 0.0])


@blind_result.property("of all wins, or of none, is an interval that is no point", trials=2)
def _(answer, draw: Draw) -> None:
    n = draw.size + 2
    key = [["start", "trained"][i] for i in draw.rng.permutation([0] * n + [1] * n)]
    for whose in ("start", "trained"):
        _expect_result(answer, key, [1.0 if k == whose else 0.0 for k in key])


@blind_result.property("of ties alone is a half", trials=2)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    _expect_result(answer, ["start", "trained"] * n, [draw.choice([0.0, 0.5, 1.0])] * (2 * n))


@blind_result.property("for 20 and 20 samples is what the course's tool gives", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_result(answer, *_sheet(draw, 20))


@blind_result.property("of a single pair is given", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_result(answer, ["trained", "start"], [1.0, draw.choice([0.0, 0.5])])


@blind_result.property("refuses a sheet that is not finished, or that does not pair", trials=1)
def _(answer, draw: Draw) -> None:
    key, ratings = _sheet(draw, 4)
    unfinished = [*ratings[:-1], None]
    refuses(answer, key, unfinished, 1.96, because="a sheet with a sample not rated")
    missing = [key.index("start"), key.index("trained")]
    unfinished = [None if i in missing else r for i, r in enumerate(ratings)]
    refuses(answer, key, unfinished, 1.96, because="a sheet with one sample of each not rated")
    refuses(answer, [*key, "start"], [*ratings, 1.0], 1.96, because="five samples beside four")
    refuses(answer, [], [], 1.96, because="an empty sheet")


@blind_result.right
def right_result(key, ratings, z):
    start = [r for k, r in zip(key, ratings, strict=True) if k == "start"]
    trained = [r for k, r in zip(key, ratings, strict=True) if k == "trained"]
    if not start or len(start) != len(trained) or None in ratings:
        raise ValueError("not a finished sheet")
    n = len(start)
    wins = sum(t > s for s, t in zip(start, trained, strict=True))
    ties = sum(t == s for s, t in zip(start, trained, strict=True))
    share = (wins + ties / 2) / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return share, middle - half, middle + half


_SHARE = "(wins + ties / 2) / n"
_SLIPS = {
    "ties_dropped": (
        "You left ties out. Then a rating that saw little difference looks as decided as any: a "
        "tie counts as half a win.",
        {"    n = len(start)\n": "",
         "    share = (wins + ties / 2) / n":
         "    n = max(len(start) - ties, 1)\n    share = wins / n"},
    ),
    "ties_dropped_from_the_share": (
        "Your share is wins among the decided pairs. A tie counts as half a win.",
        {_SHARE: "wins / max(n - ties, 1)"},
    ),
    "ties_are_losses": (
        "You counted ties as losses. A tie is half a win.",
        {_SHARE: "wins / n"},
    ),
    "ties_are_wins": (
        "You counted ties as wins. A tie is half a win.",
        {_SHARE: "(wins + ties) / n"},
    ),
    "start_wins": (
        "You counted the start's wins.",
        {"sum(t > s for": "sum(t < s for"},
    ),
    "normal_interval": (
        "You gave the share ± z standard errors. With all pairs won that is an interval of "
        "width "
        "0, which claims certainty: use Wilson's.",
        {"return share, middle - half, middle + half":
         "half = z * (share * (1 - share) / n) ** 0.5\n"
         "    return share, max(share - half, 0.0), min(share + half, 1.0)"},
    ),
    "normal_interval_beyond": (
        "You gave the share ± z standard errors, which can go below 0 or above 1 and is a point "
        "where all pairs were won. Use Wilson's.",
        {"return share, middle - half, middle + half":
         "half = z * (share * (1 - share) / n) ** 0.5\n"
         "    return share, share - half, share + half"},
    ),
    "centred_on_the_share": (
        "Your interval has the share in its middle. Wilson's middle is drawn towards a half.",
        {"middle - half, middle + half": "share - half, share + half"},
    ),
    "middle_returned": (
        "You gave the interval's middle for the share. The share is what was counted.",
        {"return share,": "return middle,"},
    ),
    "counts_samples": (
        "You counted samples for n. There are half as many pairs, and the interval is for pairs.",
        {"    middle = (share": "    n = 2 * n\n    middle = (share"},
    ),
    "neighbours_paired": (
        "You paired neighbours on the sheet. The k-th of the start is paired with the k-th of "
        "the "
        "trained policy.",
        {"    n = len(start)\n":
         "    n = len(start)\n"
         "    halves = [(key[i], ratings[i], key[i + 1], ratings[i + 1]) "
         "for i in range(0, 2 * n, 2)]\n"
         "    start = [a if k == \"start\" else b for k, a, _, b in halves]\n"
         "    trained = [b if k == \"start\" else a for k, a, _, b in halves]\n"},
    ),
    "sorted_before_pairing": (
        "You sorted the ratings before pairing them. Sorted pairs are not independent, and hide "
        "ties and losses.",
        {"    n = len(start)\n":
         "    n = len(start)\n    start, trained = sorted(start), sorted(trained)\n"},
    ),
    "one_and_the_mean": (
        "You compared each sample with the other side's mean. Pairs were asked for.",
        {"    n = len(start)\n":
         "    n = len(start)\n    start = [sum(start) / n] * n\n"},
    ),
    "share_of_positive": (
        "You gave the share of trained samples rated positive. A win is a pair in which the "
        "trained one was rated higher.",
        {_SHARE: "sum(t == 1 for t in trained) / n"},
    ),
    "difference_of_means": (
        "You took how far the ratings differ. A win is a win, by a half or by one: count the pairs "
        "in which the trained one is rated higher.",
        {_SHARE: "min(max(0.5 + (sum(trained) - sum(start)) / n / 2, 0.0), 1.0)"},
    ),
    "unfinished_accepted": (
        "You accept a sheet with a sample that is not rated. Whoever counts in between does not "
        "rate blindly: raise ValueError.",
        {" or None in ratings:":
         ":",
         "    n = len(start)\n":
         "    n = len(start)\n    start = [0.5 if r is None else r for r in start]\n"
         "    trained = [0.5 if r is None else r for r in trained]\n"},
    ),
    "unequal_accepted": (
        "You accept five samples beside four. One of them has no partner: raise ValueError.",
        {"len(start) != len(trained)": "not trained",
         "    n = len(start)\n":
         "    n = min(len(start), len(trained))\n    start, trained = start[:n], trained[:n]\n"},
    ),
    "squared_z_missing": (
        "You have z where Wilson's interval has z².",
        {"(share + z**2 / (2 * n)) / (1 + z**2 / n)": "(share + z / (2 * n)) / (1 + z / n)"},
    ),
    "without_the_second_term": (
        "Under the root of your interval z²/(4n²) is missing: with all pairs won it has no "
        "width.",
        {"share * (1 - share) / n + z**2 / (4 * n**2)": "share * (1 - share) / n"},
    ),
    "fixed_level": (
        "Your interval is for 95 %, whatever z is.",
        {"    n = len(start)\n": "    n = len(start)\n    z = 1.96\n"},
    ),
    "ends_exchanged": (
        "The two ends have changed places. The low one comes first.",
        {"middle - half, middle + half": "middle + half, middle - half"},
    ),
    "all_with_all": (
        "You compared each sample with every one of the other side. The k-th is paired with "
        "the k-th.",
        {"share = (wins + ties / 2) / n":
         "share = sum((t > s) + (t == s) / 2 for t in trained for s in start) / n**2"},
    ),
    "not_divided": (
        "You left out the division by 1 + z²/n.",
        {"middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)":
         "middle = share + z**2 / (2 * n)",
         "half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5":
         "half = z * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5"},
    ),
    "z_not_squared_in_the_middle": (
        "Your middle has z/2n. It is z²/2n.",
        {"share + z**2 / (2 * n)":
         "share + z / (2 * n)"},
    ),
    "n_not_squared": (
        "Under the root you have z²/4n. It is z²/4n².",
        {"z**2 / (4 * n**2)":
         "z**2 / (4 * n)"},
    ),
    "halves_of_the_sheet": (
        "You took the first half of the sheet for the start's. The key says whose each sample "
        "is.",
        {"    n = len(start)\n":
         "    n = len(start)\n    start, trained = ratings[:n], ratings[n:]\n"},
    ),
    "empty_sheet_divides": (
        "On an empty sheet your code divided by 0. Raise ValueError.",
        {"not start or ":
         ""},
    ),
    "against_neutral": (
        "Your share goes by the trained policy's ratings alone: their mean, or how many are above "
        "neutral. A win is against its partner.",
        {"wins = sum(t > s for":
         "wins = sum(t > 0.5 for",
         "ties = sum(t == s for":
         "ties = sum(t == 0.5 for"},
    ),
    "paired_backwards": (
        "You paired the first with the last. The k-th is paired with the k-th.",
        {"    n = len(start)\n":
         "    n = len(start)\n    start = start[::-1]\n"},
    ),
    "agresti_coull": (
        "Your interval is Agresti and Coull's, which has the same middle and is wider. "
        "Wilson's is asked for.",
        {"half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5":
         "half = z * (middle * (1 - middle) / (n + z**2)) ** 0.5"},
    ),
    "continuity": (
        "You gave the share ± z standard errors, and half a pair more. Wilson's interval is "
        "asked for.",
        {"return share, middle - half, middle + half":
         "half = z * (share * (1 - share) / n) ** 0.5 + 0.5 / n\n    return share, max(share - "
         "half, 0.0), min(share + half, 1.0)"},
    ),
    "errors_of_points": (
        "You gave the mean ± z standard errors of the points, which is no interval where all "
        "are equal. Use Wilson's.",
        {"return share, middle - half, middle + half":
         "points = [(t > s) + (t == s) / 2 for s, t in zip(start, trained, strict=True)]\n    "
         "half = z * (sum((p - share) ** 2 for p in points) / max(n - 1, 1) / n) ** 0.5\n    "
         "return share, share - half, share + half"},
    ),
    "wins_less_losses": (
        "You took losses off. A loss counts 0.",
        {"(wins + ties / 2) / n":
         "(wins - (n - wins - ties)) / n"},
    ),
    "z_outside_left_out": (
        "Your interval's width is not multiplied by z.",
        {"half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5":
         "half = 1 / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5"},
    ),
    "unrated_left_out": (
        "You left out what is not rated. Whoever counts in between does not rate blindly: "
        "raise ValueError.",
        {"if k == \"start\"]":
         "if k == \"start\" and r is not None]",
         "if k == \"trained\"]":
         "if k == \"trained\" and r is not None]",
         " or None in ratings":
         ""},
    ),
    "difference_of_mean_ratings": (
        "You gave the difference of the mean ratings. The share of pairs is asked for in "
        "which the trained one is rated higher, from 0 to 1.",
        {"(wins + ties / 2) / n":
         "(sum(trained) - sum(start)) / n",
         "(share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5":
         "math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))"},
    ),
    "decided_pairs_alone": (
        "You left ties out. Then a rating that saw little difference looks as decided as "
        "any: a tie counts as half a win."
        " Without a decided pair nothing is left to count.",
        {"    n = len(start)\n":
         "",
         "    share = (wins + ties / 2) / n":
         "    n = len(start) - ties\n    share = wins / n if n else 0.5\n    n = n or 1"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    blind_result.slip(_name, _message, _edits)

_POINTS = "`points = [0.5 if a == b else float(a > b) for a, b in zip(after, before, strict=True)]`"
for _other in (_POINTS.replace(", strict=True", ""), _POINTS.replace("True", "False")):
    blind_result.equivalent(
        f"{_POINTS} → {_other}", because="lists of different lengths were refused before"
    )
blind_result.equivalent(
    f"{_POINTS} → {_POINTS.replace('a > b', 'a >= b')}", because="a tie was counted before"
)


blind_result.hint("First two lists of ratings, each in the order in which it was shown.")
blind_result.hint("Then wins, ties, and a share. Does anything in the interval need more?")
blind_result.hint("One pair, won, z = 1.96: from 0.21 to 1.", when="value")
