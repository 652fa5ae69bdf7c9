"""What a link to a heading ends in: one form in markdown, another in the finished page."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = re.compile(r"\$[^$]*\$")
_MARKUP = re.compile(r"[$*`]")
_NO_WORD = re.compile(r"[^\w\u4e00-\u9fff\- ]")
_NO_ID = re.compile(r"[^a-z0-9]+")
_ENDS = re.compile(r"^[-0-9]+|-+$")


def anchor_of(heading: str) -> str:
    """Return what MyST lets a link in markdown end in; it leaves formulas and emphasis out.

    Parameters
    ----------
    heading
        The heading as the author wrote it, in markdown.
    """
    title = _MARKUP.sub("", _FORMULA.sub("", heading))
    return _NO_WORD.sub("", title.lower().replace(" ", "-"))


def page_anchor(heading: str) -> str:
    """Return the id a heading has in the built page, which docutils makes of its text.

    Parameters
    ----------
    heading
        As for :func:`anchor_of`.
    """
    title = unicodedata.normalize("NFKD", _MARKUP.sub("", heading).lower())
    plain = title.encode("ascii", "ignore").decode("ascii")
    return _ENDS.sub("", _NO_ID.sub("-", " ".join(plain.split())))
