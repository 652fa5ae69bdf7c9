"""Whether the process or the cluster's job that a run noted down is still there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import Any


def this_process(pid: int | None = None) -> dict[str, Any]:
    """Say which process this (or a child) is, so that a later one is not taken for it."""
    import psutil

    pid = pid or os.getpid()
    return {"pid": pid, "began": psutil.Process(pid).create_time(), "host": socket.gethostname()}


def process_lives(noted: dict[str, Any]) -> bool:
    """Say whether a process or job is there; a process on another machine is taken to be."""
    if "job" in noted:
        return job_lives(noted["job"])
    if not isinstance(noted.get("pid"), int) or "outcome" in noted:
        return False
    if noted.get("host") != socket.gethostname():
        return True
    import psutil

    try:
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - float(noted.get("began") or 0)) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def job_lives(job: str) -> bool:
    """Say whether a job is queued or runs; without Slurm's tools here it is taken to be."""
    if shutil.which("squeue") is None:
        return True
    asked = subprocess.run(
        ["squeue", "--noheader", "--jobs", job, "--format=%T"], capture_output=True, text=True
    )
    return asked.returncode == 0 and bool(asked.stdout.strip())
