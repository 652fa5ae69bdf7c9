"""The time worked: clocks and checks together, no minute twice, by week, day and chapter."""

from __future__ import annotations

from datetime import date

import pytest

from descent.study.days import beginning_of, day_of, week_of
from descent.study.events import Event
from descent.study.timing.setting import begin, go_on, pause, stop
from descent.study.timing.worked import hours_this_week, time_worked

ONE, TWO = "ladder/01_scalar_regression", "ladder/02_autograd"


def worked(store, hand):
    return time_worked(store.events(), hand.now)


def test_checks_during_a_clock_add_nothing_and_checks_outside_it_do(store, hand):
    store.record_check(ONE, "predict", "not right yet")
    hand.on(10)
    begin(TWO, store=store)
    store.record_check(TWO, "descend", "not right yet")
    hand.on(15)
    store.record_check(ONE, "predict", "correct")
    hand.on(15)
    stop(store=store)
    hours = worked(store, hand).hours_by_chapter()
    assert hours == {TWO: pytest.approx(40 / 60)}  # ten minutes led to the check in it


def test_a_pause_is_no_work_unless_something_was_done_in_it(store, hand):
    begin(ONE, store=store)
    hand.on(10)
    store.record_check(ONE, "predict", "not right yet")
    pause(store)
    hand.on(15)
    go_on(store)
    store.record_check(ONE, "predict", "not right yet")
    pause(store)
    hand.on(1)
    store.record_check(TWO, "descend", "not right yet")
    hand.on(5)
    store.record_check(TWO, "descend", "correct")
    hand.on(1)
    stop(store=store)
    assert worked(store, hand).hours_by_chapter() == {
        ONE: pytest.approx(10 / 60),
        TWO: pytest.approx(5 / 60),
    }


def test_two_machines_at_once_count_each_minute_once(store, hand):
    """Neither knew of the other: their records meet later."""
    start = hand.now

    def event(minute, chapter, clock, action, step):
        uid = f"{clock}-{step}"
        data = {"action": action, "clock": clock, "step": step}
        return Event(uid, start + 60 * minute, "clock", chapter, "", data=data)

    store.merge(
        vars(one)
        for one in (
            event(0, ONE, "a", "begin", 0),
            event(30, TWO, "b", "begin", 0),
            event(60, ONE, "a", "stop", 1),
            event(90, TWO, "b", "stop", 1),
        )
    )
    hand.on(300)
    found = worked(store, hand)
    assert found.hours_by_chapter() == {ONE: 0.5, TWO: 1.0}
    assert found.hours_in_day(date(2026, 3, 2)) == 1.5


def test_a_day_turns_at_four_and_a_week_on_monday(zone):
    from datetime import datetime

    night = datetime(2026, 3, 9, 3, 59).timestamp()
    assert day_of(night) == date(2026, 3, 8) and week_of(night) == date(2026, 3, 2)
    assert day_of(night + 60) == week_of(night + 60) == date(2026, 3, 9)
    assert beginning_of(date(2026, 3, 9)) == night + 60


def test_work_past_the_end_of_a_week_is_divided(store, hand):
    hand.to("2026-03-09 02:00")
    begin(ONE, store=store)
    hand.to("2026-03-09 04:30")
    stop(store=store)
    assert worked(store, hand).weeks() == {date(2026, 3, 2): 2.0, date(2026, 3, 9): 0.5}
    assert hours_this_week(store.events(), hand.now) == 0.5


def test_a_month_over_summer_time_has_every_hour_once(store, hand):
    """Four hours a night around the change, in which the local time jumps from 2 to 3."""
    for day in range(10, 32):
        hand.to(f"2026-03-{day} 22:30")
        begin(ONE, store=store)
        for _ in range(4):
            hand.on(60)
            store.record_check(ONE, "predict", "not right yet")
        stop(store=store)
    found = worked(store, hand)
    assert set(found.days().values()) == {4.0}
    assert len(found.days()) == 22
    assert sum(found.weeks().values()) == pytest.approx(88)
    assert found.weeks()[date(2026, 3, 23)] == 28.0


def test_a_year_is_added_up_quickly_enough_for_a_page(store, hand):
    """No time is measured: the work grows with the record's length, and a long one ends."""
    start = hand.now
    events = [
        Event(str(number), start + 300 * number, "check", ONE, "predict", "correct")
        for number in range(20_000)
    ]
    hand.now = events[-1].at
    assert hours_this_week(events, hand.now) > 0
    assert time_worked(events, hand.now).hours_by_chapter()[ONE] == pytest.approx(19_999 / 12)


def test_a_record_from_beyond_the_calendar_is_passed_over(store, hand):
    begin(ONE, store=store)
    store.merge([{"uid": "far", "at": 1e15, "kind": "check", "chapter": ONE, "exercise": "x"}])
    data = {"action": "begin", "clock": "far", "step": 0}
    far = {
        "uid": "far2",
        "at": -1e15,
        "kind": "clock",
        "chapter": ONE,
        "exercise": "",
        "data": data,
    }
    store.merge([far])
    hand.on(30)
    stop(store=store)
    assert worked(store, hand).weeks() == {date(2026, 3, 2): 0.5}


def test_nothing_recorded_is_nothing_worked(store, hand):
    assert worked(store, hand).weeks() == {} and worked(store, hand).days() == {}
    assert hours_this_week([], hand.now) == 0
