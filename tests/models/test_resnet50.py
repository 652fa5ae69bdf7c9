"""ResNet-50 and its relatives."""

from __future__ import annotations

import torch

from descent.models.resnet50 import Bottleneck, ResNet, ResNet50


def count(model):
    return sum(weight.numel() for weight in model.parameters())


def test_it_is_the_network_of_the_published_tables():
    model = ResNet50()
    assert count(model) == 25_557_032
    convolutions = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 53  # 49 and the read-out make 50; four project a shortcut
    strides = [m.kernel_size for m in model.blocks.modules() if getattr(m, "stride", 1) == (2, 2)]
    assert strides == [(3, 3), (1, 1)] * 3  # the stride is in the 3 × 3, and in the shortcut


def test_any_side_gives_a_score_for_every_class():
    model = ResNet(7, (1, 1), 4)
    for side in (32, 64, 97):
        assert model(torch.randn(2, 3, side, side)).shape == (2, 7)


def test_a_block_begins_as_the_identity():
    torch.manual_seed(0)
    x = torch.rand(4, 16, 8, 8)
    assert torch.equal(Bottleneck(16, 4, 1)(x), x)


def test_each_stage_halves_the_side_and_doubles_the_channels():
    seen = []
    model = ResNet(3, (2, 1, 1), 4)
    for block in model.blocks:
        block.register_forward_hook(lambda module, given, answer: seen.append(answer.shape[1:]))
    model(torch.randn(1, 3, 64, 64))
    assert seen == [(16, 16, 16), (16, 16, 16), (32, 8, 8), (64, 4, 4)]
