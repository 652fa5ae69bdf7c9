"""What several exercises of ladder/convnet draw from and compare with."""

from __future__ import annotations

import numpy as np
import torch
from torch.overrides import TorchFunctionMode


def different_values(x) -> list[float]:
    """The different numbers in a tensor, sorted: the same for every way of drawing them."""
    return np.unique(np.asarray(torch.as_tensor(x).detach()).round(3)).tolist()


class Calls(TorchFunctionMode):
    """Note the names of the torch functions that are called inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def uses(word: str, answer, *args) -> bool:
    """Whether the answer calls a function of torch whose name contains `word`."""
    with Calls() as calls:
        answer(*args)
    return any(word in name for name in calls.names)


def slid(x, weight, bias=None, steps=(1, 1)):
    """A convolution from windows, which the mistakes below are made of."""
    windows = x.unfold(2, weight.shape[2], steps[0]).unfold(3, weight.shape[3], steps[1])
    output = torch.einsum("ncijab,ocab->noij", windows, weight)
    return output if bias is None else output + bias[:, None, None]
