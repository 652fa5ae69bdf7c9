"""Messages between processes, from one to one: what an all-reduce is built of.

A function written against a `Link` runs in two ways: as threads of one process that take turns,
which is quick, repeatable and notices when everybody waits; and in real processes, over gloo.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from descent.errors import CourseError

MOST_DIMENSIONS = 6
DTYPES = (torch.float32, torch.float64, torch.int64, torch.bfloat16, torch.float16, torch.uint8)


class LinkError(CourseError):
    """A message that cannot be sent or received."""


class Deadlock(LinkError):
    """Every process waits for a message that nobody sends."""


class Stuck(LinkError):
    """A process computes and computes."""

    def __str__(self) -> str:
        return "A process was still computing when its time was over. Does a loop end?"


class Sent(NamedTuple):
    """One message: to whom, how many numbers, and how many bytes."""

    to: int
    numbers: int
    size: int


class Link:
    """One process's way to the others.

    Attributes
    ----------
    rank : int
        This process's number, from 0.
    size : int
        How many processes there are.
    sent : list of Sent
        The messages that this process has sent so far.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self.sent: list[Sent] = []

    def send(self, values: Tensor, to: int) -> None:
        """Send a copy of a tensor to one other process, and go on at once.

        Raises
        ------
        LinkError
            When `to` is nobody else's number, or `values` is no tensor.
        """
        self._check(to, "send to")
        if not isinstance(values, Tensor):
            raise LinkError(f"Only a tensor can be sent, and this is of type {_type(values)}.")
        self.sent.append(Sent(to, values.numel(), values.numel() * values.element_size()))
        self._send(values.detach().clone().contiguous(), to)

    def receive(self, source: int) -> Tensor:
        """Wait for the next message of one other process, and return it.

        Messages from one process to another arrive in the order in which they were sent.

        Raises
        ------
        LinkError
            When `source` is nobody else's number.
        Deadlock
            When it can never arrive, since every process waits (noticed among threads only).
        """
        self._check(source, "receive from")
        return self._receive(source)

    def _check(self, other: int, what: str) -> None:
        if not 0 <= other < self.size or other == self.rank:
            others = "there is nobody else" if self.size == 1 else f"they are 0 to {self.size - 1}"
            raise LinkError(
                f"Process {self.rank} of {self.size} cannot {what} process {other}: {others}."
            )

    def _send(self, values: Tensor, to: int) -> None:
        raise NotImplementedError

    def _receive(self, source: int) -> Tensor:
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> Link:
        return self  # a copy of the line to the others would lead nowhere

    def __repr__(self) -> str:
        return f"<process {self.rank} of {self.size}>"


class GlooLink(Link):
    """A link of a real process to others; `torch.distributed` must have been set up."""

    def __init__(self) -> None:
        super().__init__(dist.get_rank(), dist.get_world_size())
        self._pending: list[tuple[Any, Tensor]] = []

    def _send(self, values: Tensor, to: int) -> None:
        sizes = list(values.shape) + [-1] * (MOST_DIMENSIONS - values.dim())
        header = torch.tensor([DTYPES.index(values.dtype), *sizes])
        for part in (header, values):  # the tensors are kept until they are gone
            self._pending.append((dist.isend(part, to), part))

    def _receive(self, source: int) -> Tensor:
        header = torch.empty(MOST_DIMENSIONS + 1, dtype=torch.int64)
        dist.recv(header, source)
        kind, *sizes = header.tolist()
        values = torch.empty([n for n in sizes if n >= 0], dtype=DTYPES[kind])
        dist.recv(values, source)
        return values

    def finish(self) -> None:
        """Wait until all that was sent has been received."""
        for work, _ in self._pending:
            work.wait()
        self._pending.clear()


def alone() -> Link:
    """Return the link of a process that has nobody to talk to."""
    return Link(0, 1)


def in_turns(function: Callable[[Link], Any], size: int, seconds: float = 3.0) -> list[Any]:
    """Run a function in several threads that talk over links, one at a time.

    A thread runs until it waits for a message that is not there; then the next one goes on. So
    the order of things is always the same.

    Parameters
    ----------
    function : callable
        Gets the link of its thread.
    size : int
        Number of threads.
    seconds : float
        Of work, after which it counts as endless. Collecting garbage is nobody's work: in a
        process with many objects it may take longer than the function.

    Returns
    -------
    list
        What it returned, by rank.

    Raises
    ------
    Exception
        The first that a thread raised.
    LinkError
        When messages are left that nobody received.
    """
    return _Turns(function, size).run(seconds)


