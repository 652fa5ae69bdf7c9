"""The clock: what it counts, what it survives, and what it answers when it cannot."""

from __future__ import annotations

import pytest

from descent.study.store import ProgressStore
from descent.study.timing.clock import LOST, PAUSED, RUNNING, STOPPED
from descent.study.timing.moments import UnknownMoment
from descent.study.timing.setting import (
    ClockError,
    begin,
    current_clock,
    go_on,
    leave_sign,
    pause,
    stop,
)

CHAPTER = "ladder/01_scalar_regression"


def minutes(store: ProgressStore) -> float:
    clock = current_clock(store)
    assert clock is not None
    return clock.seconds / 60


def test_a_clock_counts_from_its_beginning_to_its_end_without_the_pause(store, hand):
    begin(CHAPTER, store=store)
    hand.on(25)
    pause(store)
    hand.on(15)
    go_on(store)
    hand.on(10)
    clock = stop(store=store)
    assert (clock.state, clock.seconds / 60) == (STOPPED, 35)
    assert [span.seconds / 60 for span in clock.pauses] == [15]
    assert clock.notes == ()


def test_after_a_crash_behind_each_event_the_next_process_finds_the_clock(store, hand):
    """Every step is taken by a process that knows nothing but the record."""

    def fresh() -> ProgressStore:
        return ProgressStore(store.path)

    begin(CHAPTER, "softmax", store=fresh())
    hand.on(20)
    found = current_clock(fresh())
    assert (found.state, found.seconds / 60, found.what) == (RUNNING, 20, "softmax")
    pause(fresh())
    hand.on(60)
    assert (current_clock(fresh()).state, minutes(fresh())) == (PAUSED, 20)
    go_on(fresh())
    hand.on(5)
    assert (current_clock(fresh()).state, minutes(fresh())) == (RUNNING, 25)
    leave_sign(current_clock(fresh()).id, store=fresh())
    hand.on(2)
    assert minutes(fresh()) == 27
    stop(store=fresh())
    hand.on(600)
    assert (current_clock(fresh()).state, minutes(fresh())) == (STOPPED, 27)


def test_a_timer_that_was_killed_counts_to_its_last_sign_and_can_be_put_right(store, hand):
    clock = begin(CHAPTER, store=store)
    for _ in range(10):
        hand.on(2)
        leave_sign(clock.id, store=store)
    hand.on(300)
    lost = current_clock(store)
    assert (lost.state, lost.seconds / 60) == (LOST, 20)
    assert "last sign of life was at 10:20" in lost.notes[0]
    assert stop("11:30", store).seconds / 60 == 90
    assert stop("10:50", store).seconds / 60 == 50
    assert current_clock(store).notes == ()


def test_a_clock_that_was_forgotten_counts_as_far_as_anything_was_recorded(store, hand):
    begin(CHAPTER, store=store)
    for _ in range(3):
        hand.on(50)
        store.record_check(CHAPTER, "predict", "not right yet")
    hand.to("2026-03-03 09:00")
    store.record_check(CHAPTER, "predict", "correct")  # the next day says nothing of this one
    lost = current_clock(store)
    assert (lost.state, lost.seconds / 60) == (LOST, 150)
    assert "12:30 on Mon 2 Mar" in lost.notes[0]
    clock = stop(store=store)
    assert (clock.state, clock.seconds / 60) == (STOPPED, 150)
    assert "not counted" in clock.notes[0]


def test_an_hour_of_reading_without_a_record_is_counted(store, hand):
    begin(what="Nielsen, chapter 2", store=store)
    hand.on(100)
    assert stop(store=store).seconds / 60 == 100


def test_two_clocks_at_once_get_an_answer_and_a_switch(store, hand):
    begin(what="Nielsen", store=store)
    hand.on(30)
    with pytest.raises(
        ClockError, match=r"A clock runs since 10:00 for Nielsen\. Stop it .*switch"
    ):
        begin(CHAPTER, store=store)
    assert minutes(store) == 30
    begin(CHAPTER, switch=True, store=store)
    hand.on(10)
    assert (current_clock(store).chapter, minutes(store)) == (CHAPTER, 10)
    pause(store)
    with pytest.raises(ClockError, match=r"A clock is paused that was begun at 10:30 for"):
        begin(CHAPTER, store=store)


