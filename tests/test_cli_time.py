"""The commands for the clock: what they print, and how they end."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from descent import cli
from descent.study.store import ProgressStore


@pytest.fixture
def course(tmp_path, monkeypatch):
    path = Path(__file__).parent / "study" / "courses.py"
    spec = importlib.util.spec_from_file_location("courses", path)
    courses = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(courses)
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path / "course"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    courses.write_chapter(tmp_path / "course", "ladder/01_scalar_regression")
    return tmp_path / "course"


def run(*arguments):
    result = CliRunner().invoke(cli.app, ["time", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_clock_from_its_beginning_to_the_log(course):
    assert "The clock runs for 1 · Scalar regression" in run("begin", "1")
    assert "is paused" in run("pause")
    assert "The clock runs" in run("go-on")
    assert "Stopped: 0 min for 1 · Scalar regression" in run("stop")
    assert "No clock runs. The last, for 1 · Scalar regression, ended" in run("now")
    shown = run("log", "--weeks", "1")
    assert "1 · Scalar regression" in shown and "This week 0 min" in shown


def test_words_are_as_good_as_a_chapter_and_no_name_means_the_last(course):
    assert "for Nielsen, chapter 2: " in run("begin", "Nielsen,", "chapter", "2")
    ProgressStore().record_check("ladder/01_scalar_regression", "predict", "correct")
    assert "for 1 · Scalar regression: " in run("begin", "--switch")


def test_a_second_clock_is_one_line_that_says_what_to_do(course, monkeypatch, capsys):
    run("begin", "1")
    monkeypatch.setattr(sys, "argv", ["descent", "time", "begin", "Nielsen"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "descent time stop" in said and "--switch" in said


def test_a_name_as_long_as_a_page_is_cut_where_it_is_said_and_kept_whole(course):
    assert len(run("begin", "x" * 3000)) < 120
    assert ProgressStore().events()[-1].exercise == "x" * 3000


def test_a_week_without_a_minute_has_no_bar(course):
    run("begin", "1")
    run("stop")
    assert "█" not in run("log")


def test_without_a_record_the_log_says_how_to_begin(course):
    assert "descent time begin" in run("log")
    assert "descent time begin" in run("now")
