"""The progress table: what it counts, what it suggests, and how it shows."""

from __future__ import annotations

import io
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from descent.study.events import Event
from descent.study.progress import (
    as_html,
    as_rich,
    as_text,
    minutes_text,
    progress_table,
    show_progress,
)
from descent.study.store import ProgressStore
from descent.study.working_time import minutes_worked

ONE, TWO, THREE = "ladder/01_scalar_regression", "ladder/02_autograd", "research/1_transformers"


def at(minute: float, exercise: str, chapter: str = ONE, kind: str = "check") -> Event:
    return Event(f"{minute}-{exercise}", minute * 60, kind, chapter, exercise, "correct")


def test_minutes_are_the_gaps_before_each_check():
    events = [at(0, "", kind="start"), at(5, "predict"), at(7, "predict"), at(17, "loss")]
    assert minutes_worked(events) == pytest.approx({(ONE, "predict"): 7, (ONE, "loss"): 10})


def test_a_break_counts_nothing():
    events = [at(0, "predict"), at(21, "predict"), at(23, "predict")]
    assert minutes_worked(events) == pytest.approx({(ONE, "predict"): 2})


def test_two_notebooks_at_once_never_count_a_minute_twice():
    events = [at(0, "predict"), at(4, "descend", TWO), at(6, "predict"), at(10, "descend", TWO)]
    assert sum(minutes_worked(events).values()) == pytest.approx(10)


def test_a_new_learner_is_sent_to_the_first_chapter(course):
    table = progress_table()
    assert [row.status for row in table.rows] == ["open", "later", "later"]
    assert table.rows[1].waits_for == (ONE,)
    assert "descent open ladder/01" in table.suggestion


def test_done_tried_and_what_opens_next(course):
    store = ProgressStore()
    store.record_check(ONE, "predict", "correct")
    store.record_check(ONE, "loss", "not right yet")
    table = progress_table()
    assert (table.rows[0].done, table.rows[0].tried, table.rows[0].marks) == (1, 1, "✓●")
    assert [row.status for row in table.rows] == ["started", "later", "later"]
    assert "'loss'" in table.suggestion

    store.record_check(ONE, "loss", "correct")
    table = progress_table()
    assert [row.status for row in table.rows] == ["done", "open", "later"]
    assert "descent open ladder/02" in table.suggestion

    store.record_check(TWO, "descend", "correct")
    store.record_check(THREE, "mask", "correct")
    assert progress_table().suggestion == "Every chapter is done."


def test_a_prerequisite_that_is_not_written_yet_holds_nobody_up(root, courses):
    courses.write_chapter(root, "ladder/05_deep_network", needs="ladder/04_softmax")
    assert progress_table().rows[0].status == "open"


def test_a_course_without_chapters_says_so(root):
    assert "no chapters" in as_text(progress_table())


def test_the_text_has_a_line_for_each_chapter(course):
    ProgressStore().record_check(ONE, "predict", "correct")
    text = as_text(progress_table())
    assert re.search(r"1 · Scalar regression +✓○ +1/2 .*in progress", text)
    assert re.search(r"2 · Autograd .*after rung 1", text)


def test_the_html_takes_its_colours_from_the_page(course, courses):
    courses.write_source(course, "ladder/03_x")
    source = course / "solutions/ladder/03_x.py"
    source.write_text(source.read_text().replace("# title: X", "# title: a < b & c"))
    html = as_html(progress_table())
    assert "a &lt; b &amp; c" in html
    assert "✓" in html and "predict: not yet" in html
    named = re.findall(r"(?:color|background)\s*:\s*([^;\"]+)", html)
    assert set(named) == {"inherit", "transparent"}


def test_a_notebook_gets_html_and_text(course, monkeypatch):
    import IPython
    import IPython.display

    shown = []
    shell = SimpleNamespace(kernel="a kernel")
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: shown.append((bundle, raw)))
    assert "IPython" in sys.modules
    show_progress()
    bundle, raw = shown[0]
    assert raw and set(bundle) == {"text/html", "text/plain"}
    assert "ladder/01" in bundle["text/plain"]


def test_a_terminal_gets_a_table(course, capsys):
    ProgressStore().record_check(ONE, "predict", "correct")
    show_progress()
    shown = capsys.readouterr().out
    assert "1 · Scalar regression" in shown and "✓○" in shown
    assert "1 of 4 exercises done" in shown


def test_times_read_as_a_person_would_say_them():
    assert [minutes_text(value) for value in (0, 12.4, 59.4, 60, 65)] == [
        "0 min",
        "12 min",
        "59 min",
        "1 h 00",
        "1 h 05",
    ]


def test_chapters_names_stay_whole_in_a_terminal_of_80_columns(course, courses):
    many = tuple(f"exercise_{number}" for number in range(13))
    earlier = "ladder/01_scalar_regression, ladder/02_autograd"
    courses.write_source(course, "ladder/12_sampling_from_a_language_model", many, earlier)
    console = Console(width=80, file=io.StringIO())
    console.print(as_rich(progress_table()))
    shown = console.file.getvalue()
    assert re.search(
        r"^12 · Sampling from a language model +○{13} +0/13 +after rung 1", shown, re.M
    )
