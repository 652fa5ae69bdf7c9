"""Draw a digit and see what a network makes of it (an anywidget, so it needs a kernel)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from descent.figures.arrays import as_array

DRAWN = 112  # pixels a side that the pad sends
SIDE = 28
BOX = 20
LEAST_INK = 20.0 / 255  # fainter than this everywhere is an empty pad

STATIC = (
    '<div style="border:1px dashed #9ca3af;border-radius:10px;padding:1em;max-width:46em">'
    "<strong>Draw a digit.</strong> This pad asks your own network what it sees, so it works in "
    "JupyterLab only: open this chapter there and run the cell.</div>"
)


def centre_like_mnist(drawing: Any) -> np.ndarray:
    """Lay a drawing out as MNIST's digits are.

    As its authors describe: the digit's bounding box is scaled, its proportions kept, to fit
    20 × 20 pixels, which are put in 28 × 28 so that the centre of mass is in the middle.

    Parameters
    ----------
    drawing : shape (n, n), ink in [0, 1].

    Returns
    -------
    picture : float64, shape (28, 28), in [0, 1]; all zeros for an empty drawing.
    """
    ink = np.asarray(drawing, dtype=np.float64)
    rows, columns = (np.flatnonzero((ink > LEAST_INK).any(axis=axis)) for axis in (1, 0))
    picture = np.zeros((SIDE, SIDE))
    if not len(rows):
        return picture
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    tall, wide = (max(1, round(BOX * length / max(box.shape))) for length in box.shape)
    small = _averages(box.shape[0], tall) @ box @ _averages(box.shape[1], wide).T
    top, left = (_offset(small.sum(axis=axis)) for axis in (1, 0))
    picture[top : top + tall, left : left + wide] = small
    return np.clip(picture, 0.0, 1.0)


def _averages(many: int, few: int) -> np.ndarray:
    """The matrix, shape (few, many), that averages a length of many pixels into few."""
    edges = np.linspace(0.0, many, few + 1)
    pixels = np.arange(many)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.maximum(overlap, 0.0) * few / many)


def _offset(profile: np.ndarray) -> int:
    """Where a strip must begin for its centre of mass to fall in the middle of 28 pixels."""
    centre = float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())
    return int(np.clip(round(SIDE / 2 - centre), 0, SIDE - len(profile)))


def digit_pad(predict: Callable[[np.ndarray], Any]) -> Any:
    """A pad to draw on with mouse or finger, and the probabilities a network gives.

    Parameters
    ----------
    predict : takes a float64 array of shape (1, 28, 28), ink in [0, 1], laid out as MNIST's
        digits are; returns ten probabilities, shape (10,) or (1, 10), array or tensor. It is
        called while the reader draws, so it should answer within a tenth of a second. If it
        raises, its message is shown under the pad.

    Returns
    -------
    An ipywidgets widget with `.probabilities` (ten floats, or none for an empty pad).
    """
    return _pad_class()(predict)


@cache
def _pad_class() -> Any:
    """The widget class, made on first use: importing this module must not import widgets."""
    import anywidget
    import traitlets

    class DigitPad(anywidget.AnyWidget):
        _esm = files("descent.figures").joinpath("drawing.js").read_text("utf-8")
        _css = files("descent.figures").joinpath("drawing.css").read_text("utf-8")
        # The browser's bytes arrive as a memoryview, which the trait itself would refuse.
        ink = traitlets.Bytes(b"").tag(sync=True, from_json=lambda value, _: bytes(value))
        seen = traitlets.Bytes(b"").tag(sync=True)
        probabilities = traitlets.List(traitlets.Float()).tag(sync=True)
        message = traitlets.Unicode("").tag(sync=True)

        def __init__(self, predict: Callable[[np.ndarray], Any]) -> None:
            super().__init__()
            self._predict = predict
            self.observe(self._answer, names="ink")

        def _answer(self, change: Any) -> None:
            drawing = np.frombuffer(change["new"], np.uint8).reshape(DRAWN, DRAWN) / 255
            picture = centre_like_mnist(drawing)
            self.seen = np.rint(255 * picture).astype(np.uint8).tobytes()
            try:
                self.probabilities = ask(self._predict, picture)
                self.message = ""
            except Exception as error:  # the learner's own code: show it where they look
                self.probabilities = []
                self.message = f"predict failed: {type(error).__name__}: {error}"

        def _repr_mimebundle_(self, **options: Any) -> Any:
            """The widget, with a note for where there is no kernel to answer."""
            bundle = super()._repr_mimebundle_(**options)
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            return {**(data or {}), "text/html": STATIC}, metadata

    return DigitPad


def ask(predict: Callable[[np.ndarray], Any], picture: np.ndarray) -> list[float]:
    """What `predict` says of one picture, as ten floats; none for an empty picture.

    Raises
    ------
    ValueError : not ten finite probabilities.
    """
    if not picture.any():
        return []
    answer = as_array(predict(picture[None]), np.float64)
    if answer.size != 10 or not np.isfinite(answer).all():
        raise ValueError(f"expected 10 finite probabilities, got shape {answer.shape}")
    if answer.min() < -1e-6 or abs(answer.sum() - 1) > 1e-3:
        raise ValueError(
            "expected probabilities: none negative, together 1 (softmax of the logits)"
        )
    return [float(p) for p in answer.reshape(-1)]
