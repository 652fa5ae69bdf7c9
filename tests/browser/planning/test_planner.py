"""The planner of the page gives what the planner of the command gives."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from descent.study.events import Event, new_event
from descent.study.routes import CourseMap, course_data, load_map
from descent.study.routes.planner import Plan, plan_route, plan_to
from descent.study.routes.questions import purpose, startable, supplies
from descent.study.routes.sections import Section
from descent.study.routes.standing import standings

pytestmark = pytest.mark.browser

SCRIPT = Path(__file__).resolve().parents[3] / "book" / "assets" / "planner.js"
BUDGETS = (None, 0.25, 7.0, 24.0, 60.0, 500.0)

# Every plan and answer, reduced to what the two planners are compared by.
ALL_PLANS = """([data, events, known, budgets]) => {
  const planner = window.descentPlanner(data, events, known);
  const ids = (list) => list.map((one) => one.id);
  const reduced = (plan) => ({
    stages: plan.stages.map((stage) => ({
      chapter: stage.chapter.id, done: ids(stage.done), skipped: ids(stage.skipped),
      fits: stage.fits, steps: stage.steps.map(
        (step) => [step.section.id, step.state, step.minutes, step.ends, step.fits]),
    })),
    hours: plan.hours, fits: plan.fits, reached: plan.reached?.section.id ?? null,
    skipped: ids(plan.skipped), granted: ids(plan.granted), helps: ids(plan.helps),
    nearer: plan.nearer && [plan.nearer.id, plan.nearer.hours], stop: plan.stop?.after ?? null,
  });
  const goals = [...ids(data.chapters), ...ids(data.sections)];
  const routes = ids(data.routes.filter((route) => route.chapters.length));
  const every = (names, make) => Object.fromEntries(
    names.map((name) => [name, budgets.map((budget) => reduced(make(name, budget)))]));
  return {
    goals: every(goals, planner.planTo),
    routes: every(routes, planner.planRoute),
    startable: planner.startable().map((one) => [one.chapter.id, ids(one.sections), one.begun]),
    purpose: Object.fromEntries(goals.map((name) => {
      const { direct, further, helped } = planner.purpose(name);
      return [name, [ids(direct), ids(further), ids(helped)]];
    })),
    supplies: Object.fromEntries(goals.map((name) => [
      name, planner.supplies(name).map((one) => [one.section.id, one.distance])])),
  };
}"""


def correct(chapter: str, *exercises: str) -> list[Event]:
    return [new_event("check", chapter, name, "correct") for name in exercises]


def nothing(course: CourseMap) -> list[Event]:
    return []


def the_first_ten(course: CourseMap) -> list[Event]:
    """All exercises of ten chapters, and the eleventh opened."""
    done = [
        event
        for chapter in course.in_order[:10]
        for section in course.sections_of(chapter)
        for event in correct(chapter.id, *section.exercises)
    ]
    return [*done, new_event("start", course.in_order[10].id, "")]


def here_and_there(course: CourseMap) -> list[Event]:
    """Some of all exercises, hints, failures, blanks, and checks that broke down."""
    draw = random.Random(12)
    events = []
    for section in course.sections:
        for name in section.exercises:
            outcome = draw.choice(
                ["correct", "not right yet", "not attempted", "could not grade", None]
            )
            if outcome is not None:
                events.append(new_event("check", section.chapter.id, name, outcome))
            if draw.random() < 0.2:
                events.append(new_event("hint", section.chapter.id, name))
    return [*events, new_event("review", course.chapters[0].id, "a_card")]


def known_nothing(course: CourseMap) -> list[str]:
    return []


def known_much(course: CourseMap) -> list[str]:
    sections = [section.id for section in course.sections if not section.is_whole]
    return [course.chapters[2].id, course.chapters[-8].id, *sections[5:40:7]]


LEARNERS = {
    "who has done nothing": (nothing, known_nothing),
    "who has done ten chapters": (the_first_ten, known_nothing),
    "who has done something everywhere": (here_and_there, known_nothing),
    "who knows much from elsewhere": (here_and_there, known_much),
}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that has the planner's script and nothing else."""
    page = browser.new_page()
    page.add_script_tag(path=SCRIPT)
    yield page
    page.close()


