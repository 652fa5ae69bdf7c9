"""Runs of the tests: kept apart, with the data that is there, and ended when a test is over."""

from __future__ import annotations

import contextlib
import os
import time

import nbformat
import psutil
import pytest

from descent.runs.definition.catalogue import find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.folder import RunFolder
from descent.runs.folder.finding import make_folder
from descent.runs.folder.states import UNDER_WAY
from descent.runs.launching.start import start_run
from descent.runs.launching.stopping import program_lives
from descent.training.metrics import curve

SECONDS = 600  # a start takes ten of them on two free cores; a hang must end


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """A folder for the runs; what is left of them at the end is killed."""
    set_apart(monkeypatch, tmp_path / "runs", tmp_path / "home")
    yield tmp_path / "runs"
    end_all(tmp_path / "runs")


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory):
    """Run a smoke profile through to its end once for all tests of a file; all is killed after."""
    place = tmp_path_factory.mktemp("whole")
    runs = {}

    def whole_run(name, home=None, **changes):
        if name not in runs:
            with pytest.MonkeyPatch.context() as patch:
                set_apart(patch, place, home or place / "home")
                runs[name] = start_run(name, "smoke", changes)
                wait_for_end(runs[name])
        return runs[name]

    yield whole_run
    end_all(place)


def set_apart(patch, runs, home):
    patch.setenv("DESCENT_RUNS", str(runs))
    patch.setenv("DESCENT_HOME", str(home))
    patch.setenv("DESCENT_OFFLINE", "1")
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.delenv("DESCENT_DATA", raising=False)


def end_all(place):
    """Kill every process that was started for a run below a folder, and all below it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(str(place) in word for word in process.cmdline()):
                for each in family(process.pid):
                    each.kill()


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
        time.sleep(0.02)
    pytest.fail(f"step {step} was not reached\n{printed(folder)}")


def wait_for_end(folder):
    until = time.monotonic() + SECONDS
    while folder.status().state in UNDER_WAY:
        assert time.monotonic() < until, f"a hang\n{printed(folder)}"
        time.sleep(0.1)
    return folder.status()


def printed(folder):
    files = (folder.log, folder.path / "launcher.txt")
    return "\n".join(path.read_text() for path in files if path.exists())


def report_outputs(folder):
    """What a run's report shows: the text, how many pictures, and the errors."""
    notebook = nbformat.read(folder.report, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    errors = [output.evalue for output in outputs if output.output_type == "error"]
    return text, pictures, errors


def losses(folder, name="loss"):
    return dict(zip(*curve(folder.metrics(), name), strict=True))


@pytest.fixture(scope="session")
def tools():
    """The functions of this file, for tests."""
    import types

    functions = (made, wait_for_step, wait_for_end, printed, report_outputs, losses, family)
    return types.SimpleNamespace(
        RunFolder=RunFolder, **{function.__name__: function for function in functions}
    )
