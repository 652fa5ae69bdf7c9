"""Pictures made smaller, each new pixel the mean of the area it covers."""

from __future__ import annotations

import numpy as np


def area_weights(old: int, new: int) -> np.ndarray:
    """Return what every old pixel contributes to every new one, along one axis.

    Parameters
    ----------
    old, new : int
        How many there are, the new ones fewer.

    Returns
    -------
    array
        (new, old) float32, each row adding up to 1: the share of the new pixel's length that the
        old one covers.
    """
    edges = np.arange(new + 1) * old / new
    pixels = np.arange(old)
    ends = np.minimum(edges[1:, None], pixels + 1)
    starts = np.maximum(edges[:-1, None], pixels)
    return (np.clip(ends - starts, 0, None) * new / old).astype(np.float32)


def shrunk(picture: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Shrink a grey picture.

    Parameters
    ----------
    picture : array
        (height, width) uint8.
    down, across : array
        Of `area_weights`, (new height, height) and (new width, width).

    Returns
    -------
    array
        (new height, new width) uint8, rounded.
    """
    return np.rint(down @ picture.astype(np.float32) @ across.T).astype(np.uint8)