@pytest.fixture(scope="module")
def course() -> CourseMap:
    return load_map()


@pytest.fixture(scope="module", params=LEARNERS)
def both(
    request: pytest.FixtureRequest, page: Page, course: CourseMap
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the two planners say to one learner: Python's, then JavaScript's."""
    done, known = (make(course) for make in LEARNERS[request.param])
    data = [course_data(course), [asdict(event) for event in done], known, BUDGETS]
    return python_plans(course, done, known), page.evaluate(ALL_PLANS, data)


def python_plans(course: CourseMap, events: Sequence[Event], known: list[str]) -> dict[str, Any]:
    standing = standings(course, events, known)
    goals: dict[str, Any] = {chapter.id: chapter for chapter in course.chapters}
    goals |= {section.id: section for section in course.sections}
    targets = {name: course.resolve(name) for name in goals}

    def every(make: Callable[[float | None], Plan]) -> list[dict[str, Any]]:
        return [reduced(make(budget)) for budget in BUDGETS]

    return {
        "goals": {
            name: every(lambda hours, goal=goal: plan_to(course, goal, standing, hours))
            for name, goal in goals.items()
        },
        "routes": {
            route.id: every(lambda hours, route=route: plan_route(course, route, standing, hours))
            for route in course.routes
            if route.chapters
        },
        "startable": [
            [one.chapter.id, ids(one.sections), one.begun] for one in startable(course, standing)
        ],
        "purpose": {name: answers(course, sections) for name, sections in targets.items()},
        "supplies": {
            name: [[one.section.id, one.distance] for one in supplies(course, sections)]
            for name, sections in targets.items()
        },
    }


def answers(course: CourseMap, sections: list[Section]) -> list[list[str]]:
    found = purpose(course, sections)
    return [ids(found.direct), ids(found.further), ids(found.helped)]


def ids(things: Sequence[Any]) -> list[str]:
    return [one.id for one in things]


def reduced(plan: Plan) -> dict[str, Any]:
    nearer = plan.nearer
    return {
        "stages": [
            {
                "chapter": stage.chapter.id,
                "done": ids(stage.done),
                "skipped": ids(stage.skipped),
                "fits": stage.fits,
                "steps": [
                    [step.section.id, step.standing.state, step.minutes, step.ends, step.fits]
                    for step in stage.steps
                ],
            }
            for stage in plan.stages
        ],
        "hours": pytest.approx(plan.hours),
        "fits": plan.fits,
        "reached": plan.reached.section.id if plan.reached else None,
        "skipped": ids(plan.skipped),
        "granted": ids(plan.granted),
        "helps": ids(plan.helps),
        "nearer": nearer
        and [
            nearer.section.chapter.id if nearer.whole_chapter else nearer.section.id,
            pytest.approx(nearer.hours),
        ],
        "stop": plan.stop.after if plan.stop else None,
    }


def test_every_goal_and_budget_gets_the_same_plan(both: Any) -> None:
    python, javascript = both
    assert len(python["goals"]) >= 41
    assert list(javascript["goals"]) == list(python["goals"])
    for goal, plans in python["goals"].items():
        assert javascript["goals"][goal] == plans, goal


def test_every_route_gets_the_same_plan(both: Any) -> None:
    python, javascript = both
    assert set(python["routes"]) == {"sprint", "ladder", "research", "blended", "reinforcement"}
    for route, plans in python["routes"].items():
        assert javascript["routes"][route] == plans, route


def test_the_same_can_be_started(both: Any) -> None:
    python, javascript = both
    assert javascript["startable"] == python["startable"]


def test_everything_is_for_the_same(both: Any) -> None:
    python, javascript = both
    assert javascript["purpose"] == python["purpose"]


def test_the_same_sections_supply_what_someone_is_stuck_on(both: Any) -> None:
    python, javascript = both
    assert javascript["supplies"] == python["supplies"]
