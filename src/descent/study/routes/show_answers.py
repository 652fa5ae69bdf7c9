"""The answers to "what now", "what for" and "I am stuck", in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from descent.study.progress import minutes_text
from descent.study.routes.names import Found, Place, short_id
from descent.study.routes.questions import Purpose, Startable, Supply
from descent.study.routes.sections import Section
from descent.study.routes.show_plan import address_line
from descent.study.routes.standing import DONE, Standing

SHOWN_CHAPTERS = 6
"""How many chapters that can be started are shown with their purpose."""

SHOWN_PLACES = 4
"""How many places of each distance are shown to somebody who is stuck."""

_DISTANCES = ("It is taught here:", "It stands on:", "And that on:")


def now_view(ready: Sequence[Startable]) -> RenderableType:
    """Show what was begun, and what can be started."""
    if not ready:
        return Text("Every chapter is done.")
    parts: list[RenderableType] = []
    for begun, group in groupby(ready, key=lambda one: one.begun):
        items = list(group)
        parts.append(Text("In progress" if begun else "You can start", style="bold"))
        shown = items if begun else items[:SHOWN_CHAPTERS]
        parts += [line for item in shown for line in _startable(item)]
        if more := items[len(shown) :]:
            parts.append(_in(Text(f"and {', '.join(one.chapter.mark for one in more)}"), "dim"))
        parts.append("")
    return Group(*parts[:-1])


def why_view(found: Found, answer: Purpose) -> RenderableType:
    """Show what something is for later."""
    parts: list[RenderableType] = [Text(_headline(found), style="bold")]
    purposes = {
        section.chapter.purpose if found.kind == "chapter" else section.purpose
        for section in answer.sections
    }
    parts += [Text(f"For: {purpose}.") for purpose in sorted(filter(None, purposes))]
    if answer.direct:
        parts += ["", Text("Needed directly by", style="bold")]
        for chapter, group in groupby(answer.direct, key=lambda section: section.chapter):
            sections = list(group)
            names = [one.heading for one in sections if not one.is_whole]
            shown = "; ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
            parts.append(
                _in(Text.assemble(chapter.heading, (f"  {shown}" if shown else "", "dim")))
            )
    if answer.further:
        text = f"Further on: {'; '.join(chapter.heading for chapter in answer.further[:5])}"
        if more := answer.further[5:]:
            text += f"; and {', '.join(chapter.mark for chapter in more)}"
        parts += ["", Text(f"{text}.")]
    if answer.helped:
        text = "; ".join(chapter.heading for chapter in answer.helped)
        parts += ["", Text(f"It makes easier: {text}.", style="dim")]
    if not (answer.direct or answer.further or answer.helped):
        parts += ["", Text("No other chapter needs it: it is an end in itself.")]
    return Group(*parts)


def stuck_view(
    found: Found,
    answer: Sequence[Supply],
    standing: Mapping[str, Standing],
    address: Callable[[str], str],
) -> RenderableType:
    """Show the sections that supply what somebody is stuck on, the nearest first.

    Parameters
    ----------
    found
        What they are stuck on.
    answer
        The sections that supply it.
    standing
        How they stand with every section.
    address
        Makes an address of a page's place in the book.
    """
    parts: list[RenderableType] = [Text(_headline(found), style="bold")]
    if found.kind != "chapter":
        parts += [Text(_DISTANCES[0])]
        for place in found.places[:SHOWN_PLACES]:
            parts += _place(place, standing, address)
    for distance, group in groupby(answer, key=lambda one: one.distance):
        if not 0 < distance < len(_DISTANCES):
            continue
        places = _places([one.section for one in group])
        parts += ["", Text(_DISTANCES[distance])]
        for place in places[:SHOWN_PLACES]:
            parts += _place(place, standing, address)
        if more := places[SHOWN_PLACES:]:
            parts.append(_in(Text(f"and {len(more)} more"), "dim"))
    if not any(one.distance for one in answer):
        parts += ["", Text("It needs nothing that this course teaches.")]
    parts += ["", Text(f"The whole way to it: descent plan --goal {_goal(found)}", style="dim")]
    return Group(*parts)


def _startable(item: Startable) -> list[RenderableType]:
    chapter = item.chapter
    first = item.sections[0]
    opens = f"descent open {chapter.short}" if chapter.stands else "not written yet"
    name = Text.assemble((chapter.heading, "bold"), f"  {_takes(first)}  ", (opens, "dim"))
    what = Text(chapter.purpose, style="dim")
    if not first.is_whole:
        what = Text.assemble(f"'{first.heading}'", (f"  {first.purpose}", "dim"))
    lines = [_in(name)] + ([_in(what, "", 4)] if what else [])
    resource = chapter.resource
    if resource is not None:
        lines.append(_in(Text(f"Take {resource.title}"), "dim", 4))
    return lines


def _takes(section: Section) -> str:
    return minutes_text(section.minutes).removesuffix(" 00")


def _places(sections: Sequence[Section]) -> list[Place]:
    """Return a place for each section; many of one chapter are one place, the chapter."""
    found = []
    for chapter, group in groupby(sections, key=lambda section: section.chapter):
        members = list(group)
        if len(members) > SHOWN_PLACES:
            found.append(Place(members[-1], chapter.title, chapter.page))
        else:
            found += [Place(one, one.heading, one.page) for one in members]
    return found


def _place(
    place: Place, standing: Mapping[str, Standing], address: Callable[[str], str]
) -> list[RenderableType]:
    section = place.section
    done = "✓ " if standing[section.id].state == DONE else ""
    label = Text.assemble(f"{done}{place.heading}", (f"  {section.chapter.reference}", "dim"))
    if place.page is not None:
        return [_in(label), address_line(address(place.page), 4)]
    resource = section.chapter.resource
    if resource is None:
        return [_in(label), _in(Text("not written yet", style="dim"), "", 4)]
    link = [address_line(resource.url, 4)] if resource.url else []
    return [_in(label), _in(Text(f"Take {resource.title}", style="dim"), "", 4), *link]


def _headline(found: Found) -> str:
    label = found.label[0].upper() + found.label[1:]
    if found.kind in ("chapter", "word"):
        return label
    return f"{label} ({', '.join(section.chapter.reference for section in found.sections)})"


def _goal(found: Found) -> str:
    section = found.sections[0]
    return section.chapter.short if found.kind == "chapter" else short_id(section)


def _in(text: Text, style: str = "", columns: int = 2) -> RenderableType:
    if style:
        text.stylize(style)
    return Padding(text, (0, 0, 0, columns))
