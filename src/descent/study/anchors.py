"""What a link to a heading ends in."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"\$[^$]*\$|[*`]")
_NO_WORD = re.compile(r"[^\w\u4e00-\u9fff\- ]")


def anchor_of(heading: str) -> str:
    """Return what MyST lets a link to a heading end in; it leaves formulas and emphasis out.

    Parameters
    ----------
    heading
        The heading as the author wrote it, in markdown.
    """
    title = _MARKUP.sub("", heading)
    return _NO_WORD.sub("", title.lower().replace(" ", "-"))
