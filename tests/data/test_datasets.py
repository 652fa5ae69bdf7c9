"""MNIST and tiny Shakespeare, the real ones and their stand-ins."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest

from descent.data import mnist, shakespeare
from descent.data.fetch import RefusedFile
from descent.data.mnist import OFFLINE_SOURCE, parse_idx

SHARED = os.environ.get("DESCENT_DATA", "")  # read before the tests' own settings replace it


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")


def test_the_offline_default_is_real_digits_and_says_so_once(offline, capsys):
    train, test = mnist("train"), mnist("test")
    assert train.source == test.source == OFFLINE_SOURCE
    assert train.images.shape == (1437, 28, 28) and test.images.shape == (360, 28, 28)
    assert train.images.dtype == np.uint8 and train.labels.dtype == np.int64
    assert train.images.max() == 255 and train.images.min() == 0
    assert set(test.labels.tolist()) == set(range(10))
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "NOT MNIST" in said[0] and OFFLINE_SOURCE in said[0]
    assert "DESCENT_OFFLINE" in said[0]


def test_the_offline_split_is_stable_and_shares_no_digit(offline):
    train, test = mnist("train"), mnist("test")
    assert np.array_equal(train.images, mnist("train").images)
    both = np.concatenate([train.images, test.images]).reshape(1797, -1)
    assert len(np.unique(both, axis=0)) > 1790


def test_offline_digits_can_be_learnt(offline):
    from sklearn.neighbors import KNeighborsClassifier

    train, test = mnist("train"), mnist("test")
    nearest = KNeighborsClassifier(3).fit(train.images.reshape(-1, 784), train.labels)
    assert nearest.score(test.images.reshape(-1, 784), test.labels) > 0.95


def test_arrays_are_the_caller_s_own(offline):
    first = mnist("test")
    first.images[:] = 0
    assert mnist("test").images.max() == 255


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="'train' or 'test'"):
        mnist("validation")


def test_the_offline_text_is_english_and_says_so(offline, capsys):
    text, source = shakespeare()
    assert "offline default" in source
    assert len(text) > 100_000 and " the " in text
    shakespeare()
    assert capsys.readouterr().err.count("NOT TINY SHAKESPEARE") == 1


def idx(kind: int, shape: tuple[int, ...], body: bytes) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + body


def test_an_idx_file_is_read_row_by_row():
    array = parse_idx(idx(8, (2, 3), bytes(range(6))), (2, 3), "some-file")
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    array[0, 0] = 9  # writable


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x00\x00", "too few"),
        (idx(13, (2, 3), bytes(6)), "00000d02"),
        (idx(8, (6,), bytes(6)) + bytes(4), "00000801"),
        (idx(8, (3, 2), bytes(6)), r"\(3, 2\)"),
        (idx(8, (2, 3), bytes(5)), "17 bytes where 18"),
        (idx(8, (2, 3), bytes(7)), "19 bytes where 18"),
    ],
)
def test_what_is_not_such_an_idx_file_is_refused_by_name(content, says):
    with pytest.raises(RefusedFile, match=f"some-file.*{says}"):
        parse_idx(content, (2, 3), "some-file")


@pytest.mark.skipif(not SHARED, reason="DESCENT_DATA names no folder with the real data")
def test_the_real_data(monkeypatch, offline, capsys):
    monkeypatch.setenv("DESCENT_DATA", SHARED)
    train, test = mnist("train"), mnist("test")
    assert train.source == test.source == "MNIST"
    assert train.images.shape == (60_000, 28, 28) and test.images.shape == (10_000, 28, 28)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    text, source = shakespeare()
    assert source == "tiny Shakespeare" and text.startswith("First Citizen:")
    assert capsys.readouterr().err == ""
