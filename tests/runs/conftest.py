"""Runs of the tests: kept apart, with the data that is there, and ended when a test is over."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from descent.runs.definition.catalogue import find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.folder import RunFolder
from descent.runs.folder.finding import all_runs, make_folder
from descent.runs.folder.states import UNDER_WAY
from descent.runs.launching.stopping import program_lives
from descent.training.metrics import curve

SECONDS = 240  # a start takes ten of them on two free cores; a hang must end


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """A folder for the runs; what is left of them at the end is killed."""
    monkeypatch.setenv("DESCENT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("DESCENT_DATA", raising=False)
    yield tmp_path / "runs"
    for folder in all_runs():
        end(folder)


def end(folder):
    for name in ("launcher.json", "program.json"):
        noted = folder.read(name)
        theirs = noted.get("pid", os.getpid()) != os.getpid()
        if folder.status().state in UNDER_WAY and theirs:
            for process in family(noted["pid"]):
                process.kill()


def family(pid):
    """A process and all below it, the youngest first."""
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True)[::-1], process]
    except psutil.Error:
        return []


def made(name="nanogpt", profile="smoke", **changes):
    """A run's folder, with nothing started."""
    run = find_run(name)
    return make_folder(run, profile, settings_of(run, profile, changes), changes)


def wait_for_step(folder, step):
    """Wait until a run is that far, and is running."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if folder.step() >= step and program_lives(folder):
            return
        state = folder.status()
        assert state.state in UNDER_WAY, f"{state.state}: {state.reason}\n{printed(folder)}"
        time.sleep(0.01)
    pytest.fail(f"step {step} was not reached\n{printed(folder)}")


def wait_for_end(folder):
    until = time.monotonic() + SECONDS
    while folder.status().state in UNDER_WAY:
        assert time.monotonic() < until, f"a hang\n{printed(folder)}"
        time.sleep(0.05)
    return folder.status()


def printed(folder):
    files = (folder.log, folder.path / "launcher.txt")
    return "\n".join(path.read_text() for path in files if path.exists())


def losses(folder, name="loss"):
    return dict(zip(*curve(folder.metrics(), name), strict=True))


def kill(pid, name="SIGKILL"):
    os.kill(pid, getattr(signal, name))


@pytest.fixture
def tools():
    """The functions of this file, for tests."""
    import types

    functions = (made, wait_for_step, wait_for_end, printed, losses, kill, end, family)
    return types.SimpleNamespace(
        RunFolder=RunFolder, **{function.__name__: function for function in functions}
    )
