"""One notation for what reports show: numbers, texts, and the entries of what is too long."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

DIGITS = 5
"""Significant digits of a number that is not whole."""

PLAIN_FROM, PLAIN_TO = 1e-4, 1e7
"""Between these sizes a number is written without an exponent."""

WHOLE_TO = 1e15
"""A whole number below this is written out, whether it is an int or a float."""

MOST_DIGITS = 120
"""Digits of an integer that are written out."""

MOST_OF_A_TEXT = 120
"""Characters of a text, or bytes, that are shown whole."""

MOST_OF_MANY = 12
"""Entries that are shown of a list that is not shown whole."""


def number_text(value: float) -> str:
    """A number in decimals, to 5 significant digits: ``0.33333``, ``528000``, ``2.5e-07``.

    A float that is a whole number reads as the integer does, so that one can stand beside the
    other.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"
    size = abs(value)
    if value == int(value) and size < WHOLE_TO:
        return str(int(value))
    if not PLAIN_FROM <= size < PLAIN_TO:
        return f"{value:.{DIGITS}g}"
    decimals = max(DIGITS - 1 - math.floor(math.log10(size)), 1)
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def integer_text(value: int) -> str:
    """An integer in full, or how long it is."""
    if value.bit_length() * math.log10(2) > MOST_DIGITS:  # str() refuses thousands of digits
        return f"an integer of about {round(value.bit_length() * math.log10(2))} digits"
    return str(value)


def quoted(value: str | bytes) -> str:
    """A text or bytes as Python writes them; a long one by its two ends and its length."""
    if len(value) <= MOST_OF_A_TEXT:
        return repr(value)
    half = MOST_OF_A_TEXT // 2
    while max(len(repr(value[:half])), len(repr(value[-half:]))) > MOST_OF_A_TEXT:
        half //= 2  # escapes such as \\x00 take their room
    unit = "characters" if isinstance(value, str) else "bytes"
    return f"{value[:half]!r} … {value[-half:]!r} ({len(value)} {unit})"


_OBJECT_AT = re.compile(r"<(?:[\w<>]+\.)*(\w+) object at 0x[0-9a-fA-F]+>")
_FUNCTION_AT = re.compile(
    r"<(?:built-in )?(?:function|method|bound method) (?:[\w<>]+\.)*(\w+)"
    r"(?: of <[^<>]*(?:<[^<>]*>[^<>]*)*>)?(?: at 0x[0-9a-fA-F]+)?>"
)
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def without_addresses(text: str) -> str:
    """A repr without places in memory, which are others each time and tell nobody anything."""
    text = _OBJECT_AT.sub(r"a `\1` object", text)
    return _ADDRESS.sub("", _FUNCTION_AT.sub(r"\1", text))


def an(noun: str) -> str:
    """The noun with its article: ``a `Block` ``, ``an `Adam` ``."""
    letter = noun.lstrip("`_").lower()[:1]
    return f"{'an' if letter in 'aeiou' and letter else 'a'} {noun}"


def counted(count: int, noun: str) -> str:
    """``1 number``, ``3 numbers``, ``2 entries``."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count} {noun if count == 1 else several}"


def ends_of(
    entries: Sequence[Any], show: Callable[[Any], str], room: int, most: int, last: int = 3
) -> tuple[str, bool]:
    """The entries, separated by commas: all of them where there is room, else the first and last.

    Parameters
    ----------
    entries : sequence
        Only those that may be shown are looked at.
    show : callable
        The text of one.
    room : int
        Characters for all of them.
    most : int
        So many are shown at most.
    last : int
        So many of them are the last ones, where not all are shown.

    Returns
    -------
    str
    bool
        Whether all are shown.
    """
    if len(entries) <= most:
        shown = list(_while_there_is_room(map(show, entries), room))
        if len(shown) == len(entries):
            return ", ".join(shown), True
    last = min(last, len(entries) - 1)
    most = min(most, MOST_OF_MANY)
    back = list(_while_there_is_room((show(entry) for entry in entries[-last:][::-1]), room // 2))
    back = back[::-1] or [show(entries[-1])]
    first = entries[: min(most - len(back), len(entries) - len(back))]
    front = first_of(first, show, room - sum(map(len, back)))
    return ", ".join([front, "…", *back]), False


def first_of(entries: Sequence[Any], show: Callable[[Any], str], room: int) -> str:
    """As many of the entries as there is room for, separated by commas, and one at least."""
    return ", ".join(list(_while_there_is_room(map(show, entries), room)) or [show(entries[0])])


def _while_there_is_room(texts: Iterator[str], room: int) -> Iterator[str]:
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            return
        yield text
