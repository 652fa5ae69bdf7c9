"""What `mnist_scaling` trains: one epoch of a part of MNIST, measured on the digits held out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.flop_counter import FlopCounterMode

from descent.data.mnist import mnist
from descent.models.scaling_cnn import CLASSES, SIDE, ScalingCNN
from descent.runs.definition.contract import check_picture_model, with_classes
from descent.runs.mnist_scaling import ACCURACY, FLOPS, LOSS, ScalingSettings, points
from descent.training.randomness import generator, seed_everything
from descent.training.settings import WrongSetting

MEASURED_AT_ONCE = 1000


def train_point(
    settings: ScalingSettings,
    values: Mapping[str, Any],
    data: tuple[Tensor, Tensor],
    model_class: type[nn.Module] | None = None,
) -> dict[str, float]:
    """Train one network for one epoch.

    Parameters
    ----------
    settings : ScalingSettings
    values : mapping
        ``width``, ``pictures``, ``dropout`` and ``seed`` of the training.
    data : (Tensor, Tensor)
        As `load` returns it.
    model_class : type, optional
        The learner's own, made with (width, dropout).

    Returns
    -------
    dict
        ``parameters``, ``training flops``, ``validation loss`` and ``validation accuracy``, over
        all pictures that are held out. The operations of a training are three times those of its
        forward passes, as the backward pass takes twice as many.
    """
    pictures, labels = data
    device = labels.device
    trained = len(labels) - settings.held_out
    if trained < values["pictures"]:
        raise WrongSetting(
            f"pictures is {values['pictures']}, and there are {trained} besides those held out."
        )
    seed_everything(values["seed"])
    model = (model_class or ScalingCNN)(values["width"], values["dropout"]).to(device)
    # A smaller set is the beginning of a larger one: they differ in nothing else.
    order = generator(values["seed"]).permutation(trained)[: values["pictures"]]
    _one_epoch(model, pictures, labels, torch.from_numpy(order).to(device), settings)
    loss, accuracy = measure(model, pictures[trained:], labels[trained:])
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        FLOPS: 3 * operations(model, pictures[:1]) * values["pictures"],
        LOSS: loss,
        ACCURACY: accuracy,
    }


def _one_epoch(
    model: nn.Module, pictures: Tensor, labels: Tensor, order: Tensor, settings: ScalingSettings
) -> None:
    optimiser = Adam(groups(model, settings.learning_rate), fused=True)
    rates = [group["lr"] for group in optimiser.param_groups]
    updates = len(order) // settings.batch_size
    batches = order[: updates * settings.batch_size].split(settings.batch_size)
    model.train()
    for step, picked in enumerate(batches):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - step / updates)
        loss = F.cross_entropy(model(pictures[picked]), labels[picked])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


def groups(model: nn.Module, learning_rate: float) -> list[dict[str, Any]]:
    """Give each layer its rate: the learning rate over √fan_in, as its first weights are spread.

    What is no matrix, as the gains of a norm, takes the rate of the matrix before it.
    """
    found: list[dict[str, Any]] = []
    rate = learning_rate
    for layer in model.modules():
        own = list(layer.parameters(recurse=False))
        matrices = [weight for weight in own if weight.dim() >= 2]
        if matrices:
            rate = learning_rate / math.sqrt(matrices[0][0].numel())
        if own:
            found.append({"params": own, "lr": rate})
    return found


@torch.no_grad()
def measure(model: nn.Module, pictures: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the mean loss in nats and the accuracy, over all pictures."""
    model.eval()
    loss = hits = 0.0
    for some, right in zip(
        pictures.split(MEASURED_AT_ONCE), labels.split(MEASURED_AT_ONCE), strict=True
    ):
        logits = model(some)
        loss += F.cross_entropy(logits, right, reduction="sum").item()
        hits += (logits.argmax(dim=1) == right).sum().item()
    return loss / len(labels), hits / len(labels)


@torch.no_grad()
def operations(model: nn.Module, pictures: Tensor) -> int:
    """Count the operations of a forward pass: products and sums of convolutions and matrices."""
    with FlopCounterMode(display=False) as counter:
        model.eval()(pictures)
    return int(counter.get_total_flops())


def load(settings: ScalingSettings, device: str) -> tuple[Tensor, Tensor]:
    """Bring MNIST's training set to the device.

    Returns
    -------
    pictures : (n, 1, 14, 14), the mean of each 2 × 2 pixels, from 0 to 1
    labels : (n,)
    """
    found = mnist("train")
    pictures = F.avg_pool2d(torch.from_numpy(found.images)[:, None].float() / 255, 2)
    return pictures.to(device), torch.from_numpy(found.labels).to(device)


def check_model(model_class: object, settings: ScalingSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    first = points(settings)[0].values
    asked = with_classes(model_class, first["width"], first["dropout"])
    check_picture_model(asked, {"classes": CLASSES}, [(1, SIDE, SIDE)])
