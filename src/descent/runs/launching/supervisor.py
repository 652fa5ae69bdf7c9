"""The process behind a run: papermill executes the run's script into its report.

``python -m descent.runs.launching.supervisor FOLDER``. It outlives the terminal or notebook that
began the run, hands a request to stop on to the training program, and writes down how the run
ended. For that it trusts the exit code that the report's cell left and the program's own outcome,
not papermill, which does not notice every death.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any

from descent.runs.definition.catalogue import home_of
from descent.runs.folder import RunFolder
from descent.runs.folder.states import FAILED, FINISHED, RUNNING, STOPPED
from descent.runs.launching.stopping import program_lives, signal_program
from descent.runs.launching.torchrun import SAVING_SECONDS
from descent.training.stopping import STOP_FILE

KERNEL_SECONDS = 300  # to start in: a machine may be busy


def main() -> None:
    """Execute the report and write down how the run ended."""
    folder = RunFolder(sys.argv[1])
    for left in ("exit.json", "program.json", STOP_FILE):
        folder.remove(left)
    folder.note_status(RUNNING)
    signal.signal(signal.SIGTERM, lambda number, frame: _hand_on(folder, number, frame))
    problem = _execute(folder)
    state, reason = _ending(folder, problem)
    folder.note_status(state, reason)
    sys.exit(0 if state in (FINISHED, STOPPED) else 1)


def _execute(folder: RunFolder) -> str:
    """Run the script as a notebook; return what went wrong, or nothing."""
    import jupytext
    import papermill

    notebook = jupytext.read(home_of(folder.run()) / "report.py", fmt="py:percent")
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    try:
        papermill.execute_notebook(
            notebook,
            folder.report,
            parameters={"folder": str(folder.path)},
            kernel_name="python3",
            kernel_manager_class="descent.study.kernel.KernelOfThisPython",
            start_timeout=KERNEL_SECONDS,
            progress_bar=False,
        )
    except Exception as error:  # a dead kernel, a cell's error, a full disk: all end the report
        lines = str(error).strip().splitlines()
        return lines[-1] if lines else type(error).__name__
    return ""


def _ending(folder: RunFolder, problem: str) -> tuple[str, str]:
    """Judge how it ended, by the exit code and the program's outcome."""
    _end_program(folder)  # the report's kernel is gone, or torchrun, and nobody watches it
    ended = folder.read("exit.json")
    outcome = folder.read("program.json").get("outcome")
    if outcome == STOPPED or (outcome == FINISHED and ended.get("code", 0) == 0):
        return outcome, f"the report is not complete: {problem}" if problem else ""
    return FAILED, ended.get("reason") or f"the report's kernel died: {problem}"


def _end_program(folder: RunFolder) -> None:
    """Let a program that still trains save and end."""
    signal_program(folder)
    until = time.monotonic() + SAVING_SECONDS
    while program_lives(folder) and time.monotonic() < until:
        time.sleep(0.2)


def _hand_on(folder: RunFolder, number: int, frame: FrameType | None) -> Any:
    """Pass a request to end to the program; the report is then completed as for any stop."""
    signal_program(folder)


if __name__ == "__main__":
    main()
