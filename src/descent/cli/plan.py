"""Commands for the way through the course: a plan, what now, what for, and where to go back to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import WAY, app
from descent.errors import CourseError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from descent.study.routes.chosen import Choice
    from descent.study.routes.course_map import CourseMap
    from descent.study.routes.standing import Standing

Name = Annotated[
    str,
    typer.Argument(
        help="A chapter, chapter#section, an exercise, or a word the course teaches.",
        show_default=False,
    ),
]
Names = list[str] | None

MOST_HOURS = 100_000.0
"""More hours than a life has for it are a slip of the keyboard."""


@app.command(rich_help_panel=WAY)
def plan(
    goal: Annotated[
        str,
        typer.Option(
            help="Where to get: a chapter, chapter#section, an exercise, or a word.",
            show_default=False,
        ),
    ] = "",
    route: Annotated[
        str, typer.Option(help="A named route instead of a goal.", show_default=False)
    ] = "",
    hours: Annotated[
        str, typer.Option(help="The hours you have.", metavar="HOURS", show_default=False)
    ] = "",
    known: Annotated[
        Names, typer.Option(help="A chapter or section you know already; may be repeated.")
    ] = None,
    not_known: Annotated[
        Names, typer.Option("--not-known", help="Take back a --known; may be repeated.")
    ] = None,
    every_section: Annotated[
        bool, typer.Option("--sections", help="Show every section on a line of its own.")
    ] = False,
) -> None:
    """Show the shortest way to a goal, beside the hours you have; it is kept for the next time."""
    from descent.study.routes.chosen import choose, last_choice
    from descent.study.routes.course_map import load_map
    from descent.study.routes.current import plan_for
    from descent.study.routes.show_plan import no_plan_view, plan_view
    from descent.study.routes.standing import standings
    from descent.study.store import ProgressStore

    course, store = load_map(), ProgressStore()
    events = store.events()
    last = last_choice(events)
    choice = _choice(course, last, goal, route, hours, known or [], not_known or [])
    if choice is None or not (choice.goal or choice.route):
        if choice is not None and choice != last:
            choose(store, choice)
        _show(no_plan_view(course))
        return
    planned = plan_for(course, choice, standings(course, events, choice.known))
    if choice != last:
        choose(store, choice)
    _show(plan_view(planned, every_section))


@app.command(rich_help_panel=WAY)
def now() -> None:
    """Show what you have begun, and what you can start."""
    from descent.study.routes.questions import startable
    from descent.study.routes.show_answers import now_view

    course, standing, _ = _present()
    _show(now_view(startable(course, standing)))


@app.command(rich_help_panel=WAY)
def why(name: Name) -> None:
    """Show what a chapter, a section, an exercise or a word is for later."""
    from descent.study.paths import course_root
    from descent.study.routes.names import find_anything
    from descent.study.routes.questions import purpose
    from descent.study.routes.show_answers import why_view
    from descent.study.routes.terms import read_terms

    course, _, here = _present()
    found = find_anything(course, read_terms(course_root()), name, here)
    _show(why_view(found, purpose(course, found.sections)))


@app.command(rich_help_panel=WAY)
def stuck(name: Name) -> None:
    """Show the sections that supply what you are stuck on, the nearest first."""
    from descent.study.lab import book_addresses
    from descent.study.paths import course_root
    from descent.study.routes.names import find_anything
    from descent.study.routes.questions import supplies
    from descent.study.routes.show_answers import stuck_view
    from descent.study.routes.terms import read_terms

    course, standing, here = _present()
    found = find_anything(course, read_terms(course_root()), name, here)
    _show(stuck_view(found, supplies(course, found.sections), standing, book_addresses()))


def _show(view: RenderableType) -> None:
    from rich.console import Console

    Console(highlight=False).print(view, crop=False)  # an address stays whole


def _present() -> tuple[CourseMap, dict[str, Standing], str | None]:
    """Return the map, how the learner stands with it, and the chapter they were in last."""
    from descent.study.routes.chosen import last_choice
    from descent.study.routes.course_map import load_map
    from descent.study.routes.standing import standings
    from descent.study.store import ProgressStore

    course, events = load_map(), ProgressStore().events()
    last = last_choice(events)
    here = next((event.chapter for event in reversed(events) if event.chapter), None)
    return course, standings(course, events, last.known if last else ()), here


def _choice(
    course: CourseMap,
    last: Choice | None,
    goal: str,
    route: str,
    hours: str,
    known: list[str],
    not_known: list[str],
) -> Choice | None:
    """Return what is to be planned now: what was asked for, else what was chosen last."""
    from descent.study.paths import course_root
    from descent.study.routes.chosen import Choice
    from descent.study.routes.names import find_goal, find_route
    from descent.study.routes.terms import read_terms

    if goal and route:
        raise CourseError("A plan has a goal or follows a route: give --goal or --route, not both.")
    budget = _hours(hours) if hours else None
    if last is None and not (goal or route or known):
        if hours:
            raise CourseError("Hours for what? Name a goal: descent plan --goal 13 --hours 24")
        return None
    last = last or Choice()
    names = {find_goal(course, name).id for name in known}
    back = {find_goal(course, name).id for name in not_known}
    knows = tuple(dict.fromkeys(one for one in (*last.known, *sorted(names)) if one not in back))
    if goal:
        found_goal = find_goal(course, goal, read_terms(course_root()))
        return Choice(goal=found_goal.id, hours=budget, known=knows)
    if route:
        found = find_route(course, route)
        if not found.chapters:
            raise CourseError(
                f"The route '{found.id}' is planned from a goal: "
                "descent plan --goal research/7 --hours 24"
            )
        return Choice(route=found.id, hours=budget, known=knows)
    return Choice(last.goal, last.route, budget or last.hours, knows)


def _hours(text: str) -> float:
    """Read the hours there are.

    Raises
    ------
    CourseError
        When they are no number above zero, or more than anybody has.
    """
    number = text.strip().casefold().removesuffix("hours").removesuffix("h").replace(",", ".")
    try:
        hours = float(number)
    except ValueError:
        hours = math.nan
    if hours > MOST_HOURS:
        raise CourseError(f"'{text}' is too many hours. For example: --hours 24")
    if not hours > 0:
        raise CourseError(f"'{text}' is no number of hours above zero. For example: --hours 24")
    return hours
