"""Shards of tokens: whole or not at all, and the same windows however many processes cut them."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from descent.data import token_shards
from descent.data.token_shards import BrokenShards, Index, Origin, Tokens

ORIGIN = Origin("a text", "bytes", 257, 256, 30, 0.1, 0, 40)


def filled(folder, *ends):
    """Shards of 20 training tokens for each document, which count up from 0."""
    index = Index(folder, ORIGIN)
    for last in ends:
        first = index.next_document
        numbers = np.arange(20 * first, 20 * last, dtype=np.uint16)
        index.add(last, {"training": numbers, "validation": numbers[:3]})
    return index


def test_what_was_added_comes_back(tmp_path):
    filled(tmp_path, 10, 30)
    index = Index(tmp_path)
    assert index.origin == ORIGIN and index.complete and index.problem() is None
    assert (index.tokens("training"), index.tokens("validation")) == (600, 6)
    assert (tmp_path / "training-00001.bin").read_bytes()[:2] == (200).to_bytes(2, "little")


def test_windows_lie_within_a_shard_and_reach_all_of_it(tmp_path):
    filled(tmp_path, 1, 2, 30)  # of 20, 20 and 560 tokens
    tokens = Tokens(Index(tmp_path), "training")
    assert len(tokens) == 600
    drawn = tokens.windows(np.random.default_rng(0), 20_000, range(20_000), 15)
    assert drawn.dtype == np.int64 and drawn.shape == (20_000, 15)
    assert (np.diff(drawn, axis=1) == 1).all()  # the tokens count up
    starts, often = np.unique(drawn[:, 0], return_counts=True)
    assert set(starts) == {*range(6), *range(20, 26), *range(40, 586)}
    assert often.max() < 4 * often.mean()


def test_a_share_is_the_rows_of_the_whole(tmp_path):
    filled(tmp_path, 10, 30)
    tokens = Tokens(Index(tmp_path), "training")
    whole = tokens.windows(np.random.default_rng((7, 3)), 8, range(8), 9)
    parts = [tokens.windows(np.random.default_rng((7, 3)), 8, rows, 9)
             for rows in (range(3), range(3, 8))]  # fmt: skip
    assert np.array_equal(whole, np.concatenate(parts))


def test_windows_longer_than_every_shard_are_refused(tmp_path):
    filled(tmp_path, 10, 30)
    with pytest.raises(BrokenShards, match="6 tokens, and none of 4 in a row"):
        Tokens(Index(tmp_path), "validation").windows(np.random.default_rng(0), 2, range(2), 4)


def test_what_is_not_complete_is_refused_and_goes_on(tmp_path):
    filled(tmp_path, 10)
    with pytest.raises(BrokenShards, match="not complete: 10 of 30 documents"):
        Tokens(Index(tmp_path), "training")
    filled(tmp_path, 30)
    assert len(Tokens(Index(tmp_path), "training")) == 600


def test_shards_of_something_else_are_not_mixed(tmp_path):
    filled(tmp_path, 10)
    other = Origin("a text", "bytes", 257, 256, 30, 0.1, 5, 40)
    with pytest.raises(BrokenShards, match=r"something else \(seed 0, not 5\)"):
        Index(tmp_path, other)


@pytest.mark.parametrize("how", ["missing", "cut short"])
def test_a_file_that_is_missing_or_short_is_named(tmp_path, how):
    index = filled(tmp_path, 10, 30)
    path = tmp_path / "validation-00001.bin"
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:2])
    assert "validation-00001.bin" in index.problem()
    with pytest.raises(BrokenShards, match="validation-00001.bin"):
        Tokens(Index(tmp_path), "training")


def test_a_changed_byte_is_found_and_only_what_is_good_stays(tmp_path):
    index = filled(tmp_path, 10, 20, 30)
    path = tmp_path / "training-00001.bin"
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    path.write_bytes(content)
    assert index.problem() is None  # lengths alone are looked at each time
    assert index.drop_damaged() == 2
    assert Index(tmp_path).next_document == 10


def test_no_folder_and_no_index_are_said(tmp_path):
    with pytest.raises(BrokenShards, match="index.json cannot be read: No such file"):
        Index(tmp_path / "none")
    (tmp_path / "index.json").write_text("[1]")
    with pytest.raises(BrokenShards, match="not an index of shards"):
        Index(tmp_path)


def test_a_full_disk_leaves_what_is_there(tmp_path, monkeypatch):
    index = filled(tmp_path, 10)
    write = token_shards._write_whole

    def full(path, content):
        if path.name.startswith("validation"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(token_shards, "_write_whole", full)
    with pytest.raises(BrokenShards, match=r"Shard 1 could not .*No space left"):
        filled(tmp_path, 30)
    monkeypatch.undo()
    assert Index(tmp_path).next_document == index.next_document == 10
    filled(tmp_path, 30)
    assert Index(tmp_path).problem() is None
