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

    mean_sum: Tensor
    variance_sum: Tensor
    groups: Tensor

    def __init__(self, features: int, rows: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(features, eps, momentum)
        self.rows = rows
        for name in ("mean_sum", "variance_sum"):
            self.register_buffer(name, torch.zeros(features), persistent=False)
        self.register_buffer("groups", torch.zeros(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, channels, height, width) to the same."""
        if not self.training:
            return super().forward(x)
        groups = [self._normalise(group) for group in x.split(self.rows)]
        return groups[0] if len(groups) == 1 else torch.cat(groups)

    def _normalise(self, group: Tensor) -> Tensor:
        # A momentum of 1 leaves the group's own statistics in the two tensors.
        mean, variance = torch.zeros_like(self.mean_sum), torch.zeros_like(self.variance_sum)
        y = F.batch_norm(group, mean, variance, self.weight, self.bias, True, 1.0, self.eps)
        self.mean_sum += mean
        self.variance_sum += variance
        self.groups += 1
        return y


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
    sums = [part for norm in norms for part in (norm.mean_sum, norm.variance_sum, norm.groups)]
    flat = torch.cat(sums)
    if dist.is_initialized():
        dist.all_reduce(flat)
    for norm, total in zip(norms, flat.split([2 * n.num_features + 1 for n in norms]), strict=True):
        mean, variance, groups = total.split([norm.num_features, norm.num_features, 1])
        moves = (norm.momentum or 0.0) * (groups > 0)  # what was not used stays
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.lerp_(mean / groups.clamp(min=1), moves)
        norm.running_var.lerp_(variance / groups.clamp(min=1), moves)
    torch._foreach_zero_(sums)


def _like(norm: nn.BatchNorm2d, rows: int) -> GroupedBatchNorm2d:
    momentum = 0.1 if norm.momentum is None else norm.momentum
    new = GroupedBatchNorm2d(norm.num_features, rows, norm.eps, momentum)
    new.load_state_dict(norm.state_dict())
    return new.to(norm.weight.device).train(norm.training)
