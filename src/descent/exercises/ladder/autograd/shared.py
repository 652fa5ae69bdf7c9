"""What several exercises of ladder/autograd draw from and compare with."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, expect


def expect_plain(value, name: str) -> None:
    """`value` is a number, and not a tensor that holds one."""
    expect(not isinstance(value, torch.Tensor), f"{name} is a plain number").is_true(
        otherwise=f"{name} is a tensor. The page asks for a Python number."
    )


def float64_tensor(numbers, requires_grad: bool = False) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=requires_grad)


def loss_by_hand(w: float, b: float, x: np.ndarray, y: np.ndarray) -> float:
    residual = np.polyval([w, b], x) - y
    return float(np.dot(residual, residual) / len(residual))


def slopes_by_nudging(w: float, b: float, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slopes by central differences: exact on a quadratic for any step, so take a long one."""
    dw = loss_by_hand(w + 0.5, b, x, y) - loss_by_hand(w - 0.5, b, x, y)
    db = loss_by_hand(w, b + 0.5, x, y) - loss_by_hand(w, b - 0.5, x, y)
    return dw, db


def drawn_parameters(draw: Draw, bare: bool = False) -> list[torch.Tensor]:
    """Three parameters of different shapes with slopes in ``.grad``; the second bare if asked."""
    parameters = []
    for place, shape in enumerate(((), (3,), (2, 2))):
        parameter = float64_tensor(draw.normal(*shape), requires_grad=True)
        if not (bare and place == 1):
            parameter.grad = float64_tensor(draw.uniform(0.5, 2.0, *shape)) * draw.choice([-1, 1])
        parameters.append(parameter)
    return parameters


def values(parameters: list[torch.Tensor]) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


def slopes_of(parameters: list[torch.Tensor]) -> np.ndarray:
    """All entries of all ``.grad``; a missing one counts as zeros, which is how it is used."""
    slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    return values(slopes)


def expect_same_tensors(listed, parameters: list[torch.Tensor]) -> None:
    """The list still holds these very tensors, and backward() would still fill them."""
    same = len(listed) == len(parameters) and all(map(lambda a, b: a is b, listed, parameters))
    expect(same, "the list holds the same tensors").is_true(
        otherwise="The list no longer holds the tensors it held: they must stay the same objects."
    )
    watched = all(p.requires_grad and p.is_leaf for p in parameters)
    expect(watched, "the parameters still require a gradient").is_true(
        otherwise="A parameter no longer requires a gradient (or is no leaf any more)."
    )
