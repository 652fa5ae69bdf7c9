"""The catalog: every chapter of the course, read from the headers of the chapter sources."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from descent.study.chapter_names import find_named
from descent.study.header import CatalogError, Header, HeaderError, parse_header
from descent.study.parts import find_part, part_order
from descent.study.paths import CourseNotFound, course_root

__all__ = [
    "CatalogError",
    "Chapter",
    "CourseNotFound",
    "Header",
    "HeaderError",
    "course_order",
    "course_root",
    "find_chapter",
    "load_catalog",
    "read_chapter",
    "read_header",
]

_FILE_NAME = re.compile(r"(\d+)_([a-z][a-z0-9_]*)")
_EXERCISE_CELL = re.compile(r'^# %%.*\bexercise="([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Chapter(Header):
    """A chapter: its header, its place in the course, its exercises and its three files."""

    id: str
    number: int
    slug: str
    exercises: tuple[str, ...]
    source: Path
    notebook: Path
    solution: Path

    @property
    def name(self) -> str:
        """The file name without its ending, such as ``01_scalar_regression``."""
        return self.source.stem

    @property
    def mark(self) -> str:
        """The number as it is shown: ``13`` on the ladder, ``R3`` among the research chapters."""
        return find_part(self.part).mark(self.number)

    @property
    def heading(self) -> str:
        """The title with its number: ``13 · The causal transformer``."""
        return f"{self.mark} · {self.title}"

    @property
    def reference(self) -> str:
        """The chapter as prose calls it: ``rung 13``, ``Research 3``."""
        return find_part(self.part).reference(self.number)


def read_header(path: Path) -> Header:
    """Read the header of a chapter source.

    Parameters
    ----------
    path
        A percent-format ``.py`` file that begins with a commented YAML block.

    Returns
    -------
    Header
        Every field, checked.

    Raises
    ------
    HeaderError
        When the block or a field is missing, unknown or of the wrong kind; the message names the
        file and the field.
    """
    return parse_header(path, _read_text(path))


def read_chapter(path: Path, root: Path | None = None) -> Chapter:
    """Read one chapter source, ``solutions/<part>/NN_slug.py``.

    Parameters
    ----------
    path
        The source.
    root
        The course it belongs to; by default the folder two above the source's own.

    Raises
    ------
    HeaderError
        When the header is wrong, the file name is not ``NN_slug.py``, or the header's part is not
        the folder's name.
    """
    path = path.resolve()
    root = path.parents[2] if root is None else root.resolve()
    status = _status(path)
    return _read_chapter(path, root, status)


def load_catalog() -> list[Chapter]:
    """Read every chapter of the course, in the order it is meant to be worked through.

    Returns
    -------
    list of Chapter
        Ordered by part, then by number.

    Raises
    ------
    HeaderError
        When a chapter's header is wrong.
    CatalogError
        When two chapters have one number.
    """
    root = course_root()
    sources = sorted(
        path for path in (root / "solutions").glob("*/*.py") if not path.name.startswith(("_", "."))
    )
    chapters = sorted((read_chapter(path, root) for path in sources), key=course_order)
    for first, second in zip(chapters, chapters[1:], strict=False):
        if (first.part, first.number) == (second.part, second.number):
            raise CatalogError(f"{first.id} and {second.id} have the same number.")
    return chapters


def find_chapter(name: str) -> Chapter:
    """Find the chapter a person means.

    Parameters
    ----------
    name
        Its number as it is shown (``1``, ``01``, ``R3``) or as prose says it (``Research 3``), its
        id (``ladder/01_scalar_regression``), the beginning of one (``ladder/01``, ``ladder/1``),
        its slug (``scalar_regression``), or the path of one of its files.

    Raises
    ------
    CatalogError
        When no chapter, or more than one, answers to the name; the message lists near names.
    """
    return find_named(name, load_catalog())


def course_order(chapter: Chapter) -> tuple[int, str, int, str]:
    """Sort key that puts chapters in the order of the course: by part, then by number."""
    return *part_order(chapter.part), chapter.number, chapter.slug


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HeaderError(f"{path}: cannot be read ({error}).") from error


def _status(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written, so that an unchanged one is parsed once."""
    try:
        found = path.stat()
    except OSError as error:
        raise HeaderError(f"{path}: cannot be read ({error}).") from error
    return found.st_mtime_ns, found.st_size


@functools.lru_cache(maxsize=256)
def _read_chapter(path: Path, root: Path, status: tuple[int, int]) -> Chapter:
    text = _read_text(path)
    header = parse_header(path, text)
    match = _FILE_NAME.fullmatch(path.stem)
    if match is None:
        raise HeaderError(f"{path}: a chapter's file is named NN_slug.py, in lower case.")
    if header.part != path.parent.name:
        raise HeaderError(
            f"{path}: field 'part' says '{header.part}', but the folder is '{path.parent.name}'."
        )
    place = Path(header.part, path.stem)
    return Chapter(
        **vars(header),
        id=place.as_posix(),
        number=int(match[1]),
        slug=match[2],
        exercises=tuple(_EXERCISE_CELL.findall(text)),
        source=path,
        notebook=root / "notebooks" / place.with_suffix(".ipynb"),
        solution=root / "solutions" / place.with_suffix(".ipynb"),
    )
