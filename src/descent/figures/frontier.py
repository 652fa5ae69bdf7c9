"""Scaling laws in the reader's hands: isoFLOP curves, their minima, and what a budget should buy.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

import math

from descent.figures.interactive import InteractiveFigure, interactive_figure

# The constants of L(N, D) = e + a / N^alpha + b / D^beta: as the Chinchilla paper prints them, and
# as its own points give them when they are fitted again (Besiroglu and others, 2024).
PRESETS: dict[str, dict[str, float]] = {
    "printed in the paper": {"e": 1.69, "a": 406.4, "b": 410.7, "alpha": 0.34, "beta": 0.28},
    "fitted again": {"e": 1.8172, "a": 482.01, "b": 2085.43, "alpha": 0.3478, "beta": 0.3658},
}

LOWEST, HIGHEST = 0.2, 0.5  # where the sliders of both exponents end
BUDGETS = (18, 26)  # where the slider of the budget ends, in powers of ten


def frontier_figure(
    alpha: float = 0.34,
    beta: float = 0.28,
    a: float = 406.4,
    b: float = 410.7,
    e: float = 1.69,
    budget: float = 5.76e23,
) -> InteractiveFigure:
    """The loss L(N, D) = e + a/N^alpha + b/D^beta at fixed compute C = 6·N·D, to turn.

    The reader moves alpha, beta and the budget, or pulls the best size along the frontier. Beside
    the isoFLOP curves stand the best size and the best number of tokens against compute: straight
    lines of slope beta/(alpha+beta) and alpha/(alpha+beta). Two sets of published constants can
    be chosen.

    Parameters
    ----------
    alpha, beta : exponents of parameters and of tokens, both between 0.2 and 0.5.
    a, b : the constants over them, positive.
    e : the loss that no model goes below, not negative.
    budget : compute C to begin with in FLOPs, between 1e18 and 1e26.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range.
    """
    if not (LOWEST <= alpha <= HIGHEST and LOWEST <= beta <= HIGHEST):
        raise ValueError(f"alpha and beta must be between {LOWEST} and {HIGHEST}")
    if not (0 < a < math.inf and 0 < b < math.inf and 0 <= e < math.inf):
        raise ValueError("a and b must be positive, e must not be negative, all finite")
    if not 10.0 ** BUDGETS[0] <= budget <= 10.0 ** BUDGETS[1]:
        raise ValueError(f"budget must be between 1e{BUDGETS[0]} and 1e{BUDGETS[1]} FLOPs")
    return interactive_figure(
        "frontier",
        "the compute-efficient frontier of a scaling law",
        {
            "budget": budget,
            "budgets": BUDGETS,
            "exponents": [LOWEST, HIGHEST],
            "presets": [{"name": name, "law": law} for name, law in PRESETS.items()],
            "law": {"a": a, "alpha": alpha, "b": b, "beta": beta, "e": e},
        },
    )
