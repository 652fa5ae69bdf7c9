"""How much of a device's arithmetic a training uses: model FLOPs utilisation (MFU).

The operations that the model's mathematics asks for, divided by those that the devices could have
done in the same time (Chowdhery et al., 2022, "PaLM", appendix B). Work done twice, such as a
recomputed forward pass, does not count.
"""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

import torch

from descent.training.distributed import Processes
from descent.training.settings import Settings

TERA = 1e12
PEAKS = {
    "A100": 312.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H200": 989.0,
    "RTX 4090": 165.0,
}
"""TFLOP/s at 16 bits, dense, summed in float32, from NVIDIA's data sheets (the H100's and H200's
there are with sparsity, twice these). A name that is part of another comes after it."""


@runtime_checkable
class CountsOperations(Protocol):
    """A task that can say what an update costs."""

    def operations(self) -> float:
        """Return the floating-point operations of one update, over all processes."""


class Speed:
    """Measures the MFU between two readings of the loss.

    Parameters
    ----------
    task : object
        Measured when it is a `CountsOperations`.
    settings : Settings
    processes : Processes
    """

    def __init__(self, task: object, settings: Settings, processes: Processes) -> None:
        self.share_of_a_second = 0.0  # of all devices' seconds, that one update needs at the peak
        peak = settings.peak_tflops or known_peak(processes.device, settings.precision)
        if peak and isinstance(task, CountsOperations):
            self.share_of_a_second = task.operations() / (peak * TERA * processes.world)
        self.mark: tuple[int, float] | None = None

    def read(self, step: int) -> dict[str, float]:
        """Return ``{"mfu": …}`` for the updates since the last reading.

        The loss must have been read, so that a GPU is done with them. Empty where the peak or the
        cost is not known, and at the first reading after a pause.
        """
        now = time.monotonic()
        before, self.mark = self.mark, (step, now)
        if before is None or not self.share_of_a_second:
            return {}
        return {"mfu": self.share_of_a_second * (step - before[0]) / (now - before[1])}

    def pause(self) -> None:
        """Leave out what is done until the next reading: evaluating or saving is no training."""
        self.mark = None


def known_peak(device: str, precision: str) -> float:
    """Return the peak of a GPU in TFLOP/s, 0 where it is not known.

    Parameters
    ----------
    device : str
        ``cpu``, or ``cuda:`` and a number.
    precision : str
        The numbers of the forward pass; only those of 16 bits are known.
    """
    if device == "cpu" or precision == "float32":
        return 0.0
    return peak_of(torch.cuda.get_device_name(device))


def peak_of(name: str) -> float:
    """Return the 16-bit peak of a GPU by its name, in TFLOP/s; 0 for one that is not listed."""
    return next((peak for part, peak in PEAKS.items() if part in name), 0.0)
