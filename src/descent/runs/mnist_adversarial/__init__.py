"""The run `mnist_adversarial`: digits that are read right although somebody changed the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.data.mnist import SIDE
from descent.runs.definition.declaration import Needs, Published, Run
from descent.runs.definition.digits import MNIST
from descent.training.settings import Settings, WrongSetting

PICTURES = 70_000  # of both splits: all of them stay on the device
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and Adam's two means, in float32


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(Settings):
    """Settings of the run.

    Attributes
    ----------
    network, width
        ``small``, two convolutions with stride 2 and 100 units, or ``madry``, two of 5 × 5, pooled,
        and 1024 units; and the channels of the first convolution. The learner's own is made with
        the width.
    epsilon
        The most that a pixel, from 0 to 1, is changed by, in training and in measuring.
    attack_steps, attack_step
        Of the attack that each training picture is put through, from a random place: how many
        steps, and what a pixel changes by in one, α. One step is FGSM with a random start; 0 trains
        on the pictures as they are.
    rate_shape, learning_rate, rise
        ``cyclic``: the rate rises in a line over the share `rise` of the steps, then falls in a
        line to 0; ``constant``: it stays.
    measured_steps, measured_step, restarts
        Of PGD when the network is measured, and how often it begins anew.
    measured
        How many pictures are attacked by PGD, the first of those measured; 0 for all. The clean
        accuracy, and that under FGSM, are of all.
    held_out
        How many pictures, the last of the training set, are kept apart to choose settings by. With
        any, accuracy is measured on them and the test set is not looked at; with 0, all are trained
        on and the test set is measured.
    digits
        ``mnist``, or ``any``: then scikit-learn's small digits stand in where it is not there.
    """

    CHOICES: ClassVar = {
        "digits": ("mnist", "any"),
        "network": ("small", "madry"),
        "rate_shape": ("cyclic", "constant"),
    }
    LEAST: ClassVar = {"width": 1, "measured_steps": 1, "restarts": 1}
    SHARES: ClassVar = ("epsilon", "rise")

    network: str = "small"
    width: int = 16
    epsilon: float = 0.3
    attack_steps: int = 1
    attack_step: float = 0.375
    rate_shape: str = "cyclic"
    learning_rate: float = 5e-3
    rise: float = 0.4
    measured_steps: int = 50
    measured_step: float = 0.01
    restarts: int = 10
    measured: int = 0
    held_out: int = 0
    digits: str = "mnist"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        for name, steps in (("attack_step", self.attack_steps), ("measured_step", 1)):
            if steps and not getattr(self, name):
                raise WrongSetting(f"{name} is 0; it is above that.")


def needs(settings: AdversarialSettings) -> Needs:
    """Estimate memory and disk: the pictures, the weights, and what the backward pass keeps."""
    width = settings.width
    units = 100 if settings.network == "small" else 1024
    weights = 50 * width**2 + 2 * width * 49 * units
    kept = 4 * max(settings.rows, 1000) * 4 * width * SIDE**2  # a thousand when it is measured
    starts = 4 * PICTURES // 7 * SIDE**2
    memory = PICTURES * SIDE**2 * 4 + weights * BYTES_OF_A_WEIGHT + kept + starts
    return Needs(memory=memory, checkpoint=weights * 12)


CHALLENGE = "Madry et al., mnist_challenge, white box, on the whole test set"
MADRY = "the paper of Madry et al. 2018, the network trained with PGD of 40 steps of 0.01"

RUN = Run(
    name="mnist_adversarial",
    title="Handwritten digits that withstand an attack",
    chapter="research/9",
    settings=AdversarialSettings,
    mine=None,
    needs=needs,
    data=MNIST,
    published=(
        Published("gpu", "test clean accuracy", 0.988, MADRY),
        Published("gpu", "test FGSM accuracy", 0.9636, CHALLENGE),
        Published(
            "gpu", "test PGD accuracy", 0.9252, f"{CHALLENGE}: one start, 100 steps, as here"
        ),
        Published(
            "gpu",
            "test PGD accuracy",
            0.932,
            f"{MADRY}: under PGD of 40 steps, where ours is measured with more",
        ),
        Published(
            "gpu",
            "test PGD with restarts accuracy",
            0.8962,
            f"{CHALLENGE}: 50 restarts of 100 steps, where ours has 20",
        ),
        Published(
            "gpu",
            "test PGD with restarts accuracy",
            0.88,
            f"{CHALLENGE}: the best attack of all that were sent in, another than ours",
        ),
    ),
)
