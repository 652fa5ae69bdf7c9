"""A run's folder: states, a process that is gone, and finding a run by its name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from descent.errors import CourseError
from descent.runs.folder.finding import find_folder, runs_folder
from descent.runs.folder.liveness import this_process
from descent.runs.folder.states import FAILED, FINISHED, LOST, RUNNING, STARTING, STOPPED
from descent.runs.launching.start import resume_run
from descent.runs.launching.stopping import stop_run
from descent.runs.watching.look import listing


def test_the_settings_come_back(tools):
    folder = tools.made(steps=7)
    assert folder.settings().steps == 7 and folder.settings().processes == 2
    assert folder.asked()["changes"] == {"steps": 7}
    assert folder.run().name == "nanogpt"


def test_two_runs_of_one_second_have_two_folders(tools):
    assert len({tools.made().path for _ in range(3)}) == 3


def test_runs_are_kept_in_the_course_unless_told(tmp_path, monkeypatch):
    assert runs_folder() == tmp_path / "runs"
    monkeypatch.delenv("DESCENT_RUNS")
    (tmp_path / "solutions").mkdir()
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path))
    assert runs_folder() == tmp_path / "runs"


@pytest.mark.parametrize("state", [STARTING, RUNNING])
def test_a_process_that_is_gone_is_noticed(tools, state):
    folder = tools.made()
    folder.note_status(state)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder.write("launcher.json", this_process(child.pid))
    assert folder.status().state == state
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert folder.status().state == LOST  # as a zombie already
    child.communicate()
    assert folder.status().state == LOST
    folder.write("launcher.json", {**this_process(), "began": 5.0})  # its number was given anew
    assert folder.status().state == LOST


def test_a_program_that_trains_on_alone_is_no_lost_run(tools):
    folder = tools.made()
    folder.note_status(RUNNING)
    folder.write("program.json", this_process())
    assert folder.status().state == RUNNING
    with pytest.raises(CourseError, match="nothing to resume"):
        resume_run(folder)


@pytest.mark.parametrize("state", [STOPPED, FINISHED, FAILED])
def test_an_ended_run_stays_as_it_ended(tools, state):
    folder = tools.made()
    folder.note_status(state, "why")
    assert (folder.status().state, folder.status().reason) == (state, "why")
    with pytest.raises(CourseError, match=f"is {state}: there is nothing to stop"):
        stop_run(folder)


def test_a_finished_run_is_not_resumed(tools):
    folder = tools.made()
    folder.note_status(FINISHED)
    with pytest.raises(CourseError, match="is finished"):
        resume_run(folder)


def test_finding_by_name(tools):
    with pytest.raises(CourseError, match="no runs yet"):
        find_folder()
    one, other = tools.made(), tools.made(profile="cpu")
    assert find_folder(one.id).path == one.path
    assert find_folder("nanogpt-cpu").path == other.path
    assert find_folder().path in (one.path, other.path)
    with pytest.raises(CourseError, match="Name one"):
        find_folder("nanogpt")
    with pytest.raises(CourseError, match="no run 'mnist'"):
        find_folder("mnist")


def test_the_list_has_state_step_and_numbers(tools):
    folder = tools.made()
    folder.note_status(STOPPED)
    line = '{"step": 5, "time": 1.0, "loss": 2.5}\n{"step": 6, "time": 1.2, "val'
    (folder.path / "metrics.jsonl").write_text(line)
    ((found, look),) = listing()
    assert (found.id, look.state, look.step, look.steps) == (folder.id, STOPPED, 5, 200)
    assert look.words == "loss 2.5"


def test_a_torn_status_is_no_crash(tools):
    folder = tools.made()
    (folder.path / "status.json").write_text('{"state": "run')
    assert folder.status().state == LOST
    assert os.path.basename(folder.path) in repr(folder)
