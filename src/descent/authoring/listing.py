"""What is listed: contents, map, the README's table, terms, resources, the real runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from descent.authoring.contents import table_of_contents
from descent.authoring.course import Course
from descent.authoring.course_data import course_script, former_ids_script
from descent.authoring.course_map import course_map
from descent.authoring.pages import hours_text
from descent.authoring.problems import AuthoringError
from descent.authoring.resource_list import has_resources, resources_page
from descent.authoring.sprint_page import has_sprint, sprint_page
from descent.authoring.terms import Place, Term, course_terms
from descent.errors import CourseError
from descent.runs.definition.catalogue import RUNS
from descent.runs.results.records import all_results
from descent.study.anchors import anchor_of
from descent.study.catalog import Chapter
from descent.study.parts import find_part
from descent.study.routes import CourseMap, course_data
from descent.study.routes.chapters import map_chapters
from descent.study.routes.curriculum import read_curriculum
from descent.study.routes.named_routes import read_routes

START = "<!-- chapters:start -->"
END = "<!-- chapters:end -->"

_TERMS_HEAD = """\
% Made by `make chapters` from the chapters and book/terms.yml: change those, not this file.

# Index of terms

Each term leads to the section that teaches it; sections of other chapters that come back to it
follow. The search finds these sections first, under every name that is given here."""


def listings(course: Course) -> dict[Path, str]:
    """Return the text of every file that lists the chapters, or what they teach.

    Raises
    ------
    AuthoringError
        When the front page, the README or the page of real runs is missing, or lacks the two
        marker lines; when the terms of the course cannot be found; or when a resource is wrong.
    """
    book = course.root / "book"
    known = _map_data(course)
    files = {
        course.root / "_toc.yml": table_of_contents(course),
        book / "assets" / "course-data.js": course_script(course, known),
        book / "assets" / "former-ids.js": former_ids_script(course),
    }
    if (book / "plan.md").is_file():
        files[book / "course-map.html"] = course_map(known["chapters"])
    problems: list[str] = []
    whole: dict[str, Callable[[], str]] = {"terms.md": lambda: index_of_terms(course_terms(course))}
    if has_resources(course):
        whole["resources.md"] = lambda: resources_page(course)
    if has_sprint(course):
        whole["sprint.md"] = lambda: sprint_page(course)
    for name, text in whole.items():
        try:
            files[book / name] = text()
        except AuthoringError as error:
            problems += error.problems
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


def _map_data(course: Course) -> dict[str, Any]:
    """Return what the planner knows of this course.

    Raises
    ------
    AuthoringError
        When a file of the planner is wrong.
    """
    try:
        chapters = map_chapters(course.chapters, read_curriculum(course.root))
        return course_data(CourseMap(chapters, read_routes(course.root)))
    except CourseError as error:
        raise AuthoringError(str(error)) from error


def run_results(course: Course) -> str:
    """Return the page of real runs: measured and published numbers, and what was not run."""
    return all_results(course.root, _runs(course))


def chapter_map(course: Course) -> str:
    """Return the front page's map: one card a chapter, by part, with a line of totals."""
    blocks = [_totals(course)]
    for part, chapters in _by_part(course):
        cards = "\n\n".join(_card(chapter, course) for chapter in chapters)
        blocks.append(f"**{find_part(part).title}**")
        blocks.append(f"::::{{grid}} 1 2 2 3\n:gutter: 3\n\n{cards}\n::::")
    return "\n\n".join(blocks)


def chapter_table(course: Course) -> str:
    """Return the README's table: one row a chapter, by part."""
    blocks = [_totals(course)]
    for part, chapters in _by_part(course):
        rows = [f"| {find_part(part).title} | You build | The number to match | Hours |"]
        rows += ["|---|---|---|---:|"]
        rows += [_row(chapter) for chapter in chapters]
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks)


def index_of_terms(terms: Iterable[Term]) -> str:
    """Return the page of terms: under each letter, where each is taught.

    The search reads the same page when the book is built (``descent.serving.search_data``): of each
    entry the bold is the term, what is slanted are its other names, and the links are its sections.
    """
    parts = [_TERMS_HEAD]
    for letter, group in groupby(sorted(terms, key=_term_order), _letter):
        entries = "\n".join(_entry(term) for term in group)
        parts.append(f"## {letter}\n\n:::{{div}} terms\n{entries}\n:::")
    return "\n\n".join(parts) + "\n"


def _term_order(term: Term) -> tuple[bool, str, str]:
    return not term.name[0].isalpha(), term.name.casefold(), term.name


def _letter(term: Term) -> str:
    return term.name[0].upper() if term.name[0].isalpha() else "Signs and figures"


def _entry(term: Term) -> str:
    names = f"**{_in_markdown(term.name)}**"
    if term.also:
        names += f" ({', '.join(f'*{_in_markdown(name)}*' for name in term.also)})"
    return f"- {names}: {'; '.join(_place(place) for place in term.places)}"


def _in_markdown(name: str) -> str:
    """Return a name as markdown shows it: what is written in a program stands as code."""
    return f"`{name}`" if re.search(r"[_.(]", name) else name


def _place(place: Place) -> str:
    page = f"../solutions/{place.chapter.id}.ipynb"
    if place.section is None:
        return f"[{place.chapter.title}]({page}), {place.chapter.reference}"
    heading = place.section.replace("[", "\\[").replace("]", "\\]")
    return f"[{heading}]({page}#{anchor_of(place.section)}), {place.chapter.reference}"


def _runs(course: Course) -> list[str]:
    """Return the runs of the chapters that have any: the one a chapter ends in, then its others."""
    found: dict[str, None] = {}
    for chapter in course.chapters:
        if chapter.run:
            home = f"{chapter.part}/{chapter.number}"
            others = [name for name, run in RUNS.items() if run.chapter == home]
            found.update(dict.fromkeys([chapter.run, *others]))
    return list(found)


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
    after = ", ".join(other.mark for other in needed if other is not None)
    effort = " · ".join(filter(None, [hours_text(chapter), after and f"after {after}"]))
    return (
        f":::{{grid-item-card}} {chapter.heading}\n"
        f":link: ../solutions/{chapter.id}\n:link-type: doc\n:class-card: chapter-card\n\n"
        f"{chapter.subtitle}\n\n*{effort}*\n:::"
    )


def _row(chapter: Chapter) -> str:
    link = f"[{chapter.heading}](notebooks/{chapter.id}.ipynb)"
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
