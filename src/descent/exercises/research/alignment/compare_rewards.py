"""How `compare_rewards` is judged: a study of simulated trainings whose truth is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from descent.exercises.studies import Case, covers_as_often_as_it_says
from descent.grading import Draw, Exercise, expect

compare_rewards = Exercise(
    "compare_rewards", minutes=45, difficulty=3, seconds=8.0,
    returns=tuple[str, float, float, float],
)  # fmt: skip

CHOICES = ("better", "worse", "cannot tell")
STEPS = 9
STUDIES = 300
DEVIATION = 0.149
"""Of the difference of two runs with the same seed: their own luck, and where each is measured."""
T_95 = {
    4: 3.182446, 5: 2.776445, 6: 2.570582, 7: 2.446912, 8: 2.364624, 9: 2.306004, 10: 2.262157,
}  # fmt: skip


class Trainings:
    """Trainings with a reward and a seed. Each gives its checkpoints: (KL, held-out reward).

    The KL rises, past the limit in most runs; then the held-out reward goes elsewhere, and at the
    end the KL comes back. A seed's
    luck is partly the same for both rewards. All runs that were made are kept.
    """

    def __init__(self, secret: int, effect: float, turns: float = 10.0) -> None:
        self.secret, self.effect, self.noise = secret, effect, 0.15
        self.turns = turns  # the KL beyond which everything looks better than it is
        self.runs: list[tuple[str, int]] = []
        self._places: dict[int, int] = {}

    def __call__(self, reward: str, seed: int) -> list[tuple[float, float]]:
        """Train once more."""
        if reward not in ("learned", "random"):
            raise ValueError(f"reward is 'learned' or 'random', not {reward!r}")
        self.runs.append((reward, int(seed)))
        return self.checkpoints(reward, seed)

    def checkpoints(self, reward: str, seed: int) -> list[tuple[float, float]]:
        """The same for the same reward and seed."""
        return list(self.at(reward, self._places.setdefault(int(seed), len(self._places))))

    def at(self, reward: str, place: int) -> Sequence[tuple[float, float]]:
        """The checkpoints with the seed that came first, at place 0, second, …

        So it does not matter which seeds somebody takes.
        """
        return _trained(self.secret, self.effect, self.noise, self.turns, reward, place)

    def measure(self, reward: str, seed: int, limit: float) -> float:
        """The held-out reward of the last checkpoint before the KL first passes the limit."""
        return _measured(self.checkpoints(reward, seed), limit)

    def __repr__(self) -> str:
        return "train(reward, seed)"


@lru_cache(maxsize=20_000)
def _trained(
    secret: int, effect: float, noise: float, turns: float, reward: str, seed: int
) -> tuple[tuple[float, float], ...]:
    """One training. It is kept: the mistakes that an answer is compared with make the same ones."""
    # A seed [a, b, 0] is numpy's [a, b]: the last number tells the three apart, so it is not 0.
    shared = np.random.default_rng([secret, seed, 3])
    own = np.random.default_rng([secret, seed, 1 + (reward == "learned")])
    luck = noise * (0.7 * shared.normal() + 0.7 * own.normal())
    kls = np.concatenate([[0.0], own.uniform(0.8, 2.4, STEPS - 1).cumsum()])
    if kls[-2] > turns:
        kls[-1] = 0.6 * turns  # gone too far, and back: the run ended before
    gain = effect if reward == "learned" else 0.0
    found, gone = [], False
    for k, kl in enumerate(kls.tolist()):
        gone = gone or kl > turns
        if not gone:
            value = 0.1 + (gain + luck) * (k > 0) + 0.01 * k
        else:
            value = 1.5 - 0.2 * k + (2.0 if reward == "random" else 0.0)
        found.append((kl, value))
    return tuple(found)


def _measured(checkpoints: Sequence[tuple[float, float]], limit: float) -> float:
    value = math.nan
    for kl, held_out in checkpoints:
        if kl > limit:
            break
        value = held_out
    return value


def _paired(train: Trainings, budget: int, limit: float) -> tuple[float, float]:
    """Student's interval from the paired differences of all seeds there is budget for."""
    learned, random = (
        np.array([_measured(train.at(reward, place), limit) for place in range(budget // 2)])
        for reward in ("learned", "random")
    )
    gaps = learned - random
    half = T_95[len(gaps)] * float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))
    return float(np.mean(gaps)) - half, float(np.mean(gaps)) + half


def _found(answer, train: Trainings, budget: int, effect: float) -> tuple[Case, float]:
    """An answer's interval beside the honest one of the same trainings; and its difference."""
    _, difference, low, high = answer(train, budget, 10.0)
    interval = float(low), float(high)
    return Case((interval,), effect, _paired(train, budget, 10.0)), float(difference)


def _given(interval: tuple[float, float]) -> tuple[float, float]:
    """Rounded: another table of quantiles is no other answer."""
    return round(interval[0], 2), round(interval[1], 2)


def _study(answer, train: Trainings, budget: int, limit: float = 10.0) -> None:
    """Expect a study that keeps to the rules, and a claim that is its own evidence's."""
    conclusion, difference, low, high = answer(train, budget, limit)
    of_each = {r: [s for name, s in train.runs if name == r] for r in ("learned", "random")}
    expect(len(train.runs), "how many trainings were made").is_between(8, budget)
    most = max(Counter(train.runs).values(), default=0)
    expect(most, "how often the same training was made at most").equals(1)
    sizes = [len(seeds) for seeds in of_each.values()]
    expect(sizes[0], "seeds with the learned reward, beside those with the random one").equals(
        sizes[1]
    )
    if min(sizes) == 0:
        return
    means = {
        reward: float(np.mean([train.measure(reward, seed, limit) for seed in seeds]))
        for reward, seeds in of_each.items()
    }
    expect(difference, "the difference of the runs that were made").close_to(
        means["learned"] - means["random"], atol=1e-6
    )
    expect(low < difference < high, "whether the interval lies around the difference").equals(True)
    right = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
    expect(conclusion, "the conclusion from this interval").equals(right)


@compare_rewards.property("keeps to the budget, and claims what its own runs show", trials=6)
def _(answer, draw: Draw) -> None:
    for effects in ([0.5, -0.4, 0.1, 0.0], [0.15, 0.2, 0.25, 0.3], [-0.15, -0.2, -0.25, -0.3]):
        effect = draw.choice(effects)
        _study(answer, Trainings(draw.seed(), effect), draw.choice([8, 10, 12, 16]))


@compare_rewards.property("settles how many seeds there are before it knows a result", trials=1)
def _(answer, draw: Draw) -> None:
    made = []
    for effect in (0.0, 2.0, -2.0):
        train = Trainings(draw.seed(), effect)
        answer(train, 16, 10.0)
        made.append(len(train.runs))
    expect(made[1:], "trainings with a plain effect, beside those without any").equals(
        [made[0], made[0]]
    )


@compare_rewards.property("finds an effect that is plain", trials=3)
def _(answer, draw: Draw) -> None:
    for effect, right in ((1.5, "better"), (-1.5, "worse")):
        conclusion, *_ = answer(Trainings(draw.seed(), effect), 12, 10.0)
        expect(conclusion in CHOICES, f"whether it is one of {CHOICES}").equals(True)
        expect(conclusion, "the conclusion").equals(right)


@compare_rewards.property("claims nothing where there is nothing, 19 times of 20", trials=1)
def _(answer, draw: Draw) -> None:
    conclusions = [answer(Trainings(draw.seed(), 0.0), 10, 10.0)[0] for _ in range(60)]
    claims = sum(conclusion != "cannot tell" for conclusion in conclusions)
    expect(claims, "how many of 60 studies without an effect claim one").is_between(0, 11)


@compare_rewards.property("stops at other limits too", trials=3)
def _(answer, draw: Draw) -> None:
    limit = draw.choice([5.0, 7.5, 20.0])
    _study(answer, Trainings(draw.seed(), 0.4, turns=limit), 12, limit=limit)
    # A checkpoint that lies exactly on the limit has not exceeded it.
    secret = draw.seed()
    limit = Trainings(secret, 0.4).checkpoints("learned", 0)[4][0]
    _study(answer, Trainings(secret, 0.4, turns=limit), 8, limit=limit)


@compare_rewards.property("has an interval that holds the truth as often as it says", trials=1)
def _(answer, draw: Draw) -> None:
    cases, chances, honest = [], [], []
    for _ in range(STUDIES):
        effect = draw.uniform(-0.3, 0.6)
        case, difference = _found(answer, Trainings(draw.seed(), effect), 8, effect)
        cases.append(case)
        chances.append(_chance(case.arguments[0], difference, 4))
        honest.append(_chance(case.needed, sum(case.needed) / 2, 4))
    covers_as_often_as_it_says(_given, cases, 0.95, widest=1.75)
    # Student's interval has 95 %; how much another one differs is seen on the same studies.
    found = 95 + 100 * float(np.mean(chances) - np.mean(honest))
    expect(
        found, "in how many of 100 studies with four seeds the interval holds the truth"
    ).is_above(94.0)


def _chance(interval: tuple[float, float], difference: float, seeds: int) -> float:
    """How often an interval with these two arms holds the truth: its middle is normal about it.

    A mean of normal numbers does not depend on their deviations from it, which set the arms.
    """
    error = DEVIATION / math.sqrt(seeds)
    arms = (interval[1] - difference, interval[0] - difference)
    above, below = (math.erf(arm / error / math.sqrt(2)) for arm in arms)
    return (above - below) / 2


@compare_rewards.property("is no wider than it need be, whatever the budget", trials=1)
def _(answer, draw: Draw) -> None:
    for budget in range(8, 21, 2):
        studies = [_found(answer, Trainings(draw.seed(), 0.2), budget, 0.2) for _ in range(15)]
        covers_as_often_as_it_says(_given, [case for case, _ in studies], 0.95, widest=1.75)


@compare_rewards.right
def right_study(train, budget, limit):
    def measure(reward, seed):
        value = None
        for kl, held_out in train(reward, seed):
            if kl > limit:
                break
            value = held_out
        return value

    seeds = min(budget // 2, 10)
    gaps = [measure("learned", seed) - measure("random", seed) for seed in range(seeds)]
    mean = sum(gaps) / seeds
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / (seeds - 1)) ** 0.5
    half = T_95[seeds] * deviation / seeds**0.5
    low, high = mean - half, mean + half
    conclusion = "better" if low > 0 else "worse" if high < 0 else "cannot tell"
    return conclusion, mean, low, high


_GAPS = 'measure("learned", seed) - measure("random", seed)'
_SLIPS = {
    "one_seed": (
        "You trained once with each reward. Whatever came may be that seed's luck: no claim "
        "stands "
        "on it. The page asks for four seeds at the least.",
        {"seeds = min(budget // 2, 10)": "seeds = 1", "/ (seeds - 1)": "/ 1",
         "T_95[seeds] * deviation": "0.01"},
    ),
    "three_seeds": (
        "You used three seeds. The page asks for four at the least, and the budget has more.",
        {"seeds = min(budget // 2, 10)": "seeds = 3", "T_95[seeds]": "4.303"},
    ),
    "over_budget": (
        "You made more trainings than the budget has: it counts both rewards.",
        {"seeds = min(budget // 2, 10)": "seeds = min(budget, 10)"},
    ),
    "no_control": (
        "You compared with the checkpoint before training, and made no run with the random "
        "reward. "
        "Then nobody knows what training alone does.",
        {_GAPS: 'measure("learned", seed) - 0.1'},
    ),
    "last_checkpoint": (
        "You measured at a checkpoint after the limit had been passed. A run ends where its KL "
        "first exceeds the limit: beyond it, one has gone farther than the other.",
        {"if kl > limit:\n                break": "if kl > 1e9:\n                break"},
    ),
    "best_checkpoint": (
        "You took the best checkpoint of each run. The best of many is luck in part, more of it "
        "in longer runs: the last one within the limit is asked for.",
        {"            value = held_out\n":
         "            value = held_out if value is None else max(value, held_out)\n"},
    ),
    "first_checkpoint_beyond": (
        "You measured at the first checkpoint past the limit. The last one within it is asked "
        "for.",
        {"            if kl > limit:\n                break\n            value = held_out\n":
         "            value = held_out\n            if kl > limit:\n                break\n"},
    ),
    "before_training": (
        "You measured the checkpoint before training.",
        {"            value = held_out\n": "            value = held_out\n            break\n"},
    ),
    "same_seed_again": (
        "You made the same training several times. With the same seed the same comes out: that "
        "is "
        "no further evidence.",
        {_GAPS: 'measure("learned", 0 * seed) - measure("random", 0 * seed)'},
    ),
    "normal_quantile": (
        "Your interval has 1.96 standard errors. With so few seeds the deviation itself is "
        "uncertain: Student's t for n − 1, or a wider interval of your own.",
        {"T_95[seeds]": "1.96"},
    ),
    "population_deviation": (
        "You divided by n for the deviation of the n differences. These are a sample: divide by "
        "n − 1, or with four seeds the interval holds the truth in 93 studies of 100.",
        {"/ (seeds - 1)": "/ seeds"},
    ),
    "deviation_of_one_run": (
        "Your interval is for one run. That of a mean over n seeds is √n times as narrow.",
        {" / seeds**0.5": ""},
    ),
    "one_standard_error": (
        "Your interval is the mean ± one standard error: that holds the truth in two cases of "
        "three.",
        {"T_95[seeds] * deviation": "deviation"},
    ),
    "sign_of_the_mean": (
        "You concluded from the sign of the mean. If the interval holds 0, nothing can be said.",
        {'"better" if low > 0 else "worse" if high < 0 else "cannot tell"':
         '"better" if mean > 0 else "worse"'},
    ),
    "conclusions_exchanged": (
        "Your conclusions are the wrong way round: the learned reward is better where the whole "
        "interval is above 0.",
        {'"better" if low > 0 else "worse" if high < 0':
         '"worse" if low > 0 else "better" if high < 0'},
    ),
    "difference_turned": (
        "You subtracted the learned reward's result from the random one's.",
        {_GAPS: 'measure("random", seed) - measure("learned", seed)'},
    ),
    "best_seed": (
        "You gave the best seed's difference. All seeds count, also those you do not like.",
        {"mean = sum(gaps) / seeds": "mean = max(gaps)"},
    ),
    "worst_seeds_dropped": (
        "You left out the runs that went worst. Which runs count is decided before they are "
        "made.",
        {"    mean = sum(gaps) / seeds":
         "    gaps = sorted(gaps)[2:]\n    seeds = max(len(gaps), 4)\n"
         "    mean = sum(gaps) / len(gaps)"},
    ),
    "cautious_always": (
        "You never conclude anything. Where the whole interval lies on one side of 0, say so.",
        {'"better" if low > 0 else "worse" if high < 0 else "cannot tell"': '"cannot tell"'},
    ),
    "stops_when_it_looks_good": (
        "You stopped as soon as the result looked good. Looking again and again finds something "
        "sooner or later: the number of seeds is settled beforehand.",
        {"    mean = sum(gaps) / seeds":
         "    for n in range(4, seeds + 1):\n"
         "        part = gaps[:n]\n"
         "        middle = sum(part) / n\n"
         "        error = (sum((g - middle) ** 2 for g in part) / (n - 1) / n) ** 0.5\n"
         "        if abs(middle) > 2 * error:\n"
         "            return (\"better\" if middle > 0 else \"worse\"), middle, "
         "middle - 2 * error, middle + 2 * error\n"
         "    mean = sum(gaps) / seeds"},
    ),
    "more_of_one": (
        "You spent more of the budget on the learned reward than on the control. As many of "
        "each "
        "are asked for.",
{"for seed in range(seeds)]":
         "for seed in range(seeds - 1)] + [measure(\"learned\", seeds) - 0.1]"},
    ),
    "one_sided_quantile": (
        "Your quantile leaves 5 % at each side, so that the interval has 90 %. Leave 2.5 % "
        "at each.",
        {"T_95[seeds]":
         "{4: 2.35336, 5: 2.13185, 6: 2.01505, 7: 1.94318, 8: 1.89458, 9: 1.85955, 10: "
         "1.83311}[seeds]"},
    ),
    "degrees_of_freedom_n": (
        "You took Student's t for n degrees of freedom. The deviation of n differences has n "
        "− 1: one is spent on their mean.",
        {"T_95[seeds]":
         "{4: 2.77645, 5: 2.57058, 6: 2.44691, 7: 2.36462, 8: 2.30600, 9: 2.26216, 10: "
         "2.22814}[seeds]"},
    ),
    "limit_excluded": (
        "You left out a checkpoint at exactly the limit. It has not exceeded it.",
        {"if kl > limit:":
         "if kl >= limit:"},
    ),
    "one_control_for_all": (
        "You made one training with the random reward, and compared all others with it. Its "
        "luck is then in every difference: as many of both are asked for.",
        {"seeds = min(budget // 2, 10)":
         "control = measure(\"random\", 0)\n    seeds = budget - 1",
         "measure(\"learned\", seed) - measure(\"random\", seed)":
         "measure(\"learned\", seed) - control",
         "T_95[seeds]":
         "{4: 3.182446, 5: 2.776445, 6: 2.570582, 7: 2.446912, 8: 2.364624, 9: 2.306004, 10: "
         "2.262157, 11: 2.228139, 12: 2.200985, 13: 2.178813, 14: 2.160369, 15: 2.144787, "
         "16: 2.13145, 17: 2.119905, 18: 2.109816, 19: 2.100922, 20: 2.093024}[seeds]"},
    ),
    "budget_for_each_reward": (
        "You made as many trainings for each reward as the budget has for both.",
        {"seeds = min(budget // 2, 10)":
         "seeds = budget",
         "T_95[seeds]":
         "{4: 3.182446, 5: 2.776445, 6: 2.570582, 7: 2.446912, 8: 2.364624, 9: 2.306004, 10: "
         "2.262157, 11: 2.228139, 12: 2.200985, 13: 2.178813, 14: 2.160369, 15: 2.144787, "
         "16: 2.13145, 17: 2.119905, 18: 2.109816, 19: 2.100922, 20: 2.093024}[seeds]"},
    ),
    "four_whatever_the_budget": (
        "You used four seeds whatever the budget. With more of them the interval is far "
        "narrower: use all there is budget for.",
        {"seeds = min(budget // 2, 10)":
         "seeds = 4"},
    ),
    "trains_until_it_looks_good": (
        "You stop training as soon as the result looks good. Looking again and again finds "
        "something sooner or later: how many seeds there are is settled before the first "
        "training.",
        {"    gaps = [measure(\"learned\", seed) - measure(\"random\", seed) for seed in "
         "range(seeds)]\n":
         "    gaps = []\n    for seed in range(seeds):\n        "
         "gaps.append(measure(\"learned\", seed) - measure(\"random\", seed))\n        "
         "middle = sum(gaps) / len(gaps)\n        if len(gaps) >= 4:\n            spread = "
         "(sum((gap - middle) ** 2 for gap in gaps) / (len(gaps) - 1)) ** 0.5\n            "
         "if abs(middle) > T_95[len(gaps)] * spread / len(gaps) ** 0.5:\n                "
         "break\n    seeds = len(gaps)\n"},
    ),
    "ninety_nine": (
        "Your interval is for 99 %. One for 95 % is asked for, which is narrower.",
        {"T_95[seeds]":
         "{4: 5.840909, 5: 4.604095, 6: 4.032143, 7: 3.707428, 8: 3.499483, 9: 3.355387, 10: "
         "3.249836}[seeds]"},
    ),
    "mean_of_checkpoints": (
        "You averaged over the checkpoints within the limit. The last of them is asked for.",
        {"        value = None\n":
         "        within = []\n",
         "            value = held_out\n        return value\n":
         "            within.append(held_out)\n        return sum(within) / len(within)\n"},
    ),
    "median": (
        "You gave the median of the differences. Their mean is asked for.",
        {"    low, high = mean - half":
         "    mean = (sorted(gaps)[seeds // 2] + sorted(gaps)[(seeds - 1) // 2]) / 2\n"
         "    low, high = mean - half"},
    ),
    "smallest_and_largest": (
        "Your interval runs from the smallest difference to the largest. That is where "
        "single seeds lie; the interval is for the mean, and goes by its standard error.",
        {"low, high = mean - half, mean + half":
         "low, high = min(gaps), max(gaps)"},
    ),
    "both_ends_dropped": (
        "You left the smallest and the largest difference out. All seeds that were trained "
        "count.",
        {"    mean = sum(gaps) / seeds":
         "    gaps = sorted(gaps)[1:-1]\n    seeds = len(gaps)\n    mean = sum(gaps) / seeds",
         "T_95[seeds]":
         "{2: 12.706205, 3: 4.302653, **T_95}[seeds]"},
    ),
    "trained_twice": (
        "You made a training twice, perhaps to look at it once more. The same comes out, and "
        "it costs budget: keep what `train` returned.",
        {"measure(\"learned\", seed) - measure(\"random\", seed)":
         "(measure(\"learned\", seed), measure(\"learned\", seed))[1] - measure(\"random\", "
         "seed)"},
    ),
    "comes_back": (
        "You passed over the checkpoints beyond the limit and took a later one that is "
        "within it again. A run ends where its KL first exceeds the limit.",
        {"                break":
         "                continue"},
    ),
}  # fmt: skip
_OF_INTERVALS = (
    "normal_quantile", "population_deviation", "deviation_of_one_run", "one_standard_error",
    "one_sided_quantile", "degrees_of_freedom_n", "ninety_nine", "smallest_and_largest",
    "four_whatever_the_budget",
)  # fmt: skip
"""They are found by hundreds of studies each, so they come first: a diagnosis must not be long."""
for _name in sorted(_SLIPS, key=lambda name: name not in _OF_INTERVALS):
    compare_rewards.slip(_name, *_SLIPS[_name])

_HALF = (
    "`mean, half = (float(gaps.mean()), "
    "quantiles[seeds] * float(gaps.std(ddof=1)) / math.sqrt(seeds))` → "
)
compare_rewards.equivalent(
    f"{_HALF}`mean, half = (float(gaps.mean()), "
    "quantiles[seeds] * float(gaps.std(ddof=2)) / math.sqrt(seeds))`",
    because="it is at most a quarter wider than need be, which the page allows",
)
_CONCLUSION = (
    "`conclusion = 'better' if mean - half > 0 else 'worse' if mean + half < 0 else 'cannot tell'`"
)
compare_rewards.equivalent(
    f"{_CONCLUSION} → {_CONCLUSION.replace('half > 0', 'half >= 0')}",
    because="an end of an interval is not exactly 0",
)
compare_rewards.equivalent(
    f"{_CONCLUSION} → {_CONCLUSION.replace('half < 0', 'half <= 0')}",
    because="an end of an interval is not exactly 0",
)
compare_rewards.equivalent(
    "`value = math.nan` deleted",
    because="the checkpoint before training, at KL 0, is always within the limit",
)

compare_rewards.hint("Which question does the control answer that one run cannot?")
compare_rewards.hint("Settle the number of seeds and the measure before the first training.")
compare_rewards.hint("The same seed with both rewards: then a part of the luck cancels.")
compare_rewards.hint(
    "Student's t for 95 %, 4 to 10 seeds: 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26.",
    when="has an interval that holds the truth as often as it says",
)
