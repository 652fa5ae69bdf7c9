"""The page of resources, made from ``book/resources.yml``: a list by use, readable as it stands.

``book/assets/resources.js`` adds a search above it. It reads what is written here: the choices that
can be made, and of each ``resource`` the ``kind``, ``level``, ``minutes`` and ``chapters``, and in
classes ``on-causal-transformer`` what these chapters are about.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.study.resources import (
    FILE,
    KINDS,
    LEVELS,
    Library,
    Resource,
    ResourceError,
    chapter_name,
    chapter_subject,
    chapters_in_order,
    hours_text,
    read_library,
)

_HEAD = """\
% Made by `make chapters` from book/resources.yml: change that, not this file.

# Books, courses and talks

The course grew from these documents: {documents}.
They send their readers to {count} books, courses, talks, tools and sets of data. Here is every one
of them: what it is good for, how long it takes, what to skip in it, and what the document's author
thought of it, in our words. None is needed for this course. Take one when a chapter left you
wanting another voice, or more.

Hours are estimates where they say *about*; the others are what a document tells. A level says
what you need before: nothing (*from zero*), a first network that you trained (*basics*), or more
(*advanced*). In a terminal, `descent resources` finds the same.

<link rel="stylesheet" href="../_static/resources.css">
<div id="resource-search" {choices}></div>
<script src="../_static/resources.js" defer></script>"""


def has_resources(course: Course) -> bool:
    """Say whether the course lists resources."""
    return (course.root / FILE).is_file()


def resources_page(course: Course) -> str:
    """Return the text of ``book/resources.md``.

    Raises
    ------
    AuthoringError
        When the file of resources is wrong, or names a chapter otherwise than it is called.
    """
    try:
        library = read_library(course.root / FILE, FILE)
    except ResourceError as error:
        raise AuthoringError(error.problems) from error
    problems = list(_misnamed_chapters(library, course))
    if problems:
        raise AuthoringError(problems)
    *others, last = (source.title for source in library.sources.values())
    documents = f"{', '.join(others)} and {last}"
    count = len(library.resources)
    blocks = [_HEAD.format(documents=documents, count=count, choices=_choices(library))]
    for use, heading in library.uses.items():
        entries = [_entry(r, library, course) for r in library.resources if r.use == use]
        if entries:
            blocks += [f"## {heading}", *entries]
    return "\n\n".join(blocks) + "\n"


def _choices(library: Library) -> str:
    """Return the attributes that say what can be chosen: kinds and levels in use, chapters."""
    used = chapters_in_order(chapter for r in library.resources for chapter in r.chapters)
    choices = {
        "kinds": [kind for kind in KINDS if any(r.kind == kind for r in library.resources)],
        "levels": [level for level in LEVELS if any(r.level == level for r in library.resources)],
        "chapters": [chapter_name(chapter) for chapter in used],
    }
    return " ".join(
        f'data-{name}="{html.escape(json.dumps(values))}"' for name, values in choices.items()
    )


def _misnamed_chapters(library: Library, course: Course) -> Iterator[str]:
    """Find ids that have the number of a chapter that stands, and another name."""
    by_number = {_without_slug(chapter.id): chapter.id for chapter in course.chapters}
    for resource in library.resources:
        for chapter_id in resource.chapters:
            stands = by_number.get(_without_slug(chapter_id), chapter_id)
            if stands != chapter_id:
                yield f"{FILE}: {resource.id}: the chapter {chapter_id} is called {stands}."


def _without_slug(chapter_id: str) -> tuple[str, int]:
    part, _, name = chapter_id.partition("/")
    return part, int(name.partition("_")[0])


def _entry(resource: Resource, library: Library, course: Course) -> str:
    lines = [f"{_title(resource)}, {_plain(resource.author)}", _facts(resource)]
    if resource.note:
        lines.append(f"*{_plain(resource.note)}*")
    lines.append(f"**Best for** {_plain(resource.best_for)}.")
    if resource.skip:
        after = (
            f" (after {library.sources[resource.skip_from].title})" if resource.skip_from else ""
        )
        lines.append(f"**Skip** {_plain(resource.skip)}{after}.")
    lines.append(
        "\n".join(
            f"- *{_capital(library.sources[key].title)}:* {_plain(said)}"
            for key, said in resource.said.items()
        )
    )
    if resource.chapters:
        places = ", ".join(_chapter(chapter, course) for chapter in resource.chapters)
        lines.append(f"[Enters at {places}]{{.chapters}}")
    body = "\n\n".join(lines)
    subjects = [f"on-{chapter_subject(chapter)}" for chapter in resource.chapters]
    classes = " ".join(["resource", *(subject.replace(" ", "-") for subject in subjects)])
    return f"::::{{div}} {classes}\n:name: {resource.id}\n\n{body}\n::::"


def _title(resource: Resource) -> str:
    title = _plain(resource.title).replace("[", "\\[").replace("]", "\\]")
    if resource.dead is None:
        return f"[**{title}**](<{resource.url}>)"
    return (
        f"**{title}** ([archive](<{resource.archive}>); its own address was gone on "
        f"{resource.dead.isoformat()})"
    )


def _facts(resource: Resource) -> str:
    facts = [f"[{resource.kind}]{{.kind}}", f"[{resource.level}]{{.level}}"]
    if resource.hours is not None:
        facts.append(f"[{hours_text(resource)}]{{.hours .minutes-{round(resource.hours * 60)}}}")
    return " · ".join(facts)


def _chapter(chapter_id: str, course: Course) -> str:
    """Return a link to a chapter; one that does not stand yet is only named."""
    name = chapter_name(chapter_id)
    chapter = course.find(chapter_id)
    return name if chapter is None else f"[{name}](../solutions/{chapter_id}.ipynb)"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(text: str) -> str:
    """Return a text whose signs mean nothing to markdown; code between backticks stays code."""
    return re.sub(r"([\\*_<>$])", r"\\\1", text) if "`" not in text else text
