"""The book's page on the weekend: the whole plan, what to skip, and the published log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from descent.authoring import sprint_page as sprint_page_module
from descent.authoring.course import load_course
from descent.authoring.listing import table_of_contents
from descent.authoring.problems import AuthoringError
from descent.authoring.sprint_page import sprint_page
from descent.study.sprint.plan import load_plan

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_says_all_of_the_plan_and_is_in_the_contents():
    course = load_course(ROOT)
    text, plan = sprint_page(course), load_plan(ROOT)
    for block in plan.blocks:
        assert f"*{block.title}*" in text and block.do in text and block.why in text
        named = [place.partition("#")[0] for place in block.places]
        ids = {chapter.id for chapter in course.chapters}
        standing = [chapter for chapter in named if chapter in ids]
        assert not standing or f"solutions/{standing[0]}.ipynb" in text  # the first is taken
    assert all(skip.why in text for skip in plan.skips)
    assert "book/sprint\n" in table_of_contents(course)


def test_every_block_has_its_time_in_a_form_that_a_script_can_shift():
    text, plan = sprint_page(load_course(ROOT)), load_plan(ROOT)
    assert text.count("<time data-day=") == len(plan.blocks)
    assert '<time data-day="1" data-after="700">21:40</time>' in text


def test_a_section_that_its_chapter_does_not_have_is_named(monkeypatch):
    plan = load_plan(ROOT)
    wrong = replace(plan.blocks[2], places=("ladder/01_scalar_regression#no_such_section",))
    days = (replace(plan.days[0], blocks=(wrong,)),)
    monkeypatch.setattr(sprint_page_module, "load_plan", lambda root: replace(plan, days=days))
    with pytest.raises(AuthoringError, match="gradient_descent names .*#no_such_section"):
        sprint_page(load_course(ROOT))


def test_the_log_is_a_picture_and_a_table_and_its_totals_are_computed():
    text = sprint_page(load_course(ROOT))
    assert "17 h 45 on two days" in text and "12 h 50 of named work" in text
    assert "1 h 04 marked ???" in text
    svg = text[text.index("<svg") : text.index("</svg>")]
    assert "\n\n" not in svg  # or Markdown would end the HTML there
    assert "| Saturday | Linnear Algebra—first four videos | 58 | work |" in text
    assert text.count("| Saturday |") == 32 and text.count("| Sunday |") == 10


def test_the_morning_after_stands_with_its_rubrics_folded():
    text = sprint_page(load_course(ROOT))
    for name in ("first_day", "second_day"):
        assert f'<div class="descent-written" data-chapter="sprint" data-item="{name}">' in text
