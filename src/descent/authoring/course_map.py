"""The map of the course as the page "Your way" has it: the drawing, what its signs mean, a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from descent.figures.course_map import Lane, Stop, draw_course_map
from descent.study.parts import find_part

LANES = ("encounter", "foundations", "ladder", "research", "reinforcement", "capstone")
"""The parts from left to right: those that lead to the ladder, the ladder, those that leave it."""

_TITLE = "The map of the course"
_DESC = (
    "Every chapter in the column of its part, below the chapters it needs. A list with the same "
    "links follows the drawing."
)
_SKIP = '<a class="skip-map" href="#what-you-can-start-now">Past the map</a>'
_SAMPLE = '<svg viewBox="0 0 34 14" aria-hidden="true">{}</svg>'
_LINE = '<path class="{}" d="M1 7H33"/>'
_BOX = '<rect class="unwritten" x="1" y="1" width="32" height="12" rx="4"/>'
_SIGN = '<span class="sign" data-state="{}" aria-hidden="true"></span>'
_LEGEND = (
    (_SAMPLE.format(_LINE.format("needs")), "is needed"),
    (_SAMPLE.format(_LINE.format("helps")), "helps"),
    (_SAMPLE.format(_BOX), "not written yet: a resource stands in for it"),
    (_SIGN.format("todo"), "to do"),
    (_SIGN.format("begun"), "in progress"),
    (_SIGN.format("done"), "done"),
)


def course_map(chapters: Sequence[Mapping[str, Any]]) -> str:
    """Return the map as HTML.

    Parameters
    ----------
    chapters
        As ``study.routes.course_data`` has them, in the order of the course.
    """
    parts = [name for name in LANES if any(chapter["part"] == name for chapter in chapters)]
    parts += sorted({chapter["part"] for chapter in chapters} - set(parts))
    marks = {chapter["id"]: chapter["mark"] for chapter in chapters}
    stops = [_stop(chapter, parts.index(chapter["part"]), marks) for chapter in chapters]
    lanes = [Lane(find_part(name).title, ordered=name == "ladder") for name in parts]
    drawing = draw_course_map(lanes, stops, _TITLE, _DESC)
    return f"{_legend()}\n{_SKIP}\n{drawing}\n{_list(chapters, marks)}\n"


def _legend() -> str:
    items = "\n".join(f"<li>{sign} {words}</li>" for sign, words in _LEGEND)
    return f'<ul class="course-legend" aria-label="The signs of the map">\n{items}\n</ul>'


def _stop(chapter: Mapping[str, Any], lane: int, marks: Mapping[str, str]) -> Stop:
    return Stop(
        id=chapter["id"],
        lane=lane,
        mark=chapter["mark"],
        title=chapter["title"],
        needs=tuple(chapter["needs_chapters"]),
        helps=_chapters(chapter["helped_by"]),
        hours=f"{chapter['hours']:g} h",
        href=_address(chapter),
        stands=chapter["stands"],
        says=f"{_heading(chapter)}. {_facts(chapter, marks)}",
    )


def _chapters(names: Sequence[str]) -> tuple[str, ...]:
    """Return the chapters that needs name, a section's being those of its chapter."""
    return tuple(dict.fromkeys(name.partition("#")[0] for name in names))


def _address(chapter: Mapping[str, Any]) -> str:
    """Return where a link leads without scripts: to the chapter's page, or its entry below."""
    return f"../{chapter['page']}" if chapter["page"] else f"#map-{chapter['id']}"


def _heading(chapter: Mapping[str, Any]) -> str:
    return f"{chapter['mark']} · {chapter['title']}"


def _facts(chapter: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    """Say what a chapter takes and what it stands on, in full words."""
    unit = "hour" if chapter["hours"] == 1 else "hours"
    facts = [f"{chapter['hours']:g} {unit}."]
    for verb, names in (("Needs", chapter["needs"]), ("Helped by", chapter["helped_by"])):
        known = [marks[name] for name in _chapters(names) if name in marks]
        if known:
            facts.append(f"{verb} {_in_words(known)}.")
    if not chapter["stands"]:
        facts.append("Not written yet.")
    return " ".join(facts)


def _in_words(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _list(chapters: Sequence[Mapping[str, Any]], marks: Mapping[str, str]) -> str:
    """Return the map as a list of parts and their chapters: for a phone, and to be read aloud."""
    blocks = []
    for part, group in groupby(chapters, key=lambda one: one["part"]):
        items = "\n".join(_item(chapter, marks) for chapter in group)
        title = escape(find_part(part).title)
        blocks.append(f"<li><span>{title}</span>\n<ul>\n{items}\n</ul></li>")
    entries = "\n".join(blocks)
    return (
        '<details class="course-list"><summary>The map as a list</summary>\n'
        f"<ul>\n{entries}\n</ul></details>"
    )


def _item(chapter: Mapping[str, Any], marks: Mapping[str, str]) -> str:
    name, kind = chapter["id"], "" if chapter["stands"] else ' class="unwritten"'
    return (
        f'<li id="map-{name}" data-chapter="{name}"{kind}>'
        '<span class="sign" aria-hidden="true"></span> '
        f'<a href="{escape(_address(chapter))}" data-chapter="{name}">'
        f"{escape(_heading(chapter))}</a>"
        f' <span class="state-words"></span> <span class="facts">{escape(_facts(chapter, marks))}'
        "</span></li>"
    )
