"""What `ddpm` trains: noise is put on digits, and found again."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from descent.data.mnist import SIDE, mnist
from descent.models.unet import UNet
from descent.runs.ddpm import DdpmSettings
from descent.runs.ddpm.diffusion import kept_shares, noisy
from descent.runs.definition.contract import check_denoiser
from descent.training.distributed import Processes, mean_over
from descent.training.epochs import Epochs
from descent.training.randomness import generator
from descent.training.recipes import cosine_rate
from descent.training.settings import WrongSetting

NOISE, MEASURED = 1, 1_000_003  # draw a step's noise apart from its order, and that of measuring
MEASURED_AT_ONCE = 250


class DenoisingTask:
    """Find the noise that was added to a digit.

    Parameters
    ----------
    settings : DdpmSettings
    device : str
    model_class : type, optional
        The learner's own, made with (width, noise_steps).
    """

    def __init__(
        self, settings: DdpmSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        found = mnist("train")
        self.source = found.source
        trained = len(found.images) - settings.held_out
        if trained < settings.batch_size:
            raise WrongSetting(
                f"held_out is {settings.held_out}, which leaves less than a batch of the "
                f"{len(found.images)} pictures of {found.source}."
            )
        pictures = torch.from_numpy(found.images).to(device)[:, None]  # (n, 1, 28, 28) bytes
        self.pictures = pictures.float() / 127.5 - 1  # from -1, paper, to 1, ink
        self.training, self.validation = self.pictures.split([trained, settings.held_out])
        self.epochs = Epochs(trained, settings.batch_size, settings.seed, device)
        self.kept = kept_shares(settings.noise_steps, settings.schedule).to(device)

    def model(self) -> nn.Module:
        """Make ours, or the learner's, with channels as the last axis in memory."""
        s = self.settings
        made = self.model_class(*arguments(s).values()) if self.model_class else UNet(s.width)
        return made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Adam, all weights in one kernel."""
        return [Adam(model.parameters(), lr=self.settings.learning_rate, fused=True)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine to 0, as a share of the learning rate."""
        return cosine_rate(step, self.settings.steps, self.settings.warm_up)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean squared error of the noise that is found in some rows of a step's batch."""
        s = self.settings
        clean = self.training[self.epochs.picked(step, rows)]
        draw = generator(s.seed, step, NOISE)
        times = draw.integers(s.noise_steps, size=s.batch_size)[rows.start : rows.stop]
        noise = draw.standard_normal((s.batch_size, 1, SIDE, SIDE), dtype="float32")
        return self._errors(
            model,
            clean,
            torch.from_numpy(times).to(self.device),
            torch.from_numpy(noise[rows.start : rows.stop]).to(self.device),
        ).mean()

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure the error on the pictures that were held out.

        The pictures are dealt out to the processes in turn, so that any number can share them.
        """
        errors = self.errors(model, *self.measured(), share=processes)
        total, number = mean_over(torch.stack([errors.sum(), errors.new_tensor(len(errors))]),
                                  processes).tolist()  # fmt: skip
        return {"validation_loss": total / number}

    def measured(self) -> tuple[Tensor, Tensor]:
        """Return steps and noise for the held-out pictures, the same ones each time.

        Returns
        -------
        times : Tensor
            (held_out,), spread evenly over all steps.
        noise : Tensor
            (held_out, 1, 28, 28).
        """
        s = self.settings
        times = torch.arange(s.held_out, device=self.device) * s.noise_steps // s.held_out
        drawn = generator(s.seed, MEASURED).standard_normal(
            (s.held_out, 1, SIDE, SIDE), dtype="float32"
        )
        return times, torch.from_numpy(drawn).to(self.device)

    def errors(self, model: nn.Module, times: Tensor, noise: Tensor, share: Processes) -> Tensor:
        """Return the squared error of each held-out picture of a process's share."""
        parts = (part[share.rank :: share.world] for part in (self.validation, times, noise))
        batches = zip(*(part.split(MEASURED_AT_ONCE) for part in parts), strict=True)
        return torch.cat([self._errors(model, *batch).double() for batch in batches])

    def _errors(self, model: nn.Module, clean: Tensor, times: Tensor, noise: Tensor) -> Tensor:
        """Return the squared error of the noise found in each picture, a mean of its pixels."""
        given = noisy(clean, noise, self.kept[times])
        found = model(given.contiguous(memory_format=torch.channels_last), times)
        return F.mse_loss(found.float(), noise, reduction="none").mean(dim=(1, 2, 3))


def make_task(
    settings: DdpmSettings, device: str, model_class: type[nn.Module] | None = None
) -> DenoisingTask:
    """Make what the loop trains."""
    return DenoisingTask(settings, device, model_class)


def check_model(model_class: object, settings: DdpmSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_denoiser(model_class, arguments(settings), (1, SIDE, SIDE))


def arguments(settings: DdpmSettings) -> dict[str, int]:
    """Return what the learner's model is made with, by name, in order."""
    return {"width": settings.width, "noise_steps": settings.noise_steps}
