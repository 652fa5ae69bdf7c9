"""A schedule and parameter groups that several recipes share."""

from __future__ import annotations

import pytest
from torch import nn

from descent.training.recipes import cosine_rate, decay_groups


def test_the_rate_rises_in_a_line_and_falls_along_half_a_cosine():
    rates = [cosine_rate(step, 100, 20, least=0.1) for step in range(101)]
    assert rates[:3] == pytest.approx([1 / 21, 2 / 21, 3 / 21])
    assert (
        rates[20] == 1.0 and rates[60] == pytest.approx(0.55) and rates[100] == pytest.approx(0.1)
    )
    assert all(a > b for a, b in zip(rates[20:], rates[21:], strict=False))
    assert cosine_rate(120, 100, 20) == 0.0


def test_matrices_decay_what_is_fixed_is_left_out_and_no_group_is_empty():
    net = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    net[2].weight.requires_grad_(False)
    decayed, free = decay_groups(net.parameters(), 0.1)
    assert [weight.shape for weight in decayed["params"]] == [(4, 3)]
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert len(free["params"]) == 4
    (only,) = decay_groups(nn.Linear(2, 2, bias=False).parameters(), 0.3)
    assert only["weight_decay"] == 0.3
