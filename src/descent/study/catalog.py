"""The catalog: every chapter of the course, read from the headers of the chapter sources."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.parts import find_part, part_order
from descent.study.paths import CourseNotFound, course_root

__all__ = [
    "CatalogError",
    "Chapter",
    "CourseNotFound",
    "Header",
    "HeaderError",
    "Reading",
    "Recall",
    "course_order",
    "course_root",
    "find_chapter",
    "load_catalog",
    "read_chapter",
    "read_header",
]

_REQUIRED = ("title", "subtitle", "part", "hours", "teaches", "builds", "number", "data", "recall")
_OPTIONAL = ("needs", "run", "readings")
_FILE_NAME = re.compile(r"(\d+)_([a-z][a-z0-9_]*)")
_CHAPTER_ID = re.compile(r"[a-z][a-z0-9_]*/\d+_[a-z][a-z0-9_]*")
_EXERCISE_CELL = re.compile(r'^# %%.*\bexercise="([^"]*)"', re.MULTILINE)


class CatalogError(CourseError):
    """The catalog cannot answer: an unknown chapter, or sources that contradict each other."""


class HeaderError(CatalogError):
    """The header of a chapter source is wrong; the message names the file and the field."""


@dataclass(frozen=True)
class Reading:
    """A source worth reading: its bibliography key, the place to read and what to skip."""

    key: str
    where: str
    skip: str | None = None


@dataclass(frozen=True)
class Recall:
    """One question of a chapter's recall section, with its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Header:
    """What the YAML header of a chapter source says, field by field."""

    title: str
    subtitle: str
    part: str
    hours: float
    needs: tuple[str, ...]
    teaches: tuple[str, ...]
    builds: str
    number_to_match: str
    data: str
    run: str | None
    readings: tuple[Reading, ...]
    recall: tuple[Recall, ...]


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
    return _parse_header(path, _read_text(path))


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
    chapters = load_catalog()
    wanted = _normal_name(name)
    for rule in (_is_exactly, _is_called, _has_number, _starts_with):
        found = [chapter for chapter in chapters if rule(chapter, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            meant = ", ".join(chapter.id for chapter in found)
            raise CatalogError(f"'{name}' could be any of: {meant}.")
    raise CatalogError(f"There is no chapter '{name}'. {_near_names(wanted, chapters)}")


def _normal_name(name: str) -> str:
    """Reduce an id, a path or a file name to ``part/NN_slug``, or as much of it as was given."""
    wanted = name.strip().replace("\\", "/").removesuffix(".ipynb").removesuffix(".py").strip("/")
    is_path = wanted.count("/") > 1
    return "/".join(wanted.split("/")[-2:]) if is_path else wanted


def _is_exactly(chapter: Chapter, wanted: str) -> bool:
    return wanted in (chapter.id, chapter.name, chapter.slug, f"{chapter.part}/{chapter.slug}")


def _is_called(chapter: Chapter, wanted: str) -> bool:
    shown = str(int(wanted)) if wanted.isdecimal() else wanted.casefold()
    return shown in (chapter.mark.casefold(), chapter.reference.casefold())


def _has_number(chapter: Chapter, wanted: str) -> bool:
    part, _, number = wanted.rpartition("/")
    return part in ("", chapter.part) and number.isdecimal() and int(number) == chapter.number


def _starts_with(chapter: Chapter, wanted: str) -> bool:
    return bool(wanted) and (
        chapter.id.startswith(wanted)
        or chapter.name.startswith(wanted)
        or chapter.slug.startswith(wanted)
    )


def _near_names(wanted: str, chapters: list[Chapter]) -> str:
    """Say which chapters have names like the one that was asked for."""
    if not chapters:
        return "This course has no chapters yet."
    names = {alias: chapter.id for chapter in chapters for alias in (chapter.id, chapter.slug)}
    near = [names[alias] for alias in difflib.get_close_matches(wanted, list(names), n=6)]
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(near))}?"
    return f"There are: {', '.join(chapter.id for chapter in chapters)}."


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
    header = _parse_header(path, text)
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


