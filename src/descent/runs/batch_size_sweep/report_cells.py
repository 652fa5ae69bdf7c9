"""What the report of `batch_size_sweep` shows: the best rate of each batch, and the knee."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from descent.runs.batch_size_sweep import LEAST_BATCHES, UPDATES, best_rates, critical_batch
from descent.runs.definition.sweep import Row
from descent.runs.folder import RunFolder
from descent.runs.results.sweep_cells import show_table


def show_best(folder: RunFolder) -> None:
    """Print for each batch the rate that needs the fewest updates, and what these come to."""
    rows = folder.results.rows(folder.points())
    rates = best_rates(rows)
    table = [
        [str(batch), f"{rates[batch]:g}", f"{statistics.fmean(counts):.1f}",
         f"{statistics.fmean(counts) * batch:.0f}", " ".join(f"{count:.0f}" for count in counts)]
        for batch, counts in best_updates(rows).items()
    ]  # fmt: skip
    show_table(["batch", "best rate", "updates", "examples", "of each seed"], table)
    left_out = sorted({row["batch"] for row in rows} - set(rates))
    if left_out:
        print(
            f"With no rate did every seed reach the target: batch {', '.join(map(str, left_out))}."
        )


def show_knee(folder: RunFolder) -> None:
    """Plot the updates against the batch, a point for each seed, with the curve fitted to them."""
    import matplotlib.pyplot as plt

    from descent.figures.style import COLOURS, use_style

    use_style()
    found = best_updates(folder.results.rows(folder.points()))
    means = {batch: statistics.fmean(counts) for batch, counts in found.items()}
    _, axes = plt.subplots()
    for batch, counts in found.items():
        axes.plot([batch] * len(counts), counts, "o", color=COLOURS["sky"], markersize=4)
    axes.plot(list(means), list(means.values()), "o", color=COLOURS["blue"])
    if len(means) >= LEAST_BATCHES:
        critical, fewest = critical_batch(means)
        curve = [fewest * (1 + critical / batch) for batch in means]
        axes.plot(list(means), curve, color=COLOURS["ink"])
        axes.axvline(critical, color=COLOURS["red"], linestyle="--", linewidth=1)
        axes.annotate(f"critical batch {critical:.0f}", (critical, max(means.values())),
                      xytext=(4, 0), textcoords="offset points", color=COLOURS["red"])  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="batch", ylabel="updates to the target")
    plt.show()


def best_updates(rows: Sequence[Row]) -> dict[int, list[float]]:
    """Return the updates of each seed with the best rate, by batch."""
    rates = best_rates(rows)
    return {
        batch: [row[UPDATES] for row in rows if (row["batch"], row["rate"]) == (batch, rate)]
        for batch, rate in sorted(rates.items())
    }
