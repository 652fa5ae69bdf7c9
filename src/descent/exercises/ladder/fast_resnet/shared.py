"""What several exercises of ladder/fast_resnet draw from and compare with."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

SAME_MAX = "the larger of two numbers does not depend on their order"


class Places(TorchFunctionMode):
    """Counts tensors that were made without naming a device, and what left the device.

    `unnamed` are index and random tensors, `filled` others, which may still be moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unnamed = self.filled = self.arrays = self.reads = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.arange, torch.randperm, torch.randint):
            self.unnamed += kwargs.get("device") is None
        if function in (torch.zeros, torch.ones, torch.empty, torch.full, torch.linspace):
            self.filled += kwargs.get("device") is None
        name = getattr(function, "__name__", "")
        self.arrays += name in ("numpy", "__array__")
        self.reads += name in ("item", "tolist", "__int__", "__float__", "__bool__", "__index__")
        return function(*args, **kwargs)


def shifted(images: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """One pixel after the other."""
    result = np.zeros_like(images)
    n, _, height, width = images.shape
    for i, y, x in itertools.product(range(n), range(height), range(width)):
        row, column = y - offsets[i, 0], x - offsets[i, 1]
        if 0 <= row < height and 0 <= column < width:
            result[i, :, y, x] = images[i, :, row, column]
    return result


def shifted_images(images: Tensor, offsets: Tensor, **habits) -> Tensor:
    """The answer with one bad habit, named by keyword."""
    n, channels, height, width = images.shape
    device = None if habits.get("at_home") else images.device
    sign = -1 if habits.get("backwards") else 1
    down, right = (offsets.flip(1) if habits.get("turned") else offsets).unbind(1)
    if habits.get("one_for_all"):
        down, right = down[:1].expand(n), right[:1].expand(n)
    if habits.get("half"):
        right = torch.zeros_like(right)
    rows = torch.arange(height, device=device) - sign * down[:, None]
    columns = torch.arange(width, device=device) - sign * right[:, None]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, None, :]
    if habits.get("wraps"):
        rows, columns = rows % height, columns % width
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    pictures = torch.arange(n, device=device)[:, None, None, None]
    planes = torch.arange(channels, device=device)[:, None, None]
    found = images[pictures, planes, rows[:, None, :, None], columns[:, None, None, :]]
    if habits.get("wraps") or habits.get("smears"):
        return found
    return found * inside
