"""The sweep `mnist_scaling`: a scaling study. One epoch for each width, set size and seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from descent.runs.definition.declaration import Needs, Run, Sweep
from descent.runs.definition.digits import MNIST
from descent.runs.definition.sweep import Point, Row, SweepSettings, over_seeds
from descent.runs.mnist_scaling.sizes import forward_flops, parameters
from descent.training.settings import WrongSetting

LOSS, ACCURACY, FLOPS = "validation loss", "validation accuracy", "training flops"
STARTED = 600 * 2**20  # bytes of a process with torch and the pictures in it


@dataclass(frozen=True, kw_only=True)
class ScalingSettings(SweepSettings):
    """Settings of the run.

    Attributes
    ----------
    width, widths
        The smallest width, and how many: each is √2 times the one before, rounded, so that the
        computation for a picture doubles.
    pictures, halvings
        The largest training set, and how often it is halved. Each is trained on for one epoch.
    dropout
        All is trained without dropout and, if this is not 0, once more with it.
    batch_size
        Pictures in an update.
    learning_rate
        Of Adam, divided for each layer by √fan_in; it falls in a line to 0 over the epoch.
    held_out
        How many pictures, the last of MNIST's training set, loss and accuracy are measured on.
    digits
        ``mnist``, or ``any``: then scikit-learn's small digits stand in where it is not there.
    """

    CHOICES: ClassVar = {"digits": ("mnist", "any")}
    LEAST: ClassVar = {"width": 1, "widths": 1, "batch_size": 1, "held_out": 1}
    SHARES: ClassVar = ("dropout",)

    width: int = 2
    widths: int = 8
    pictures: int = 50_000
    halvings: int = 5
    dropout: float = 0.2
    batch_size: int = 32
    learning_rate: float = 0.15
    held_out: int = 10_000
    digits: str = "mnist"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.pictures >> self.halvings < self.batch_size:
            raise WrongSetting(
                f"halvings is {self.halvings}, which leaves {self.pictures >> self.halvings} "
                f"pictures of {self.pictures}, less than a batch of {self.batch_size}."
            )


def points(settings: ScalingSettings) -> list[Point]:
    """List the trainings: every width with every set, without and with dropout, from every seed."""
    s = settings
    widths = list(dict.fromkeys(round(s.width * math.sqrt(2) ** i) for i in range(s.widths)))
    sets = [s.pictures >> i for i in range(s.halvings + 1)]
    dropouts = [0.0, s.dropout] if s.dropout else [0.0]
    return [
        Point(
            {"width": width, "pictures": pictures, "dropout": dropout, "seed": seed},
            work=_work(width, pictures, s),
        )
        for seed in range(s.seed, s.seed + s.seeds)
        for dropout in dropouts
        for width in widths
        for pictures in sets
    ]


def _work(width: int, pictures: int, settings: ScalingSettings) -> float:
    """Estimate the time of a training: its operations, and what an update takes besides."""
    forward = forward_flops(width)
    updates = pictures / settings.batch_size
    return forward * (3 * pictures + settings.held_out) + updates * 2e7


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Say what the study came to: for each seed by itself, then their mean and spread.

    Of each dropout: the loss and the accuracy of the largest network on the largest set; the
    exponent of the loss along the compute-efficient frontier; that of the best width's number of
    parameters against compute.
    """
    found: dict[str, Any] = {}
    for dropout in dict.fromkeys(row["dropout"] for row in rows):
        kept = [row for row in rows if row["dropout"] == dropout]
        largest = max(row[FLOPS] for row in kept)
        last = [row for row in kept if row[FLOPS] == largest]
        frontiers = [frontier(some) for some in _by_seed(kept)]
        fitted = [points for points in frontiers if len(points) > 2]
        numbers = {
            LOSS: [row[LOSS] for row in last],
            ACCURACY: [row[ACCURACY] for row in last],
            "exponent of the loss against compute": [_slope(part, LOSS) for part in fitted],
            "exponent of the best size against compute": [
                _slope(part, "parameters") for part in fitted
            ],
        }
        for name, values in numbers.items():
            if values:
                found[f"dropout {dropout}, {name}"] = over_seeds(values)
    return found


def frontier(rows: Sequence[Row]) -> list[Row]:
    """Return the trainings that no other beats with as little compute, the cheapest first."""
    best: list[Row] = []
    for row in sorted(rows, key=lambda row: (row[FLOPS], row[LOSS])):
        if not best or row[LOSS] < best[-1][LOSS]:
            best.append(row)
    return best


def _by_seed(rows: Sequence[Row]) -> Iterator[list[Row]]:
    for seed in dict.fromkeys(row["seed"] for row in rows):
        yield [row for row in rows if row["seed"] == seed]


def _slope(rows: Sequence[Row], name: str) -> float:
    """Fit a line to the logarithms by least squares."""
    flops = [math.log(row[FLOPS]) for row in rows]
    return statistics.linear_regression(flops, [math.log(row[name]) for row in rows]).slope


def needs(settings: ScalingSettings) -> Needs:
    """Estimate the memory of a process: torch, the pictures, and measuring a thousand of them."""
    widest = settings.width * math.sqrt(2) ** (settings.widths - 1)
    measured = 1000 * 4 * int(4 * widest * 14 * 14)
    return Needs(memory=STARTED + measured + 16 * parameters(round(widest)), checkpoint=0)


RUN = Run(
    name="mnist_scaling",
    title="A scaling study on handwritten digits",
    chapter="research/2",
    settings=ScalingSettings,
    mine=None,
    needs=needs,
    data=MNIST,
    sweep=Sweep(points, summary),
)
