"""The settings every run has, and those of every training. A run adds its own fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from descent.errors import CourseError


class WrongSetting(CourseError):
    """A setting has a value it cannot have; the message names it."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What every run is told: where it runs, and from what its randomness follows.

    A run's class says what its own settings may be: in `CHOICES` where only a few words are
    possible; in `LEAST` and `MOST` the bounds of numbers, from 0 where there are none; in `SHARES`
    the numbers from 0 to below 1. What it inherits holds as well. What concerns two settings at
    once it checks in ``__post_init__``, after this class's.

    Attributes
    ----------
    seed
        What all randomness follows from.
    seeds
        How many trainings that differ in nothing else; each takes the next seed.
    device
        ``cpu`` or ``cuda``.
    processes, nodes
        Processes on each machine, and machines.
    where
        ``here`` or ``slurm``.
    partition, hours
        For Slurm: where the job queues (empty for the cluster's own choice), and the time asked.
    model
        ``ours`` or ``mine``.
    """

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "device": ("cpu", "cuda"),
        "where": ("here", "slurm"),
        "model": ("ours", "mine"),
    }
    LEAST: ClassVar[Mapping[str, float]] = {"seeds": 1, "processes": 1, "nodes": 1}
    MOST: ClassVar[Mapping[str, float]] = {}
    SHARES: ClassVar[tuple[str, ...]] = ()

    seed: int = 0
    seeds: int = 1
    device: str = "cpu"
    processes: int = 1
    nodes: int = 1
    where: str = "here"
    partition: str = ""
    hours: float = 4.0
    model: str = "ours"

    def __post_init__(self) -> None:
        """Refuse what no run can do, by the setting's name."""
        self._check_each()
        if self.nodes > 1 and self.where == "here":
            raise WrongSetting("nodes is more than 1, which needs where=slurm.")

    @property
    def world(self) -> int:
        """Processes, of all nodes together."""
        return self.processes * self.nodes

    def _check_each(self) -> None:
        """Refuse a value that its setting can never have."""
        for name, choices in self._declared("CHOICES").items():
            if getattr(self, name) not in choices:
                words = " or ".join(choices)
                raise WrongSetting(f"{name} is {getattr(self, name)!r}; it can be {words}.")
        least, most = self._declared("LEAST"), self._declared("MOST")
        shares = {name for kind in type(self).__mro__ for name in vars(kind).get("SHARES", ())}
        for name, value in vars(self).items():
            if not isinstance(value, int | float):
                continue
            if value < least.get(name, 0):
                raise WrongSetting(f"{name} is {value}; the least is {least.get(name, 0)}.")
            if value > most.get(name, value):
                raise WrongSetting(f"{name} is {value}; the most is {most[name]}.")
            if name in shares and value >= 1:
                raise WrongSetting(f"{name} is {value}; it is a share, from 0 to below 1.")

    def _declared(self, what: str) -> dict[str, Any]:
        """Put together what this class and those it derives from declare."""
        kinds = reversed(type(self).__mro__)
        return {name: value for kind in kinds for name, value in vars(kind).get(what, {}).items()}


@dataclass(frozen=True, kw_only=True)
class Settings(RunSettings):
    """What a training is told.

    Several seeds are trained one after another; each has its own curve.

    Attributes
    ----------
    steps
        Updates of the weights; 0 to evaluate the model as it begins.
    batch_size
        Examples in one update, over all processes together.
    micro_batch
        Examples a process takes through the model at once; 0 for its whole share. A smaller
        number needs less memory, and gives the same update.
    precision
        ``float32``, ``bfloat16`` or ``float16``: the numbers that the forward pass works in.
    compile
        Whether the model is compiled first. It takes a minute, and pays in long trainings.
    graphs
        Whether a compiled model's kernels are recorded as CUDA graphs and replayed: one launch
        where there were many. It pays where a step takes a few milliseconds.
    rehearse
        Updates made before the clock starts, and taken back: compiling, recording graphs and a
        GPU's own start are then not counted as training.
    clip
        The norm that the gradient is cut down to; 0 for no clipping.
    average
        Share that a moving average of the weights keeps at each update, such as 0.999; 0 for none.
        Where there is one, it is what is evaluated.
    shard
        ``none``: every process keeps all weights (DDP). ``full``: each keeps its part of weights,
        gradients and optimiser, and they are gathered block by block when needed (FSDP2). The
        curve is the same to what `precision` rounds off, and so are the checkpoints; with one
        process there is nothing to share out.
    peak_tflops
        What a device can do at most with the numbers of `precision`, in 10¹² operations a second,
        for the share that is used (MFU). 0 for the known number of a known GPU.
    log_every, evaluate_every, checkpoint_every
        In steps; 0 for never. The last step is always evaluated and saved.
    """

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "precision": ("float32", "bfloat16", "float16"),
        "shard": ("none", "full"),
    }
    LEAST: ClassVar[Mapping[str, float]] = {
        "batch_size": 1,
        "log_every": 1,
    }
    SHARES: ClassVar[tuple[str, ...]] = ("average",)

    steps: int
    batch_size: int
    micro_batch: int = 0
    precision: str = "float32"
    compile: bool = False
    graphs: bool = False
    rehearse: int = 0
    clip: float = 0.0
    average: float = 0.0
    shard: str = "none"
    peak_tflops: float = 0.0
    log_every: int = 1
    evaluate_every: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        """Refuse what no training can do, by the setting's name."""
        super().__post_init__()
        if self.precision == "float16" and self.device == "cpu":
            raise WrongSetting("precision is float16, which is for GPUs; a CPU takes bfloat16.")
        if self.shard == "full" and self.average:
            raise WrongSetting(
                f"average is {self.average}, and shard is full: a moving average is kept whole in "
                "every process. Take average=0, or shard=none."
            )
        if self.shard == "full" and self.precision == "float16":
            raise WrongSetting(
                "precision is float16, and shard is full: no process sees all gradients, which "
                "float16's scaling needs. Take precision=bfloat16, or shard=none."
            )

    @property
    def rows(self) -> int:
        """Rows of a batch that a process takes through the model at once, at the most."""
        return self.micro_batch or -(-self.batch_size // self.world)

    def check_groups(self, norm_rows: int) -> None:
        """Refuse groups of `norm_rows` rows that would not be whole in every process.

        Raises
        ------
        WrongSetting
            By the name of ``norm_rows``, which a run with batch norm has among its settings.
        """
        if self.rows % norm_rows:
            raise WrongSetting(
                f"norm_rows is {norm_rows}, which does not divide the {self.rows} pictures "
                "that a process takes at once. A divisor gives the same curve on any number of "
                "processes."
            )
