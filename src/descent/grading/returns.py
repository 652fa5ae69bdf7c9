"""What an answer must return, written as an annotation: the first thing that is looked at.

A value of the wrong type often compares equal with the right one, or fails in a way that looks like
another mistake. So its type is judged before its behaviour, and in words of its own.
"""

from __future__ import annotations

import numbers
import types
import typing
from collections.abc import (
    Callable,
    Generator,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
    Set,
    Sized,
)
from typing import Any

import numpy as np

from descent.grading.differences import Difference
from descent.grading.notation import an, counted
from descent.grading.sandbox import guarded
from descent.grading.values import is_tensor, short, type_name

Kind = Any
"""``float``, ``int``, ``bool``, ``str``, ``bytes``, ``None``, a class, ``np.ndarray``, a tensor's
class, ``Any``; ``list[…]``, ``tuple[…]``, ``dict[…]``, ``Iterable[…]``, ``Iterator[…]``,
``Callable`` and unions with ``|`` of these."""

MOST_LOOKED_AT = 300
"""Entries of a list or dictionary that are looked at: the first, the last, and some between."""

_class_bases = type.__dict__["__mro__"].__get__


def in_words(kind: Kind) -> str:
    """What is returned, as the report's line says it: ``a list of whole numbers``."""
    return f"returns {_noun(kind)}"


def wrong_type(value: Any, kind: Kind) -> Difference | None:
    """How the type of `value` differs from `kind`, or None where it agrees.

    Numbers of numpy count as plain numbers, a whole number as a real one, and a list stands for a
    tuple and the other way round: whatever calls the answer takes both. Of a long list some entries
    are looked at; an iterator is not begun. Whatever a learner's own class does, there is an
    answer.
    """
    if kind is Any or (type(value) is kind and kind in _PLAIN):
        return None
    otherwise: Difference | None = _of_a_strange_class(value, kind)
    return guarded(lambda: _wrong_type(value, kind), otherwise)


_PLAIN = (float, int, bool, str, bytes)


def _of_a_strange_class(value: Any, kind: Kind) -> Difference:
    words = f"It is of type `{type_name(value)}`; it should be {_noun(kind)}."
    return Difference("type", words)


def _wrong_type(value: Any, kind: Kind) -> Difference | None:
    place = _first_wrong(value, kind)
    if place is None:
        return None
    where, found, wanted = place
    subject = f"{where} is" if where else "It is"
    if found is None:
        words = f"{subject} None; it should be {_noun(wanted)}."
        return Difference("none", words if where else f"{words} Is a `return` missing?")
    return Difference(
        "type", f"{subject} {_found(found, wanted)}; it should be {_noun(wanted)}."
        f"{_way(found, wanted)}"
    )  # fmt: skip


def _first_wrong(value: Any, kind: Kind, where: str = "") -> tuple[str, Any, Kind] | None:
    """The place, the value and the kind of the first part that does not fit."""
    options = _options(kind)
    if any(_fits(value, option) for option in options):
        return None
    # Of several kinds, the one that it is but for its parts.
    outer = [option for option in options if _parts(value, option) is not None]
    if len(outer) == 1:
        for place, part, part_kind in _parts(value, outer[0]) or ():
            inside = f"{where[:-1]}{place}`" if where else f"{_part_noun(value)} `{place}`"
            if (wrong := _first_wrong(part, part_kind, inside)) is not None:
                return wrong
        if (wrong_key := _wrong_key(value, outer[0], where)) is not None:
            return wrong_key
    return where, value, kind


def _part_noun(value: Any) -> str:
    return "What it has at" if isinstance(value, dict) else "Its entry"


def _wrong_key(value: Any, kind: Kind, where: str) -> tuple[str, Any, Kind] | None:
    arguments = typing.get_args(kind)
    if not isinstance(value, dict) or len(arguments) != 2:
        return None
    wrong = next((key for key in _some(list(value)) if _first_wrong(key, arguments[0])), None)
    if wrong is None:
        return None
    place = f"One of the keys of {where[0].lower()}{where[1:]}" if where else "One of its keys"
    return place, wrong, arguments[0]


