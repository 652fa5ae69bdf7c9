"""The plan chosen last, as the record keeps it."""

from __future__ import annotations

import pytest

from descent.study.events import new_event
from descent.study.routes.chosen import Choice, choose, last_choice
from descent.study.routes.course_map import load_map
from descent.study.routes.current import current_plan
from descent.study.store import ProgressStore


def chosen(**data):
    return new_event("plan", "", "", data=data)


def test_without_a_plan_there_is_none(small):
    assert last_choice([]) is None
    assert current_plan(load_map(), []) is None


def test_the_last_of_several_holds(small):
    store = ProgressStore()
    choose(store, Choice(goal="research/1_attention", hours=24.0))
    choose(store, Choice(route="short", known=("ladder/01_line",)))
    assert last_choice(store.events()) == Choice(route="short", known=("ladder/01_line",))
    plan = current_plan(load_map(), store.events())
    assert [step.section.id for step in plan.steps] == ["research/1_attention"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"goal": 3, "hours": "many", "known": "all"},
        {"goal": "", "hours": -1, "known": [None, 7]},
        {"goal": None, "route": None, "hours": True},
    ],
)
def test_a_record_that_makes_no_sense_plans_nothing_and_breaks_nothing(small, data):
    assert current_plan(load_map(), [chosen(**data)]) is None


@pytest.mark.parametrize("hours", [0, -2, "24", None, float("nan"), True])
def test_hours_that_are_none_count_as_not_said(small, hours):
    plan = current_plan(load_map(), [chosen(goal="ladder/01_line", hours=hours)])
    assert plan.budget is None and plan.fits
