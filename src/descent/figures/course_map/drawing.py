"""The course map as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from descent.figures.course_map.graph import Lane, Stop
from descent.figures.course_map.routing import BOX, Line, Plan, Point, lay_out

BEND = 5.0  # the radius of a line's corners
LETTER = 12.5  # the size of a title's letters, as plan.css has it
NARROW, WIDE = " .,:;'iljtfrI-()", "mwMW"
HEAD = 22.0  # of a box: the line with the number
LINE, TIGHT_LINE = 14.5, 12.6  # from one line of a title to the next; where there are three
INSET = 9.0
ARROW = "M0 0 L7 3.5 L0 7 z"


def draw_course_map(lanes: Sequence[Lane], stops: Sequence[Stop], title: str, desc: str) -> str:
    """Draw chapters in lanes, each below all that it needs.

    Parameters
    ----------
    lanes
        The columns.
    stops
        The chapters.
    title, desc
        What the drawing is, in a few words and in a sentence or two.

    Returns
    -------
    str
        An ``svg`` element. Each chapter is a link with ``data-chapter``, each line a path with
        ``data-before`` and ``data-after``; a page styles and moves them by these.
    """
    plan = lay_out(stops, lanes)
    width, height = round(plan.width), round(plan.height)
    parts = [
        f'<svg class="course-map" viewBox="0 0 {width} {height}" role="group" '
        'aria-labelledby="course-map-title course-map-desc" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="course-map-title">{escape(title)}</title>',
        f'<desc id="course-map-desc">{escape(desc)}</desc>',
        _markers(),
        *(_lane(lane.name, x, plan) for lane, x in zip(lanes, plan.lanes, strict=True)),
        '<g class="lines" aria-hidden="true">',
        *(_line(line) for line in plan.lines),
        "</g>",
        *(_stop(stop, plan.boxes[stop.id]) for stop in stops),
        "</svg>",
    ]
    return "\n".join(parts)


def _markers() -> str:
    kinds = ("plain", "lit", "way")
    return "".join(
        f'<marker id="course-map-{kind}" class="{kind}" viewBox="0 0 7 7" refX="6.5" refY="3.5" '
        f'markerUnits="userSpaceOnUse" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="{ARROW}"/></marker>'
        for kind in kinds
    ).join(("<defs>", "</defs>"))


def _lane(name: str, x: float, plan: Plan) -> str:
    width, words = BOX[0] + 10, _wrapped(name, BOX[0] * LETTER / 14)
    lines = "".join(
        f'<tspan x="{x + BOX[0] / 2:g}" y="{20 + 15 * place}">{escape(word)}</tspan>'
        for place, word in enumerate(words)
    )
    return (
        f'<g class="lane" aria-hidden="true"><rect x="{x - 5:g}" y="2" width="{width:g}" '
        f'height="{plan.height - 4:g}" rx="10"/><text text-anchor="middle">{lines}</text></g>'
    )


def _line(line: Line) -> str:
    edge = line.edge
    return (
        f'<path class="{edge.kind}" data-before="{edge.before.id}" data-after="{edge.after.id}" '
        f'd="{_rounded(line.points)}"/>'
    )


def _rounded(points: Sequence[Point]) -> str:
    """Return a path through the points whose corners are rounded."""
    path = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _toward(corner, before), _toward(corner, after)
        path.append(f"L{start[0]:g} {start[1]:g}Q{corner[0]:g} {corner[1]:g} {end[0]:g} {end[1]:g}")
    path.append(f"L{points[-1][0]:g} {points[-1][1]:g}")
    return "".join(path)


def _toward(corner: Point, other: Point) -> Point:
    """Return the point a bend's radius away from a corner, or half-way if that is nearer."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = abs(dx) + abs(dy)  # lines are level or upright
    if not length:
        return corner
    share = min(BEND, length / 2) / length
    return corner[0] + share * dx, corner[1] + share * dy


def _stop(stop: Stop, at: Point) -> str:
    """Draw a chapter: its box, its number and hours, what shows its state, its title.

    The three shapes of the state lie on one another; the page shows the one that holds.
    """
    (x, y), (width, height) = at, BOX
    words = _wrapped(stop.title, width - 2 * INSET)
    line = LINE if len(words) < 3 else TIGHT_LINE
    first = HEAD + (height - HEAD) / 2 + 1 - line / 2 * (len(words) - 1)
    title = "".join(
        f'<tspan x="{INSET:g}" y="{first + line * place:g}">{escape(word)}</tspan>'
        for place, word in enumerate(words)
    )
    kind = "stop" if stop.stands else "stop unwritten"
    return (
        f'<a class="{kind}" href="{escape(stop.href)}" data-chapter="{stop.id}" '
        f'aria-label="{escape(stop.says)}" transform="translate({x:g} {y:g})">'
        f'<rect class="box" width="{width:g}" height="{height:g}" rx="8"/>'
        f'<text class="mark" x="{INSET:g}" y="17">{escape(stop.mark)}</text>'
        f'<text class="hours" x="{width - 22:g}" y="16.5" text-anchor="end">{escape(stop.hours)}'
        f'</text><g class="state" transform="translate({width - 12:g} 12.5)">'
        '<circle class="todo" r="4.5"/>'
        '<g class="begun"><circle r="4.5"/><path d="M0 -4.5 A4.5 4.5 0 0 1 0 4.5 z"/></g>'
        '<path class="done" d="M-5 0.5 L-1.5 4 L5 -4"/></g>'
        f'<text class="title">{title}</text></a>'
    )


def _wrapped(text: str, width: float) -> list[str]:
    """Break a text into lines that fit a width, in the widest letters a reader's machine has."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _width(text: str) -> float:
    return sum(
        LETTER * (0.34 if c in NARROW else 0.92 if c in WIDE else 0.7 if c.isupper() else 0.61)
        for c in text
    )