def _origin(kind: Kind) -> Any:
    """``list`` of ``list[int]``."""
    return typing.get_origin(kind) or kind


def _options(kind: Kind) -> tuple[Kind, ...]:
    origin: Any = typing.get_origin(kind)
    return typing.get_args(kind) if origin in (types.UnionType, typing.Union) else (kind,)


def _fits(value: Any, kind: Kind) -> bool:
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    origin = _origin(kind)
    if origin is bool:
        return _is_a(value, (bool, np.bool_))
    if origin in (int, float):
        wanted = numbers.Integral if origin is int else numbers.Real
        return _is_a(value, (wanted,)) and not _is_a(value, (bool, np.bool_))
    if origin is np.ndarray:
        return _is_a(value, (np.ndarray, np.generic))
    if origin in (list, tuple, dict) or _parts(value, kind) is not None:
        parts = _parts(value, kind)
        return (
            parts is not None
            and all(_first_wrong(part, inner) is None for _, part, inner in parts)
            and _wrong_key(value, kind, "") is None
        )
    if origin is Callable:
        return callable(value)
    return _is_a(value, (origin,))


def _is_a(value: Any, kinds: tuple[Any, ...]) -> bool:
    """`isinstance`, which asks a value, and its class, that a learner may have made odd."""
    try:
        return isinstance(value, kinds)
    except Exception:
        return any(kind in _class_bases(type(value)) for kind in kinds)


def _parts(value: Any, kind: Kind) -> list[tuple[str, Any, Kind]] | None:
    """Some entries of a list, tuple or dictionary, each with its place, as Python writes it, and
    the kind that it should be; None where the value is none of these, or of another length."""
    origin = _origin(kind)
    arguments: list[Any] = list(typing.get_args(kind))
    if origin is dict:
        if not _is_a(value, (dict,)):
            return None
        inner = arguments[1] if arguments else Any
        return [(f"[{short(key)}]", value[key], inner) for key in _some(list(value))]
    if origin not in (list, tuple, Iterable, Sequence) or not _is_a(value, (list, tuple)):
        return None
    if not arguments:
        return []
    if origin is not tuple or arguments[-1] is Ellipsis:
        return [(f"[{place}]", value[place], arguments[0]) for place in _some(range(len(value)))]
    if len(value) != len(arguments):
        return None
    return [(f"[{i}]", part, of) for i, (part, of) in enumerate(zip(value, arguments, strict=True))]


def _some(places: Sequence[Any]) -> Sequence[Any]:
    """All of them, or the first, the last and some between."""
    if len(places) <= MOST_LOOKED_AT:
        return places
    step = len(places) / (MOST_LOOKED_AT - 1)
    chosen = [places[int(i * step)] for i in range(MOST_LOOKED_AT - 1)]
    return [*chosen, places[-1]]


def _found(value: Any, wanted: Kind) -> str:
    if _is_a(value, (np.bool_, bool)):
        return f"the truth value {value}"
    if _is_a(value, (numbers.Integral,)):
        return f"the whole number {short(value)}"
    if _is_a(value, (numbers.Real,)):
        written = short(value)
        point = "" if any(sign in written for sign in ".einN") else ".0"
        return f"the number {written}{point}, which is no `int`" if wanted is int else (
            f"the number {written}{point}"
        )  # fmt: skip
    if _is_a(value, (complex,)):
        return f"the complex number {short(value)}"
    if is_tensor(value) or _is_a(value, (np.ndarray,)) or _is_of_jax(value):
        noun = (
            "a tensor" if is_tensor(value) else "a JAX array" if _is_of_jax(value) else "an array"
        )
        if not value.ndim:
            return f"{noun} that holds one number, {short(value)}"
        return f"{noun} of shape {tuple(value.shape)}"
    if _is_a(value, (str, bytes)):
        return f"{'the text' if isinstance(value, str) else 'the bytes'} {short(value)}"
    if _is_a(value, (list, tuple, set, frozenset, dict)):
        name = {dict: "a dictionary"}.get(type(value), an(f"{type_name(value)}"))
        return f"{name} of {counted(len(value), 'entry')}" if len(value) else f"an empty {name[2:]}"
    if _is_a(value, (type,)):
        return f"the class `{type_name_of_class(value)}` itself"
    if _is_a(value, (types.GeneratorType,)):
        return "a generator"
    if _is_a(value, (types.FunctionType, types.MethodType, types.BuiltinFunctionType)):
        return f"the function `{short(value)}` itself" if value.__name__ != "<lambda>" else (
            "a function"
        )  # fmt: skip
    return f"of type `{type_name(value)}`"


