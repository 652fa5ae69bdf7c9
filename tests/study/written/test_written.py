"""Written exercises: every version is kept, and what its writer found in it."""

from __future__ import annotations

import pytest

from descent.errors import CourseError
from descent.study.header import Written
from descent.study.store import ProgressStore
from descent.study.written.drafts import assess, drafts, submit
from descent.study.written.in_notebook import write


class Chapter:
    """A chapter with one question."""

    id = "toys/01_one"
    heading = "1 · One"
    written = (Written("why", "Why?", ("names the overflow", "says what to do"), "Because."),)


@pytest.fixture
def store(tmp_path):
    return ProgressStore(tmp_path / "progress.sqlite3")


def test_every_version_is_kept_with_what_was_found_in_it(store):
    submit(Chapter, "why", "  First.\n", store)
    assess(Chapter, "why", [0, 7], store)
    submit(Chapter, "why", "Second.", store)
    first, second = drafts(store.events(), Chapter.id, "why")
    assert (first.text, first.met) == ("First.", (0,))
    assert (second.text, second.met) == ("Second.", None)


def test_the_same_words_are_one_version(store):
    for _ in range(3):
        submit(Chapter, "why", "Same.", store)
    assert len(drafts(store.events(), Chapter.id, "why")) == 1


def test_an_empty_answer_shows_no_rubric(store, capsys):
    write(Chapter, "why", "\n", store)
    assert "Nothing is written yet" in capsys.readouterr().out
    assert store.events() == []


def test_a_submitted_answer_shows_rubric_and_model(store, capsys):
    write(Chapter, "why", "It overflows.", store)
    shown = capsys.readouterr().out
    assert "names the overflow" in shown and "Because." in shown


def test_an_unknown_one_lists_those_that_are(store):
    with pytest.raises(CourseError, match="Its written exercises: why"):
        submit(Chapter, "how", "So.", store)
