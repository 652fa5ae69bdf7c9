"""The loop under torchrun: two gloo processes, and what happens when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from descent.training.checkpoint import checkpoint_steps

PROGRAM = Path(__file__).with_name("tiny.py")
SECONDS = 120  # none of these takes a tenth of it; a hang must end


def torchrun(folder, processes=2, fault="", *arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", str(PROGRAM), str(folder), *arguments]
    variables = {**os.environ, "DESCENT_TEST_FAULT": fault, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=SECONDS)


@pytest.fixture(scope="module")
def two(tiny, tmp_path_factory):
    """The curve of two processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("two")
    ran = torchrun(folder)
    assert ran.returncode == 0, ran.stderr
    return folder


def test_two_processes_give_the_curve_of_one(tiny, two, tmp_path):
    tiny.run(tmp_path)
    for name in ("loss", "held out loss"):
        assert tiny.losses(two, name) == pytest.approx(tiny.losses(tmp_path, name), abs=1e-5)


def test_a_rank_killed_ends_the_run_and_it_continues(tiny, two, tmp_path):
    killed = torchrun(tmp_path, 2, "1:6:SIGKILL")
    assert killed.returncode != 0
    assert "SIGKILL" in killed.stderr
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]
    assert torchrun(tmp_path, 2, "", "--micro-batch=3").returncode == 0
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(two), abs=1e-5)


def test_one_rank_asked_to_stop_stops_all_and_it_continues_bit_for_bit(tiny, two, tmp_path):
    asked = torchrun(tmp_path, 2, "1:5:SIGTERM")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.split().count("stopped") >= 2  # each process says how it ended
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 6]
    assert torchrun(tmp_path).returncode == 0
    assert tiny.losses(tmp_path) == tiny.losses(two)
    assert tiny.losses(tmp_path, "held out loss") == tiny.losses(two, "held out loss")


def test_a_rank_with_an_error_ends_the_run_and_another_number_continues(tiny, two, tmp_path):
    failed = torchrun(tmp_path, 2, "1:9:error")
    assert failed.returncode != 0
    assert "the learner divided by nothing" in failed.stderr
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 8]
    assert tiny.run(tmp_path) == "finished"  # one process alone
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(two), abs=1e-5)
