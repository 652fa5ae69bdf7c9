"""Superposition: more features than dimensions, and the autoencoder that tells them apart again.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

MOST = 7  # features
SHARES = (1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)  # the stops of the slider of sparsity


def superposition_figure(
    features: int = 5, sparsity: float = 0.9, importance: float = 0.9
) -> InteractiveFigure:
    """The toy model of superposition in two dimensions, trained anew in the page at every handle.

    A feature is there with chance 1 - sparsity, and then uniform between 0 and 1. The model keeps
    h = W·x, two numbers, and gives back ReLU(Wᵀ·h + b); its loss weighs feature i by importanceⁱ.
    The reader moves sparsity and importance, and sees the direction of each feature, how much
    they stand in each other's way (Wᵀ·W), and which of them a sparse autoencoder finds that sees
    h alone. The model is that of Elhage and others, "Toy models of superposition" (2022).

    Parameters
    ----------
    features : n, between 2 and 7.
    sparsity : to begin with, 1 minus one of 1, 0.7, 0.5, 0.3, 0.2, 0.1 and 0.05.
    importance : to begin with, of each feature relative to the one before, 0.5, 0.6, … or 1.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is not one of these.
    """
    if features not in range(2, MOST + 1):
        raise ValueError(f"features must be a whole number between 2 and {MOST}")
    stops = [i for i, share in enumerate(SHARES) if abs(1 - sparsity - share) < 1e-9]
    if not stops:
        raise ValueError(f"1 - sparsity must be one of {', '.join(map(str, SHARES))}")
    if not any(abs(importance - tenths / 10) < 1e-9 for tenths in range(5, 11)):
        raise ValueError("importance must be one of 0.5, 0.6, 0.7, 0.8, 0.9 and 1")
    return interactive_figure(
        "superposition",
        "features in superposition, and what an autoencoder recovers",
        {"features": features, "importance": importance, "shares": SHARES, "stop": stops[0]},
        model="superposition_model",
    )
