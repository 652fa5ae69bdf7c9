"""The loop in one process: what it does at each step, and exact continuation."""

from __future__ import annotations

import errno
import os

import pytest
import torch

from descent.training import checkpoint
from descent.training.checkpoint import CheckpointError, checkpoint_steps, load_checkpoint
from descent.training.distributed import Processes, micro_batches, share
from descent.training.loop import Diverged
from descent.training.settings import Settings, WrongSetting


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The curve of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    assert tiny.run(folder, dropout=0.2) == "finished"
    return folder


def weights(folder, step=12):
    return load_checkpoint(folder / "checkpoints", step)["model"]


def same_weights(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def same_curve(tiny, one, other):
    assert tiny.losses(one) == tiny.losses(other)
    assert tiny.losses(one, "held out loss") == tiny.losses(other, "held out loss")
    return same_weights(weights(one), weights(other))


def test_each_step_once_and_the_loss_falls(tiny, whole):
    curve = tiny.losses(whole)
    assert list(curve) == list(range(12))
    assert list(tiny.losses(whole, "held out loss")) == [0, 6, 12]
    assert curve[11] < curve[0]
    assert checkpoint_steps(whole / "checkpoints") == [8, 12]


def test_the_rate_warms_up(tiny, whole):
    rates = tiny.losses(whole, "learning rate")
    assert [rates[step] for step in (0, 1, 4, 11)] == pytest.approx([0.002, 0.004, 0.01, 0.01])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("step", [0, 3, 6])
def test_asked_to_stop_it_saves_and_continues_exactly(tiny, whole, tmp_path, name, step):
    assert tiny.run(tmp_path, fault=f"0:{step}:{name}", dropout=0.2) == "stopped"
    assert checkpoint_steps(tmp_path / "checkpoints")[-1] == step + 1
    assert tiny.run(tmp_path, dropout=0.2) == "finished"
    assert same_curve(tiny, tmp_path, whole)


def test_a_file_asks_to_stop_where_no_signal_can(tiny, whole, tmp_path):
    (tmp_path / "stop").touch()
    assert tiny.run(tmp_path, dropout=0.2) == "stopped"
    assert checkpoint_steps(tmp_path / "checkpoints") == [1]
    (tmp_path / "stop").unlink()
    assert tiny.run(tmp_path, dropout=0.2) == "finished"
    assert same_curve(tiny, tmp_path, whole)


@pytest.mark.parametrize("step", [2, 5, 11])
def test_an_error_at_any_step_loses_nothing_before_the_checkpoint(tiny, whole, tmp_path, step):
    with pytest.raises(ZeroDivisionError):
        tiny.run(tmp_path, fault=f"0:{step}:error", dropout=0.2)
    assert tiny.run(tmp_path, dropout=0.2) == "finished"
    assert same_curve(tiny, tmp_path, whole)


def test_a_damaged_checkpoint_costs_steps_but_not_the_curve(tiny, whole, tmp_path):
    with pytest.raises(ZeroDivisionError):
        tiny.run(tmp_path, fault="0:10:error", dropout=0.2)
    newest = tmp_path / "checkpoints" / "step-00000008.pt"
    newest.write_bytes(newest.read_bytes()[:500])
    with pytest.warns(UserWarning, match="step-00000008"):
        assert tiny.run(tmp_path, dropout=0.2) == "finished"
    assert same_curve(tiny, tmp_path, whole)


def test_a_full_disk_ends_the_run_and_it_continues_when_there_is_room(
    tiny, whole, tmp_path, monkeypatch
):
    write = checkpoint._write

    def full_at_the_second(path, state):
        if state["step"] == 8:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, state)

    monkeypatch.setattr(checkpoint, "_write", full_at_the_second)
    with pytest.raises(CheckpointError, match="No space left"):
        tiny.run(tmp_path, dropout=0.2)
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]
    monkeypatch.undo()
    assert tiny.run(tmp_path, dropout=0.2) == "finished"
    assert same_curve(tiny, tmp_path, whole)


