"""Where a transformer looks: choose a word and see which words its attention weighs.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.interactive import InteractiveFigure, interactive_figure


def attention_map_figure(
    words: Sequence[str], weights: Any, start: int | None = None
) -> InteractiveFigure:
    """Attention weights over a sentence, to explore word by word and head by head.

    The reader points at, taps or moves with the arrow keys to a word; every word is then shaded
    by how much the chosen word looks at it, and the strongest are named in percent.

    Parameters
    ----------
    words : the T tokens of the sentence, as shown.
    weights : shape (layers, heads, T, T): row t of the last two is how position t looks, numbers
        in [0, 1] that add up to 1.
    start : the word chosen at first; by default the last.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : the shapes do not fit, a row is not a distribution, or `start` is not a word.
    """
    looks = as_array(weights, np.float64)
    count = len(words)
    if looks.ndim != 4 or looks.shape[2:] != (count, count) or looks.size == 0:
        raise ValueError(f"weights must have shape (layers, heads, {count}, {count})")
    if not (np.isfinite(looks).all() and (looks >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    if not np.allclose(looks.sum(axis=-1), 1.0, atol=1e-3):
        raise ValueError("every row of weights must add up to 1")
    chosen = count - 1 if start is None else start
    if not 0 <= chosen < count:
        raise ValueError(f"start must be between 0 and {count - 1}")
    problem = {"start": chosen, "weights": looks.round(3).tolist(), "words": list(words)}
    return interactive_figure("attention_map", "an attention map, word by word", problem)
