"""What the exercises of several chapters draw from and stand in with.

A double takes the place of a thing that the answer is handed: it does what the answer needs of it,
quickly, and notes what was done to it. What one chapter alone uses stays in that chapter's module.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from descent.grading import Draw


def normals(draw: Draw, *shape: int, scale: float = 1.0) -> Tensor:
    """Normal numbers with standard deviation `scale`, of this shape, as float32."""
    return torch.tensor(draw.normal(*shape, scale=scale), dtype=torch.float32)


def token_tensor(draw: Draw, high: int, *shape: int) -> Tensor:
    """Whole numbers from 0 to `high` − 1, of this shape, as int64."""
    return torch.tensor(draw.integers(0, high, *shape))


def torch_generator(seed: int) -> torch.Generator:
    """A generator of torch's that begins at `seed`."""
    return torch.Generator().manual_seed(seed)


def fill_with_normals(module: nn.Module, draw: Draw, scale: float = 0.5) -> None:
    """Write drawn numbers into every parameter, so that nothing is 0 or 1 by luck of the start.

    Each parameter's numbers follow from its name: two models with the same names get the same,
    whichever part was made first.
    """
    seed = draw.seed()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            own = Draw(seed + zlib.crc32(name.encode()), draw.size)
            parameter.copy_(scale * normals(own, *parameter.shape))


class PlainDescent:
    """An optimiser with the parts of torch's that a training step uses; it counts its steps.

    The first use of ``torch.optim`` in a process takes seconds; a check has less. Every parameter
    is a group of its own, so that "every group" is more than the first.
    """

    def __init__(self, model: nn.Module, rate: float = 0.1) -> None:
        self.param_groups: list[dict[str, Any]] = [
            {"params": [parameter], "lr": rate} for parameter in model.parameters()
        ]
        self.steps = 0

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear every gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; `closure`, if given, is called first, and what
        it returns comes back."""
        loss = closure() if closure is not None else None
        self.steps += 1
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.sub_(group["lr"] * parameter.grad)
        return loss

    def __repr__(self) -> str:
        return f"plain descent with learning rate {self.param_groups[0]['lr']}"
