"""The ``descent`` command: what it prints, what it asks, and how it ends."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from descent import cli
from descent.errors import CourseError
from descent.study import headless, lab
from descent.study.headless import CheckResult, HeadlessReport
from descent.study.store import ProgressStore


def _load_courses():
    path = Path(__file__).parent / "study" / "courses.py"
    spec = importlib.util.spec_from_file_location("courses", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


courses = _load_courses()


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path / "course"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DESCENT_WORK", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(lab, "lab_address", lambda path: None)
    courses.write_chapter(tmp_path / "course", "ladder/01_scalar_regression")
    monkeypatch.chdir(tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def mine(course):
    run("open", "ladder/01")
    return course / "work/ladder/01_scalar_regression.ipynb"


def run(*arguments, answer=None, code=0):
    result = CliRunner().invoke(cli.app, list(arguments), input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def main(monkeypatch, capsys, *arguments):
    """Run the command as it is installed; return its exit code and what it said."""
    monkeypatch.setattr(sys, "argv", ["descent", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr()


def test_open_says_where_the_copy_is_and_starts_the_clock(course):
    assert "work/ladder/01_scalar_regression.ipynb" in run("open", "ladder/01")
    shown = run("open", "1")
    assert shown.startswith("Yours:") and "make start" in shown
    events = ProgressStore().events("ladder/01_scalar_regression")
    assert [event.kind for event in events] == ["start", "start"]


def test_open_gives_the_address_and_opens_it_where_there_is_a_browser(course, monkeypatch):
    opened = []
    address = "http://localhost:8888/lab/tree/work/x.ipynb"
    monkeypatch.setattr(lab, "lab_address", lambda path: address)
    monkeypatch.setattr(lab, "open_in_browser", opened.append)
    assert address in run("open", "ladder/01")
    assert opened == [address]
    run("open", "ladder/01", "--no-browser")
    assert opened == [address]


def test_an_unknown_chapter_is_one_line(course, monkeypatch, capsys):
    code, said = main(monkeypatch, capsys, "open", "scalar_regresion")
    assert code == 1
    assert said.err == (
        "descent: There is no chapter 'scalar_regresion'. "
        "Did you mean ladder/01_scalar_regression?\n"
    )


def test_reset_asks_first(mine, course):
    mine.write_text(mine.read_text().replace("raise NotImplementedError()", "return 6"))
    before = mine.read_text()
    assert "ladder/01_scalar_regression" in run("reset", "ladder/01", answer="n\n", code=1)
    assert mine.read_text() == before
    shown = run("reset", "ladder/01", answer="y\n")
    assert "work/.backups/ladder/" in shown
    assert "raise NotImplementedError()" in mine.read_text()
    assert "is blank again" in run("reset", "ladder/01", "--yes")


def test_refresh_says_what_it_did(mine, course):
    assert "unchanged" in run("refresh")
    blank = course / "notebooks/ladder/01_scalar_regression.ipynb"
    notebook = nbformat.read(blank, as_version=4)
    notebook.cells[0].source = "# Anew"
    nbformat.write(notebook, blank)
    shown = run("refresh", "ladder/01")
    assert "1 cells" not in shown and "1 cell brought up to date" in shown
    assert "work/.backups" in shown
    assert "# Anew" in mine.read_text()


def test_refresh_of_a_broken_copy_fails_and_says_which(mine, course):
    blank = course / "notebooks/ladder/01_scalar_regression.ipynb"
    blank.write_text(blank.read_text().replace("The end.", "The very end."))
    mine.write_text("<<<<<<<")
    assert "01_scalar_regression.ipynb" in run("refresh", code=1)
    assert mine.read_text() == "<<<<<<<"


def test_refresh_without_copies_says_how_to_begin(course):
    assert "descent open" in run("refresh")


def test_progress_prints_the_table(course):
    ProgressStore().record_check("ladder/01_scalar_regression", "predict", "correct")
    shown = run("progress")
    assert "✓○" in shown and "1 of 2 exercises done" in shown


def test_check_prints_results_and_its_exit_code_follows_them(mine, monkeypatch):
    results = [CheckResult("predict", "correct"), CheckResult("loss", "not right yet", "Half.\nx")]
    asked = []

    def fake(path, *, cell_seconds, record):
        asked.append((path, cell_seconds, record))
        return HeadlessReport(path, tuple(results))

    monkeypatch.setattr(headless, "check_notebook", fake)
    shown = run("check", "ladder/01", code=1)
    assert asked[0][0] == mine and asked[0][2] is False
    assert "✓ predict" in " ".join(shown.split())
    assert "loss not right yet Half." in " ".join(shown.split())
    results.pop()
    run("check", str(mine), "--record")
    assert asked[1][2] is True


def test_check_tells_what_could_not_be_graded_from_what_is_wrong(mine, monkeypatch):
    results = (CheckResult("predict", "could not grade", "The machine was too busy."),)
    monkeypatch.setattr(headless, "check_notebook", lambda path, **_: HeadlessReport(path, results))
    shown = " ".join(run("check", "ladder/01", code=1).split())
    assert "? predict could not grade The machine was too busy." in shown


def test_check_of_a_file_that_cannot_be_read_is_one_line(course, tmp_path):
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    shown = run("check", str(tmp_path / "torn.ipynb"), str(tmp_path / "none.ipynb"), code=1)
    assert len(shown.strip().splitlines()) == 2
    assert "torn.ipynb: it breaks off in line 1." in shown
    assert "none.ipynb: there is no such file." in shown


def test_check_of_a_chapter_that_was_not_opened_says_how_to_open_it(course):
    assert "descent open ladder/01_scalar_regression" in run("check", "ladder/01", code=1)


def test_check_names_the_problems_of_the_notebook(mine, monkeypatch):
    report = HeadlessReport(mine, (CheckResult("predict", "correct"),), ("the kernel died",))
    monkeypatch.setattr(headless, "check_notebook", lambda path, **options: report)
    assert "the kernel died." in run("check", "ladder/01", code=1)


@pytest.fixture
def limits(monkeypatch):
    """Return the list of broken limits, and how it was asked for."""
    from descent.authoring import known_excesses

    broken, asked = [], []

    def fake(root, only=None, unfinished=False):
        asked.append((only, unfinished))
        return broken

    monkeypatch.setattr(known_excesses, "broken_limits", fake)
    return broken, asked


def test_build_hands_its_options_on(course, limits, monkeypatch):
    from descent.authoring import build as building

    asked = []
    monkeypatch.setattr(
        building, "build_chapters", lambda root, only=None, **options: asked.append((only, options))
    )
    run("build", "ladder/01", "--no-execute")
    run("build", "--force")
    assert asked == [
        (["ladder/01"], {"execute": False, "force": False}),
        (None, {"execute": True, "force": True}),
    ]
    assert limits[1] == [(["ladder/01"], True), (None, True)]


def test_build_ends_with_the_limits_that_are_broken(course, limits, monkeypatch, capsys):
    from descent.authoring import build as building

    monkeypatch.setattr(building, "build_chapters", lambda root, only=None, **options: [])
    limits[0].append("solutions/ladder/01.py: too long.")
    code, said = main(monkeypatch, capsys, "build")
    assert (code, said.err) == (1, "descent: solutions/ladder/01.py: too long.\n")


def test_check_chapters_lists_what_is_stale_and_what_is_too_long(course, limits, monkeypatch):
    from descent.authoring import freshness

    stale = ["notebooks/x.ipynb is old."]
    monkeypatch.setattr(freshness, "stale_files", lambda root: stale)
    limits[0].append("solutions/x.py: too long.")
    shown = run("check-chapters", code=1)
    assert "x.ipynb is old." in shown and "too long." in shown and "2 to put right" in shown
    stale.clear()
    assert "too long." in run("check-chapters", code=1)
    limits[0].clear()
    assert "fresh" in run("check-chapters")
    assert set(limits[1]) == {(None, False)}


def test_new_chapter_says_what_it_made_and_what_is_next(course, monkeypatch, capsys):
    shown = run("new-chapter", "foundations/1_linear_algebra", "--title", "Vectors")
    assert "Made solutions/foundations/01_linear_algebra.py" in shown
    assert "descent build foundations/01" in shown
    assert "# # Vectors" in (course / "solutions/foundations/01_linear_algebra.py").read_text()
    code, said = main(monkeypatch, capsys, "new-chapter", "foundations/1_again")
    assert code == 1 and said.err.startswith("descent: Number 1 of foundations is foundations/01")


def test_limits_prints_what_is_counted_and_lowers_the_list(course):
    assert "words of prose" in run("limits", "ladder/01")
    run("limits", "--lower")
    assert (course / "solutions/known_excesses.toml").is_file()
    assert run("limits", "--lower") == ""


def test_an_error_from_below_is_one_line(course, monkeypatch, capsys):
    from descent.authoring import build as building

    def fail(*arguments, **options):
        raise CourseError("solutions/ladder/01.py, cell 3: no check.")

    monkeypatch.setattr(building, "build_chapters", fail)
    code, said = main(monkeypatch, capsys, "build")
    assert (code, said.err) == (1, "descent: solutions/ladder/01.py, cell 3: no check.\n")


def test_start_hands_its_options_to_the_server(course, monkeypatch):
    from descent.serving import start

    asked = []
    monkeypatch.setattr(start, "main", lambda arguments: asked.append(arguments) or 0)
    run("start", "--port", "9000", "--no-browser")
    assert asked == [["--port", "9000", "--no-browser"]]


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['descent', '--help']\nfrom descent import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'torch', 'nbformat', 'nbdime', 'nbclient', 'IPython', 'sqlite3'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "grade-the-graders" in shown.stdout
    assert "heavy: []" in shown.stdout


def test_a_check_s_table_keeps_names_whole_in_80_columns(course, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    name = "scaled_dot_product_attention_of_heads"
    message = "Your answer has another shape than was asked for: compare (3, 4) with (4, 3)."
    result = CheckResult(name, "not right yet", message)
    path = course / "work" / "ladder" / "13_causal_transformer_with_a_long_name.ipynb"
    cli.learning._print_report(HeadlessReport(path, (result,)))
    shown = capsys.readouterr().out
    assert "work/ladder/13_causal_transformer_with_a_long_name.ipynb" in shown
    assert re.search(rf"✗ +{name} +not right yet", shown)
    assert max(map(len, shown.splitlines())) <= 80
