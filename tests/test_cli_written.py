"""The command for written exercises, on the course itself and a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from descent import cli
from descent.errors import CourseError
from descent.study.store import ProgressStore

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_COURSE", str(ROOT))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write(*arguments, answer=None):
    result = CliRunner().invoke(cli.app, ["write", "ladder/04", *arguments], input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_questions_are_listed_as_a_terminal_can_show_them():
    shown = write()
    assert "nan_at_step_two (not yet)" in shown
    assert "adding 10⁻⁸ inside the logarithm" in shown


def test_what_is_piped_in_is_kept_and_compared():
    shown = write("cat_or_bus", answer="No: it has only two classes. 学")
    assert shown.startswith("Kept. What a good answer contains:")
    assert [event.data["text"] for event in ProgressStore().events()] == [
        "No: it has only two classes. 学"
    ]


def test_what_is_no_text_is_told_and_not_kept():
    with pytest.raises(CourseError, match="no text in UTF-8"):
        write("cat_or_bus", answer=b"\xff\xfe")
    assert ProgressStore().events() == []


def test_an_answer_that_cannot_be_kept_is_given_back(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(CourseError, match=r"(?s)could not be kept.*No: two classes\."):
        write("cat_or_bus", answer="No: two classes.")
