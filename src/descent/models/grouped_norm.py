"""Batch norm over groups of fixed size, so that several processes normalise as one does.

Batch norm ties the rows of a batch together. Were each process to normalise its own share, the
gradient would depend on how many processes there are. Here the statistics are of groups of so many
rows ("ghost batches", Hoffer et al., 2017), and a share is a whole number of groups. It is also
what the published recipes do: 32 pictures a GPU, each GPU by itself (Goyal et al., 2017).
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn


class GroupedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` whose statistics, while training, are of groups of rows.

    The running statistics move only when `settle` is called, once for each update of the weights,
    by the mean over the groups of the whole batch.

    Parameters
    ----------
    features : int
        Channels.
    rows : int
        Rows of a group; the last group of an input has what is left.
    eps, momentum : float
        As in `BatchNorm2d`.
    """

    sums: Tensor
    groups: Tensor

    def __init__(self, features: int, rows: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(features, eps, momentum)
        self.rows = rows
        # What `settle` is still to take in: sums of means and variances, and of how many groups.
        self.register_buffer("sums", torch.zeros(2, features), persistent=False)
        self.register_buffer("groups", torch.zeros(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, channels, height, width) to the same."""
        if not self.training:
            return super().forward(x)
        parts = x.split(self.rows)
        seen = torch.zeros(len(parts), *self.sums.shape, device=x.device)
        # A momentum of 1 leaves a group's own mean and variance in the two tensors it is given.
        normal = [
            F.batch_norm(part, mean, variance, self.weight, self.bias, True, 1.0, self.eps)
            for part, (mean, variance) in zip(parts, seen, strict=True)
        ]
        self.sums += seen.sum(dim=0)
        self.groups += len(parts)
        return normal[0] if len(normal) == 1 else torch.cat(normal)


def grouped(model: nn.Module, rows: int) -> nn.Module:
    """Put a `GroupedBatchNorm2d` in the place of every `BatchNorm2d`, with its weights.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    rows : int
        Rows of a group.

    Returns
    -------
    nn.Module
        The model.
    """
    made: dict[nn.Module, GroupedBatchNorm2d] = {}
    for parent in list(model.modules()):
        for name, child in parent._modules.items():  # each name, of one used twice as well
            if type(child) is nn.BatchNorm2d and child.affine and child.track_running_stats:
                made.setdefault(child, _like(child, rows))
                setattr(parent, name, made[child])
    return model


@torch.no_grad()
def settle(model: nn.Module) -> None:
    """Move the running statistics by what the groups of one update had, over all processes.

    Every process calls this after the last forward pass of an update.
    """
    norms = [module for module in model.modules() if isinstance(module, GroupedBatchNorm2d)]
    if not norms:
        return
    waiting = [part for norm in norms for part in (norm.sums.view(-1), norm.groups)]
    flat = torch.cat(waiting)
    if dist.is_initialized():
        dist.all_reduce(flat)
    for norm, total in zip(norms, flat.split([2 * n.num_features + 1 for n in norms]), strict=True):
        groups = total[-1:]
        mean, variance = (total[:-1] / groups.clamp(min=1)).view(2, -1)
        moves = (norm.momentum or 0.0) * (groups > 0)  # what was not used stays
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.lerp_(mean, moves)
        norm.running_var.lerp_(variance, moves)
    torch._foreach_zero_(waiting)


def _like(norm: nn.BatchNorm2d, rows: int) -> GroupedBatchNorm2d:
    momentum = 0.1 if norm.momentum is None else norm.momentum
    new = GroupedBatchNorm2d(norm.num_features, rows, norm.eps, momentum)
    new.load_state_dict(norm.state_dict())
    return new.to(norm.weight.device).train(norm.training)
