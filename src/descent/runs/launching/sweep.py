"""The program of a sweep: it makes the trainings that are missing, a few at a time.

``python -m descent.runs.launching.sweep FOLDER``. Each training is made in a process of a pool and
leaves its result by itself, whole. What has a result is never made again, so a sweep goes on after
whatever befell it. A training that fails, or whose process dies, takes no other with it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import task_module
from descent.runs.definition.sweep import Point
from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import own_class
from descent.runs.folder.liveness import this_process
from descent.training.metrics import short
from descent.training.stopping import FINISHED, SIGNALS, STOPPED, Stop, stop_on_request

PAUSE = 0.2  # seconds between two looks at whether it is to stop
LAST_LINES = 8  # of what a failing training said


def main() -> None:
    """Make what is missing; the outcome goes to the folder, and no outcome if a training failed."""
    folder = RunFolder(Path(sys.argv[1]))
    points = folder.points()
    with stop_on_request(folder.stop_file) as stop, folder.only_trainer():
        folder.write("program.json", this_process())
        folder.results.forget_failures()
        Lanes(folder, points).make_missing(stop)
        left, failed = folder.results.missing(points), folder.results.failures(points)
        if not failed:
            outcome = STOPPED if left else FINISHED
            folder.write("program.json", {**this_process(), "outcome": outcome})
    sys.exit(1 if failed else 0)


def start_sweep(folder: RunFolder) -> subprocess.Popen[bytes]:
    """Start the program; what it and its processes print goes to the folder's log."""
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder.path)],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def why_it_failed(folder: RunFolder, code: int, log: str) -> str:
    """Say what a sweep failed of: the first training that did, with its last lines, and how many.

    Parameters
    ----------
    folder : RunFolder
    code : int
        The program's exit code.
    log : str
        What was printed in this attempt.
    """
    if code < 0:
        return f"The sweep was killed by {signal.Signals(-code).name}. The results are kept."
    failures = list(folder.results.failures(folder.points()).items())
    if not failures:
        return "The sweep failed. Its last lines:\n" + "\n".join(log.splitlines()[-20:])
    name, reason = failures[0]
    others = f"\nFailed too: {'; '.join(name for name, _ in failures[1:])}" if failures[1:] else ""
    return f"The training {name} failed; all results are kept. Its last lines:\n{reason}{others}"


class Lanes:
    """The processes that make trainings, one after another in each.

    Parameters
    ----------
    folder : RunFolder
    points : list of Point
        The whole sweep, or the part of it that is made here.
    """

    def __init__(self, folder: RunFolder, points: Sequence[Point]) -> None:
        self.folder, self.points = folder, points
        self.waiting = deque(folder.results.missing(points))
        self.made = len(points) - len(self.waiting)
        self.lanes: list[_Lane] = []
        self.under_way: dict[Future[None], tuple[_Lane, Point]] = {}

    def make_missing(self, stop: Stop) -> None:
        """Make all that is missing, or end early when that is asked for.

        What is under way then is given up: it takes seconds, and is made anew the next time.
        """
        number = min(self.folder.settings().workers, len(self.waiting))
        self.lanes = [_Lane(self.folder, i) for i in range(number)]
        try:
            for lane in self.lanes:
                self._next(lane)
            while self.under_way and not stop.asked:
                ended, _ = wait(self.under_way, timeout=PAUSE, return_when=FIRST_COMPLETED)
                for future in ended:
                    lane, point = self.under_way.pop(future)
                    self._note(point, future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        lane.renew()
                    self._next(lane)
        finally:
            self.end()

    def end(self) -> None:
        """End the processes, and what they are making."""
        for lane in self.lanes:
            lane.end()

    def _next(self, lane: _Lane) -> None:
        if self.waiting:
            point = self.waiting.popleft()
            self.under_way[lane.make(point)] = (lane, point)

    def _note(self, point: Point, future: Future[None]) -> None:
        """Say how a training ended; of one that failed, keep why."""
        error = future.exception()
        if error is not None:
            reason = last_words(error)
            self.folder.results.write_failure(point, reason)
            print(f"{point.name} failed:\n{reason}", flush=True)
            return
        self.made += 1
        (row,) = self.folder.results.rows([point])
        shown = (f"{name} {short(value)}" for name, value in row.items() if value is not None
                 and name not in point.values)  # fmt: skip
        print(f"training {self.made} of {len(self.points)}: {point.name}: {', '.join(shown)}",
              flush=True)  # fmt: skip


class _Lane:
    """One process that makes trainings, and a new one where it has died.

    Each process has a pool to itself: then it is known which training took it down.
    """

    def __init__(self, folder: RunFolder, number: int) -> None:
        self.folder, self.number = folder, number
        self._begin()

    def make(self, point: Point) -> Future[None]:
        """Begin a training."""
        return self.pool.submit(make_training, str(self.folder.path), point, self.number)

    def renew(self) -> None:
        """Take another process."""
        self.end()
        self._begin()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.alive.close()
        self.pool.shutdown()

    def _begin(self) -> None:
        spawn = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
        watched, self.alive = spawn.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(1, spawn, _prepare, (watched,))


def _prepare(watched: Connection) -> None:
    """Make a new process ready: it ends with the program, and leaves signals to that."""
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    import torch

    torch.set_num_threads(1)  # one is for one core, and how many there are changes no result


def _end_with(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, or gone with its process."""
    try:
        watched.recv()
    except EOFError:
        os._exit(1)


def make_training(path: str, point: Point, number: int) -> None:
    """Make one training of a sweep and leave its result: what a process of the pool does.

    Parameters
    ----------
    path : str
        The run's folder.
    point : Point
    number : int
        Of the process among those of this machine; they share its GPUs in turn.
    """
    folder = RunFolder(path)
    task, model_class = task_module(folder.run()), own_class(folder)
    data = _data(path, number)
    began = time.monotonic()
    numbers = task.train_point(folder.settings(), point.values, data, model_class)
    folder.results.write(point, numbers, time.monotonic() - began)


@cache
def _data(path: str, number: int) -> Any:
    """Bring the data of a sweep to its device, once in a process."""
    folder = RunFolder(path)
    settings = folder.settings()
    device = settings.device
    if device == "cuda":
        import torch

        device = f"cuda:{number % torch.cuda.device_count()}"
    return task_module(folder.run()).load(settings, device)


def last_words(error: BaseException) -> str:
    """Say what a training failed of: its last lines; the message alone where it was foreseen."""
    if isinstance(error, BrokenProcessPool):
        return "Its process was killed. Often that is a machine out of memory."
    if isinstance(error, CourseError):
        return str(error)
    said = "".join(traceback.format_exception(error.__cause__ or error)).strip().strip('"')
    return "\n".join(said.strip().splitlines()[-LAST_LINES:])


if __name__ == "__main__":
    main()
