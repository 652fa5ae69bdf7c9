"""What `mnist_adversarial` trains: digits, each changed first as an attack would change it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from descent.data.mnist import SIDE, Mnist, mnist
from descent.models.digit_nets import CLASSES, MadryDigitNet, SmallDigitNet
from descent.runs.definition.contract import check_picture_model, with_classes
from descent.runs.mnist_adversarial import AdversarialSettings
from descent.training.attacks import fgsm, pgd, withstood
from descent.training.distributed import Processes, mean_over
from descent.training.epochs import Epochs
from descent.training.randomness import generator
from descent.training.settings import WrongSetting

NETWORKS = {"small": SmallDigitNet, "madry": MadryDigitNet}
STARTS, MEASURED = 1, 1_000_003  # draw where attacks begin apart from the order, and in measuring
AT_ONCE = 1000


class AdversarialTask:
    """Say which digit a picture shows, whatever an attack makes of its pixels.

    Parameters
    ----------
    settings : AdversarialSettings
    device : str
    model_class : type, optional
        The learner's own, made with (width).
    """

    def __init__(
        self,
        settings: AdversarialSettings,
        device: str,
        model_class: type[nn.Module] | None = None,
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        found = mnist("train")
        self.source = found.source
        self.trained = len(found.labels) - settings.held_out
        if self.trained < settings.batch_size:
            raise WrongSetting(
                f"held_out is {settings.held_out}, which leaves less than a batch of the "
                f"{len(found.labels)} pictures of {found.source}."
            )
        self.pictures, self.labels = self._resident(found)
        self.measured = ("validation", self.pictures[self.trained :], self.labels[self.trained :])
        if not settings.held_out:
            self.measured = ("test", *self._resident(mnist("test")))
        self.epochs = Epochs(self.trained, settings.batch_size, settings.seed, device)

    def model(self) -> nn.Module:
        """Make ours, or the learner's."""
        return (self.model_class or NETWORKS[self.settings.network])(self.settings.width)

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Adam, all weights in one kernel."""
        return [Adam(model.parameters(), lr=self.settings.learning_rate, fused=True)]

    def rate(self, step: int) -> float:
        """Rise and fall in a line, or stay; taken in the middle of a step."""
        s = self.settings
        if s.rate_shape == "constant":
            return 1.0
        done = (step + 0.5) / s.steps
        return done / s.rise if done < s.rise else (1 - done) / (1 - s.rise)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch, each attacked first."""
        s = self.settings
        picked = self.epochs.picked(step, rows)
        pictures, labels = self.pictures[picked], self.labels[picked]
        if s.attack_steps:
            drawn = self._offsets(s.batch_size, step, STARTS)[rows.start : rows.stop]
            # Several processes wrap the model to exchange gradients; an attack's stay here.
            alone = getattr(model, "module", model)
            offsets = drawn.to(self.device)
            pictures = pgd(
                alone, pictures, labels, s.epsilon, s.attack_step, s.attack_steps, offsets
            )
        return F.cross_entropy(model(pictures), labels)

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure the accuracy on the pictures as they are, under FGSM and under PGD.

        The pictures are dealt out to the processes in turn, so that any number can share them.
        """
        name, pictures, labels = self.measured
        share = slice(processes.rank, None, processes.world)
        clean, stepped = self.hits(model, pictures[share], labels[share])
        some = slice(processes.rank, self.settings.measured or None, processes.world)
        holds = self.withstands(model, self.settings.epsilon, self.settings.restarts, some)
        counts = [clean.sum(), stepped.sum(), len(clean), holds[0].sum(), holds[-1].sum(),
                  holds.shape[1]]  # fmt: skip
        totals = torch.tensor([float(count) for count in counts], dtype=torch.float64)
        hits, fooled, all_, once, worst, attacked = mean_over(
            totals.to(self.device), processes
        ).tolist()
        return {
            f"{name}_clean_accuracy": hits / all_,
            f"{name}_FGSM_accuracy": fooled / all_,
            f"{name}_PGD_accuracy": once / attacked,
            f"{name}_PGD_with_restarts_accuracy": worst / attacked,
        }

    def hits(self, model: nn.Module, pictures: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Say which pictures are read right as they are, and which after FGSM: bool, (n,) each."""
        clean, stepped = [], []
        parts = zip(pictures.split(AT_ONCE), labels.split(AT_ONCE), strict=True)
        for near, truth in parts:
            moved = fgsm(model, near, truth, self.settings.epsilon)
            clean.append(model(near).argmax(dim=1) == truth)
            stepped.append(model(moved).argmax(dim=1) == truth)
        return torch.cat(clean), torch.cat(stepped)

    def withstands(
        self, model: nn.Module, epsilon: float, restarts: int, some: slice, steps: int = 0
    ) -> Tensor:
        """Attack some of the measured pictures by PGD; each begins where it would alone.

        Parameters
        ----------
        model : nn.Module
        epsilon : float
        restarts : int
        some : slice
            Of the measured pictures.
        steps : int
            0 for the settings' number.

        Returns
        -------
        Tensor
            bool, (restarts, n): which are read right after so many restarts, by the worst of each.
        """
        s = self.settings
        _, pictures, labels = self.measured
        numbers = torch.arange(len(labels), device=self.device)[some]
        rows = []
        for part in numbers.split(AT_ONCE):
            starts = (all_[part.cpu()].to(self.device) for all_ in self._starts(restarts))
            rows.append(
                withstood(
                    model, pictures[part], labels[part], epsilon, s.measured_step,
                    steps or s.measured_steps, starts,
                )
            )  # fmt: skip
        return torch.cat(rows, dim=1)

    def _starts(self, restarts: int) -> Iterator[Tensor]:
        """Draw where each restart begins, for all measured pictures."""
        for restart in range(restarts):
            yield self._offsets(len(self.measured[2]), restart, MEASURED)

    def _offsets(self, count: int, *numbers: int) -> Tensor:
        """Draw offsets from -1 to 1 for `count` pictures, on the CPU."""
        drawn = generator(self.settings.seed, *numbers).random(
            (count, 1, SIDE, SIDE), dtype="float32"
        )
        return torch.from_numpy(drawn * 2 - 1)

    def _resident(self, digits: Mnist) -> tuple[Tensor, Tensor]:
        """Bring pictures, from 0 to 1, and labels to the device, once."""
        pictures = torch.from_numpy(digits.images).to(self.device)[:, None].float() / 255
        return pictures, torch.from_numpy(digits.labels).to(self.device)


def make_task(
    settings: AdversarialSettings, device: str, model_class: type[nn.Module] | None = None
) -> AdversarialTask:
    """Make what the loop trains."""
    return AdversarialTask(settings, device, model_class)


def check_model(model_class: object, settings: AdversarialSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    asked = with_classes(model_class, settings.width)
    check_picture_model(asked, {"classes": CLASSES}, [(1, SIDE, SIDE)])
