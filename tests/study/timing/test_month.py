"""A month of a careless learner on two machines: whatever they do, time stays time."""

from __future__ import annotations

import random
from datetime import date

import pytest

from descent.study.export.merging import merge_record
from descent.study.export.saving import export_record
from descent.study.store import ProgressStore
from descent.study.timing.setting import (
    ClockError,
    begin,
    current_clock,
    go_on,
    leave_sign,
    pause,
    stop,
)
from descent.study.timing.worked import time_worked

CHAPTERS = ("ladder/01_scalar_regression", "ladder/02_autograd", "")


def act(draw: random.Random, store: ProgressStore, hand) -> None:
    """Do one thing, often a thing that cannot be done."""
    chapter = draw.choice(CHAPTERS)
    clock = current_clock(store)
    doings = (
        lambda: begin(chapter, "reading", store=store),
        lambda: begin(chapter, switch=True, store=store),
        lambda: begin(chapter, switch=True, at="09:30", store=store),
        lambda: pause(store),
        lambda: go_on(store),
        lambda: stop(store=store),
        lambda: stop("18:30", store),
        lambda: clock and leave_sign(clock.id, store=store),
        lambda: store.record_check(chapter or CHAPTERS[0], "predict", "not right yet"),
    )
    try:
        draw.choice(doings)()
    except ClockError as error:
        assert str(error).endswith(".") or "descent" in str(error)


@pytest.mark.parametrize("seed", range(2))
def test_no_time_is_negative_or_counted_twice_or_more_than_there_was(course, tmp_path, hand, seed):
    draw = random.Random(seed)
    hand.to("2026-03-20 09:00")  # summer time begins on the 29th
    begun = hand.now
    stores = [ProgressStore(tmp_path / name / "progress.sqlite3") for name in ("one", "two")]
    earliest = latest = hand.now
    for step in range(150):
        hand.on(draw.choice((0.5, 2, 7, 25, 90, 600)))
        if draw.random() < 0.02:  # the computer's time is set back, or ahead
            hand.on(draw.choice((-90, -1500, 60, 3000)))
        earliest, latest = min(earliest, hand.now), max(latest, hand.now)
        act(draw, stores[step // 30 % 2], hand)
        if step % 30 == 29:  # they change machines, and take the record with them
            file = tmp_path / f"{step}.jsonl"
            export_record(file, store=stores[step // 30 % 2])
            merge_record(file, stores[1 - step // 30 % 2])
    file = tmp_path / "last.jsonl"
    for source, target in (stores, stores[::-1]):
        export_record(file, replace=True, store=source)
        merge_record(file, target)
    one, two = (time_worked(store.events(), latest) for store in stores)
    assert one == two  # nothing is lost on the way
    assert all(
        before.end <= after.start for before, after in zip(one.pieces, one.pieces[1:], strict=False)
    )
    assert all(piece.seconds > 0 for piece in one.pieces)
    assert all(clock.seconds >= 0 for clock in one.clocks)
    days = one.days()
    assert max(days.values()) <= 25
    assert sum(days.values()) == pytest.approx(sum(one.hours_by_chapter().values()))
    assert sum(days.values()) == pytest.approx(sum(one.weeks().values()))
    assert sum(days.values()) * 3600 <= latest - min(begun - 16 * 3600, earliest)
    assert min(days) >= date(2026, 3, 18)
