"""What the pages without a kernel know of the course: two scripts in ``book/assets``.

``course-data.js`` is all about the course, for the pages that plan and review. ``former-ids.js`` is
on every page: by it a browser's record follows things that were renamed. They are scripts and not
JSON, because a page that is read from disk may load scripts and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from descent.authoring.citations import Bibliography
from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.authoring.rendered import html
from descent.study.catalog import Chapter
from descent.study.former_ids import former_names
from descent.study.yaml_text import NotYaml

NAME = "DESCENT_COURSE"
_HEAD = (
    "// Made by `make chapters` from the chapters, curriculum.yml and routes.yml: "
    "change those, not this file.\n"
)


def course_script(course: Course, known: Mapping[str, Any]) -> str:
    """Return the script that tells a page all about the course.

    Parameters
    ----------
    course
        Its chapters bring the cards, the predictions and the written exercises.
    known
        What ``study.routes.course_data`` has: chapters, sections, routes and the rest.
    """
    works = course.bibliography
    asked = {
        "cards": [card for chapter in course.chapters for card in _cards(chapter, works)],
        "predictions": [one for chapter in course.chapters for one in _predictions(chapter, works)],
        "written": [one for chapter in course.chapters for one in _written(chapter, works)],
    }
    fields = [f'"{name}": {_lines(value)}' for name, value in {**known, **asked}.items()]
    return f"{_HEAD}window.{NAME} = {{\n" + ",\n".join(fields) + "\n};\n"


def former_ids_script(course: Course) -> str:
    """Return the script that tells a page which names were given up, and for which."""
    head = "// Made by `make chapters` from book/former_ids.yml: change that, not this file.\n"
    try:
        former = dict(former_names(course.root))
    except NotYaml as error:
        raise AuthoringError(f"book/former_ids.yml: is not YAML ({error.problem}).") from error
    names = json.dumps(former, ensure_ascii=False, indent=0)
    return f"{head}window.DESCENT_FORMER_IDS = {names};\n"


def _cards(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for card in chapter.recall:
        yield {
            "chapter": chapter.id,
            "item": card.id,
            "section": card.section,
            "transfer": card.transfer,
            "q": card.question,
            "a": card.answer,
            "q_html": html(works.spell_out(card.question)),
            "a_html": html(works.spell_out(card.answer)),
        }


def _predictions(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for one in chapter.predictions:
        kind = {"choices": list(one.choices)} if one.choices else {"unit": one.unit}
        tolerance = {"within": one.within, "factor": one.factor}
        yield {
            "chapter": chapter.id,
            "item": one.id,
            "ask": one.ask,
            "ask_html": html(works.spell_out(one.ask)),
            "because": one.because,
            "because_html": html(works.spell_out(one.because)),
            **kind,
            **{name: value for name, value in tolerance.items() if value is not None},
        }


def _written(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for one in chapter.written:
        yield {
            "chapter": chapter.id,
            "item": one.id,
            "ask_html": html(works.spell_out(one.ask)),
            "rubric_html": [html(works.spell_out(point)) for point in one.rubric],
            "answer_html": html(works.spell_out(one.answer)),
        }


def _lines(value: Any) -> str:
    """Return JSON with an entry a line, so that a change of one chapter changes few lines."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(_json(item) for item in value) + "\n]" if value else "[]"
    return _json(value)


def _json(value: Any) -> str:
    # A page that writes the script out must not meet the end of one in a text.
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).replace("</", "<\\/")
