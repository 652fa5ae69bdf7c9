"""How deeply each chapter is verified: by what changed since it last was."""

from __future__ import annotations

import pytest

from descent.verification.plan import QUARTER, ROTATION, Depth, planned, write_plan


def depths(plan) -> dict[str, Depth]:
    return {number: step.depth for number, step in plan.items()}


def test_without_a_record_a_chapter_is_verified_as_a_whole(toys):
    assert set(depths(toys.plan()).values()) == {Depth.WHOLE}


def test_where_nothing_changed_a_part_has_its_turn_and_every_chapter_has_one(toys):
    toys.verified()
    turns: list[str] = []
    for day in range(ROTATION):
        plan = depths(toys.plan(day))
        whole = [number for number, depth in plan.items() if depth is Depth.WHOLE]
        assert len(whole) == len(plan) / ROTATION
        assert set(plan.values()) == {Depth.WHOLE, Depth.TRUSTED}
        turns += whole
    assert sorted(turns) == sorted(depths(toys.plan()))


@pytest.mark.parametrize("what", ["source", "exercises", "a measurement"])
def test_a_chapter_whose_own_files_changed_is_verified_as_a_whole(toys, edit, what):
    toys.verified()
    speeds = toys.root / "book" / "results" / "speeds.json"
    changed = {"source": toys.source(1), "exercises": toys.exercises(1), "a measurement": speeds}
    edit(changed[what])
    step = toys.plan(day=1)["01"]  # the day's turn is another chapter's
    assert step.depth is Depth.WHOLE
    assert step.reason == f"changed: {changed[what].relative_to(toys.root)}"


def test_another_chapters_change_is_none_of_its_own(toys, edit):
    toys.verified()
    edit(toys.source(1))
    edit(toys.exercises(1))
    assert toys.plan(day=1)["02"].depth is Depth.TRUSTED


def test_a_changed_room_means_light_and_whole_for_a_quarter(toys):
    toys.verified()
    for chapter in toys.course().chapters:
        toys.forget_room(chapter, "data")
    turns: list[str] = []
    for day in range(QUARTER):
        plan = toys.plan(day)
        assert set(depths(plan).values()) == {Depth.WHOLE, Depth.LIGHT}
        assert all("changed below it: data" in step.reason for step in plan.values())
        turns += [number for number, step in plan.items() if step.depth is Depth.WHOLE]
    assert sorted(turns) == sorted(depths(toys.plan()))


def test_a_new_version_of_what_computes_means_light(toys):
    toys.verified()
    lock = toys.root / "requirements.txt"
    lock.write_text(lock.read_text().replace("torch==2.0", "torch==2.1"))
    step = toys.plan(day=1)["01"]
    assert step.depth is Depth.LIGHT
    assert step.reason == "changed below it: the version of torch"


def test_a_version_of_what_computes_nothing_means_nothing(toys):
    toys.verified()
    lock = toys.root / "requirements.txt"
    lock.write_text(lock.read_text() + "typer==3\n")
    assert toys.plan(day=1)["01"].depth is Depth.TRUSTED


def test_a_damaged_record_counts_as_none(toys):
    toys.verified()
    next((toys.root / "tests" / "verified" / "toys").glob("01_*")).write_text('{"scores": 3}')
    assert toys.plan(day=1)["01"].reason == "never verified as a whole"


def test_what_does_not_fit_into_the_time_is_light_and_says_so(toys, edit):
    toys.verified(seconds=120.0)
    for number in range(1, 17):
        edit(toys.source(number))
    plan = toys.plan(day=0, budget=6 * 60)
    whole = [step for step in plan.values() if step.depth is Depth.WHOLE]
    light = [step for step in plan.values() if step.depth is Depth.LIGHT]
    assert 0 < len(whole) < len(plan) == len(whole) + len(light)
    # Two cores for six minutes.
    assert 120 * len(whole) + 15 * len(light) <= 2 * 6 * 60
    assert all("make test-all" in step.reason for step in light)
    tomorrow = toys.plan(day=len(whole), budget=6 * 60)
    assert depths(tomorrow) != depths(plan)


def test_a_session_takes_its_chapters_from_the_plan(toys, tmp_path, monkeypatch):
    toys.verified()
    chapters = toys.course().chapters
    monkeypatch.delenv("DESCENT_VERIFICATION_PLAN", raising=False)
    assert planned(Depth.WHOLE, chapters) == list(chapters)  # pytest by hand
    write_plan(tmp_path / "plan.json", list(toys.plan(day=0).values()))
    monkeypatch.setenv("DESCENT_VERIFICATION_PLAN", str(tmp_path / "plan.json"))
    assert [chapter.number for chapter in planned(Depth.WHOLE, chapters)] == [1, 9]
    assert planned(Depth.LIGHT, chapters) == []
