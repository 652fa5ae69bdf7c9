"""The numbers that a run came to: over its seeds a mean and a spread, and how they are written."""

from __future__ import annotations

from typing import Any

from descent.runs.definition.sweep import over_seeds
from descent.runs.folder import RunFolder
from descent.training.metrics import latest


def last_values(folder: RunFolder) -> dict[str, Any]:
    """Return the last value of each number, over the trainings that have it.

    Of a sweep, what all its trainings came to.
    """
    sweep = folder.run().sweep
    if sweep:
        return sweep.summary(folder.results.rows(folder.points()))
    each = [latest(lines) for lines in folder.curves()]
    names = dict.fromkeys(name for found in each for name in found)
    return {name: over_seeds([found[name] for found in each if name in found]) for name in names}


def seconds(folder: RunFolder) -> Any:
    """Return the seconds of training; of a sweep, of all its trainings together."""
    if folder.run().sweep:
        return round(sum(row["seconds"] for row in folder.results.rows(folder.points())), 3)
    return over_seeds([max(line["time"] for line in lines) for lines in folder.curves()])


def in_words(name: str, value: Any) -> str:
    """Write a number, or a mean with its spread; a share as a percentage.

    Parameters
    ----------
    name : str
        What it is: ``seconds`` have one decimal, accuracies are shares, from 0 to 1.
    value : float or dict
        As `over_seeds` gives it.

    Returns
    -------
    str
    """
    if isinstance(value, dict):
        mean, spread = value["mean"], value["std"]
        digits = f"{spread:.2g}" if spread < 100 else f"{spread:.0f}"
        if _is_share(name) or name == "seconds":
            digits = in_words(name, spread)
        return f"{in_words(name, mean)} ± {digits} ({value['n']} seeds)"
    if _is_share(name):
        return f"{100 * value:.2f} %"
    return f"{value:.1f}" if name == "seconds" else f"{value:.5g}"


def sweep_in_words(folder: RunFolder) -> list[str]:
    """Say what the trainings of a sweep came to, a line for each number."""
    rows = folder.results.rows(folder.points())
    lines = [f"{len(rows)} trainings, {sum(row['seconds'] for row in rows):.1f} s of training"]
    return lines + [
        f"{name} {in_words(name, value)}" for name, value in last_values(folder).items()
    ]


def _is_share(name: str) -> bool:
    return name.endswith("accuracy")
