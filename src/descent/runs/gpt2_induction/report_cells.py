"""What the report of `gpt2_induction` shows: heads by their scores, and the loss without them."""

from __future__ import annotations

import statistics
from typing import cast

import numpy as np

from descent.runs.folder import RunFolder
from descent.runs.gpt2_induction import (
    CONTROL,
    INDUCTION,
    LOSS,
    PREVIOUS,
    InductionSettings,
    by_head,
    by_number,
)
from descent.runs.results.sweep_cells import show_table

SHOWN = 10  # heads in the table


def show_scores(folder: RunFolder) -> None:
    """Plot both scores of every head, each layer a row: means over the seeds."""
    import matplotlib.pyplot as plt

    settings = cast(InductionSettings, folder.settings())
    rows = folder.results.rows(folder.points())
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axis, score in zip(axes, (INDUCTION, PREVIOUS), strict=True):
        means = {head: statistics.fmean(values) for head, values in by_head(rows, score).items()}
        grid = np.full((settings.layers, settings.heads), np.nan)
        for layer in range(settings.layers):
            for head in range(settings.heads):
                grid[layer, head] = means.get(f"L{layer}H{head}", np.nan)
        shown = axis.imshow(grid, cmap="viridis", vmin=0, vmax=1, aspect="auto")
        axis.set(title=score, xlabel="head", ylabel="layer")
        axis.grid(False)
    figure.colorbar(shown, ax=axes, label="share of the attention")
    plt.show()


def show_best(folder: RunFolder) -> None:
    """Print the best induction heads, and what the loss is without each alone."""
    rows = folder.results.rows(folder.points())
    whole = by_number(rows, LOSS).get(0)
    if not whole:
        print("The whole model was not measured.")
        return
    previous, without = by_head(rows, PREVIOUS), by_head(rows, LOSS)
    table = [
        [head, _mean(values, 3), _spread(values), _mean(previous[head], 3), _mean(without[head], 3)]
        for head, values in list(by_head(rows, INDUCTION).items())[:SHOWN]
    ]
    show_table(["head", "induction", "spread", "previous token", "loss without it"], table)
    print(f"Loss of the whole model on the later copies: {_mean(whole, 3)} nats a token.")


def show_without(folder: RunFolder) -> None:
    """Plot the loss against how many heads are out: the best ones, and others to compare with."""
    import matplotlib.pyplot as plt

    from descent.figures import plot_curves

    rows = folder.results.rows(folder.points())
    curves = {}
    for loss, label in ((LOSS, "best induction heads"), (CONTROL, "other heads, at random")):
        found = by_number(rows, loss)
        curves[label] = (list(found), [statistics.fmean(values) for values in found.values()])
    plot_curves(curves, "heads taken out together", "loss of later copies (nats a token)")
    plt.show()


def _mean(values: list[float], digits: int) -> str:
    return f"{statistics.fmean(values):.{digits}f}"


def _spread(values: list[float]) -> str:
    return f"{statistics.stdev(values):.3f}" if len(values) > 1 else "one seed"
