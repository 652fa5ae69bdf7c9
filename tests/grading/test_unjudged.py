"""What could not be judged is told from what is wrong, and said to be nobody's answer's fault."""

from __future__ import annotations

import errno
import json
import pickle
import threading
import time

import pytest

from descent.data import fetch
from descent.grading import CheckFailed, Exercise, judge
from descent.grading.calls import WatchedAnswer
from descent.grading.expectations import Record
from descent.grading.report import CORRECT, COULD_NOT_GRADE, MIME, OUTCOME_MARKS, OUTCOMES, Report
from descent.grading.sandbox import OutOfTime
from descent.grading.sources import Source
from descent.grading.unjudged import (
    BUSY,
    DATA,
    GRADER,
    KERNEL,
    Circumstances,
    Clock,
    could_not_grade,
)

PLENTY = {"free": 2**33, "threads": 3, "files_left": 900}


def watched(answer) -> WatchedAnswer:
    return WatchedAnswer(answer, "f", (), Record())


def raised(work, *arguments) -> BaseException:
    try:
        work(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fails(x):
    raise ValueError("mine")


def breaks(*_):
    raise KeyError("the grader's own")


def blamed(prop, answer, **circumstances):
    seen = watched(answer)
    error = raised(prop, seen)
    return Circumstances(**{**PLENTY, **circumstances}).blame(error, seen)


def test_an_error_before_any_call_is_the_checks_own() -> None:
    why = blamed(breaks, fails)
    assert why.cause == GRADER
    assert "KeyError" in why.detail and "breaks" in why.detail and "test_unjudged.py" in why.detail


def test_an_error_in_the_answer_is_the_answers() -> None:
    assert blamed(lambda answer: answer(1), fails) is None
    assert blamed(lambda answer: answer(1), lambda: 0) is None  # another signature
    assert blamed(lambda answer: answer(1), lambda x: int("many")) is None


def test_what_came_back_may_have_broken_the_property() -> None:
    def unpacks(answer):
        first, second = answer(1)

    assert blamed(unpacks, lambda x: x) is None


def one(x):
    return x


def test_a_property_that_breaks_on_a_right_answer_too_is_the_checks_fault() -> None:
    exercise = Exercise("one", minutes=1, difficulty=1)

    @exercise.property("holds", trials=1)
    def _(answer, draw):
        first, second = answer(draw.size)

    def reference() -> Source:
        return Source.of(one)

    report = judge(exercise, lambda x: x, reference=reference)
    assert report.outcome == COULD_NOT_GRADE and report.unjudged is not None
    assert report.unjudged.cause == GRADER
    assert judge(exercise, lambda x: x).outcome == "not right yet"  # nobody knows a right answer


def test_a_property_that_fails_before_it_calls_anything_is_the_checks_fault() -> None:
    exercise = Exercise("one", minutes=1, difficulty=1)

    @exercise.property("holds", trials=1)
    def _(answer, draw):
        {}["missing"]

    assert judge(exercise, one).outcome == COULD_NOT_GRADE


def test_an_object_that_cannot_be_called_as_it_should_is_the_answers() -> None:
    class Silent:
        def __getattr__(self, name):
            raise ValueError(name)

        def __call__(self, x):
            return x

    seen = watched(Silent())
    seen._parameters = None  # type: ignore[assignment]
    assert Circumstances(**PLENTY).blame(raised(seen, 1), seen) is None


def test_data_that_is_missing_is_no_fault_of_the_answer(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    monkeypatch.setattr(fetch, "cache_folder", lambda: tmp_path)
    missing = fetch.KnownFile("no.gz", "0" * 64, 10, ())

    def reads(answer=None):
        fetch.read(missing)

    why = blamed(reads, fails)
    assert why.cause == DATA and "no.gz" in why.reason and "run the check again" in why.remedy
    inside = blamed(lambda answer: answer(1), lambda x: reads())
    assert inside.cause == DATA


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "threads"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
    ],
)
def test_a_kernel_that_has_nothing_left(error, word) -> None:
    def prop(answer):
        raise error

    def uses_up(x):
        raise error

    why = blamed(prop, fails)
    assert why.cause == KERNEL and word in why.reason and "restart the kernel" in why.remedy
    # Within the answer it is the answer's, unless it was so before the answer began.
    assert blamed(lambda answer: answer(1), uses_up) is None
    nothing_left = {"free": 10, "threads": 10**4, "files_left": 2}
    assert blamed(lambda answer: answer(1), uses_up, **nothing_left).cause == KERNEL


