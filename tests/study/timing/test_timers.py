"""The clock on a screen: in a terminal and in a notebook."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from descent.study.timing.clock import LOST, PAUSED, RUNNING, STOPPED
from descent.study.timing.in_notebook import NotebookTimer, show_clock
from descent.study.timing.setting import begin, current_clock, pause, stop
from descent.study.timing.timer import watch

ONE, TWO = "ladder/01_scalar_regression", "ladder/02_autograd"


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, width=80)


def test_a_timer_in_a_terminal_leaves_signs_and_ends_with_the_clock(store, hand, console):
    begin(ONE, store=store)
    start = hand.now

    def wait(seconds):
        hand.now += 20 * seconds  # twenty times as fast
        if hand.now - start >= 1800:
            stop(store=store)

    clock = watch(console, wait=wait, store=store)
    assert clock.state == STOPPED
    assert "Scalar regression" in console.file.getvalue()
    alive = [event for event in store.events() if event.data.get("action") == "alive"]
    assert 4 <= len(alive) <= 7


def test_leaving_the_timer_leaves_the_clock_and_killing_it_does_not_lie(store, hand, console):
    begin(ONE, store=store)

    def leave(seconds):
        raise KeyboardInterrupt

    watch(console, wait=leave, store=store)
    hand.on(90)
    assert (current_clock(store).state, current_clock(store).seconds / 60) == (RUNNING, 90)

    def killed(seconds):
        hand.on(0.5)
        if hand.now % 1200 == 0:
            raise SystemExit

    with pytest.raises(SystemExit):
        watch(console, wait=killed, store=store)
    before = current_clock(store).seconds
    hand.on(90)
    assert current_clock(store).state == LOST
    assert before - 300 <= current_clock(store).seconds <= before


def test_the_buttons_of_a_notebook_do_what_they_say(store, hand):
    timer = NotebookTimer(ONE, store=store)
    assert "No clock runs" in timer.words.value and timer.stop.disabled
    timer.begin.click()
    hand.on(12)
    timer.draw()
    assert "12 min, running" in timer.words.value and timer.begin.disabled
    timer.pause.click()
    assert current_clock(store).state == PAUSED and "paused" in timer.words.value
    assert timer.begin.description == "Go on"
    hand.on(5)
    timer.begin.click()
    hand.on(3)
    timer.stop.click()
    assert (current_clock(store).state, current_clock(store).seconds / 60) == (STOPPED, 15)


def test_a_notebook_says_whose_clock_runs_and_switches_only_when_it_says_so(store, hand):
    timer = NotebookTimer(TWO, store=store)
    begin(ONE, store=store)  # in a terminal: this notebook does not know yet
    timer.begin.click()
    assert "A clock runs since 10:00 for 1 · Scalar regression" in timer.words.value
    assert current_clock(store).chapter == ONE
    assert timer.begin.description == "Switch to this"
    timer.begin.click()
    assert current_clock(store).chapter == TWO


def test_a_notebook_shows_what_became_of_a_clock_that_was_lost(store, hand):
    begin(ONE, store=store)
    hand.on(600)
    timer = NotebookTimer(ONE, store=store)
    assert "never stopped" in timer.words.value and "descent time stop --at" in timer.words.value


def test_two_timers_in_one_kernel_leave_one_sign(store, hand):
    timers = [NotebookTimer(ONE, store=store), NotebookTimer(ONE, store=store)]
    timers[0].begin.click()
    for _ in range(8):
        hand.on(2)
        for timer in timers:
            timer._tick()
    alive = [event for event in store.events() if event.data.get("action") == "alive"]
    assert len(alive) == 3
    assert "16 min, running" in timers[1].words.value


def test_without_a_kernel_the_clock_is_a_line(store, hand, capsys):
    begin(ONE, store=store)
    pause(store)
    show_clock(ONE)
    assert capsys.readouterr().out.startswith("The clock for 1 · Scalar regression is paused")
