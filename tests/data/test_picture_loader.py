"""The loader: each picture once an epoch, and batches that follow from seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descent.data.fetch import DataError
from descent.data.generated_pictures import generate_folder
from descent.data.imagenet import prepare_folder
from descent.data.picture_loader import Decoders, Order, TrainingPictures, evaluation_batches
from descent.data.shards import Encoding, Shards

SIZES = [16, 16, 16, 7]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Fifty-five to train on, and fifteen for evaluation."""
    source, folder = (tmp_path_factory.mktemp(name) for name in ("source", "shards"))
    generate_folder(source, 5, {"train": 11, "val": 3}, 40)
    prepare_folder(source, folder, Encoding(pictures_each=16))
    return folder


@pytest.fixture(scope="module")
def decoders():
    return Decoders(2)


def training(pictures, decoders, seed=0, **changes):
    usual = {"batch_size": 8, "steps": 100, "side": lambda step: 32, "least_area": 0.3, "window": 1}
    shards = Shards(pictures / "train")
    return TrainingPictures(shards, decoders, seed=seed, **{**usual, **changes})


@pytest.mark.parametrize("window", [0, 1, 2, 3, 9])
def test_each_picture_comes_once_an_epoch_in_another_order_each_time(window):
    order = Order(SIZES, window, seed=3)
    epochs = [order.pictures(55 * epoch, 55 * (epoch + 1)) for epoch in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(55))
    assert not np.array_equal(epochs[0], epochs[1])
    across = order.pictures(50, 60)  # a batch may lie in two epochs
    assert across.tolist() == [*epochs[0][50:], *epochs[1][:5]]
    assert not np.array_equal(Order(SIZES, window, seed=4).pictures(0, 55), epochs[0])


def test_a_window_has_few_shards_and_all_of_theirs():
    order = Order(SIZES, 2, seed=0)
    shard = np.repeat(np.arange(4), SIZES)[order.pictures(0, 55)]
    first = set(shard[:5].tolist()) | set(shard[5:20].tolist())
    assert len(first) == 2
    size = sum(SIZES[number] for number in first)
    assert set(shard[:size].tolist()) == first and not set(shard[size:].tolist()) & first


def test_the_shards_of_a_place_are_due_when_it_is_reached():
    order = Order(SIZES, 2, seed=0)
    shard = np.repeat(np.arange(4), SIZES)
    for place in range(3 * 55):
        due = order.shards_by(place)
        assert (place // 55, shard[order.pictures(place, place + 1)[0]]) in due
        assert 2 <= len(due) <= 4
    assert len(order.shards_by(0)) == 2
    assert len(order.shards_by(54)) == 4  # the next epoch's first window is due at the end
    assert Order(SIZES, 4, seed=0).shards_by(20) == []


def test_each_shard_is_read_through_once_an_epoch(pictures, decoders, monkeypatch):
    task, begun = training(pictures, decoders, window=1), []
    monkeypatch.setattr(task.shards, "read_through", begun.append)
    for step in range(12):
        task.batch(step, range(8), range(8))
    task.reader.shutdown()
    assert sorted(begun[:4]) == sorted(begun[4:8]) == [0, 1, 2, 3]
    assert begun[:8] == [int(n) for epoch in (0, 1) for n in task.order.epoch(epoch)[1]]


def test_the_same_batch_whatever_the_number_of_processes(pictures, decoders):
    one = training(pictures, decoders)
    two = [training(pictures, decoders) for _ in range(2)]
    for step in (0, 1, 2, 7):  # 7 is in two epochs
        whole = one.batch(step, range(8), range(8))
        shares = [range(4), range(4, 8)]
        parts = [task.batch(step, rows, rows) for task, rows in zip(two, shares, strict=True)]
        assert torch.equal(whole.pictures, torch.cat([part.pictures for part in parts]))
        assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))


def test_parts_of_a_share_are_the_share(pictures, decoders):
    one, parts = training(pictures, decoders), training(pictures, decoders)
    for step in range(3):
        whole = one.batch(step, range(8), range(8))
        two = [parts.batch(step, range(at, at + 4), range(8)) for at in (0, 4)]
        assert torch.equal(whole.pictures, torch.cat([part.pictures for part in two]))


def test_a_continuation_gives_what_would_have_come(pictures, decoders):
    through = training(pictures, decoders)
    batches = [through.batch(step, range(8), range(8)).pictures for step in range(6)]
    again = training(pictures, decoders)
    assert torch.equal(again.batch(4, range(8), range(8)).pictures, batches[4])
    assert torch.equal(again.batch(5, range(8), range(8)).pictures, batches[5])
    assert torch.equal(again.batch(1, range(8), range(8)).pictures, batches[1])
    other = training(pictures, decoders, seed=1).batch(4, range(8), range(8))
    assert not torch.equal(other.pictures, batches[4])


def test_the_side_may_grow_and_the_last_steps_end_it(pictures, decoders):
    growing = training(pictures, decoders, steps=3, side=lambda step: 32 + 8 * step)
    sides = [growing.batch(step, range(8), range(8)).pictures.shape[1] for step in range(3)]
    assert sides == [32, 40, 48]
    assert not growing.under_way


def test_labels_belong_to_their_pictures(pictures, decoders):
    task = training(pictures, decoders)
    numbers = task.order.pictures(0, 8)
    assert task.batch(0, range(8), range(8)).labels.tolist() == task.shards.labels[numbers].tolist()


def test_an_error_of_a_thread_ends_the_training(pictures, decoders, monkeypatch):
    task = training(pictures, decoders)
    monkeypatch.setattr(task.shards, "picture", lambda number: b"no jpeg")
    with pytest.raises(DataError, match="picture .* of .*train cannot be decoded: cannot identify"):
        task.batch(0, range(8), range(8))


def test_the_evaluation_shows_every_picture_once_in_order(pictures, decoders):
    shards = Shards(pictures / "val")
    batches = list(evaluation_batches(shards, decoders, range(15), 4, 36, 32))
    assert [len(batch.labels) for batch in batches] == [4, 4, 4, 3]
    assert torch.cat([batch.labels for batch in batches]).tolist() == shards.labels.tolist()
    assert batches[3].pictures.shape == (3, 32, 32, 3)
    part = list(evaluation_batches(shards, decoders, range(5, 7), 4, 36, 32))
    assert torch.equal(part[0].pictures[0], batches[1].pictures[1])
    assert not list(evaluation_batches(shards, decoders, range(3, 3), 4, 36, 32))
