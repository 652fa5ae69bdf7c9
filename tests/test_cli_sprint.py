"""The commands of the 24-hour weekend, on the course itself and a home of its own."""

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
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, answer=None):
    result = CliRunner().invoke(cli.app, ["sprint", *arguments], input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_plan_is_shown_hour_by_hour_from_any_hour():
    shown = run("--from", "07:30")
    assert "07:30   30  What a network is" in shown and "19:10" in shown
    assert "What to skip" in shown
    assert "watch?v=kjBOesZCoqc&list=PL0-GT3co4r2y2YErbmuJw2L5tW4Ew2O5B&index=1\n" in shown
    assert "You need a picture of the whole" in " ".join(run("--full").split())


def test_a_sprint_from_its_beginning_to_its_log(home):
    assert "What a network is: 30 min, 0 min so far" in run("begin")
    assert "Break: 0 min" in run("break")
    assert "What a network is" in run("go-on")
    assert "Summarise it" in run("next")
    assert "Summarise it" in run()
    assert "paused" in run("pause")
    with pytest.raises(CourseError, match="Stop it first: descent sprint stop"):
        run("begin", "--anew")
    assert "descent sprint log" in run("stop")
    assert "To go on: descent sprint go-on" in run()
    assert "What to skip" in run("--full")
    shown = run("log", "--chart", "log.svg")
    assert "Yours, " in shown and "The source's, Sunday" in shown
    assert "17 h 45 from each day's beginning to its end; 12 h 50 work" in " ".join(shown.split())
    assert (home / "log.svg").read_text().startswith("<svg")


def test_the_morning_after_is_written_and_compared(home):
    assert "first_day (not yet)" in run("explain")
    shown = run("explain", "first_day", answer="A network multiplies, adds and bends.")
    assert "What a good answer contains" in shown and "A model answer" in shown
    (event,) = ProgressStore().events("sprint")
    assert (event.kind, event.exercise) == ("write", "first_day")