class _Turns:
    """Threads of which one has the turn."""

    def __init__(self, function: Callable[[Link], Any], size: int) -> None:
        self.function, self.size = function, size
        self.change = threading.Condition()
        self.turn = 0
        self.boxes: dict[tuple[int, int], deque[Tensor]] = {}
        self.waits: dict[int, int] = {}  # rank → whom it waits for
        self.over: set[int] = set()
        self.results: list[Any] = [None] * size
        self.error: BaseException | None = None
        self.done = threading.Event()

    def run(self, seconds: float) -> list[Any]:
        threads = [
            threading.Thread(target=self._one, args=(rank,), daemon=True)
            for rank in range(self.size)
        ]
        try:
            with _work() as worked:
                for thread in threads:
                    thread.start()
                while not self.done.wait(0.05) and worked() < seconds:
                    pass
            while not self.done.is_set() and any(thread.is_alive() for thread in threads):
                _interrupt(threads)  # again and again: a bare `except:` swallows the first one
                self.done.wait(1.0)
            if not self.done.is_set():
                self._end(Stuck())
        except BaseException:  # the caller's own time is over
            self._end(LinkError("It was stopped."))
            _interrupt_to_the_end(threads)
            raise
        if self.error is not None:
            raise self.error
        for (source, to), box in self.boxes.items():
            if box:
                raise LinkError(
                    f"{len(box)} of the messages from process {source} to process {to} "
                    "were never received."
                )
        return self.results

    def send(self, values: Tensor, source: int, to: int) -> None:
        self.boxes.setdefault((source, to), deque()).append(values)

    def receive(self, source: int, rank: int) -> Tensor:
        box = self.boxes.setdefault((source, rank), deque())
        while not box:
            self.waits[rank] = source
            self._pass_on(rank)
            self._await_turn(rank)
        self.waits.pop(rank, None)
        return box.popleft()

    def _one(self, rank: int) -> None:
        try:
            self._await_turn(rank)
            self.results[rank] = self.function(_TurnLink(rank, self.size, self))
        except BaseException as error:
            self._end(error)
        self.over.add(rank)
        if len(self.over) == self.size:
            self.done.set()
            return
        try:
            self._pass_on(rank)
        except Deadlock as error:  # the others wait for this one, and it has returned
            self._end(error)

    def _await_turn(self, rank: int) -> None:
        with self.change:
            while self.turn != rank and self.error is None:
                self.change.wait(0.05)
        if self.error is not None:
            raise LinkError("Another process stopped.")

    def _pass_on(self, rank: int) -> None:
        """Give the turn to the next one that can go on."""
        for step in range(1, self.size + 1):
            other = (rank + step) % self.size
            source = self.waits.get(other)
            if other not in self.over and (source is None or self.boxes.get((source, other))):
                with self.change:
                    self.turn = other
                    self.change.notify_all()
                return
        if len(self.over) < self.size and self.error is None:
            ended = "; ".join(f"process {r} has returned" for r in sorted(self.over))
            waits = "; ".join(
                f"process {r} waits for process {s}"
                for r, s in sorted(self.waits.items())
                if r not in self.over
            )
            raise Deadlock(
                f"Nobody can go on: {waits}{'; ' + ended if ended else ''}. "
                "For every receive, another process has to send."
            )

    def _end(self, error: BaseException) -> None:
        with self.change:
            if self.error is None:
                self.error = error
            self.change.notify_all()


class _TurnLink(Link):
    def __init__(self, rank: int, size: int, turns: _Turns) -> None:
        super().__init__(rank, size)
        self._turns = turns

    def _send(self, values: Tensor, to: int) -> None:
        self._turns.send(values, self.rank, to)

    def _receive(self, source: int) -> Tensor:
        return self._turns.receive(source, self.rank)


@contextlib.contextmanager
def _work() -> Iterator[Callable[[], float]]:
    """Within it: tells the seconds this process has worked, all threads, without collections."""
    before, collected = time.process_time(), 0.0
    since: float | None = None  # when the collection that goes on has begun

    def note(phase: str, info: dict[str, int]) -> None:
        nonlocal since, collected
        if phase == "start":
            since = time.process_time()
        elif since is not None:
            collected += time.process_time() - since
            since = None

    def worked() -> float:
        now = time.process_time() if since is None else since
        return now - before - collected

    gc.callbacks.append(note)
    try:
        yield worked
    finally:
        gc.callbacks.remove(note)


def _interrupt_to_the_end(threads: list[threading.Thread]) -> None:
    """Go on interrupting, beside the caller, until all have ended.

    One interruption may be lost: in a destructor, or to a bare `except:`. A thread that then goes
    on for ever takes its time from whatever this process does next.
    """

    def ring() -> None:
        while any(thread.is_alive() for thread in threads):
            _interrupt(threads)
            time.sleep(0.05)

    threading.Thread(target=ring, daemon=True).start()


def _interrupt(threads: list[threading.Thread]) -> None:
    """Raise `Stuck` in those that still run, where they are in Python code."""
    for thread in threads:
        if thread.is_alive() and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(Stuck)
            )


def _type(value: object) -> str:
    return type(value).__name__
