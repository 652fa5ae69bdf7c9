"""Starting the training program under torchrun, and saying what it died of."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from descent.runs.folder import RunFolder

RENDEZVOUS = "DESCENT_RENDEZVOUS"
"""``host:port/id`` where several machines meet; unset for one machine."""

SAVING_SECONDS = 600  # what a run is given to save in, once asked to stop
CLOSING_SECONDS = 60  # what torchrun gives the other processes, once one has died


def start_torchrun(folder: RunFolder) -> subprocess.Popen[bytes]:
    """Start the processes of this machine; what they print goes to the folder's log."""
    settings = folder.settings()
    errors = errors_folder(folder)
    shutil.rmtree(errors, ignore_errors=True)
    command = [sys.executable, "-m", "torch.distributed.run"]
    meeting = os.environ.get(RENDEZVOUS)
    if meeting:
        endpoint, _, name = meeting.partition("/")
        command += [f"--nnodes={settings.nodes}", "--rdzv-backend=c10d"]
        command += [f"--rdzv-endpoint={endpoint}", f"--rdzv-id={name}"]
    else:
        command += ["--standalone"]
    command += [f"--nproc-per-node={settings.processes}", f"--log-dir={errors}"]
    command += [f"--shutdown-timeout={CLOSING_SECONDS}"]
    command += ["-m", "descent.runs.launching.worker", str(folder.path)]
    with folder.log.open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def follow_log(folder: RunFolder, process: subprocess.Popen[bytes], start: int) -> Iterator[str]:
    """Yield the log's lines from a position on, until the process has ended and all is read."""
    with folder.log.open("rb") as log:
        log.seek(start)
        rest = b""
        while True:
            ended = process.poll() is not None
            *lines, rest = (rest + log.read()).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
            if ended:
                break
            time.sleep(0.1)
        if rest:
            yield rest.decode(errors="replace")


def errors_folder(folder: RunFolder) -> Path:
    """Return where the processes of this machine leave their last words."""
    return folder.path / "errors" / socket.gethostname()


def cause_of_death(folder: RunFolder, code: int, log: str) -> str:
    """Say which process failed first, and of what.

    One that a signal killed left no words, and the others fail because it is gone: it comes first.

    Parameters
    ----------
    folder : RunFolder
    code : int
        torchrun's exit code.
    log : str
        What was printed in this attempt; torchrun's own account is at its end.
    """
    if code < 0:
        return f"torchrun, which starts the training, was killed by {signal.Signals(-code).name}."
    for rank, number in re.findall(r"rank\s+: (\d+) .*\n.*exitcode\s+: -(\d+) ", log):
        name = signal.Signals(int(number)).name
        hint = " Often that is a machine out of memory." if name == "SIGKILL" else ""
        if name != "SIGTERM":  # with which torchrun ends the others
            return f"The process of rank {rank} was killed by {name}.{hint}"
    words = sorted(errors_folder(folder).rglob("error.json"), key=lambda path: path.stat().st_mtime)
    if words:
        rank = words[0].parent.name
        return f"The process of rank {rank} failed:\n{_last_words(words[0])}"
    tail = "\n".join(log.splitlines()[-20:])
    return f"The training program ended before it began. Its last lines:\n{tail}"


def _last_words(path: Path) -> str:
    """Return the traceback that a process left, or what there is.

    An error of the course's own was foreseen: its message says what to do, and stands alone.
    """
    try:
        left: Any = json.loads(path.read_text(encoding="utf-8"))["message"]
    except (OSError, ValueError, KeyError):
        return "its last words cannot be read"
    if not isinstance(left, dict):
        return str(left)
    message, traceback = str(left.get("message")), left.get("extraInfo", {}).get("py_callstack")
    if not traceback:
        return message
    foreseen = re.search(rf"^descent\.[\w.]+\.{re.escape(message)}", traceback, re.MULTILINE)
    return message.partition(": ")[2] if foreseen else str(traceback)


if __name__ == "__main__":  # on the machines of a job that do not write the report
    sys.exit(start_torchrun(RunFolder(sys.argv[1])).wait())
