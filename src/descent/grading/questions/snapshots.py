"""What a value holds, as plain arrays that can be compared after the value itself has changed."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from descent.grading.values import is_tensor, is_torch_generator, same, to_array, type_name

MOST_PARTS = 200
DEEPEST = 4


def is_module(value: Any) -> bool:
    """Whether `value` is a network of torch's, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def is_random(value: Any) -> bool:
    """Whether `value` is a generator of random numbers."""
    return isinstance(value, np.random.Generator) or is_torch_generator(value)


def snapshot(value: Any, deep: int = 0, gradients: bool = True) -> Any:
    """Numbers as arrays of their own, everything else by its parts, as far as they can be told.

    `gradients` says whether those that a tensor holds belong to it.
    """
    if value is None or isinstance(value, str | bytes | bool):
        return value
    if is_tensor(value):
        numbers = to_array(value)
        kept = None if numbers is None else numbers.copy()
        gradient = to_array(value.grad) if gradients and value.is_leaf else None
        if gradient is None or not gradient.any():  # none, or as good as none
            return kept
        return {"": kept, ".grad": gradient.copy()}
    if is_random(value):
        return snapshot(_state_of(value), deep, gradients)
    if is_module(value):
        return {
            ".mode": tuple([bool(part.training) for part in value.modules()]),
            ".asks": tuple([bool(part.requires_grad) for part in value.parameters()]),
            **{
                name: snapshot(part, deep, gradients)
                for name, part in [*value.named_parameters(), *value.named_buffers()]
            },
        }
    if isinstance(value, list | tuple) and len(value) <= MOST_PARTS and deep < DEEPEST:
        return tuple([snapshot(part, deep + 1, gradients) for part in value])
    if isinstance(value, dict) and len(value) <= MOST_PARTS and deep < DEEPEST:
        return {key: snapshot(part, deep + 1, gradients) for key, part in value.items()}
    numbers = to_array(value)
    if numbers is not None:
        return numbers.copy()
    if isinstance(value, list | tuple | set | frozenset | dict | range):
        return repr(value)
    held = getattr(value, "__dict__", None)
    if isinstance(held, dict) and not callable(value) and deep < 2:
        parts = snapshot(held, deep + 1, gradients)
        return {"type": type_name(value), **parts} if held else type_name(value)
    return type_name(value)


def _state_of(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return generator.get_state()


def alike(first: Any, second: Any, rtol: float = 1e-4) -> bool:
    """Whether two snapshots agree, down to the parts of dicts and tuples."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            alike(first[key], second[key], rtol) for key in first
        )
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(
            alike(one, two, rtol) for one, two in zip(first, second, strict=True)
        )
    return same(first, second, rtol)


def numbers_in(value: Any) -> np.ndarray | None:
    """All numbers of a snapshot in one row, or None where there are none, or other things too."""
    if isinstance(value, dict | tuple):
        parts = list(value.values()) if isinstance(value, dict) else list(value)
        rows = [row for row in map(numbers_in, parts) if row is not None]
        return np.concatenate(rows) if rows and len(rows) == len(parts) else None
    array = to_array(value)
    if array is None or array.dtype.kind not in "iuf":
        return None
    return np.atleast_1d(array.astype(np.float64)).ravel()
