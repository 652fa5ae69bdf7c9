"""The plan that a learner chose, made of the course as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from descent.study.events import Event
from descent.study.routes.chosen import Choice, last_choice
from descent.study.routes.course_map import CourseMap
from descent.study.routes.names import find_route
from descent.study.routes.planner import Plan, plan_route, plan_to
from descent.study.routes.standing import Standing, standings
from descent.study.routes.yaml_file import RoutesError


def current_plan(course: CourseMap, events: Sequence[Event]) -> Plan | None:
    """Return the plan chosen last, with what is done by now; None where none was chosen.

    Raises
    ------
    RoutesError
        When the course no longer has its goal or its route.
    """
    choice = last_choice(events)
    if choice is None or not (choice.goal or choice.route):
        return None
    return plan_for(course, choice, standings(course, events, choice.known))


def plan_for(course: CourseMap, choice: Choice, standing: Mapping[str, Standing]) -> Plan:
    """Make the plan of a choice.

    A section that its chapter no longer has gives way to the chapter.

    Raises
    ------
    RoutesError
        When the course does not have the goal or the route.
    """
    if choice.route:
        return plan_route(course, find_route(course, choice.route), standing, choice.hours)
    chapter = course.chapter(choice.goal.partition("#")[0])
    if chapter is None:
        raise RoutesError(
            f"Your plan led to '{choice.goal}', which the course no longer has. "
            "Choose another goal: descent plan --goal research/7"
        )
    goal = course.section(choice.goal) if "#" in choice.goal else None
    return plan_to(course, goal or chapter, standing, choice.hours)
