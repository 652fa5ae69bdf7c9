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
        reported, validation, halved = tables
        _judge(answer, Made(reported, validation, halved, made.noise), "sound")


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


def _table(draw: Draw, rows: int = 5, columns: int = 4) -> np.ndarray:
    """Losses without noise: every column lowest at the second width or at the third."""
    best = 1.0 + np.arange(columns) % 2
    shape = np.exp(0.3 * (np.arange(rows)[:, None] - best) ** 2)
    return shape * 10.0 ** -np.arange(columns) * draw.uniform(1.0, 9.0)


@diagnose_study.property(
    "takes the mean of the logs over all runs, and a gap of one sign", trials=2
)
def _(answer, draw: Draw) -> None:
    table, noise = _table(draw), draw.choice([0.04, 0.05])
    first, lone, spread = np.zeros(table.shape), np.zeros(table.shape), np.zeros(table.shape)
    first[:, 0] = 6.0  # a mean of 1.5 times the noise, in the column of the large losses
    lone[1, 2] = 30.0  # a mean of 1.5 in a single run
    spread[:, ::2], spread[:, 1::2] = 11.0, -7.4  # a mean of 1.8
    below, above = np.full(table.shape, 0.8), np.full(table.shape, -4.0)
    sound = (first, lone, spread, below, above)
    for gaps, right in (*((gaps, "sound") for gaps in sound), (2 * lone, "training loss")):
        _judge(answer, Made(table * np.exp(-noise * gaps), table, table, noise), right)


@diagnose_study.property("reads rate and grid from validation losses, not from those reported")
def _(answer, draw: Draw) -> None:
    table, noise = _table(draw), 0.02
    tilt = np.linspace(-1.0, 1.0, len(table))[:, None]
    for step in (4 * noise, -4 * noise, 3.0, -3.0):
        _judge(answer, Made(table * np.exp(step * tilt), table, table, noise), "sound")


@diagnose_study.property("does not mind half the rate helping the narrowest most", trials=2)
def _(answer, draw: Draw) -> None:
    table, noise = _table(draw), 0.02
    helped = np.exp(-noise * np.linspace(5.0, 0.0, len(table)))[:, None]
    _judge(answer, Made(table, table, table * helped, noise), "sound")


@diagnose_study.property("means the rate along a row by the logs of all its runs", trials=2)
def _(answer, draw: Draw) -> None:
    table, noise = _table(draw), 0.02
    for column, strength, right in ((-1, 5.0, "sound"), (0, 14.0, "rate not scaled")):
        gain = np.zeros(table.shape)
        gain[-1, column] = strength
        _judge(answer, Made(table, table, table * np.exp(-noise * gain), noise), right)
    gain = np.zeros(table.shape)
    gain[-1, 0] = 5.0  # in the column of the large losses
    _judge(answer, Made(table, table, table * np.exp(-noise * gain), noise), "sound")


