"""Batch norm whose statistics are of the whole batch, however many processes share it."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def share_statistics(model: nn.Module) -> nn.Module:
    """Let every batch norm of a model normalise by all processes' rows, not by this one's alone.

    Without it the curve would depend on the number of processes. PyTorch's own ``SyncBatchNorm``
    does the same and only on GPUs; this one works wherever the processes can sum a tensor.

    Parameters
    ----------
    model : nn.Module
        Its batch norms are replaced in place, with their weights and names. A norm of the learner's
        own making is left as it is.

    Returns
    -------
    nn.Module
        The model; unchanged where there is one process.
    """
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return model
    for name, part in model.named_children():
        if isinstance(part, _BatchNorm):
            setattr(model, name, SharedBatchNorm(part))
        else:
            share_statistics(part)
    return model


class SharedBatchNorm(nn.Module):
    """A batch norm over the rows of all processes.

    Parameters
    ----------
    norm : nn.BatchNorm1d, 2d or 3d
        Its weights and running statistics are taken over, as they are.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.momentum = norm.momentum
        for name, weight in norm.named_parameters():
            self.register_parameter(name, weight)
        for name, count in norm.named_buffers():
            self.register_buffer(name, count)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; channels are dimension 1, and every process must call this alike."""
        if self.training or not hasattr(self, "running_mean"):
            axes = [axis for axis in range(x.dim()) if axis != 1]
            wide = x.float()
            mean = _mean_of_all(wide.mean(axes))
            variance = _mean_of_all((wide - _along(mean, x)).square().mean(axes))
            if self.training:
                self._count(mean.detach(), variance.detach(), x.numel() // x.shape[1])
        else:
            mean, variance = self.running_mean, self.running_var
        scale = torch.rsqrt(variance + self.eps)
        shift = -mean * scale
        if hasattr(self, "weight"):
            scale, shift = scale * self.weight, shift * self.weight + self.bias
        return (x * _along(scale, x) + _along(shift, x)).to(x.dtype)

    @torch.no_grad()
    def _count(self, mean: Tensor, variance: Tensor, here: int) -> None:
        """Move the running statistics, as PyTorch's batch norm does: the variance unbiased."""
        if not hasattr(self, "running_mean"):
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        n = here * dist.get_world_size()
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * (n / (n - 1)), share)


def _along(values: Tensor, x: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (x.dim() - 2))


def _mean_of_all(values: Tensor) -> Tensor:
    return _Mean.apply(values)


class _Mean(torch.autograd.Function):
    """The mean over the processes; its gradient is the mean of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return _average(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _average(gradient)


def _average(values: Tensor) -> Tensor:
    total = values.clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()
