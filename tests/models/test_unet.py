"""The small U-Net that finds noise."""

from __future__ import annotations

import math

import pytest
import torch

from descent.models.unet import Attention, Block, UNet, waves


def stirred(model):
    """Move every weight: much of it begins at zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


@pytest.mark.parametrize(
    ("channels", "height", "width"), [(1, 28, 28), (3, 32, 32), (1, 16, 8), (2, 4, 12)]
)
def test_the_noise_has_the_shape_of_the_pictures(channels, height, width):
    pictures = torch.randn(2, channels, height, width)
    found = UNet(8, channels)(pictures, torch.tensor([0, 7]))
    assert found.shape == pictures.shape


def test_it_finds_nothing_at_first_and_all_weights_get_a_gradient_once_stirred():
    net = UNet(8)
    x, t = torch.randn(3, 1, 28, 28), torch.tensor([1, 5, 9])
    assert torch.equal(net(x, t), torch.zeros_like(x))
    stirred(net)(x, t).square().mean().backward()
    assert all(
        weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters()
    )


def test_each_picture_is_told_its_own_step_and_no_other_picture_matters():
    net = stirred(UNet(8))
    x, t = torch.randn(3, 1, 28, 28), torch.tensor([3, 400, 999])
    together = net(x, t)
    alone = torch.cat([net(x[i : i + 1], t[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert (net(x, t.flip(0)) - together)[0].abs().max() > 1e-3


def test_the_whole_picture_is_looked_at():
    net = stirred(UNet(8)).eval()
    x, t = torch.randn(1, 1, 28, 28), torch.tensor([3])
    moved = x.clone()
    moved[..., 0, 0] += 5.0
    assert (net(moved, t) - net(x, t))[..., -1, -1].abs().max() > 0


def test_a_block_and_attention_let_what_they_are_given_pass_at_first():
    x = torch.randn(2, 8, 5, 6)
    assert torch.equal(Block(8, 8, 16)(x, torch.randn(2, 16)), x)
    assert torch.equal(Attention(8)(x), x)


def test_a_step_is_told_by_cosines_and_sines():
    told = waves(torch.tensor([0, 3]), 4)
    assert told.shape == (2, 4)
    expected = [math.cos(3), math.cos(0.03), math.sin(3), math.sin(0.03)]
    assert told[0].tolist() == [1, 1, 0, 0]
    assert told[1].tolist() == pytest.approx(expected, abs=1e-6)
