"""Checkpoints: whole or not at all, and damage is found."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from descent.training import checkpoint
from descent.training.checkpoint import (
    CheckpointError,
    checkpoint_steps,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)


def save(folder, *steps):
    for step in steps:
        save_checkpoint(folder, step, {"step": step, "weights": torch.full((4,), float(step))})


def damage(folder, step, how):
    path = folder / f"step-{step:08d}.pt"
    data = bytearray(path.read_bytes())
    if how == "cut short":
        path.write_bytes(data[: len(data) // 2])
    elif how == "one byte changed":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "no checksum":
        path.with_suffix(".sha256").unlink()
    elif how == "checksum is no text":
        path.with_suffix(".sha256").write_bytes(b"\xff\xfe checksum")


def test_what_was_saved_comes_back(tmp_path):
    save(tmp_path, 10)
    assert newest_checkpoint(tmp_path) == 10
    state = load_checkpoint(tmp_path, 10)
    assert state["step"] == 10 and state["weights"].tolist() == [10.0] * 4


def test_the_newest_two_stay(tmp_path):
    save(tmp_path, 10, 20, 30)
    assert checkpoint_steps(tmp_path) == [20, 30]
    assert len(list(tmp_path.iterdir())) == 4


def test_none_at_the_beginning(tmp_path):
    assert newest_checkpoint(tmp_path / "none") is None


@pytest.mark.parametrize(
    "how", ["cut short", "one byte changed", "empty", "no checksum", "checksum is no text"]
)
def test_a_damaged_one_is_passed_over_by_name(tmp_path, how):
    save(tmp_path, 10, 20)
    damage(tmp_path, 20, how)
    with pytest.warns(UserWarning, match=r"step-00000020\.pt is passed over"):
        assert newest_checkpoint(tmp_path) == 10


def test_a_damaged_one_never_pushes_a_good_one_out(tmp_path):
    save(tmp_path, 10, 20)
    damage(tmp_path, 20, "one byte changed")
    save(tmp_path, 12)
    assert checkpoint_steps(tmp_path) == [10, 12]
    assert newest_checkpoint(tmp_path) == 12


def test_only_damaged_ones_are_refused(tmp_path):
    save(tmp_path, 10)
    damage(tmp_path, 10, "empty")
    with pytest.warns(UserWarning), pytest.raises(CheckpointError, match="delete that folder"):
        newest_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_last_good_one(tmp_path, monkeypatch):
    save(tmp_path, 10, 20)

    def full(path, state):
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(CheckpointError, match=r"step 30 .*No space left.* step 20 is as it was"):
        save(tmp_path, 30)
    assert newest_checkpoint(tmp_path) == 20
    assert checkpoint_steps(tmp_path) == [10, 20]
    assert not list(tmp_path.glob("*30*"))


def test_a_disk_that_is_really_full(tmp_path):
    """On a file system of 200 kB, where it can be made: each weight file takes 80 kB."""
    program = textwrap.dedent(
        """
        import pathlib, subprocess, sys, torch
        from descent.training.checkpoint import CheckpointError, newest_checkpoint, save_checkpoint
        folder = pathlib.Path(sys.argv[1])
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder])
        if made.returncode:
            sys.exit(77)
        try:
            for step in (1, 2):
                save_checkpoint(folder, step, {"weights": torch.full((20_000,), float(step))})
            save_checkpoint(folder, 3, {"weights": torch.zeros(20_000)})
        except CheckpointError as error:
            print(error)
        print(newest_checkpoint(folder), sorted(path.name for path in folder.iterdir()))
        """
    )
    command = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", program]
    try:
        ran = subprocess.run([*command, tmp_path], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no `unshare` here: a small file system cannot be made")
    if ran.returncode == 77 or "unshare" in ran.stderr:
        pytest.skip("this machine does not let a small file system be made")
    assert ran.returncode == 0, ran.stderr
    assert "step 3 could not be written" in ran.stdout
    assert "No space left on device; make room on that disk first." in ran.stdout
    assert "The one of step 2 is as it was" in ran.stdout
    names = [f"step-0000000{step}.{end}" for step in (1, 2) for end in ("pt", "sha256")]
    assert ran.stdout.splitlines()[-1] == f"2 {names}"


def test_torch_s_own_complaint_about_a_full_disk_is_not_what_is_said(tmp_path, monkeypatch):
    """Its writer meets the full disk, and then finds that its place in the file is another."""
    save(tmp_path, 10)

    def full(state, file):
        try:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            complaint = "[enforce fail at inline_container.cc:672] . unexpected pos"
            raise RuntimeError(complaint) from None

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match="No space left") as error:
        save(tmp_path, 20)
    assert "enforce fail" not in str(error.value)
    assert newest_checkpoint(tmp_path) == 10


def test_what_a_killed_process_left_is_removed(tmp_path):
    tmp_path.joinpath("step-00000010.partial").write_bytes(b"torn")
    save(tmp_path, 20)
    assert not list(tmp_path.glob("*.partial"))


def test_a_checkpoint_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    save_checkpoint(tmp_path, 10, {"x": Evil()})
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path, 10)
    assert not (tmp_path / "made").exists()
