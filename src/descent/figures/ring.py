"""A ring all-reduce, step by step: who has been added to which part, in which process.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from collections.abc import Sequence

from descent.figures.interactive import InteractiveFigure, interactive_figure


def ring_figure(added: Sequence[Sequence[Sequence[Sequence[int]]]]) -> InteractiveFigure:
    """The state of all processes after each step of a ring, to go through with two buttons.

    Parameters
    ----------
    added : ``added[step][process][part]`` lists the processes whose values are in that part there
        and then; step 0 is the start. Every step has as many processes, and each as many parts.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : there is no step after the start, or the steps differ in shape.
    """
    shapes = {tuple(len(parts) for parts in state) for state in added}
    if len(added) < 2 or len(shapes) != 1 or len(set(*shapes)) != 1:
        raise ValueError("added must have a start and a step, all of the same processes and parts")
    problem = {"added": [[[sorted(cell) for cell in row] for row in state] for state in added]}
    return interactive_figure("ring", "a ring all-reduce, step by step", problem)