def type_name_of_class(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(kind))


def _is_of_jax(value: Any) -> bool:
    return type(value).__module__.startswith(("jax", "jaxlib")) and hasattr(value, "ndim")


def _way(value: Any, kind: Kind) -> str:
    """How to get from what there is to what it should be, where that is one step."""
    is_array = is_tensor(value) or _is_a(value, (np.ndarray,)) or _is_of_jax(value)
    if is_array and value.ndim == 0 and kind in (int, float, bool):
        return " `.item()` gives it."
    if is_array and _origin(kind) is list:
        return " `.tolist()` makes one of it."
    is_number = _is_a(value, (numbers.Real,)) and abs(value) < float("inf")
    if kind is int and is_number and not _is_a(value, (bool, np.bool_)):
        return " `int`, `round` or `//` gives one."
    return ""


_NOUNS: dict[Any, tuple[str, str]] = {
    float: ("a plain number", "plain numbers"),
    int: ("a whole number", "whole numbers"),
    bool: ("True or False", "truth values"),
    str: ("a text", "texts"),
    bytes: ("bytes", "bytes"),
    None: ("None", "None"),
    type(None): ("None", "None"),
    np.ndarray: ("a numpy array", "numpy arrays"),
    complex: ("a complex number", "complex numbers"),
    Callable: ("a function", "functions"),
    list: ("a list", "lists"),
    tuple: ("a tuple", "tuples"),
    dict: ("a dictionary", "dictionaries"),
    set: ("a set", "sets"),
    frozenset: ("a frozenset", "frozensets"),
    Set: ("a set", "sets"),
    Mapping: ("a dictionary", "dictionaries"),
    Sequence: ("a sequence", "sequences"),
    Sized: ("something with a length", "things with a length"),
    Hashable: ("something that can be a key", "things that can be keys"),
    type: ("a class", "classes"),
    np.random.Generator: ("a random generator", "random generators"),
    Generator: ("a generator", "generators"),
    Iterable: ("something to loop over", "things to loop over"),
    Iterator: ("an iterator", "iterators"),
    Any: ("anything", "anything"),
}  # fmt: skip


def _noun(kind: Kind, several: bool = False) -> str:
    if len(options := _options(kind)) > 1:
        return " or ".join(_noun(option, several) for option in options)
    origin = _origin(kind)
    arguments = typing.get_args(kind)
    name = str(getattr(origin, "__name__", origin)).rpartition(".")[2]
    if origin in _NOUNS:
        noun = _NOUNS[origin][several]
    elif name == "Tensor":
        noun = "tensors" if several else "a tensor"
    elif name == "Array" and origin.__module__.startswith("jax"):
        noun = "JAX arrays" if several else "a JAX array"
    else:
        noun = f"`{name}` objects" if several else an(f"`{name}`")
    if origin is tuple and len(set(arguments)) == 1 < len(arguments):
        return f"{noun} of {len(arguments)} {_noun(arguments[0], True)}"
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return f"{noun} of {_listed([_noun(inner) for inner in arguments])}"
    if origin is dict and arguments:
        return f"{noun} of {_noun(arguments[1], True)} by {_noun(arguments[0], True)}"
    if not arguments or origin is Callable:
        return noun
    of = "that gives" if origin is Iterable else "of"
    return f"{noun} {of} {_noun(arguments[0], True)}"


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
