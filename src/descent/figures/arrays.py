"""What is drawn, as an array: numbers, lists, arrays, or tensors on any device."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_array(values: Any, dtype: Any = None) -> np.ndarray:
    """Values as a numpy array; of a tensor, its numbers without its graph."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=dtype)
