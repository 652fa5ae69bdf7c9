"""Weights shared out among two gloo processes: the same curve, the same checkpoints."""

from __future__ import annotations

import pytest
import torch

from descent.training.checkpoint import checkpoint_steps, load_checkpoint
from descent.training.settings import Settings, WrongSetting

FINISHED = ["finished"] * 2


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory):
    """The curve of one process, which has everything."""
    folder = tmp_path_factory.mktemp("alone")
    tiny.run(folder)
    return folder


@pytest.fixture(scope="module")
def sharded(pair, tmp_path_factory):
    """The curve of two processes that share everything out and accumulate gradients."""
    folder = tmp_path_factory.mktemp("sharded")
    assert pair.train(folder, shard="full", micro_batch=3).outcomes == FINISHED
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


def test_at_16_bits_the_curve_is_the_same_to_the_rounding(tiny, pair, alone, tmp_path):
    ran = pair.train(tmp_path / "two", shard="full", precision="bfloat16")
    assert ran.outcomes == FINISHED
    tiny.run(tmp_path / "one", precision="bfloat16")
    two, one = (tiny.losses(tmp_path / name) for name in ("two", "one"))
    assert two == pytest.approx(one, rel=0.05) and two != tiny.losses(alone)
    state = load_checkpoint(tmp_path / "two" / "checkpoints", 12)
    assert all(weight.dtype == torch.float32 for weight in state["model"].values())


def test_asked_to_stop_it_continues_bit_for_bit(tiny, pair, sharded, tmp_path):
    asked = pair.train(tmp_path, shard="full", micro_batch=3, fault="1:5:SIGTERM")
    assert asked.outcomes == ["stopped"] * 2
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 6]
    assert pair.train(tmp_path, shard="full", micro_batch=3).outcomes == FINISHED
    for name in ("loss", "held out loss"):
        assert tiny.losses(tmp_path, name) == tiny.losses(sharded, name)


def test_killed_it_goes_on_in_one_process_and_then_shared_out_again(
    tiny, pair, torchrun, alone, tmp_path
):
    code, printed = torchrun(tmp_path, "--shard=full", fault="1:6:SIGKILL")
    assert code != 0 and "SIGKILL" in printed
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]
    assert tiny.run(tmp_path, fault="0:7:SIGTERM") == "stopped"
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 8]
    newest = tmp_path / "checkpoints" / "step-00000008.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    ran = pair.train(tmp_path, shard="full")
    assert ran.outcomes == FINISHED
    assert "step-00000008.pt is passed over" in ran.printed
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(alone), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "value", "instead"),
    [("average", 0.9, "average=0"), ("precision", "float16", "precision=bfloat16")],
)
def test_what_cannot_be_shared_out_is_refused_by_name(name, value, instead):
    with pytest.raises(WrongSetting, match=f"^{name} is .*shard is full.*{instead}"):
        Settings(steps=1, batch_size=1, device="cuda", shard="full", **{name: value})
