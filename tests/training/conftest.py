"""The tiny training, which tests run in their own process and in two that talk over gloo."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from pathlib import Path

import psutil
import pytest

PROGRAM = Path(__file__).with_name("tiny.py")
SECONDS = 300  # none of these takes a tenth of it; a hang must end


@pytest.fixture(scope="session")
def tiny():
    spec = importlib.util.spec_from_file_location("tiny_training", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Ran:
    """How each of the two ended, and what they printed."""

    outcomes: list[str]
    printed: str


class Pair:
    """Two processes that are started once and train as often as they are asked to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes, self.links = [], []

    def train(self, folder: Path, **asked) -> Ran:
        """Train in both. A fault may stop them; one that kills is for `torchrun`."""
        if not self.links:
            self._start()
        begun = self._printed()
        for link in self.links:
            link.send({"folder": folder, **asked})
        outcomes = []
        for link in self.links:
            assert link.poll(SECONDS), f"a hang\n{self._printed()}"
            try:
                outcomes.append(link.recv())
            except EOFError:
                pytest.fail(f"one of the pair died:\n{self._printed()}")
        return Ran(outcomes, self._printed()[len(begun) :])

    def _start(self) -> None:
        for rank in range(2):
            ours, theirs = Pipe()
            handle, meeting = theirs.fileno(), self.folder / "meeting"
            with theirs, (self.folder / "printed.txt").open("ab") as printed:
                process = subprocess.Popen(
                    [sys.executable, str(PROGRAM), "serve", str(handle), str(meeting), str(rank)],
                    env=one_thread(),
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    pass_fds=[handle],
                )
            self.processes.append(process)
            self.links.append(ours)

    def _printed(self) -> str:
        path = self.folder / "printed.txt"
        return path.read_text() if path.exists() else ""

    def end(self) -> None:
        for link in self.links:
            link.close()
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("pair"))
    yield pair
    pair.end()


def one_thread(**variables: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **variables}


@pytest.fixture(scope="session")
def torchrun():
    """Train under torchrun in two processes, of which one may die; all of them are ended."""

    def torchrun(folder, *arguments, fault):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node=2", str(PROGRAM), str(folder), *arguments]
        agent = subprocess.Popen(
            command,
            env=one_thread(DESCENT_TEST_FAULT=fault),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            printed, _ = agent.communicate(timeout=SECONDS)
        finally:
            if agent.poll() is None:
                for process in [*psutil.Process(agent.pid).children(recursive=True), agent]:
                    process.kill()
        return agent.returncode, printed

    return torchrun
