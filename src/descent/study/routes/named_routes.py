"""The named routes of ``book/routes.yml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.study.routes.fields import Fields, positive
from descent.study.routes.yaml_file import read_mapping

FILE = Path("book", "routes.yml")

_FIELDS = ("title", "for", "from", "chapters", "stops")


@dataclass(frozen=True)
class Stop:
    """Where one may leave a route: after which chapter, and with what."""

    after: str
    gained: str


@dataclass(frozen=True)
class Route:
    """A named way through the course.

    Attributes
    ----------
    id, title
        Its name, as ``--route`` takes it, and as pages show it.
    for_whom
        Who it is for, in one sentence.
    source
        The founding document it comes from.
    chapters
        Ids, in the route's order; none where the planner makes them.
    hours
        Hours by chapter id, for a chapter of which the route takes only the core.
    stops
        Where one may stop, in order.
    """

    id: str
    title: str
    for_whom: str
    source: str
    chapters: tuple[str, ...]
    hours: Mapping[str, float]
    stops: tuple[Stop, ...]


def read_routes(root: Path) -> list[Route]:
    """Read the routes of a course folder; one without the file has none.

    Raises
    ------
    RoutesError
        When the file or a field of it is wrong; the message names the place.
    """
    path = root / FILE
    if not path.exists():
        return []
    return [_route(path, name, values) for name, values in read_mapping(path).items()]


def _route(path: Path, name: str, values: object) -> Route:
    read = Fields(path, name, values, _FIELDS)
    chapters = [_chapter(read, item) for item in read.values.get("chapters") or []]
    return Route(
        id=name,
        title=read.text("title"),
        for_whom=read.text("for"),
        source=read.text("from"),
        chapters=tuple(chapter for chapter, _ in chapters),
        hours={chapter: hours for chapter, hours in chapters if hours is not None},
        stops=tuple(_stop(path, name, item) for item in read.values.get("stops") or []),
    )


def _chapter(read: Fields, item: Any) -> tuple[str, float | None]:
    """Read ``part/NN_slug`` or ``part/NN_slug: hours``."""
    error = read.wrong("chapters", "a list of chapter ids, each perhaps with its hours")
    if isinstance(item, str):
        return item, None
    if not isinstance(item, dict) or len(item) != 1:
        raise error
    ((chapter, hours),) = item.items()
    return str(chapter), positive(hours, error)


def _stop(path: Path, name: str, values: object) -> Stop:
    read = Fields(path, f"{name}, stops", values, ("after", "with"))
    return Stop(read.text("after"), read.text("with"))
