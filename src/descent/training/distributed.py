"""Several processes that train one model: who each is, and what each takes of a batch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from descent.training.settings import WrongSetting


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes
    ----------
    rank
        Its number, from 0.
    world
        How many there are, over all machines.
    local_rank
        Its number on this machine, which is the number of its GPU.
    device
        ``cpu``, or ``cuda:`` and the number.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    device: str = "cpu"

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks for all."""
        return self.rank == 0


def start_processes(device: str) -> Processes:
    """Read from the environment who this process is, and join the others.

    Parameters
    ----------
    device : str
        ``cpu`` or ``cuda``.

    Returns
    -------
    Processes
        A single process where torchrun did not start this one.
    """
    rank, world, local_rank = (
        int(os.environ.get(name, default))
        for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
    )
    if device == "cuda":
        torch.cuda.set_device(local_rank)
        device = f"cuda:{local_rank}"
    if world > 1:
        dist.init_process_group("gloo" if device == "cpu" else "nccl")
    return Processes(rank, world, local_rank, device)


def stop_processes() -> None:
    """Leave the others, at the end."""
    if dist.is_initialized():
        dist.destroy_process_group()


def share(n: int, processes: Processes) -> range:
    """Return the part of a batch of `n` that this process takes.

    The parts are equal and in order, so the mean of the processes' means is the mean of the batch.

    Raises
    ------
    WrongSetting
        When `n` does not divide.
    """
    if n % processes.world:
        raise WrongSetting(
            f"batch_size is {n}, which does not divide among {processes.world} processes."
        )
    each = n // processes.world
    return range(processes.rank * each, (processes.rank + 1) * each)


def micro_batches(batch_size: int, micro_batch: int, processes: Processes) -> list[range]:
    """Cut this process's share into what goes through the model at once.

    Parameters
    ----------
    batch_size : int
        Examples in one update, over all processes.
    micro_batch : int
        Examples at once; 0 for the whole share.
    processes : Processes

    Returns
    -------
    list of range
        Rows of the global batch, of equal length.

    Raises
    ------
    WrongSetting
        When the batch or the share does not divide.
    """
    rows = share(batch_size, processes)
    size = micro_batch or len(rows)
    if len(rows) % size:
        raise WrongSetting(
            f"micro_batch is {micro_batch}, which does not divide the {len(rows)} examples "
            f"that each of {processes.world} processes takes of batch_size = {batch_size}."
        )
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def mean_over(values: torch.Tensor, processes: Processes) -> torch.Tensor:
    """Average a tensor over the processes; every one of them must call this.

    Parameters
    ----------
    values : Tensor
        Of one shape and type in all of them.

    Returns
    -------
    Tensor
        The mean, the same in every process.
    """
    if processes.world == 1:
        return values
    total = values.clone()
    dist.all_reduce(total)  # gloo can only sum
    return total / processes.world


def gathered(values: torch.Tensor, processes: Processes, dim: int = 0) -> torch.Tensor:
    """Put the tensors of all processes together, in their order; every one must call this.

    Parameters
    ----------
    values : Tensor
        Of one shape and type in all of them.
    processes : Processes
    dim : int
        Along which they are put together.
    """
    if processes.world == 1:
        return values
    sent = values.contiguous()
    sent = sent.view(torch.uint8) if sent.dtype == torch.bool else sent  # which gloo cannot send
    parts = [torch.empty_like(sent) for _ in range(processes.world)]
    dist.all_gather(parts, sent)
    return torch.cat(parts, dim=dim).to(values.dtype)


def gathered_objects(values: list[Any], processes: Processes) -> list[Any]:
    """Put the lists of all processes together, in their order; every one must call this."""
    if processes.world == 1:
        return values
    parts: list[list[Any]] = [[] for _ in range(processes.world)]
    dist.all_gather_object(parts, values)
    return [value for part in parts for value in part]


@contextmanager
def first_before_others() -> Iterator[None]:
    """Let the first process go through some code alone, and the others after it.

    What it makes there, the others find; every one of them must come here.
    """
    waits = dist.is_initialized() and dist.get_rank() > 0
    if waits:
        dist.barrier()
    yield
    if dist.is_initialized() and not waits:
        dist.barrier()


def say_to_all(value: int | None, processes: Processes) -> int | None:
    """Return what the first process says; every one of them must call this."""
    if processes.world == 1:
        return value
    said = [value]
    dist.broadcast_object_list(said, src=0)
    return said[0]
