"""Attacks: within their ball, by the gradient's sign, and each picture's own worst restart."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.training.attacks import fgsm, pgd, withstood


@pytest.fixture
def linear():
    """Two classes by one direction: what an attack finds can be said in closed form."""
    model = nn.Linear(5, 2, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -2.0, 0.5, 3.0, -0.25], [0.0] * 5]))
    return model


def inside(count=7, seed=3):
    """Pictures of which no pixel is within 0.2 of the ends."""
    draw = torch.Generator().manual_seed(seed)
    return 0.2 + 0.6 * torch.rand((count, 5), generator=draw, dtype=torch.float64)


def test_fgsm_of_a_linear_model_goes_against_its_direction(linear):
    pictures, labels = inside(), torch.tensor([0, 1, 0, 1, 1, 0, 0])
    moved = fgsm(linear, pictures, labels, 0.1)
    away = torch.where(labels == 0, -1.0, 1.0)[:, None] * linear.weight[0].sign()
    assert torch.allclose(moved, pictures + 0.1 * away)
    assert not moved.requires_grad and linear.weight.grad is None


def test_pgd_stays_within_the_ball_and_within_the_picture(linear):
    pictures = torch.tensor([[0.0, 1.0, 0.05, 0.97, 0.5]], dtype=torch.float64)
    offsets = torch.tensor([[-1.0, 1.0, 0.5, 1.0, -1.0]], dtype=torch.float64)
    for steps in range(5):
        moved = pgd(linear, pictures, torch.tensor([0]), 0.1, 0.07, steps, offsets)
        assert (moved - pictures).abs().max() <= 0.1 + 1e-12
        assert moved.min() >= 0 and moved.max() <= 1
    # Steps that would add up to more than ε end at the corner of the ball that is a picture.
    expected = torch.tensor([[0.0, 1.0, 0.0, 0.87, 0.6]], dtype=torch.float64)
    assert torch.allclose(moved, expected)


def test_without_steps_pgd_is_where_it_began(linear):
    pictures, labels = inside(), torch.zeros(7).long()
    assert torch.equal(pgd(linear, pictures, labels, 0.1, 0.05, 0), pictures)
    offsets = torch.linspace(-1, 1, 35, dtype=torch.float64).reshape(7, 5)
    moved = pgd(linear, pictures, labels, 0.1, 0.05, 0, offsets)
    assert torch.allclose(moved, pictures + 0.1 * offsets)


def test_a_picture_is_attacked_as_it_is_alone(linear):
    pictures, labels = inside(), torch.tensor([0, 1, 0, 1, 1, 0, 0])
    together = pgd(linear, pictures, labels, 0.1, 0.03, 4)
    alone = [pgd(linear, pictures[i : i + 1], labels[i : i + 1], 0.1, 0.03, 4) for i in range(7)]
    assert torch.equal(together, torch.cat(alone))


def test_an_attack_under_no_grad_still_climbs(linear):
    pictures, labels = inside(), torch.zeros(7).long()
    with torch.no_grad():
        moved = fgsm(linear, pictures, labels, 0.1)
    assert torch.allclose((moved - pictures).abs(), torch.full_like(moved, 0.1))


class Fragile(nn.Module):
    """Wrong where the first pixel is high; its gradient leads nowhere."""

    def forward(self, x):
        wrong = (x[:, 0] > 0.6).double()
        return torch.stack([1 - wrong, wrong], dim=1) + 0 * x.sum(dim=1, keepdim=True)


def test_the_worst_restart_counts_for_each_picture_by_itself():
    pictures, labels = torch.full((3, 2), 0.55, dtype=torch.float64), torch.zeros(3).long()
    restarts = torch.zeros((3, 3, 2), dtype=torch.float64)
    restarts[0, 0, 0] = 1.0  # the first restart fools the first picture, the third the last
    restarts[2, 2, 0] = 1.0
    holds = withstood(Fragile(), pictures, labels, 0.1, 0.01, 2, restarts)
    assert holds.tolist() == [[False, True, True], [False, True, True], [False, True, False]]


def test_what_is_read_wrong_without_an_attack_is_lost():
    pictures = torch.tensor([[0.9, 0.5], [0.1, 0.5]], dtype=torch.float64)
    holds = withstood(
        Fragile(), pictures, torch.zeros(2).long(), 0.1, 0.01, 2, torch.zeros(1, 2, 2)
    )
    assert holds.tolist() == [[False, True]]
