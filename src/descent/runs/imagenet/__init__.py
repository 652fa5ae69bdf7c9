"""The run `imagenet`: ResNet-50 on ImageNet, by the standard recipe and by a stronger one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from descent.data.imagenet import (
    CLASSES,
    COMMAND,
    LICENCE,
    SIZE,
    missing_imagenet,
    prepare_imagenet,
)
from descent.runs.definition.declaration import Data, Needs, Published, Run
from descent.training.settings import Settings, WrongSetting

GENERATED_CLASSES = 10
BYTES_OF_A_WEIGHT = 12  # itself, its gradient, and the momentum, in float32


@dataclass(frozen=True, kw_only=True)
class ImageNetSettings(Settings):
    """Settings of the run.

    Attributes
    ----------
    pictures
        ``imagenet``, or ``generated``: ten classes of shapes, made here.
    each
        Generated pictures of each class to train on.
    blocks, width
        The network: bottlenecks in each stage, and channels inside the first stage's. ResNet-50
        has ``3 4 6 3`` and 64. The learner's own model has its own.
    side, first_side, grown
        Pixels that the network trains on, each way; what it begins with (0 for the same); and the
        share of the training after which it has come to `side`, by steps of 32.
    least_area
        The least share of a picture that a random crop takes.
    learning_rate, momentum, weight_decay
        Of SGD.
    decay_all
        Whether gains and biases decay as well, as in the standard recipe.
    schedule
        ``steps``: a tenth after each third of the training; ``cosine``: half a cosine, to 0.
    warm_up
        Steps in which the rate rises first.
    smoothing
        Share of the target that is spread over all classes.
    mixup
        α of the Beta distribution that two pictures are mixed by; 0 for none.
    norm_rows
        Rows whose mean and variance batch norm takes together.
    window
        Shards whose pictures are mixed; 0 for all. Fewer are kinder to slow disks.
    workers
        Threads of each process that decode; 0 for its share of the cores.
    evaluation_batch, evaluation_resize, evaluation_side
        Of the evaluation: pictures at once, their shorter side, and the middle that is seen.
    """

    CHOICES: ClassVar = {"pictures": ("imagenet", "generated"), "schedule": ("steps", "cosine")}
    LEAST: ClassVar = {
        "each": 1,
        "width": 1,
        "side": 32,
        "norm_rows": 1,
        "evaluation_batch": 1,
        "evaluation_side": 1,
    }
    MOST: ClassVar = {"grown": 1, "least_area": 1}
    SHARES: ClassVar = ("smoothing", "momentum")

    pictures: str = "imagenet"
    each: int = 200
    blocks: str = "3 4 6 3"
    width: int = 64
    side: int = 224
    first_side: int = 0
    grown: float = 0.8
    least_area: float = 0.08
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    decay_all: bool = True
    schedule: str = "steps"
    warm_up: int = 0
    smoothing: float = 0.0
    mixup: float = 0.0
    norm_rows: int = 32
    window: int = 0
    workers: int = 0
    evaluation_batch: int = 256
    evaluation_resize: int = 256
    evaluation_side: int = 224

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if not self.stages or min(self.stages) < 1:
            raise WrongSetting(f"blocks is {self.blocks!r}; it is numbers from 1, as in 3 4 6 3.")
        if 0 < self.first_side < 32:
            raise WrongSetting(f"first_side is {self.first_side}; the least is 32, or 0 for side.")
        if self.first_side > self.side:
            raise WrongSetting(f"first_side is {self.first_side}, more than side = {self.side}.")
        if self.evaluation_resize < self.evaluation_side:
            raise WrongSetting(
                f"evaluation_resize is {self.evaluation_resize}, less than the "
                f"{self.evaluation_side} of evaluation_side."
            )
        self.check_groups(self.norm_rows)

    @property
    def stages(self) -> tuple[int, ...]:
        """Bottlenecks in each stage."""
        words = self.blocks.split()
        return tuple(int(word) for word in words) if all(w.isdigit() for w in words) else ()

    @property
    def classes(self) -> int:
        """Classes there are."""
        return CLASSES if self.pictures == "imagenet" else GENERATED_CLASSES

    def side_at(self, step: int) -> int:
        """Return the side of a step's pictures."""
        first = self.first_side or self.side
        done = min(1.0, step / max(1.0, self.grown * self.steps))
        return self.side if done == 1 else first + int((self.side - first) * done) // 32 * 32


