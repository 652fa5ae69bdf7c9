"""What is kept of the many values that pass through a class's methods: little, made quickly.

A training loop calls a method thousands of times. So small values are copied, of large ones the
beginning is kept, and what came back is held weakly: a record keeps no graph alive.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

import numpy as np

from descent.grading.values import is_tensor, short

MOST_COPIED = 5_000
"""An array, tensor or list with more elements than this is not copied."""

MOST_PARTS = 50
"""A list, tuple or dict of other things than plain numbers with more parts than this is not."""

DEEPEST = 3
"""So far down a nested list is copied."""

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, slice})
_NUMBERS = frozenset({bool, int, float, str})


class Beginning:
    """What is kept of a large array or tensor: its shape and its first numbers."""

    def __init__(self, kind: str, shape: tuple[int, ...], first: Any) -> None:
        self.kind, self.shape, self.first = kind, shape, first

    def __repr__(self) -> str:
        numbers = ", ".join(short(number) for number in self.first.tolist())
        return f"{self.kind} of shape {self.shape} starting {numbers}, …"


def small_copy(value: Any, deep: int = 0) -> Any:
    """A copy of a small value of a library's or Python's own; of a large one its `Beginning`.

    Anything else, such as a network, is returned itself: a report shows no more than its type.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if is_tensor(value):
        return _of_tensor(value)
    if kind is np.ndarray:
        return _of_array(value)
    if kind in (list, tuple, dict):
        return _of_parts(value, deep)
    return value


def _of_tensor(tensor: Any) -> Any:
    if operations_are_watched():
        return tensor  # a copy would be an operation more
    if tensor.numel() <= MOST_COPIED:
        return tensor.detach().clone()
    first = tensor.detach()[(0,) * (tensor.ndim - 1)][:4].clone()
    return Beginning("tensor", tuple(tensor.shape), first)


def operations_are_watched() -> bool:
    """Whether torch's operations are counted, timed or transformed just now."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    inner = torch._C
    return bool(
        inner._len_torch_function_stack()
        or inner._len_torch_dispatch_stack()
        or inner._autograd._profiler_enabled()
        or inner._functorch.peek_interpreter_stack() is not None
    )


def without_graph(value: Any) -> Any:
    """As `small_copy`, but of a single tensor no copy is made: quicker still."""
    if is_tensor(value) and not operations_are_watched() and value.numel() <= MOST_COPIED:
        return value.detach()
    return small_copy(value)


def _of_array(array: np.ndarray) -> Any:
    if array.dtype.hasobject:
        return array
    if array.size <= MOST_COPIED:
        return array.copy()
    first = array[(0,) * (array.ndim - 1)][:4].copy()
    return Beginning("array", array.shape, first)


def _of_parts(value: Any, deep: int) -> Any:
    if (
        type(value) is not dict
        and len(value) <= MOST_COPIED
        and _NUMBERS.issuperset(map(type, value))
    ):
        return value[:]
    if len(value) > MOST_PARTS or deep == DEEPEST:
        return value
    if type(value) is dict:
        return {key: small_copy(part, deep + 1) for key, part in value.items()}
    return type(value)([small_copy(part, deep + 1) for part in value])


_GONE = object()


class _Weak:
    """A reference that keeps nothing alive."""

    __slots__ = ("reference",)

    def __init__(self, reference: Any) -> None:
        self.reference = reference


def weakly(value: Any) -> Any:
    """What `strongly` makes `value` of again, while somebody else keeps it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind in (list, tuple):
        return tuple([weakly(part) for part in value[:MOST_PARTS]])
    try:
        return _Weak(weakref.ref(value))
    except TypeError:
        return value


def strongly(held: Any) -> Any:
    """What was held weakly; an object of nobody's where it is gone."""
    if type(held) is not _Weak:
        return held
    value = held.reference()
    if is_tensor(value) and hasattr(value, "_fix_weakref"):
        value._fix_weakref()  # a tensor may outlive its Python object (torch.utils.weak)
    return _GONE if value is None else value
