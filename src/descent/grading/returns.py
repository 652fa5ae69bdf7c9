"""What an answer must return, written as an annotation: the first thing that is looked at.

A value of the wrong type often compares equal with the right one, or fails in a way that looks like
another mistake. So its type is judged before its behaviour, and in words of its own.
"""

from __future__ import annotations

import numbers
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from descent.grading.differences import Difference
from descent.grading.values import is_tensor, short, type_name

Kind = Any
"""``float``, ``int``, ``bool``, ``str``, ``bytes``, ``None``, a class, ``np.ndarray``, a tensor's
class, ``Any``; ``list[…]``, ``tuple[…]``, ``dict[…]``, ``Iterable[…]``, ``Iterator[…]``,
``Callable`` and unions with ``|`` of these."""


def in_words(kind: Kind) -> str:
    """What is returned, as the report's line says it: ``a list of whole numbers``."""
    return f"returns {_noun(kind)}"


def wrong_type(value: Any, kind: Kind) -> Difference | None:
    """How the type of `value` differs from `kind`, or None where it agrees.

    Numbers of numpy count as plain numbers, a whole number as a real one, and a list stands for a
    tuple and the other way round: whatever calls the answer takes both.
    """
    place = _first_wrong(value, kind)
    if place is None:
        return None
    where, found, wanted = place
    subject = f"{where} is" if where else "It is"
    if found is None:
        words = f"{subject} None; it should be {_noun(wanted)}."
        return Difference("none", words if where else f"{words} Is a `return` missing?")
    return Difference(
        "type", f"{subject} {_found(found)}; it should be {_noun(wanted)}.{_way(found, wanted)}"
    )


def _first_wrong(value: Any, kind: Kind, where: str = "") -> tuple[str, Any, Kind] | None:
    """The place, the value and the kind of the first part that does not fit."""
    options = _options(kind)
    if any(_fits(value, option) for option in options):
        return None
    if len(options) == 1 and (parts := _parts(value, kind)) is not None:
        for place, part, part_kind in parts:
            inside = f"{where}[{place}]" if where else f"Its entry {place}"
            if (wrong := _first_wrong(part, part_kind, inside)) is not None:
                return wrong
    return where, value, kind


def _options(kind: Kind) -> tuple[Kind, ...]:
    origin: Any = typing.get_origin(kind)
    return typing.get_args(kind) if origin in (types.UnionType, typing.Union) else (kind,)


def _fits(value: Any, kind: Kind) -> bool:
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    origin: Any = typing.get_origin(kind) or kind
    if origin is bool:
        return isinstance(value, bool | np.bool_)
    if origin in (int, float):
        wanted = numbers.Integral if origin is int else numbers.Real
        return isinstance(value, wanted) and not isinstance(value, bool | np.bool_)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray | np.generic)
    if origin in (list, tuple):
        parts = _parts(value, kind)
        return parts is not None and all(
            _first_wrong(part, inner) is None for _, part, inner in parts
        )
    if origin is dict and typing.get_args(kind) and isinstance(value, dict):
        of_key, of_value = typing.get_args(kind)
        keys_fit = all(_first_wrong(key, of_key) is None for key in value)
        return keys_fit and all(_first_wrong(part, of_value) is None for part in value.values())
    if origin is Callable:
        return callable(value)
    return isinstance(value, origin)


def _parts(value: Any, kind: Kind) -> list[tuple[int, Any, Kind]] | None:
    """Every entry of a list or tuple with the kind it should be; None where the length is wrong."""
    origin: Any = typing.get_origin(kind) or kind
    arguments = typing.get_args(kind)
    if origin not in (list, tuple) or not isinstance(value, list | tuple):
        return None
    if not arguments:
        return []
    if origin is list or arguments[-1] is Ellipsis:
        return [(place, part, arguments[0]) for place, part in enumerate(value)]
    if len(value) != len(arguments):
        return None
    return [(i, part, inner) for i, (part, inner) in enumerate(zip(value, arguments, strict=True))]


def _found(value: Any) -> str:
    if isinstance(value, np.bool_ | bool):
        return f"the truth value {value}"
    if isinstance(value, numbers.Real):
        return f"the number {short(value)}"
    if is_tensor(value):
        return (
            "a tensor" if value.ndim else f"a tensor that holds one number, {short(value.item())}"
        )
    if isinstance(value, np.ndarray):
        return "an array" if value.ndim else "an array that holds one number"
    if isinstance(value, list | tuple):
        return f"a {type_name(value)} of {len(value)}"
    return f"of type `{type_name(value)}`"


def _way(value: Any, kind: Kind) -> str:
    """How to get from a tensor or array to the number it holds."""
    holds_one = (is_tensor(value) or isinstance(value, np.ndarray)) and value.ndim == 0
    return " `.item()` gives it." if holds_one and kind in (int, float, bool) else ""


_NOUNS: dict[Any, tuple[str, str]] = {
    float: ("a plain number", "plain numbers"),
    int: ("a whole number", "whole numbers"),
    bool: ("True or False", "truth values"),
    str: ("a text", "texts"),
    bytes: ("bytes", "bytes"),
    None: ("None", "None"),
    type(None): ("None", "None"),
    np.ndarray: ("a numpy array", "numpy arrays"),
    Callable: ("a function", "functions"),
    list: ("a list", "lists"),
    tuple: ("a tuple", "tuples"),
    dict: ("a dictionary", "dictionaries"),
    Iterable: ("something to loop over", "things to loop over"),
    Iterator: ("something to loop over once", "things to loop over once"),
    Any: ("anything", "anything"),
}  # fmt: skip


def _noun(kind: Kind, several: bool = False) -> str:
    if len(options := _options(kind)) > 1:
        return " or ".join(_noun(option, several) for option in options)
    origin: Any = typing.get_origin(kind) or kind
    arguments = typing.get_args(kind)
    if origin in _NOUNS:
        noun = _NOUNS[origin][several]
    elif origin.__name__ == "Tensor":
        noun = "tensors" if several else "a tensor"
    else:
        noun = f"`{origin.__name__}` objects" if several else f"a `{origin.__name__}`"
    if origin is tuple and arguments and arguments[-1] is not Ellipsis:
        return f"{noun} of {_listed([_noun(inner) for inner in arguments])}"
    if origin is dict and arguments:
        return f"{noun} of {_noun(arguments[1], True)} by {_noun(arguments[0], True)}"
    return (
        f"{noun} of {_noun(arguments[0], True)}" if arguments and origin is not Callable else noun
    )


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
