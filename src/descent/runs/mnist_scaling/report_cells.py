"""What the report of `mnist_scaling` shows: a table of losses, and loss against compute."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from descent.runs.definition.sweep import Row
from descent.runs.folder import RunFolder
from descent.runs.mnist_scaling import FLOPS, LOSS, frontier
from descent.runs.results.sweep_cells import show_table


def show_losses(folder: RunFolder) -> None:
    """Print the loss of every width and set, the mean over the seeds, a table for each dropout."""
    means = means_over_seeds(folder.results.rows(folder.points()))
    for dropout in dict.fromkeys(row["dropout"] for row in means):
        kept = {(row["width"], row["pictures"]): row[LOSS] for row in means
                if row["dropout"] == dropout}  # fmt: skip
        widths, sets = (sorted({key[i] for key in kept}) for i in range(2))
        print(f"{LOSS} with dropout {dropout}: a row for each width, a column for each set")
        table = [
            [str(width), *(f"{kept[width, size]:.4f}" if (width, size) in kept else ""
                           for size in sets)]
            for width in widths
        ]  # fmt: skip
        show_table(["", *map(str, sets)], table)


def show_frontiers(folder: RunFolder) -> None:
    """Plot the loss of every training against its compute, and the frontier of the means."""
    import matplotlib.pyplot as plt

    from descent.figures.style import COLOURS, CYCLE, use_style

    use_style()
    rows = folder.results.rows(folder.points())
    means = means_over_seeds(rows)
    dropouts = list(dict.fromkeys(row["dropout"] for row in rows))
    _, places = plt.subplots(1, max(1, len(dropouts)), figsize=(9, 4), sharey=True, squeeze=False)
    for axes, dropout in zip(places[0], dropouts, strict=False):
        kept = [row for row in means if row["dropout"] == dropout]
        for i, width in enumerate(sorted({row["width"] for row in kept})):
            some = sorted((row for row in kept if row["width"] == width), key=lambda r: r[FLOPS])
            colour = CYCLE[i % len(CYCLE)]
            axes.plot(*_columns(some), "o-", color=colour, markersize=3, linewidth=0.8)
            axes.annotate(f"{width}", (some[-1][FLOPS], some[-1][LOSS]), xytext=(4, 0),
                          textcoords="offset points", color=colour, fontsize=8)  # fmt: skip
        axes.plot(*_columns(frontier(kept)), color=COLOURS["ink"], linewidth=2, zorder=0)
        axes.set(xscale="log", yscale="log", xlabel="operations of the training",
                 title=f"dropout {dropout}")  # fmt: skip
    places[0][0].set_ylabel(f"{LOSS} (nats)")
    plt.show()


def means_over_seeds(rows: Sequence[Row]) -> list[Row]:
    """Return a row for each width, set and dropout, with the mean loss of its seeds."""
    same: dict[tuple[float, ...], list[Row]] = {}
    for row in rows:
        same.setdefault((row["dropout"], row["width"], row["pictures"]), []).append(row)
    return [{**some[0], LOSS: statistics.fmean(row[LOSS] for row in some)} for some in
            same.values()]  # fmt: skip


def _columns(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [row[FLOPS] for row in rows], [row[LOSS] for row in rows]
