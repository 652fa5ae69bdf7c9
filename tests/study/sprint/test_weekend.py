"""A weekend from its first hour to its log: blocks, breaks, a crash, a night, a second day."""

from __future__ import annotations

import io
import random

import pytest
from rich.console import Console

from descent.study.sprint import acting
from descent.study.sprint.chart import beside_the_source, svg_file
from descent.study.sprint.in_notebook import SprintTimer
from descent.study.sprint.in_words import weekend_words
from descent.study.sprint.live import SprintView, watch_sprint
from descent.study.sprint.log import REST, UNKNOWN, WORK, own_log, published_log
from descent.study.store import ProgressStore
from descent.study.timing.setting import ClockError, begin, current_clock, leave_sign
from descent.study.timing.worked import time_worked


def said(plan, store) -> str:
    return " ".join(weekend_words(acting.weekend_now(plan, store)))


def test_blocks_follow_each_other_and_each_step_survives_a_crash(plan, store, hand):
    def fresh() -> ProgressStore:
        return ProgressStore(store.path)

    acting.begin(plan, fresh())
    hand.on(30)
    assert "What a network is: 30 min, 30 min so far" in said(plan, fresh())
    acting.next_block(plan, fresh())
    hand.on(5)
    acting.pause(plan, fresh())
    hand.on(60)
    assert "Summarise it: 15 min, 5 min so far, paused" in said(plan, fresh())
    acting.go_on(plan, fresh())
    hand.on(2)
    acting.take_break(plan, fresh())
    hand.on(4)
    assert said(plan, fresh()).startswith("Break: 4 min. Afterwards Summarise it goes on")
    weekend = acting.go_on(plan, fresh())
    assert weekend.block.id == "first_summary"
    hand.on(8)
    weekend = acting.next_block(plan, fresh())
    assert weekend.current.chapter == "ladder/01_scalar_regression"
    assert weekend.done == {"whole_picture", "first_summary"}
    assert weekend.spent["first_summary"] / 60 == 15
    assert current_clock(fresh()).what == "Learning is going downhill"


def test_a_timer_that_was_killed_in_a_block_goes_on_with_it(plan, store, hand):
    acting.begin(plan, store)
    hand.on(2)
    leave_sign(current_clock(store).id, store=store)
    hand.on(45)
    assert "Nothing of the sprint is under way" in said(plan, store)
    weekend = acting.go_on(plan, store)
    assert weekend.current.block == "whole_picture"
    hand.on(10)
    assert acting.weekend_now(plan, store).spent["whole_picture"] / 60 == 12


def test_the_second_day_begins_where_the_plan_does_and_names_what_was_left(plan, store, hand):
    acting.begin(plan, store)
    for _ in range(4):
        hand.on(20)
        acting.next_block(plan, store)
    acting.stop(plan, store)
    hand.to("2026-03-03 11:30")
    weekend = acting.begin(plan, store)
    assert weekend.current.what == "Read your notes"
    assert weekend.schedule.slots[-1].end == hand.now + 12 * 3600
    left = said(plan, store).partition("Left over from the day before: ")[2]
    assert "Linear algebra: vectors, and matrices as maps" in left
    assert "Lunch" not in left and "What a network is" not in left


def test_late_blocks_shift_the_rest_and_what_no_longer_fits_is_named(plan, store, hand):
    acting.begin(plan, store)
    hand.on(120)
    acting.next_block(plan, store)
    words = said(plan, store)
    assert "Then: 12:15 Learning is going downhill" in words
    assert "No longer fits today: Backpropagation, with its mathematics" in words
    assert "The day ends at 21:" in words


def test_when_the_twelve_hours_are_over_the_next_block_is_the_next_morning(plan, store, hand):
    acting.begin(plan, store)
    hand.on(20)
    store.record_hint("ladder/01_scalar_regression", "predict")
    hand.on(12 * 60)
    weekend = acting.next_block(plan, store)
    assert weekend.current is None
    assert "twelve hours are over" in said(plan, store)
    with pytest.raises(ClockError, match="in the morning"):
        acting.begin(plan, store)
    hand.to("2026-03-03 09:00")
    assert acting.begin(plan, store).day == 1


def test_a_sprint_of_last_month_is_over(plan, store, hand):
    first = acting.begin(plan, store)
    acting.stop(plan, store)
    hand.to("2026-04-04 08:00")
    again = acting.begin(plan, store)
    assert again.id != first.id and again.current.block == "whole_picture"
    acting.stop(plan, store)
    hand.on(1)
    assert acting.begin(plan, store, anew=True).id not in (first.id, again.id)


