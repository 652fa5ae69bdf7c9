"""What a learner sees in a notebook: checks, hints, and the errors in between."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace

import pytest

from descent import notebook
from descent.errors import CourseError
from descent.exercises.lookup import load_exercises
from descent.grading import CheckFailed, Hint, judge
from descent.grading.report import MIME, Unjudged, passing_report
from descent.grading.unjudged import could_not_grade
from descent.grading.watchdog import EndedCheck
from descent.study.exercise_states import ExerciseState
from descent.study.store import ProgressStore

CHAPTER = "ladder/01_scalar_regression"


@pytest.fixture(autouse=True)
def at_rung_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path))
    notebook.chapter(CHAPTER)


def predict(w, b, x):
    return w * x + b


def test_a_right_answer_shows_its_ticks_and_is_remembered(capsys) -> None:
    notebook.check(predict)
    shown = capsys.readouterr().out
    assert "predict: correct" in shown and "✓" in shown and "✗" not in shown
    assert ProgressStore().exercise_states(CHAPTER)["predict"].done


def test_a_wrong_answer_shows_its_mistake_and_fails_in_one_line(capsys) -> None:
    def predict(w, b, x):
        return w * x

    with pytest.raises(CheckFailed) as failed:
        notebook.check(predict)
    assert "You left out b" in capsys.readouterr().out
    assert failed.value._render_traceback_() == ["predict: not right yet."]
    assert not ProgressStore().exercise_states(CHAPTER)["predict"].done


def test_a_blank_fails_as_not_attempted(capsys) -> None:
    def predict(w, b, x):
        raise NotImplementedError

    with pytest.raises(CheckFailed):
        notebook.check(predict)
    assert "not attempted" in capsys.readouterr().out


def test_an_answer_made_by_a_function_is_found_by_the_name_it_is_bound_to(capsys) -> None:
    def make():
        def anonymous(w, b, x):
            return w * x + b

        return anonymous

    names = {"predict": make(), "check": notebook.check}
    exec("check(predict)", names)
    assert "predict: correct" in capsys.readouterr().out


def test_another_name_is_refused_with_the_names_there_are() -> None:
    def forecast(w, b, x):
        return w * x + b

    with pytest.raises(CourseError, match="forecast.*predict"):
        notebook.check(forecast)


def test_without_the_first_cell_the_learner_is_told_to_run_it(monkeypatch) -> None:
    monkeypatch.setattr(notebook, "_chapter", None)
    with pytest.raises(CourseError, match="first code cell"):
        notebook.check(predict)


def test_hints_open_one_by_one_and_end_at_the_solution_page(capsys) -> None:
    shown = []
    for _ in range(12):
        notebook.hint("predict")
        shown.append(capsys.readouterr().out)
        if "last hint" in shown[-1]:
            break
    assert len(set(shown)) == len(shown) >= 3
    assert "solutions/ladder/01_scalar_regression.ipynb" in shown[-1]


def test_after_a_failure_the_hint_that_fits_it_comes_first() -> None:
    from descent.exercises.ladder.scalar_regression import gradient

    general, fitting = Hint("general"), Hint("about the sign", when="sign")
    exercise = type(gradient)("f", minutes=1, difficulty=1, hints=[general, fitting])
    assert notebook.next_hint(exercise, [], {"sign"}) is fitting
    assert notebook.next_hint(exercise, [fitting], {"sign"}) is general
    assert notebook.next_hint(exercise, [], {"value"}) is general
    assert notebook.next_hint(exercise, [general], set()) is None


def test_in_a_notebook_the_output_has_html_text_and_data(monkeypatch) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel="a kernel"))
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    notebook.check(predict)
    assert shown[0]["text/plain"].startswith("predict: correct")
    assert "descent-check" in shown[0]["text/html"]
    assert shown[0][MIME]["outcome"] == "correct"


def test_half_a_character_in_an_error_can_be_shown(monkeypatch) -> None:
    def predict(w, b, x):
        raise ValueError("half of a smile: \ud83d")

    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel="a kernel"))
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    with pytest.raises(notebook.CheckFailed):
        notebook.check(predict)
    assert "half of a smile: \ufffd" in shown[0]["text/plain"]
    json.dumps(shown, ensure_ascii=False).encode()  # as it goes to the browser


def test_the_card_of_a_right_answer_is_known_from_the_declaration(monkeypatch) -> None:
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel="a kernel"))
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    notebook.check(predict)
    assert shown == [passing_report(load_exercises(CHAPTER)["predict"]).as_bundle()]


def test_markup_in_a_learners_values_does_not_reach_the_page(capsys) -> None:
    def predict(w, b, x):
        print("<script>alert(1)</script>")
        return "<b>no</b>"

    page = judge(load_exercises(CHAPTER)["predict"], predict).as_html()
    assert "<script>" not in page and "<b>no</b>" not in page
    assert "&lt;script&gt;" in page


def test_an_answer_that_calls_a_wrong_one_is_sent_to_that_one_first(capsys) -> None:
    cells = """
