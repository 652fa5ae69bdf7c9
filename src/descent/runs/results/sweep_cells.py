"""What the cells of every sweep's report call."""

from __future__ import annotations

from collections.abc import Sequence

from descent.runs.folder import RunFolder
from descent.runs.launching.sweep import start_sweep, why_it_failed
from descent.runs.results.report_cells import follow_program


def train_sweep(folder: RunFolder) -> None:
    """Make the trainings that are missing and show what is said of each here.

    The exit code, and on failure the reason, are left in the folder. Unlike a run that trains one
    model, a sweep of which a training failed has something to show: the report goes on.
    """
    code, printed = follow_program(folder, start_sweep)
    reason = why_it_failed(folder, code, printed) if code else ""
    folder.write("exit.json", {"code": code, "reason": reason})
    if reason:
        print(reason)


def show_whole(folder: RunFolder) -> None:
    """Print how many trainings there are, and which are missing and why."""
    points = folder.points()
    missing, failures = folder.results.missing(points), folder.results.failures(points)
    print(f"{len(points) - len(missing)} of {len(points)} trainings.")
    for name, reason in failures.items():
        print(f"{name} failed: {reason.splitlines()[-1]}")


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, each column as wide as it has to be."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        print("  ".join(f"{word:>{width}}" for word, width in zip(row, widths, strict=True)))
