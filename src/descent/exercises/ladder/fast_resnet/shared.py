"""What several exercises of ladder/fast_resnet draw from and compare with."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from descent.grading import Draw

SAME_MAX = "the larger of two numbers does not depend on their order"


class Places(TorchFunctionMode):
    """Counts tensors that were made without naming a device, and what left the device.

    `unnamed` are index and random tensors, `filled` others, which may still be moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unnamed = self.filled = self.arrays = self.reads = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.arange, torch.randperm, torch.randint):
            self.unnamed += kwargs.get("device") is None
        if function in (torch.zeros, torch.ones, torch.empty, torch.full, torch.linspace):
            self.filled += kwargs.get("device") is None
        name = getattr(function, "__name__", "")
        self.arrays += name in ("numpy", "__array__")
        self.reads += name in ("item", "tolist", "__int__", "__float__", "__bool__", "__index__")
        return function(*args, **kwargs)


def shifted(images: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """One pixel after the other."""
    result = np.zeros_like(images)
    n, _, height, width = images.shape
    for i, y, x in itertools.product(range(n), range(height), range(width)):
        row, column = y - offsets[i, 0], x - offsets[i, 1]
        if 0 <= row < height and 0 <= column < width:
            result[i, :, y, x] = images[i, :, row, column]
    return result


READS = {"item", "tolist", "numpy", "cpu", "__float__", "__int__", "__bool__", "__index__",
         "__array__", "__format__", "__repr__"}  # fmt: skip


class Reads(TorchFunctionMode):
    """Counts what makes the CPU wait for a number of the device, from the first step to the last.

    Before and after, the grader itself reads what it hands over.
    """

    def __init__(self, optimiser: Stepping) -> None:
        super().__init__()
        self.steps = optimiser.rates
        self.since_step = self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        places = map(str, (*args[1:], *(kwargs or {}).values()))
        if self.steps and (name in READS or (name == "to" and "cpu" in places)):
            self.since_step += 1
        elif name == "backward":
            self.count += self.since_step
            self.since_step = 0
        return function(*args, **(kwargs or {}))


class Watched(nn.Module):
    """A convolution and a linear layer; it notes how it was used."""

    def __init__(self, draw: Draw | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.linear = nn.Linear(2, 3)
        with torch.no_grad():
            for parameter in self.parameters():
                numbers = draw.normal(*parameter.shape) if draw else np.zeros(parameter.shape)
                parameter.copy_(torch.tensor(numbers))
        self.shown: list[Tensor] = []
        self.pooled: list[Tensor] = []
        self.logits: list[Tensor] = []
        self.uses: list[tuple[Any, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            return self._noted(x)

    def _noted(self, x: Tensor) -> Tensor:
        last = torch.channels_last
        self.uses.append((
            sum(part.training for part in self.modules()),
            torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16,
            x.is_contiguous(memory_format=last),
            self.conv.weight.is_contiguous(memory_format=last),
        ))  # fmt: skip
        self.shown.append(x.detach().clone().contiguous())
        pooled = self.conv(x).mean((2, 3))
        logits = self.linear(pooled)
        self.pooled.append(pooled.detach().clone())
        self.logits.append(logits.detach().clone())
        return logits

    def __deepcopy__(self, memo: dict) -> Watched:
        twin = Watched()  # the notes hold graphs, which cannot be copied
        twin.load_state_dict(self.state_dict())
        return twin.train(self.training)


class Stepping(torch.optim.Optimizer):
    """Plain descent of two groups that notes the rates of each step; a copy is itself.

    The first use of torch's own optimisers in a process takes seconds; a check has less.
    """

    def __init__(self, model: Watched) -> None:
        self.param_groups = [
            {"params": list(layer.parameters()), "lr": 123.0}
            for layer in (model.conv, model.linear)
        ]
        self.defaults, self.state = {"lr": 123.0}, {}  # type: ignore[assignment]
        self.rates: list[float] = []
        self.second_rates: list[float] = []

    def zero_grad(self, set_to_none: bool = True) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        with torch._C.DisableTorchFunction(), torch.no_grad():
            for group, rates in zip(
                self.param_groups, (self.rates, self.second_rates), strict=True
            ):
                rates.append(float(group["lr"]))
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter.sub_(group["lr"] * parameter.grad)

    def __deepcopy__(self, memo: dict) -> Stepping:
        return self
