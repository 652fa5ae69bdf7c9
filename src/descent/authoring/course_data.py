"""What the pages without a kernel know of the course: ``book/assets/course-data.js``.

A script and not JSON, because a page that is read from disk may load scripts and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from descent.authoring.citations import Bibliography
from descent.authoring.course import Course
from descent.study.catalog import Chapter

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


def as_html(text: str, works: Bibliography) -> str:
    """Return markdown of a header as HTML; formulas stand as ``\\(..\\)``, for MathJax.

    A text of one paragraph comes without its ``p``, to stand within a line.
    """
    html = _MARKDOWN.render(works.spell_out(text)).strip()
    inner = html.removeprefix("<p>").removesuffix("</p>")
    return inner if len(inner) == len(html) - 7 and "<p>" not in inner else html


def _formula(content: str, options: Mapping[str, Any]) -> str:
    marks = ("\\[", "\\]") if options["display_mode"] else ("\\(", "\\)")
    return f"{marks[0]}{escape(content)}{marks[1]}"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).use(
    dollarmath_plugin, double_inline=True, renderer=_formula
)


def _cards(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for card in chapter.recall:
        yield {
            "chapter": chapter.id,
            "item": card.id,
            "section": card.section,
            "transfer": card.transfer,
            "q": card.question,
            "a": card.answer,
            "q_html": as_html(card.question, works),
            "a_html": as_html(card.answer, works),
        }


def _predictions(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for one in chapter.predictions:
        kind = {"choices": list(one.choices)} if one.choices else {"unit": one.unit}
        tolerance = {"within": one.within, "factor": one.factor}
        yield {
            "chapter": chapter.id,
            "item": one.id,
            "ask": one.ask,
            "ask_html": as_html(one.ask, works),
            "because": one.because,
            "because_html": as_html(one.because, works),
            **kind,
            **{name: value for name, value in tolerance.items() if value is not None},
        }


def _written(chapter: Chapter, works: Bibliography) -> Iterator[dict[str, Any]]:
    for one in chapter.written:
        yield {
            "chapter": chapter.id,
            "item": one.id,
            "ask_html": as_html(one.ask, works),
            "rubric_html": [as_html(point, works) for point in one.rubric],
            "answer_html": as_html(one.answer, works),
        }


def _lines(value: Any) -> str:
    """Return JSON with an entry a line, so that a change of one chapter changes few lines."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(_json(item) for item in value) + "\n]" if value else "[]"
    return _json(value)


def _json(value: Any) -> str:
    # A page that writes the script out must not meet the end of one in a text.
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).replace("</", "<\\/")
