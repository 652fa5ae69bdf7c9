"""Runs on a Slurm cluster, through submitit: queued, on several machines, requeued.

Each machine of the job has one task, `NodeWork`. On the first it is the supervisor, so that the
report is written where the run is; on the others it is torchrun alone. The machines find each
other by torchrun's rendezvous on the first. When Slurm takes the machines away it warns with
SIGUSR2: the run saves, and submitit puts the job back in the queue, to go on from there.

The trainings of a sweep are dealt out to the jobs of an array, `ArrayWork`. When all of them have
ended, a job with one task, `NodeWork` again, makes what is missing still and writes the report.
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
from descent.runs.launching.sweep import Lanes
from descent.runs.launching.torchrun import RENDEZVOUS, SAVING_SECONDS
from descent.training.stopping import Stop

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


class ArrayWork:
    """What one job of a sweep's array does: its share of the trainings. submitit carries it there.

    Parameters
    ----------
    path : str
        The run's folder, on a file system that all machines share.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.lanes: Lanes | None = None

    def __call__(self, number: int) -> None:
        """Make the trainings of the array's job of this number, but for those there are."""
        folder = RunFolder(self.path)
        share = folder.points()[number :: folder.settings().nodes]
        self.lanes = Lanes(folder, share)
        self.lanes.make_missing(Stop(folder.stop_file))

    def checkpoint(self, number: int) -> DelayedSubmission:
        """Give up what is under way, and say what to do when the job's turn comes again."""
        from submitit.helpers import DelayedSubmission

        if self.lanes is not None:
            self.lanes.end()
        return DelayedSubmission(ArrayWork(self.path), number)


def submit_sweep(folder: RunFolder) -> dict[str, str]:
    """Queue a sweep; return the numbers of its ``array``, and of the ``job`` that ends it."""
    folder.stop_file.unlink(missing_ok=True)
    array = submit_array(folder, executor(folder))
    last = executor(folder)
    last.update_parameters(slurm_additional_parameters={"dependency": f"afterany:{array}"})
    return {"array": array, "job": str(last.submit(NodeWork(str(folder.path))).job_id)}


def submit_array(folder: RunFolder, made: Any) -> str:
    """Queue the array of a sweep; return its number."""
    jobs = made.map_array(ArrayWork(str(folder.path)), range(folder.settings().nodes))
    return str(jobs[0].job_id).partition("_")[0]


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
    on_gpus = settings.device == "cuda"
    if folder.run().sweep:  # a job of its array, or the last one: small trainings share a GPU
        asked = {
            "nodes": 1,
            "cpus_per_task": settings.processes,
            "gpus_per_node": int(on_gpus),
            "slurm_array_parallelism": settings.nodes,
        }
    else:
        gpus = settings.processes if on_gpus else 0
        asked = {"nodes": settings.nodes, "gpus_per_node": gpus}
    made.update_parameters(
        name=folder.id,
        tasks_per_node=1,  # torchrun starts the processes, or a sweep's program
        timeout_min=int(60 * settings.hours),
        **asked,
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
