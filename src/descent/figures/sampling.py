"""Sampling in the reader's hands: temperature, top-k and top-p on real next-word distributions.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from descent.figures.arrays import as_array
from descent.figures.interactive import InteractiveFigure, interactive_figure

ROWS = 14  # words shown one by one; all others share the last row


def sampling_figure(
    words: Sequence[str], logits: Any, contexts: Sequence[str], start: int = 0
) -> InteractiveFigure:
    """Next-word distributions to sharpen, cut and draw from.

    The reader chooses a context and moves three sliders: temperature, then top-k, then top-p are
    applied in this order, each to what the one before it left. Bars show the probabilities to
    draw from, outlines the model's own; drawn words are counted beside them.

    Parameters
    ----------
    words : the V words, as shown; V at least 2.
    logits : shape (contexts, V), finite: the logits of the next word after each context. They are
        kept to two decimals.
    contexts : what stands before the next word, at least one.
    start : the context chosen at first.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : the shapes do not fit, a logit is not finite, or `start` is not a context.
    """
    values = as_array(logits, np.float64)
    if values.shape != (len(contexts), len(words)) or len(words) < 2 or not contexts:
        raise ValueError(f"logits must have shape ({len(contexts)} contexts, {len(words)} words)")
    if not np.isfinite(values).all():
        raise ValueError("logits must be finite")
    if not 0 <= start < len(contexts):
        raise ValueError(f"start must be between 0 and {len(contexts) - 1}")
    # Only differences count, and small whole numbers are the shortest to write down.
    hundredths = np.rint(100 * (values - values.max(axis=1, keepdims=True))).astype(int)
    return interactive_figure(
        "sampling",
        "temperature, top-k and top-p on next-word distributions",
        {
            "contexts": list(contexts),
            "hundredths": hundredths.tolist(),
            "rows": ROWS,
            "start": start,
            "words": list(words),
        },
    )
