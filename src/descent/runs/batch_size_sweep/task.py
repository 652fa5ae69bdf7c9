"""What `batch_size_sweep` trains: a small network with plain SGD, until its loss is low enough."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent.data.mnist import mnist
from descent.runs.batch_size_sweep import EXAMPLES, UPDATES, BatchSizeSettings, most
from descent.runs.definition.contract import check_picture_model, with_classes
from descent.training.randomness import generator, seed_everything
from descent.training.settings import WrongSetting

PIXELS, CLASSES = 784, 10
MEAN, SPREAD = 0.1307, 0.3081  # of MNIST's training pixels, between 0 and 1
CLOSER = 0.03  # of two looks at the loss, as a share of the updates so far
ASTRAY = 30.0  # nats, from where nothing comes back


class SmallMLP(nn.Sequential):
    """One hidden layer between pixels and logits.

    Parameters
    ----------
    width : int
        Its units.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Flatten(), nn.Linear(PIXELS, width), nn.ReLU(), nn.Linear(width, CLASSES)
        )


def train_point(
    settings: BatchSizeSettings,
    values: Mapping[str, Any],
    data: tuple[Tensor, Tensor],
    model_class: type[nn.Module] | None = None,
) -> dict[str, float | None]:
    """Train one network until the held-out loss is at the target.

    Parameters
    ----------
    settings : BatchSizeSettings
    values : mapping
        ``batch``, ``rate`` and ``seed`` of the training.
    data : (Tensor, Tensor)
        As `load` returns it.
    model_class : type, optional
        The learner's own, made with (width).

    Returns
    -------
    dict
        ``updates`` and ``examples`` that it took, None where the target was not reached. The loss
        is looked at after every update at first, then ever more rarely: the number of updates is
        exact to 3 %.
    """
    pictures, labels = data
    device = labels.device
    trained = len(labels) - settings.held_out
    if trained < 1:
        raise WrongSetting(f"held_out is {settings.held_out}, of {len(labels)} pictures.")
    held_pictures, held_labels = pictures[trained:], labels[trained:]
    seed_everything(values["seed"])
    model = (model_class or SmallMLP)(settings.width).to(device)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    draw = generator(values["seed"], values["batch"])
    look = 1
    for update in range(1, most(settings, values["batch"]) + 1):
        rows = torch.from_numpy(draw.integers(trained, size=values["batch"])).to(device)
        loss = F.cross_entropy(model(pictures[rows]), labels[rows])
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(gradient, alpha=values["rate"])
        if update < look:
            continue
        look = update + max(1, math.floor(CLOSER * update))
        reached = _loss(model, held_pictures, held_labels)
        if reached <= settings.target:
            return {UPDATES: update, EXAMPLES: update * values["batch"]}
        if not reached < ASTRAY:
            break
    return {UPDATES: None, EXAMPLES: None}


@torch.no_grad()
def _loss(model: nn.Module, pictures: Tensor, labels: Tensor) -> float:
    model.eval()
    loss = F.cross_entropy(model(pictures), labels).item()
    model.train()
    return loss


def load(settings: BatchSizeSettings, device: str) -> tuple[Tensor, Tensor]:
    """Bring MNIST's training set to the device: pictures (n, 1, 28, 28), and labels (n,)."""
    found = mnist("train")
    pictures = (torch.from_numpy(found.images)[:, None].float() / 255 - MEAN) / SPREAD
    return pictures.to(device), torch.from_numpy(found.labels).to(device)


def check_model(model_class: object, settings: BatchSizeSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    asked = with_classes(model_class, settings.width)
    check_picture_model(asked, {"classes": CLASSES}, [(1, 28, 28)])
