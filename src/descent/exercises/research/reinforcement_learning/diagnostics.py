"""How `diagnostics` is judged: each number by itself, in single steps."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

diagnostics = Exercise("diagnostics", minutes=25, difficulty=2, returns=dict[str, float])

NAMES = (
    "clip_fraction", "approx_kl", "entropy", "explained_variance", "advantage_mean",
    "advantage_std",
)  # fmt: skip


def _by_hand(new, old, entropies, values, returns, advantages, epsilon) -> dict[str, float]:
    ratios = [math.exp(a - b) for a, b in zip(new, old, strict=True)]
    outside = [1.0 if ratio > 1 + epsilon or ratio < 1 - epsilon else 0.0 for ratio in ratios]
    moved = [ratio - 1 - math.log(ratio) for ratio in ratios]
    rest = [target - value for target, value in zip(returns, values, strict=True)]
    total = statistics.pvariance(list(returns))
    return {
        "clip_fraction": statistics.fmean(outside),
        "approx_kl": statistics.fmean(moved),
        "entropy": statistics.fmean(entropies),
        "explained_variance": 1 - statistics.pvariance(rest) / total if total else math.nan,
        "advantage_mean": statistics.fmean(advantages),
        "advantage_std": statistics.pstdev(advantages),
    }


def _judge(answer, arrays: tuple[Any, ...], epsilon: float) -> None:
    found = answer(*(np.asarray(array, dtype=float) for array in arrays), epsilon)
    expect(sorted(map(str, found)), "the names").equals(sorted(NAMES))
    new, old, entropies, values, returns, advantages = (
        np.asarray(array, dtype=float).tolist() for array in arrays
    )
    wanted = _by_hand(new, old, entropies, values, returns, advantages, epsilon)
    for name in NAMES:
        if math.isnan(wanted[name]):
            expect(bool(np.isnan(found.get(name, 0.0))), f"whether {name} is NaN").equals(True)
        else:
            expect(found.get(name), name).close_to(wanted[name], 1e-4, 1e-9)


def _rollout(draw: Draw, n: int, apart: float = 0.3) -> tuple[Any, ...]:
    old = -np.abs(draw.normal(n)) - 0.1
    values = draw.normal(n)
    return (
        old + draw.normal(n, scale=apart) + 0.003, old, np.abs(draw.normal(n)), values,
        values + draw.normal(n) + 2.0, draw.normal(n, scale=2.0) + 1.0,
    )  # fmt: skip


@diagnostics.property("are the numbers of the page's table", trials=6)
def _(answer, draw: Draw) -> None:
    _judge(answer, _rollout(draw, draw.size + 2), draw.choice([0.1, 0.2, 0.3]))


@diagnostics.property("count ratios on both sides of the band", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = list(_rollout(draw, 5))
    rollout[0] = rollout[1] + np.log([1.21, 0.7, 1.1, 0.9, 0.75])
    _judge(answer, tuple(rollout), 0.2)


@diagnostics.property("find a KL of 0 where nothing moved, and never a negative one", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = list(_rollout(draw, 6))
    rollout[0] = rollout[1].copy()
    _judge(answer, tuple(rollout), 0.2)
    rollout[0] = rollout[1] + 0.05
    _judge(answer, tuple(rollout), 0.2)


@diagnostics.property("explain all, nothing, or worse than nothing", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = list(_rollout(draw, 6))
    for values in (rollout[4] + 100.0, np.full(6, 3.0), -2 * rollout[4]):
        rollout[3] = values
        _judge(answer, tuple(rollout), 0.2)


@diagnostics.property("have no explained variance where all returns are equal", trials=2)
def _(answer, draw: Draw) -> None:
    rollout = list(_rollout(draw, 4))
    rollout[4] = np.full(4, draw.choice([0.0, 1.0, -2.5]))
    _judge(answer, tuple(rollout), 0.2)
    _judge(answer, _rollout(draw, 1), 0.2)


@diagnostics.right
def right_diagnostics(log_probs, old_log_probs, entropies, values, returns, advantages, epsilon):
    log_ratios = log_probs - old_log_probs
    ratios = np.exp(log_ratios)
    total, rest = np.var(returns), np.var(returns - values)
    explained = 1 - rest / total if total > 0 else np.nan
    moved = ratios - 1 - log_ratios
    outside = np.abs(ratios - 1) > epsilon
    return {
        "clip_fraction": float(outside.mean()),
        "approx_kl": float(moved.mean()),
        "entropy": float(entropies.mean()),
        "explained_variance": float(explained),
        "advantage_mean": float(advantages.mean()),
        "advantage_std": float(advantages.std()),
    }


_MOVED, _OUTSIDE = "ratios - 1 - log_ratios", "np.abs(ratios - 1) > epsilon"
diagnostics.slip(
    "plain_kl",
    "You took the mean of −log ρ. It is right on average, but may be negative and has a large "
    "spread: add ρ − 1.",
    {_MOVED: "-log_ratios"},
)
diagnostics.slip(
    "kl_sign",
    "The sign of the logarithm is wrong: (ρ − 1) − log ρ. Yours is not 0 to second order.",
    {_MOVED: "ratios - 1 + log_ratios"},
)
diagnostics.slip(
    "half_square",
    "You took half the squared log-ratio: another estimator, which is biased. The page has "
    "(ρ − 1) − log ρ.",
    {_MOVED: "log_ratios**2 / 2"},
)
diagnostics.slip(
    "kl_of_the_turned_ratio",
    "Your ratio in the KL is old over new. The actions were drawn from the old policy: new over "
    "old.",
    {_MOVED: "1 / ratios - 1 + log_ratios"},
)
diagnostics.slip(
    "kl_weighted",
    "You weighted by the ratio, which estimates the KL of the other direction.",
    {_MOVED: "ratios * log_ratios - (ratios - 1)"},
)
diagnostics.slip(
    "above_only",
    "You count ratios above 1 + ε alone. Those below 1 − ε are outside too.",
    {_OUTSIDE: "ratios - 1 > epsilon"},
)
diagnostics.slip(
    "band_in_logarithms",
    "You compared the log-ratio with ε. The band is 1 ± ε for the ratio.",
    {_OUTSIDE: "np.abs(log_ratios) > epsilon"},
)
diagnostics.slip(
    "share_inside",
    "You count the ratios *inside* of the band.",
    {_OUTSIDE: "np.abs(ratios - 1) < epsilon"},
)
diagnostics.slip(
    "clipped_for_the_gradient",
    "You count the rows whose gradient is 0, which depends on the sign of the advantage. The clip "
    "fraction counts ratios outside of the band.",
    {_OUTSIDE: "np.where(advantages > 0, ratios > 1 + epsilon, ratios < 1 - epsilon)"},
)
diagnostics.slip(
    "clipped_rows_counted",
    "You return the number of ratios outside. A share is asked for.",
    {"float(outside.mean())": "float(outside.sum())"},
)
diagnostics.slip(
    "divided_by_the_values",
    "You divided by the variance of the values. It is that of the returns that is to be explained.",
    {"np.var(returns), np.var(returns - values)": "np.var(values), np.var(returns - values)"},
)
diagnostics.slip(
    "squared_error",
    "You used the mean squared error. Explained variance takes the *variance* of what is left, so "
    "a wrong level does not count.",
    {"np.var(returns - values)": "np.mean((returns - values) ** 2)"},
)
diagnostics.slip(
    "unexplained",
    "You return the share that is *not* explained.",
    {"1 - rest / total": "rest / total"},
)
diagnostics.slip(
    "advantages_explained",
    "You explained the advantages. The question is how much of the *returns* the values know.",
    {
        "np.var(returns), np.var(returns - values)": (
            "np.var(advantages), np.var(advantages - values)"
        )
    },
)
diagnostics.slip(
    "correlation",
    "You took the squared correlation. A value function that is twice too steep has correlation 1 "
    "and explains nothing.",
    {"1 - rest / total": "np.corrcoef(values, returns)[0, 1] ** 2 if np.var(values) > 0 else 0.0"},
)
diagnostics.slip(
    "zero_for_equal_returns",
    "Where all returns are equal you say 0. There is nothing to explain: NaN.",
    {"else np.nan": "else 0.0"},
)
diagnostics.slip(
    "small_number_below",
    "You added a small number to the variance, so that equal returns give a huge number. There is "
    "nothing to explain: NaN.",
    {"1 - rest / total if total > 0 else np.nan": "1 - rest / (total + 1e-8)"},
)
diagnostics.slip(
    "sample_std",
    "Your standard deviation divides by n − 1. The page divides by n.",
    {"advantages.std()": "advantages.std(ddof=1)"},
)
diagnostics.slip(
    "variance_for_std",
    "You return the variance of the advantages. The standard deviation is its root.",
    {"advantages.std()": "advantages.var()"},
)
diagnostics.slip(
    "entropy_summed",
    "You summed the entropies. Take the mean.",
    {"entropies.mean()": "entropies.sum()"},
)
diagnostics.slip(
    "ratio_of_logarithms",
    "You divided log-probabilities. The ratio is the exponential of their difference.",
    {"log_ratios = log_probs - old_log_probs": "log_ratios = np.log(np.abs(log_probs / "
     "old_log_probs))"},
)  # fmt: skip

diagnostics.slip(
    "size_of_the_advantages",
    "You took the mean of the advantages' sizes. With their signs it shows whether the "
    "level is right.",
    {"float(advantages.mean())": "float(np.abs(advantages).mean())"},
)
diagnostics.slip(
    "not_below_zero",
    "You cut the explained variance off at 0. Below 0 says that the values do harm, and is "
    "what you want to see.",
    {"float(explained)": "float(explained if np.isnan(explained) else max(explained, 0.0))"},
)
diagnostics.slip(
    "ratio_times_logarithm",
    "You took ρ log ρ, which estimates the KL of the other direction. The page has (ρ − 1) "
    "− log ρ.",
    {_MOVED: "ratios * log_ratios"},
)
diagnostics.slip(
    "entropy_of_the_taken",
    "You took the mean of −log π of the actions taken. The entropies are handed over: take "
    "their mean.",
    {"float(entropies.mean())": "float(-log_probs.mean())"},
)
diagnostics.slip(
    "difference_of_chances",
    "You took the difference of the probabilities. The ratio divides them: the exponential "
    "of the difference of their logarithms.",
    {"ratios = np.exp(log_ratios)": "ratios = 1 + np.exp(log_probs) - np.exp(old_log_probs)"},
)
diagnostics.slip(
    "ratio_turned",
    "Your ratio is old over new, in the KL and in the clip fraction. It is new over old.",
    {"log_probs - old_log_probs": "old_log_probs - log_probs"},
)
diagnostics.slip(
    "correlation_of_varying_returns",
    "You took the squared correlation, which knows nothing of scale: a value function that is "
    "twice too steep has 1 and explains nothing. Of a constant one it is NaN besides.",
    {"1 - rest / total if": "np.corrcoef(returns, values)[0, 1] ** 2 if"},
)
diagnostics.slip(
    "spread_of_the_values",
    "You divided the variance of the values by that of the returns. Values that differ much "
    "need not be right: take the variance of what is *left*.",
    {"1 - rest / total": "np.var(values) / total"},
)

diagnostics.hint("First the log-ratios, once; ρ is their exponential.")
diagnostics.hint("A value function that is 100 too high everywhere explains everything. Why?",
                 when="squared_error")  # fmt: skip
diagnostics.hint("By hand at ρ = 1.3: 0.3 − log 1.3 = 0.038.", when="value")

diagnostics.equivalent(
    "`return {'clip_fraction': float(np.mean(abs(ratios - 1) > epsilon)), "
    "'approx_kl': float(np.mean(ratios - 1 - log_ratios)), 'entropy': "
    "float(np.mean(entropies)), 'explained_variance': float(1 - np.var(returns - "
    "values) / total) if total > 0 else math.nan, 'advantage_mean': "
    "float(np.mean(advantages)), 'advantage_std': float(np.std(advantages))}` → "
    "`return {'clip_fraction': float(np.mean(abs(ratios - 1) >= epsilon)), "
    "'approx_kl': float(np.mean(ratios - 1 - log_ratios)), 'entropy': "
    "float(np.mean(entropies)), 'explained_variance': float(1 - np.var(returns - "
    "values) / total) if total > 0 else math.nan, 'advantage_mean': "
    "float(np.mean(advantages)), 'advantage_std': float(np.std(advantages))}`",
    because="a ratio does not lie exactly on a limit",
)
