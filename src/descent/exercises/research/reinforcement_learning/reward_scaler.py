"""How `RewardScaler` is judged: beside a list of everything it has seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

RewardScaler = Exercise("RewardScaler", minutes=30, difficulty=3)


class _Remembering:
    """Keeps every discounted return, and asks numpy for the variance each time."""

    def __init__(self, n: int, gamma: float) -> None:
        self.gamma, self.running = gamma, [0.0] * n
        self.all: list[float] = []

    def __call__(self, rewards: Any, ended: Any) -> np.ndarray:
        self.running = [
            self.gamma * sum_ + float(reward)
            for sum_, reward in zip(self.running, rewards, strict=True)
        ]
        self.all += self.running
        spread = np.sqrt(np.var(self.all) + 1e-8)
        self.running = [0.0 if end else sum_ for sum_, end in zip(self.running, ended, strict=True)]
        return np.clip(np.asarray(rewards, dtype=float) / spread, -10.0, 10.0)


def _judge(answer, gamma: float, steps: list[tuple[Any, Any]], rtol: float = 1e-4) -> None:
    n = len(steps[0][0])
    scaler, oracle = answer(n, gamma), _Remembering(n, gamma)
    for place, (rewards, ended) in enumerate(steps, start=1):
        found = scaler(np.array(rewards), np.array(ended))
        expect(found, f"the rewards of step {place}").has_shape(n).close_to(
            oracle(rewards, ended), rtol
        )


def _steps(draw: Draw, count: int, n: int, ends: float, level: float = 0.0) -> list[Any]:
    return [(draw.normal(n, scale=2.0) + level, draw.rng.random(n) < ends) for _ in range(count)]


@RewardScaler.property("divides by the spread of all discounted returns so far", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw.uniform(0.6, 0.95), _steps(draw, draw.size + 3, 3, 0.0))


@RewardScaler.property("begins each environment's sum anew with its episode", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw.uniform(0.6, 0.95), _steps(draw, draw.size + 5, 4, 0.4, 1.0))


@RewardScaler.property("counts the last reward of an episode before the sum begins anew", trials=2)
def _(answer, draw: Draw) -> None:
    steps = [(draw.normal(2) + 2.0, np.array([True, False])) for _ in range(5)]
    _judge(answer, 0.9, steps)


@RewardScaler.property("does not take the mean off: a reward of 1 each step stays positive")
def _(answer, draw: Draw) -> None:
    _judge(answer, 0.9, [(np.ones(2), np.array([t % 3 == 2, False])) for t in range(8)])


@RewardScaler.property("is limited to ±10, also while nothing has varied yet", trials=2)
def _(answer, draw: Draw) -> None:
    first = [(np.array([1.0, 1.0]), np.zeros(2, dtype=bool))]
    calm = [(draw.normal(2, scale=0.05), np.zeros(2, dtype=bool)) for _ in range(6)]
    _judge(answer, 0.5, [*first, *calm, (np.array([900.0, -0.1]), np.zeros(2, dtype=bool))])
    _judge(answer, 0.5, [(np.array([-1.0, -1.0]), np.zeros(2, dtype=bool)), *calm])
    single = [(draw.normal(1, scale=0.01), np.ones(1, dtype=bool)) for _ in range(30)]
    _judge(answer, 0.9, [*single, (np.array([-3.0]), np.ones(1, dtype=bool))])


@RewardScaler.property("takes one environment, and no reward at first", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, 0.9, [(np.zeros(1), np.zeros(1, dtype=bool)), *_steps(draw, 5, 1, 0.3)])


@RewardScaler.property("is exact where returns are large and nearly equal", trials=2)
def _(answer, draw: Draw) -> None:
    scaler, oracle = answer(3, 1.0), _Remembering(3, 1.0)
    for place in range(12):
        rewards = 1e5 + draw.normal(3, scale=0.02)
        ended = np.full(3, place < 11)
        scaler(np.array(rewards), ended.copy())
        oracle(rewards, ended)
    small = 0.01 * draw.normal(3)
    wanted = oracle(small, np.ones(3, dtype=bool))
    found = scaler(small.copy(), np.ones(3, dtype=bool))
    exact = np.abs(np.asarray(found) / wanted - 1) < 1e-3
    expect(exact.astype(float), "which rewards are right to 0.1 %, 1 for yes").equals(np.ones(3))


@RewardScaler.property("adds 1e-8 to the variance, and to nothing else", trials=2)
def _(answer, draw: Draw) -> None:
    on = np.zeros(2, dtype=bool)
    first = draw.uniform(2e-4, 4e-4)
    small = [(1e-4 * draw.normal(2), on) for _ in range(4)]
    _judge(answer, 0.9, [(np.full(2, first), on), *small])


@RewardScaler.property("keeps no list, and leaves the rewards handed over as they are", trials=1)
def _(answer, draw: Draw) -> None:
    scaler, sizes = answer(2, 0.9), []
    for place in range(60):
        rewards = draw.normal(2)
        given = rewards.copy()
        scaler(given, np.zeros(2, dtype=bool))
        sizes.append(_size(vars(scaler)) if hasattr(scaler, "__dict__") else 0)
        if place == 0:
            untouched = bool((given == rewards).all())
            expect(untouched, "whether the rewards are as they were").equals(True)
    expect(sizes[-1] > sizes[9] + 20, "whether it grows with every step").equals(False)


def _size(kept: Any) -> int:
    """How many numbers something holds."""
    if isinstance(kept, dict):
        return sum(map(_size, kept.values()))
    if isinstance(kept, list | tuple | set):
        return sum(map(_size, kept))
    return int(np.size(kept)) if isinstance(kept, int | float | np.ndarray | np.generic) else 0


@RewardScaler.property("has a memory of its own", trials=1)
def _(answer, draw: Draw) -> None:
    a, b = answer(2, 0.9), answer(2, 0.9)
    oracle = _Remembering(2, 0.9)
    for rewards, ended in _steps(draw, 5, 2, 0.3):
        a(np.array(rewards) * 9, np.array(ended))
        found = b(np.array(rewards), np.array(ended))
        expect(found, "the second scaler's rewards").close_to(oracle(rewards, ended))


@RewardScaler.right
class RightRewardScaler:
    def __init__(self, n, gamma):
        self.gamma = gamma
        self.sums = np.zeros(n)
        self.count, self.mean, self.squares = 0, 0.0, 0.0

    def __call__(self, rewards, ended):
        self.sums = self.gamma * self.sums + rewards
        for value in self.sums:
            self.count += 1
            gap = value - self.mean
            self.mean += gap / self.count
            self.squares += gap * (value - self.mean)
        variance = self.squares / self.count
        scaled = rewards / np.sqrt(variance + 1e-8)
        self.sums = np.where(ended, 0.0, self.sums)
        return scaled.clip(-10, 10)


_SUMS = "self.sums = self.gamma * self.sums + rewards"
_FRESH = "self.sums = np.where(ended, 0.0, self.sums)"
RewardScaler.slip(
    "mean_taken_off",
    "You took the mean off the rewards. Then a game that pays 1 each step pays 0: what is good is "
    "decided by the sign, and that is changed.",
    {"scaled = rewards /": "scaled = (rewards - self.mean) /"},
)
RewardScaler.slip(
    "spread_of_rewards",
    "You took the spread of the *rewards*. It is that of the discounted return, which also grows "
    "with the length of an episode.",
    {"for value in self.sums:": "for value in rewards:"},
)
RewardScaler.slip(
    "sum_never_begins_anew",
    "The running sums go on over the end of an episode.",
    {_FRESH: "pass"},
)
RewardScaler.slip(
    "begun_anew_too_early",
    "You put the sum to 0 before the last reward of the episode was counted. It is counted, and "
    "then the sum begins anew.",
    {_SUMS: "self.sums = np.where(ended, 0.0, self.gamma * self.sums + rewards)", _FRESH: "pass"},
)
RewardScaler.slip(
    "old_sum_dropped_at_the_end",
    "In the step that ends an episode you dropped what the sum had gathered and kept the last "
    "reward alone. Count it all, then begin anew.",
    {_SUMS: "self.sums = self.gamma * self.sums * ~ended + rewards"},
)
RewardScaler.slip(
    "all_begin_anew",
    "When one episode ends you put all sums to 0. Each environment has episodes of its own.",
    {_FRESH: "self.sums = np.where(ended.any(), 0.0, self.sums) * np.ones(len(rewards))"},
)
RewardScaler.slip(
    "undiscounted",
    "You did not discount the running sum.",
    {_SUMS: "self.sums = self.sums + rewards"},
)
RewardScaler.slip(
    "reward_discounted",
    "You discounted the new reward as well. R becomes γR + reward.",
    {_SUMS: "self.sums = self.gamma * (self.sums + rewards)"},
)
RewardScaler.slip(
    "divided_by_the_variance",
    "You divided by the variance. Take its root.",
    {"np.sqrt(variance + 1e-8)": "(variance + 1e-8)"},
)
RewardScaler.slip(
    "sums_for_rewards",
    "You return the scaled running sums. The reward of the step is what is scaled.",
    {"scaled = rewards /": "scaled = self.sums /"},
)
RewardScaler.slip(
    "not_limited",
    "You did not limit the result to ±10. The first spreads are near 0, so the first rewards "
    "explode.",
    {"scaled.clip(-10, 10)": "scaled"},
)
RewardScaler.slip(
    "limited_above_only",
    "You limited the result from above alone. It goes from −10 to 10.",
    {"scaled.clip(-10, 10)": "scaled.clip(max=10)"},
)
RewardScaler.slip(
    "divided_by_n_minus_one",
    "Your variance divides by the count less 1. The page divides by the count.",
    {"self.squares / self.count": "self.squares / max(self.count - 1, 1)"},
)
RewardScaler.slip(
    "before_this_step",
    "You scale by the spread of the steps *before* this one. This step's sums join first.",
    {"        self.sums = self.gamma * self.sums + rewards\n": "        before = self.squares / "
     "max(self.count, 1)\n        self.sums = self.gamma * self.sums + rewards\n",
     "variance = self.squares / self.count": "variance = before"},
)  # fmt: skip
RewardScaler.slip(
    "this_step_only",
    "You take the spread over the environments of this step alone. All earlier sums count too.",
    {"variance = self.squares / self.count": "variance = np.var(self.sums)"},
)
RewardScaler.slip(
    "one_sum_for_all",
    "You keep one running sum for all environments together.",
    {_SUMS: "self.sums = self.gamma * self.sums + np.mean(rewards)"},
)
RewardScaler.slip(
    "around_zero",
    "You took the mean square of the sums for their variance. The mean is taken off *there*.",
    {"variance = self.squares / self.count": "variance = self.squares / self.count + self.mean**2"},
)
RewardScaler.slip(
    "old_mean_twice",
    "Welford's step multiplies the gap from the old mean with that from the *new* one. You squared "
    "one of them.",
    {"gap * (value - self.mean)": "gap * gap"},
)
RewardScaler.slip(
    "spread_plus_small",
    "You added 1e-8 to the spread. It is added to the variance, under the root.",
    {"np.sqrt(variance + 1e-8)": "(np.sqrt(variance) + 1e-8)"},
)


@RewardScaler.mistake(
    "You took the variance as the mean of squares minus the square of the mean. For rewards far "
    "from 0 these are two large numbers, and their difference is rounding: keep the mean, and sum "
    "deviations from it (Welford)."
)
class DifferenceOfLargeNumbers:
    def __init__(self, n, gamma):
        self.gamma, self.sums = gamma, np.zeros(n)
        self.count, self.total, self.squares = 0, 0.0, 0.0

    def __call__(self, rewards, ended):
        self.sums = self.gamma * self.sums + rewards
        self.count += len(self.sums)
        self.total += self.sums.sum()
        self.squares += (self.sums**2).sum()
        variance = max(self.squares / self.count - (self.total / self.count) ** 2, 0.0)
        scaled = rewards / np.sqrt(variance + 1e-8)
        self.sums = np.where(ended, 0.0, self.sums)
        return scaled.clip(-10, 10)


RewardScaler.slip(
    "before_this_step_one_at_first",
    "You scale by the spread of the steps *before* this one, and the first step by 1. This "
    "step's sums join first.",
    {
        "        self.sums = self.gamma * self.sums + rewards\n": (
            "        before = self.squares / self.count if self.count else 1.0\n        "
            "self.sums = self.gamma * self.sums + rewards\n"
        ),
        "variance = self.squares / self.count": "variance = before",
    },
)
RewardScaler.slip(
    "spread_for_each",
    "You keep a spread for each environment. All sums of all environments go into one.",
    {
        "self.count, self.mean, self.squares = 0, 0.0, 0.0": (
            "self.count, self.mean, self.squares = 0, 0.0, 0.0\n        self.means, "
            "self.each = np.zeros(n), np.zeros(n)"
        ),
        "variance = self.squares / self.count": (
            "gaps = self.sums - self.means\n        self.means = self.means + gaps * "
            "len(gaps) / self.count\n        self.each = self.each + gaps * (self.sums - "
            "self.means)\n        variance = self.each * len(gaps) / self.count"
        ),
    },
)
RewardScaler.slip(
    "unguarded",
    "You divide by the spread alone. Before anything has varied it is 0, and 0/0 is NaN.",
    {"np.sqrt(variance + 1e-8)": "np.sqrt(variance)"},
)
RewardScaler.slip(
    "means_apart_forgotten",
    "You added up each step's squared deviations from its *own* mean. The steps' means "
    "differ, and that is part of the variance.",
    {
        "variance = self.squares / self.count": (
            'self.within = getattr(self, "within", 0.0) + len(rewards) * '
            "np.var(self.sums)\n        variance = self.within / self.count"
        )
    },
)
RewardScaler.slip(
    "limited_to_one",
    "You limited the result to ±1. It is ±10.",
    {"scaled.clip(-10, 10)": "scaled.clip(-1, 1)"},
)
RewardScaler.slip(
    "limited_before_dividing",
    "You limited the rewards before you divided. It is the result that is limited to ±10.",
    {
        "scaled = rewards /": "scaled = rewards.clip(-10, 10) /",
        "return scaled.clip(-10, 10)": "return scaled",
    },
)
RewardScaler.slip(
    "written_into_the_rewards",
    "You wrote into the array of rewards that was handed over. It belongs to somebody else: "
    "make a new one.",
    {
        "return scaled.clip(-10, 10)": (
            "if rewards.dtype == scaled.dtype:\n            rewards[...] = "
            "scaled\n        return scaled.clip(-10, 10)"
        )
    },
)
RewardScaler.slip(
    "keeps_a_list",
    "You keep all sums in a list. It grows for ever, and each step takes longer than the "
    "one before: keep count, mean and the sum of squared deviations.",
    {("self.count, self.mean, self.squares = 0, 0.0, "
         "0.0"): ("self.count, self.mean, self.squares = 0, 0.0, "
         "0.0\n        self.seen = []"),
     "variance = self.squares / self.count": ("self.seen += list(self.sums)\n        variance "
         "= self.squares / self.count")},
)  # fmt: skip

RewardScaler.hint("Keep count, mean and the sum of squared deviations; join one number at a time.")
RewardScaler.hint("Welford: the gap from the old mean times the gap from the new one.")
RewardScaler.hint("The first step of one environment has variance 0: its reward meets the limit.",
                  when="value")  # fmt: skip

RewardScaler.equivalent(
    "`self.count, self.mean, self.squares = (0, 0.0, 0.0)` → `self.count, self.mean, "
    "self.squares = (0.0, 0, 0.0)`",
    because="numbers are equal, whatever their type",
)

RewardScaler.equivalent(
    "`self.sums = self.gamma * self.sums + rewards` → `self.sums = self.gamma * "
    "self.sums - rewards`",
    because="sums with the other sign have the same variance",
)
