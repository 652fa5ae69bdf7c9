"""Advantages: against the sums they are short for, and where episodes end."""

from __future__ import annotations

import pytest
import torch

from descent.training.ppo.advantages import advantages, explained_variance


def lived(steps=9, n=3, seed=0):
    draw = torch.Generator().manual_seed(seed)
    rewards, values, following = torch.randn((3, steps, n), generator=draw, dtype=torch.float64)
    ended = torch.rand((2, steps, n), generator=draw) < 0.2
    return rewards, values, following, ended[0], ended[1] & ~ended[0]


def summed(rewards, values, following, terminated, truncated, discount, trace, t, i):
    """The estimate of one moment, by its definition: a sum of surprises until the episode ends."""
    total, weight = 0.0, 1.0
    while t < len(rewards):
        after = 0.0 if terminated[t, i] else following[t, i]
        total += weight * (rewards[t, i] + discount * after - values[t, i])
        if terminated[t, i] or truncated[t, i]:
            break
        weight *= discount * trace
        t += 1
    return float(total)


@pytest.mark.parametrize(("discount", "trace"), [(0.9, 0.7), (1.0, 0.5), (0.97, 1.0), (0.8, 0.0)])
def test_it_is_the_sum_of_the_surprises_of_an_episode(discount, trace):
    given = lived()
    assert given[3].any() and given[4].any()
    found = advantages(*given, discount, trace)
    for t in range(9):
        for i in range(3):
            wanted = summed(*given, discount, trace, t, i)
            assert found[t, i].item() == pytest.approx(wanted, abs=1e-6)


def test_a_truncated_episode_counts_what_it_could_still_earn_and_a_terminated_one_does_not():
    one, no = torch.tensor([[True]]), torch.tensor([[False]])
    reward, value, after = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[10.0]])
    assert advantages(reward, value, after, one, no, 0.5, 0.9).item() == -1
    assert advantages(reward, value, after, no, one, 0.5, 0.9).item() == 4


def test_explained_variance_is_one_for_what_is_foreseen_and_none_for_the_mean():
    returns = torch.tensor([1.0, 4.0, 2.0, 7.0])
    assert explained_variance(returns + 3, returns) == 1
    assert explained_variance(returns.mean().expand(4), returns) == 0
    assert explained_variance(-returns, returns) == pytest.approx(-3)
    assert explained_variance(returns, torch.ones(4)) == 0
