"""The small residual network for digits."""

from __future__ import annotations

import pytest
import torch

from descent.models.fast_resnet import Block, FastResNet


@pytest.mark.parametrize("side", [20, 22, 24, 28])
def test_pictures_of_any_even_side_become_ten_logits(side):
    net = FastResNet(side, width=4, blocks=2)
    assert net(torch.randn(3, 1, side, side)).shape == (3, 10)


def test_every_layer_works_on_a_grid_of_half_the_side_at_most():
    seen = []
    net = FastResNet(28, width=4, blocks=1)
    for part in net.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.register_forward_hook(lambda *told: seen.append(told[2].shape[-1]))
    net(torch.randn(1, 1, 28, 28))
    assert seen == [14, 7, 7, 7]


def test_a_block_lets_the_picture_pass_by():
    block = Block(4)
    torch.nn.init.zeros_(block.layer.norm.weight)
    x = torch.randn(2, 4, 5, 5)
    assert torch.equal(block(x), x)


def test_channels_last_changes_the_layout_and_not_the_answer():
    torch.manual_seed(0)
    net = FastResNet(28, width=8, blocks=1).eval()
    x = torch.randn(4, 1, 28, 28)
    plain = net(x)
    last = net.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, atol=1e-4, rtol=1e-4)
