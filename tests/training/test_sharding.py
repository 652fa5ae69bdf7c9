"""Weights shared out among two gloo processes: the same curve, the same checkpoints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from descent.training.checkpoint import checkpoint_steps, load_checkpoint
from descent.training.settings import Settings, WrongSetting

PROGRAM = Path(__file__).with_name("tiny.py")
SECONDS = 120  # none of these takes a tenth of it; a hang must end
SHARDED = "--shard=full"


def two_processes(folder, *arguments, fault=""):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", str(PROGRAM), str(folder), *arguments]
    variables = {**os.environ, "DESCENT_TEST_FAULT": fault, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=SECONDS)


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory):
    """The curve of one process, which has everything."""
    folder = tmp_path_factory.mktemp("alone")
    tiny.run(folder)
    return folder


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    """The curve of two processes that share everything out and accumulate gradients."""
    folder = tmp_path_factory.mktemp("sharded")
    ran = two_processes(folder, SHARDED, "--micro-batch=3")
    assert ran.returncode == 0, ran.stderr
    return folder


def test_the_curve_is_that_of_one_process(tiny, alone, sharded):
    for name in ("loss", "held out loss"):
        assert tiny.losses(sharded, name) == pytest.approx(tiny.losses(alone, name), abs=1e-5)


def test_a_checkpoint_is_of_whole_tensors(alone, sharded):
    one, other = (load_checkpoint(folder / "checkpoints", 12) for folder in (alone, sharded))
    assert one.keys() == other.keys() and list(one["model"]) == list(other["model"])
    for name, weight in one["model"].items():
        assert torch.allclose(weight, other["model"][name], atol=1e-4)
    kept, found = (state["optimisers"][0]["state"] for state in (one, other))
    assert kept.keys() == found.keys()
    for number, values in kept.items():
        assert values["exp_avg"].shape == found[number]["exp_avg"].shape
        assert values["step"] == found[number]["step"] == 12


def test_asked_to_stop_it_continues_bit_for_bit(tiny, sharded, tmp_path):
    asked = two_processes(tmp_path, SHARDED, "--micro-batch=3", fault="1:5:SIGTERM")
    assert asked.returncode == 0, asked.stderr
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 6]
    assert two_processes(tmp_path, SHARDED, "--micro-batch=3").returncode == 0
    for name in ("loss", "held out loss"):
        assert tiny.losses(tmp_path, name) == tiny.losses(sharded, name)


def test_killed_it_goes_on_in_one_process_and_then_shared_out_again(tiny, alone, tmp_path):
    killed = two_processes(tmp_path, SHARDED, fault="1:6:SIGKILL")
    assert killed.returncode != 0 and "SIGKILL" in killed.stderr
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]
    assert tiny.run(tmp_path, fault="0:7:SIGTERM") == "stopped"
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 8]
    newest = tmp_path / "checkpoints" / "step-00000008.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    ran = two_processes(tmp_path, SHARDED)
    assert ran.returncode == 0, ran.stderr
    assert "step-00000008.pt is passed over" in ran.stderr
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(alone), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [("average", 0.9, "average=0"), ("precision", "float16", "precision=bfloat16")],
)
def test_what_cannot_be_shared_out_is_refused_by_name(name, value, instead):
    with pytest.raises(WrongSetting, match=f"^{name} is .*shard is full.*{instead}"):
        Settings(steps=1, batch_size=1, device="cuda", shard="full", **{name: value})
