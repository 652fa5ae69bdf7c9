"""Plans: closed under what is needed, as short as can be, and true to the hours there are."""

from __future__ import annotations

import random

import pytest

from descent.study.events import new_event
from descent.study.routes.course_map import load_map
from descent.study.routes.names import find_goal, find_route
from descent.study.routes.planner import plan_route, plan_to
from descent.study.routes.standing import standings


def correct(chapter, *exercises):
    return [new_event("check", chapter, name, "correct") for name in exercises]


def planned(name, budget=None, events=(), known=()):
    course = load_map()
    standing = standings(course, events, known)
    return course, standing, plan_to(course, find_goal(course, name), standing, budget)


def ids(plan):
    return [step.section.id for step in plan.steps]


def assert_closed(course, standing, plan):
    """Nothing comes before what it needs, unless that is done."""
    seen = set()
    for step in plan.steps:
        for need in course.needs(step.section):
            assert need.id in seen or standing[need.id].state == "done", (step.section.id, need.id)
        seen.add(step.section.id)


def assert_minimal(course, plan, targets):
    """Whatever is on the way is the goal, or something on the way needs it."""
    on_way = {step.section.id for step in plan.steps}
    for step in plan.steps:
        users = {one.id for one in course.needed_by(step.section)}
        assert step.section in targets or users & on_way, step.section.id


def test_a_plan_goes_through_sections_that_are_needed_and_no_others(small):
    _, _, plan = planned("research/1")
    assert ids(plan) == [
        "ladder/01_line#data",
        "ladder/01_line#fit",
        "ladder/01_line#slope",
        "ladder/02_slopes#tensors",
        "ladder/02_slopes#backward",
        "research/1_attention",
    ]
    assert [one.id for stage in plan.stages for one in stage.skipped] == [
        "ladder/01_line#extra",
        "ladder/02_slopes#afterwards",
    ]


def test_a_section_can_be_the_goal(small):
    _, _, plan = planned("ladder/01#slope")
    assert ids(plan) == ["ladder/01_line#data", "ladder/01_line#fit", "ladder/01_line#slope"]
    assert plan.target is not None


def test_every_chapter_of_the_course_has_a_closed_and_minimal_plan():
    course = load_map()
    standing = standings(course, ())
    for chapter in course.chapters:
        plan = plan_to(course, chapter, standing)
        assert_closed(course, standing, plan)
        assert_minimal(course, plan, course.sections_of(chapter))
        assert plan.stages[-1].chapter == chapter
        assert plan.hours >= chapter.hours - 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_plans_stay_closed_and_minimal_whatever_is_done(seed):
    course, chance = load_map(), random.Random(seed)
    done = [
        event
        for section in course.sections
        for name in section.exercises
        if chance.random() < seed / 8
        for event in correct(section.chapter.id, name)
    ]
    standing = standings(course, done)
    for chapter in chance.sample(course.chapters, 10):
        plan = plan_to(course, chapter, standing)
        assert_closed(course, standing, plan)
        assert_minimal(course, plan, course.sections_of(chapter))
        assert all(step.standing.state != "done" for step in plan.steps)


def test_what_is_done_is_not_planned_again_and_needs_nothing_any_more(small):
    events = correct("ladder/01_line", "gradient") + correct("ladder/02_slopes", "to_tensors")
    course, standing, plan = planned("research/1", events=events)
    assert ids(plan) == ["ladder/02_slopes#backward", "research/1_attention"]
    assert {one.id for one in plan.done} == {"ladder/01_line#slope", "ladder/02_slopes#tensors"}
    assert_closed(course, standing, plan)


def test_a_begun_section_counts_for_what_is_left_of_it(small):
    _, _, fresh = planned("ladder/01#fit")
    _, _, begun = planned("ladder/01#fit", events=correct("ladder/01_line", "predict"))
    assert ids(begun) == ["ladder/01_line#fit"]
    assert begun.steps[0].standing.state == "begun"
    assert begun.steps[0].minutes == pytest.approx(fresh.steps[1].minutes / 2)


def test_what_a_learner_knows_from_elsewhere_is_left_out(small):
    _, _, plan = planned("research/1", known=["ladder/01", "ladder/02_slopes#tensors"])
    assert ids(plan) == ["ladder/02_slopes#backward", "research/1_attention"]


def test_a_goal_that_is_done_leaves_nothing_to_do(small):
    _, _, plan = planned("ladder/01#extra", events=correct("ladder/01_line", "bonus"), budget=1)
    assert plan.steps == [] and plan.fits and plan.hours == 0


def test_hours_run_on_and_the_sections_of_a_chapter_add_up_to_its_own(small):
    course, _, plan = planned("research/2")
    ends = [step.ends for step in plan.steps]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(plan.hours)
    for chapter in course.chapters:
        minutes = sum(section.minutes for section in course.sections_of(chapter))
        assert minutes == pytest.approx(chapter.hours * 60)


def test_more_hours_never_carry_less_far(small):
    budgets = [0.01, 0.3, 0.5, 1, 2, 3, 4, 5, 10, 14, 15, 18, 19, 100]
    plans = [planned("research/2", budget=budget)[2] for budget in budgets]
    fitting = [sum(step.fits for step in plan.steps) for plan in plans]
    assert fitting == sorted(fitting)
    assert fitting[0] == 0 and plans[-1].fits
    assert len({round(plan.hours, 6) for plan in plans}) == 1
    nearer = [plan.nearer.hours for plan in plans if plan.nearer]
    assert nearer == sorted(nearer)


def test_where_the_hours_do_not_suffice_a_nearer_goal_fits(small):
    for budget in (0.3, 1, 3, 5, 12, 15):
        _, _, plan = planned("research/2", budget=budget)
        assert not plan.fits and plan.nearer is not None
        _, _, nearer = planned(plan.nearer.name, budget=budget)
        assert nearer.fits and nearer.hours == pytest.approx(plan.nearer.hours)


def test_hours_too_few_for_the_first_section_reach_nothing(small):
    _, _, plan = planned("research/2", budget=0.01)
    assert plan.reached is None and plan.nearer is None


def test_what_would_help_is_named_and_not_planned(small):
    _, _, plan = planned("research/2", known=["research/1"])
    assert ids(plan) == ["research/2_agents"]
    assert [one.id for one in plan.helps] == ["ladder/02_slopes"]


def test_a_chapter_before_the_goal_that_it_does_not_need_is_skipped(small, write):
    write(small, "ladder/03_aside", (("one", "One", "", ("first",)),))
    _, _, plan = planned("research/1")
    assert [chapter.id for chapter in plan.skipped] == ["ladder/03_aside"]


def test_a_route_keeps_its_order_and_its_hours_and_says_what_it_takes_for_granted(small):
    course = load_map()
    plan = plan_route(course, find_route(course, "short"), standings(course, ()), 3)
    assert [stage.chapter.id for stage in plan.stages] == ["ladder/01_line", "research/1_attention"]
    assert plan.hours == pytest.approx(2 + 2)
    assert [chapter.id for chapter in plan.granted] == ["ladder/02_slopes"]
    assert plan.stop is not None and plan.stop.gained == "a line"


def test_needs_in_a_ring_do_not_stop_a_learner(small, write):
    write(small, "ladder/01_line", (("data", "The data", "ladder/02#tensors", ()),))
    _, _, plan = planned("ladder/02")
    assert {step.section.chapter.id for step in plan.steps} == {
        "ladder/01_line",
        "ladder/02_slopes",
    }
