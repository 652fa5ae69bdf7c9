"""Tiny Shakespeare: about a million characters from his plays, in one text."""

from __future__ import annotations

from typing import NamedTuple

from descent.data.fetch import KnownFile, UnavailableFile, read
from descent.data.offline import warn_once

SOURCE = "tiny Shakespeare"
OFFLINE_SOURCE = "Python's own help text (offline default)"

FILE = KnownFile(
    name="tinyshakespeare/input.txt",
    sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    size=1_115_394,
    mirrors=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
        "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
    ),
)


class Text(NamedTuple):
    """A text and where it comes from.

    Attributes
    ----------
    text : all of it.
    source : "tiny Shakespeare", or which offline default stands in for it.
    """

    text: str
    source: str


def shakespeare() -> Text:
    """The plays, or a loudly announced stand-in where they cannot be had.

    Returns
    -------
    Text. Without a copy and without a network: the English of Python's help pages, and `.source`
    says so.

    Raises
    ------
    RefusedFile : a copy was found, and it is damaged or another text.
    """
    try:
        return Text(read(FILE).decode("utf-8"), SOURCE)
    except UnavailableFile as reason:
        warn_once(SOURCE, OFFLINE_SOURCE, reason)
        return offline_text()


def offline_text() -> Text:
    """The embedded default: what `help("topics")` can show, one page after another."""
    from pydoc_data.topics import topics

    return Text("\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n", OFFLINE_SOURCE)
