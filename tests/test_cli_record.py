"""The commands for the record: what they print, what they ask, and what is left."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

from descent import cli
from descent.study.store import ProgressStore

CHAPTER = "ladder/01_scalar_regression"


@pytest.fixture
def store(tmp_path, monkeypatch):
    path = Path(__file__).parent / "study" / "courses.py"
    spec = importlib.util.spec_from_file_location("courses", path)
    courses = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(courses)
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path / "course"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    courses.write_chapter(tmp_path / "course", CHAPTER)
    monkeypatch.chdir(tmp_path)
    store = ProgressStore()
    store.record_check(CHAPTER, "predict", "correct")
    return store


def run(*arguments, answer=None, code=0):
    result = CliRunner().invoke(cli.app, ["record", *map(str, arguments)], input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_a_record_goes_out_and_comes_in(store, tmp_path, monkeypatch):
    assert run("export", "mine.jsonl") == "Wrote 1 entry to mine.jsonl.\n"
    run("export", "mine.csv")
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "another"))
    with open("mine.jsonl", "a") as file:
        file.write("half a li")
    shown = run("merge", "mine.jsonl")
    assert "1 new, 0 known already." in shown
    assert "1 passed over" in shown and "line 2" in shown
    assert ProgressStore().exercise_states(CHAPTER)["predict"].done


def test_the_report_is_written_where_it_is_asked_for(store, tmp_path):
    run("report", "page.html")
    assert "Scalar regression" in (tmp_path / "page.html").read_text()


def test_where_names_the_files(store, tmp_path):
    shown = run("where")
    assert str(tmp_path / "home") in shown and "progress.sqlite3" in shown
    assert "Entries: 1, of which 0 wait" in shown


def test_deleting_asks_first_and_says_what_stays(store, tmp_path):
    assert "progress.sqlite3" in run("delete", answer="n\n", code=1)
    assert store.path.exists()
    shown = run("delete", "--yes")
    assert "Deleted: progress.sqlite3." in shown and "notebooks in work/ stay" in shown
    assert not (tmp_path / "home").exists()
    assert "Nothing is kept" in run("delete")
