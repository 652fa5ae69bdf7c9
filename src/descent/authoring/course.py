"""All chapters of one course folder, with what they share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from descent.authoring.chapter_id import retired_ids
from descent.authoring.citations import Bibliography
from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter, HeaderError, course_order, read_chapter


@dataclass(frozen=True)
class Course:
    """A course folder and the chapters whose headers could be read.

    Attributes
    ----------
    root
        The folder that holds ``solutions/``.
    chapters
        By part and number.
    problems
        One line for each source whose header is wrong, or whose number is another's.
    """

    root: Path
    chapters: tuple[Chapter, ...]
    problems: tuple[str, ...]

    @cached_property
    def bibliography(self) -> Bibliography:
        """The works that may be cited, from ``book/references.bib``."""
        return Bibliography.read(self.root / "book" / "references.bib", self.name_of)

    def find(self, chapter_id: str) -> Chapter | None:
        """Return the chapter with exactly this id, or None."""
        return next((chapter for chapter in self.chapters if chapter.id == chapter_id), None)

    def select(self, only: str | Iterable[str] | None) -> tuple[Chapter, ...]:
        """Return the chapters meant by ids, numbers, parts or slugs; None means all.

        Raises
        ------
        AuthoringError
            When a name means no chapter.
        """
        if only is None:
            return self.chapters
        names = [only] if isinstance(only, str) else list(only)
        unknown = [name for name in names if not any(_is_meant(c, name) for c in self.chapters)]
        if unknown:
            raise AuthoringError([f"There is no chapter '{name}'." for name in unknown])
        return tuple(c for c in self.chapters if any(_is_meant(c, name) for name in names))

    def name_of(self, path: Path) -> str:
        """Return a path as the author writes it, from the course folder on."""
        return Path(os.path.relpath(path, self.root)).as_posix()


def load_course(root: Path) -> Course:
    """Read the headers of every chapter source under ``root``.

    A wrong header does not stop the others: it becomes one of the course's ``problems``.
    """
    root = Path(root).resolve()
    chapters, problems = [], []
    for path in sorted((root / "solutions").glob("*/*.py")):
        if path.name.startswith(("_", ".")):
            continue
        try:
            chapters.append(read_chapter(path, root))
        except HeaderError as error:
            problems.append(str(error).replace(f"{root}{os.sep}", ""))
    chapters.sort(key=course_order)
    problems += _number_problems(root, chapters)
    return Course(root, tuple(chapters), tuple(problems))


def _number_problems(root: Path, chapters: list[Chapter]) -> Iterator[str]:
    """Say which numbers two chapters have, and which belonged to a chapter that is gone."""
    owner: dict[tuple[str, int], str] = {}
    try:
        owner = {(gone.part, gone.number): f"{gone}, which is gone" for gone in retired_ids(root)}
    except AuthoringError as error:
        yield from error.problems
    for chapter in chapters:
        first = owner.setdefault((chapter.part, chapter.number), chapter.id)
        if first != chapter.id:
            yield f"solutions/{chapter.id}.py: number {chapter.number} belongs to {first}."


def _is_meant(chapter: Chapter, name: str) -> bool:
    part, _, number = name.rpartition("/")
    if number.isdecimal():
        return part in ("", chapter.part) and int(number) == chapter.number
    return name in (chapter.part, chapter.slug) or chapter.id.startswith(name)
