"""What the exercises of several chapters look at in an answer: parts, parameters, gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from descent.grading import expect


def has(module: nn.Module, what: str, *names: str) -> bool:
    """Whether the parts that the page names are there; says which are not."""
    expect(module, what).is_a(nn.Module)
    missing = [name for name in names if not hasattr(module, name)]
    expect(len(missing), "how many of the parts it names are missing").equals(0)
    return not missing


def parameter_total(module: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def gradients_at_leaves(output: Any) -> list[Tensor]:
    """The gradient of a loss at every leaf of its graph, in the order in which they are met.

    A function's answer gets copies of its inputs: the leaves of its graph are these. Leaves that
    no gradient reaches are left out; nothing hangs on an output without a graph.
    """
    if not isinstance(output, Tensor) or output.grad_fn is None:
        return []
    leaves: list[Tensor] = []
    nodes: list[Any] = [output.grad_fn]
    seen: set[Any] = set()
    for node in nodes:  # grows while it is walked
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        nodes += [before for before, _ in node.next_functions]
    found = torch.autograd.grad(output.sum(), leaves, allow_unused=True)
    return [gradient for gradient in found if gradient is not None]
