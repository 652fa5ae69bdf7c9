"""The lock on a run's folder: held alone, and let go by the system when its holder ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from descent.errors import CourseError
from descent.runs.folder import lock
from descent.runs.folder.lock import Locked, is_locked, locked
from descent.runs.folder.states import FAILED, FINISHED, LOST, RUNNING, STARTING, STOPPED
from descent.runs.launching import start
from descent.runs.launching.start import resume_run

HOLDER = """
import json, sys
from descent.runs.folder import RunFolder
from descent.runs.folder.liveness import this_process
from descent.runs.folder.lock import locked

folder = RunFolder(sys.argv[1])
with locked(folder.training_lock, "held"):
    folder.write("program.json", this_process())
    print("trains", flush=True)
    sys.stdin.readline()
    folder.write("program.json", {**this_process(), "outcome": sys.argv[2]})
"""


@contextmanager
def trainer(folder, outcome=FINISHED):
    """A process that holds the lock as one that trains does, until it is told to end."""
    command = [sys.executable, "-c", HOLDER, str(folder.path), outcome]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "trains\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE", 0.0)


def test_a_lock_has_one_holder(tmp_path):
    path = tmp_path / "a.lock"
    assert is_locked(path) is None
    with locked(path, "taken"):
        assert is_locked(path) is True
        with pytest.raises(Locked, match="taken"), locked(path, "taken"):
            pass
    assert is_locked(path) is False
    with locked(path, "taken"):
        pass


def test_where_there_are_no_locks_nothing_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("descent.locks.fcntl", None)
    with locked(tmp_path / "a.lock", "taken"), locked(tmp_path / "a.lock", "taken"):
        assert is_locked(tmp_path / "a.lock") is None


@pytest.mark.parametrize("noted", [STARTING, RUNNING, FAILED, STOPPED])
def test_a_folder_in_which_a_process_trains_is_running_whatever_was_noted(tools, noted):
    folder = tools.made()
    folder.note_status(noted, "its launcher was killed")
    with trainer(folder) as process:
        assert folder.status().state == RUNNING
        assert "nothing writes its report" in folder.status().reason
        with pytest.raises(CourseError, match="is running: there is nothing to resume"):
            resume_run(folder)
        process.kill()
        process.wait()
        assert folder.status().state == (LOST if noted in (STARTING, RUNNING) else noted)


@pytest.mark.parametrize("noted", [RUNNING, FAILED])
@pytest.mark.parametrize("outcome", [FINISHED, STOPPED])
def test_a_training_that_ended_well_is_said_to_though_its_launcher_was_killed(
    tools, noted, outcome, monkeypatch
):
    folder = tools.made()
    folder.note_status(noted)
    with trainer(folder, outcome) as process:
        process.communicate("end\n")
    assert folder.status().state == outcome
    assert "its report is not complete" in folder.status().reason
    launched = []
    monkeypatch.setattr(start, "_launch", launched.append)
    assert resume_run(folder) and launched == [folder]  # to complete the report, at the least


def test_of_two_that_resume_at_once_one_does(tools, monkeypatch):
    folder = tools.made()
    folder.note_status(STOPPED)
    monkeypatch.setattr(lock, "PATIENCE", 60.0)
    both, launched, refused = threading.Barrier(2), [], []

    def launch(folder):
        launched.append(folder)
        folder.note_status(STARTING)
        folder.write("launcher.json", start.this_process())

    def resume():
        both.wait()
        try:
            resume_run(folder)
        except CourseError as error:
            refused.append(str(error))

    monkeypatch.setattr(start, "_launch", launch)
    threads = [threading.Thread(target=resume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(launched) == 1
    assert refused == [f"{folder.id} is starting: there is nothing to resume."]
    folder.remove("launcher.json")  # it names the process of the tests
