"""What `imagenet` trains: pictures from shards, SGD, and the published evaluation."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from descent.data.generated_pictures import SOURCE, generated_shards
from descent.data.imagenet import imagenet_folder
from descent.data.picture_loader import Decoders, TrainingPictures, evaluation_batches
from descent.data.shards import Shards
from descent.errors import CourseError
from descent.models.grouped_norm import grouped, settle
from descent.models.resnet50 import ResNet
from descent.runs.definition.contract import check_picture_model
from descent.runs.imagenet import ImageNetSettings, missing_imagenet
from descent.training.distributed import Processes, mean_over, share
from descent.training.randomness import generator

MEAN = (0.485, 0.456, 0.406)  # of ImageNet's red, green and blue, from 0 to 1
DEVIATION = (0.229, 0.224, 0.225)
MIXING = 13  # keeps the draws of mixup apart
TOP = 5


class PictureTask:
    """Say which class a picture shows.

    Parameters
    ----------
    settings : ImageNetSettings
    device : str
    model_class : type, optional
        The learner's own, made with the number of classes.
    """

    def __init__(
        self, settings: ImageNetSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings, self.device, self.model_class = settings, device, model_class
        self.processes = _these_processes(device)
        folder, self.source = find_pictures(settings, self.processes)
        training, self.held_out = Shards(folder / "train"), Shards(folder / "val")
        self.decoders = Decoders(settings.workers or _cores(), pinned=device != "cpu")
        self.training = TrainingPictures(
            training,
            self.decoders,
            seed=settings.seed,
            batch_size=settings.batch_size,
            steps=settings.steps,
            side=settings.side_at,
            least_area=settings.least_area,
            window=settings.window,
        )
        torch.backends.cudnn.benchmark = True  # on a GPU: keep the fastest of what is tried
        self.share = share(settings.batch_size, self.processes)
        self.network: nn.Module = nn.Identity()

    def model(self) -> nn.Module:
        """Make ours, or the learner's; batch norm takes its statistics from groups of rows."""
        s = self.settings
        theirs = self.model_class
        made = theirs(s.classes) if theirs else ResNet(s.classes, s.stages, s.width)
        self.network = grouped(made, s.norm_rows)
        # Convolutions are fastest where the channels of a pixel lie together.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self.network

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """SGD with momentum; gains and biases decay only where the settings say so."""
        s = self.settings
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        decayed = [weight for weight in weights if s.decay_all or weight.dim() >= 2]
        free = [weight for weight in weights if not s.decay_all and weight.dim() < 2]
        groups: list[dict[str, Any]] = [
            {"params": decayed, "weight_decay": s.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ]
        used = [group for group in groups if group["params"]]
        return [SGD(used, s.learning_rate, s.momentum)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall by steps or along half a cosine."""
        s = self.settings
        if step < s.warm_up:
            return (step + 1) / (s.warm_up + 1)
        if s.schedule == "steps":
            return float(0.1 ** (3 * step // s.steps))
        return 0.5 * (1 + math.cos(math.pi * (step - s.warm_up) / max(1, s.steps - s.warm_up)))

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch, in nats."""
        s = self.settings
        batch = self.training.batch(step, rows, self.share)
        pictures, labels = self._prepared(batch.pictures), self._moved(batch.labels)
        if s.mixup:
            loss = self._mixed_loss(model, pictures, labels, self._mixing(step, rows))
        else:
            loss = F.cross_entropy(model(pictures), labels, label_smoothing=s.smoothing)
        if rows.stop == self.share.stop:
            settle(self.network)
        return loss

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure loss, top-1 and top-5 on every picture that was held out."""
        s, total, world = self.settings, len(self.held_out), processes.world
        # Not all parts are equally long, nor the last batches: sums are what is put together.
        rows = range(total * processes.rank // world, total * (processes.rank + 1) // world)
        sums = torch.zeros(4, dtype=torch.float64, device=self.device)
        sizes = (s.evaluation_batch, s.evaluation_resize, s.evaluation_side)
        for batch in evaluation_batches(self.held_out, self.decoders, rows, *sizes):
            logits = model(self._prepared(batch.pictures)).float()
            labels = self._moved(batch.labels)
            # Ties count against the model, and so does NaN, which loses every comparison.
            rivals = (logits >= logits.gather(1, labels[:, None])).sum(dim=1) - 1
            rivals[logits.isnan().any(dim=1)] = TOP
            losses = F.cross_entropy(logits, labels, reduction="sum")
            counted = (losses, (rivals < 1).sum(), (rivals < TOP).sum(), torch.tensor(len(labels)))
            sums += torch.stack([value.to(sums) for value in counted])
        loss, top_1, top_5, seen = (mean_over(sums, processes) * world).tolist()
        if round(seen) != total:
            raise CourseError(f"{round(seen)} pictures were evaluated of {total}.")
        return {
            "validation_loss": loss / seen,
            "top-1_accuracy": top_1 / seen,
            "top-5_accuracy": top_5 / seen,
        }

    def _prepared(self, pictures: Tensor) -> Tensor:
        """Bring (rows, H, W, 3) bytes to the device, as (rows, 3, H, W) about 0."""
        x = self._moved(pictures).permute(0, 3, 1, 2).float()
        mean, deviation = (
            255 * torch.tensor(values, device=self.device).view(1, 3, 1, 1)
            for values in (MEAN, DEVIATION)
        )
        return (x - mean) / deviation

    def _moved(self, x: Tensor) -> Tensor:
        return x.to(self.device, non_blocking=True)

    def _mixed_loss(
        self, model: nn.Module, pictures: Tensor, labels: Tensor, kept: Tensor
    ) -> Tensor:
        """Mix each row with the next of its group, pictures and losses alike.

        Groups are whole in every process, so the mixture does not depend on how many there are.
        """
        rows, smoothing = self.settings.norm_rows, self.settings.smoothing
        by_row = kept.view(-1, 1, 1, 1)
        mixed = by_row * pictures + (1 - by_row) * _next_in_group(pictures, rows)
        logits = model(mixed.contiguous(memory_format=torch.channels_last))
        own, other = (
            F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="none")
            for target in (labels, _next_in_group(labels, rows))
        )
        return (kept * own + (1 - kept) * other).mean()

    def _mixing(self, step: int, rows: range) -> Tensor:
        """Draw how much of its own picture each row keeps; a group of rows keeps the same."""
        s = self.settings
        draw = generator(s.seed, MIXING, step)
        drawn = draw.beta(s.mixup, s.mixup, size=s.batch_size // s.norm_rows)
        kept = drawn.repeat(s.norm_rows)[rows.start : rows.stop]
        return torch.from_numpy(kept).float().to(self.device)


def make_task(
    settings: ImageNetSettings, device: str, model_class: type[nn.Module] | None = None
) -> PictureTask:
    """Make what the loop trains."""
    return PictureTask(settings, device, model_class)


def check_model(model_class: object, settings: ImageNetSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_picture_model(model_class, {"classes": settings.classes}, [(3, 64, 64), (3, 96, 96)])


def find_pictures(settings: ImageNetSettings, processes: Processes) -> tuple[Path, str]:
    """Return the folder of the shards, and what is in it; generated ones are made by the first.

    Raises
    ------
    CourseError
        When ImageNet is not there.
    """
    if settings.pictures == "imagenet":
        folder = imagenet_folder()
        if folder is None:
            raise CourseError(f"ImageNet is not there: {missing_imagenet()}.")
        return folder, "ImageNet-1k"
    if processes.first:
        print(f"⚠ NOT IMAGENET: this run trains on {SOURCE}.", flush=True)
    sizes = (settings.classes, settings.each, settings.each // 4 + 1, 2 * settings.side)
    if processes.first:
        generated_shards(*sizes)
    if dist.is_initialized():
        dist.barrier()  # the others wait until the first has made them
    return generated_shards(*sizes), SOURCE


def _these_processes(device: str) -> Processes:
    if not dist.is_initialized():
        return Processes(device=device)
    return Processes(dist.get_rank(), dist.get_world_size(), device=device)


def _cores() -> int:
    """Return this process's part of the machine's cores."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (there or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", 1)))


def _next_in_group(x: Tensor, rows: int) -> Tensor:
    """Put in each row's place the next one of its group, in the last one's the first."""
    return x.unflatten(0, (-1, rows)).roll(-1, dims=1).flatten(0, 1)
