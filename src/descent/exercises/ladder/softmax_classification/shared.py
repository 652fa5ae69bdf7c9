"""What several exercises of ladder/softmax_classification draw from and compare with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, expect


def normals_of(draw: Draw, *shape: int, scale: float = 1.0) -> Tensor:
    return torch.tensor(draw.normal(*shape, scale=scale), dtype=torch.float32)


def drawn_labels(draw: Draw, n: int, classes: int) -> Tensor:
    return torch.tensor(draw.integers(0, classes, n), dtype=torch.int64)


def slopes_through(
    function: Callable[..., Tensor], given: list[Tensor], name: str, weights: Tensor | None = None
) -> list[np.ndarray] | None:
    """Autograd's slopes of the (weighted) sum of what a function of tensors returns.

    None, with a failure noted, where the result has no gradient history.
    """
    result = function(*[tensor.clone().requires_grad_() for tensor in given])
    through = isinstance(result, Tensor) and result.requires_grad
    expect(through, f"{name} can be differentiated").is_true(
        otherwise="backward() cannot go through the result: somewhere on the way a tensor was "
        "turned into plain numbers (`.item()`, `.detach()`, `.numpy()`, `torch.tensor(…)`)"
    )
    if not through:
        return None
    # The answer was given copies. They are found again where the graph of its result ends.
    ends = ends_of_graph(result)
    total = (result * (1.0 if weights is None else weights)).sum()
    slopes = dict(zip(ends, torch.autograd.grad(total, ends), strict=True))
    return [
        next(
            (slope.numpy() for end, slope in slopes.items() if torch.equal(end, tensor)),
            np.zeros(tensor.shape),
        )  # fmt: skip
        for tensor in given
    ]


def ends_of_graph(result: Tensor) -> list[Tensor]:
    """The tensors a result was computed from, as far as they require a gradient."""
    waiting, seen, ends = [result.grad_fn], set(), []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [parent for parent, _ in node.next_functions]
        if hasattr(node, "variable"):
            ends.append(node.variable)
    return ends


def one_hot_rows(labels: Tensor, classes: int) -> np.ndarray:
    return np.array([[float(label == k) for k in range(classes)] for label in labels.tolist()])