def test_a_loss_that_is_no_number_ends_the_run_and_is_not_saved(tiny, tmp_path):
    with pytest.raises(Diverged, match="nan at step 7"):
        tiny.run(tmp_path, fault="0:7:nan", log_every=12)
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]


def test_parts_of_a_batch_give_the_same_update(tiny, tmp_path):
    tiny.run(tmp_path / "at once")
    tiny.run(tmp_path / "in parts", micro_batch=3)
    one, other = (tiny.losses(tmp_path / name) for name in ("at once", "in parts"))
    assert one == pytest.approx(other, abs=1e-5)


def test_a_finished_training_has_nothing_left_to_do(tiny, whole):
    before = weights(whole)
    assert tiny.run(whole, dropout=0.2) == "finished"
    assert list(tiny.losses(whole)) == list(range(12))
    assert same_weights(before, weights(whole))


def test_the_last_step_can_be_moved(tiny, tmp_path):
    tiny.run(tmp_path, steps=6)
    tiny.run(tmp_path, steps=9)
    assert list(tiny.losses(tmp_path)) == list(range(9))


def test_a_checkpoint_of_another_model_is_refused(tiny, tmp_path):
    tiny.run(tmp_path, steps=4)
    task = tiny.TinyTask(tiny.settings())
    task.model = lambda: torch.nn.Linear(2, 1)
    with pytest.raises(CheckpointError, match="another model"):
        tiny.train(task, tiny.settings(), tmp_path, Processes())


@pytest.mark.parametrize("precision", ["bfloat16"])
def test_lower_precision_trains(tiny, whole, tmp_path, precision):
    tiny.run(tmp_path, precision=precision)
    curve = tiny.losses(tmp_path)
    assert curve[11] < curve[0]


def test_shares_make_up_the_batch():
    parts = [share(12, Processes(rank=rank, world=3)) for rank in range(3)]
    assert [row for part in parts for row in part] == list(range(12))
    assert micro_batches(12, 2, Processes(rank=1, world=2)) == [
        range(6, 8),
        range(8, 10),
        range(10, 12),
    ]


def test_a_batch_that_does_not_divide_is_refused_by_name():
    with pytest.raises(WrongSetting, match="batch_size is 10.* 4 processes"):
        share(10, Processes(world=4))
    with pytest.raises(WrongSetting, match="micro_batch is 4.* 6 examples"):
        micro_batches(12, 4, Processes(world=2))


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", -1), ("batch_size", -1), ("device", "gpu"), ("precision", "half"), ("clip", -1.0)],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(WrongSetting, match=f"^{name} is {value!r}"):
        Settings(**{"steps": 1, "batch_size": 1, name: value})


def test_the_average_of_the_weights_is_evaluated_and_continues_exactly(tiny, whole, tmp_path):
    for name, faults in (("whole", [None]), ("parts", ["0:6:SIGTERM", None])):
        for fault in faults:
            tiny.run(tmp_path / name, fault=fault, dropout=0.2, average=0.9)
    saved = [load_checkpoint(tmp_path / name / "checkpoints", 12) for name in ("whole", "parts")]
    assert same_weights(saved[0]["average"], saved[1]["average"])
    assert tiny.losses(tmp_path / "whole") == tiny.losses(whole)  # the training itself is the same
    held_out = [tiny.losses(tmp_path / name, "held out loss") for name in ("whole", "parts")]
    assert held_out[0] == held_out[1] != tiny.losses(whole, "held out loss")
    seen = tiny.TinyTask(tiny.settings()).model()
    averaged = {name.removeprefix("module."): value for name, value in saved[0]["average"].items()}
    seen.load_state_dict({name: value for name, value in averaged.items() if name[0].isdigit()})
    task = tiny.TinyTask(tiny.settings())
    assert task.evaluate(seen.eval(), Processes())["held_out_loss"] == held_out[0][12]
