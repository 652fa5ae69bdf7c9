"""PPO's clipped objective: where it has a slope, and what that does to a batch of ratios.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

RATIOS = (0.4, 1.8)  # where the slider of the ratio ends
CLIPS = (0.05, 0.4)
MOST_STEPS = 60
BATCH = {"actions": 4, "count": 256, "rate": 3.0, "seed": 6, "states": 8}


def clipping_figure(epsilon: float = 0.2, ratio: float = 1.3, steps: int = 20) -> InteractiveFigure:
    """The objective min(r·A, clip(r, 1 - ε, 1 + ε)·A) of one action, for both signs of A.

    The reader moves the ratio r and ε and sees in which cases the objective has a slope. Beside it
    a softmax policy over 8 states and 4 actions climbs the same objective on one batch of 256
    actions by plain gradient ascent, and the ratios of its actions move away from 1, step by
    step, with clipping or without.

    Parameters
    ----------
    epsilon : ε to begin with, between 0.05 and 0.4.
    ratio : r to begin with, between 0.4 and 1.8.
    steps : gradient steps on the batch to begin with, between 0 and 60.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range.
    """
    if not CLIPS[0] <= epsilon <= CLIPS[1]:
        raise ValueError(f"epsilon must be between {CLIPS[0]} and {CLIPS[1]}")
    if not RATIOS[0] <= ratio <= RATIOS[1]:
        raise ValueError(f"ratio must be between {RATIOS[0]} and {RATIOS[1]}")
    if steps not in range(MOST_STEPS + 1):
        raise ValueError(f"steps must be a whole number between 0 and {MOST_STEPS}")
    return interactive_figure(
        "clipping",
        "the clipped objective of PPO and where it has a slope",
        {
            "batch": BATCH,
            "clips": CLIPS,
            "epsilon": epsilon,
            "mostSteps": MOST_STEPS,
            "ratio": ratio,
            "ratios": RATIOS,
            "steps": steps,
        },
    )
