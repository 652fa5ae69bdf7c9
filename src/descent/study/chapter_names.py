"""Which chapter a person means by a name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar

from descent.study.header import CatalogError


class Named(Protocol):
    """What a chapter is found by, whether it is written or not."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def heading(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def mark(self) -> str: ...
    @property
    def reference(self) -> str: ...


AnyChapter = TypeVar("AnyChapter", bound=Named)


def find_named(name: str, chapters: Sequence[AnyChapter]) -> AnyChapter:
    """Find the chapter a person means.

    Parameters
    ----------
    name
        Its number as it is shown (``1``, ``01``, ``R3``) or as prose says it (``Research 3``), its
        id (``ladder/01_scalar_regression``), the beginning of one (``ladder/01``, ``ladder/1``),
        its slug (``scalar_regression``), its title (``One weight``), or the path of one of its
        files.
    chapters
        Those it may be.

    Raises
    ------
    CatalogError
        When no chapter, or more than one, answers to the name; the message lists near names.
    """
    found = find_exactly(name, chapters) or _found(name, chapters, (_starts_with,))
    if found is None:
        wanted = _normal_name(name)
        raise CatalogError(f"There is no chapter '{name}'. {_near_names(wanted, chapters)}")
    return found


def find_exactly(name: str, chapters: Sequence[AnyChapter]) -> AnyChapter | None:
    """Find a chapter by its number or a whole name, and not by how a name begins.

    Raises
    ------
    CatalogError
        When more than one answers to the name.
    """
    return _found(name, chapters, (_is_exactly, _is_called, _has_number))


def _found(
    name: str, chapters: Sequence[AnyChapter], rules: Sequence[Callable[[Named, str], bool]]
) -> AnyChapter | None:
    wanted = _normal_name(name)
    for rule in rules:
        found = [chapter for chapter in chapters if rule(chapter, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            meant = ", ".join(chapter.id for chapter in found)
            raise CatalogError(f"'{name}' could be any of: {meant}.")
    return None


def _normal_name(name: str) -> str:
    """Reduce an id, a path or a file name to ``part/NN_slug``, or as much of it as was given."""
    wanted = name.strip().replace("\\", "/").removesuffix(".ipynb").removesuffix(".py").strip("/")
    is_path = wanted.count("/") > 1
    return "/".join(wanted.split("/")[-2:]) if is_path else wanted


def _is_exactly(chapter: Named, wanted: str) -> bool:
    return wanted in (chapter.id, chapter.name, chapter.slug, f"{chapter.part}/{chapter.slug}")


def _is_called(chapter: Named, wanted: str) -> bool:
    shown = str(int(wanted)) if wanted.isdecimal() else wanted.casefold()
    names = (chapter.mark, chapter.reference, chapter.title, chapter.heading)
    return shown in map(str.casefold, names)


def _has_number(chapter: Named, wanted: str) -> bool:
    part, _, number = wanted.rpartition("/")
    return part in ("", chapter.part) and number.isdecimal() and int(number) == chapter.number


def _starts_with(chapter: Named, wanted: str) -> bool:
    return bool(wanted) and (
        chapter.id.startswith(wanted)
        or chapter.name.startswith(wanted)
        or chapter.slug.startswith(wanted)
    )


def _near_names(wanted: str, chapters: Sequence[Named]) -> str:
    """Say which chapters have names like the one that was asked for."""
    if not chapters:
        return "This course has no chapters yet."
    names = {
        alias: chapter.id
        for chapter in chapters
        for alias in (chapter.id, chapter.slug, chapter.title)
    }
    near = [names[alias] for alias in difflib.get_close_matches(wanted, list(names), n=6)]
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(near))}?"
    return f"There are: {', '.join(_runs(chapters))}."


def _runs(chapters: Sequence[Named]) -> Iterator[str]:
    """Yield the marks of chapters, those that follow one another as ``1 to 17``."""
    first = chapters[0]
    for one, after in pairwise((*chapters, None)):
        assert one is not None
        if after is None or (after.part, after.number) != (one.part, one.number + 1):
            yield one.mark if one is first else f"{first.mark} to {one.mark}"
            first = after or one
