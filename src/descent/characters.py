"""Texts that can be written: JSON lets half of a character through, UTF-8 does not."""

from __future__ import annotations


def whole_characters(text: str) -> str:
    """Put a mark (U+FFFD) for each half of a character (a lone surrogate), as JupyterLab does."""
    if text.isascii():  # as nearly all of a record's ten thousand names are
        return text
    return text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
