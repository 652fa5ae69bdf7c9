"""What stands in for the surroundings of `train`, and what it is compared with."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from .shared import Table, Tensor, loss_and_slopes, weights_of

BETAS = (0.9, 0.99)


class Stream:
    """Batches one after another, and how many were taken."""

    def __init__(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        self.batches, self.taken = batches, 0

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        if self.taken == len(self.batches):
            raise StopIteration
        self.taken += 1
        return self.batches[self.taken - 1]

    def __repr__(self) -> str:
        return f"a stream of {len(self.batches)} batches"


@dataclass
class Step:
    """What an optimiser is about to do: for each parameter of the model, and in all."""

    optimiser: torch.optim.Optimizer
    rates: list[float]
    decays: list[float]
    betas: list[tuple[float, ...]]
    norm: float


@contextlib.contextmanager
def watched_steps(model: Table) -> Iterator[list[Step]]:
    """Every step of an optimiser of torch's, as it was about to be taken."""
    seen: list[Step] = []
    own = [model.tokens, model.places, model.gain]

    def note(optimiser: Any, *_: Any) -> None:
        groups = {id(p): group for group in optimiser.param_groups for p in group["params"]}
        held = [groups.get(id(p), {}) for p in own]
        squares = [0.0 if p.grad is None else float(p.grad.square().sum()) for p in own]
        seen.append(
            Step(
                optimiser,
                [float(group.get("lr", math.nan)) for group in held],
                [float(group.get("weight_decay", math.nan)) for group in held],
                [tuple(group.get("betas", ())) for group in held],
                math.sqrt(sum(squares)),
            )
        )

    handle = register_optimizer_step_pre_hook(note)
    try:
        yield seen
    finally:
        handle.remove()


def scheduled(steps: int, peak: float, least: float, warm_up: int) -> list[float]:
    """The rates of all steps, as the page's formula has them."""
    rise = [peak * (s + 1) / (warm_up + 1) for s in range(warm_up)]
    angles = np.linspace(0, np.pi / 2, steps - warm_up + 1)[:-1]
    return rise + [float(least + (peak - least) * np.cos(a) ** 2) for a in angles]


def curve_without_moving(
    model: Table, batches: list[tuple[Tensor, Tensor]]
) -> list[tuple[float, float]]:
    """Loss and norm of each batch at the weights that the model has now."""
    found = []
    for batch in batches:
        loss, slopes = loss_and_slopes(weights_of(model), *batch)
        found.append((loss, math.sqrt(sum(float(slope.square().sum()) for slope in slopes))))
    return found


def adamw_by_hand(
    weights: list[Tensor],
    batches: list[tuple[Tensor, Tensor]],
    rates: list[float],
    decay: float,
    largest: float,
) -> tuple[list[list[float]], list[Tensor]]:
    """AdamW written out, with clipping: the curve and the weights afterwards."""
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    curve = []
    for step, ((inputs, targets), rate) in enumerate(zip(batches, rates, strict=True), 1):
        loss, slopes = loss_and_slopes(weights, inputs, targets)
        norm = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
        curve.append([loss, norm])
        for i, slope in enumerate(slopes):
            slope = slope * min(1.0, largest / norm)
            means[i] = BETAS[0] * means[i] + (1 - BETAS[0]) * slope
            squares[i] = BETAS[1] * squares[i] + (1 - BETAS[1]) * slope**2
            mean = means[i] / (1 - BETAS[0] ** step)
            root = (squares[i] / (1 - BETAS[1] ** step)).sqrt()
            kept = 1 - rate * decay if weights[i].dim() > 1 else 1.0
            weights[i] = kept * weights[i] - rate * mean / (root + 1e-8)
    return curve, weights
