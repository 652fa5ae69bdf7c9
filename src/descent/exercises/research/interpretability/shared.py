"""What several exercises of research/08_interpretability draw from and look at."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import fill_with_normals
from descent.grading import Draw, expect


class Tower(nn.Module):
    """Three linear layers, with a ReLU that works in place behind the first; it counts its runs."""

    def __init__(self, draw: Draw, inputs: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.bend = nn.ReLU(inplace=True)
        self.inner = nn.Sequential(nn.Linear(width, width), nn.Tanh())
        self.last = nn.Linear(width, 3)
        self.runs = 0
        fill_with_normals(self, draw)

    def forward(self, x: Tensor) -> Tensor:
        """Numbers of shape (n, inputs) → (n, 3)."""
        self.runs += 1
        h = self.bend(self.first(x))
        return self.last(h + self.inner(h))


class Stumbles(nn.Module):
    """A part that can be hooked, and then an error."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.last = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Any x of shape (n, 2) → RuntimeError, since the sizes do not fit."""
        return self.last(self.first(x))


def tower_by_hand(tower: Tower, x: Tensor) -> dict[str, np.ndarray]:
    """What every part of a `Tower` gives, without calling it."""
    rows = x.detach().double().numpy()

    def linear(layer: nn.Module, values: np.ndarray) -> np.ndarray:
        weight, bias = (p.detach().double().numpy() for p in layer.parameters())
        return values @ weight.T + bias

    first = linear(tower.first, rows)
    bend = np.maximum(first, 0)
    before = linear(tower.inner[0], bend)
    inner = np.tanh(before)
    last = linear(tower.last, bend + inner)
    return {
        "first": first,
        "bend": bend,
        "inner": inner,
        "inner.0": before,
        "inner.1": inner,
        "last": last,
    }


def hooks_on(model: nn.Module) -> int:
    """How many forward hooks, of either kind, are on all the parts together."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def expect_no_gradients(model: nn.Module) -> None:
    """Expect that nothing was left in the `grad` of any parameter."""
    left = sum(p.grad is not None for p in model.parameters())
    expect(left, "parameters in whose .grad something was left").equals(0)


def later_copies(row: list[int]) -> list[list[int]]:
    """For every place, those that follow an earlier copy of its token, counted one by one."""
    return [[j + 1 for j in range(i) if row[j] == row[i]] for i in range(len(row))]


def causal_pattern(draw: Draw, *shape: int) -> Tensor:
    """Attention that nobody trained: rows that add up to 1, and nothing above the diagonal."""
    scores = torch.tensor(draw.normal(*shape, scale=1.5), dtype=torch.float32)
    future = torch.ones(shape[-2:], dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1)


def repeated(rng: np.random.Generator, vocabulary: int, length: int, period: int) -> list[int]:
    """A row of so many tokens that repeats after `period` of them."""
    block = rng.integers(0, vocabulary, size=period)
    return [int(block[i % period]) for i in range(length)]
