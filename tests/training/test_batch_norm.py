"""Batch norm over all processes is batch norm: same answer, gradient and counting."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.distributed as dist
from torch import nn

from descent.training.batch_norm import SharedBatchNorm, share_statistics


@pytest.fixture
def group():
    """A group of this process alone: its mean over all is its own."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 5), (8, 3, 5, 4)])
@pytest.mark.parametrize(
    "told", [{}, {"affine": False}, {"momentum": None}, {"track_running_stats": False}]
)
def test_it_does_what_pytorch_s_does(group, shape, told):
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)]
    norm = kind(3, **told)
    torch.manual_seed(1)
    for weight in norm.parameters():
        nn.init.normal_(weight)
    shared = SharedBatchNorm(copy.deepcopy(norm))
    for _ in range(2):
        x = (3 * torch.randn(shape) + 5).requires_grad_()
        y = x.detach().clone().requires_grad_()
        torch.testing.assert_close(shared(y), norm(x))
        pull = torch.randn(shape)
        (norm(x) * pull).sum().backward()
        (shared(y) * pull).sum().backward()
        torch.testing.assert_close(y.grad, x.grad, atol=1e-5, rtol=1e-4)
    for one, other in zip(shared.parameters(), norm.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    assert shared.state_dict().keys() == norm.state_dict().keys()
    for name, value in norm.state_dict().items():
        torch.testing.assert_close(shared.state_dict()[name], value)
    x = torch.randn(shape)
    torch.testing.assert_close(shared.eval()(x), norm.eval()(x))


def test_one_process_keeps_pytorch_s(group):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    assert isinstance(share_statistics(model)[1], nn.BatchNorm1d)
