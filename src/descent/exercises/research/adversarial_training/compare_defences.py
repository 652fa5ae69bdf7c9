"""How `compare_defences` is judged: by the evidence it gathered, in worlds whose truth is known."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

compare_defences = Exercise(
    "compare_defences", minutes=60, difficulty=3, returns=tuple[float, float, str]
)

STEPS, RESTARTS, FEWEST = 50, 5, 5


class World:
    """Two defences, measured by attacks that cost steps × restarts; notes every measurement.

    A seed gives both defences the same start and batches, so most of its luck is shared. The
    second defence is masked: a weak attack finds it stronger than it is.
    """

    def __init__(self, draw: Draw, gap: float, budget: int, masked: str = "") -> None:
        self.level = {"A": 0.7 + gap / 2, "B": 0.7 - gap / 2}
        self.masked, self.budget, self.spent = masked, budget, 0
        self.seed = draw.seed()
        self.log: list[tuple[str, int, int, int, float]] = []

    def __deepcopy__(self, memo: dict) -> World:
        return self  # what was measured is looked at afterwards

    def __repr__(self) -> str:
        return f"a measurement of A or B, with {self.budget} to spend"

    def __call__(self, defence: str, seed: int, steps: int, restarts: int) -> float:
        self.spent += steps * restarts
        shared = np.random.default_rng([self.seed, abs(int(seed))]).normal()
        own = np.random.default_rng([self.seed, abs(int(seed)), ord(defence), steps]).normal()
        weak = math.exp(-steps * math.sqrt(restarts) / (25.0 if defence == self.masked else 8.0))
        lift = (0.25 if defence == self.masked else 0.1) * weak
        value = self.level[defence] + 0.04 * shared + 0.006 * own + lift
        self.log.append((defence, int(seed), steps, restarts, value))
        return value


def _gaps(world: World) -> list[float]:
    """A − B of every seed that was measured for both, by its last measurement."""
    found = {(defence, seed): value for defence, seed, _, _, value in world.log}
    seeds = sorted({seed for _, seed in found})
    return [found["A", s] - found["B", s] for s in seeds if ("A", s) in found and ("B", s) in found]


def _look_at_evidence(world: World) -> None:
    attacks = {(steps, restarts) for _, _, steps, restarts, _ in world.log}
    steps = min((steps for steps, _ in attacks), default=0)
    restarts = min((restarts for _, restarts in attacks), default=0)
    strong = steps >= STEPS and restarts >= RESTARTS
    expect(strong, "whether the attack is strong enough").is_true(
        f"Your weakest attack has {steps} steps and {restarts} restarts. {STEPS} and {RESTARTS} "
        "are the fewest: below, a masked defence looks better than it is."
    )
    expect(len(attacks) == 1, "whether one attack is used for both").is_true(
        f"You used {len(attacks)} different attacks. One and the same is asked for: every call is "
        "evidence."
    )
    expect(world.spent <= world.budget, "whether the budget holds").is_true(
        f"Your calls cost {world.spent}; the budget was {world.budget}. A pair costs 2 · steps · "
        "restarts."
    )
    expect(len(attacks), "different attacks used for one comparison").equals(1)
    expect(steps, "steps of the weakest attack").is_between(STEPS, math.inf)
    expect(restarts, "restarts of the weakest attack").is_between(RESTARTS, math.inf)
    expect(world.spent, "what the study cost").is_between(0, world.budget)
    affordable = world.budget // (2 * STEPS * RESTARTS)
    pairs, least = len(_gaps(world)), max(FEWEST, math.ceil(0.8 * affordable))
    expect(pairs >= least, "whether enough seeds are measured for both").is_true(
        f"You measured {pairs} seeds for both defences; the budget pays for {affordable}, and "
        f"{least} are the fewest."
    )
    expect(pairs, f"seeds measured for both, of {affordable} that can be paid").is_between(
        least, math.inf
    )


def _judge(answer, world: World) -> tuple[float, float, str]:
    found = answer(world, world.budget)
    _look_at_evidence(world)
    gaps = np.array(_gaps(world))
    if len(gaps) >= 2:
        mean, error = gaps.mean(), stats.sem(gaps)
        low, high = stats.t.interval(0.95, len(gaps) - 1, loc=mean, scale=error)
        expect(found[0], "the lower end").close_to(low, rtol=1e-3, atol=1e-5)
        expect(found[1], "the upper end").close_to(high, rtol=1e-3, atol=1e-5)
        says = "A" if low > 0 else "B" if high < 0 else "undecided"
        expect(found[2], "the verdict from this evidence").equals(says)
    return found


@compare_defences.property(
    "spends its budget on seeds, with one attack that is strong enough", trials=4
)
def _(answer, draw: Draw) -> None:
    _judge(answer, World(draw, draw.uniform(-0.02, 0.02), draw.integers(2500, 8000)))


@compare_defences.property("finds the better defence where there is one", trials=3)
def _(answer, draw: Draw) -> None:
    for gap, name in ((0.04, "A"), (-0.04, "B")):
        found = _judge(answer, World(draw, gap, 4000))
        expect(found[2], f"the verdict where {name} is 4 points better").equals(name)


@compare_defences.property("is not deceived by a mask that only a weak attack sees", trials=3)
def _(answer, draw: Draw) -> None:
    for gap, name, masked in ((-0.04, "B", "A"), (0.04, "A", "B")):
        found = _judge(answer, World(draw, gap, 5000, masked))
        expect(found[2], f"the verdict where {name} is better and the other masked").equals(name)


@compare_defences.property("says that it cannot tell where there is nothing to tell", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, World(draw, 0.0, 2500 + 500 * draw.integers(0, 4)))


@compare_defences.property("refuses a budget that pays for fewer than five seeds of both")
def _(answer, draw: Draw) -> None:
    for budget in (2499, 600, 0):
        refuses(answer, World(draw, 0.1, budget), budget, because=f"a budget of {budget}")
    _judge(answer, World(draw, 0.03, 2500))


@compare_defences.right
def right_study(measure, budget):
    pairs = budget // (2 * 50 * 5)
    if pairs < 5:
        raise ValueError("too little for five seeds of both")
    a = np.array([measure("A", seed, 50, 5) for seed in range(pairs)])
    b = np.array([measure("B", seed, 50, 5) for seed in range(pairs)])
    gaps = a - b
    half = stats.t.ppf(0.975, pairs - 1) * gaps.std(ddof=1) / pairs**0.5
    low, high = float(gaps.mean() - half), float(gaps.mean() + half)
    return low, high, "A" if low > 0 else "B" if high < 0 else "undecided"


_A = 'a = np.array([measure("A", seed, 50, 5) for seed in range(pairs)])'
_B = 'b = np.array([measure("B", seed, 50, 5) for seed in range(pairs)])'
_HALF = "half = stats.t.ppf(0.975, pairs - 1) * gaps.std(ddof=1) / pairs**0.5"
_SAYS = '"A" if low > 0 else "B" if high < 0 else "undecided"'


def _with(a: str, b: str | None = None) -> dict[str, str]:
    return {
        _A: _A.replace('"A", seed, 50, 5', f'"A", {a}'),
        _B: _B.replace('"B", seed, 50, 5', f'"B", {b or a}'),
    }


compare_defences.slip(
    "weak_attack",
    "You attacked with few steps, to afford more seeds. A masked defence looks best to the "
    "weakest attack: no number of seeds mends that.",
    {**_with("seed, 10, 1"), "2 * 50 * 5": "2 * 10 * 1"},
)
compare_defences.slip(
    "no_restarts",
    "You attacked once. The page asks for five restarts: what one misses another finds.",
    {**_with("seed, 50, 1"), "2 * 50 * 5": "2 * 50 * 1"},
)
compare_defences.slip(
    "few_steps_many_restarts",
    "You took fewer than 50 steps and more restarts instead. An attack that stops half-way stops "
    "half-way every time.",
    {**_with("seed, 10, 25")},
)
compare_defences.slip(
    "different_attacks",
    "You attacked the two defences with different strength. Then the attacks are compared, and "
    "not the defences.",
    _with("seed, 50, 5", "seed, 40, 5"),
)
compare_defences.slip(
    "one_seed",
    "You measured the same seed again and again. A repeated measurement is no new evidence.",
    {**_with("0, 50, 5"), _HALF: "half = 0.0"},
)
compare_defences.slip(
    "five_seeds",
    "You took five seeds and left the rest of the budget: the interval is wider than it had to be.",
    {"budget // (2 * 50 * 5)": "min(budget // (2 * 50 * 5), 5)"},
)
compare_defences.slip(
    "other_seeds",
    "You gave the two defences different seeds. With the same seed they share their start and "
    "their batches: compared in pairs, that luck cancels.",
    _with("seed, 50, 5", "1000 + seed, 50, 5"),
)
compare_defences.slip(
    "unpaired",
    "You took the spreads of A and of B, as if their seeds had nothing to do with each other. "
    "Take the spread of the differences.",
    {
        _HALF: "half = stats.t.ppf(0.975, pairs - 1) * (a.var(ddof=1) + b.var(ddof=1)) ** 0.5 / "
        "pairs**0.5"
    },
)
compare_defences.slip(
    "spread_of_the_gaps",
    "Your interval is that of a single difference. Of their mean it is narrower, by the root of "
    "their number.",
    {" / pairs**0.5": ""},
)
compare_defences.slip(
    "normal_quantile",
    "You took 1.96. With so few seeds the spread itself is uncertain: take Student's t.",
    {"stats.t.ppf(0.975, pairs - 1)": "1.96"},
)
compare_defences.slip(
    "one_sided",
    "You took the quantile 0.95. An interval of 95 % leaves 2.5 % on either side.",
    {"0.975": "0.95"},
)
compare_defences.slip(
    "population_spread",
    "You divided the squares by n. A sample's spread divides them by n − 1.",
    {"ddof=1": "ddof=0"},
)
compare_defences.slip(
    "degrees_of_freedom",
    "Student's t has one degree of freedom fewer than there are differences.",
    {"pairs - 1)": "pairs)"},
)
compare_defences.slip(
    "always_decides",
    "You name the one with the higher mean, even where the interval holds 0. What cannot be told "
    "is undecided.",
    {_SAYS: '"A" if low + high > 0 else "B"'},
)
compare_defences.slip(
    "verdict_turned_round",
    "The verdict is turned round: A − B above 0 means that A holds more.",
    {_SAYS: '"B" if low > 0 else "A" if high < 0 else "undecided"'},
)
compare_defences.slip(
    "difference_turned_round",
    "You took B − A. The interval is that of A − B.",
    {"gaps = a - b": "gaps = b - a", _SAYS: '"B" if low > 0 else "A" if high < 0 else "undecided"'},
)
compare_defences.slip(
    "budget_for_one",
    "You counted the cost of one defence only, and spent twice the budget.",
    {"2 * 50 * 5": "50 * 5"},
)
compare_defences.slip(
    "no_refusal",
    "With fewer than five seeds of both nothing is to be said: raise a ValueError before you "
    "measure.",
    {"if pairs < 5:": "if pairs < 0:"},
)
compare_defences.slip(
    "two_seeds_are_enough",
    "You accept fewer than five seeds. The page asks for five at the least.",
    {"if pairs < 5:": "if pairs < 2:"},
)
compare_defences.slip(
    "never_decides",
    "You never decide. Where the interval does not hold 0, say which is better.",
    {_SAYS: '"undecided"'},
)

compare_defences.slip(
    "dearer_attack",
    "Your attack is stronger than the cheapest that is allowed: the same budget pays for fewer "
    "seeds.",
    {**_with("seed, 100, 5"), "2 * 50 * 5": "2 * 100 * 5"},
)
compare_defences.slip(
    "half_the_seeds",
    "You left much of the budget: more seeds would have made the interval narrower.",
    {"budget // (2 * 50 * 5)": "max(budget // (2 * 50 * 5) // 2, min(budget // 500, 5))"},
)
compare_defences.slip(
    "pilot_study",
    "You tried a cheap attack first. Every call is evidence: two attacks of different strength "
    "are in the report.",
    {"    a = np": '    measure("A", 0, 10, 1)\n    measure("B", 0, 10, 1)\n    a = np'},
)
compare_defences.slip(
    "median_of_the_gaps",
    "You put the interval round the median. It is one for the mean.",
    {
        "gaps.mean() - half": "np.median(gaps) - half",
        "gaps.mean() + half": "np.median(gaps) + half",
    },
)
compare_defences.slip(
    "extremes_left_out",
    "You left out the largest and the smallest difference. What was measured counts, as long as "
    "no fault is known.",
    {"    half =": "    gaps = np.sort(gaps)[1:-1]\n    pairs = len(gaps)\n    half ="},
)
compare_defences.slip(
    "mean_deviation",
    "You took the mean absolute deviation for the spread. Student's t goes with the standard "
    "deviation.",
    {"gaps.std(ddof=1)": "abs(gaps - gaps.mean()).mean()"},
)

compare_defences.slip(
    "unpaired_degrees",
    "You took the spreads of A and of B apart, with 2n − 2 degrees of freedom. With the same seed "
    "both share most of their luck: take the spread of the differences, with n − 1.",
    {
        _HALF: "half = stats.t.ppf(0.975, 2 * pairs - 2) * "
        "(a.var(ddof=1) + b.var(ddof=1)) ** 0.5 / pairs**0.5"
    },
)
compare_defences.slip(
    "more_steps_for_restarts",
    "You attacked once, with more steps instead of restarts. What one start misses, another finds: "
    "five are the fewest.",
    {**_with("seed, 250, 1")},
)
compare_defences.slip(
    "dearer_than_the_budget",
    "You counted the cost of the cheapest attack and made a dearer one: the budget does not pay "
    "for "
    "it.",
    {**_with("seed, 100, 5")},
)
compare_defences.slip(
    "five_are_too_few",
    "You refuse a budget that pays for exactly five seeds. Five are enough.",
    {"if pairs < 5:": "if pairs <= 5:"},
)
compare_defences.slip(
    "nothing_for_undecided",
    'You return None where nothing can be told. The word is "undecided".',
    {_SAYS: '"A" if low > 0 else "B" if high < 0 else None'},
)
compare_defences.slip(
    "difference_and_verdict_turned",
    "You took B − A. The interval is that of A − B, and the verdict comes from it.",
    {"gaps = a - b": "gaps = b - a"},
)
compare_defences.slip(
    "pilot_of_one",
    "You tried a cheap attack on one defence first. Every call is evidence: two attacks of "
    "different strength are in the report.",
    {"    a = np": '    measure("A", 0, 10, 1)\n    a = np'},
)
compare_defences.slip(
    "trial_call",
    "You made a call to try, and left it out of the report. It costs as much as the others, and is "
    "evidence: a seed is measured for both.",
    {"    a = np": '    measure("A", 999, 50, 5)\n    a = np'},
)
compare_defences.slip(
    "measured_twice",
    "You measured A twice for every seed. The same call gives the same number and costs as much "
    "again.",
    {_A: _A + "\n    " + _A},
)
compare_defences.slip(
    "looks_as_it_goes",
    "You stop as soon as the interval leaves out 0. Who looks after every seed finds a difference "
    "sooner or later, where there is none: fix the number of seeds before.",
    {
        _A: "a = b = np.zeros(0)",
        _B: (
            "for seed in range(pairs):\n"
            '        a = np.append(a, measure("A", seed, 50, 5))\n'
            '        b = np.append(b, measure("B", seed, 50, 5))\n'
            "        if len(a) >= 5:\n"
            "            width = stats.t.ppf(0.975, len(a) - 1) * stats.sem(a - b)\n"
            "            if abs((a - b).mean()) > width:\n"
            "                break\n"
            "    pairs = len(a)"
        ),
    },
)
compare_defences.slip(
    "bootstrap",
    "You took a bootstrap interval. With so few seeds it is too narrow; the page asks for "
    "Student's t.",
    {
        "low, high = float(gaps.mean() - half), float(gaps.mean() + half)": (
            "draws = np.random.default_rng(0).choice(gaps, (2000, pairs)).mean(axis=1)\n"
            "    low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))"
        )
    },
)
compare_defences.slip(
    "range_of_the_gaps",
    "You took the smallest and the largest difference. The interval is one for their mean, by "
    "Student's t.",
    {
        "low, high = float(gaps.mean() - half), float(gaps.mean() + half)": (
            "low, high = float(gaps.min()), float(gaps.max())"
        )
    },
)
compare_defences.slip(
    "most_seeds_win",
    "You count on how many seeds A is ahead. Seeds are few, and the interval says what may be "
    "concluded.",
    {_SAYS: '"A" if (gaps > 0).mean() > 0.5 else "B" if high < 0 else "undecided"'},
)
compare_defences.slip(
    "relative_difference",
    "You took the difference as a share of B. The interval is that of A − B.",
    {"gaps = a - b": "gaps = a / b - 1"},
)
compare_defences.slip(
    "per_cent",
    "You return the interval in per cent. A − B is a difference of shares.",
    {"gaps = a - b": "gaps = 100 * (a - b)"},
)
compare_defences.hint(
    "How much does one measurement cost with the weakest attack that is allowed? How many pairs "
    "does that pay?"
)
compare_defences.hint("The same seeds for both, then the differences: one number a seed.")
compare_defences.hint(
    "`scipy.stats.t.ppf(0.975, n − 1)` times the standard error of the differences.", when="value"
)

_RETURN = "return (low, high, 'A' if low {} 0 else 'B' if high {} 0 else 'undecided')"
for _above, _below in ((">=", "<"), (">", "<=")):
    compare_defences.equivalent(
        f"`{_RETURN.format('>', '<')}` → `{_RETURN.format(_above, _below)}`",
        because="no end of an interval is exactly 0",
    )
