"""What is listed of the chapters: table of contents, map, the README's table, their real runs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from descent.authoring.course import Course
from descent.authoring.pages import hours_text
from descent.authoring.problems import AuthoringError
from descent.runs.records import all_results
from descent.study.catalog import Chapter, part_title

START = "<!-- chapters:start -->"
END = "<!-- chapters:end -->"

_TOC_HEAD = """\
# Made by `make chapters` from the chapter headers: change those, not this file.
format: jb-book
root: book/index
parts:
  - caption: Start here
    chapters:
      - file: book/how-to-work
"""
_TOC_RUNS = """\
  - caption: Results
    chapters:
      - file: book/real-runs
"""
_TOC_TAIL = """\
  - caption: Sources
    chapters:
      - file: book/bibliography
"""


def listings(course: Course) -> dict[Path, str]:
    """Return the text of every file that lists the chapters.

    Raises
    ------
    AuthoringError
        When the front page, the README or the page of real runs is missing, or lacks the two
        marker lines.
    """
    files = {course.root / "_toc.yml": table_of_contents(course)}
    problems: list[str] = []
    makers: dict[Path, Callable[[Course], str]] = {
        course.root / "book" / "index.md": chapter_map,
        course.root / "README.md": chapter_table,
    }
    if _runs(course):
        makers[course.root / "book" / "real-runs.md"] = run_results
    for path, make in makers.items():
        try:
            files[path] = _with_block(path, course.name_of(path), make(course))
        except AuthoringError as error:
            problems += error.problems
    if problems:
        raise AuthoringError(problems)
    return files


def table_of_contents(course: Course) -> str:
    """Return ``_toc.yml``: the prose pages and the chapters that exist."""
    lines = []
    for part, chapters in _by_part(course):
        lines += [f"  - caption: {part_title(part)}", "    chapters:"]
        lines += [f"      - file: solutions/{chapter.id}" for chapter in chapters]
    runs = _TOC_RUNS if _runs(course) else ""
    return _TOC_HEAD + "".join(f"{line}\n" for line in lines) + runs + _TOC_TAIL


def run_results(course: Course) -> str:
    """Return the page of real runs: measured and published numbers, and what was not run."""
    return all_results(course.root, _runs(course))


def chapter_map(course: Course) -> str:
    """Return the front page's map: one card a chapter, by part, with a line of totals."""
    blocks = [_totals(course)]
    for part, chapters in _by_part(course):
        cards = "\n\n".join(_card(chapter, course) for chapter in chapters)
        blocks.append(f"**{part_title(part)}**")
        blocks.append(f"::::{{grid}} 1 2 2 3\n:gutter: 3\n\n{cards}\n::::")
    return "\n\n".join(blocks)


def chapter_table(course: Course) -> str:
    """Return the README's table: one row a chapter, by part."""
    blocks = [_totals(course)]
    for part, chapters in _by_part(course):
        rows = [f"| {part_title(part)} | You build | The number to match | Hours |"]
        rows += ["|---|---|---|---:|"]
        rows += [_row(chapter) for chapter in chapters]
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks)


def _runs(course: Course) -> list[str]:
    return [chapter.run for chapter in course.chapters if chapter.run]


def _by_part(course: Course) -> list[tuple[str, list[Chapter]]]:
    return [(part, list(group)) for part, group in groupby(course.chapters, lambda c: c.part)]


def _totals(course: Course) -> str:
    hours = sum(chapter.hours for chapter in course.chapters)
    exercises = sum(len(chapter.exercises) for chapter in course.chapters)
    return (
        f"{_count(len(course.chapters), 'chapter')}, {_count(exercises, 'graded exercise')}, "
        f"about {hours:g} hours."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _card(chapter: Chapter, course: Course) -> str:
    needed = [course.find(chapter_id) for chapter_id in chapter.needs]
    after = ", ".join(_place(other, chapter) for other in needed if other is not None)
    effort = " · ".join(filter(None, [hours_text(chapter), after and f"after {after}"]))
    return (
        f":::{{grid-item-card}} {chapter.number} · {chapter.title}\n"
        f":link: ../solutions/{chapter.id}\n:link-type: doc\n:class-card: chapter-card\n\n"
        f"{chapter.subtitle}\n\n*{effort}*\n:::"
    )


def _place(other: Chapter, chapter: Chapter) -> str:
    """Return a chapter's number, with its part where that is another one."""
    if other.part == chapter.part:
        return str(other.number)
    return f"{part_title(other.part)} {other.number}"


def _row(chapter: Chapter) -> str:
    link = f"[{chapter.number} · {chapter.title}](notebooks/{chapter.id}.ipynb)"
    cells = [link, chapter.builds, chapter.number_to_match, f"{chapter.hours:g}"]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def _with_block(path: Path, file: str, block: str) -> str:
    """Return the file's text with what stands between the markers replaced."""
    if not path.is_file():
        raise AuthoringError(f"{file}: the file is missing.")
    text = path.read_text(encoding="utf-8")
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise AuthoringError(f"{file}: needs one line '{START}' and, below it, one '{END}'.")
    before, after = text[: text.index(START)], text[text.index(END) :]
    return f"{before}{START}\n\n{block}\n\n{after}"
