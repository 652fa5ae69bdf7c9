"""Sampling in the reader's hands: temperature, top-k and top-p on real next-word distributions.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from descent.figures.loss_surface import FALLBACK, InteractiveFigure

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
    detached = logits.detach() if hasattr(logits, "detach") else logits
    values = np.asarray(detached, dtype=np.float64)
    if values.shape != (len(contexts), len(words)) or len(words) < 2 or not contexts:
        raise ValueError(f"logits must have shape ({len(contexts)} contexts, {len(words)} words)")
    if not np.isfinite(values).all():
        raise ValueError("logits must be finite")
    if not 0 <= start < len(contexts):
        raise ValueError(f"start must be between 0 and {len(contexts) - 1}")
    # Only differences count, and small whole numbers are the shortest to write down.
    hundredths = np.rint(100 * (values - values.max(axis=1, keepdims=True))).astype(int)
    return _page(
        {
            "contexts": list(contexts),
            "hundredths": hundredths.tolist(),
            "rows": ROWS,
            "start": start,
            "words": list(words),
        }
    )


def _page(problem: dict[str, Any]) -> InteractiveFigure:
    """Markup, style and script in one; the script sets up each copy of this figure once."""
    style = files("descent.figures").joinpath("sampling.css").read_text("utf-8")
    script = files("descent.figures").joinpath("sampling.js").read_text("utf-8")
    data = json.dumps(problem, separators=(",", ":"), sort_keys=True)
    name = "sampling-" + hashlib.sha256((data + style + script).encode()).hexdigest()[:12]
    markup = (
        f'<div class="descent-sampling" data-figure="{name}" '
        f'data-problem="{html.escape(data, quote=True)}">\n'
        f"<style>\n{style}</style>\n"
        f'<p class="dm-fallback">{FALLBACK}</p>\n</div>\n'
        f'<script>\n{script.rstrip()}("{name}");\n</script>\n'
    )
    return InteractiveFigure(markup, "temperature, top-k and top-p on next-word distributions")
