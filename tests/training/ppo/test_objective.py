"""The clipped objective: where it has a gradient, and what is measured besides."""

from __future__ import annotations

import math

import pytest
import torch

from descent.training.ppo.objective import MEASURED, Moments, clipped_loss, normalised
from descent.training.ppo.settings import PpoSettings


def told(**changes):
    known = {"steps": 1, "batch_size": 1, "environments": 1, "horizon": 1, "value_weight": 0.0,
             "entropy_weight": 0.0, "clip_range": 0.2}  # fmt: skip
    return PpoSettings(**{**known, **changes})


def one(advantage, ratio, value=0.0, old=0.0, returns=0.0):
    """A moment at which the chosen of two actions is now so much likelier than it was."""
    logits = torch.tensor([[0.0, 0.0]], requires_grad=True)
    likely = torch.tensor([math.log(0.5 / ratio)])
    numbers = (torch.tensor([each]) for each in (old, advantage, returns))
    moments = Moments(torch.zeros(1, 1), torch.tensor([1]), likely, *numbers)
    return logits, torch.tensor([value], requires_grad=True), moments


@pytest.mark.parametrize(
    ("advantage", "ratio", "moves"),
    [(3.0, 1.5, False), (3.0, 0.5, True), (-3.0, 1.5, True), (-3.0, 0.5, False), (3.0, 1.1, True)],
)
def test_the_gradient_is_cut_where_moving_further_would_pay(advantage, ratio, moves):
    logits, values, moments = one(advantage, ratio)
    loss, _ = clipped_loss(logits, values, moments, told())
    loss.backward()
    held = min(max(ratio, 0.8), 1.2)
    wanted = -min(advantage * ratio, advantage * held)
    assert loss.item() == pytest.approx(wanted, rel=1e-6)
    slope = -advantage * ratio * 0.5 if moves else 0.0  # dπ/dlogit is π (1 - π), over the old π
    assert logits.grad[0].tolist() == pytest.approx([-slope, slope], abs=1e-6)


def test_values_are_clipped_around_the_old_ones_where_asked():
    for clips, wanted in ((True, 0.5 * 0.8**2), (False, 0.5 * 0.1**2)):
        _, values, moments = one(0.0, 1.0, value=0.9, old=0.0, returns=1.0)
        settings = told(value_weight=1.0, clip_values=clips)
        loss, measured = clipped_loss(torch.zeros(1, 2), values, moments, settings)
        assert loss.item() == pytest.approx(wanted) == measured[1].item()


def test_entropy_is_paid_for_and_what_is_watched_is_measured():
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    likely = logits.log_softmax(1)[:, 0]
    moments = Moments(
        torch.zeros(2, 1), torch.zeros(2).long(), likely - torch.tensor([0.5, 0.1]),
        torch.zeros(2), torch.zeros(2), torch.zeros(2),
    )  # fmt: skip
    loss, measured = clipped_loss(logits, torch.zeros(2), moments, told(entropy_weight=0.5))
    found = dict(zip(MEASURED, measured.tolist(), strict=True))
    chances = logits.softmax(1)
    entropy = -(chances * chances.log()).sum(1).mean().item()
    assert loss.item() == pytest.approx(-0.5 * entropy) and found["entropy"] == pytest.approx(
        entropy
    )
    assert found["clip_fraction"] == 0.5
    kl = sum(math.exp(x) - 1 - x for x in (0.5, 0.1)) / 2
    assert found["approximate_kl"] == pytest.approx(kl, rel=1e-5)


def test_a_share_is_normalised_by_the_whole_minibatch():
    whole = torch.tensor([1.0, 2.0, 5.0, 8.0])
    halves = torch.cat([normalised(part, whole) for part in (whole[:2], whole[2:])])
    assert halves.mean().item() == pytest.approx(0, abs=1e-6)
    assert halves.std().item() == pytest.approx(1, abs=1e-6)