def test_what_cannot_be_done_says_what_can(plan, store, hand):
    for act in (acting.next_block, acting.pause, acting.take_break, acting.go_on, acting.stop):
        with pytest.raises(ClockError, match="descent sprint begin"):
            act(plan, store)
    begin(what="Nielsen", store=store)
    with pytest.raises(ClockError, match="for Nielsen"):
        acting.begin(plan, store)
    hand.on(1)
    acting.begin(plan, store, switch=True)
    hand.on(1)
    with pytest.raises(ClockError, match="descent sprint next"):
        acting.begin(plan, store)
    with pytest.raises(ClockError, match="runs already"):
        acting.go_on(plan, store)
    hand.on(1)
    acting.take_break(plan, store)
    hand.on(1)
    with pytest.raises(ClockError, match="a break already"):
        acting.take_break(plan, store)
    acting.stop(plan, store)
    with pytest.raises(ClockError, match="Nothing of the sprint"):
        acting.stop(plan, store)


def a_short_day(plan, store, hand):
    acting.begin(plan, store)
    hand.on(30)
    acting.take_break(plan, store)
    hand.on(10)
    acting.go_on(plan, store)
    hand.on(20)
    acting.pause(plan, store)
    hand.on(15)
    acting.go_on(plan, store)
    hand.on(5)
    acting.stop(plan, store)
    return acting.weekend_now(plan, store)


def test_breaks_are_timed_and_are_no_work(plan, store, hand):
    a_short_day(plan, store, hand)
    assert sum(time_worked(store.events(), hand.now).days().values()) * 60 == pytest.approx(55)


def test_the_log_has_work_breaks_and_gaps_and_is_drawn_beside_the_published_one(plan, store, hand):
    weekend = a_short_day(plan, store, hand)
    (day,) = own_log(weekend)
    assert [(entry.kind, entry.minutes) for entry in day.entries] == [
        (WORK, 30),
        (REST, 10),
        (WORK, 20),
        (UNKNOWN, 15),
        (WORK, 5),
    ]
    assert (day.started, day.minutes) == ("10:00", 80)
    drawn = beside_the_source(weekend)
    assert "Yours, Mon 2 Mar 2026, from 10:00" in drawn and "The source, Sunday" in drawn
    assert "work 55 min, break 10 min, not said 15 min" in drawn
    assert drawn.count("<rect") > 42 and "\n\n" not in drawn
    assert svg_file([("The source", published_log())]).startswith("<svg xmlns=")


def test_the_screen_shows_the_block_and_leaves_the_clock_running(plan, store, hand):
    acting.begin(plan, store)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    view = SprintView(plan, store)
    hand.on(45)
    console.print(view.picture(current_clock(store), 0.0, ""))
    shown = console.file.getvalue()
    assert "What a network is" in shown and "0:45:00 of 30 min" in shown and "time is up" in shown
    acting.stop(plan, store)
    watch_sprint(console, plan, store)  # nothing is on, so it does not stay


def test_the_buttons_of_a_notebook_lead_through_a_morning(plan, store, hand):
    timer = SprintTimer(plan, store)
    assert "Not begun yet" in timer.words.value and timer.buttons["Next"].disabled
    timer.buttons["Begin"].click()
    hand.on(30)
    timer.buttons["Next"].click()
    assert "Summarise it" in timer.words.value and timer.buttons["Begin"].disabled
    timer.buttons["Break"].click()
    hand.on(5)
    timer.buttons["Break"].click()
    assert "a break already" in timer.words.value
    timer.buttons["Go on"].click()
    hand.on(10)
    assert timer.chart.value == ""
    timer.buttons["Stop"].click()
    assert "<svg" in timer.chart.value and "break 5 min" in timer.chart.value


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_pressed_there_is_an_answer_and_the_log_adds_up(plan, store, hand, seed):
    draw = random.Random(seed)
    acts = (
        acting.begin,
        acting.next_block,
        acting.next_block,
        acting.take_break,
        acting.pause,
        acting.go_on,
        acting.stop,
    )
    for _ in range(120):
        hand.on(draw.choice((0.2, 3, 12, 40, 700)))
        try:
            draw.choice(acts)(plan, ProgressStore(store.path))
        except ClockError as error:
            assert str(error).endswith(".") or "descent" in str(error)
        weekend = acting.weekend_now(plan, store)
        if weekend is None:
            continue
        assert weekend_words(weekend)
        assert sum(clock.is_on for clock in weekend.clocks) <= 1
        for day in own_log(weekend):
            told = sum(entry.minutes for entry in day.entries)
            assert day.minutes - 2 * len(day.entries) <= told <= day.minutes + 0.01
