"""The loop in two gloo processes, and what happens when one of them dies."""

from __future__ import annotations

import pytest

from descent.training.checkpoint import checkpoint_steps


@pytest.fixture(scope="module")
def two(pair, tmp_path_factory):
    """The curve of two processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("two")
    assert pair.train(folder).outcomes == ["finished"] * 2
    return folder


def test_two_processes_give_the_curve_of_one(tiny, two, tmp_path):
    tiny.run(tmp_path)
    for name in ("loss", "held out loss"):
        assert tiny.losses(two, name) == pytest.approx(tiny.losses(tmp_path, name), abs=1e-5)


def test_a_rank_killed_ends_the_run_and_it_continues(tiny, pair, torchrun, two, tmp_path):
    code, printed = torchrun(tmp_path, fault="1:6:SIGKILL")
    assert code != 0 and "SIGKILL" in printed
    assert checkpoint_steps(tmp_path / "checkpoints") == [4]
    assert pair.train(tmp_path, micro_batch=3).outcomes == ["finished"] * 2
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(two), abs=1e-5)


def test_one_rank_asked_to_stop_stops_all_and_it_continues_bit_for_bit(tiny, pair, two, tmp_path):
    assert pair.train(tmp_path, fault="1:5:SIGTERM").outcomes == ["stopped"] * 2
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 6]
    assert pair.train(tmp_path).outcomes == ["finished"] * 2
    assert tiny.losses(tmp_path) == tiny.losses(two)
    assert tiny.losses(tmp_path, "held out loss") == tiny.losses(two, "held out loss")


def test_a_rank_with_an_error_ends_the_run_and_another_number_continues(
    tiny, torchrun, two, tmp_path
):
    code, printed = torchrun(tmp_path, fault="1:9:error")
    assert code != 0 and "the learner divided by nothing" in printed
    assert checkpoint_steps(tmp_path / "checkpoints") == [4, 8]
    assert tiny.run(tmp_path) == "finished"  # one process alone
    assert tiny.losses(tmp_path) == pytest.approx(tiny.losses(two), abs=1e-5)
