"""The commands and the notebook's `run`: what they hand on, what they print, and how they end."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest
from rich.console import Console
from torch import nn
from typer.testing import CliRunner

from descent import cli, notebook_runs
from descent.errors import CourseError
from descent.runs.definition import catalogue
from descent.runs.folder.finding import all_runs
from descent.runs.folder.learner_model import own_class
from descent.runs.folder.liveness import this_process
from descent.runs.folder.states import FAILED, FINISHED, RUNNING, STOPPED
from descent.runs.launching import start
from descent.runs.watching import look, terminal
from descent.runs.watching import notebook as in_notebook
from descent.study import workbook
from descent.study.catalog import find_chapter


class Tiny(nn.Module):
    """A model of the learner's, in a file."""

    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.table = nn.Embedding(vocabulary, vocabulary)

    def forward(self, tokens):
        return self.table(tokens)


@pytest.fixture
def launched(monkeypatch):
    """Runs are made and looked at, but nothing is started."""
    folders = []
    monkeypatch.setattr(start, "_launch", folders.append)
    return folders


def command(*arguments, code=0):
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def ended(folder, state=FINISHED, reason=""):
    folder.note_status(state, reason)
    lines = [{"step": step, "time": step / 9, "loss": 3 - step / 100} for step in range(200)]
    lines += [{"step": step, "time": step / 9, "validation loss": 2.5} for step in (0, 200)]
    text = "".join(f"{line}\n".replace("'", '"') for line in lines)
    (folder.path / "metrics.jsonl").write_text(text)
    return folder


def test_a_run_is_begun_with_its_changes(launched):
    shown = command("run", "nanogpt", "--set", "steps=50", "--set", "seed=7", "--detach")
    (folder,) = launched
    assert f"descent runs watch {folder.id}" in shown
    assert (folder.settings().steps, folder.settings().seed) == (50, 7)
    assert folder.asked()["changes"] == {"steps": 50, "seed": 7}
    assert own_class(folder) is None


