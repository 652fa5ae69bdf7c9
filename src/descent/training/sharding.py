"""Weights, gradients and optimiser shared out among the processes: FSDP2.

Each process keeps an equal part of every weight (rows of it), and of its gradient and of what the
optimiser keeps beside it. The whole weights of a block are gathered when its forward or backward
pass needs them and let go after it; its gradients are summed into the process that keeps each part
(Zhao et al., 2023, "PyTorch FSDP"; Rajbhandari et al., 2020, "ZeRO").

Checkpoints are of whole tensors, the same as without sharding, so that any number of processes can
go on from one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer
from torch.utils._pytree import tree_map_only

from descent.training.distributed import Processes


def shard_model(
    model: nn.Module, processes: Processes, dtype: torch.dtype, compile: bool = False
) -> None:
    """Share a model's weights out, in place, block by block.

    The blocks are the members of the model's own lists (``ModuleList``, ``Sequential``); what is
    in none of them, as the table of tokens, is one more block. Every process must hold the same
    weights before.

    Parameters
    ----------
    model : nn.Module
        Whole, on its device.
    processes : Processes
        More than one.
    dtype : torch.dtype
        What the blocks compute in. Their weights travel in it, and what goes into a block is
        rounded to it: at 16 bits half as much is sent, and the curve is the same to that rounding.
        Gradients are summed in float32, and each process keeps its part in float32. The rest of
        the model stays in float32 under autocast, as it does without sharding.
    compile : bool
        Whether the blocks are compiled, each by itself: what gathers the weights is not compiled.
    """
    mesh = init_device_mesh(torch.device(processes.device).type, (processes.world,))
    lower = None if dtype == torch.float32 else dtype
    policy = MixedPrecisionPolicy(
        param_dtype=lower, reduce_dtype=torch.float32, output_dtype=torch.float32
    )
    for block in _blocks(model):
        if compile:
            block.compile()
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh)


def whole(state: Any, keep: bool) -> Any:
    """Gather what is shared out in a state, to the CPU; every process must call this.

    Parameters
    ----------
    state : dict, list, Tensor, number
        As `state_dict` gives it.
    keep : bool
        Whether this process wants the result; if not, None takes the place of each such tensor.

    Returns
    -------
    Any
        The same, of whole tensors. One tensor is gathered after another, so that the device never
        holds all of them whole.
    """

    def gather(part: DTensor) -> Tensor | None:
        gathered = part.full_tensor()
        return gathered.cpu() if keep else None

    return tree_map_only(DTensor, gather, state)


def load_optimiser(optimiser: Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser what was saved, each process the part that belongs to its weights.

    Parameters
    ----------
    optimiser : Optimizer
        Of weights that are whole or shared out.
    state : dict
        Of whole tensors, as saved.

    Raises
    ------
    ValueError
        When the optimiser is of other weights.
    """
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    parts = {
        number: {name: _like(weights[number], value) for name, value in kept.items()}
        if number < len(weights)
        else kept
        for number, kept in state["state"].items()
    }
    optimiser.load_state_dict({**state, "state": parts})


def _like(weight: Tensor, value: Any) -> Any:
    """Cut a whole tensor as a weight of its shape is cut; anything else stays as it is."""
    if not isinstance(weight, DTensor) or not isinstance(value, Tensor):
        return value
    if value.shape != weight.shape:
        return value
    # Every process read the same file: each takes its part, and nothing is sent.
    there = value.to(weight.device)
    return distribute_tensor(there, weight.device_mesh, weight.placements, src_data_rank=None)


def _blocks(model: nn.Module) -> Iterator[nn.Module]:
    for part in model.children():
        if isinstance(part, nn.ModuleList | nn.Sequential):
            yield from (block for block in part if any(True for _ in block.parameters()))
