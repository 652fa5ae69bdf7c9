"""Which examples a step's batch has, where each is shown once in an epoch."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.training.randomness import generator


class Epochs:
    """Batches of numbers below `count`, in an order of its own for each epoch.

    What is left over at the end of an epoch, less than a batch, is not shown in it.

    Parameters
    ----------
    count : int
        How many examples there are, a batch at least.
    batch_size : int
    seed : int
        The orders follow from it and the epoch alone.
    device : str
        Where the numbers are put.
    """

    def __init__(self, count: int, batch_size: int, seed: int, device: str = "cpu") -> None:
        self.count, self.batch_size, self.seed, self.device = count, batch_size, seed, device
        self.batches = count // batch_size
        self._epoch, self._order = -1, torch.empty(0)

    def picked(self, step: int, rows: range) -> Tensor:
        """Return the numbers of some rows of a step's batch: (rows,)."""
        first = step % self.batches * self.batch_size
        return self.order(step // self.batches)[first + rows.start : first + rows.stop]

    def order(self, epoch: int) -> Tensor:
        """Return the order of all in an epoch: (count,)."""
        if epoch != self._epoch:
            drawn = generator(self.seed, epoch).permutation(self.count)
            self._epoch, self._order = epoch, torch.from_numpy(drawn).to(self.device)
        return self._order
