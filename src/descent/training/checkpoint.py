"""Checkpoints: written whole or not at all, and checked before they are trusted."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch

from descent.errors import CourseError

KEEP = 2
"""How many checkpoints stay: should the newest be damaged, there is the one before."""

DISK_IS_FULL = f"{os.strerror(errno.ENOSPC)}; make room on that disk first"
FULL = 2**20  # bytes left on a disk that is as good as full


class CheckpointError(CourseError):
    """A checkpoint could not be written or read; the message says what is left."""


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write a checkpoint, and remove those that are no longer needed.

    The file is made under another name, brought through to the disk, and renamed once it is
    whole. Whatever happens meanwhile, the checkpoints that were there stay.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    step : int
        Updates done so far.
    state : dict
        Tensors, numbers, strings, and lists and dicts of these.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    CheckpointError
        When it cannot be written, as on a full disk.
    """
    final = _path(folder, step)
    partial = final.with_suffix(".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("*.partial"):  # of a process that was killed
            left.unlink()
        _write(partial, state)
        checksum = _sha256(partial)
        _digest_path(final).write_text(checksum)
        os.replace(partial, final)
        _sync_folder(folder)
    except (OSError, RuntimeError) as error:  # torch says some failed writes as RuntimeError
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if not final.exists():
            with contextlib.suppress(OSError):
                _digest_path(final).unlink(missing_ok=True)
        raise CheckpointError(_not_saved(folder, step, error)) from error
    _remove_old(folder, step)
    return final


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps that checkpoints are there for, in order; they are not checked."""
    found = (re.fullmatch(r"step-(\d+)\.pt", path.name) for path in folder.glob("step-*.pt"))
    return sorted(int(match[1]) for match in found if match)


def newest_checkpoint(folder: Path) -> int | None:
    """Find the newest checkpoint that is whole.

    Returns
    -------
    int or None
        Its step; None where there are no checkpoints. A damaged one is passed over with a
        warning that names it.

    Raises
    ------
    CheckpointError
        When there are checkpoints and all are damaged: training from the beginning would not be
        the continuation that was asked for.
    """
    steps = checkpoint_steps(folder)
    for step in reversed(steps):
        problem = _problem(_path(folder, step))
        if problem is None:
            return step
        warnings.warn(f"{_path(folder, step)} is passed over: {problem}.", stacklevel=2)
    if steps:
        raise CheckpointError(
            f"No checkpoint in {folder} is whole. To train from the beginning, delete that folder."
        )
    return None


def load_checkpoint(folder: Path, step: int) -> dict[str, Any]:
    """Read the state saved at a step, its tensors on the CPU.

    Raises
    ------
    CheckpointError
        When it is not there or cannot be read.
    """
    path = _path(folder, step)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch lets many kinds through on a damaged file
        raise CheckpointError(f"{path} cannot be read ({error}).") from error
    return dict(state)


def _path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08d}.pt"


def _digest_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _write(path: Path, state: dict[str, Any]) -> None:
    with path.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Bring the new name through to the disk; not every file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _problem(path: Path) -> str | None:
    """Say what is wrong with a checkpoint, or None."""
    try:
        wanted = _digest_path(path).read_text(errors="replace").strip()
    except OSError:
        return "its checksum is missing"
    try:
        found = _sha256(path)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return None if found == wanted else "it is damaged (its checksum is another)"


def _remove_old(folder: Path, newest: int) -> None:
    """Keep the newest few. One of a later step is a damaged one that was passed over."""
    steps = checkpoint_steps(folder)
    kept = [step for step in steps if step <= newest][-KEEP:]
    for step in steps:
        if step not in kept:
            with contextlib.suppress(OSError):
                _path(folder, step).unlink(missing_ok=True)
                _digest_path(_path(folder, step)).unlink(missing_ok=True)


def _not_saved(folder: Path, step: int, error: Exception) -> str:
    left = checkpoint_steps(folder)
    kept = f"The one of step {left[-1]} is as it was." if left else "There is none before it."
    why = _why_not_written(folder, error)
    return f"The checkpoint of step {step} could not be written in {folder}: {why}. {kept}"


def _why_not_written(folder: Path, error: BaseException) -> str:
    """Find what the system said: torch hides it behind a complaint of its own about the file."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError) and found.strerror:
            return DISK_IS_FULL if found.errno == errno.ENOSPC else found.strerror
        found = found.__cause__ or found.__context__
    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder).free < FULL:
            return DISK_IS_FULL
    return f"the file did not become whole ({str(error).splitlines()[0]})"
