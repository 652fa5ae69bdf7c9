"""What a course map shows: chapters in lanes, and what leads from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lane:
    """One column of the map: its name, and whether its chapters stand in their given order."""

    name: str
    ordered: bool = False


@dataclass(frozen=True)
class Stop:
    """One chapter of the map.

    Attributes
    ----------
    id
        What edges and scripts know it by.
    lane
        Which column it stands in, from 0.
    mark
        Its number as it is shown, such as ``R3``.
    title
        What stands beside the number.
    needs
        The ids of the chapters it cannot do without.
    helps
        The ids of chapters that make it easier.
    hours
        What it takes, as it is shown, such as ``4 h``.
    href
        Where its link leads.
    stands
        Whether it can be worked through today.
    says
        The whole of it in words, for who cannot see the drawing.
    """

    id: str
    lane: int
    mark: str
    title: str
    needs: tuple[str, ...]
    helps: tuple[str, ...]
    hours: str
    href: str
    stands: bool
    says: str


@dataclass(frozen=True)
class Edge:
    """A line of the map, from what comes before to what comes after."""

    before: Stop
    after: Stop
    kind: str  # "needs" or "helps"


def edges(stops: Iterable[Stop]) -> list[Edge]:
    """Return the lines to draw: of the needs only those that no chain of others implies.

    Ids that no stop has are passed over: they are the business of who checks the course.
    """
    known = {stop.id: stop for stop in stops}
    above = _all_above(known)
    drawn = []
    for stop in known.values():
        needs = [known[one] for one in dict.fromkeys(stop.needs) if one in known]
        implied = set().union(*(above[one.id] for one in needs)) if needs else set()
        drawn += [Edge(one, stop, "needs") for one in needs if one.id not in implied]
        helps = [known[one] for one in dict.fromkeys(stop.helps) if one in known]
        drawn += [Edge(one, stop, "helps") for one in helps if one.id not in above[stop.id]]
    return drawn


def rows(stops: Sequence[Stop], lanes: Sequence[Lane]) -> dict[str, int]:
    """Return the row of each stop: below all that leads to it, and one stop a lane in a row.

    In a lane without order the earlier row goes to what is ready earlier.
    """
    leads = _leads(stops, lanes)
    placed: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    waiting = list(stops)

    def earliest(stop: Stop) -> int:
        return 1 + max((placed.get(one, -1) for one in leads[stop.id]), default=-1)

    while waiting:
        ready = [stop for stop in waiting if all(one in placed for one in leads[stop.id])]
        # A circle has no first stop: what comes first in the course opens it.
        stop = min(ready or waiting[:1], key=earliest)
        row = earliest(stop)
        while (stop.lane, row) in taken:
            row += 1
        placed[stop.id] = row
        taken.add((stop.lane, row))
        waiting.remove(stop)
    return placed


def _leads(stops: Sequence[Stop], lanes: Sequence[Lane]) -> dict[str, list[str]]:
    """Return for each stop the ids of those that stand above it."""
    known = {stop.id for stop in stops}
    leads = {stop.id: [one for one in (*stop.needs, *stop.helps) if one in known] for stop in stops}
    last: dict[int, str] = {}
    for stop in stops:
        if lanes[stop.lane].ordered:
            leads[stop.id] += [last[stop.lane]] if stop.lane in last else []
            last[stop.lane] = stop.id
    return leads


def _all_above(known: Mapping[str, Stop]) -> dict[str, set[str]]:
    """Return for each stop all that it needs, directly or through others."""
    above: dict[str, set[str]] = {}

    def look(name: str, path: tuple[str, ...] = ()) -> set[str]:
        if name not in above and name not in path:
            needs = [one for one in known[name].needs if one in known]
            found = set(needs).union(*(look(one, (*path, name)) for one in needs))
            above[name] = found
        return above.get(name, set())

    for name in known:
        look(name)
    return above
