"""A sweep: a run of many small trainings, one for each point of a grid of settings and seeds."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from descent.training.settings import RunSettings, WrongSetting

Row = dict[str, Any]
"""What one training was and came to: the point's values, its numbers, ``seconds``."""


@dataclass(frozen=True)
class Point:
    """One training of a sweep.

    Attributes
    ----------
    values
        What makes it differ from the others, by name: ``{"width": 8, "seed": 1}``.
    work
        How much there is to do, in any unit that all points of the sweep share: time left is
        estimated by it.
    """

    values: Mapping[str, int | float]
    work: float = 1.0

    @property
    def name(self) -> str:
        """What it is called, and its file: ``width=8,seed=1``."""
        return ",".join(f"{name}={value}" for name, value in self.values.items())


@dataclass(frozen=True, kw_only=True)
class SweepSettings(RunSettings):
    """What a sweep is told.

    Each point of the grid is trained from `seeds` seeds. Trainings share nothing, so `processes` is
    how many are made at a time on a machine, and changes no result; 0 is one for each core. With
    `where` slurm the trainings are dealt out to `nodes` jobs of an array, of `processes` each.
    """

    LEAST: ClassVar[Mapping[str, float]] = {"processes": 0}

    processes: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.where == "slurm" and not self.processes:
            raise WrongSetting("processes is 0; a cluster has to be told how many cores a job has.")

    @property
    def workers(self) -> int:
        """Trainings that are made at a time on this machine."""
        return self.processes or cores()


def cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # a job of a cluster may have some of a machine's
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def over_seeds(values: list[float]) -> Any:
    """Return the number itself where there is one, else ``mean``, ``std`` and ``n``.

    The spread is the sample's standard deviation, with n - 1.
    """
    if len(values) == 1:
        return values[0]
    spread = statistics.stdev(values)
    return {"mean": statistics.fmean(values), "std": spread, "n": len(values)}