def test_the_learners_own_interrupt_and_time_are_not_blamed() -> None:
    for error in (KeyboardInterrupt(), OutOfTime()):
        assert Circumstances(**PLENTY).blame(error, watched(fails)) is None


def test_a_machine_that_lets_nothing_work_is_told(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(clock, "_waited", lambda: 3.0)
    clock.began -= 4
    why = clock.out_of_time(OutOfTime(), 1.0)
    assert why.cause == BUSY and "1 seconds" in why.reason
    monkeypatch.setattr(clock, "_waited", lambda: None)
    assert clock.out_of_time(OutOfTime(), 1.0) is None  # not known


def test_an_answer_that_sleeps_has_had_its_time() -> None:
    clock = Clock()
    time.sleep(0.05)
    clock.began -= 4
    assert clock.out_of_time(OutOfTime(), 1.0) is None


def test_an_answer_that_works_has_had_its_time(monkeypatch) -> None:
    clock = Clock()
    monkeypatch.setattr(clock, "_waited", lambda: 100.0)
    clock.worked_before -= 0.9
    assert clock.out_of_time(OutOfTime(), 1.0) is None


def test_waiting_for_a_processor_is_measured_where_the_system_tells() -> None:
    clock = Clock()
    if clock.waited_before is None:
        pytest.skip("this system does not tell")
    done = threading.Event()
    workers = [threading.Thread(target=done.wait) for _ in range(2)]
    for worker in workers:
        worker.start()
    done.set()
    for worker in workers:
        worker.join()
    assert 0 <= clock._waited() < 60


# ------------------------------------------------------------------------------------- the report


@pytest.fixture
def report(slope: Exercise) -> Report:
    return could_not_grade(slope, blamed(breaks, fails))


def test_the_report_says_whose_fault_it_is_not_and_what_to_do(report: Report) -> None:
    assert COULD_NOT_GRADE in OUTCOMES and len(set(OUTCOME_MARKS.values())) == len(OUTCOMES)
    for shown in (report.as_text(), report.as_html()):
        assert COULD_NOT_GRADE in shown and "says nothing about your answer" in shown
        assert "Run it again" in shown and "KeyError" in shown
        assert "✗" not in shown and "✓" not in shown and "Stuck?" not in shown
    assert "--descent-blue" in report.as_html()
    assert report.message.startswith("The check itself stopped")


def test_programs_read_why(report: Report) -> None:
    told = report.as_bundle()[MIME]
    assert told["outcome"] == COULD_NOT_GRADE and told["cause"] == GRADER
    assert told["mistake"] is None and told["reason"] in report.message
    assert json.loads(json.dumps(told)) == told
    assert pickle.loads(pickle.dumps(report)) == report


def test_it_fails_a_cell_in_a_line_of_its_own(report: Report) -> None:
    failed = CheckFailed(report)
    assert failed._render_traceback_() == ["slope: could not grade. Your answer is not at fault."]
    assert "could not grade" in str(failed)


def test_a_correct_report_tells_programs_what_it_always_did(slope: Exercise) -> None:
    told = Report("slope", CORRECT).as_json()
    assert sorted(told) == [
        "exercise", "message", "mistake", "notes", "outcome", "properties", "symptom",
    ]  # fmt: skip
