"""How `sweep` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

sweep = Exercise("sweep", minutes=25, difficulty=3, returns=dict)


RATES = (0.001, 0.01, 0.1, 1.0, 10.0)


class Table:
    """A training run that only looks its loss up, and remembers what it was asked."""

    def __init__(self, rates: list[float], seeds: list[int], losses: np.ndarray) -> None:
        self.rates, self.seeds, self.losses = rates, seeds, losses
        self.asked: list[tuple[float, int]] = []

    def __call__(self, learning_rate: float, seed: int) -> float:
        rate, wanted = float(learning_rate), int(seed)
        self.asked.append((rate, wanted))
        near = [
            place
            for place, known in enumerate(self.rates)
            if math.isclose(known, rate, rel_tol=1e-5)
        ]
        if not near:
            raise ValueError(
                f"measure was called with the learning rate {learning_rate}, which is none of "
                "learning_rates. It is measure(learning_rate, seed)"
            )
        return float(self.losses[near[0], self.seeds.index(wanted) if wanted in self.seeds else 0])

    def __repr__(self) -> str:
        return f"a run whose losses are {self.losses.tolist()} (row: rate, column: seed)"


def _plain(values: Any) -> np.ndarray:
    """The numbers with −1 for infinity, which no loss of these tables is."""
    array = np.asarray(values, dtype=float)
    return np.where(np.isposinf(array), -1.0, array)


def _sweep(answer: Any, losses: np.ndarray, seeds: list[int]) -> tuple[Any, Table, list[float]]:
    rates = list(RATES[: len(losses)])
    table = Table(rates, seeds, losses)
    return answer(table, rates, seeds), table, rates


def _expect_report(found: Any, losses: np.ndarray, rates: list[float]) -> None:
    """All four entries, from the losses of the table one row at a time."""
    rows = [row if np.isfinite(row).all() else None for row in losses]
    means = [-1.0 if row is None else math.fsum(row) / len(row) for row in rows]
    spreads = [
        -1.0 if row is None else math.sqrt(math.fsum((row - mean) ** 2) / (len(row) - 1) / len(row))
        for row, mean in zip(rows, means, strict=True)
    ]
    expect(_plain(found["losses"]), "losses (−1 stands for inf)").close_to(
        np.where(np.isfinite(losses), losses, -1.0)
    )
    expect(_plain(found["mean"]), "mean (−1 stands for inf)").close_to(np.array(means))
    expect(_plain(found["error"]), "error (−1 stands for inf)").close_to(
        np.array(spreads), atol=1e-6
    )
    order = sorted((mean, rate) for mean, rate in zip(means, rates, strict=True) if mean >= 0)
    expect(found["best"], "best").close_to(order[0][1])


def _losses(draw: Draw, rates: int, seeds: int) -> np.ndarray:
    """No two rates have the same mean: of such ones rounding would say which is the lower."""
    while True:
        losses = np.asarray(draw.uniform(0.1, 3.0, rates, seeds))
        if len(set(losses.sum(axis=1).round(2).tolist())) == rates:
            return losses


@sweep.property("reports every loss, the means, their errors and the best rate", trials=5)
def _(answer, draw: Draw) -> None:
    losses = _losses(draw, 2 + draw.size % 4, draw.choice([3, 4]))
    seeds = draw.choice([[0, 1, 2, 3], [7, 3, 11, 5]])[: losses.shape[1]]
    found, _, rates = _sweep(answer, losses, seeds)
    _expect_report(found, losses, rates)


@sweep.property("trains once for each rate with each of the seeds", trials=2)
def _(answer, draw: Draw) -> None:
    seeds = [7, 3, 11]
    _, table, rates = _sweep(answer, _losses(draw, 3, 3), seeds)
    expect([s for _, s in sorted(set(table.asked))], "the seeds, rate by rate").equals(
        sorted(seeds) * 3
    )
    expect(len(table.asked) == len(set(table.asked)), "no run twice").is_true(
        otherwise=f"Of 9 runs you made {len(table.asked)}. A run may take an hour: call measure "
        "once for each pair, and keep what it says."
    )


def _diverged(draw: Draw) -> np.ndarray:
    """Four rates with three seeds; at the last two a run ends in nan, or in inf."""
    losses, ends = _losses(draw, 4, 3), draw.choice([[math.nan, math.inf], [math.inf, math.nan]])
    losses[2, draw.integers(0, 3)] = ends[0]
    losses[3] = [0.01, ends[1], 0.02]  # its survivors are the best of all
    return losses


@sweep.property(
    "reports a run that ends in nan or inf as inf, and the others as they are", trials=3
)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, _ = _sweep(answer, losses, [4, 9, 2])
    expect(_plain(found["losses"]), "losses (−1 stands for inf)").close_to(
        np.where(np.isfinite(losses), losses, -1.0)
    )


@sweep.property("counts a rate as diverged when any of its runs is nan or inf", trials=4)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, rates = _sweep(answer, losses, [4, 9, 2])
    expect(_plain(found["mean"]), "mean (−1 stands for inf)").close_to(
        np.array([*losses[:2].mean(axis=1), -1.0, -1.0])
    )
    expect(found["best"], "best").close_to(rates[int(losses[0].sum() > losses[1].sum())])


@sweep.property("gives a rate that diverged an error of inf", trials=2)
def _(answer, draw: Draw) -> None:
    losses = _diverged(draw)
    found, _, _ = _sweep(answer, losses, [4, 9, 2])
    whole = [math.sqrt(math.fsum((row - row.mean()) ** 2) / 6) for row in losses[:2]]
    expect(_plain(found["error"]), "error (−1 stands for inf)").close_to(
        np.array([*whole, -1.0, -1.0]), atol=1e-6
    )


@sweep.property("chooses by the mean, not by the luckiest run", trials=2)
def _(answer, draw: Draw) -> None:
    base = draw.uniform(0.5, 1.0)
    # Of the three in the middle the second has the lowest mean, by little and with a wide spread.
    middle = base * np.array([[1.0, 1.0], [0.3, 1.64], [0.1, 3.0]])
    losses = np.array([[3.0, 2.5], *middle, [4.0, 3.5]])
    found, _, rates = _sweep(answer, losses, [0, 1])
    _expect_report(found, losses, rates)


@sweep.property("takes the smallest of equally good rates", trials=1)
def _(answer, draw: Draw) -> None:
    losses = np.array([[2.0, 1.0], [0.5, 0.75], [0.75, 0.5], [1.0, 1.0]])
    found, _, rates = _sweep(answer, losses, [0, 1])
    expect(found["best"], "best").close_to(rates[1])


def _report(measure, learning_rates, seeds, **habits):
    """A sweep with one bad habit, named by keyword."""
    used = [seeds[0]] * len(seeds) if habits.get("one_seed") else seeds
    used = list(range(len(seeds))) if habits.get("own_seeds") else used
    if habits.get("arguments"):
        learning_rates, used = used, learning_rates
    losses = np.array([[measure(rate, seed) for seed in used] for rate in learning_rates])
    losses = losses.T.copy() if habits.get("transposed") else losses
    finite = np.isfinite(losses)
    whole = finite.all(axis=1)
    if not habits.get("keeps_nan"):
        losses[~finite] = np.nan if habits.get("marks_nan") else np.inf
    if habits.get("whole_row"):
        losses[~whole] = np.inf
    if habits.get("nan_to_num"):
        losses = np.nan_to_num(np.where(finite, losses, np.nan))
    shown = np.where(finite, losses, np.nan)
    mean = np.nanmean(shown, axis=1) if habits.get("survivors") else losses.mean(axis=1)
    mean = np.median(losses, axis=1) if habits.get("median") else mean
    ddof = 0 if habits.get("divides_by_s") else 1
    spread = np.full(len(losses), 0.0 if habits.get("zero_error") else np.inf)
    for row in np.flatnonzero(np.full(len(whole), True) if habits.get("nan_to_num") else whole):
        spread[row] = np.std(losses[row], ddof=ddof)
    if habits.get("survivors") or habits.get("survivor_error"):
        spread = np.nanstd(shown, axis=1, ddof=ddof)
    divisor = math.sqrt(len(seeds) - bool(habits.get("fewer")))
    divisor = 1.0 if habits.get("deviation") else divisor
    error = spread / (len(seeds) if habits.get("no_root") else divisor)
    if habits.get("nan_error"):
        error = np.where(whole, error, np.nan)
    score = losses.min(axis=1) if habits.get("luckiest") else mean
    score = mean + error if habits.get("adds_error") else score
    place = int(np.argmax(score)) if habits.get("worst") else int(np.argmin(score))
    if habits.get("last_tie"):
        place = len(score) - 1 - int(np.argmin(score[::-1]))
    best = place if habits.get("index") else learning_rates[place]
    best = float(mean.min()) if habits.get("best_loss") else best
    return {"losses": losses, "mean": mean, "error": error, "best": best}


def _sweep_mistake(name: str, message: str, habit: str) -> None:
    def wrong(measure, learning_rates, seeds):
        return _report(measure, learning_rates, seeds, **{habit: True})

    wrong.__name__ = name
    sweep.mistake(message)(wrong)


_sweep_mistake(
    "survivors",
    "You averaged the runs that survived. A rate at which some seeds diverge is a bad rate, and "
    "so it gets the best mean: leave diverged runs in, as inf.",
    "survivors",
)


_sweep_mistake(
    "keeps_nan",
    "A nan is still in your losses. `np.argmin` takes nan for the smallest number, so that the "
    "rate that diverged wins: make it inf first.",
    "keeps_nan",
)


@sweep.mistake(
    "A nan stays nan in your losses, and in the mean and the error of its rate. `np.argmin` takes "
    "nan for the smallest number, so that the rate that diverged wins: make it inf first."
)
def keeps_nan_everywhere(measure, learning_rates, seeds):
    return _report(measure, learning_rates, seeds, keeps_nan=True, nan_error=True)


_sweep_mistake(
    "marks_nan",
    "You mark diverged runs with nan. The page asks for inf, which is never the lowest, while "
    "`np.argmin` takes nan for the smallest number.",
    "marks_nan",
)


_sweep_mistake(
    "nan_to_num",
    "`np.nan_to_num` turns nan into 0, the best loss there can be. A diverged run counts as inf.",
    "nan_to_num",
)


_sweep_mistake(
    "whole_row",
    "You overwrote every run of a rate that diverged. In `losses` only the diverged run is inf; "
    "the mean and the error of that rate are inf by themselves.",
    "whole_row",
)


_sweep_mistake(
    "survivor_error",
    "Your error of a rate that diverged is that of the runs that survived. The page asks for inf "
    "there.",
    "survivor_error",
)


_sweep_mistake(
    "zero_error",
    "A rate that diverged has an error of 0 in your report, as if it were known exactly. The "
    "page asks for inf there.",
    "zero_error",
)


_sweep_mistake(
    "no_root",
    "You divided the standard deviation by S. The standard error divides by √S.",
    "no_root",
)


_sweep_mistake(
    "fewer",
    "You divided by √(S − 1) outside as well. The S − 1 belongs inside the standard deviation; "
    "its division is by √S.",
    "fewer",
)


_sweep_mistake(
    "swapped_arguments",
    "The arguments of measure have changed places: measure(learning_rate, seed).",
    "arguments",
)


_sweep_mistake(
    "nan_error",
    "The error of a rate with a diverged run comes out as nan (inf − inf). The page asks "
    "for inf there.",
    "nan_error",
)


_sweep_mistake(
    "luckiest",
    "You chose the rate of the best single run. Among many runs one is lucky: choose by the mean "
    "over the seeds.",
    "luckiest",
)


_sweep_mistake(
    "adds_error",
    "You chose by the mean plus its error. That is cautious, and another rule: the page asks for "
    "the lowest mean.",
    "adds_error",
)


_sweep_mistake(
    "index", "You returned the place of the best rate in the list. Return the rate itself.", "index"
)


_sweep_mistake(
    "best_loss",
    "You returned the lowest mean loss as `best`. Return the learning rate that reached it.",
    "best_loss",
)


_sweep_mistake("worst", "You took the rate with the highest loss. Lower is better.", "worst")


_sweep_mistake(
    "last_tie",
    "Of equally good rates you took the largest. The page asks for the smallest, which is "
    "the safer.",
    "last_tie",
)


_sweep_mistake(
    "one_seed",
    "Every run of a rate has the same seed: the spread is 0, and you know no more than "
    "from one run.",
    "one_seed",
)


_sweep_mistake(
    "own_seeds", "You used 0, 1, 2, … as seeds. Use the seeds you were given.", "own_seeds"
)


_sweep_mistake(
    "deviation",
    "Your `error` is the standard deviation of the runs. The standard error of their mean "
    "is that over √S.",
    "deviation",
)


_sweep_mistake(
    "divides_by_s",
    "Your standard deviation divides by S. With a few seeds it is too small: divide by S "
    "− 1 (`ddof=1`).",
    "divides_by_s",
)


_sweep_mistake(
    "transposed",
    "Rows and columns of your table have changed places: a row is a rate, a column a seed.",
    "transposed",
)


_sweep_mistake(
    "median",
    "You took the median over the seeds. The page asks for the mean, which a diverged run "
    "spoils, as it should.",
    "median",
)


sweep.hint("Two loops fill the table: a row for each learning rate, a column for each seed.")
sweep.hint("`losses[~np.isfinite(losses)] = np.inf`, then the mean along axis 1, then `np.argmin`.")
sweep.hint("`np.std(…, axis=1, ddof=1) / np.sqrt(S)` for rows without inf; inf for the others.")
sweep.hint("inf − inf is nan: compute the error for whole rows only.", when="nan")
sweep.hint("Which axis belongs to the seeds?", when="transposed")
sweep.hint("Count the divisions: S − 1 inside the root, and √S.", when="factor")
sweep.hint(
    "What does np.argmin say to a list with a nan in it? Try.",
    when="counts a rate as diverged when any of its runs is nan or inf",
)
