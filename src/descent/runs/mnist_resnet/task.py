"""What `mnist_resnet` trains: digits that never leave the device, moved and cut out there."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from descent.data.mnist import SIDE, Mnist, mnist
from descent.models.fast_resnet import FastResNet
from descent.models.grouped_norm import grouped, settle
from descent.runs.definition.contract import check_picture_model, with_classes
from descent.runs.mnist_resnet import MnistSettings
from descent.training.distributed import Processes, mean_over
from descent.training.epochs import Epochs
from descent.training.randomness import generator
from descent.training.settings import WrongSetting

CLASSES = 10
MEAN, SPREAD = 0.1307, 0.3081  # of MNIST's training pixels, between 0 and 1
MEASURED_AT_ONCE = 1000


class DigitsTask:
    """Say which digit a picture shows.

    Parameters
    ----------
    settings : MnistSettings
    device : str
    model_class : type, optional
        The learner's own, made with (per_stage, widths).
    """

    def __init__(
        self, settings: MnistSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        found = mnist("train")
        self.source = found.source
        self.trained = len(found.labels) - settings.held_out
        for name, least in (("held_out", 1), ("batch_size", settings.batch_size)):
            if self.trained < least:
                raise WrongSetting(
                    f"{name} is {getattr(settings, name)}, which is more than the "
                    f"{len(found.labels)} pictures of {self.source} allow."
                )
        self.pictures, self.labels = self.resident(found)
        self.measured = ("validation", self.pictures[self.trained :], self.labels[self.trained :])
        if not settings.held_out:
            self.measured = ("test", *self.resident(mnist("test")))
        self.places = torch.arange(settings.side, device=device)
        self.epochs = Epochs(self.trained, settings.batch_size, settings.seed, device)
        self.network: nn.Module = nn.Identity()

    def model(self) -> nn.Module:
        """Make ours, or the learner's, with channels as the last axis in memory."""
        s = self.settings
        ours = FastResNet(s.side, s.width, s.blocks)
        self.network = self.model_class(*own_sizes(s)) if self.model_class else ours
        if s.norm_rows:
            self.network = grouped(self.network, s.norm_rows)
        return self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Adam, all weights in one kernel; its memory is short, as a training of seconds needs."""
        s = self.settings
        betas = (s.beta1, s.beta2)
        return [Adam(model.parameters(), lr=s.learning_rate, betas=betas, fused=True)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine to 0; taken in the middle of a step."""
        done, rise = (step + 0.5) / self.settings.steps, self.settings.warm_up
        if done < rise:
            return done / rise
        return 0.5 * (1 + math.cos(math.pi * (done - rise) / (1 - rise)))

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch."""
        s = self.settings
        picked = self.epochs.picked(step, rows)
        logits = model(self._cut_out(picked, step, rows))
        if s.norm_rows:
            settle(self.network)
        return F.cross_entropy(logits, self.labels[picked], label_smoothing=s.smoothing)

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure loss and accuracy on the held-out pictures, or where there are none the test's.

        The pictures are dealt out to the processes in turn, so that any number can share them.
        """
        name, pictures, labels = self.measured
        pictures, labels = (part[processes.rank :: processes.world] for part in (pictures, labels))
        middle = slice(self.settings.shift, self.settings.shift + self.settings.side)
        sums = torch.zeros(3, dtype=torch.float64, device=self.device)  # loss, hits, pictures
        for some, right in zip(
            pictures.split(MEASURED_AT_ONCE), labels.split(MEASURED_AT_ONCE), strict=True
        ):
            logits = model(_channels_last(some[:, None, middle, middle])).float()
            losses = F.cross_entropy(logits, right, reduction="sum")
            hits = (logits.argmax(dim=1) == right).sum()
            sums += torch.stack(
                [losses.double(), hits.double(), torch.ones_like(hits) * len(right)]
            )
        loss, hits, number = mean_over(sums, processes).tolist()
        return {f"{name}_loss": loss / number, f"{name}_accuracy": hits / number}

    def resident(self, digits: Mnist) -> tuple[Tensor, Tensor]:
        """Bring pictures and labels to the device, once, ready to be worked on."""
        pictures = torch.from_numpy(digits.images).to(self.device)
        ready = (pictures.float() / 255 - MEAN) / SPREAD
        # What a moved picture can show is all that stays: a margin is added, or cut off.
        margin = (self.settings.side - SIDE) // 2 + self.settings.shift
        ready = F.pad(ready, [margin] * 4, value=-MEAN / SPREAD)
        return ready, torch.from_numpy(digits.labels).to(self.device)

    def _cut_out(self, picked: Tensor, step: int, rows: range) -> Tensor:
        """Cut a square out of each picture, moved at random where that was asked for."""
        s = self.settings
        if not s.shift:
            return _channels_last(self.pictures[picked][:, None])
        drawn = generator(s.seed, step, s.shift).integers(
            -s.shift, s.shift, size=(2, s.batch_size), endpoint=True
        )
        moved = torch.from_numpy(drawn[:, rows.start : rows.stop]).to(self.device) + s.shift
        down, right = moved[:, :, None] + self.places
        square = self.pictures[picked[:, None, None], down[:, :, None], right[:, None, :]]
        return _channels_last(square[:, None])


def _channels_last(pictures: Tensor) -> Tensor:
    return pictures.contiguous(memory_format=torch.channels_last)


def own_sizes(settings: MnistSettings) -> tuple[int, tuple[int, int, int]]:
    """Return what the learner's model is made with: blocks of a stage, and the stages' channels."""
    width = settings.width
    return max(1, settings.blocks), (width, 2 * width, 4 * width)


def make_task(
    settings: MnistSettings, device: str, model_class: type[nn.Module] | None = None
) -> DigitsTask:
    """Make what the loop trains."""
    return DigitsTask(settings, device, model_class)


def check_model(model_class: object, settings: MnistSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    asked = with_classes(model_class, *own_sizes(settings))
    shape = (1, settings.side, settings.side)
    check_picture_model(asked, {"classes": CLASSES}, [shape])
