"""Asking a run to save and end."""

from __future__ import annotations

import os
import signal
import socket
import time

from descent.errors import CourseError
from descent.runs.folder import RunFolder
from descent.runs.folder.liveness import process_lives
from descent.runs.folder.states import STOPPED, UNDER_WAY
from descent.runs.launching.slurm import cancel
from descent.runs.launching.torchrun import SAVING_SECONDS

PAUSE = 0.5  # seconds between two looks


def stop_run(folder: RunFolder, seconds: float = SAVING_SECONDS) -> None:
    """Ask a run to stop, and wait until it has saved.

    Parameters
    ----------
    folder : RunFolder
    seconds : float
        How long to wait at most.

    Raises
    ------
    CourseError
        When it is not under way, or has not ended in this time.
    """
    if folder.status().state not in UNDER_WAY:
        raise CourseError(f"{folder.id} is {folder.status().state}: there is nothing to stop.")
    queued = folder.read("launcher.json")
    job = queued.get("job")
    if job and not folder.read("program.json"):  # still in the queue: nothing to save
        cancel(job)
        if "array" in queued:
            cancel(queued["array"])  # what a training of it has left is whole
        folder.note_status(STOPPED, "it was taken out of the cluster's queue")
        return
    until = time.monotonic() + seconds
    asked = False
    while time.monotonic() < until:
        asked = asked or ask_to_stop(folder)  # it may still be starting
        if folder.status().state not in UNDER_WAY:
            return
        time.sleep(PAUSE)
    raise CourseError(f"{folder.id} has not stopped in {seconds:g} s. It may be saving still.")


def ask_to_stop(folder: RunFolder) -> bool:
    """Ask the training program to save and end; return whether it was there to be asked."""
    if not program_lives(folder):
        return False
    if folder.read("program.json").get("host") != socket.gethostname():
        folder.stop_file.touch()  # it looks for this file every second
        return True
    return signal_program(folder)


def signal_program(folder: RunFolder) -> bool:
    """Send SIGTERM to the training program on this machine; return whether it was there."""
    if not program_lives(folder):
        return False
    os.kill(folder.read("program.json")["pid"], signal.SIGTERM)
    return True


def program_lives(folder: RunFolder) -> bool:
    """Say whether the training program's first process is there."""
    return process_lives(folder.read("program.json"))
