"""Batches that show each example once in an epoch."""

from __future__ import annotations

import torch

from descent.training.epochs import Epochs


def test_an_epoch_shows_each_once_and_leaves_out_what_is_no_batch():
    epochs = Epochs(23, 5, seed=1)
    assert epochs.batches == 4
    seen = torch.cat([epochs.picked(step, range(5)) for step in range(4)])
    assert len(seen) == len(seen.unique()) == 20 and seen.max() < 23
    assert sorted(epochs.order(0).tolist()) == list(range(23))


def test_a_batch_follows_from_seed_and_step_and_shares_make_it_up():
    one, other = Epochs(23, 6, seed=1), Epochs(23, 6, seed=1)
    later = one.picked(7, range(6))
    assert torch.equal(
        later, torch.cat([other.picked(7, rows) for rows in (range(3), range(3, 6))])
    )
    assert not torch.equal(one.order(0), one.order(1))
    assert not torch.equal(one.order(0), Epochs(23, 6, seed=2).order(0))
