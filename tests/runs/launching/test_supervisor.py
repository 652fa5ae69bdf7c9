"""The process behind a run: what it makes of a report or a program that ends before its time."""

from __future__ import annotations

import os
import signal

import pytest

from descent.runs.folder.liveness import this_process
from descent.runs.folder.states import FAILED, FINISHED, STOPPED
from descent.runs.launching import supervisor


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Let the report be made of another script."""

    def script(text):
        head = '# %% tags=["parameters"]\nfolder = ""\n# %%\n'
        (tmp_path / "report.py").write_text(head + text)
        monkeypatch.setattr(supervisor, "home_of", lambda run: tmp_path)

    return script


@pytest.fixture
def asked(monkeypatch):
    """A program that trains, and saves and ends when it is asked to."""
    folders = []

    def save(folder):
        folders.append(folder)
        if folder.read("program.json") and "outcome" not in folder.read("program.json"):
            folder.write("program.json", {**this_process(), "outcome": STOPPED})

    monkeypatch.setattr(supervisor, "signal_program", save)
    return folders


def run_supervisor(folder, monkeypatch):
    monkeypatch.setattr("sys.argv", ["supervisor", str(folder.path)])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            supervisor.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    return ended.value.code


def test_a_report_whose_kernel_dies_takes_no_training_with_it(tools, script, asked, monkeypatch):
    """papermill cannot go on; the program is asked to save, and the run can be resumed."""
    folder = tools.made()
    script(
        "import os\nfrom descent.runs.folder import RunFolder\n"
        "from descent.runs.folder.liveness import this_process\n"
        f"RunFolder(folder).write('program.json', this_process({os.getpid()}))\n"
        "os._exit(1)"
    )
    assert run_supervisor(folder, monkeypatch) == 0
    status = folder.status()
    assert status.state == STOPPED and "the report is not complete" in status.reason
    assert [each.path for each in asked] == [folder.path]


@pytest.mark.parametrize(
    ("outcome", "code", "state"),
    [(FINISHED, 0, FINISHED), (STOPPED, 1, STOPPED), (None, 1, FAILED)],
)
def test_the_exit_code_and_the_program_s_outcome_are_what_counts(
    tools, asked, outcome, code, state
):
    folder = tools.made()
    folder.write("exit.json", {"code": code, "reason": "rank 1 was killed" if code else ""})
    folder.write("program.json", {"outcome": outcome} if outcome else {})
    found, reason = supervisor._ending(folder, "")
    assert (found, reason) == (state, "rank 1 was killed" if state == FAILED else "")


def test_a_program_that_trains_on_after_torchrun_is_asked_to_save(tools, asked):
    folder = tools.made()
    folder.write("exit.json", {"code": -9, "reason": "torchrun was killed"})
    folder.write("program.json", this_process())
    assert supervisor._ending(folder, "RunFailed: torchrun was killed") == (
        STOPPED,
        "the report is not complete: RunFailed: torchrun was killed",
    )
    assert asked == [folder]
