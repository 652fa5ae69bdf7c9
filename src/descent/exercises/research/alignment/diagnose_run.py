"""How `diagnose_run` is judged: logs of runs with one planted fault, and of sound ones."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise, expect

from .shared import completions, mask_of

diagnose_run = Exercise("diagnose_run", minutes=35, difficulty=3, returns=str)

CHOICES = ("padding counted", "sign", "not per completion", "another temperature", "collapsed",
           "sound")  # fmt: skip
PLACES = 9


class Log:
    """What a run wrote down about its last batch.

    Attributes are those of the page. The log-probabilities at padding are no 0: models say
    something there, too.
    """

    def __init__(self, draw: Draw, n: int = 160, gone: float = 0.5, heated: float = 1.0,
                 lines: int | None = None) -> None:  # fmt: skip
        lengths = [draw.integers(2, PLACES) for _ in range(n)]
        self.tokens = completions(draw, lengths, PLACES, words=60)
        self.mask = mask_of(lengths, PLACES)
        if lines is not None:
            self.tokens[:lines, 0] = 2 + torch.arange(min(lines, n))  # so many different ones
            rows = torch.arange(n) % lines
            self.tokens, self.mask = self.tokens[rows], self.mask[rows]
        surprise = torch.tensor(draw.rng.gamma(2.0, 1.0, (n, PLACES))).float() + 0.1
        drift = torch.tensor(draw.rng.normal(gone, 0.8 * gone**0.5, (n, PLACES))).float()
        self.start_log_probs = -surprise - drift.clamp(min=-0.05 - surprise * 0.9)
        self.policy_log_probs = -surprise
        self.sampled_log_probs = heated * self.policy_log_probs
        self.reported_kl = self._drift(self.mask)

    def _drift(self, counted: Tensor) -> float:
        return float(((self.policy_log_probs - self.start_log_probs) * counted).sum(1).mean())

    def __repr__(self) -> str:
        return f"the log of a run that reports {self.reported_kl:.2f} nats"


def _with(draw: Draw, fault: str) -> Log:
    log = Log(draw, gone=draw.choice([0.2, 0.6, 1.1]))
    if fault == "padding counted":
        log.reported_kl = log._drift(torch.ones_like(log.mask))
    elif fault == "sign":
        log.reported_kl = -log.reported_kl
    elif fault == "not per completion":
        log.reported_kl = log.reported_kl / float(log.mask.sum(1).float().mean())
    elif fault == "another temperature":
        log = Log(draw, heated=draw.choice([0.7, 1.4]))
    elif fault == "collapsed":
        log = Log(draw, lines=draw.choice([1, 3, 6]))
    if fault != "padding counted":  # whatever was logged at padding means nothing
        log.start_log_probs[~log.mask] = draw.choice([-40.0, -1.0])
    return log


def _judge(answer, draw: Draw, fault: str) -> None:
    concludes(answer, _with(draw, fault), right=fault, choices=CHOICES)


@diagnose_run.property("finds nothing wrong with a sound run", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "sound")


@diagnose_run.property("finds a KL with padding in it", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "padding counted")


@diagnose_run.property("finds a KL with the wrong sign", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "sign")


@diagnose_run.property("finds a KL per token where one per completion is meant", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "not per completion")


@diagnose_run.property("finds log-probabilities at another temperature", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "another temperature")


@diagnose_run.property("finds a policy that says the same again and again", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "collapsed")


@diagnose_run.property("calls a policy sound that repeats itself now and then", trials=3)
def _(answer, draw: Draw) -> None:
    log = Log(draw, lines=100)
    concludes(answer, log, right="sound", choices=CHOICES)


@diagnose_run.property("calls it a collapse below a tenth of different lines, not at one", trials=2)
def _(answer, draw: Draw) -> None:
    for lines, right in ((15, "collapsed"), (16, "sound"), (24, "sound")):
        concludes(answer, Log(draw, lines=lines), right=right, choices=CHOICES)


@diagnose_run.property("takes 2 % for agreement, whatever the report agrees with", trials=3)
def _(answer, draw: Draw) -> None:
    log = Log(draw, gone=draw.choice([0.6, 1.1]))
    own, length = log.reported_kl, float(log.mask.sum(1).float().mean())
    for factor, right in ((1.0, "sound"), (-1.0, "sign"), (1 / length, "not per completion")):
        for off in (0.985, 1.015):
            log.reported_kl = factor * off * own
            concludes(answer, log, right=right, choices=CHOICES)
        for off in (0.97, 1.03):
            log.reported_kl = factor * off * own
            concludes(answer, log, right="padding counted", choices=CHOICES)


@diagnose_run.property(
    "finds another temperature by a single token, and forgives rounding", trials=3
)
def _(answer, draw: Draw) -> None:
    for gap, right in ((0.015, "another temperature"), (0.006, "sound")):
        log = Log(draw)
        row = draw.integers(0, len(log.mask))
        log.sampled_log_probs[row, 1] += draw.choice([gap, -gap])
        concludes(answer, log, right=right, choices=CHOICES)


@diagnose_run.property("works the KL out from what the loss uses, for whole lines", trials=2)
def _(answer, draw: Draw) -> None:
    # Short lines have gone farther: then the mean of line means is no KL per token.
    log = Log(draw, gone=0.2)
    short = log.mask.sum(dim=1) <= PLACES // 2
    log.start_log_probs[short] -= 1.5
    log.reported_kl = log._drift(log.mask)
    concludes(answer, log, right="sound", choices=CHOICES)
    # Less than 0.01 off is no other temperature, and no other KL either.
    log.sampled_log_probs = log.policy_log_probs + draw.choice([0.009, -0.009])
    kl = log.reported_kl
    for off in (0.985, 1.015):
        log.reported_kl = off * kl
        concludes(answer, log, right="sound", choices=CHOICES)
    log.sampled_log_probs = log.policy_log_probs
    log.reported_kl = kl / float(log.mask.sum(1).float().mean())
    concludes(answer, log, right="not per completion", choices=CHOICES)


@diagnose_run.property("names the fault of the bookkeeping before a collapse", trials=3)
def _(answer, draw: Draw) -> None:
    log = Log(draw, lines=4)
    log.reported_kl = -log.reported_kl
    concludes(answer, log, right="sign", choices=CHOICES)
    log = Log(draw, lines=4, heated=0.7)
    log.reported_kl = -log.reported_kl
    concludes(answer, log, right="another temperature", choices=CHOICES)


@diagnose_run.property("compares lines without their padding", trials=2)
def _(answer, draw: Draw) -> None:
    log = Log(draw, lines=3)
    noise = torch.tensor(draw.integers(2, 60, *log.tokens.shape))
    log.tokens = torch.where(log.mask, log.tokens, noise)
    concludes(answer, log, right="collapsed", choices=CHOICES)
    log = Log(draw)
    log.sampled_log_probs = torch.where(log.mask, log.sampled_log_probs, 0.0)
    concludes(answer, log, right="sound", choices=CHOICES)
    expect(log.mask.any().item(), "whether the log has real tokens").equals(True)


@diagnose_run.right
def right_diagnosis(log):
    real = log.mask
    if (log.sampled_log_probs - log.policy_log_probs)[real].abs().max() > 0.01:
        return "another temperature"
    difference = log.policy_log_probs - log.start_log_probs
    kl = torch.where(real, difference, 0.0).sum(dim=1).mean().item()
    reported = log.reported_kl
    if abs(reported - kl) > 0.02 * abs(kl):
        if abs(reported + kl) <= 0.02 * abs(kl):
            return "sign"
        per_token = kl * len(real) / real.sum().item()
        if abs(reported - per_token) <= 0.02 * abs(per_token):
            return "not per completion"
        return "padding counted"
    pairs = zip(log.tokens.tolist(), real.tolist(), strict=True)
    lines = {tuple(t for t, r in zip(*pair, strict=True) if r) for pair in pairs}
    return "collapsed" if len(lines) < 0.1 * len(real) else "sound"


_SLIPS = {
    "temperature_not_checked": (
        "You did not compare the log-probabilities written down while sampling with those that "
        "the "
        "loss uses. They are of the same tokens, and must be the same.",
        {"abs().max() > 0.01": "abs().max() > 1e9"},
    ),
    "padding_in_the_comparison": (
        "You compared what was sampled at padding too. Nothing was: only real tokens count.",
        {"(log.sampled_log_probs - log.policy_log_probs)[real].abs()":
         "(log.sampled_log_probs - log.policy_log_probs).abs()"},
    ),
    "own_kl_with_padding": (
        "Your own KL counts padding, so that a report with padding looks right and a sound one "
        "wrong.",
        {"torch.where(real, difference, 0.0)": "difference"},
    ),
    "own_kl_per_token": (
        "Your own KL is per token. Compare the report with nats per completion.",
        {".sum(dim=1).mean().item()": ".sum().item() / real.sum().item()"},
    ),
    "own_kl_sign": (
        "Your own KL has the wrong sign: the policy's log-probability comes first.",
        {"log.policy_log_probs - log.start_log_probs":
         "log.start_log_probs - log.policy_log_probs"},
    ),
    "negative_alone": (
        "You look for a wrong sign and for no other fault of the report. Work the KL out again, "
        "and compare.",
        {"        per_token = kl * len(real) / real.sum().item()\n"
         "        if abs(reported - per_token) <= 0.02 * abs(per_token):\n"
         "            return \"not per completion\"\n"
         "        return \"padding counted\"\n": ""},
    ),
    "report_believed": (
        "You believed the report. Work the KL out from the log-probabilities, and compare.",
        {"abs(reported - kl) > 0.02 * abs(kl)": "False"},
    ),
    "per_token_and_padding_exchanged": (
        "You exchanged the KL per token and the KL with padding in it. The first is smaller by "
        "the "
        "mean length.",
        {"return \"not per completion\"": "return \"padding counted\"",
         "        return \"padding counted\"\n    pairs":
          "        return \"not per completion\"\n    pairs"},
    ),
    "never_collapsed": (
        "You did not look at the samples. A KL can be right while all samples are the same.",
        {'"collapsed" if len(lines) < 0.1 * len(real) else "sound"': '"sound"'},
    ),
    "any_repetition": (
        "You call a policy collapsed as soon as a line comes twice. The page's limit is a "
        "tenth of "
        "different lines.",
        {"len(lines) < 0.1 * len(real)": "len(lines) < len(real)"},
    ),
    "half_is_collapsed": (
        "You call a policy collapsed with less than three quarters of different lines. The "
        "page's "
        "limit is a tenth.",
        {"len(lines) < 0.1 * len(real)": "len(lines) < 0.75 * len(real)"},
    ),
    "all_the_same_alone": (
        "You look only for batches in which all lines are the same. Three lines that take turns "
        "are a collapse as well: less than a tenth.",
        {"len(lines) < 0.1 * len(real)": "len(lines) == 1"},
    ),
    "padding_makes_lines_different": (
        "You compared lines with their padding. Lines are the same where their real tokens are.",
        {"if r)": "if r or True)"},
    ),
    "collapse_first": (
        "You named the collapse before the bookkeeping. With a wrong KL nobody knows how far "
        "the "
        "policy went: the table's order puts that first.",
        {"    real = log.mask\n":
         "    real = log.mask\n"
         "    rows = {tuple(t[r].tolist()) for t, r in zip(log.tokens, real)}\n"
         "    if len(rows) < 0.1 * len(real):\n        return \"collapsed\"\n"},
    ),
    "sign_before_temperature": (
        "You judged the KL before the log-probabilities that it is made of. The table's order "
        "puts "
        "the temperature first.",
        {"    real = log.mask\n":
         "    real = log.mask\n    if log.reported_kl < 0:\n        return \"sign\"\n"},
    ),
    "size_of_the_kl": (
        "You take a large KL for a collapse. A policy can go far and say many things.",
        {"len(lines) < 0.1 * len(real)": "kl > 3.0"},
    ),
    "mean_gap": (
        "You passed over a gap of more than 0.01 in the log-probability of a single token. "
        "Averaged, or taken between probabilities, it is lost.",
        {"(log.sampled_log_probs - log.policy_log_probs)[real].abs().max() > 0.01":
         "(log.sampled_log_probs - log.policy_log_probs)[real].abs().mean() > 0.01"},
    ),
    "signed_gap": (
        "You looked for gaps in one direction. A sampled log-probability may be lower as "
        "well.",
        {"(log.sampled_log_probs - log.policy_log_probs)[real].abs().max() > 0.01":
         "(log.sampled_log_probs - log.policy_log_probs)[real].max() > 0.01"},
    ),
    "negative_is_sign": (
        "You call every negative report a wrong sign. It must agree with minus your KL.",
        {'            return "sign"\n        per':
         '            return "sign"\n        if reported < 0:\n            return "sign"\n     '
         "   per"},
    ),
    "absolute_tolerance": (
        "You took 0.02 nats for agreement with minus your KL. It is 2 % of its size.",
        {"abs(reported + kl) <= 0.02 * abs(kl)":
         "abs(reported + kl) <= 0.02"},
    ),
    "looser_tolerance": (
        "You took 10 % for agreement with your KL per token. The page says 2 %.",
        {"0.02 * abs(per_token)": "0.1 * abs(per_token)"},
    ),
    "looser_for_the_kl": (
        "You took 10 % for agreement with your KL. The page says 2 %.",
        {"abs(reported - kl) > 0.02": "abs(reported - kl) > 0.1"},
    ),
    "width_for_length": (
        "You divided by the width, padding and all. Divide by the mean number of real tokens.",
        {"kl * len(real) / real.sum().item()":
         "kl / real.shape[1]"},
    ),
    "mean_of_line_means": (
        "You averaged each line first. The KL per token here is your KL, divided by the mean "
        "number of real tokens.",
        {"per_token = kl * len(real) / real.sum().item()":
         "per_token = (torch.where(real, difference, 0.0).sum(1) / real.sum(1)).mean().item()"},
    ),
    "collapse_at_a_tenth": (
        "You call a tenth of different lines a collapse. It is fewer than a tenth.",
        {"len(lines) < 0.1":
         "len(lines) <= 0.1"},
    ),
    "collapse_below_a_half": (
        "You call less than half of different lines a collapse. The page's limit is a tenth.",
        {"len(lines) < 0.1":
         "len(lines) < 0.5"},
    ),
    "words_counted": (
        "You counted different words. Different lines are asked for.",
        {"lines = {tuple(t for t, r in zip(*pair, strict=True) if r) for pair in pairs}":
         "lines = {t for pair in pairs for t, r in zip(*pair, strict=True) if r}"},
    ),
    "padding_recomputed": (
        "You looked for a report that agrees with a KL over all places. By the table every "
        "other disagreement has that name too.",
        {'        return "padding counted"\n    pairs':
         "        everything = difference.sum(dim=1).mean().item()\n        if abs(reported - "
         'everything) <= 0.02 * abs(everything):\n            return "padding counted"\n    '
         "pairs"},
    ),
    "too_large_alone": (
        "You look for reports that are too large. One that is too small does not agree "
        "either.",
        {'        return "padding counted"\n    pairs':
         '        if reported > kl:\n            return "padding counted"\n    pairs'},
    ),
    "own_kl_is_k2": (
        "Your own KL is not k1, log p − log q summed over a line: in a batch k2 and k3 are other "
        "numbers.",
        {"kl = torch.where(real, difference, 0.0)":
         "kl = 0.5 * torch.where(real, difference, 0.0).square()"},
    ),
    "sign_has_no_name": (
        "You gave a wrong sign the name of counted padding. The sign stands above it in the "
        "table.",
        {'return "sign"':
         'return "padding counted"'},
    ),
    "short_word": (
        "“temperature” is none of the six words: the page's is “another temperature”.",
        {'return "another temperature"':
         'return "temperature"'},
    ),
    "exact_agreement": (
        "You asked for exact agreement with your KL. Within 2 % it agrees.",
        {"abs(reported - kl) > 0.02 * abs(kl)":
         "abs(reported - kl) > 1e-6"},
    ),
    "absolute_tolerance_throughout": (
        "You took 0.02 nats for agreement. It is 2 % of what the report is compared with.",
        {"abs(reported - kl) > 0.02 * abs(kl)":
         "abs(reported - kl) > 0.02",
         "abs(reported + kl) <= 0.02 * abs(kl)":
         "abs(reported + kl) <= 0.02",
         "abs(reported - per_token) <= 0.02 * abs(per_token)":
         "abs(reported - per_token) <= 0.02"},
    ),
    "own_kl_of_sampled": (
        "You worked your KL out from what was written down while sampling. It is that of the "
        "log-probabilities that the loss uses: policy minus start.",
        {"difference = log.policy_log_probs - log.start_log_probs":
         "difference = log.sampled_log_probs - log.start_log_probs"},
    ),
    "rounding_not_forgiven": (
        "You call the smallest gap another temperature. Up to 0.01 it is rounding.",
        {"abs().max() > 0.01":
         "abs().max() > 1e-6"},
    ),
    "share_of_different_words": (
        "You took the share of different words. Different lines are asked for.",
        {"lines = {tuple(t for t, r in zip(*pair, strict=True) if r) for pair in pairs}":
         "lines = {t for pair in pairs for t, r in zip(*pair, strict=True) if r}",
         "len(lines) < 0.1 * len(real)":
         "len(lines) < 0.1 * real.sum().item()"},
    ),
    "mean_of_all_places": (
        "Your KL per token is the mean over all places, padding too. It is your KL, divided "
        "by the mean number of real tokens.",
        {"per_token = kl * len(real) / real.sum().item()":
         "per_token = difference.mean().item()"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    diagnose_run.slip(_name, _message, _edits)


@diagnose_run.mistake("Your words are others. The six that are asked for stand in the docstring.")
def other_words(log):
    return right_diagnosis(log).upper()


for _line, _other in (
    ("if gap > 0.01:", "if gap >= 0.01:"),
    (
        "if abs(log.reported_kl + own) <= 0.02 * abs(own):",
        "if abs(log.reported_kl + own) < 0.02 * abs(own):",
    ),
    (
        "if abs(log.reported_kl - own / length) <= 0.02 * abs(own / length):",
        "if abs(log.reported_kl - own / length) < 0.02 * abs(own / length):",
    ),
    (
        "if abs(log.reported_kl - own) > 0.02 * abs(own):",
        "if abs(log.reported_kl - own) >= 0.02 * abs(own):",
    ),
):
    diagnose_run.equivalent(
        f"`{_line}` → `{_other}`", because="sums of rounded numbers do not lie exactly on a limit"
    )

diagnose_run.hint("Go down the table of the page row by row; the first that applies is it.")
diagnose_run.hint("Work the KL out yourself. By which factor does the report differ?")
diagnose_run.hint("Mean length: real tokens divided by completions.", when="value")
