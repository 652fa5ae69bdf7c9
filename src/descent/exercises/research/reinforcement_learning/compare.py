"""How `compare` is judged: by studies whose truth is known, and by the runs that it reports."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from descent.exercises.studies import Case, covers_as_often_as_it_says
from descent.grading import Draw, Exercise, expect

compare = Exercise("compare", minutes=35, difficulty=3, changes=("train",), returns=dict)

VARIANTS = ("with", "without")
T_95 = {3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 1: 12.706, 2: 4.303}
"""The 97.5 % points of Student's t, from a table: degrees of freedom → t."""


class Training:
    """A training whose score is a seed's luck, the change's effect, and noise of its own."""

    def __init__(self, seed: int, effect: float, noise: float = 20.0, unit: float = 1.0) -> None:
        self.seed, self.effect, self.noise, self.luck = seed, effect, noise, 120.0
        self.unit = unit  # in which scores are told
        self.calls: list[tuple[str, int, float]] = []
        self.places: dict[int, int] = {}  # luck follows from when a seed comes first, not its name

    def __call__(self, variant: str, seed: int) -> float:
        if variant not in VARIANTS:
            raise ValueError(f'the variant is {variant!r}; it is "with" or "without"')
        place = self.places.setdefault(int(seed), len(self.places))
        start = np.random.default_rng([self.seed, 1, place])
        own = np.random.default_rng([self.seed, 2, place, VARIANTS.index(variant)])
        score = 300 + self.luck * start.normal() + self.noise * own.normal()
        score += self.effect if variant == "with" else 0.0
        score *= self.unit
        self.calls.append((variant, int(seed), float(score)))
        return float(score)

    def __repr__(self) -> str:
        return "a training whose truth is not told"


def _study(answer, draw: Draw, effect: float, budget: int, noise: float = 20.0):
    train = Training(draw.seed(), effect, noise)
    return answer(train, budget), train


def _pairs(train: Training) -> list[float]:
    """The differences of the trainings that were made in pairs."""
    scores = {(variant, seed): score for variant, seed, score in train.calls}
    seeds = sorted({seed for _, seed in scores})
    return [
        scores["with", seed] - scores["without", seed]
        for seed in seeds
        if ("with", seed) in scores and ("without", seed) in scores
    ]


def _interval(gains: list[float]) -> tuple[float, float]:
    """The 95 % interval from a table of Student's t."""
    mean = math.fsum(gains) / len(gains)
    squares = math.fsum((gain - mean) ** 2 for gain in gains)
    reach = T_95[len(gains) - 1] * math.sqrt(squares / (len(gains) - 1) / len(gains))
    return mean - reach, mean + reach


def _claim(interval: Any) -> str:
    low, high = interval
    return "helps" if low > 0 else "hurts" if high < 0 else "not shown"


def _looks_right(found: Any) -> bool:
    expect(sorted(map(str, found)), "the names").equals(["claim", "interval", "runs"])
    interval = found.get("interval", ())
    expect(np.shape(interval), "the shape of the interval").equals((2,))
    return np.shape(interval) == (2,) and {"claim", "runs"} <= set(found)


