"""A small U-Net that finds the noise in a picture: what a diffusion model trains.

A picture is looked at on three grids, each half as fine as the one before. What was seen on a
finer grid is handed across to where that grid is made again (Ronneberger et al., 2015); the step
of the noise is told to every block (Ho et al., 2020).
"""

from __future__ import annotations

import math
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GROUPS = 4  # of channels that a norm takes together; the width is a multiple of it
Layer = TypeVar("Layer", bound=nn.Module)
SLOWEST = 10_000.0  # steps, over 2π, of the slowest wave that tells the step


class UNet(nn.Module):
    """Say which noise was added to pictures.

    Parameters
    ----------
    width : int
        Channels on the finest grid, a multiple of 4. The next two have twice and four times as
        many.
    channels : int
        Of the pictures.
    """

    def __init__(self, width: int = 16, channels: int = 1) -> None:
        super().__init__()
        told = 4 * width  # features of the step
        self.waves = width
        self.step = nn.Sequential(nn.Linear(width, told), nn.SiLU(), nn.Linear(told, told))
        self.stem = nn.Conv2d(channels, width, 3, padding=1)
        self.down_1 = Block(width, width, told)
        self.down_2 = Block(width, 2 * width, told)
        self.middle_1 = Block(2 * width, 4 * width, told)
        self.attention = Attention(4 * width)
        self.middle_2 = Block(4 * width, 4 * width, told)
        self.up_2 = Block(4 * width + 2 * width, 2 * width, told)
        self.up_1 = Block(2 * width + width, width, told)
        self.norm = nn.GroupNorm(GROUPS, width)
        self.read_out = zero(nn.Conv2d(width, channels, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Find the noise.

        Parameters
        ----------
        x : Tensor
            (batch, channels, height, width), noisy; both sides multiples of 4.
        t : Tensor
            (batch,) whole numbers: the step of each picture's noise.

        Returns
        -------
        Tensor
            Of the shape of `x`.
        """
        step = self.step(waves(t, self.waves))  # (batch, told)
        fine = self.down_1(self.stem(x), step)  # (batch, width, height, width of the picture)
        half = self.down_2(F.avg_pool2d(fine, 2), step)  # half the sides, 2 · width channels
        y = self.middle_1(F.avg_pool2d(half, 2), step)  # a quarter of the sides, 4 · width
        y = self.middle_2(self.attention(y), step)
        y = self.up_2(torch.cat([twice(y), half], dim=1), step)
        y = self.up_1(torch.cat([twice(y), fine], dim=1), step)
        noise: Tensor = self.read_out(F.silu(self.norm(y)))
        return noise


class Block(nn.Module):
    """Two convolutions and a way past them; between the two it is told the step.

    Parameters
    ----------
    channels, out : int
        Before and after, multiples of 4.
    told : int
        Features of the step.
    """

    def __init__(self, channels: int, out: int, told: int) -> None:
        super().__init__()
        self.norm_1 = nn.GroupNorm(GROUPS, channels)
        self.conv_1 = nn.Conv2d(channels, out, 3, padding=1)
        self.step = nn.Linear(told, out)
        self.norm_2 = nn.GroupNorm(GROUPS, out)
        self.conv_2 = zero(nn.Conv2d(out, out, 3, padding=1))
        self.past = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, step: Tensor) -> Tensor:
        """(batch, channels, h, w) and (batch, told) to (batch, out, h, w)."""
        y = self.conv_1(F.silu(self.norm_1(x)))
        y = y + self.step(F.silu(step))[:, :, None, None]
        y = self.conv_2(F.silu(self.norm_2(y)))
        return y + self.past(x)


class Attention(nn.Module):
    """Let every place of a coarse grid look at every other.

    Parameters
    ----------
    channels : int
        A multiple of 4.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.queries_keys_values = nn.Linear(channels, 3 * channels)
        self.projection = zero(nn.Linear(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) to the same."""
        places = self.norm(x).flatten(2).transpose(1, 2)  # (batch, h · w, channels)
        q, k, v = self.queries_keys_values(places).chunk(3, dim=-1)
        y = self.projection(F.scaled_dot_product_attention(q, k, v))
        return x + y.transpose(1, 2).reshape(x.shape)


def waves(t: Tensor, features: int) -> Tensor:
    """Write whole numbers as cosines and sines of many speeds: (batch,) to (batch, features).

    The same as a transformer's sinusoidal positions (Vaswani et al., 2017).
    """
    half = features // 2
    speeds = torch.exp(-math.log(SLOWEST) * torch.arange(half, device=t.device) / half)
    angles = t[:, None] * speeds
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def twice(x: Tensor) -> Tensor:
    """Make each pixel a square of four: (batch, channels, h, w) to (…, 2 h, 2 w)."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def zero(layer: Layer) -> Layer:
    """Set a layer's weights to 0: what it adds begins at nothing. Returns the layer."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer
