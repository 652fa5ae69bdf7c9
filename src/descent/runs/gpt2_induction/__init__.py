"""The sweep `gpt2_induction`: which heads of OpenAI's GPT-2 copy what followed before."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from descent.runs.definition.declaration import Data, Needs, Published, Run, Sweep
from descent.runs.definition.sweep import Point, Row, SweepSettings, over_seeds
from descent.training.settings import WrongSetting

INDUCTION, PREVIOUS = "induction score", "previous token score"
LOSS, CONTROL = "loss of later copies", "loss without other heads"
STARTED = 600 * 2**20  # bytes of a process with torch and transformers in it
NAMED = 5  # heads that the summary names


@dataclass(frozen=True, kw_only=True)
class InductionSettings(SweepSettings):
    """Settings of the run.

    Attributes
    ----------
    weights
        OpenAI's ``gpt2``, ``gpt2-medium``, ``gpt2-large`` or ``gpt2-xl``; or ``random``: then a
        tiny model that was never trained stands in, whose heads do nothing of the kind.
    layers, heads
        Of the model.
    period, copies, rows
        What is read: rows of so many random tokens, repeated until they stand there so often.
    together
        The best induction heads are taken out together: one, two, four, … of them, up to so many.
    """

    CHOICES: ClassVar = {"weights": ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", "random")}
    LEAST: ClassVar = {"layers": 1, "heads": 1, "period": 2, "copies": 2, "rows": 1, "together": 1}

    weights: str = "gpt2"
    layers: int = 12
    heads: int = 12
    period: int = 50
    copies: int = 2
    rows: int = 8
    together: int = 16

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if 2 * self.together > self.layers * self.heads:
            raise WrongSetting(
                f"together is {self.together}; as many others have to be left to compare with, "
                f"and {self.layers} layers have {self.layers * self.heads} heads."
            )
        self._check_sizes()

    def _check_sizes(self) -> None:
        """Refuse layers and heads that the published model does not have."""
        if self.weights == "random":
            return
        from descent.models.openai import CONTEXT, SIZES

        size = SIZES[self.weights]
        if (self.layers, self.heads) != (size.layers, size.heads):
            raise WrongSetting(
                f"weights is {self.weights}, which has layers={size.layers} and heads={size.heads}."
            )
        if 1 + self.period * self.copies > CONTEXT:
            raise WrongSetting(
                f"period is {self.period}; {self.copies} copies and one token are more than the "
                f"{CONTEXT} that {self.weights} reads at once."
            )


def points(settings: InductionSettings) -> list[Point]:
    """List what is measured: the model without each head, and without the best ones together."""
    s = settings
    groups = [1 << i for i in range(s.together.bit_length())]
    return [
        Point(values, work)
        for seed in range(s.seed, s.seed + s.seeds)
        for values, work in [
            *(
                ({"layer": layer, "head": head, "seed": seed}, 1.0)
                for layer in range(s.layers)
                for head in range(s.heads)
            ),
            *(({"together": number, "seed": seed}, 2.0) for number in (0, *groups)),
        ]
    ]


def name_of(row: Row) -> str:
    """Return what a head is called, from 0: L5H1."""
    return f"L{row['layer']}H{row['head']}"


def by_head(rows: Sequence[Row], score: str) -> dict[str, list[float]]:
    """Return a score of each head, a number for each seed; the highest mean first."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if "layer" in row:
            found.setdefault(name_of(row), []).append(row[score])
    return dict(sorted(found.items(), key=lambda item: -statistics.fmean(item[1])))


def by_number(rows: Sequence[Row], loss: str) -> dict[int, list[float]]:
    """Return a loss by how many of the best heads are out, a number for each seed."""
    found: dict[int, list[float]] = {}
    for row in rows:
        if "together" in row:
            found.setdefault(row["together"], []).append(row[loss])
    return dict(sorted(found.items()))


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Say which heads score best, and what the loss is without them, mean and spread over seeds."""
    found: dict[str, Any] = {}
    published = [number.metric for number in PUBLISHED]
    for score in (INDUCTION, PREVIOUS):
        for place, (head, values) in enumerate(by_head(rows, score).items()):
            name = f"{head} {score}"
            if place < NAMED or name in published:
                found[name] = over_seeds(values)
    for loss in (LOSS, CONTROL):
        for number, values in by_number(rows, loss).items():
            if number or loss == LOSS:
                others = f"{number} of the other heads" if loss == CONTROL else _best(number)
                found[f"{LOSS}, {others}"] = over_seeds(values)
    return found


def _best(number: int) -> str:
    return "the whole model" if not number else f"without the best {number}"


def needs(settings: InductionSettings) -> Needs:
    """Estimate the memory of a process: torch, the weights, and the attention of all layers."""
    s = settings
    time = 1 + s.period * s.copies
    weights = 12 * s.layers * (64 * s.heads) ** 2 + 50257 * 64 * s.heads
    if s.weights == "random":
        weights = 0
    attention = s.rows * s.layers * s.heads * time**2
    logits = 3 * s.rows * time * 50257
    return Needs(memory=STARTED + 4 * (weights + 2 * attention + logits), checkpoint=0)


def missing_weights(settings: InductionSettings) -> None:
    """Look for OpenAI's weights, where they are asked for.

    Raises
    ------
    NoWeights
        When they can neither be found nor fetched; says what to do.
    """
    if settings.weights != "random":
        from descent.models.openai import published_gpt2

        published_gpt2(settings.weights)


CODERAJAY = (
    "designer-coderajay, for GPT-2 small on repeated random tokens; its lengths are not given, so "
    "near is all ours can be"
)
PUBLISHED = tuple(
    Published(profile, f"{head} {INDUCTION}", value, CODERAJAY)
    for profile in ("cpu", "gpu", "slurm")
    for head, value in (
        ("L5H5", 0.932), ("L6H9", 0.913), ("L7H10", 0.910), ("L5H1", 0.908), ("L7H2", 0.833),
    )
)  # fmt: skip

RUN = Run(
    name="gpt2_induction",
    title="The induction heads of GPT-2",
    chapter="research/8",
    settings=InductionSettings,
    mine=None,
    needs=needs,
    data=Data(
        name="OpenAI's weights of GPT-2",
        size="0.5 GB for the smallest",
        licence="",
        command='python -c "from transformers import GPT2LMHeadModel as M; '
        "M.from_pretrained('gpt2')\"",
        missing=missing_weights,
    ),
    published=PUBLISHED,
    sweep=Sweep(points, summary),
)
