"""Running a notebook headless: its results, or one clear line saying what is wrong with it."""

from __future__ import annotations

import json

import nbformat
import pytest

from descent.grading.report import MIME
from descent.study.headless import check_notebook
from descent.study.notebook_files import BrokenNotebook

CHECKER = f"""
import os
from IPython.display import display

class CheckFailed(Exception):
    pass

def check(answer):
    try:
        outcome = "correct" if answer(2, 3) == 6 else "not right yet"
    except NotImplementedError:
        outcome = "not attempted"
    if os.environ.get("DESCENT_HOME"):
        with open(os.path.join(os.environ["DESCENT_HOME"], "seen"), "a") as file:
            file.write(answer.__name__)
    bundle = {{"exercise": answer.__name__, "outcome": outcome, "message": "in words"}}
    display({{"{MIME}": bundle, "text/plain": outcome}}, raw=True)
    if outcome != "correct":
        raise CheckFailed(outcome)
"""


@pytest.fixture
def work(course, courses):
    """Write a learner's notebook of the first chapter from sources by exercise."""

    def write(*cells):
        path = course / "work/ladder/01_scalar_regression.ipynb"
        return courses.write_notebook(path, [courses.code_cell("checker", CHECKER), *cells])

    return write


def test_each_check_gives_its_outcome(work, courses, tmp_path):
    path = work(
        courses.exercise_cell("predict", "def predict(w, x):\n    return w * x"),
        courses.check_cell("predict"),
        courses.exercise_cell("loss", "def loss(w, x):\n    return nothing"),
        courses.check_cell("loss"),
    )
    before = path.read_bytes()
    report = check_notebook(path)
    first, second = report.results
    assert (first.exercise, first.outcome, first.message) == ("predict", "correct", "in words")
    assert second.outcome == "no result" and "nothing" in second.message
    assert report.problems == () and not report.all_correct
    assert path.read_bytes() == before
    assert not (tmp_path / "home").exists()  # not asked to record


def test_a_stripped_blank_is_not_attempted_and_a_record_is_kept_when_asked(work, courses, tmp_path):
    (tmp_path / "home").mkdir()
    path = work(
        *[
            cell
            for name in ("predict", "loss")
            for cell in (courses.exercise_cell(name), courses.check_cell(name))
        ]
    )
    strip(path)
    report = check_notebook(path, record=True)
    assert [result.outcome for result in report.results] == ["not attempted"] * 2
    assert (tmp_path / "home" / "seen").read_text() == "predictloss"
    assert report.problems == ()
    (note,) = report.notes
    assert "4 cells had lost" in note and "descent refresh" in note


@pytest.mark.parametrize("name", ["predictions of mine", "02_other"])
def test_stripped_and_under_another_name_its_own_code_says_which_chapter_it_is(
    work, courses, course, name
):
    path = work(
        courses.code_cell("setup", 'def chapter(name): pass\n\n\nchapter("ladder/01")'),
        courses.exercise_cell("predict", "def predict(w, x):\n    return w * x"),
        courses.check_cell("predict"),
        courses.exercise_cell("loss"),
        courses.check_cell("loss"),
    )
    strip(path)
    elsewhere = course / "handed in" / f"{name}.ipynb"
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    report = check_notebook(elsewhere)
    assert [result.outcome for result in report.results] == ["correct", "not attempted"]
    assert report.problems == () and len(report.notes) == 1


def strip(path):
    """Take the ids, and leave odd metadata, as some tools do."""
    notebook = json.loads(path.read_text())
    notebook["metadata"]["descent"] = "odd"
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {"nbgrader": None}
    path.write_text(json.dumps({**notebook, "nbformat_minor": 4}))


def test_what_is_wrong_with_cells_is_named_and_an_endless_one_is_stopped(work, courses):
    renamed = courses.exercise_cell("predict", "def predict(w, x):\n    return 6")
    renamed.metadata.nbgrader.grade_id = "forecast"
    half = courses.exercise_cell("predict", "'half a character: \ud83d'")
    half.id = "half"
    text = nbformat.v4.new_markdown_cell("check(loss)", id="check-loss")
    text.metadata = courses.check_cell("loss").metadata
    report = check_notebook(
        work(
            renamed,
            half,
            courses.check_cell("predict"),
            courses.code_cell("endless", "while True: pass"),
            text,
        ),
        cell_seconds=3,
    )
    assert report.problems == (
        "the exercise cell 'loss' is not in it",
        "the check cell 'check-loss' is not a code cell, so it does not run "
        "(descent refresh brings it back)",
    )
    healed, double = report.notes
    assert healed.startswith("1 cell had lost") and double.startswith("'predict' marks two cells")
    assert [result.outcome for result in report.results] == ["correct", "no result"]
    assert report.results[1].message == "the cell 'check-loss' is not a code cell"


def test_a_dead_kernel_is_named_with_its_cell(work, courses):
    report = check_notebook(
        work(
            courses.exercise_cell("predict", "import os\nos._exit(1)"),
            courses.check_cell("predict"),
            courses.exercise_cell("loss"),
            courses.check_cell("loss"),
        )
    )
    assert report.problems == ("the kernel died in cell 2, 'predict'",)
    assert {result.outcome for result in report.results} == {"no result"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no such file"),
        (b"hello", "not JSON at line 1"),
        (b"\xff\xfe\x00", "not even text"),
        (b"[1, 2]", "not a notebook"),
        (b'{"nbformat": 4, "cells": 3}', "not a valid notebook"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, content, complaint):
    path = tmp_path / "mine.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BrokenNotebook, match=complaint) as caught:
        check_notebook(path)
    assert "mine.ipynb" in str(caught.value) and "\n" not in str(caught.value)


def test_a_notebook_without_checks_says_so(course, courses):
    path = courses.write_notebook(course / "work/notes.ipynb", [courses.prose_cell("a", "Notes")])
    assert check_notebook(path).problems == ("it has no check cells",)
