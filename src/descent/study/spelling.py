"""What two spellings of one term share; the book's ``search.js`` compares words in the same way."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")


def term_key(name: str) -> str:
    """Return what two spellings of one term share: case, plural, hyphens and -ize aside."""
    return "".join(plain_words(name))


def plain_words(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, singular, British."""
    return [_plain_word(word) for word in _WORD.findall(text.casefold())]


def _plain_word(word: str) -> str:
    word = re.sub(r"iz(e[drs]?|ing|ations?)$", r"is\1", word)
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes")) else word[:-1]