@diagnose_study.property("asks for the same edge in every column, whatever the mean", trials=2)
def _(answer, draw: Draw) -> None:
    table, noise = _table(draw), 0.02
    mixed, heavy = table.copy(), table.copy()
    mixed[0, ::2], mixed[-1, 1::2] = 0.5 * table.min(axis=0)[::2], 0.5 * table.min(axis=0)[1::2]
    heavy[-1, 0] = 0.1 * table[:, 0].min()  # so the widest has the lowest mean over the columns
    for some in (mixed, heavy):
        _judge(answer, Made(some, some, some, noise), "sound")


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
diagnose_study.slip(
    "mean_of_ratios",
    "You averaged the ratios themselves. Take the mean of their logarithms: there twice as "
    "bad and twice as good cancel.",
    {
        "np.mean(np.log(validation / reported))": "np.mean(validation / reported) - 1",
    },
)
diagnose_study.slip(
    "ratio_of_means",
    "You compared mean losses, so the large losses of small sets decide. Compare run by "
    "run, and average the logs.",
    {
        "np.mean(np.log(validation / reported))": "np.log(validation.mean() / reported.mean())",
    },
)
diagnose_study.slip(
    "largest_gap",
    "You took the largest gap of any run. One run proves nothing: take the mean over all.",
    {
        "np.mean(np.log(validation / reported))": "np.max(np.log(validation / reported))",
    },
)
diagnose_study.slip(
    "gap_either_way",
    "You took a gap of either sign for a fault. A training loss lies *below* what "
    "validation gives.",
    {
        "np.mean(np.log(validation / reported))": "abs(np.mean(np.log(validation / reported)))",
    },
)
diagnose_study.slip(
    "rate_either_way",
    "You took a difference of either sign for a fault. The rate is too high for wide "
    "networks if halving it helps *them* more.",
    {
        "gain[-1] - gain[0] >": "abs(gain[-1] - gain[0]) >",
    },
)
diagnose_study.slip(
    "rate_from_reported",
    "You compared the halved rate with the losses reported. Compare it with those measured "
    "again on validation data.",
    {
        "validation / halved": "reported / halved",
    },
)
diagnose_study.slip(
    "grid_from_reported",
    "You looked for the best width among the losses reported. Look among those measured on "
    "validation data.",
    {
        "np.argmin(validation": "np.argmin(reported",
    },
)
diagnose_study.slip(
    "edges_mixed",
    "You put the two edges together. The best is at the widest in every column, or at the "
    "narrowest in every one.",
    {
        "np.all(best == 0) or np.all(best == len(validation) - 1)": (
            "np.all((best == 0) | (best == len(validation) - 1))"
        ),
    },
)
diagnose_study.slip(
    "columns_averaged",
    "You averaged over the columns and looked at one best width. Each number of examples "
    "has its own.",
    {
        "np.argmin(validation, axis=0)": "np.argmin(validation.mean(axis=1))",
    },
)
diagnose_study.slip(
    "best_examples_of_width",
    "You looked for the best number of examples of each width. Go down each column: the "
    "best *width* for each number of examples.",
    {
        "np.argmin(validation, axis=0)": "np.argmin(validation, axis=1)",
        "len(validation) - 1": "validation.shape[1] - 1",
    },
)
diagnose_study.slip(
    "once_the_noise",
    "You called a gap between reported and validation losses a fault from once the noise "
    "on. The page asks for more than twice.",
    {
        "reported)) > 2 * noise": "reported)) > noise",
    },
)
diagnose_study.slip(
    "rate_at_once_the_noise",
    "You called the rate not scaled from once the noise on. The page asks for more than twice.",
    {
        "gain[0] > 2 * noise": "gain[0] > noise",
    },
)
diagnose_study.slip(
    "noise_of_the_mean",
    "You divided the noise by the root of the number of runs. That is sound statistics, and "
    "another threshold than the page's: twice the noise.",
    {
        "reported)) > 2 * noise": "reported)) > 2 * noise / np.sqrt(validation.size)",
    },
)
diagnose_study.slip(
    "largest_against_smallest",
    "You compared the row that gains most with the one that gains least. The page compares "
    "the widest with the narrowest.",
    {
        "gain[-1] - gain[0]": "gain.max() - gain.min()",
    },
)
diagnose_study.slip(
    "grid_first",
    "You looked at the grid first. A wrong rate or a training loss moves the best width, so "
    "they come before it.",
    {
        (
            "    if np.mean(np.log(validation / reported)) > 2 * noise:\n"
            '        return "training loss"\n'
        ): (
            "    best = np.argmin(validation, axis=0)\n"
            "    if np.all(best == 0) or np.all(best == len(validation) "
            "- 1):\n"
            '        return "too small a grid"\n'
            "    if np.mean(np.log(validation / reported)) > 2 * noise:\n"
            '        return "training loss"\n'
        ),
        (
            "    best = np.argmin(validation, axis=0)\n"
            "    if np.all(best == 0) or np.all(best == len(validation) "
            "- 1):\n"
            '        return "too small a grid"\n'
            '    return "sound"'
        ): '    return "sound"',
    },
)
diagnose_study.slip(
    "rate_first",
    "You looked at the rate first. Whether the losses are validation losses at all comes "
    "before it.",
    {
        (
            "    if np.mean(np.log(validation / reported)) > 2 * noise:\n"
            '        return "training loss"\n'
        ): (
            "    gain = np.log(validation / halved).mean(axis=1)\n"
            "    if gain[-1] - gain[0] > 2 * noise:\n"
            '        return "rate not scaled"\n'
            "    if np.mean(np.log(validation / reported)) > 2 * noise:\n"
            '        return "training loss"\n'
        ),
        (
            "    gain = np.log(validation / halved).mean(axis=1)\n"
            "    if gain[-1] - gain[0] > 2 * noise:\n"
            '        return "rate not scaled"\n'
            "    best"
        ): "    best",
    },
)
diagnose_study.slip(
    "one_number_of_examples",
    "You looked at one column of the halved rate. Take the mean along each width's row.",
    {
        "np.log(validation / halved).mean(axis=1)": "np.log(validation / halved)[:, -1]",
    },
)
diagnose_study.slip(
    "differences_of_losses",
    "You took differences of losses. Noise multiplies, so take logs of ratios.",
    {
        "np.log(validation / halved).mean(axis=1)": "(validation - halved).mean(axis=1)",
    },
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
