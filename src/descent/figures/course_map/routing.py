"""Where everything on a course map lies: boxes in lanes, lines in the gutters between them.

No line crosses a box: lines run in the gutters between lanes and in the gaps between rows, each on
a track of its own. Lines that leave one box share a track, and so do lines that arrive at one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from descent.figures.course_map.graph import Edge, Lane, Stop, edges, rows

BOX = (122.0, 68.0)  # width and height of a stop
GAP = 13.0  # the least space between two rows
MARGIN = 11.0  # between a box and the first track beside it
TRACK = 6.0  # from one track to the next
TOP = 52.0  # above the first row: the names of the lanes

Point = tuple[float, float]


@dataclass
class Tracks:
    """The tracks of one gutter or gap: lines that overlap get different ones."""

    lines: list[list[tuple[float, float]]] = field(default_factory=list)
    of: dict[Hashable, int] = field(default_factory=dict)

    def claim(self, key: Hashable, start: float, end: float) -> None:
        """Give a line from ``start`` to ``end`` the first track that is free there."""
        if key in self.of:
            return
        for number, taken in enumerate(self.lines):
            if all(end < low or start > high for low, high in taken):
                taken.append((start, end))
                self.of[key] = number
                return
        self.lines.append([(start, end)])
        self.of[key] = len(self.lines) - 1


@dataclass(frozen=True)
class Line:
    """One drawn edge: its corner points, from the box before to the box after."""

    edge: Edge
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Plan:
    """The whole map, measured.

    Attributes
    ----------
    width, height
        Of the drawing.
    lanes
        The left edge of each lane.
    boxes
        The upper left corner of each stop's box, by id.
    lines
        The edges.
    """

    width: float
    height: float
    lanes: tuple[float, ...]
    boxes: dict[str, Point]
    lines: tuple[Line, ...]


def lay_out(stops: Sequence[Stop], lanes: Sequence[Lane]) -> Plan:
    """Place the stops and route the lines between them."""
    return _Router(stops, lanes).plan()


class _Router:
    def __init__(self, stops: Sequence[Stop], lanes: Sequence[Lane]) -> None:
        self.stops = stops
        self.row = rows(stops, lanes)
        self.edges = edges(stops)
        self.held = {(stop.lane, self.row[stop.id]) for stop in stops}
        self.gutters = [Tracks() for _ in range(len(lanes) + 1)]
        self.gaps = [Tracks() for _ in range(max(self.row.values(), default=0) + 2)]
        self._claim_tracks()
        self.lane_x = self._positions(self.gutters, BOX[0], 2.0)
        self.row_y = self._positions(self.gaps[:-1], BOX[1], TOP)

    def plan(self) -> Plan:
        boxes = {
            stop.id: (self.lane_x[stop.lane], self.row_y[self.row[stop.id]]) for stop in self.stops
        }
        width = self.lane_x[-1] + 2.0
        height = self.row_y[-1] + BOX[1] + GAP
        lines = tuple(Line(edge, self._points(edge)) for edge in self.edges)
        return Plan(width, height, tuple(self.lane_x[:-1]), boxes, lines)

    def _claim_tracks(self) -> None:
        """Give out tracks, the shortest lines first: they stay nearest to their boxes."""
        ups: dict[tuple[int, Hashable], list[float]] = {}
        alongs: dict[tuple[int, Hashable], list[float]] = {}
        for edge in self.edges:
            if self._is_straight(edge):
                continue
            first, last = self.row[edge.before.id], self.row[edge.after.id]
            gutter = self._gutter(edge)
            ups.setdefault((gutter, self._leaving(edge)), []).extend([first + 0.6, last + 0.4])
            if not self._enters_at_side(edge):
                ends = [gutter - 0.5, float(edge.after.lane)]
                alongs.setdefault((last, self._arriving(edge)), []).extend(ends)
        for spans, tracks in ((ups, self.gutters), (alongs, self.gaps)):
            order = sorted(spans, key=lambda key: max(spans[key]) - min(spans[key]))
            for place, key in order:
                span = spans[place, key]
                tracks[place].claim(key, min(span), max(span))

    def _is_straight(self, edge: Edge) -> bool:
        """Whether the box after lies right below the box before."""
        lane, between = (
            edge.before.lane,
            range(self.row[edge.before.id] + 1, self.row[edge.after.id]),
        )
        clear = not any((lane, row) in self.held for row in between)
        return (
            edge.after.lane == lane and clear and self.row[edge.after.id] > self.row[edge.before.id]
        )

    def _gutter(self, edge: Edge) -> int:
        """Return the gutter in which a line goes down: beside its first box, on its side."""
        return edge.before.lane + (1 if edge.after.lane > edge.before.lane else 0)

    def _enters_at_side(self, edge: Edge) -> bool:
        """Whether the gutter of a line also lies beside the box it goes to."""
        return self._gutter(edge) in (edge.after.lane, edge.after.lane + 1)

    def _leaving(self, edge: Edge) -> Hashable:
        return edge.before.id, edge.kind

    def _arriving(self, edge: Edge) -> Hashable:
        return edge.after.id, edge.kind

    def _positions(self, between: Sequence[Tracks], size: float, start: float) -> list[float]:
        """Return where each lane (or row) begins, and where what follows the last one would."""
        is_row = size == BOX[1]
        positions, at = [], start
        for tracks in between:
            count = len(tracks.lines)
            room = 2 * MARGIN + TRACK * max(0, count - 1) if count else MARGIN
            at += max(GAP, room) if is_row else room
            positions.append(at)
            at += size
        return positions

    def _track_x(self, edge: Edge) -> float:
        gutter = self._gutter(edge)
        tracks = self.gutters[gutter]
        from_right = len(tracks.lines) - 1 - tracks.of[self._leaving(edge)]
        return self.lane_x[gutter] - MARGIN - TRACK * from_right

    def _points(self, edge: Edge) -> tuple[Point, ...]:
        (x0, y0), (x1, y1) = (
            (self.lane_x[stop.lane], self.row_y[self.row[stop.id]])
            for stop in (edge.before, edge.after)
        )
        width, height = BOX
        if self._is_straight(edge):
            return (x0 + width / 2, y0 + height), (x1 + width / 2, y1)
        x = self._track_x(edge)
        out = (x0 + width if x > x0 else x0, y0 + height / 2 + 8)
        if self._enters_at_side(edge):
            y = y1 + height / 2 - 8
            return out, (x, out[1]), (x, y), (x1 + width if x > x1 else x1, y)
        gap = y1 - MARGIN - TRACK * self.gaps[self.row[edge.after.id]].of[self._arriving(edge)]
        over = x1 + width / 2
        return out, (x, out[1]), (x, gap), (over, gap), (over, y1)
