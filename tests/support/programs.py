"""Programs that tests start: listened to, waited for, and ended whatever becomes of the test.

What a test starts is ended when its ``with`` is left, with all that it started in turn. Should the
tests themselves be killed, a watchman ends it: a shell that waits for the end of a pipe which only
the tests hold.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psutil

PATIENCE = 300.0  # seconds for anything to happen; a busy machine needs many of them
PARTING = 30.0  # seconds to end in an orderly way before being killed


class Program:
    """A program that runs while a test needs it.

    Parameters
    ----------
    command
        What to run.
    cwd
        The folder to run it in.
    env
        Its environment.
    """

    def __init__(self, command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that there is a group to end, and Ctrl-C is not shared
        )
        self._watchman = subprocess.Popen(
            ["sh", "-c", f"read -r nothing; kill -s KILL -- -{self.process.pid}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Program:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.end()

    @property
    def said(self) -> str:
        """All it has printed so far."""
        with self._news:
            return "".join(self._lines)

    def wait_until_it_says(self, pattern: str) -> re.Match[str]:
        """Wait until what it printed has this in it."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._found(pattern), PATIENCE)
            found = self._found(pattern)
        assert found, f"it never said {pattern!r}:\n{self.said}"
        return found

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """Wait until it has ended by itself, and return its exit code."""
        code = self.process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        return code

    def end(self) -> None:
        """End it and all that it started: politely, then not."""
        family = _family(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
        psutil.wait_procs(family, PARTING)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._watchman.kill()
        self._watchman.communicate()
        self._listener.join(PATIENCE)

    def _found(self, pattern: str) -> re.Match[str] | None:
        return re.search(pattern, "".join(self._lines))

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
