"""How `diagnose_run` is judged: by what it says of curves with planted faults."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise

diagnose_run = Exercise("diagnose_run", minutes=25, difficulty=3, returns=str)

CHOICES = (
    "diverged", "steps too large", "policy stands still", "entropy collapsed",
    "value learns nothing", "value at the wrong level", "healthy",
)  # fmt: skip

Curves = dict[str, Any]


def _healthy(draw: Draw, n: int, actions: int) -> Curves:
    """A run as it should be, with noise, and a wild first half that means nothing."""
    rng = draw.rng
    early = n // 2
    curves = {
        "clip_fraction": rng.uniform(0.03, 0.17, n),
        "approx_kl": rng.uniform(0.003, 0.025, n),
        "entropy": math.log(actions) * np.linspace(0.98, 0.4, n),
        "explained_variance": rng.uniform(0.3, 0.9, n),
        "advantage_mean": rng.uniform(-0.3, 0.3, n),
        "advantage_std": rng.uniform(0.8, 1.5, n),
    }
    curves["clip_fraction"][:early] = rng.choice([0.0, 0.9], early)
    curves["approx_kl"][:early] = rng.choice([0.0, 0.9], early)
    curves["explained_variance"][:early] = rng.uniform(-9.0, -0.1, early)
    curves["advantage_mean"][:early] = rng.uniform(4.0, 9.0, early)
    return curves


def _plant(draw: Draw, curves: Curves, fault: str, actions: int) -> None:
    """Put a fault into the second half of the curves."""
    n = len(curves["entropy"])
    late = slice(n // 2, None)
    count, rng = n - n // 2, draw.rng
    if fault == "diverged":
        name = draw.choice([name for name in curves if name != "explained_variance"])
        curves[name][draw.integers(0, n)] = draw.choice([math.nan, math.inf])
    elif fault == "steps too large":
        name, low, high = draw.choice([("clip_fraction", 0.25, 0.6), ("approx_kl", 0.035, 0.4)])
        curves[name][late] = rng.uniform(low, high, count)
    elif fault == "policy stands still":
        curves["clip_fraction"][late] = rng.uniform(0.0, 0.008, count)
        curves["approx_kl"][late] = rng.uniform(0.0, 0.0009, count)
    elif fault == "entropy collapsed":
        curves["entropy"][-1] = math.log(actions) * rng.uniform(0.001, 0.045)
    elif fault == "value learns nothing":
        curves["explained_variance"][late] = rng.uniform(-3.0, 0.0, count)
    elif fault == "value at the wrong level":
        curves["advantage_mean"][late] = draw.choice([1.0, -1.0]) * rng.uniform(1.8, 4.0, count)


def _judge(answer, draw: Draw, *faults: str, n: int | None = None) -> None:
    actions = draw.integers(2, 7)
    curves = _healthy(draw, n or draw.integers(6, 30), actions)
    for fault in sorted(faults, key=CHOICES.index, reverse=True):  # the first overwrites the others
        _plant(draw, curves, fault, actions)
    right = min(faults, key=CHOICES.index) if faults else "healthy"
    concludes(answer, curves, actions, right=right, choices=CHOICES)


for _fault in CHOICES:

    @diagnose_run.property(f'names "{_fault}"', trials=4)
    def _(answer, draw: Draw, fault: str = _fault) -> None:
        _judge(answer, draw, fault)


@diagnose_run.property("names the first row that applies", trials=2)
def _(answer, draw: Draw) -> None:
    for pair in combinations(CHOICES[:-1], 2):
        if pair != ("steps too large", "policy stands still"):  # the two shut each other out
            _judge(answer, draw, *pair)


@diagnose_run.property("leaves NaN out of the explained variance")
def _(answer, draw: Draw) -> None:
    curves = _healthy(draw, 12, 3)
    curves["explained_variance"][[1, 7, 9]] = math.nan
    concludes(answer, curves, 3, right="healthy", choices=CHOICES)
    curves["explained_variance"][6:] = [-0.1, math.nan, -0.2, math.nan, 0.3, -0.4]
    concludes(answer, curves, 3, right="value learns nothing", choices=CHOICES)
    curves["explained_variance"][6:] = [0.5, math.nan, math.nan, 0.6, math.nan, math.nan]
    concludes(answer, curves, 3, right="healthy", choices=CHOICES)
    curves["explained_variance"][6:] = math.nan
    concludes(answer, curves, 3, right="value learns nothing", choices=CHOICES)


@diagnose_run.property("goes by the second half, with the middle one of an odd number", trials=3)
def _(answer, draw: Draw) -> None:
    for n in (2, 3, 5, 9):
        _judge(answer, draw, draw.choice(CHOICES), n=n)
    curves = _healthy(draw, 5, 2)
    curves["clip_fraction"][2:] = [0.5, 0.4, 0.1]
    concludes(answer, curves, 2, right="steps too large", choices=CHOICES)
    curves["clip_fraction"][1:] = [0.9, 0.1, 0.15, 0.4]
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)


@diagnose_run.property("takes medians, so that one wild iteration is no diagnosis", trials=3)
def _(answer, draw: Draw) -> None:
    curves = _healthy(draw, 14, 4)
    curves["clip_fraction"][9], curves["approx_kl"][11] = 1.0, 5.0
    curves["explained_variance"][10] = -60.0
    concludes(answer, curves, 4, right="healthy", choices=CHOICES)
    calm = _healthy(draw, 14, 4)
    calm["explained_variance"][10] = -60.0
    concludes(answer, calm, 4, right="healthy", choices=CHOICES)
    curves["clip_fraction"][7:] = [0.001, 0.002, 0.9, 0.0, 0.0, 0.004, 0.9]
    curves["approx_kl"][7:] = [0.0001, 0.0002, 3.0, 0.0, 0.0, 0.0004, 2.0]
    concludes(answer, curves, 4, right="policy stands still", choices=CHOICES)


@diagnose_run.property(
    "needs both for a policy that stands still, one for steps too large", trials=2
)
def _(answer, draw: Draw) -> None:
    curves = _healthy(draw, 8, 2)
    name, value = draw.choice([("clip_fraction", 0.002), ("approx_kl", 0.0004)])
    curves[name][4:] = value
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)


@diagnose_run.property("compares means of the advantages, and knows both signs", trials=3)
def _(answer, draw: Draw) -> None:
    curves = _healthy(draw, 8, 2)
    curves["advantage_mean"][4:] = [2.0, -2.0, 2.2, -2.1]
    curves["advantage_std"][4:] = 1.0
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)
    curves["advantage_mean"][4:] = draw.choice([1.0, -1.0]) * np.array([0.1, 0.2, 0.1, 6.0])
    concludes(answer, curves, 2, right="value at the wrong level", choices=CHOICES)
    curves["advantage_std"][4:] = [0.2, 0.3, 0.2, 7.0]
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)
    curves["advantage_mean"][4:] = 1.0
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)


@diagnose_run.property("knows the largest from the mean, and ln k from log₂ k and k", trials=2)
def _(answer, draw: Draw) -> None:
    curves = _healthy(draw, 12, 4)
    curves["clip_fraction"][6:] = [0.05, 0.06, 0.55, 0.05, 0.07, 0.06]
    concludes(answer, curves, 4, right="healthy", choices=CHOICES)
    for actions in (2, 6):
        for share in (1.2, 1.7):  # log₂ k is 1.44 ln k, and k at least 2.7 ln k
            curves = _healthy(draw, 6, actions)
            curves["entropy"][-1] = share * 0.05 * math.log(actions)
            concludes(answer, curves, actions, right="healthy", choices=CHOICES)


@diagnose_run.property("takes the page's limits, a share of ln k among them", trials=3)
def _(answer, draw: Draw) -> None:
    for name, value, right in (
        ("clip_fraction", 0.19, "healthy"), ("clip_fraction", 0.21, "steps too large"),
        ("approx_kl", 0.029, "healthy"), ("approx_kl", 0.031, "steps too large"),
        ("explained_variance", 0.01, "healthy"),
        ("explained_variance", 0.0, "value learns nothing"),
    ):  # fmt: skip
        curves = _healthy(draw, 6, 3)
        curves[name][3:] = value
        concludes(answer, curves, 3, right=right, choices=CHOICES)
    for clipped, moved, right in (
        (0.009, 0.0009, "policy stands still"),
        (0.011, 0.0009, "healthy"), (0.009, 0.0011, "healthy"),
    ):  # fmt: skip
        curves = _healthy(draw, 6, 3)
        curves["clip_fraction"][3:], curves["approx_kl"][3:] = clipped, moved
        concludes(answer, curves, 3, right=right, choices=CHOICES)
    for actions in (2, 18):
        for share, right in ((0.047, "entropy collapsed"), (0.053, "healthy")):
            curves = _healthy(draw, 6, actions)
            curves["entropy"][-1] = share * math.log(actions)
            concludes(answer, curves, actions, right=right, choices=CHOICES)
    curves = _healthy(draw, 8, 2)
    curves["entropy"][5] = 0.0
    concludes(answer, curves, 2, right="healthy", choices=CHOICES)


@diagnose_run.right
def right_diagnosis(curves, actions):
    for name, curve in curves.items():
        if name != "explained_variance" and not np.isfinite(curve).all():
            return "diverged"
    half = {name: curve[len(curve) // 2 :] for name, curve in curves.items()}
    clipped = np.median(half["clip_fraction"])
    moved = np.median(half["approx_kl"])
    if clipped > 0.2 or moved > 0.03:
        return "steps too large"
    if clipped < 0.01 and moved < 0.001:
        return "policy stands still"
    if curves["entropy"][-1] < 0.05 * np.log(actions):
        return "entropy collapsed"
    explained = half["explained_variance"]
    explained = explained[~np.isnan(explained)]
    if len(explained) == 0 or np.median(explained) <= 0:
        return "value learns nothing"
    mean, std = half["advantage_mean"].mean(), half["advantage_std"].mean()
    if abs(mean) > std:
        return "value at the wrong level"
    return "healthy"


diagnose_run.slip(
    "whole_run",
    "You looked at the whole run. The beginning is wild in healthy runs too: the second half.",
    {"curve[len(curve) // 2 :]": "curve"},
)
diagnose_run.slip(
    "first_half",
    "You looked at the first half. It is the second that counts.",
    {"curve[len(curve) // 2 :]": "curve[: (len(curve) + 1) // 2]"},
)
diagnose_run.slip(
    "middle_left_out",
    "Of an odd number of iterations you left out the middle one.",
    {"len(curve) // 2 :": "(len(curve) + 1) // 2 :"},
)
diagnose_run.slip(
    "means_for_medians",
    "You took means where the table says medians. One wild iteration moves a mean anywhere.",
    {"np.median(half[\"clip_fraction\"])": "np.mean(half[\"clip_fraction\"])",
     "np.median(half[\"approx_kl\"])": "np.mean(half[\"approx_kl\"])"},
)  # fmt: skip
diagnose_run.slip(
    "mean_explained",
    "You took the mean of the explained variance. A single −60 sinks it: the median.",
    {"np.median(explained) <= 0": "np.mean(explained) <= 0"},
)
diagnose_run.slip(
    "both_needed_for_large",
    "You ask for a high clip fraction *and* a high KL. Either is enough.",
    {"clipped > 0.2 or moved > 0.03": "clipped > 0.2 and moved > 0.03"},
)
diagnose_run.slip(
    "kl_ignored",
    "You did not look at the KL for steps that are too large.",
    {"clipped > 0.2 or moved > 0.03": "clipped > 0.2"},
)
diagnose_run.slip(
    "one_enough_for_still",
    "You call a policy still that has one of the two numbers low. Both must be.",
    {"clipped < 0.01 and moved < 0.001": "clipped < 0.01 or moved < 0.001"},
)
diagnose_run.slip(
    "entropy_in_nats",
    "You compared the entropy with 0.05 nats. It is 5 % of ln k.",
    {"0.05 * np.log(actions)": "0.05"},
)
diagnose_run.slip(
    "share_of_k",
    "You took 5 % of k. The most that an entropy can be is ln k.",
    {"0.05 * np.log(actions)": "0.05 * actions"},
)
diagnose_run.slip(
    "lowest_entropy",
    "You looked at the lowest entropy of the run. It is the last that counts: it may recover.",
    {'curves["entropy"][-1]': 'curves["entropy"].min()'},
)
diagnose_run.slip(
    "median_entropy",
    "You took the median entropy of the second half. It is the last that counts.",
    {'curves["entropy"][-1]': 'np.median(half["entropy"])'},
)
diagnose_run.slip(
    "nan_is_divergence",
    "You took NaN in the explained variance for a divergence. Where all returns are equal there is "
    "nothing to explain.",
    {'name != "explained_variance" and not': "not"},
)
diagnose_run.slip(
    "nan_not_left_out",
    "NaN in the explained variance makes the median NaN, and a comparison with NaN is false. Leave "
    "them out.",
    {"explained = explained[~np.isnan(explained)]": "pass"},
)
diagnose_run.slip(
    "nan_as_zero",
    "You put 0 for NaN in the explained variance. They are left out.",
    {"explained = explained[~np.isnan(explained)]": "explained = np.nan_to_num(explained)"},
)
diagnose_run.slip(
    "none_left_is_healthy",
    "Where no explained variance is left you go on. The table calls that a value that learns "
    "nothing.",
    {"len(explained) == 0 or np.median(explained) <= 0": "len(explained) and np.median(explained) "
     "<= 0"},
)  # fmt: skip
diagnose_run.slip(
    "negative_only",
    "You ask for an explained variance below 0. Exactly 0 explains nothing either.",
    {"np.median(explained) <= 0": "np.median(explained) < 0"},
)
diagnose_run.slip(
    "positive_means_only",
    "You looked for a mean advantage that is too high. It may be too low as well.",
    {"abs(mean) > std": "mean > std"},
)
diagnose_run.slip(
    "sizes_averaged",
    "You averaged the sizes of the mean advantages. High and low ones cancel in a healthy run: "
    "first the mean, then its size.",
    {'half["advantage_mean"].mean()': 'np.abs(half["advantage_mean"]).mean()'},
)
diagnose_run.slip(
    "median_advantages",
    "You took medians of the advantages. The table says means.",
    {"half[\"advantage_mean\"].mean()": "np.median(half[\"advantage_mean\"])",
     "half[\"advantage_std\"].mean()": "np.median(half[\"advantage_std\"])"},
)  # fmt: skip
diagnose_run.slip(
    "divergence_in_the_half",
    "You looked for infinite numbers in the second half alone. Anywhere in the run.",
    {"np.isfinite(curve).all()": "np.isfinite(curve[len(curve) // 2 :]).all()"},
)
diagnose_run.slip(
    "nan_only",
    "You looked for NaN alone. Infinity is not finite either.",
    {"not np.isfinite(curve).all()": "np.isnan(curve).any()"},
)
diagnose_run.slip(
    "value_before_policy",
    "You looked at the value before the entropy. Keep to the order of the table.",
    {"if curves[\"entropy\"][-1] < 0.05 * np.log(actions):": "if curves[\"entropy\"][-1] < 0.05 * "
     "np.log(actions) and np.nanmedian(half[\"explained_variance\"]) > 0:"},
)  # fmt: skip

diagnose_run.slip(
    "last_iteration_alone",
    "You looked at the last iteration alone. Medians and means are over the second half.",
    {"curve[len(curve) // 2 :]": "curve[-1:]"},
)
diagnose_run.slip(
    "largest_clip_fraction",
    "You took the largest clip fraction. The table asks for the median: one wild iteration "
    "is no fault.",
    {'np.median(half["clip_fraction"])': 'np.max(half["clip_fraction"])'},
)
diagnose_run.slip(
    "base_two",
    "You took the logarithm to base 2. The most that an entropy in nats can be is ln k.",
    {"np.log(actions)": "np.log2(actions)"},
)
diagnose_run.slip(
    "spread_of_the_means",
    "You took the spread of the mean advantages over the iterations. The curve "
    "`advantage_std` is handed over: take its mean.",
    {'half["advantage_std"].mean()': 'half["advantage_mean"].std()'},
)
diagnose_run.slip(
    "median_mean_advantage",
    "You took the median of the mean advantages. The table says the mean.",
    {'half["advantage_mean"].mean()': 'np.median(half["advantage_mean"])'},
)
diagnose_run.slip(
    "last_mean_advantage",
    "You looked at the last mean advantage alone. It is the mean over the second half.",
    {'half["advantage_mean"].mean()': 'half["advantage_mean"][-1]'},
)
diagnose_run.slip(
    "all_medians_are_means",
    "You took means where the table says medians, of the explained variance too. One wild "
    "iteration moves a mean anywhere.",
    {
        'np.median(half["clip_fraction"])': 'np.mean(half["clip_fraction"])',
        'np.median(half["approx_kl"])': 'np.mean(half["approx_kl"])',
        "np.median(explained)": "np.mean(explained)",
    },
)

diagnose_run.slip(
    "first_half_short",
    "You looked at the first half, without the middle one of an odd number. It is the "
    "second that counts, with it.",
    {"curve[len(curve) // 2 :]": "curve[: len(curve) // 2]"},
)

diagnose_run.hint("Cut all curves in the middle once; then go down the table, a `return` a row.")
diagnose_run.hint("`np.median` with a NaN is NaN, and NaN <= 0 is false.",
                  when="leaves NaN out of the explained variance")  # fmt: skip
diagnose_run.hint("Five iterations: which three are the second half?", when="value")

for _line, _other in (
    ("if clipped > 0.2 or moved > 0.03:", "if clipped >= 0.2 or moved > 0.03:"),
    ("if clipped > 0.2 or moved > 0.03:", "if clipped > 0.2 or moved >= 0.03:"),
    ("if clipped < 0.01 and moved < 0.001:", "if clipped <= 0.01 and moved < 0.001:"),
    ("if clipped < 0.01 and moved < 0.001:", "if clipped < 0.01 and moved <= 0.001:"),
):
    diagnose_run.equivalent(
        f"`{_line}` → `{_other}`", because="measured numbers do not lie exactly on a limit"
    )

diagnose_run.equivalent(
    "`if curves['entropy'][-1] < 0.05 * math.log(actions):` → `if "
    "curves['entropy'][-1] <= 0.05 * math.log(actions):`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_run.equivalent(
    "`if abs(half['advantage_mean'].mean()) > half['advantage_std'].mean():` → `if "
    "abs(half['advantage_mean'].mean()) >= half['advantage_std'].mean():`",
    because="measured numbers do not lie exactly on a limit",
)
