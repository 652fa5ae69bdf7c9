"""The table of contents, ``_toc.yml``: the prose pages and the chapters that exist."""

from __future__ import annotations

from descent.authoring.course import Course
from descent.study.parts import find_part

_HEAD = """\
# Made by `make chapters` from the chapter headers: change those, not this file.
format: jb-book
root: book/index
parts:
"""
_START = ("how-to-work",)
_WAY = ("plan", "sprint", "review", "my-predictions")
_RESULTS = ("real-runs",)
_LOOK_UP = ("resources", "terms", "bibliography")
_IF_THERE = {*_WAY, "resources"}
"""Pages that a course may lack: they are listed when their file exists, or the data they are of."""


def table_of_contents(course: Course) -> str:
    """Return the text of ``_toc.yml``."""
    parts = [("Start here", _pages(course, _START)), ("Your way", _pages(course, _WAY))]
    names = dict.fromkeys(chapter.part for chapter in course.chapters)
    for name in names:
        own = [f"solutions/{chapter.id}" for chapter in course.chapters if chapter.part == name]
        parts.append((find_part(name).title, own))
    has_runs = any(chapter.run for chapter in course.chapters)
    parts.append(("Results", _pages(course, _RESULTS if has_runs else ())))
    parts.append(("To look things up", _pages(course, _LOOK_UP)))
    return _HEAD + "".join(_part(caption, pages) for caption, pages in parts if pages)


def _pages(course: Course, names: tuple[str, ...]) -> list[str]:
    return [f"book/{name}" for name in names if name not in _IF_THERE or _is_there(course, name)]


def _is_there(course: Course, name: str) -> bool:
    return any((course.root / "book" / f"{name}.{ending}").is_file() for ending in ("md", "yml"))


def _part(caption: str, pages: list[str]) -> str:
    files = "".join(f"      - file: {page}\n" for page in pages)
    return f"  - caption: {caption}\n    chapters:\n{files}"
