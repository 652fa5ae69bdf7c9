"""How `mixed_loss` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, name_habits

mixed_loss = Exercise("mixed_loss", minutes=12, difficulty=2, changes=("model",))


class Seeing(nn.Module):
    """A linear model that keeps what it was shown."""

    def __init__(self, draw: Draw, classes: int = 3) -> None:
        super().__init__()
        self.matrix = nn.Parameter(normals(draw, classes, 4))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        return x.flatten(1) @ self.matrix.T

    def __repr__(self) -> str:
        return "a model"


def _mixing(draw: Draw, n: int) -> tuple[Seeing, Tensor, Tensor, Tensor]:
    """A model, pictures of 4 pixels, labels, and an order that is not its own inverse."""
    order = torch.tensor(draw.rng.permutation(n))
    return Seeing(draw), normals(draw, n, 1, 2, 2), drawn_labels(draw, 3, n), order


def _mixed_by_loop(model, images, labels, share, order, smoothing) -> tuple[Any, float]:
    partners = order.tolist()
    mixed = torch.stack(
        [share * images[i] + (1 - share) * images[j] for i, j in enumerate(partners)]
    )
    logits = mixed.flatten(1).double() @ model.matrix.detach().double().T
    both = (share, labels.tolist()), (1 - share, [int(labels[j]) for j in partners])
    total = 0.0
    for row, *pair in zip(logits.numpy(), both[0][1], both[1][1], strict=True):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        for (part, _), label in zip(both, pair, strict=True):
            total -= part * ((1 - smoothing) * logs[label] + smoothing * logs.mean())
    return mixed, total / len(images)


@mixed_loss.property("shows the mixed pictures once, and asks for both labels", trials=5)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, draw.size + 2)
    share = draw.uniform(0.55, 0.95)
    share = share if draw.size % 2 else round(1 - share, 2)
    mixed, loss = _mixed_by_loop(model, images, labels, share, order, 0.0)
    found = answer(model, images, labels, share, order)
    expect(len(model.seen), "how often the model was called").equals(1)
    expect(model.seen[0] if model.seen else None, "what the model saw").close_to(mixed)
    expect(found, "the loss").close_to(loss)


@mixed_loss.property("smooths both targets by as much as it is told", trials=3)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 5)
    share, smoothing = draw.uniform(0.1, 0.9), draw.choice([0.1, 0.3])
    _, loss = _mixed_by_loop(model, images, labels, share, order, smoothing)
    expect(answer(model, images, labels, share, order, smoothing), "the loss").close_to(loss)


@mixed_loss.property(
    "mixes nothing where the share is 1, or a picture is its own partner", trials=1
)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    for share, partners in ((1.0, order), (0.6, torch.arange(4))):
        _, loss = _mixed_by_loop(model, images, labels, 1.0, order, 0.0)
        expect(answer(model, images, labels, share, partners), "the loss").close_to(loss)


@mixed_loss.property("lets the gradient through to the model", trials=1)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    loss = answer(model, images, labels, 0.7, order)
    attached = bool(getattr(loss, "requires_grad", False))
    expect(attached, "part of the graph").equals(True)


def _mix(model, images, labels, share, order, smoothing=0.0, **habits):
    def loss(logits, wanted):
        amount = habits.get("amount", smoothing)
        return F.cross_entropy(logits, wanted, label_smoothing=amount)

    partners = order.argsort() if habits.get("inverse") else order
    partners = torch.arange(len(images)).roll(1) if habits.get("rolled") else partners
    partners = torch.arange(len(images)).flip(0) if habits.get("flipped") else partners
    mixed = share * images + (1 - share) * images[partners]
    if habits.get("pictures_swapped"):
        mixed = (1 - share) * images + share * images[partners]
    if habits.get("unmixed"):
        mixed = images
    if habits.get("in_place"):
        images.mul_(share).add_((1 - share) * images[partners])
        mixed = images
    others = labels if habits.get("own_label") else labels[partners]
    if habits.get("two_passes"):
        return share * loss(model(images), labels) + (1 - share) * loss(
            model(images[order]), others
        )
    if habits.get("mixed_logits"):
        logits = share * model(images) + (1 - share) * model(images[partners])
    else:
        logits = model(mixed)
    if habits.get("loudest"):
        return loss(logits, labels if share >= 0.5 else others)
    if habits.get("even"):
        return (loss(logits, labels) + loss(logits, others)) / 2
    if habits.get("added"):
        return loss(logits, labels) + loss(logits, others)
    if habits.get("swapped"):
        return (1 - share) * loss(logits, labels) + share * loss(logits, others)
    total = share * loss(logits, labels) + (1 - share) * loss(logits, others)
    return total.item() if habits.get("number") else total


name_habits(mixed_loss, _mix, (
    ("You asked for the picture's own label alone. The partner's counts too, with 1 − share.",
     "own_label_only", {"own_label": True}),
    ("The weights of the two labels have changed places: the picture's own label weighs `share`.",
     "labels_swapped", {"swapped": True}),
    ("The weights of the two pictures have changed places: each picture itself weighs `share`.",
     "pictures_swapped", {"pictures_swapped": True}),
    ("The pictures are not mixed, only the labels.", "pictures_unmixed", {"unmixed": True}),
    ("You showed the model the pictures apart and mixed the losses. Mix the pictures, and show the "
     "mixture: one pass.", "two_passes", {"two_passes": True}),
    ("You mixed the model's outputs. Mix its inputs: one pass.",
     "mixed_logits", {"mixed_logits": True}),
    ("Your partners are the inverse order: the partner of picture i is picture order[i].",
     "inverse_order", {"inverse": True}),
    ("Your partner is always the neighbour. Use `order`.", "neighbours", {"rolled": True}),
    ("Your partner is the picture at the mirrored place. Use `order`.",
     "mirrored", {"flipped": True}),
    ("You asked only for the label that weighs more. Both count, by their weights.",
     "louder_label", {"loudest": True}),
    ("Both labels weigh a half in your loss. They weigh share and 1 − share.",
     "even_labels", {"even": True}),
    ("You added the two losses unweighted.", "unweighted", {"added": True}),
    ("`smoothing` is not used.", "smoothing_unused", {"amount": 0.0}),
    ("You smooth by 0.1 always. Use the number that was given.",
     "smoothing_fixed", {"amount": 0.1}),
    ("You returned a plain number, so that nothing can be learned from it. Return the tensor.",
     "plain_loss", {"number": True}),
))  # fmt: skip


mixed_loss.hint("Mix, one pass, then the loss against each of the two labels.")


mixed_loss.hint("`images[order]` are the partners, `labels[order]` their labels.")


mixed_loss.hint("Weigh the two losses by share and 1 − share.", when="value")


mixed_loss.hint("`images.mul_(…)` would change the pictures you were given.", when="changes input")
