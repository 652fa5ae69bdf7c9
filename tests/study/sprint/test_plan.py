"""The plan of the weekend and the published log: whole, and what they say they are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from descent.study.catalog import load_catalog
from descent.study.sprint.log import REST, UNKNOWN, WORK, minutes_of, published_log, total
from descent.study.sprint.places import source_in_words, source_of, standing_chapters
from descent.study.sprint.plan import PlanError, load_plan
from descent.study.sprint.schedule import DAY_SECONDS, lay_out

ROOT = Path(__file__).resolve().parents[3]


def test_two_days_of_twelve_hours_in_which_every_block_says_what_to_do(plan):
    assert [day.minutes for day in plan.days] == [720, 720]
    for block in plan.blocks:
        if block.kind == "work":
            assert block.places or block.otherwise, block.id
            assert block.do and block.why
    for day in plan.days:  # nobody works for more than two and a half hours without a rest
        longest = since = 0
        for block in day.blocks:
            since = 0 if block.is_rest else since + block.minutes
            longest = max(longest, since)
        assert longest <= 150


def test_a_block_without_a_chapter_that_stands_has_a_source_and_says_what_to_skip(plan):
    for block in plan.blocks:
        if block.places:
            assert block.otherwise is not None, block.id
    shown = source_in_words(plan.block("linear_algebra_products"), {})
    assert shown[0].startswith("3Blue1Brown, Essence of linear algebra")
    assert shown[1].startswith("Skip: determinants")


def test_a_chapter_is_taken_on_the_day_it_stands(plan):
    chapters = standing_chapters()
    block = plan.block("gradient_descent")
    part = source_of(block, chapters).part
    assert part is not None and part.chapter.id == "ladder/01_scalar_regression"
    assert source_of(plan.block("whole_picture"), chapters).part is None


def test_every_section_that_the_plan_names_is_one_of_its_chapter(plan, monkeypatch):
    monkeypatch.setenv("DESCENT_COURSE", str(ROOT))
    chapters = {chapter.id: chapter for chapter in load_catalog()}
    for block in plan.blocks:
        for place in block.places:
            chapter, _, section = place.partition("#")
            if section and chapters[chapter].sections:
                assert section in {one.id for one in chapters[chapter].sections}, place


def test_a_wrong_plan_names_the_place(plan, course):
    path = course / "book" / "sprint.yml"
    text = path.read_text(encoding="utf-8")
    for wrong, said in (
        (text.replace("kind: meal", "kind: feast", 1), "feast"),
        (text.replace("minutes: 30", "minutes: half an hour", 1), "whole_picture"),
        (text.replace("id: break_1", "id: first_summary", 1), "stands twice: first_summary"),
        ("days: [", "not YAML"),
        ("- a list", "no entries"),
    ):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(PlanError, match=said):
            load_plan(course)
    path.unlink()
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(course)


def test_the_published_log_adds_up_as_its_source_says(plan):
    saturday, sunday = published_log()
    assert (len(saturday.entries), len(sunday.entries)) == (32, 10)
    assert sum(entry.minutes for entry in saturday.entries) == 646  # 10:00 to 20:45, about
    assert (saturday.minutes + sunday.minutes) / 60 == 17.75  # "about 18 hours"
    log = (saturday, sunday)
    assert [total(log, kind) for kind in (WORK, REST, UNKNOWN)] == [770, 118, 64]
    assert sunday.untold == 114
    algebra = [entry for entry in saturday.entries if "Linnear" in entry.what]
    assert [entry.minutes for entry in algebra] == [58, 16, 14]


@pytest.mark.parametrize(
    "text, minutes", [("28 min", 28), ("1hr 6min", 66), ("120 mins", 120), ("3 min", 3)]
)
def test_durations_as_the_log_writes_them(text, minutes):
    assert minutes_of(text) == minutes


def test_who_is_late_is_told_what_no_longer_fits(plan):
    day = plan.days[1]
    on_time = lay_out(day.blocks, 0.0, DAY_SECONDS)
    assert not on_time.left_out and on_time.slots[-1].end == DAY_SECONDS
    late = lay_out(day.blocks, 20 * 60.0, DAY_SECONDS)
    assert [block.id for block in late.left_out] == ["recurrent"]
    assert late.slots[0].start == 20 * 60.0
    very_late = lay_out(day.blocks[-6:], DAY_SECONDS - 3600, DAY_SECONDS)
    assert [slot.block.kind for slot in very_late.slots][-2:] == ["explain", "notes"]
    assert sum(slot.end - slot.start for slot in very_late.slots) <= 3600
    over = lay_out(day.blocks, DAY_SECONDS + 1, DAY_SECONDS)
    assert not over.slots and len(over.left_out) == len(day.blocks)


def test_a_block_under_way_stays_however_late_it_is(plan):
    block = plan.days[0].blocks[0]
    laid = lay_out([block], DAY_SECONDS + 60, DAY_SECONDS, {block.id: 0.0})
    assert [slot.block for slot in laid.slots] == [block]
    longer = dataclasses.replace(block, minutes=10)
    assert lay_out([longer], 0.0, 60.0, {block.id: 3600.0}).slots[0].end == 0.0
