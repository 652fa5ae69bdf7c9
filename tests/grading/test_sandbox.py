"""Limits that hold, one inside another too, and a session that stays as it is."""

from __future__ import annotations

import builtins
import contextlib
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from descent.grading import Exercise, judge
from descent.grading.report import CORRECT, NOT_RIGHT
from descent.grading.sandbox import OutOfTime, guarded, memory_limit, nobody_typing, time_limit

# ruff: noqa: SIM105  (learners swallow exceptions)


def swallows():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def swallows_twice():
    while True:
        try:
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        except BaseException:
            pass


def suppresses():
    while True:
        with contextlib.suppress(BaseException):
            while True:
                len("x")


def begins_again_at_its_end():
    try:
        while True:
            pass
    finally:
        begins_again_at_its_end()


def endless():
    while True:
        yield 1


def waits_for_a_lock():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


ENDLESS: dict[str, Callable[[], object]] = {
    "swallows": swallows,
    "swallows twice": swallows_twice,
    "suppresses": suppresses,
    "begins again at its end": begins_again_at_its_end,
    "a list of a generator": lambda: list(endless()),
    "a giant power": lambda: 10**10**8,
    "sleeps": lambda: time.sleep(1e9),
    "waits for a lock": waits_for_a_lock,
    "waits for a thread": lambda: threading.Event().wait(),
    "waits for a program": lambda: subprocess.run(
        [sys.executable, "-c", "import time; time.sleep(60)"]
    ),
    "a pattern that goes back and back": lambda: re.match(r"(a+)+b", "a" * 40),
}  # fmt: skip


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="needs SIGALRM")
@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
def test_an_endless_answer_is_stopped(slope: Exercise, answer) -> None:
    report = judge(slope, lambda w, x, y: answer(), seconds=0.1)
    assert report.failure is not None and report.failure.symptom == "slow"


def test_the_outer_limit_is_heard_while_inner_ones_follow_each_other() -> None:
    def busy() -> None:
        while True:
            guarded(lambda: sum(range(1000)), 0, seconds=100.0)

    with pytest.raises(OutOfTime) as late, time_limit(0.1) as outer:
        busy()
    assert late.value.is_of(outer)


def test_a_guard_hides_its_own_limit_and_not_the_one_around_it() -> None:
    assert guarded(swallows, "given up", seconds=0.1) == "given up"
    with pytest.raises(OutOfTime), time_limit(0.1):
        guarded(swallows, "given up", seconds=100.0)


class EndlessWhenDeleted:
    """Python cannot raise in its destructor: what rings there it would print."""

    def __del__(self) -> None:
        while True:
            pass


class FailsWhenDeleted:
    def __del__(self) -> None:
        raise ValueError("a destructor's own")


def test_a_limit_that_rings_in_a_destructor_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    with pytest.raises(OutOfTime), time_limit(0.05):
        while True:
            EndlessWhenDeleted()
    assert not printed


def test_a_limit_waits_while_what_a_destructor_raised_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[type[BaseException]] = []

    def report_slowly(unraisable: sys.UnraisableHookArgs) -> None:
        until = time.thread_time() + 0.3
        while time.thread_time() < until:
            pass
        reported.append(unraisable.exc_type)

    monkeypatch.setattr(sys, "unraisablehook", report_slowly)
    with pytest.raises(OutOfTime), time_limit(0.1):
        FailsWhenDeleted()
        while True:
            pass
    assert reported == [ValueError]
    assert sys.unraisablehook is report_slowly


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit, RecursionError])
def test_a_guard_hides_what_a_value_raises(error) -> None:
    def raises():
        raise error

    assert guarded(raises, "nothing") == "nothing"


def test_a_guard_lets_the_learners_interrupt_pass() -> None:
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(interrupted, None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
@pytest.mark.parametrize(
    "giant", [lambda: np.ones(10**12), lambda: [0] * 10**12, lambda: torch.ones(10**12)]
)
def test_an_answer_that_asks_for_all_memory_is_refused(slope: Exercise, giant) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    report = judge(slope, lambda w, x, y: giant())
    assert report.outcome == NOT_RIGHT and "line" in report.message
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_an_ordinary_amount_of_memory_is_there() -> None:
    with memory_limit():
        assert bytearray(200 * 2**20)


def test_nobody_answers_input(slope: Exercise) -> None:
    ask = builtins.input
    report = judge(slope, lambda w, x, y: input("w? "))
    assert "EOFError" in report.message and "as a parameter" in report.message
    assert builtins.input is ask


def test_a_forgotten_breakpoint_waits_for_nobody(slope: Exercise) -> None:
    import pdb

    def stops(w, x, y):
        pdb.Pdb(nosigint=True, readrc=False).set_trace()
        return 2 * np.mean((w * x - y) * x)

    assert judge(slope, stops).outcome in (CORRECT, NOT_RIGHT)


def test_exit_in_an_answer_keeps_the_kernel(monkeypatch) -> None:
    class Shell:
        exits = 0

        def ask_exit(self) -> None:
            self.exits += 1

    shell = Shell()
    monkeypatch.setattr("descent.grading.sandbox.ipython_shell", lambda: shell)
    with nobody_typing(), pytest.raises(SystemExit):
        shell.ask_exit()
    assert shell.exits == 0
    shell.ask_exit()
    assert shell.exits == 1


def test_a_slow_wrong_answer_is_not_tried_on_everything(slope: Exercise) -> None:
    def slow_and_wrong(w, x, y):
        began = time.thread_time()
        for _ in itertools.takewhile(
            lambda _: time.thread_time() - began < 0.06, itertools.count()
        ):
            pass
        return 0.3

    tried = [held for _, held in judge(slope, slow_and_wrong, seconds=0.05).properties]
    assert tried == [False, None]


def test_a_right_answer_holds_inside_other_limits(slope: Exercise) -> None:
    with time_limit(100.0):
        assert judge(slope, lambda w, x, y: 2 * np.mean((w * x - y) * x)).outcome == CORRECT