def test_what_is_wrong_is_one_line(launched, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["descent", "run", "nanogpt", "--set", "stepz=50"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 1 and launched == []
    said = capsys.readouterr().err
    assert said == "descent: nanogpt has no setting 'stepz'. Did you mean steps?\n"


def test_no_runs_yet():
    assert "descent run nanogpt --profile smoke" in command("runs")


def test_the_list_names_state_step_and_reason(tools):
    ended(tools.made())
    ended(tools.made(profile="cpu"), FAILED, "The process of rank 1 was killed.\nmore")
    shown = " ".join(command("runs").split())
    assert shown == " ".join(command("runs", "list").split())
    assert "finished 200 of 200" in shown and "validation loss 2.5" in shown
    assert "failed 200 of 2000" in shown and "rank 1 was killed." in shown
    assert "more" not in shown


def test_names_stay_whole_in_a_terminal_of_80_columns(tools, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    reason = "The process of rank 1 was killed by SIGKILL. Often that is a machine out of memory."
    folders = [ended(tools.made(profile="speedrun-gpu"), FAILED, reason) for _ in range(2)]
    shown = command("runs").splitlines()
    for folder in folders:
        assert any(line.split()[:2] == [folder.id, "failed"] for line in shown)
    assert max(map(len, shown)) <= 80
    assert " ".join(reason.split()) in " ".join(" ".join(shown).split())
    console = Console(width=80, file=io.StringIO())
    console.print(terminal._shown(folders[0], look.look_at(folders[0])))
    assert f"{folders[0].id}  failed, step 200 of" in console.file.getvalue()


def test_a_damaged_run_is_listed_and_named(tools):
    folder, whole = tools.made(), ended(tools.made())
    folder.write("settings.json", {"run": "nanogpt", "settings": {"stepz": 5}})
    shown = command("runs")
    assert "damaged" in shown and folder.id in shown and "stepz" in shown
    assert whole.id in shown and "finished" in shown
    with pytest.raises(CourseError, match=r"settings\.json cannot be used.*stepz"):
        command("runs", "watch", folder.id)


def test_a_step_that_is_no_number_stops_nothing(tools):
    folder = ended(tools.made())
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": null, "time": 3.0, "loss": null}\n')
    assert "200 of 200" in command("runs")
    assert "finished at step 200" in command("runs", "watch", folder.id)


def test_watching_ends_with_the_run_and_its_exit_code(tools):
    folder = ended(tools.made())
    assert f"{folder.id}: finished at step 200 of 200" in command("runs", "watch", folder.id)
    folder.note_status(FAILED, "The process of rank 0 failed:\nZeroDivisionError")
    shown = command("runs", "watch", folder.id, code=1)
    assert "ZeroDivisionError" in shown and f"descent runs resume {folder.id}" in shown


def test_a_run_that_trains_nothing_can_be_watched(tools):
    folder = tools.made("gpt2", "openai")
    html = in_notebook._as_html(folder, look.look_at(folder))
    assert 'aria-valuenow="0"' in html and "step 0 of 0" in html


def test_ctrl_c_ends_the_watching_alone(tools, monkeypatch):
    folder = tools.made()
    folder.note_status(RUNNING)
    folder.write("launcher.json", this_process())
    monkeypatch.setattr(terminal, "follow", lambda folder: iter(interrupt, None))
    assert f"goes on. To stop it: descent runs stop {folder.id}" in command("runs", "watch")


def interrupt():
    raise KeyboardInterrupt


def test_resuming_with_another_number_of_processes(tools, launched):
    folder = ended(tools.made(), STOPPED)
    command("runs", "resume", folder.id, "--processes", "1", "--detach")
    assert launched[0].settings().processes == 1
    with pytest.raises(CourseError, match="batch_size is 16.* 3 processes"):
        command("runs", "resume", folder.id, "--processes", "3", "--detach")
    assert folder.settings().processes == 1


def test_the_report_has_the_published_number_beside_the_measured_one(tools):
    folder = ended(tools.made(profile="cpu", seed=3))
    folder.write("program.json", {"outcome": "finished"})
    shown = command("runs", "report", folder.id)
    assert "validation loss: measured 2.5 (best 2.5)" in shown
    assert "published 1.88, nanoGPT's README" in shown
    assert "Not the published configuration: seed = 3." in shown
    assert "It has no report yet." in shown


def test_a_notebook_s_run_takes_a_class(launched):
    folder = notebook_runs.run("nanogpt", model=Tiny, watch=False, steps=5)
    assert launched == [folder]
    assert own_class(folder).__name__ == "Tiny"
    assert folder.asked()["changes"] == {"steps": 5, "model": "mine"}
    assert "step 0 of 5" in repr(folder)


def test_a_notebook_s_run_refuses_what_is_no_model(launched):
    with pytest.raises(CourseError, match="it can be 'ours', 'mine' or a class"):
        notebook_runs.run("nanogpt", model="theirs")
    with pytest.raises(CourseError, match="dict.* cannot be found"):
        notebook_runs.run("nanogpt", model=dict)
    assert launched == [] and all_runs() == []


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "Your own predict cannot be taken: ladder/01.* does not hold yours yet"),
        (["def predict(w, b, x):\n    return w * x + b"], "predict is not a class that derives"),
    ],
)
def test_mine_is_the_answer_that_passed_its_check(launched, monkeypatch, tmp_path, cells, message):
    """With an exercise that there is: rung 1's passes its check, and is no model."""
    monkeypatch.setenv("DESCENT_WORK", str(tmp_path / "work"))
    run = replace(catalogue.RUNS["nanogpt"], mine=("ladder/01", "predict"))
    monkeypatch.setitem(catalogue.RUNS, "nanogpt", run)
    path = workbook.work_copy(find_chapter("ladder/01"))
    path.parent.mkdir(parents=True)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(made, path)
    with pytest.raises(CourseError, match=message):
        notebook_runs.run("nanogpt", model="mine")
    with pytest.raises(CourseError, match=message):
        command("run", "nanogpt", "--model", "mine")
    assert launched == []


def test_following_in_a_notebook_shows_bar_log_and_end(tools, capsys, monkeypatch):
    folder = ended(tools.made())
    folder.log.write_text("step 1\nloss <nan>\n")
    now = look.look_at(folder)
    html = in_notebook._as_html(
        folder, replace(now, state=RUNNING, lines=[{"step": 50, "time": 1.0}])
    )
    assert 'aria-valuenow="25"' in html and "loss &lt;nan&gt;" in html
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *_, **__: SimpleNamespace(update=shown.append)
    )
    in_notebook.watch_in_notebook(folder)
    assert "finished, step 200 of 200" in shown[-1].data
    assert f"{folder.id}: finished at step 200 of 200" in capsys.readouterr().out
