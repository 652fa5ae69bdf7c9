"""Batch norm over groups of rows: a batch in parts is the batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.models.grouped_norm import GroupedBatchNorm2d, grouped, settle


def network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3)]
    return nn.Sequential(*layers, nn.BatchNorm2d(4, eps=1e-3, momentum=0.3))


def updated(parts, rows=4):
    """Run a batch of 16 in parts; return the answers, the gradient, and the running statistics."""
    model = grouped(network(), rows)
    x = torch.randn(16, 3, 9, 9, generator=torch.Generator().manual_seed(1))
    answers = torch.cat([model(part) for part in x.split(16 // parts)])
    answers.square().mul(torch.linspace(0, 1, 5)).sum().backward()
    settle(model)
    gradient = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    return answers, gradient, {name: value.clone() for name, value in model.named_buffers()}


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_whole_s_answers_gradient_and_running_statistics(parts):
    for one, other in zip(updated(1)[:2], updated(parts)[:2], strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4)
    one, other = updated(1)[2], updated(parts)[2]
    for name in one:
        assert torch.allclose(one[name], other[name], atol=1e-6), name


def test_one_group_is_plain_batch_norm():
    plain, ours = network(), grouped(network(), 16)
    x = torch.randn(16, 3, 9, 9)
    assert torch.allclose(plain(x), ours(x), atol=1e-6)
    settle(ours)
    there = dict(plain.named_buffers())
    for name, value in ours.named_buffers():
        if "running" in name:
            assert torch.allclose(value, there[name], atol=1e-6), name
    plain.eval()
    ours.eval()
    assert torch.allclose(plain(x), ours(x), atol=1e-6)


def test_running_statistics_are_the_mean_over_groups_and_move_once():
    norm = GroupedBatchNorm2d(2, rows=4, momentum=0.5)
    x = torch.randn(8, 2, 3, 3)
    norm(x)
    assert torch.equal(norm.running_mean, torch.zeros(2))
    settle(norm)
    groups = torch.stack([part.mean(dim=(0, 2, 3)) for part in x.split(4)])
    assert torch.allclose(norm.running_mean, 0.5 * groups.mean(dim=0), atol=1e-6)
    before = norm.running_mean.clone(), norm.running_var.clone()
    settle(norm)  # nothing was seen since
    assert torch.equal(norm.running_mean, before[0]) and torch.equal(norm.running_var, before[1])


def test_weights_and_kind_are_taken_over():
    model = network().eval()
    nn.init.normal_(model[1].weight)
    gain = model[1].weight.clone()
    ours = grouped(model, 4)
    assert isinstance(ours[1], GroupedBatchNorm2d) and not ours[1].training
    assert torch.equal(ours[1].weight, gain)
    assert (ours[4].eps, ours[4].momentum) == (1e-3, 0.3)
    assert set(ours.state_dict()) == set(network().state_dict())


def test_a_norm_used_twice_stays_one():
    norm = nn.BatchNorm2d(3)
    model = grouped(nn.Sequential(norm, nn.ReLU(), norm), 4)
    assert model[0] is model[2]
