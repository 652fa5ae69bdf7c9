"""A function of a notebook in several real processes, which talk to each other over gloo.

Started as a module, this file is one of those processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.answers import answers_from_cells
from descent.study.cells import cells_defining

LONGEST = 180.0
"""Seconds after which processes that should be done are ended."""


def in_processes(function: Callable[..., Any], size: int, *arguments: Any) -> list[Any]:
    """Run a function of this notebook in several new processes of this machine.

    Each makes the notebook's imports, definitions and constants again and calls the function with
    its link to the others; nothing else of the notebook runs there.

    Parameters
    ----------
    function : callable
        Defined in a cell of this notebook; called as ``function(link, *arguments)`` with a
        `training.links.Link`. What it returns has to be numbers, tensors, strings, or lists and
        dictionaries of them.
    size : int
        How many processes.
    *arguments
        Numbers, strings, or lists and dictionaries of them.

    Returns
    -------
    list
        What it returned in each, by rank.

    Raises
    ------
    CourseError
        When a process fails, with its own last lines; or when they take too long.
    """
    import torch

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task = {
            "cells": cells_defining(function),
            "function": function.__name__,
            "arguments": arguments,
        }
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        _wait_for([_start(folder, rank, size) for rank in range(size)], folder)
        return [torch.load(folder / f"result{rank}.pt", weights_only=True) for rank in range(size)]


def _start(folder: Path, rank: int, size: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", __name__, str(folder), str(rank), str(size)]
    threads = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}  # several share few cores
    with (folder / f"said{rank}.txt").open("wb") as said:
        return subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **threads}
        )


def _wait_for(processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Return when all are done; where one fails, end the others and say what it said."""
    until = time.monotonic() + LONGEST
    try:
        while any(process.poll() is None for process in processes):
            failed = [rank for rank, process in enumerate(processes) if process.poll()]
            if failed or time.monotonic() > until:
                break
            time.sleep(0.02)
        for rank, process in enumerate(processes):
            if process.poll():
                lines = (folder / f"said{rank}.txt").read_text("utf-8", "replace").splitlines()
                raise CourseError(f"Process {rank} failed:\n" + "\n".join(lines[-6:]))
        if any(process.poll() is None for process in processes):
            raise CourseError(
                f"The processes were not done after {LONGEST:g} seconds, and were ended. Does each "
                "receive have its send?"
            )
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def _one_of_them(folder: Path, rank: int, size: int) -> None:
    import torch
    import torch.distributed as dist

    from descent.training.links import GlooLink

    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    function = getattr(answers_from_cells(task["cells"], "answers_in_process"), task["function"])
    meeting = (folder / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=size)
    link = GlooLink()
    result = function(link, *task["arguments"])
    link.finish()
    torch.save(result, folder / f"result{rank}.pt")
    dist.barrier()  # nobody leaves while another still needs the file they met at
    dist.destroy_process_group()


if __name__ == "__main__":
    _one_of_them(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
