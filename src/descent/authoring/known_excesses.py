"""The list of what stands over a limit already, ``solutions/known_excesses.toml``; it only shrinks.

A chapter may have as much of a thing as its limit allows, or as the list says. More is a problem,
and so is an entry that is not needed any more, or far above what is there. The list is lowered by
``descent limits --lower``, which never raises a number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from descent.authoring.course import Course, load_course
from descent.authoring.limits import Count, count_chapter
from descent.authoring.problems import AuthoringError

FILE = "solutions/known_excesses.toml"

_HEAD = """\
# What stands over a limit of CONTRIBUTING.md already: the most that each chapter may have of it.
# This list only shrinks. Mend a page, then run `descent limits --lower`.
"""
# Numbers of words are listed rounded up, so that a word more or less fails nothing.
_ROUNDED = {"words": 50, "words_beyond_250": 50}
# An entry may stand this part of itself above what is there before it has to be lowered.
_SLACK = 10
_REMEDY = "Run `descent limits --lower`."

Known = Mapping[str, Mapping[str, int]]


def broken_limits(
    root: Path, only: Iterable[str] | None = None, unfinished: bool = False
) -> list[str]:
    """Say where chapters are over a limit, and which entries of the list are too high.

    Parameters
    ----------
    root
        The course folder.
    only
        Chapters, as for :meth:`Course.select`; None means all.
    unfinished
        Whether a chapter may have too little of something: it is being written.

    Returns
    -------
    list of str
        One line each, naming the file, and the lines in it.

    Raises
    ------
    AuthoringError
        When the list or a chapter cannot be read.
    """
    course = load_course(root)
    known = read_known(course)
    problems = []
    for chapter in course.select(only):
        listed = known.get(chapter.id, {})
        counts = count_chapter(course, chapter)
        file = course.name_of(chapter.source)
        problems += [
            f"{file}: {count.says(listed.get(count.key, 0))}"
            for count in counts
            if count.amount > max(count.most, listed.get(count.key, 0))
            or (count.amount < count.least and not unfinished)
        ]
        problems += _too_high(chapter.id, listed, counts)
    if only is None:
        problems += [
            f"{FILE}: '{name}' is no chapter. {_REMEDY}"
            for name in known
            if course.find(name) is None
        ]
    return problems


def count_report(root: Path, only: Iterable[str] | None = None) -> Iterator[str]:
    """Yield what is counted in each chapter, line by line, with the places over a limit.

    Raises
    ------
    AuthoringError
        When a name means no chapter, or a chapter cannot be read.
    """
    course = load_course(root)
    for chapter in course.select(only):
        yield chapter.id
        for count in count_chapter(course, chapter):
            allowed = f"{count.least} to {count.most}" if count.least else f"{count.most}"
            yield f"  {count.what}: {count.amount} ({allowed} allowed)"
            if count.amount > count.most:
                yield from (f"    {place}" for place in count.places)


def lower(root: Path) -> list[str]:
    """Write the list anew with nothing higher than it is, and say what has changed.

    Where there is no list, it is made of things as they stand.

    Raises
    ------
    AuthoringError
        When the list or a chapter cannot be read.
    """
    course = load_course(root)
    is_new = not (course.root / FILE).is_file()
    known = read_known(course)
    lowered: dict[str, dict[str, int]] = {}
    for chapter in course.chapters:
        listed = known.get(chapter.id, {})
        for count in count_chapter(course, chapter):
            highest = _rounded(count) if is_new else listed.get(count.key, 0)
            if highest and count.amount > count.most:
                entries = lowered.setdefault(chapter.id, {})
                entries[count.key] = min(highest, _rounded(count))
    (course.root / FILE).write_text(_text(lowered), encoding="utf-8")
    return _changes(known, lowered)


def read_known(course: Course) -> Known:
    """Read the list; a missing one is empty.

    Raises
    ------
    AuthoringError
        When it is not TOML, or holds something else than whole numbers above 0 by chapter.
    """
    path = course.root / FILE
    if not path.is_file():
        return {}
    try:
        known = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AuthoringError(f"{FILE}: is not TOML ({error}).") from error
    for chapter, entries in known.items():
        numbers = list(entries.values()) if isinstance(entries, dict) else [None]
        if not all(type(number) is int and number > 0 for number in numbers):
            raise AuthoringError(f"{FILE}: '{chapter}' must hold whole numbers above 0.")
    return known


def _too_high(chapter: str, listed: Mapping[str, int], counts: list[Count]) -> Iterator[str]:
    counted = {count.key: count for count in counts}
    for key, most in listed.items():
        count = counted.get(key)
        if count is None:
            wrong = "is nothing that is counted"
        elif count.amount <= count.most:
            wrong = f"is not needed: {count.amount} is within the limit"
        elif most - count.amount > max(_ROUNDED.get(key, 0), most // _SLACK):
            wrong = f"is too high: {count.amount} is what there is"
        else:
            continue
        yield f"{FILE}: {key} = {most} of {chapter} {wrong}. {_REMEDY}"


def _rounded(count: Count) -> int:
    step = _ROUNDED.get(count.key, 1)
    return -(-count.amount // step) * step


def _text(known: Known) -> str:
    blocks = [_HEAD]
    for chapter, entries in known.items():
        lines = [f"{key} = {number}\n" for key, number in entries.items()]
        blocks.append(f'\n["{chapter}"]\n' + "".join(lines))
    return "".join(blocks)


def _changes(before: Known, after: Known) -> list[str]:
    lines = []
    for chapter in {**before, **after}:
        old, new = before.get(chapter, {}), after.get(chapter, {})
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                lines.append(f"{chapter}: {key} {old.get(key, 'new')} → {new.get(key, 'gone')}")
    return lines
