"""Noise on pictures, step by step, and the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

FIRST, LAST = 1e-4, 0.02  # of the paper's 1000 variances; of another number they add up to as much
MOST = 0.999  # of a step's variance: something of the picture stays
OFFSET = 0.008  # of the cosine, so that the first steps are not too small


def kept_shares(steps: int, schedule: str) -> Tensor:
    """Return how much of a picture's variance is left after each step, ᾱ.

    Parameters
    ----------
    steps : int
        T.
    schedule : str
        ``linear`` or ``cosine``.

    Returns
    -------
    Tensor
        (T,), falling from nearly 1 to nearly 0.
    """
    if schedule == "linear":
        added = torch.linspace(FIRST, LAST, steps, dtype=torch.float64) * 1000 / steps
    else:
        done = torch.arange(steps + 1, dtype=torch.float64) / steps
        left = torch.cos((done + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
        added = 1 - left[1:] / left[:-1]
    return (1 - added.clamp(max=MOST)).cumprod(dim=0).float()


def noisy(pictures: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Mix pictures with noise, so that the variance stays: √ᾱ x + √(1 - ᾱ) ε.

    Parameters
    ----------
    pictures, noise : Tensor
        (batch, 1, height, width).
    kept : Tensor
        (batch,), ᾱ of each picture.
    """
    kept = kept[:, None, None, None]
    return kept.sqrt() * pictures + (1 - kept).sqrt() * noise


def sampling_times(steps: int, visited: int) -> list[int]:
    """Spread `visited` of the numbers from steps - 1 down to 0 evenly, both ends among them."""
    if visited == 1:
        return [steps - 1]
    return [round(i * (steps - 1) / (visited - 1)) for i in reversed(range(visited))]


@torch.no_grad()
def ways_back(
    model: nn.Module, noise: Tensor, kept: Tensor, visited: int, draw: torch.Generator
) -> Iterator[tuple[int, Tensor]]:
    """Go from noise to pictures, by the steps that Bayes' rule gives for the noise that was found.

    Where not all T steps are visited, each goes as far as the next one visited (Nichol &
    Dhariwal, 2021).

    Parameters
    ----------
    model : nn.Module
        Finds the noise in (batch, 1, height, width) pictures at (batch,) steps.
    noise : Tensor
        (batch, 1, height, width), what is begun with.
    kept : Tensor
        (T,), ᾱ of each step.
    visited : int
        How many of the T steps are taken.
    draw : torch.Generator
        What the noise of each step is drawn from, on the device of `noise`.

    Yields
    ------
    t : int
        The step, T - 1 at first and 0 at last.
    x : Tensor
        (batch, 1, height, width) after that step; pixels are from -1 to 1 in the end.
    """
    x = noise
    times = sampling_times(len(kept), visited)
    for t, after in zip(times, [*times[1:], None], strict=True):
        before = kept[t]
        goal = kept[after] if after is not None else torch.ones_like(before)
        found = model(x, torch.full((len(x),), t, device=x.device)).float()
        picture = ((x - (1 - before).sqrt() * found) / before.sqrt()).clamp(-1, 1)
        added = 1 - before / goal  # the variance that came between the two, β
        # The mean and deviation of what was there, given what is there now and the picture.
        mean = goal.sqrt() * added * picture + (1 - added).sqrt() * (1 - goal) * x
        deviation = (added * (1 - goal) / (1 - before)).sqrt()
        drawn = torch.randn(x.shape, generator=draw, device=x.device)
        x = mean / (1 - before) + deviation * drawn
        yield t, x