def needs(settings: ImageNetSettings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    weights, kept = _size(settings)
    number = 4 if settings.precision == "float32" else 2
    averaged = 4 * weights if settings.average else 0
    memory = weights * BYTES_OF_A_WEIGHT + averaged + settings.rows * kept * number
    return Needs(memory=memory, checkpoint=8 * weights + averaged)


def _size(settings: ImageNetSettings) -> tuple[int, int]:
    """Return the numbers of weights, and of activations kept for each picture."""
    inputs, area = settings.width, (settings.side // 4) ** 2
    weights = 3 * 49 * inputs
    kept = 2 * inputs * 4 * area + 3 * inputs * area  # pooling keeps places of 8 bytes
    for stage, depth in enumerate(settings.stages):
        inside = settings.width * 2**stage
        for block in range(depth):
            smaller = area // 4 if stage and not block else area
            projects = 4 * inside if not block else 0
            weights += inputs * inside + 9 * inside**2 + 4 * inside**2 + inputs * projects
            kept += 2 * inside * area + (2 * inside + 8 * inside + projects) * smaller
            inputs, area = 4 * inside, smaller
    return weights + inputs * settings.classes, kept


def missing_pictures(settings: ImageNetSettings) -> str | None:
    """Say why the pictures cannot be had, or None."""
    return missing_imagenet() if settings.pictures == "imagenet" else None


def prepare(source: str, to: Path | None) -> None:
    """Make the shards, with all cores."""
    prepare_imagenet(source, to, workers=os.cpu_count() or 1)


TORCHVISION = "torchvision's published weights of ResNet-50"
WIGHTMAN = "Wightman, Touvron & Jégou 2021, ResNet strikes back, procedure"

RUN = Run(
    name="imagenet",
    title="ResNet-50 on ImageNet",
    chapter="ladder/15",
    settings=ImageNetSettings,
    mine=("ladder/15", "ResNet50"),
    needs=needs,
    data=Data(
        name="ImageNet-1k (ILSVRC 2012)",
        size=SIZE,
        licence=LICENCE,
        command=COMMAND,
        missing=missing_pictures,
        prepare=prepare,
    ),
    published=(
        Published("gpu", "top-1 accuracy", 0.76130, f"{TORCHVISION}, V1: 90 epochs, batch 256"),
        Published("gpu", "top-5 accuracy", 0.92862, f"{TORCHVISION}, V1: 90 epochs, batch 256"),
        Published(
            "gpu",
            "top-1 accuracy",
            0.764,
            "Goyal et al. 2017: 90 epochs, batch 256, mean of 5 runs",
        ),
        Published(
            "gpu",
            "top-1 accuracy",
            0.753,
            "He et al. 2016, the authors' released weights, one crop",
        ),
        Published(
            "gpu",
            "top-5 accuracy",
            0.922,
            "He et al. 2016, the authors' released weights, one crop",
        ),
        Published(
            "gpu-strong", "top-1 accuracy", 0.80858, f"{TORCHVISION}, V2: 600 epochs, resize 232"
        ),
        Published(
            "gpu-strong", "top-5 accuracy", 0.95434, f"{TORCHVISION}, V2: 600 epochs, resize 232"
        ),
        Published("gpu-strong", "top-1 accuracy", 0.804, f"{WIGHTMAN} A1: 600 epochs"),
        Published("gpu-strong", "top-1 accuracy", 0.798, f"{WIGHTMAN} A2: 300 epochs"),
        Published(
            "gpu-strong",
            "top-1 accuracy",
            0.781,
            f"{WIGHTMAN} A3: 100 epochs, trained at 160 pixels",
        ),
    ),
)
