"""Runs on a Slurm cluster, through submitit: queued, on several machines, requeued.

Each machine of the job has one task, `NodeWork`. On the first it is the supervisor, so that the
report is written where the run is; on the others it is torchrun alone. The machines find each
other by torchrun's rendezvous on the first. When Slurm takes the machines away it warns with
SIGUSR2: the run saves, and submitit puts the job back in the queue, to go on from there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from descent.errors import CourseError
from descent.runs.folder import RunFolder
from descent.runs.folder.states import STOPPED
from descent.runs.launching.torchrun import RENDEZVOUS, SAVING_SECONDS

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

WARNING_SECONDS = 60  # between Slurm's SIGTERM and its SIGUSR2, at most
REQUEUES = 1000  # a run may take many turns of a few hours
FIRST_PORT, PORTS = 20_000, 20_000


class NodeWork:
    """What one machine of the job does. submitit carries it there.

    Parameters
    ----------
    path : str
        The run's folder, on a file system that all machines share.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Train until the run ends.

        Raises
        ------
        CourseError
            When it failed.
        """
        from submitit import JobEnvironment

        here = JobEnvironment()
        variables = {**os.environ, "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGINT,SIGHUP,SIGQUIT"}
        if here.num_nodes > 1:
            variables[RENDEZVOUS] = rendezvous(here.hostnames[0], here.job_id)
        name = "supervisor" if here.global_rank == 0 else "torchrun"
        module = f"descent.runs.launching.{name}"
        command = [sys.executable, "-m", module, self.path]
        self.process = subprocess.Popen(command, env=variables, preexec_fn=_leave_signals_alone)
        code = self.process.wait()
        folder = RunFolder(self.path)
        if code:
            raise CourseError(folder.status().reason or f"{module} ended with exit code {code}.")
        if folder.status().state == STOPPED and not folder.stop_file.exists():
            time.sleep(WARNING_SECONDS)  # nobody asked but Slurm, whose warning calls `checkpoint`

    def checkpoint(self) -> DelayedSubmission:
        """Let the run save, and say what to do when the job's turn comes again."""
        from submitit.helpers import DelayedSubmission

        folder = RunFolder(self.path)
        asked = folder.stop_file.exists()
        folder.stop_file.touch()
        if self.process is not None:
            _wait_for_end(self.process.pid)
        if not asked:
            folder.stop_file.unlink(missing_ok=True)
        return DelayedSubmission(NodeWork(self.path))


def submit(folder: RunFolder) -> str:
    """Queue a run; return the job's number."""
    job = executor(folder).submit(NodeWork(str(folder.path)))
    return str(job.job_id)


def executor(folder: RunFolder, cluster: str = "slurm") -> Any:
    """Return submitit's executor with what the run's settings ask of the cluster.

    Parameters
    ----------
    folder : RunFolder
    cluster : str
        ``slurm``, or what submitit has for trying things out: ``local``, ``debug``.
    """
    import submitit

    settings = folder.settings()
    made = submitit.AutoExecutor(
        folder=folder.path / "slurm", cluster=cluster, slurm_max_num_timeout=REQUEUES
    )
    made.update_parameters(
        name=folder.id,
        nodes=settings.nodes,
        tasks_per_node=1,  # torchrun starts the processes
        gpus_per_node=settings.processes if settings.device == "cuda" else 0,
        timeout_min=int(60 * settings.hours),
    )
    if settings.partition:
        made.update_parameters(slurm_partition=settings.partition)
    return made


def rendezvous(host: str, job: str) -> str:
    """Return where the machines of a job meet: the port follows from the job's number."""
    number = int("".join(letter for letter in job if letter.isdigit()) or 0)
    return f"{host}:{FIRST_PORT + number % PORTS}/{job}"


def cancel(job: str) -> None:
    """Take a job out of the queue."""
    subprocess.run(["scancel", job], check=False)


def _wait_for_end(pid: int) -> None:
    """Wait for a child without taking its exit code.

    The signal's handler runs in the midst of `Popen.wait`, which holds a lock that a second one
    would wait for.
    """
    until = time.monotonic() + SAVING_SECONDS
    while time.monotonic() < until:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            return
        time.sleep(0.1)


def _leave_signals_alone() -> None:
    """Let nothing below die of Slurm's signals, which go to every process of the job.

    The training program asks for them itself, saves and ends, and the rest ends after it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
