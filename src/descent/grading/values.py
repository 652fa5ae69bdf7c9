"""Values as the grader sees them: one array form for numbers of every library, one short text."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import numbers
import random
import sys
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from descent.grading.notation import (
    an,
    counted,
    ends_of,
    first_of,
    integer_text,
    number_text,
    quoted,
    without_addresses,
)
from descent.grading.sandbox import guarded

MOST_SHOWN = 24
"""An array with more elements than this is shown by its shape, its first and its last elements."""

MOST_INSIDE = 6
"""As many for an array of several dimensions inside a list or dictionary: its shape says more."""

MOST_IN_A_ROW = 8
"""A large matrix with rows no longer than this is shown by its first and its last row."""

MOST_ENTRIES = 24
"""Entries of a list that are shown at most."""

MOST_FIRST = 6
"""Entries of a set or dictionary that are shown where it has more than `MOST_ENTRIES`."""

ROOM = 240
"""Characters for the entries of a list."""

DEEPEST = 3
"""Lists inside lists are shown down to here."""

MOST_OF_A_REPR = 80
"""Characters of what another class says of itself."""

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
            parts = []
            for part in value:
                array = to_array(part)
                if array is None:  # of a long list of something else only the first is looked at
                    return None
                parts.append(array)
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


def short(value: Any, dtype: bool = False) -> str:
    """`value` in one short line that says enough to do the case again by hand, if it is small.

    It never fails, and takes no more than a second, whatever a learner's own class does.

    Parameters
    ----------
    value : object
    dtype : bool
        Whether the type of an array's or tensor's numbers is told, for a comparison that fails by
        it. That of a number is the name of its class.
    """
    known = type(value) in _ATOMS or (type(value) is np.ndarray and value.dtype.kind != "O")
    # A repr that fails (a module without super().__init__()) or never ends, a list in itself.
    text = _short(value) if known else guarded(lambda: _short(value), _a_mere_object(value))
    if dtype:
        text += guarded(lambda: _with_dtype(value), "")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _a_mere_object(value: Any) -> str:
    return f"{an(f'`{type_name(value)}`')} object"


def _with_dtype(value: Any) -> str:
    kind = getattr(value, "dtype", None)
    if kind is not None:
        return f", of dtype {str(kind).removeprefix('torch.')}"
    return f" ({type_name(value)})" if isinstance(value, numbers.Number) else ""


def _short(value: Any, depth: int = 0, room: int = ROOM) -> str:
    """The text of one value; what is inside another has less room, and is shown to some depth."""
    if isinstance(value, str | bytes):
        return quoted(value)
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    if isinstance(value, numbers.Integral):
        return integer_text(int(value))
    if isinstance(value, numbers.Real):
        return number_text(float(value))
    if isinstance(value, complex | np.complexfloating):
        return _short_complex(complex(value))
    if isinstance(value, TooLarge):
        return value.text
    if isinstance(value, list | tuple | dict | set | frozenset):
        return _short_collection(value, depth, room)
    if is_tensor(value) or isinstance(value, np.ndarray) or hasattr(type(value), "__array__"):
        array = to_array(value)
        if array is not None:
            return _short_array(value, array, inside=depth > 0)
    return _short_object(value, depth, room)


def _short_complex(value: complex) -> str:
    sign = "-" if value.imag < 0 else "+"
    return f"{number_text(value.real)}{sign}{number_text(abs(value.imag))}j"


_BRACKETS = {list: ("[", "]"), tuple: ("(", ")"), dict: ("{", "}")}


def _short_collection(value: Any, depth: int, room: int) -> str:
    if len(value) == 0 and not isinstance(value, list | tuple | dict):
        return f"{type_name(value)}()"
    if depth > DEEPEST:
        return f"{an(type_name(value))} of {counted(len(value), 'entry')}"
    if names := _names_of_fields(value):
        return _short_fields(value, names, depth, room)
    kind = next((kind for kind in _BRACKETS if isinstance(value, kind)), dict)
    opens, closes = _BRACKETS[kind]
    keyed = isinstance(value, dict)
    if keyed or isinstance(value, set | frozenset):
        entries = list(itertools.islice(value, MOST_ENTRIES + 1))
    else:
        entries = value
    all_at_hand = len(entries) == len(value)
    inner = max(room // 2, 24)

    def show(entry: Any) -> str:
        if not keyed:
            return _short(entry, depth + 1, inner)
        return f"{_short(entry, depth + 1, inner)}: {_short(value[entry], depth + 1, inner)}"

    if not len(entries):
        return opens + closes
    if all_at_hand:
        text, whole = ends_of(entries, show, room, MOST_ENTRIES)
    else:  # of a set or dictionary the first ones alone can be had quickly
        text, whole = f"{first_of(entries[:MOST_FIRST], show, room)}, …", False
    if whole:
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        text = f"{opens}{text}{comma}{closes}"
        return f"frozenset({text})" if isinstance(value, frozenset) else text
    return f"{opens}{text}{closes} ({counted(len(value), 'entry')})"


def _names_of_fields(value: Any) -> tuple[str, ...]:
    """Of a named tuple."""
    names = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
    return names if len(names) == len(value) else ()


def _short_fields(value: Any, names: Sequence[str], depth: int, room: int) -> str:
    def show(name: str) -> str:
        return f"{name}={_short(getattr(value, name), depth + 1, max(room // 2, 24))}"

    return f"{type_name(value)}({ends_of(names, show, room, MOST_ENTRIES, 1)[0]})"


def _short_object(value: Any, depth: int, room: int) -> str:
    if isinstance(value, np.random.Generator | random.Random) or is_torch_generator(value):
        return "a random generator"
    if isinstance(value, types.GeneratorType):
        return "a generator"
    plain_repr = getattr(type(value), "__repr__", None) is object.__repr__
    if plain_repr and isinstance(value, Iterator):
        return "an iterator"
    if callable(value) and isinstance(getattr(value, "__name__", None), str):
        return "a function without a name" if value.__name__ == "<lambda>" else value.__name__
    if plain_repr:
        return _a_mere_object(value)
    if dataclasses.is_dataclass(value) and "repr" in str(type(value).__repr__.__qualname__):
        shown = [field.name for field in dataclasses.fields(value) if field.repr]
        if depth <= DEEPEST and shown:
            return _short_fields(value, shown, depth, room)
    written = repr(value)
    text = " ".join(without_addresses(written).split())
    if len(text) <= MOST_OF_A_REPR:
        return text
    return _a_mere_object(value) if "\n" in written else f"{text[: MOST_OF_A_REPR - 3]}…"


def _short_array(value: Any, array: np.ndarray, inside: bool = False) -> str:
    """All of a small one; of a large one its shape, and its first and last numbers."""
    if array.ndim == 0:
        return _short(array.item())
    most = MOST_INSIDE if inside and array.ndim > 1 else MOST_SHOWN
    if array.size <= most:
        return _nested([_short(item) for item in array.ravel().tolist()], array.shape)
    kind = f"{'tensor' if is_tensor(value) else 'array'} of shape {array.shape}"
    if inside and array.ndim > 1:
        return kind
    first, last = (array.flat[edge].tolist() for edge in (slice(0, 3), slice(-3, None)))
    if array.ndim == 2 and array.shape[1] <= MOST_IN_A_ROW:
        rows = [_nested(list(map(_short, row.tolist())), row.shape) for row in array[[0, -1]]]
        return f"{kind}: [{rows[0]}, …, {rows[1]}]"
    listed = ", ".join([*map(_short, first), "…", *map(_short, last)])
    return f"{kind}: {f'[{listed}]' if array.ndim == 1 else listed}"


def _nested(parts: list[str], shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "[" + ", ".join(parts) + "]"
    step = len(parts) // shape[0] if shape[0] else 0
    rows = [_nested(parts[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]
    return "[" + ", ".join(rows) + "]"