def _parse_header(path: Path, text: str) -> Header:
    fields = _yaml_block(path, text)
    for name in _REQUIRED:
        if fields.get(name) is None:
            raise HeaderError(f"{path}: field '{name}' is missing from the header.")
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            raise HeaderError(f"{path}: field '{name}' is not a header field.")
    read = _FieldReader(path, fields)
    return Header(
        title=read.text("title"),
        subtitle=read.line("subtitle"),
        part=read.line("part"),
        hours=read.hours(),
        needs=read.needs(),
        teaches=read.texts("teaches"),
        builds=read.text("builds"),
        number_to_match=read.text("number"),
        data=read.text("data"),
        run=None if fields.get("run") is None else read.text("run"),
        readings=read.readings(),
        recall=read.recall(),
    )


def _yaml_block(path: Path, text: str) -> dict[str, Any]:
    """Return the fields between the two ``# ---`` lines a source begins with."""
    import yaml

    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "# ---":
        raise HeaderError(f"{path}: the first line must be '# ---', which opens the header.")
    block = []
    for line in lines[1:]:
        if line.rstrip() == "# ---":
            break
        if not line.startswith("#"):
            raise HeaderError(f"{path}: the header is not closed by a line '# ---'.")
        block.append(line[1:].removeprefix(" "))
    else:
        raise HeaderError(f"{path}: the header is not closed by a line '# ---'.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        fields = yaml.load("\n".join(block), Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 2}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise HeaderError(f"{path}{where}: the header is not YAML ({problem}).") from error
    if not isinstance(fields, dict):
        raise HeaderError(f"{path}: the header has no fields.")
    return fields


class _FieldReader:
    """Reads the fields of one header, each as the kind of thing it must be."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.path = path
        self.fields = fields

    def wrong(self, name: str, wanted: str) -> HeaderError:
        return HeaderError(f"{self.path}: field '{name}' must be {wanted}.")

    def text(self, name: str) -> str:
        value = self.fields[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(name, "a text")
        if not str(value).strip():
            raise self.wrong(name, "a text that is not empty")
        return str(value).strip()

    def line(self, name: str) -> str:
        value = self.text(name)
        if "\n" in value:
            raise self.wrong(name, "one line")
        return value

    def hours(self) -> float:
        value = self.fields["hours"]
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.wrong("hours", "a number of hours above zero")
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "a list of texts")
        return tuple(item.strip() for item in value)

    def needs(self) -> tuple[str, ...]:
        ids = self.texts("needs")
        for chapter_id in ids:
            if not _CHAPTER_ID.fullmatch(chapter_id):
                raise self.wrong("needs", f"a list of chapter ids; '{chapter_id}' is not one")
        return ids

    def records(
        self, name: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """Return a list of mappings that have all of ``keys`` and perhaps the optional ones."""
        value = self.fields.get(name) or []
        wanted = f"a list of {{{', '.join(keys)}}}"
        if not isinstance(value, list):
            raise self.wrong(name, wanted)
        for place, item in enumerate(value, start=1):
            if not isinstance(item, dict):
                raise self.wrong(name, f"{wanted}; entry {place} is not")
            no_others = set(item) <= set(keys + optional)
            texts = all(isinstance(item.get(key), str | int | float) for key in keys)
            if not no_others or not texts:
                raise self.wrong(name, f"{wanted}; entry {place} is not")
        return value

    def readings(self) -> tuple[Reading, ...]:
        entries = self.records("readings", ("key", "where"), ("skip",))
        return tuple(
            Reading(str(item["key"]), str(item["where"]), item.get("skip")) for item in entries
        )

    def recall(self) -> tuple[Recall, ...]:
        entries = self.records("recall", ("q", "a"))
        return tuple(Recall(str(item["q"]), str(item["a"])) for item in entries)
