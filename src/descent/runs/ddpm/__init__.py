"""The run `ddpm`: digits made of noise by a diffusion model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.data.mnist import SIDE
from descent.runs.definition.declaration import Needs, Published, Run
from descent.runs.definition.digits import MNIST
from descent.training.settings import Settings, WrongSetting

PICTURES = 70_000  # of both splits
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and Adam's two means, in float32
NUMBERS_KEPT = 60  # of each pixel and channel of the finest grid, for the backward pass

BENCHMARK = "soveshmohapatra.com/projects/diffusion-benchmark: the mean training loss of epoch"
NOT_THE_SAME = (
    "with a U-Net of 324 705 weights, T = 1000, Adam at 2e-4 and batches of 128. The settings "
    "differ, and it does not say by which schedule its noise grows, on which the loss depends"
)


@dataclass(frozen=True, kw_only=True)
class DdpmSettings(Settings):
    """Settings of the run.

    Attributes
    ----------
    width
        The model's size: channels on its finest grid (see `models.unet`).
    noise_steps
        Steps from a picture to noise, T.
    schedule
        How the noise grows: ``linear``, as in the paper (Ho et al., 2020), or ``cosine``, which
        spoils the picture more slowly at first (Nichol & Dhariwal, 2021).
    learning_rate, warm_up
        The highest rate, and the steps in which it rises; then it falls along half a cosine to 0.
    held_out
        How many pictures, the last of the training set, are kept apart to measure the loss on.
    samples, sampling_steps
        Digits that are made for the report, and the steps from noise to a picture, evenly spread
        over the `noise_steps`.
    classifier_steps
        Updates of the classifier that says what the samples are.
    digits
        ``mnist``, or ``any``: then scikit-learn's small digits stand in where it is not there.
    """

    CHOICES: ClassVar = {"digits": ("mnist", "any"), "schedule": ("linear", "cosine")}
    LEAST: ClassVar = {
        "width": 4,
        "noise_steps": 2,
        "held_out": 1,
        "samples": 1,
        "sampling_steps": 1,
        "classifier_steps": 1,
    }

    width: int = 16
    noise_steps: int = 1000
    schedule: str = "linear"
    learning_rate: float = 1e-3
    warm_up: int = 100
    held_out: int = 5000
    samples: int = 200
    sampling_steps: int = 250
    classifier_steps: int = 400
    digits: str = "mnist"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.width % 4:
            raise WrongSetting(f"width is {self.width}; it is a multiple of 4.")
        if self.sampling_steps > self.noise_steps:
            raise WrongSetting(
                f"sampling_steps is {self.sampling_steps}; the most is noise_steps, which is "
                f"{self.noise_steps}."
            )


def needs(settings: DdpmSettings) -> Needs:
    """Estimate memory and disk: the pictures, the weights, and what the backward pass keeps."""
    width = settings.width
    weights = 940 * width**2
    kept = settings.rows * NUMBERS_KEPT * width * SIDE**2 * 4
    memory = PICTURES * SIDE**2 * 4 + weights * BYTES_OF_A_WEIGHT + kept
    averaged = 4 if settings.average else 0
    return Needs(memory=memory, checkpoint=weights * (12 + averaged))


RUN = Run(
    name="ddpm",
    title="Digits out of noise: a diffusion model",
    chapter="research/5",
    settings=DdpmSettings,
    mine=("research/5", "Denoiser"),
    needs=needs,
    data=MNIST,
    loss_in="squared error of a pixel",
    published=(
        Published(
            "cpu", "validation loss", 0.0987, f"{BENCHMARK} 3 (0.2203 in the first), {NOT_THE_SAME}"
        ),
        Published("gpu", "validation loss", 0.0619, f"{BENCHMARK} 15, the last, {NOT_THE_SAME}"),
    ),
)
