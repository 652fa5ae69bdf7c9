"""Muon: momentum whose step is made orthogonal, for the hidden matrices of a network.

Keller Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024).
PyTorch has one as well, ``torch.optim.Muon``. It takes one matrix after the other, in bfloat16,
which a CPU without instructions for it works through slowly; here matrices of one shape go through
together, in the type of the weights. `benchmarks/nanogpt_muon.py` measures both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial aσ + bσ³ + cσ⁵ that each round puts the singular values through. Its slope at
0 is as steep as can be while what is near 1 stays within 0.7 and 1.2: near 1 is enough."""

SMALLEST = 1e-12  # a gradient of zeros is not divided by zero


class Muon(Optimizer):
    """Gradient descent with momentum along the nearest matrix whose singular values are all 1.

    Parameters
    ----------
    matrices : iterable of nn.Parameter
        Matrices alone; tables of embeddings, gains and biases are for another optimiser.
    lr : float
        Learning rate: about how far each singular direction moves in an update.
    momentum : float
        Share of the running mean of the gradients that stays at each update.
    weight_decay : float
        Share of the weights, times the rate, that is taken off them.
    rounds : int
        Of the polynomial, at each update.

    Raises
    ------
    ValueError
        When a parameter is no matrix.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        rounds: int = 5,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "rounds": rounds,
        }
        super().__init__(matrices, defaults)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.dim() != 2:
                    raise ValueError(f"Muon takes matrices; one has shape {tuple(weight.shape)}.")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the matrices that have a gradient."""
        for group in self.param_groups:
            together: dict[torch.Size, list[nn.Parameter]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    together.setdefault(_lying(weight).shape, []).append(weight)
            for weights in together.values():
                self._move(weights, group)

    def _move(self, weights: list[nn.Parameter], group: dict[str, Any]) -> None:
        """Move matrices that have one shape when they lie on their long side."""
        directions = torch.stack([_lying(self._direction(w, group["momentum"])) for w in weights])
        for weight, direction in zip(weights, orthogonal(directions, group["rounds"]), strict=True):
            rows, columns = weight.shape
            # A tall matrix turns few numbers into many; this keeps what each of them moves by.
            rate = group["lr"] * math.sqrt(max(1.0, rows / columns))
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.sub_(direction if rows <= columns else direction.T, alpha=rate)

    def _direction(self, weight: nn.Parameter, momentum: float) -> Tensor:
        """Update the running mean of the gradients, and look one step ahead of it (Nesterov)."""
        gradient = weight.grad
        assert gradient is not None
        state = self.state[weight]
        if "mean" not in state:
            state["mean"] = torch.zeros_like(gradient)
        mean: Tensor = state["mean"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(mean, momentum)


def orthogonal(matrices: Tensor, rounds: int) -> Tensor:
    """Bring all singular values near 1, by Newton and Schulz's iteration.

    Parameters
    ----------
    matrices : Tensor
        (n, rows, columns), with rows ≤ columns.
    rounds : int
        At least 1; the more, the smaller a singular value may be that still comes near 1.

    Returns
    -------
    Tensor
        (n, rows, columns), with the singular vectors of `matrices`.
    """
    a, b, c = COEFFICIENTS
    squares = matrices @ matrices.mT
    # The fourth root of the sum of σ⁴ is no less than the largest σ, and nearer it than the
    # Frobenius norm is: the small ones begin higher.
    scale = squares.square().sum(dim=(1, 2), keepdim=True).sqrt().clamp(min=SMALLEST)
    x, squares = matrices / scale.sqrt(), squares / scale
    for done in range(rounds):
        if done:
            squares = x @ x.mT
        polynomial = torch.baddbmm(squares, squares, squares, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x


def _lying(matrix: Tensor) -> Tensor:
    """Turn a tall matrix on its long side."""
    return matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
