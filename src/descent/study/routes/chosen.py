"""The plan a learner chose last, kept in the record."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from descent.study.events import Event
from descent.study.former_ids import present_name
from descent.study.store import ProgressStore


@dataclass(frozen=True)
class Choice:
    """A plan as it was chosen.

    Attributes
    ----------
    goal, route
        The id of a chapter or a section, or of a route; the other is empty. Both are where only
        ``known`` was said.
    hours
        The hours there are, or None.
    known
        Ids of chapters and sections that the learner knows from elsewhere.
    """

    goal: str = ""
    route: str = ""
    hours: float | None = None
    known: tuple[str, ...] = ()


def choose(store: ProgressStore, choice: Choice) -> None:
    """Keep a plan as the one that was chosen last. Never raises."""
    name = {"route": choice.route} if choice.route else {"goal": choice.goal}
    store.record("plan", "", "", **name, hours=choice.hours, known=list(choice.known))


def last_choice(events: Iterable[Event]) -> Choice | None:
    """Return the plan chosen last, under the names that things have now; None where none was.

    Parameters
    ----------
    events
        The record, oldest first.
    """
    plans = [event.data for event in events if event.kind == "plan"]
    if not plans:
        return None
    data = plans[-1]
    known = data.get("known")
    return Choice(
        goal=_present(_text(data.get("goal"))),
        route=_text(data.get("route")),
        hours=_hours(data.get("hours")),
        known=tuple(_present(_text(name)) for name in known) if isinstance(known, list) else (),
    )


def _present(name: str) -> str:
    """Follow the id of a chapter or a section to the one in use."""
    chapter, _, section = name.partition("#")
    chapter = present_name(chapter)
    if not section:
        return chapter
    section = present_name(f"{chapter}/{section}").removeprefix(f"{chapter}/")
    return f"{chapter}#{section}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _hours(value: object) -> float | None:
    """Read hours from a record; what makes no sense counts as not said."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None
