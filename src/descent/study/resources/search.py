"""Find resources by words, kind, level, hours and chapter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from descent.study.parts import find_part, part_order
from descent.study.resources.library import KINDS, LEVELS, Library, Resource
from descent.study.resources.reading import ResourceError


def find_resources(
    library: Library,
    words: str = "",
    kind: str | None = None,
    level: str | None = None,
    hours: float | None = None,
    chapter: str | None = None,
) -> list[Resource]:
    """Return the resources that answer to all that is asked.

    Parameters
    ----------
    words
        Each must begin a word of the resource, in whatever field, or of what a chapter is about at
        which it enters; accents and case are left aside.
    kind, level
        One of :data:`KINDS` and :data:`LEVELS`; ``from-zero`` means ``from zero``.
    hours
        The most it may take. What has no hours is left out.
    chapter
        A chapter at which it enters the course: its id, the beginning of it, or its number as it
        is shown.

    Returns
    -------
    list of Resource
        Those with all the words in title and author first; otherwise in the order of the page.

    Raises
    ------
    ResourceError
        When a kind, a level or a chapter does not exist, or the hours are not above zero.
    """
    _refuse_unknown("kind", kind, KINDS)
    level = None if level is None else level.replace("-", " ")
    _refuse_unknown("level", level, LEVELS)
    if hours is not None and not hours > 0:
        raise ResourceError(f"{hours:g} hours leave no time to read. Give a number above zero.")
    chapters = None if chapter is None else _chapters_meant(library, chapter)
    found = [
        resource
        for resource in library.resources
        if kind in (None, resource.kind)
        and level in (None, resource.level)
        and (hours is None or (resource.hours is not None and resource.hours <= hours))
        and (chapters is None or chapters & set(resource.chapters))
        and has_words(_all_text(resource, library), words)
    ]
    found.sort(key=lambda resource: not has_words(f"{resource.title} {resource.author}", words))
    return found


def has_words(text: str, asked: str) -> bool:
    """Say whether every word that is asked for begins a word of the text."""
    present = plain_words(text)
    return all(any(word.startswith(part) for word in present) for part in plain_words(asked))


def plain_words(text: str) -> list[str]:
    """Return the words of a text without accents and case; ``resources.js`` has the same rule."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"[^\W_]+", "".join(c for c in letters if not unicodedata.combining(c)))


def _all_text(resource: Resource, library: Library) -> str:
    sources = [library.sources[key].title for key in resource.said]
    facts = [resource.title, resource.author, resource.kind, resource.level, resource.best_for]
    facts += [resource.skip or "", resource.note or "", library.uses[resource.use], resource.url]
    places = [chapter_name(chapter) for chapter in resource.chapters]
    places += [chapter_subject(chapter) for chapter in resource.chapters]
    return " ".join([*facts, *sources, *resource.said.values(), *places])


def chapter_name(chapter_id: str) -> str:
    """Return a chapter as prose calls it, ``rung 13``, whether it is written yet or not."""
    part, number = _part_and_number(chapter_id)
    return find_part(part).reference(number)


def chapter_subject(chapter_id: str) -> str:
    """Return what a chapter is about, ``causal transformer``, from its id."""
    return chapter_id.partition("_")[2].replace("_", " ")


def chapter_mark(chapter_id: str) -> str:
    """Return a chapter's number as it is shown, ``13`` or ``R3``."""
    part, number = _part_and_number(chapter_id)
    return find_part(part).mark(number)


def chapters_in_order(chapter_ids: Iterable[str]) -> list[str]:
    """Return chapter ids once each, in the order of the course."""

    def place(chapter_id: str) -> tuple[tuple[int, str], int]:
        part, number = _part_and_number(chapter_id)
        return part_order(part), number

    return sorted(set(chapter_ids), key=place)


def _part_and_number(chapter_id: str) -> tuple[str, int]:
    part, _, name = chapter_id.partition("/")
    return part, int(name.partition("_")[0])


def _refuse_unknown(what: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise ResourceError(f"There is no {what} '{value}'. There are: {', '.join(allowed)}.")


def _chapters_meant(library: Library, name: str) -> set[str]:
    chapters = chapters_in_order(
        chapter for resource in library.resources for chapter in resource.chapters
    )
    found = {chapter for chapter in chapters if _is_meant(chapter, name.strip().casefold())}
    if not found:
        raise ResourceError(
            f"No resource enters the course at '{name}'. They enter at: "
            f"{', '.join(map(chapter_mark, chapters))}."
        )
    return found


def _is_meant(chapter_id: str, wanted: str) -> bool:
    part, number = _part_and_number(chapter_id)
    slug = chapter_id.partition("_")[2]
    shown = {find_part(part).mark(number).casefold(), find_part(part).reference(number).casefold()}
    wanted = wanted.strip("/")
    asked_part, _, asked = wanted.rpartition("/")
    if asked.isdecimal():
        by_mark = not asked_part and str(int(asked)) in shown
        return by_mark or (asked_part == part and int(asked) == number)
    return wanted in {part, slug, *shown} or (len(wanted) > 2 and chapter_id.startswith(wanted))
