"""Every chapter of the course, written or not: its header where it has one, else the curriculum."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from descent.study.catalog import Chapter
from descent.study.parts import find_part, part_order
from descent.study.routes.curriculum import Entry, Resource


@dataclass(frozen=True)
class MapChapter:
    """One chapter of the map.

    Attributes
    ----------
    id
        ``part/NN_slug``.
    title
        Without its number.
    hours
        What a learner needs for it.
    needs, helped_by
        Ids of what comes before: chapters or ``chapter#section``; and of chapters that make it
        easier.
    purpose
        What it is for later; empty where nobody has said.
    teaches
        The terms it defines.
    resource
        What stands in for it while it is not written.
    chapter
        The chapter itself, or None while it is not written.
    """

    id: str
    title: str
    hours: float
    needs: tuple[str, ...]
    helped_by: tuple[str, ...]
    purpose: str
    teaches: tuple[str, ...]
    resource: Resource | None
    chapter: Chapter | None

    @property
    def stands(self) -> bool:
        """Whether it can be worked through today."""
        return self.chapter is not None

    @property
    def part(self) -> str:
        """The folder it is in."""
        return self.id.partition("/")[0]

    @property
    def number(self) -> int:
        """Its number in its part."""
        return int(self.id.partition("/")[2].partition("_")[0])

    @property
    def name(self) -> str:
        """The id without the part."""
        return self.id.partition("/")[2]

    @property
    def slug(self) -> str:
        """Its name without the number."""
        return self.id.partition("/")[2].partition("_")[2]

    @property
    def short(self) -> str:
        """The id as a command takes it: ``research/7``, ``ladder/04``."""
        return self.id.partition("_")[0]

    @property
    def mark(self) -> str:
        """The number as it is shown: ``13``, ``R3``."""
        return find_part(self.part).mark(self.number)

    @property
    def heading(self) -> str:
        """The title with its number."""
        return f"{self.mark} · {self.title}"

    @property
    def reference(self) -> str:
        """The chapter as prose calls it: ``rung 13``, ``Research 3``."""
        return find_part(self.part).reference(self.number)

    @property
    def page(self) -> str | None:
        """Its page in the book, from the book's root on; None while it is not written."""
        return f"solutions/{self.id}.html" if self.stands else None


def map_chapters(catalog: Iterable[Chapter], entries: Sequence[Entry]) -> list[MapChapter]:
    """Put the catalog and the curriculum together, in the order of the course.

    A chapter that is written answers to the entry with its part and number. Where the entry calls
    it by another name, the chapter's own holds.
    """
    by_number = {chapter_key(entry.id): entry for entry in entries}
    written = {chapter_key(chapter.id): chapter for chapter in catalog}
    chapters = [_written(chapter, by_number.get(key)) for key, chapter in written.items()]
    chapters += [_unwritten(entry) for key, entry in by_number.items() if key not in written]
    return sorted(chapters, key=lambda one: (*part_order(one.part), one.number, one.slug))


def chapter_key(name: str) -> tuple[str, int]:
    """Return the part and number of ``ladder/04``, ``ladder/4`` or ``ladder/04_softmax``.

    The number is −1 where the name has none.
    """
    part, _, rest = name.partition("/")
    number = rest.partition("_")[0]
    return part, int(number) if number.isdecimal() else -1


def _written(chapter: Chapter, entry: Entry | None) -> MapChapter:
    return MapChapter(
        id=chapter.id,
        title=chapter.title,
        hours=chapter.hours,
        needs=chapter.needs,
        helped_by=entry.helped_by if entry else (),
        purpose=entry.purpose if entry else "",
        teaches=chapter.teaches,
        resource=None,
        chapter=chapter,
    )


def _unwritten(entry: Entry) -> MapChapter:
    return MapChapter(
        id=entry.id,
        title=entry.title or entry.id.partition("_")[2].replace("_", " ").capitalize(),
        hours=entry.hours or 1.0,
        needs=entry.needs,
        helped_by=entry.helped_by,
        purpose=entry.purpose,
        teaches=entry.teaches,
        resource=entry.resource,
        chapter=None,
    )
