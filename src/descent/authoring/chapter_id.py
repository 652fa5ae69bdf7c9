"""The name of a chapter, ``part/NN_slug``, and the names that were used once."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

from descent.authoring.problems import AuthoringError

RETIRED = "solutions/retired_chapters.txt"
"""Chapters that were taken away, an id a line; their numbers are never used again."""

_NAME = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)/([0-9]{1,3})_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")


@dataclass(frozen=True)
class ChapterId:
    """A part, a number in it and a slug; as text ``part/NN_slug``."""

    part: str
    number: int
    slug: str

    def __str__(self) -> str:
        return f"{self.part}/{self.number:02d}_{self.slug}"

    @property
    def file(self) -> str:
        """The name of its source."""
        return f"{self.number:02d}_{self.slug}.py"

    @property
    def title(self) -> str:
        """What it is called as long as nobody has said otherwise."""
        return self.slug.replace("_", " ").capitalize()


def parse_id(text: str) -> ChapterId:
    """Read a chapter's name; its number may lack the leading zero.

    Raises
    ------
    AuthoringError
        When it is none; the message says how one is written.
    """
    found = _NAME.fullmatch(text.strip().removesuffix(".py"))
    if found is None:
        raise AuthoringError(
            f"'{text}' is not a chapter's name. Write part/number_slug, in lower case and with "
            "underscores, such as foundations/1_linear_algebra."
        )
    made = ChapterId(found[1], int(found[2]), found[3])
    if made.number == 0:
        raise AuthoringError(f"'{text}' has the number 0: the first chapter of a part is 1.")
    for word in (made.part, made.slug):
        if keyword.iskeyword(word):
            raise AuthoringError(f"'{word}' is a word of Python, which no module can be called.")
    return made


def retired_ids(root: Path) -> list[ChapterId]:
    """Read which chapters were taken away; none where there is no such list.

    Raises
    ------
    AuthoringError
        When a line is not a chapter's name.
    """
    path = root / RETIRED
    if not path.is_file():
        return []
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    try:
        return [parse_id(line) for line in lines if line]
    except AuthoringError as error:
        raise AuthoringError(f"{RETIRED}: {error}") from error
