"""A later chapter builds on the learner's own answer, and never on a wrong one."""

from __future__ import annotations

import nbformat
import pytest

from descent import notebook
from descent.exercises import own_answers
from descent.exercises.lookup import UnknownExercise
from descent.exercises.own_answers import own_answer
from descent.grading.report import Unjudged
from descent.grading.unjudged import could_not_grade
from descent.study import workbook
from descent.study.catalog import find_chapter

RIGHT = "import numpy as np\n\nOFFSET = 0.0\n\ndef predict(w, b, x):\n    return w * x + b + OFFSET"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Put code cells into the learner's copy of rung 1."""
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESCENT_WORK", str(tmp_path / "work"))

    def write(*cells: str) -> None:
        path = workbook.work_copy(find_chapter("ladder/01"))
        path.parent.mkdir(parents=True, exist_ok=True)
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        nbformat.write(made, path)

    return write


def course_version(w, b, x):
    return None


def test_an_answer_that_passes_is_used_with_its_imports_and_constants(write, capsys) -> None:
    write(RIGHT, "raise SystemExit('an experiment')")
    found = notebook.mine("ladder/01", "predict", otherwise=course_version)
    assert found(2.0, 1.0, 3.0) == 7.0
    assert "predict: yours" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def predict(w, b, x):\n    return w * x", "does not pass its check"),
        ("def predict(w, b, x):\n    raise NotImplementedError", "does not hold yours"),
        ("x = 1", "does not hold yours"),
        ("def predict(w, b, x:", "could not be used"),
    ],
)
def test_otherwise_the_courses_is_used_and_the_reason_said(write, capsys, code, reason) -> None:
    write(code)
    assert notebook.mine("ladder/01", "predict", otherwise=course_version) is course_version
    said = capsys.readouterr().out
    assert "the course's" in said and reason in said


def test_an_answer_that_could_not_be_judged_is_not_called_wrong(write, monkeypatch, capsys) -> None:
    why = Unjudged("busy", "The machine was too busy.", "Run the check again.")
    monkeypatch.setattr(
        own_answers, "judge", lambda exercise, *_, **__: could_not_grade(exercise, why)
    )
    write(RIGHT)
    assert notebook.mine("ladder/01", "predict", otherwise=course_version) is course_version
    said = capsys.readouterr().out
    assert "could not be judged just now (The machine was too busy): run this cell again" in said
    assert "does not pass" not in said


def test_a_cell_that_became_text_is_named_with_what_to_do(write, capsys) -> None:
    write("x = 1")
    path = workbook.work_copy(find_chapter("ladder/01"))
    cell = nbformat.v4.new_markdown_cell(RIGHT)
    cell.metadata["nbgrader"] = {"grade_id": "predict", "solution": True}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert notebook.mine("ladder/01", "predict", otherwise=course_version) is course_version
    assert "is not a code cell: select it and press Y" in capsys.readouterr().out


def test_a_chapter_that_was_skipped_is_no_obstacle(write, capsys) -> None:
    assert notebook.mine("ladder/01", "predict", otherwise=course_version) is course_version
    assert "does not hold yours" in capsys.readouterr().out


def test_an_exercise_that_does_not_exist_is_the_authors_mistake(write) -> None:
    with pytest.raises(UnknownExercise, match="predict"):
        own_answer("ladder/01", "forecast")


def test_an_answer_may_itself_be_built_on_an_earlier_one(write) -> None:
    write(
        "from descent import mine\n\ndef given(w, b, x):\n    return w * x + b",
        "earlier = mine('ladder/02', 'derivative', otherwise=given)",
        "def predict(w, b, x):\n    return earlier(w, b, x)",
    )
    assert own_answer("ladder/01", "predict").answer(2.0, 1.0, 3.0) == 7.0
