"""A small residual network for digits, shaped by what it costs as much as by what it learns."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class FastResNet(nn.Module):
    """Convolutions over a few channels, on a grid that is small from the first layer on.

    The first convolution already takes every second pixel, so that no layer works on the whole
    picture; the second does so again. What a picture costs is then spent where channels are many,
    and there a convolution is nearest to a large product of matrices.

    Parameters
    ----------
    side : int
        Of the pictures, in pixels.
    width : int
        Channels of the first layer. The second has twice, all further ones three times as many.
    blocks : int
        Residual blocks on the smallest grid, after the third layer; 0 for a network so shallow
        that nothing has to go past a layer.
    """

    def __init__(self, side: int = 28, width: int = 16, blocks: int = 0) -> None:
        super().__init__()
        wide = 3 * width
        self.stem = Layer(1, width, 5, stride=2)
        self.down = Layer(width, 2 * width, 3, stride=2)
        self.third = Layer(2 * width, wide, 3)
        self.blocks = nn.Sequential(*[Block(wide) for _ in range(blocks)])
        grid = (side + 3) // 4  # halved twice, rounded up
        self.linear = nn.Linear(wide * grid * grid, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Turn pictures, shape (n, 1, side, side), into logits, shape (n, 10)."""
        x = self.blocks(self.third(self.down(self.stem(x))))
        return self.linear(x.flatten(1))


class Layer(nn.Module):
    """Convolution, batch norm and ReLU.

    Parameters
    ----------
    channels, out : int
        Before and after.
    kernel : int
        Side of the square that is looked at; odd.
    stride : int
        Every how many places.
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """Shape (n, channels, h, w) to (n, out, ⌈h / stride⌉, ⌈w / stride⌉)."""
        return F.relu(self.norm(self.conv(x)))


class Block(nn.Module):
    """A layer, and a way past it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = Layer(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape, (n, channels, h, w)."""
        return x + self.layer(x)
