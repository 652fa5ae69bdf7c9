"""What the exercises of several chapters look at in an answer: parts, parameters, gradients."""

from __future__ import annotations

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


def gradients_at_leaves(output: Tensor) -> list[Tensor]:
    """The gradient of a number at every leaf of its graph, in the order in which they are met.

    A function's answer gets copies of its inputs: the leaves of its graph are these.
    """
    leaves: list[Tensor] = []
    nodes, seen = [output.grad_fn], set()
    for node in nodes:  # grows while it is walked
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        nodes += [before for before, _ in node.next_functions]
    return list(torch.autograd.grad(output, leaves))
