"""How `diagnose_study` is judged: studies made from a law, each with at most one fault planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise

diagnose_study = Exercise("diagnose_study", minutes=30, difficulty=3, returns=str)
CHOICES = ("training loss", "rate not scaled", "too small a grid", "sound")


@dataclass(frozen=True)
class Made:
    """A study as the page hands it over: three tables (widths, examples), and the noise."""

    reported: np.ndarray
    validation: np.ndarray
    halved: np.ndarray
    noise: float


def _study(draw: Draw, fault: str = "sound", strength: float = 6.0) -> Made:
    """Widths down, examples across. In every table each loss has noise of its own."""
    rows, columns = draw.integers(5, 8), draw.integers(4, 7)
    noise = draw.choice([0.01, 0.02, 0.03])
    widths, examples = 2.0 ** (np.arange(rows) / 2), 2.0 ** np.arange(columns)
    tilt = draw.uniform(0.5, 0.9)
    # In every column the lowest loss lies at an inner width, which moves on with the examples.
    middle = 1.0 + (rows - 3.0) * np.arange(columns) / max(columns - 1, 1)
    if fault == "too small a grid":
        middle = np.full(columns, rows + 1.0)
    shape = np.exp(0.1 * noise / 0.01 * (np.arange(rows)[:, None] - middle) ** 2)
    true = examples ** -(tilt / 2) * shape * draw.uniform(0.8, 1.5) + 0 * widths[:, None]
    if fault == "rate not scaled":
        excess = strength * noise * np.linspace(0.0, 1.0, rows)[:, None] ** 2
    else:
        excess = np.zeros((rows, 1))

    def measured(values):
        return values * np.exp(noise * draw.rng.uniform(-1.0, 1.0, (rows, columns)))

    validation = measured(true)
    halved = measured(true * np.exp(0.5 * noise - 2 * excess))
    reported = validation * (1 - 2.5 * noise if fault == "training loss" else 1.0)
    return Made(reported, validation, halved, noise)


def _judge(answer, made: Made, right: str) -> None:
    evidence = made.reported, made.validation, made.halved, made.noise
    concludes(answer, *evidence, right=right, choices=CHOICES)


@diagnose_study.property("finds nothing wrong with a sound study", trials=7)
def _(answer, draw: Draw) -> None:
    _judge(answer, _study(draw), "sound")


@diagnose_study.property("sees that a training loss was reported", trials=7)
def _(answer, draw: Draw) -> None:
    _judge(answer, _study(draw, "training loss"), "training loss")


@diagnose_study.property("sees that the widest networks learn too fast", trials=7)
def _(answer, draw: Draw) -> None:
    _judge(answer, _study(draw, "rate not scaled"), "rate not scaled")


@diagnose_study.property(
    "sees that the best width is always the widest, or always the narrowest", trials=7
)
def _(answer, draw: Draw) -> None:
    made = _study(draw, "too small a grid")
    if draw.integers(0, 2):
        made = Made(made.reported[::-1], made.validation[::-1], made.halved[::-1], made.noise)
    _judge(answer, made, "too small a grid")


@diagnose_study.property(
    "does not take a rate that is too high for every width for one that is not scaled", trials=4
)
def _(answer, draw: Draw) -> None:
    made = _study(draw)
    everywhere = Made(
        made.reported, made.validation, made.validation * (1 - 6 * made.noise), made.noise
    )
    _judge(answer, everywhere, "sound")


@diagnose_study.property(
    "does not take noise for a fault: a gap of one and a half times the noise is none", trials=4
)
def _(answer, draw: Draw) -> None:
    made = _study(draw)
    close = Made(made.validation * (1 - 1.5 * made.noise), made.validation, made.halved, made.noise)
    _judge(answer, close, "sound")


@diagnose_study.property("does not call a grid too small for one column with its best at an edge")
def _(answer, draw: Draw) -> None:
    for row in (0, -1):
        made = _study(draw)
        tables = [np.array(table) for table in (made.reported, made.validation, made.halved)]
        for table in tables:
            table[row, 0] = 0.5 * table[:, 0].min()
        _judge(answer, Made(*tables, made.noise), "sound")


@diagnose_study.property("compares the widest with the narrowest, at more than twice the noise")
def _(answer, draw: Draw) -> None:
    made = _study(draw)
    cases = (2.5, (1.5, 0.0), "rate not scaled"), (1.5, (-2.0, 3.0), "sound")
    for at_ends, near_ends, right in cases:
        gain = np.zeros((len(made.validation), 1))
        gain[1], gain[-2], gain[-1] = near_ends[0], near_ends[1], at_ends
        halved = made.validation * np.exp(-made.noise * gain)
        _judge(answer, Made(made.validation, made.validation, halved, made.noise), right)


@diagnose_study.property("goes by the best width of each column, not by the worst")
def _(answer, draw: Draw) -> None:
    rows, noise = draw.integers(4, 8), 0.01
    table = np.exp(0.2 * (np.arange(rows)[:, None] - 1.0) ** 2) * draw.uniform(0.9, 1.0, 1, 4)
    _judge(answer, Made(table, table, table, noise), "sound")


@diagnose_study.property("names the first of several faults, in the order of the page", trials=6)
def _(answer, draw: Draw) -> None:
    made = _study(draw, "too small a grid")
    rows = len(made.validation)
    faster = np.exp(-8 * made.noise * np.linspace(0, 1, rows) ** 2)[:, None]
    both = Made(made.reported, made.validation, made.validation * faster, made.noise)
    _judge(answer, both, "rate not scaled")
    all_three = Made(both.reported * (1 - 5 * made.noise), both.validation, both.halved, both.noise)
    _judge(answer, all_three, "training loss")


@diagnose_study.property("does not change with the units of the loss", trials=3)
def _(answer, draw: Draw) -> None:
    for fault in CHOICES:
        made = _study(draw, fault)
        scaled = Made(1000 * made.reported, 1000 * made.validation, 1000 * made.halved, made.noise)
        _judge(answer, scaled, fault)


@diagnose_study.right
def right_diagnosis(reported, validation, halved, noise):
    if np.mean(np.log(validation / reported)) > 2 * noise:
        return "training loss"
    gain = np.log(validation / halved).mean(axis=1)
    if gain[-1] - gain[0] > 2 * noise:
        return "rate not scaled"
    best = np.argmin(validation, axis=0)
    if np.all(best == 0) or np.all(best == len(validation) - 1):
        return "too small a grid"
    return "sound"


diagnose_study.slip(
    "halved_helps_at_all",
    "You asked whether half the rate helps the widest network. If it helps the "
    "narrowest as much, the "
    "rate is too high everywhere, and scaling is not at fault: compare the two.",
    {"gain[-1] - gain[0]": "gain[-1]"},
)
diagnose_study.slip(
    "noise_ignored",
    "You took any gap for a fault. Losses vary from run to run: ask for more than twice the noise.",
    {'> 2 * noise:\n        return "training loss"': '> 0.0:\n        return "training loss"'},
)
diagnose_study.slip(
    "widest_only",
    "You looked for the edge among the widest alone. The narrowest is an edge too.",
    {"np.all(best == 0) or ": ""},
)
diagnose_study.slip(
    "any_column",
    "You called the grid too small as soon as one column has its best width at an "
    "edge. The page asks for "
    "all of them.",
    {
        "np.all(best == 0) or np.all(best == len(validation) - "
        "1)": "np.any(best == 0) or np.any(best == len(validation) - 1)"
    },
)
diagnose_study.slip(
    "edge_before_rate",
    "You looked at the grid before the rate. A rate that hurts wide networks moves "
    "the best width: what "
    "spoils the losses has to be ruled out first.",
    {
        "    gain = np.log(validation / halved).mean(axis=1)\n"
        "    if gain[-1] - gain[0] > 2 * noise:\n"
        '        return "rate not scaled"\n': "",
        '        return "too small a grid"\n': (
            '        return "too small a grid"\n'
            "    gain = np.log(validation / halved).mean(axis=1)\n"
            "    if gain[-1] - gain[0] > 2 * noise:\n"
            '        return "rate not scaled"\n'
        ),
    },
)
diagnose_study.slip(
    "wrong_axis",
    "You averaged over widths. Each width has a row: average along it.",
    {"mean(axis=1)": "mean(axis=0)"},
)
for _test in ("np.mean(np.log(validation / reported))", "gain[-1] - gain[0]"):
    diagnose_study.equivalent(
        f"`if {_test} > 2 * noise:` → `if {_test} >= 2 * noise:`",
        because="measured numbers are never exactly equal",
    )
diagnose_study.hint(
    "Three questions in turn, each with one number that answers it. What is the number?"
)
diagnose_study.hint("Relative noise wants ratios: log(a / b) is near 0 where a and b are the same.")
diagnose_study.hint(
    "Half the rate helps width 2 by 0.1 % and width 16 by 9 %, with noise 1 %. And "
    "if it were 8 % and 9 %?",
    when="value",
)
