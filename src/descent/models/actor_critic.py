"""Networks that look at pictures and say what to do, and how much is still to be earned."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

Layers = tuple[tuple[int, int, int], ...]

NATURE: Layers = ((32, 8, 4), (64, 4, 2), (64, 3, 1))
"""Channels, kernel and stride of the convolutions for Atari games (Mnih et al., 2015)."""

SMALL: Layers = ()  # of some sixteen pixels a layer sees all, and a processor is quick with it
LEAST = 36  # pixels of a side, from which the first layers have something to see
FEATURES = {NATURE: 512, SMALL: 256}

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class ActorCritic(nn.Module):
    """Layers that policy and value share, and a linear one for each.

    All weights are orthogonal at the beginning, the policy's small: it begins near to chance.

    Parameters
    ----------
    channels, height, width : int
        Of a picture. From 36 pixels on, the convolutions of the Atari papers come first; below
        it one layer sees the whole picture.
    actions : int
    """

    def __init__(self, channels: int, height: int, width: int, actions: int) -> None:
        super().__init__()
        layers: Layers = NATURE if min(height, width) >= LEAST else SMALL
        self.seen = convolutions(layers, channels)
        with torch.no_grad():
            features = self.seen(torch.zeros(1, channels, height, width)).shape[1]
        self.thought = nn.Sequential(_began(nn.Linear(features, FEATURES[layers])), nn.ReLU())
        self.policy = _began(nn.Linear(FEATURES[layers], actions), 0.01)
        self.value = _began(nn.Linear(FEATURES[layers], 1), 1.0)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Take (n, channels, height, width) uint8 pictures.

        Returns
        -------
        logits : Tensor
            (n, actions).
        values : Tensor
            (n,).
        """
        thought = self.thought(self.seen(pictures / 255))
        return self.policy(thought), self.value(thought).squeeze(1)


def convolutions(layers: Layers, channels: int) -> nn.Sequential:
    """Return convolutions without a border, a ReLU after each, and their features in one row."""
    parts: list[nn.Module] = []
    for features, kernel, stride in layers:
        parts += [_began(nn.Conv2d(channels, features, kernel, stride)), nn.ReLU()]
        channels = features
    return nn.Sequential(*parts, nn.Flatten())


def _began(layer: Layer, gain: float = math.sqrt(2)) -> Layer:
    nn.init.orthogonal_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
