"""Values as the grader sees them: one array form for numbers of every library, one short text."""

from __future__ import annotations

import copy
import numbers
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from descent.grading.sandbox import guarded

MOST_SHOWN = 16
"""An array with more elements than this is shown by its shape and its first elements."""

LONGEST = 400
"""Characters of a value that a report shows at most."""

MOST_KEPT = 1_000_000
"""An array or list with more elements than this is not kept whole."""

_ATOMS = frozenset({type(None), bool, int, float, complex, str})


_name_of_type = type.__dict__["__name__"].__get__


def type_name(value: Any) -> str:
    """The name of a value's class, whatever a metaclass of the learner's says."""
    return str(_name_of_type(type(value)))


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor, or of a class derived from it, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_torch_generator(value: Any) -> bool:
    """Whether `value` is a torch random generator, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Generator)


def to_array(value: Any) -> np.ndarray | None:
    """`value` as a numpy array of numbers or booleans, or None where it is neither.

    Accepts Python numbers, numpy and JAX arrays, torch tensors, and lists or tuples of them.
    """
    try:
        if is_tensor(value):
            value = value.detach().cpu()
            value = value.float() if str(value.dtype) == "torch.bfloat16" else value
            return _numeric(value.numpy())
        if isinstance(value, list | tuple):
            if _all_plain_numbers(value):
                return _numeric(np.array(value)) if value else np.zeros(0)
            parts = [to_array(part) for part in value]
            if any(part is None for part in parts):
                return None
            return _numeric(np.array(parts))
        if isinstance(value, numbers.Number | np.ndarray | np.generic):
            return _numeric(np.asarray(value))
        if hasattr(value, "__array__"):
            return _numeric(np.asarray(value))
    except Exception:  # ragged lists, exotic tensors, a learner's own __array__
        return None
    return None


def _all_plain_numbers(values: Sequence[Any]) -> bool:
    """Seen at once from the few types there are, however many the values."""
    kinds = set(map(type, values))
    return all(
        kind in (bool, int, float, complex) or issubclass(kind, np.generic) for kind in kinds
    )


def _numeric(array: np.ndarray) -> np.ndarray | None:
    if array.dtype.kind in "biufc":
        return array
    # JAX's bfloat16 and friends arrive as numpy extension types of kind "V".
    return array.astype(np.float64) if array.dtype.kind == "V" else None


def same(first: Any, second: Any, rtol: float = 1e-4) -> bool:
    """Whether two values agree: numbers to `rtol` of their scale, anything else exactly."""
    one, two = to_array(first), to_array(second)
    if one is not None and two is not None:
        if one.shape != two.shape:
            return False
        if (one == two).all():  # far quicker to see than that they are close
            return True
        scale = float(np.nanmax(np.abs(two), initial=0.0)) if two.size else 0.0
        scale = scale if np.isfinite(scale) else 1.0
        return bool(np.allclose(one, two, rtol=rtol, atol=rtol * 0.1 * scale, equal_nan=True))
    if (one is None) != (two is None) or type(first) is not type(second):
        return False
    if isinstance(first, list | tuple) and len(first) == len(second):
        return all(same(a, b, rtol) for a, b in zip(first, second, strict=True))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k], rtol) for k in first)
    try:
        return bool(first == second)
    except Exception:  # an object whose == fails is not the same
        return False


def independent_copy(value: Any) -> Any:
    """A copy that shares no memory with `value`; the value itself where it cannot be copied."""
    if type(value) in _ATOMS:
        return value
    if type(value) is list and _all_plain_numbers(value):
        return list(value)
    if callable(value) and not hasattr(value, "parameters"):
        return value
    if is_torch_generator(value):
        # deepcopy of one drops a reference to None at every call (torch 2.13), until Python stops.
        twin = type(value)(device=value.device)
        twin.set_state(value.get_state())
        return twin
    is_plain = is_tensor(value) and type(value).__name__ == "Tensor" and value.is_leaf
    if is_plain and value.grad is None:  # what deepcopy does, many times quicker
        return value.detach().clone().requires_grad_(value.requires_grad)
    try:
        return copy.deepcopy(value)
    except Exception:
        if is_tensor(value):  # a tensor inside an autograd graph refuses deepcopy
            return value.detach().clone().requires_grad_(value.requires_grad)
        return value


@dataclass(frozen=True)
class TooLarge:
    """What is kept of a value that is too large to keep: how a report shows it."""

    text: str

    def __repr__(self) -> str:
        return self.text


def worth_keeping(value: Any) -> Any:
    """`value`, or what stands for it in a report where it has over `MOST_KEPT` elements."""
    if isinstance(value, np.ndarray):
        size = value.size
    elif is_tensor(value):
        size = value.numel()
    else:
        size = len(value) if type(value) in (list, tuple, str, dict, set) else 0
    return TooLarge(short(value)) if size > MOST_KEPT else value


def short(value: Any) -> str:
    """`value` in one short line, numbers to 5 significant digits.

    It never fails, and takes no more than a second, whatever a learner's own class does.
    """
    known = type(value) in _ATOMS or (type(value) is np.ndarray and value.dtype.kind != "O")
    # A repr that fails (a module without super().__init__()) or never ends, a list in itself.
    otherwise = f"an object of type `{type_name(value)}`"
    text = _short(value) if known else guarded(lambda: _short(value), otherwise)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _short(value: Any) -> str:
    if isinstance(value, str | bytes):
        return repr(value[:LONGEST])
    if value is None or isinstance(value, bool | np.bool_):
        return repr(value)
    if isinstance(value, numbers.Integral):
        return _short_integer(int(value))
    if isinstance(value, numbers.Real):
        return f"{float(value):.5g}"
    if isinstance(value, tuple) and len(value) <= 6:
        return "(" + ", ".join(map(_short, value)) + ("," * (len(value) == 1)) + ")"
    if isinstance(value, dict) and len(value) <= 6:
        return "{" + ", ".join(f"{key!r}: {_short(part)}" for key, part in value.items()) + "}"
    array = to_array(value)
    if array is not None:
        return _short_array(value, array)
    if isinstance(value, list) and len(value) <= 6:
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, list | tuple | dict | set | frozenset) and len(value) > LONGEST:
        return f"a {type_name(value)} of {len(value)} entries"
    if isinstance(value, np.random.Generator) or is_torch_generator(value):
        return "a random generator"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}…"


def _short_integer(value: int) -> str:
    if value.bit_length() > LONGEST:  # Python refuses to write out thousands of digits
        return f"an integer of about {round(value.bit_length() * 0.30103)} digits"
    return str(value)


def _short_array(value: Any, array: np.ndarray) -> str:
    if array.ndim == 0:
        return _short(array.item())
    kind = "tensor" if is_tensor(value) else "array"
    numbers_ = [_short(item) for item in array.flat[:MOST_SHOWN].tolist()]
    if array.size > MOST_SHOWN:
        return f"{kind} of shape {array.shape} starting {', '.join(numbers_[:4])}, …"
    return _nested(numbers_, array.shape)


def _nested(parts: list[str], shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "[" + ", ".join(parts) + "]"
    step = len(parts) // shape[0] if shape[0] else 0
    rows = [_nested(parts[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
    return "[" + ", ".join(rows) + "]"
