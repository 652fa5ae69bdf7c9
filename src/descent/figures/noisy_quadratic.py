"""The noisy quadratic model: batch and learning rate, the decaying bias and the noise floor.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

BATCHES = 16  # the slider's last batch is 2 to this power
LONGEST = 10**6  # steps shown


def noisy_quadratic_figure(
    dimensions: int = 200, target: float = 0.01, batch: int = 16, rate: float = 0.05
) -> InteractiveFigure:
    """The expected loss of SGD on a noisy quadratic, step by step, without a random number.

    The loss is the sum over i = 1 … d of h_i·θ_i²/2 with h_i = 1/i, begun at θ_i = 1. A gradient
    from a batch of B has variance h_i/B in direction i, so that a step of rate η gives

        E θ_i² ← (1 - η·h_i)²·E θ_i² + η²·h_i/B.

    The reader moves batch and rate and sees the loss split into what is left of the start (the
    bias) and what the noise brings, whose floor is lower the larger the batch. Beside it stands
    the number of steps to the target against the rate, with the best rate at this batch marked.

    Parameters
    ----------
    dimensions : d, between 2 and 1000.
    target : the loss to reach, positive and below the loss at the start.
    batch : B to begin with, a power of 2 up to 65 536.
    rate : learning rate η to begin with, between 0.0001 and 2.2; from 2 on SGD is unstable.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range.
    """
    if not 2 <= dimensions <= 1000:
        raise ValueError("dimensions must be between 2 and 1000")
    if not 0 < target < sum(0.5 / i for i in range(1, dimensions + 1)):
        raise ValueError("target must be positive and below the loss at the start")
    if batch not in [2**power for power in range(BATCHES + 1)]:
        raise ValueError(f"batch must be a power of 2 between 1 and {2**BATCHES}")
    if not 1e-4 <= rate <= 2.2:
        raise ValueError("rate must be between 0.0001 and 2.2")
    return interactive_figure(
        "noisy_quadratic",
        "SGD on a noisy quadratic: bias and noise floor",
        {
            "batch": batch,
            "batches": BATCHES,
            "dimensions": dimensions,
            "longest": LONGEST,
            "rate": rate,
            "target": target,
        },
    )
