"""The sweep `batch_size_sweep`: updates to a target loss against batch size, and the knee."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from descent.runs.definition.declaration import Needs, Run, Sweep
from descent.runs.definition.digits import MNIST
from descent.runs.definition.sweep import Point, Row, SweepSettings, over_seeds
from descent.training.settings import WrongSetting

UPDATES, EXAMPLES = "updates", "examples"
STARTED = 800 * 2**20  # bytes of a process with torch and the pictures in it
LEAST_BATCHES = 4  # that reached the target, for a fit of two numbers


@dataclass(frozen=True, kw_only=True)
class BatchSizeSettings(SweepSettings):
    """Settings of the run.

    Attributes
    ----------
    batch, batches
        The smallest batch, and how many: each is twice the one before.
    rate, rates
        The smallest learning rate of plain SGD, and how many: each is twice the one before. Every
        batch is trained with every rate; what counts is the one that needs the fewest updates.
    target
        The loss that has to be reached, in nats, on the pictures that are held out.
    most_updates, most_examples
        A training is given up after so many updates, and as many more as it takes to see so many
        examples.
    width
        Units of the hidden layer.
    held_out
        How many pictures, the last of MNIST's training set, the loss is measured on.
    digits
        ``mnist``, or ``any``: then scikit-learn's small digits stand in where it is not there.
    """

    CHOICES: ClassVar = {"digits": ("mnist", "any")}
    LEAST: ClassVar = {"batch": 1, "batches": 1, "rates": 1, "width": 1, "held_out": 1}

    batch: int = 4
    batches: int = 10
    rate: float = 0.01
    rates: int = 7
    target: float = 0.25
    most_updates: int = 400
    most_examples: int = 20_000
    width: int = 32
    held_out: int = 2_000
    digits: str = "mnist"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        for name in ("rate", "target"):
            if not getattr(self, name):
                raise WrongSetting(f"{name} is 0; it is above that.")


def most(settings: BatchSizeSettings, batch: int) -> int:
    """Return after how many updates a training is given up."""
    return settings.most_updates + settings.most_examples // batch


def points(settings: BatchSizeSettings) -> list[Point]:
    """List the trainings: every batch with every rate, from every seed."""
    s = settings
    return [
        Point(
            {"batch": s.batch << i, "rate": s.rate * 2**j, "seed": seed},
            work=(s.most_updates + s.most_examples / (s.batch << i)) * (50 + (s.batch << i)),
        )
        for seed in range(s.seed, s.seed + s.seeds)
        for i in range(s.batches)
        for j in range(s.rates)
    ]


def best_rates(rows: Sequence[Row]) -> dict[int, float]:
    """Choose a rate for each batch: the one with the fewest updates, as the mean over the seeds.

    A rate with which some seed missed the target is not chosen, and a batch without any is left
    out.
    """
    same: dict[tuple[int, float], list[float | None]] = {}
    for row in rows:
        same.setdefault((row["batch"], row["rate"]), []).append(row[UPDATES])
    chosen: dict[int, tuple[float, float]] = {}
    for (batch, rate), updates in sorted(same.items()):
        reached = [number for number in updates if number is not None]
        if len(reached) == len(updates):
            mean = statistics.fmean(reached)
            if batch not in chosen or mean < chosen[batch][0]:
                chosen[batch] = (mean, rate)
    return {batch: rate for batch, (_, rate) in chosen.items()}


def critical_batch(updates: Mapping[int, float]) -> tuple[float, float]:
    """Fit updates = fewest · (1 + critical / batch), by least squares of the logarithms.

    Parameters
    ----------
    updates : mapping
        Updates by batch.

    Returns
    -------
    critical : float
        From a thousandth of the smallest batch to a thousand times the largest.
    fewest : float
    """
    logs = {batch: math.log(number) for batch, number in updates.items()}

    def misfit(log_critical: float) -> tuple[float, float]:
        """Return the spread around the best curve of this knee, and the curve's floor."""
        gaps = [log - math.log1p(math.exp(log_critical) / batch) for batch, log in logs.items()]
        return statistics.pvariance(gaps), statistics.fmean(gaps)

    low, high = math.log(min(updates) / 1000), math.log(max(updates) * 1000)
    for _ in range(6):  # a finer net each time, around the best so far
        step = (high - low) / 40
        best = min((low + i * step for i in range(41)), key=lambda at: misfit(at)[0])
        low, high = best - step, best + step
    return math.exp(best), math.exp(misfit(best)[1])


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Say where the knee is: the fit for each seed by itself, then mean and spread over them."""
    rates = best_rates(rows)
    if len(rates) < LEAST_BATCHES:
        return {}
    fits = []
    for seed in dict.fromkeys(row["seed"] for row in rows):
        kept = {row["batch"]: row[UPDATES] for row in rows
                if row["seed"] == seed and rates.get(row["batch"]) == row["rate"]}  # fmt: skip
        if len(kept) == len(rates):
            fits.append(critical_batch(kept))
    if not fits:
        return {}
    critical, fewest = zip(*fits, strict=True)
    return {
        "critical batch": over_seeds(list(critical)),
        "fewest updates": over_seeds(list(fewest)),
        "fewest examples": over_seeds([c * f for c, f in fits]),
    }


def needs(settings: BatchSizeSettings) -> Needs:
    """Estimate the memory of a process: torch, the pictures, and the largest batch."""
    batch = settings.batch << (settings.batches - 1)
    return Needs(memory=STARTED + batch * 4 * (784 + 4 * settings.width), checkpoint=0)


RUN = Run(
    name="batch_size_sweep",
    title="How many updates a batch size needs, on handwritten digits",
    chapter="research/4",
    settings=BatchSizeSettings,
    mine=None,
    needs=needs,
    data=MNIST,
    sweep=Sweep(points, summary),
)
