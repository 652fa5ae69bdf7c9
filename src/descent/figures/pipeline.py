"""A pipeline's schedule: stages, micro-batches, and the bubble in which stages wait.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

MOST_STAGES, MOST_MICRO_BATCHES = 8, 32


def pipeline_figure(stages: int = 4, micro_batches: int = 8) -> InteractiveFigure:
    """Who works when, if a model is cut into stages and a batch into micro-batches (GPipe).

    A forward or a backward pass of one micro-batch through one stage takes a tick. All forward
    passes come first, then all backward passes, both in order. The reader moves the two numbers
    and goes through the ticks; of the 2(m + p - 1) ticks a stage waits the share
    (p - 1)/(m + p - 1), the bubble.

    Parameters
    ----------
    stages : p to begin with, between 1 and 8.
    micro_batches : m to begin with, between 1 and 32.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range.
    """
    if not 1 <= stages <= MOST_STAGES:
        raise ValueError(f"stages must be between 1 and {MOST_STAGES}")
    if not 1 <= micro_batches <= MOST_MICRO_BATCHES:
        raise ValueError(f"micro_batches must be between 1 and {MOST_MICRO_BATCHES}")
    return interactive_figure(
        "pipeline",
        "the schedule of a pipeline, and its bubble",
        {"most": [MOST_STAGES, MOST_MICRO_BATCHES], "start": [stages, micro_batches]},
    )