def test_a_lost_clock_is_not_in_the_way_of_a_new_one(store, hand):
    begin(what="Nielsen", store=store)
    hand.on(60 * 20)
    assert begin(CHAPTER, store=store).state == RUNNING


def test_a_computers_time_set_back_takes_nothing_away_and_is_said(store, hand):
    clock = begin(CHAPTER, store=store)
    hand.on(30)
    leave_sign(clock.id, store=store)
    hand.on(-60)
    assert minutes(store) == 30
    assert "set back" in current_clock(store).notes[0]
    leave_sign(clock.id, store=store)
    hand.on(5)
    clock = stop(store=store)
    assert clock.seconds / 60 == 35
    assert clock.notes == (
        "The computer's time went back from 10:30 to 09:30 while it ran; nothing is counted "
        "between.",
    )


def test_a_stop_before_its_beginning_is_still_the_end(store, hand):
    begin(CHAPTER, store=store)
    hand.on(-30)
    clock = stop(store=store)
    assert (clock.state, clock.seconds) == (STOPPED, 0)


def test_a_computer_that_slept_is_not_counted_and_the_clock_goes_on(store, hand):
    clock = begin(CHAPTER, store=store)
    hand.on(2)
    leave_sign(clock.id, store=store)
    hand.on(180)
    leave_sign(clock.id, store=store)
    hand.on(8)
    clock = stop(store=store)
    assert clock.seconds / 60 == 10
    assert clock.notes == ("Nothing was heard of it from 10:02 to 13:02: that is not counted.",)


def test_a_timer_that_was_closed_leaves_the_clock_running(store, hand):
    clock = begin(CHAPTER, store=store)
    hand.on(2)
    leave_sign(clock.id, store=store)
    leave_sign(clock.id, watched=False, store=store)
    hand.on(90)
    assert stop(store=store).seconds / 60 == 92


def test_a_clock_can_begin_before_it_is_said(store, hand):
    assert begin(CHAPTER, at="06:00", store=store).seconds / 3600 == 4
    stop(store=store)
    with pytest.raises(ClockError, match="within the last 16 hours"):
        begin(CHAPTER, at="11:00", store=store)
    with pytest.raises(UnknownMoment, match="Write it as 18:30"):
        begin(CHAPTER, at="teatime", store=store)


def test_an_end_that_cannot_be_meant_is_refused(store, hand):
    begin(CHAPTER, store=store)
    hand.on(30)
    with pytest.raises(ClockError, match=r"began at .* after that is still to come"):
        stop("18:30", store)
    with pytest.raises(ClockError, match="before it began"):
        stop("2026-03-01 18:30", store)
    assert current_clock(store).state == RUNNING


def test_the_end_of_a_paused_clock_does_not_count_the_pause(store, hand):
    begin(CHAPTER, store=store)
    hand.on(30)
    pause(store)
    hand.on(60)
    assert stop("10:50", store).seconds / 60 == 30


def test_what_has_nothing_to_act_on_says_what_to_do(store, hand):
    for act in (pause, go_on):
        with pytest.raises(ClockError, match="descent time begin"):
            act(store)
    begin(CHAPTER, store=store)
    with pytest.raises(ClockError, match="runs already"):
        go_on(store)
    hand.on(10)
    stop(store=store)
    with pytest.raises(ClockError, match=r"No clock runs\. The last, for .*, ended at 10:10"):
        stop(store=store)
    hand.on(10)
    go_on(store)
    hand.on(10)
    assert minutes(store) == 20


def test_events_that_carry_no_name_or_nonsense_are_read_as_far_as_they_can_be(store, hand):
    store.record("clock", CHAPTER, "", action="begin")
    hand.on(10)
    store.record("clock", CHAPTER, "", action="dance")
    store.record("clock", CHAPTER, "", action="stop", step="three", when="soon")
    clock = current_clock(store)
    assert (clock.state, clock.seconds / 60) == (STOPPED, 10)
    store.record("clock", CHAPTER, "", action="stop", clock="one that never began")
    assert current_clock(store) == clock
