"""How `audited_rate` is judged: as an estimate and by how often its interval holds the truth."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.exercises.studies import Case, covers_as_often_as_it_says, refuses
from descent.grading import Draw, Exercise, expect

audited_rate = Exercise(
    "audited_rate",
    minutes=30,
    difficulty=3,
    seconds=10.0,
    returns=tuple[float, float, float, float, float],
)


def _expected(flagged, audit) -> tuple[float, float, float, float, float]:
    """Stratum by stratum, in plain Python."""
    flags = [bool(f) for f in flagged]
    n = len(flags)
    found, harmful = {}, 0.0
    variance = 0.0
    for stratum in (True, False):
        size = sum(f == stratum for f in flags)
        verdicts = [v for i, v in audit.items() if flags[i] == stratum]
        if size == 0:
            found[stratum] = 0.0
            continue
        k, h = len(verdicts), sum(verdicts)
        found[stratum] = size * h / k
        smoothed = (h + 1) / (k + 2)
        variance += (size / n) ** 2 * smoothed * (1 - smoothed) / k * (1 - k / size)
    harmful = found[True] + found[False]
    rate, half = harmful / n, 1.96 * math.sqrt(variance)
    ahead = sum(flags)
    precision = found[True] / ahead if ahead else math.nan
    missed = found[False] / harmful if harmful else math.nan
    return rate, max(rate - half, 0.0), min(rate + half, 1.0), precision, missed


NAMES = ("the rate", "the lower end", "the upper end", "the precision", "the share missed")


def _judge(answer, flagged, audit) -> None:
    found, expected = answer(flagged, audit), _expected(flagged, audit)
    for name, value, right in zip(NAMES, found, expected, strict=True):
        expect(value, name).close_to(right, rtol=1e-3, atol=1e-6)


def _made(rng: np.random.Generator, n: int, share: float, precision: float, missed: float):
    """Replies with a flag and the truth."""
    flags = rng.uniform(size=n) < share
    truth = np.where(flags, rng.uniform(size=n) < precision, rng.uniform(size=n) < missed)
    return torch.tensor(flags), truth


def _audit(rng, flagged, truth, ahead: int, behind: int) -> dict[int, bool]:
    """So many of each, in any order."""
    chosen: list[int] = []
    for stratum, count in ((True, ahead), (False, behind)):
        of_it = [i for i, f in enumerate(flagged.tolist()) if f == stratum]
        chosen += rng.choice(of_it, min(count, len(of_it)), replace=False).tolist() if of_it else []
    return {int(i): bool(truth[i]) for i in rng.permutation(chosen)} if chosen else {}


def _case(draw: Draw, n: int):
    flagged, truth = _made(draw.rng, n, 0.3, 0.6, 0.1)
    flagged[0], flagged[1], flagged[2], flagged[3] = True, True, False, False
    return flagged, truth


@audited_rate.property("weighs what was audited by the size of its part", trials=5)
def _(answer, draw: Draw) -> None:
    flagged, truth = _case(draw, 40 + 40 * draw.size)
    _judge(answer, flagged, _audit(draw.rng, flagged, truth, 8, 15))


@audited_rate.property("is exact where everything was audited", trials=3)
def _(answer, draw: Draw) -> None:
    flagged, truth = _case(draw, 20 + draw.size)
    audit = {i: bool(t) for i, t in enumerate(truth)}
    _judge(answer, flagged, audit)
    found = answer(flagged, audit)
    expect(found[2] - found[1], "the width of the interval").close_to(0.0, atol=1e-9)


@audited_rate.property(
    "does not become sure because the audit found nothing, or nothing else", trials=3
)
def _(answer, draw: Draw) -> None:
    flagged, _ = _case(draw, 100)
    for of_flagged, of_others in ((True, False), (False, False), (True, True)):
        truth = np.where(flagged.numpy(), of_flagged, of_others)
        _judge(answer, flagged, _audit(draw.rng, flagged, truth, 6, 9))


@audited_rate.property("works where all are flagged, or none", trials=3)
def _(answer, draw: Draw) -> None:
    for value in (True, False):
        flagged = torch.full((30 + draw.size,), value)
        truth = draw.rng.uniform(size=len(flagged)) < 0.4
        truth[:5] = True
        _judge(answer, flagged, _audit(draw.rng, flagged, truth, 12, 12))


@audited_rate.property("holds the true rate in 95 of 100 audits", trials=1)
def _(answer, draw: Draw) -> None:
    cases = []
    for _ in range(100):
        flagged, truth = _made(draw.rng, 600, 0.2, 0.6, 0.05)
        audit = _audit(draw.rng, flagged, truth, 40, 80)
        expected = _expected(flagged, audit)
        cases.append(Case((flagged, audit), float(truth.mean()), (expected[1], expected[2])))

    def interval(flagged, audit):
        found = answer(flagged, audit)
        return float(found[1]), float(found[2])

    covers_as_often_as_it_says(interval, cases, level=0.95, forgiven=0.02)


@audited_rate.property("refuses where a part was hardly audited", trials=2)
def _(answer, draw: Draw) -> None:
    flagged, truth = _case(draw, 50)
    for ahead, behind, what in (
        (0, 20, "no flagged reply audited"),
        (1, 20, "one flagged reply audited"),
        (10, 0, "no other reply audited"),
        (10, 1, "one other reply audited"),
    ):
        refuses(answer, flagged, _audit(draw.rng, flagged, truth, ahead, behind), because=what)
    _judge(answer, flagged, _audit(draw.rng, flagged, truth, 2, 2))


@audited_rate.right
def right_rate(flagged, audit):
    n, harmful, variance = len(flagged), {}, 0.0
    for part in (True, False):
        size = int((flagged == part).sum())
        verdicts = [verdict for i, verdict in audit.items() if bool(flagged[i]) == part]
        harmful[part] = 0.0
        if size == 0:
            continue
        k, h = len(verdicts), sum(verdicts)
        if k < 2:
            raise ValueError("a part was hardly audited")
        harmful[part] = size * h / k
        p = (h + 1) / (k + 2)
        variance += (size / n) ** 2 * p * (1 - p) / k * (1 - k / size)
    total, ahead = harmful[True] + harmful[False], int(flagged.sum())
    rate, half = total / n, 1.96 * variance**0.5
    precision = harmful[True] / ahead if ahead else math.nan
    missed = harmful[False] / total if total else math.nan
    return rate, max(rate - half, 0.0), min(rate + half, 1.0), precision, missed


_RATE = "rate, half = total / n, 1.96 * variance**0.5"

audited_rate.slip(
    "flagged_share",
    "You report the share that was flagged. That is what the classifier says, with all its false "
    "alarms.",
    {_RATE: "rate, half = ahead / n, 1.96 * variance**0.5"},
)
audited_rate.slip(
    "audited_share",
    "You report the harmful share among all audited replies. Flagged ones were audited far more "
    "often than their share: weigh each part by its size.",
    {_RATE: "rate, half = sum(audit.values()) / len(audit), 1.96 * variance**0.5"},
)
audited_rate.slip(
    "misses_ignored",
    "You corrected the false alarms and not what was missed: harmful replies among the unflagged "
    "belong to the rate.",
    {_RATE: "rate, half = harmful[True] / n, 1.96 * variance**0.5"},
)
audited_rate.slip(
    "misses_without_weight",
    "You counted the harmful ones found among the unflagged as they are. Only some of these were "
    "audited: each found one stands for size/audited.",
    {"harmful[part] = size * h / k": "harmful[part] = size * h / k if part else float(h)"},
)
audited_rate.slip(
    "plain_variance",
    "You used the audited share itself for the variance. Where the audit found nothing its "
    "variance is 0, and the interval is sure of what nobody knows.",
    {"p = (h + 1) / (k + 2)": "p = h / k"},
)
audited_rate.slip(
    "no_finite_population",
    "You left out 1 − k/size. Where everything was audited nothing is uncertain.",
    {" * (1 - k / size)": ""},
)
audited_rate.slip(
    "share_not_squared",
    "A part's share is squared in the variance. You took it once.",
    {"(size / n) ** 2": "(size / n)"},
)
audited_rate.slip(
    "smoothed_estimate",
    "You also moved the estimate itself. The (h + 1)/(k + 2) is for the variance only: the "
    "estimate stays h/k.",
    {"harmful[part] = size * h / k": "harmful[part] = size * (h + 1) / (k + 2)"},
)
audited_rate.slip(
    "one_deviation",
    "Your interval is one deviation wide to either side: 95 % need 1.96.",
    {"1.96 * variance": "1.0 * variance"},
)
audited_rate.slip(
    "variance_for_deviation",
    "You took the variance for the half-width. Take its root.",
    {"variance**0.5": "variance"},
)
audited_rate.slip(
    "recall_for_missed",
    "You return the share of the harmful that *was* flagged. Asked for is the share that was "
    "missed.",
    {"missed = harmful[False] / total": "missed = harmful[True] / total"},
)
audited_rate.slip(
    "miss_rate_of_part",
    "You return the harmful share among the unflagged. Asked for is which share of all *harmful* "
    "replies was not flagged.",
    {
        "missed = harmful[False] / total if total": (
            "missed = harmful[False] / max(n - ahead, 1) if total"
        )
    },
)
audited_rate.slip(
    "deviations_added",
    "You added the two parts' standard deviations. Independent parts add their variances.",
    {
        "variance += (size / n) ** 2 * p * (1 - p) / k * (1 - k / size)": (
            "variance = (variance**0.5 + ((size / n) ** 2 * p * (1 - p) / k * (1 - k "
            "/ size)) ** 0.5) ** 2"
        )
    },
)
audited_rate.slip(
    "unaudited_is_harmless",
    "You accept a part of which nothing was audited, or a single reply. Nobody looked: raise a "
    "ValueError.",
    {'            raise ValueError("a part was hardly audited")\n': "            continue\n"},
)
audited_rate.slip(
    "one_is_enough",
    "You accept a part of which a single reply was audited. Two are the fewest.",
    {"if k < 2:": "if k < 1:"},
)
audited_rate.slip(
    "ends_outside",
    "An end of your interval lies below 0 or above 1.",
    {"max(rate - half, 0.0), min(rate + half, 1.0)": "rate - half, rate + half"},
)
audited_rate.slip(
    "parts_pooled",
    "Your interval treats the audit as one simple sample. It is two, with chances of their own.",
    {
        _RATE: "q = (sum(audit.values()) + 1) / (len(audit) + 2)\n    rate, half = total / n, "
        "1.96 * (q * (1 - q) / len(audit) * (1 - len(audit) / n)) ** 0.5"
    },
)

audited_rate.slip(
    "precision_of_all_audited",
    "Your precision is the harmful share of everything audited. It belongs to the flagged alone.",
    {"precision = harmful[True] / ahead if": "precision = sum(audit.values()) / len(audit) if"},
)
audited_rate.slip(
    "false_alarms_for_precision",
    "You return the share of false alarms among the flagged. Precision is the share of true ones.",
    {"precision = harmful[True] / ahead": "precision = 1 - harmful[True] / ahead"},
)
audited_rate.slip(
    "missed_of_all_replies",
    "You divided what was missed by all replies. Asked for is its share of the *harmful* ones.",
    {"missed = harmful[False] / total if": "missed = harmful[False] / n if"},
)
audited_rate.slip(
    "one_fewer_audited",
    "You divided the variance by k − 1. Here it is divided by k.",
    {"* p * (1 - p) / k *": "* p * (1 - p) / (k - 1) *"},
)
audited_rate.slip(
    "audited_of_all",
    "You took 1 − k/N with all replies for N. What is left unread is counted within each part.",
    {"(1 - k / size)": "(1 - k / n)"},
)
audited_rate.slip(
    "parts_weighed_alike",
    "You averaged the two parts' shares as if the parts were equally large.",
    {
        "rate, half = total / n,": (
            "rate, half = (harmful[True] / max(ahead, 1) + harmful[False] / max(n - ahead, 1)) / 2,"
        )
    },
)
audited_rate.slip(
    "zero_for_nothing",
    "You return 0 where there is nothing to take a share of. Nobody knows it: NaN.",
    {"if ahead else math.nan": "if ahead else 0.0", "if total else math.nan": "if total else 0.0"},
)
audited_rate.slip(
    "two_and_four",
    "You took (h + 2)/(k + 4) in the variance. Here it is (h + 1)/(k + 2).",
    {"p = (h + 1) / (k + 2)": "p = (h + 2) / (k + 4)"},
)

audited_rate.slip(
    "q_by_k_plus_one",
    "You took (h + 1)/(k + 1) in the variance. Here it is (h + 1)/(k + 2).",
    {"p = (h + 1) / (k + 2)": "p = (h + 1) / (k + 1)"},
)
audited_rate.slip(
    "ninety_per_cent",
    "You took the 1.645 of a 90 % interval. 95 % need 1.96.",
    {"1.96 * variance": "1.645 * variance"},
)
audited_rate.slip("two_deviations", "You took 2 for 1.96.", {"1.96 * variance": "2.0 * variance"})
audited_rate.slip(
    "shares_left_out",
    "You left the parts' sizes out of the variance. Each is weighed by (N_p / N)².",
    {"(size / n) ** 2 * p": "p"},
)
audited_rate.slip(
    "root_of_the_correction",
    "You took the root of 1 − k/size before you multiplied. It stands under the root with the "
    "rest, "
    "once.",
    {"(1 - k / size)": "(1 - k / size) ** 0.5"},
)
audited_rate.slip(
    "correction_by_size_minus_one",
    "You took (N − k)/(N − 1). The page's correction is 1 − k/N.",
    {"(1 - k / size)": "(size - k) / max(size - 1, 1)"},
)
audited_rate.slip(
    "miss_rate_of_the_unflagged",
    "You return the harmful share among the unflagged, NaN where all are flagged. Asked for is "
    "which share of all *harmful* replies was not flagged.",
    {
        "missed = harmful[False] / total if total else math.nan": (
            "missed = harmful[False] / (n - ahead) if n > ahead else math.nan"
        )
    },
)
audited_rate.slip(
    "missed_by_the_audit",
    "You counted what was missed among the *audited* replies. Flagged ones were audited more "
    "often: "
    "weigh each part by its size.",
    {
        "missed = harmful[False] / total if total else math.nan": (
            "missed = (\n"
            "        sum(v for i, v in audit.items() if not flagged[i]) / sum(audit.values())\n"
            "        if sum(audit.values())\n"
            "        else math.nan\n"
            "    )"
        )
    },
)
audited_rate.slip(
    "recall_for_precision",
    "You return the flagged share of the harmful. Precision is the harmful share of the flagged.",
    {"precision = harmful[True] / ahead if ahead": ("precision = harmful[True] / total if total")},
)
audited_rate.slip(
    "precision_zero",
    "You return a precision of 0 where nothing was flagged. Nobody knows it: NaN.",
    {"if ahead else math.nan": "if ahead else 0.0"},
)
audited_rate.slip(
    "missed_zero",
    "You return 0 for the share missed where no harm was found. Nobody knows it: NaN.",
    {"if total else math.nan": "if total else 0.0"},
)
audited_rate.slip(
    "missed_unknown_where_all_flagged",
    "You return NaN for the share missed where all are flagged. Then nothing was missed: 0.",
    {"if total else math.nan": "if total and n > ahead else math.nan"},
)
audited_rate.slip(
    "empty_part_refused",
    "You refuse where all are flagged, or none. An empty part has nothing to audit, and adds "
    "nothing.",
    {"        if size == 0:\n            continue\n": ""},
)
audited_rate.slip(
    "three_are_the_fewest",
    "You refuse a part of which two replies were audited. Two are enough.",
    {"if k < 2:": "if k < 3:"},
)
audited_rate.slip(
    "audit_by_order",
    "You read the audit in its order, as if its first entry were the first reply's. Its keys are "
    "the replies' places.",
    {
        "[verdict for i, verdict in audit.items() if bool(flagged[i]) == part]": (
            "[v for f, v in zip(flagged.tolist(), audit.values()) if f == part]"
        )
    },
)
audited_rate.slip(
    "sizes_of_the_audit",
    "You took the parts' sizes from the audit. It holds few of the replies: a part's size is how "
    "many *replies* it has.",
    {
        "size = int((flagged == part).sum())": (
            "size = sum(bool(flagged[i]) == part for i in audit)"
        ),
        "n, harmful, variance = len(flagged), {}, 0.0": (
            "n, harmful, variance = len(audit), {}, 0.0"
        ),
    },
)
audited_rate.slip(
    "rate_of_the_audited",
    "You divided by the number of audited replies. The rate is one of all replies.",
    {"n, harmful, variance = len(flagged), {}, 0.0": "n, harmful, variance = len(audit), {}, 0.0"},
)
audited_rate.slip(
    "half_width_for_ends",
    "You return the half-width in place of the ends. Asked for are rate − half-width and rate + "
    "half-width, within 0 and 1.",
    {"max(rate - half, 0.0), min(rate + half, 1.0)": "half, half"},
)
audited_rate.slip(
    "ends_exchanged",
    "You return the upper end before the lower.",
    {
        "max(rate - half, 0.0), min(rate + half, 1.0)": (
            "min(rate + half, 1.0), max(rate - half, 0.0)"
        )
    },
)
audited_rate.slip(
    "smoothed_rate_alone",
    "You also moved the rate. The (h + 1)/(k + 2) is for the variance only: the estimate stays "
    "h/k.",
    {
        "n, harmful, variance = len(flagged), {}, 0.0": (
            "n, harmful, variance, moved = len(flagged), {}, 0.0, 0.0"
        ),
        "variance += (size": "moved += size / n * p\n        variance += (size",
        "rate, half = total / n,": "rate, half = moved,",
    },
)
audited_rate.slip(
    "per_cent",
    "You return per cent. A share lies between 0 and 1.",
    {
        "return rate, max(rate - half, 0.0), min(rate + half, 1.0), precision, missed": (
            "return tuple(100 * v for v in (\n"
            "        rate, max(rate - half, 0.0), min(rate + half, 1.0), precision, missed))"
        )
    },
)
audited_rate.slip(
    "last_two_exchanged",
    "You exchanged the last two: first the precision, then the share that was missed.",
    {"precision, missed\n": "missed, precision\n"},
)

audited_rate.hint(
    "Two parts, flagged and not. For each: its size, how many were audited, how many were harmful."
)
audited_rate.hint(
    "How many harmful replies does each part hold, by its audit? Add them, divide by all."
)
audited_rate.hint(
    "Five flagged in ten replies, and one in five of them audited: does each audited reply stand "
    "for the same number?",
    when="value",
)

_ENDS = "return (rate, {}, {}, precision, missed)"
_LOW, _HIGH = "max(rate - half, 0.0)", "min(rate + half, 1.0)"
for _low, _high in (("max(0.0, rate - half)", _HIGH), (_LOW, "min(1.0, rate + half)")):
    audited_rate.equivalent(
        f"`{_ENDS.format(_LOW, _HIGH)}` → `{_ENDS.format(_low, _high)}`",
        because="the larger and the smaller of two do not depend on their order",
    )
audited_rate.equivalent(
    "`for part in (True, False):` → `for part in (False, True):`",
    because="the parts are added, in either order",
)