import numpy as np
def predict(w, b, x):
    return w * x
def gradient(w, b, x, y):
    error = predict(w, b, x) - y
    return 2 * np.mean(error * x), 2 * np.mean(error)
"""
    names = {"check": notebook.check}
    exec(cells, names)
    with pytest.raises(CheckFailed, match="calls `predict`, which does not pass"):
        exec("check(gradient)", names)


def test_an_answer_that_calls_a_blank_one_is_not_called_blank(capsys) -> None:
    cells = """
def predict(w, b, x):
    raise NotImplementedError
def gradient(w, b, x, y):
    return predict(w, b, x) - y, 0.0
"""
    names = {"check": notebook.check}
    exec(cells, names)
    with pytest.raises(CheckFailed, match="not right yet.*calls `predict`"):
        exec("check(gradient)", names)


WHY = Unjudged("kernel", "This kernel has no more memory.", "Restart the kernel.")


@pytest.fixture
def unable(monkeypatch) -> None:
    monkeypatch.setattr(
        notebook, "judge", lambda exercise, *_, **__: could_not_grade(exercise, WHY)
    )


def test_a_check_that_could_not_grade_fails_the_cell_and_takes_nothing_away(
    monkeypatch, capsys
) -> None:
    notebook.check(predict)
    monkeypatch.setattr(
        notebook, "judge", lambda exercise, *_, **__: could_not_grade(exercise, WHY)
    )
    with pytest.raises(CheckFailed) as failed:
        notebook.check(predict)
    assert failed.value._render_traceback_() == [
        "predict: could not grade. Your answer is not at fault."
    ]
    shown = capsys.readouterr().out
    assert "This kernel has no more memory." in shown and "Restart the kernel." in shown
    assert "nbgrader" not in shown
    state = ProgressStore().exercise_states(CHAPTER)["predict"]
    assert state.done and state.outcome == "correct" and state.tries == 1


def test_nbgrader_takes_no_points_without_a_word(monkeypatch, unable, capsys) -> None:
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(CheckFailed):
        notebook.check(predict)
    assert "0 points" in capsys.readouterr().out


def test_what_an_answer_calls_is_not_blamed_where_it_could_not_be_graded(
    monkeypatch, capsys
) -> None:
    def judge_all_but_predict(exercise, answer, **options):
        if exercise.name == "predict":
            return could_not_grade(exercise, WHY)
        return judge(exercise, answer, **options)

    monkeypatch.setattr(notebook, "judge", judge_all_but_predict)
    namespace = {"predict": predict, "check": notebook.check}
    exec("def gradient(w, b, x, y):\n    return predict(w, b, x), 0.0", namespace)
    with pytest.raises(CheckFailed, match="not right yet"):
        exec("check(gradient)", namespace)
    assert "Mend that" not in capsys.readouterr().out


def test_a_kernel_that_the_learner_may_have_ended_is_no_wrong_answer(monkeypatch, capsys) -> None:
    for line, tries in (("", 0), ("while True:", 1)):
        ended = EndedCheck(CHAPTER, "predict", "def predict(): ...", line)
        monkeypatch.setattr(notebook, "ended_checks", lambda *_, ended=ended: [ended])
        notebook.chapter(CHAPTER)
        states = ProgressStore().exercise_states(CHAPTER)
        assert states.get("predict", ExerciseState("predict")).tries == tries


def test_a_thing_to_put_right_is_said_in_a_notebook_without_a_traceback():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        shell.run_cell("from descent import commit\ncommit('nan_step', 1, sure=0.9)")
    (line,) = said.getvalue().splitlines()
    assert line.startswith("CourseError: 1 · One weight has no prediction 'nan_step'.")


def test_a_check_that_no_means_of_this_machine_can_run_lets_the_cells_below_go_on(
    monkeypatch, capsys
) -> None:
    why = Unjudged("kernel", "Triton is not installed here.", "Go on.", not_installed=True)
    monkeypatch.setattr(
        notebook, "judge", lambda exercise, *_, **__: could_not_grade(exercise, why)
    )
    notebook.check(predict)
    assert "Triton is not installed here." in capsys.readouterr().out
    assert "predict" not in ProgressStore().exercise_states(CHAPTER)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(CheckFailed):
        notebook.check(predict)