@compare.property("spends the budget in whole pairs on the same seeds, no run twice", trials=4)
def _(answer, draw: Draw) -> None:
    budget = draw.size + 4  # even and odd
    found, train = _study(answer, draw, 10.0, budget)
    made = [(variant, seed) for variant, seed, _ in train.calls]
    expect(len(made), "how many trainings were made").equals(budget // 2 * 2)
    expect(len(set(made)), "how many different ones").equals(len(made))
    seeds = [sorted(seed for name, seed in made if name == variant) for variant in VARIANTS]
    expect(seeds[0], 'the seeds of "with", beside those of "without"').equals(seeds[1])


@compare.property("reports every training that was made, and none that was not", trials=3)
def _(answer, draw: Draw) -> None:
    found, train = _study(answer, draw, draw.choice([0.0, 60.0]), draw.choice([8, 9]))
    if not _looks_right(found):
        return
    runs = sorted((str(run[0]), int(run[1]), round(float(run[2]), 6)) for run in found["runs"])
    made = sorted((variant, seed, round(score, 6)) for variant, seed, score in train.calls)
    expect(runs, "the runs").equals(made)


@compare.property("gives Student's interval of the pairs", trials=5)
def _(answer, draw: Draw) -> None:
    for budget in (draw.choice([4, 5]), draw.choice([8, 10, 13])):
        found, train = _study(answer, draw, draw.choice([-30.0, 0.0, 30.0]), budget)
        gains = _pairs(train)
        if not _looks_right(found) or len(gains) < 2:
            return
        expect(found["interval"], "the interval").close_to(_interval(gains), 1e-3)


@compare.property(
    "claims what its interval says, of a change that helps, hurts or neither", trials=6
)
def _(answer, draw: Draw) -> None:
    for effect, unit in product((150.0, -150.0, 0.0), (1.0, 0.001)):
        train = Training(draw.seed(), effect, unit=unit)
        found = answer(train, 12)
        gains = _pairs(train)
        expect(len(train.calls), "how many trainings were made").equals(12)
        if not _looks_right(found) or len(gains) != 6:
            return
        expect(found["claim"], "the claim").equals(_claim(_interval(gains)))


@compare.property("has an interval that holds the truth in 95 of 100 studies", trials=1)
def _(answer, draw: Draw) -> None:
    cases, effect = [], 15.0
    for _ in range(150):
        train = Training(draw.seed(), effect)
        twin = Training(train.seed, effect)
        gains = [twin("with", seed) - twin("without", seed) for seed in range(4)]
        cases.append(Case((train, 8), effect, _interval(gains)))

    def interval(train: Training, budget: int) -> tuple[float, float]:
        found = answer(train, budget)
        given = found.get("interval") if isinstance(found, dict) else None
        if given is None or np.shape(given) != (2,):
            return math.nan, math.nan
        return float(given[0]), float(given[1])

    covers_as_often_as_it_says(interval, cases, 0.95)


@compare.right
def right_compare(train, budget):
    runs, gains = [], []
    for seed in range(budget // 2):
        better, plain = train("with", seed), train("without", seed)
        runs += [("with", seed, better), ("without", seed, plain)]
        gains.append(better - plain)
    m = len(gains)
    from scipy import stats

    t = stats.t.ppf(0.975, m - 1)
    reach = t * np.std(gains, ddof=1) / np.sqrt(m)
    low, high = float(np.mean(gains) - reach), float(np.mean(gains) + reach)
    claim = "helps" if low > 0 else "hurts" if high < 0 else "not shown"
    return {"runs": runs, "interval": (low, high), "claim": claim}


_T = "t = stats.t.ppf(0.975, m - 1)"
_REACH = "t * np.std(gains, ddof=1) / np.sqrt(m)"
_CLAIM = '"helps" if low > 0 else "hurts" if high < 0 else "not shown"'
compare.slip(
    "normal_for_student",
    "You took 1.96. With a handful of pairs the spread itself is uncertain: Student's t, 2.78 for "
    "five.",
    {_T: "t = 1.96"},
)
compare.slip(
    "one_sided",
    "You took the 95 % point, which leaves 5 % on *each* side. For an interval of 95 % it is the "
    "97.5 % point.",
    {"0.975": "0.95"},
)
compare.slip(
    "degrees_of_freedom",
    "m pairs have m − 1 degrees of freedom.",
    {"stats.t.ppf(0.975, m - 1)": "stats.t.ppf(0.975, m)"},
)
compare.slip(
    "population_spread",
    "Your standard deviation divides by m. From a sample it divides by m − 1.",
    {"ddof=1": "ddof=0"},
)
compare.slip(
    "spread_not_of_the_mean",
    "Your interval is where single differences lie. That of the *mean* is narrower by √m.",
    {" / np.sqrt(m)": ""},
)
compare.slip(
    "divided_by_m",
    "You divided by m. The spread of a mean falls with √m.",
    {" / np.sqrt(m)": " / m"},
)
compare.slip(
    "one_standard_error",
    "Your interval is one standard error wide on each side, which holds the truth in two of three "
    "studies at best.",
    {_REACH: "np.std(gains, ddof=1) / np.sqrt(m)"},
)
compare.slip(
    "unpaired",
    "You compared the two groups as if their seeds had nothing in common. The seeds' luck then "
    "widens the interval: take the difference of each pair first.",
    {_REACH: "t * np.sqrt(np.var([r[2] for r in runs[::2]], ddof=1) / m + "
     "np.var([r[2] for r in runs[1::2]], ddof=1) / m)"},
)  # fmt: skip
compare.slip(
    "other_seeds",
    "The variants have different seeds. Then a lucky seed helps one of them alone.",
    {"train(\"without\", seed)": "train(\"without\", seed + 1000)",
     "(\"without\", seed, plain)": "(\"without\", seed + 1000, plain)"},
)  # fmt: skip
compare.slip(
    "without_minus_with",
    'You took "without" minus "with", so a change that helps seems to hurt.',
    {"gains.append(better - plain)": "gains.append(plain - better)"},
)
compare.slip(
    "claims_by_the_mean",
    "You claim by the sign of the mean. Half of all useless changes have a positive one: ask the "
    "interval.",
    {_CLAIM: '"helps" if low + high > 0 else "hurts"'},
)
compare.slip(
    "no_difference_claimed",
    'Where the interval holds 0 you claim something. It is "not shown", which is not the same as '
    "no effect.",
    {'"not shown"': '"no effect"'},
)
compare.slip(
    "never_hurts",
    "You never find that a change hurts.",
    {'"hurts" if high < 0 else "not shown"': '"not shown"'},
)
compare.slip(
    "best_pairs_reported",
    "You left the worst pair out of the evidence. All runs are reported, and all count.",
    {"    m = len(gains)": "    worst = int(np.argmin(gains))\n    del gains[worst], "
     "runs[2 * worst : 2 * worst + 2]\n    m = len(gains)"},
)  # fmt: skip
compare.slip(
    "runs_left_out",
    "You report the runs of one variant alone. Every training that was made belongs to the "
    "evidence.",
    {'"runs": runs,': '"runs": runs[::2],'},
)
compare.slip(
    "one_pair_short",
    "You left a part of the budget unspent: as many trainings as make whole pairs.",
    {"range(budget // 2)": "range(budget // 2 - 1 or 2)"},
)
compare.slip(
    "budget_of_pairs",
    "You took the budget for the number of pairs. It is that of the trainings: a pair takes two.",
    {"range(budget // 2)": "range(budget)"},
)
compare.slip(
    "runs_repeated",
    "You made trainings twice. Equal arguments give equal scores, so nothing is learned from it, "
    "and it is paid for.",
    {"    m = len(gains)": "    for seed in range(budget // 2):\n        train(\"with\", seed)\n"
     "    m = len(gains)"},
)  # fmt: skip
compare.slip(
    "one_seed",
    "You used one seed for all pairs. Equal arguments give equal scores: that is one pair.",
    {"better, plain = train(\"with\", seed), train(\"without\", seed)":
     "better, plain = train(\"with\", 0), train(\"without\", 0)"},
)  # fmt: skip
compare.slip(
    "ends_exchanged",
    "Your interval has its upper end first.",
    {'"interval": (low, high)': '"interval": (high, low)'},
)
compare.slip(
    "middle_half_of_the_pairs",
    "You gave the range of the pairs' differences. It gets wider with more pairs; an interval for "
    "the mean gets narrower.",
    {"low, high = float(np.mean(gains) - reach), float(np.mean(gains) + reach)":
     "low, high = float(min(gains)), float(max(gains))"},
)  # fmt: skip

compare.slip(
    "stops_when_it_shows",
    "You stopped as soon as the interval left 0 out. Whoever looks after each pair finds an "
    "effect more often than in 5 of 100 studies of nothing: the budget is fixed beforehand.",
    {"        gains.append(better - plain)\n": ("        gains.append(better - plain)\n        "
         "if len(gains) > 2 and abs(np.mean(gains)) > 2.8 "
         "* np.std(gains, ddof=1) / "
         "np.sqrt(len(gains)):\n            break\n")},
)  # fmt: skip
compare.slip(
    "over_an_odd_budget",
    "Of an odd budget you spend one training more than there is. The last one that makes no "
    "pair is not made.",
    {"budget // 2": "(budget + 1) // 2"},
)
compare.slip(
    "odd_one_trained_too",
    "Of an odd budget you make one training that has no partner. It tells nothing of the "
    "difference of a pair, and is paid for.",
    {"    m = len(gains)": ("    if budget % 2:\n        "
         'runs.append(("with", budget // 2, train("with", '
         "budget // 2)))\n    m = len(gains)")},
)  # fmt: skip
compare.slip(
    "first_pair_reported",
    "You report one pair alone. All trainings that were made are reported.",
    {'"runs": runs': '"runs": runs[:2]'},
)
compare.slip(
    "two_pairs_always",
    "You make two pairs, whatever the budget is. Use as many trainings as make whole pairs.",
    {"range(budget // 2)": "range(2)"},
)
compare.slip(
    "spread_of_all_scores",
    "You took the spread of all scores together, with the seeds' luck in it. It is that of "
    "the differences.",
    {"np.std(gains, ddof=1)": "np.std([run[2] for run in runs], ddof=1)"},
)
compare.slip(
    "mean_and_reach",
    "You return the mean and how far the interval reaches. Asked for are its two ends.",
    {("float(np.mean(gains) - reach), "
         "float(np.mean(gains) + reach)"): "float(np.mean(gains)), float(reach)"},
)  # fmt: skip
compare.slip(
    "sum_for_the_mean",
    "The middle of your interval is the sum of the differences. It is their mean.",
    {("float(np.mean(gains) - reach), "
         "float(np.mean(gains) + reach)"): ("float(np.sum(gains) - reach), "
         "float(np.sum(gains) + reach)")},
)  # fmt: skip

compare.hint("One loop over seeds, both variants in it; keep runs and differences.")
compare.hint("`stats.t.ppf(0.975, m - 1)`, times s/√m with s divided by m − 1.")
compare.hint("Differences 10, 20, 30: mean 20, s = 10, t = 4.30, so 20 ± 24.8.", when="value")

compare.equivalent(
    "`scores = {variant: train(variant, seed) for variant in ('with', 'without')}` → "
    "`scores = {variant: train(variant, seed) for variant in ('without', 'with')}`",
    because="the order of two trainings does not matter",
)

compare.equivalent(
    "`claim = 'helps' if low > 0 else 'hurts' if high < 0 else 'not shown'` → `claim "
    "= 'helps' if low >= 0 else 'hurts' if high < 0 else 'not shown'`",
    because="an end of an interval is not exactly 0",
)

compare.equivalent(
    "`claim = 'helps' if low > 0 else 'hurts' if high < 0 else 'not shown'` → `claim "
    "= 'helps' if low > 0 else 'hurts' if high <= 0 else 'not shown'`",
    because="an end of an interval is not exactly 0",
)
