"""Attacks on a classifier of pictures: the worst picture near a given one, looked for by gradients.

A picture is a tensor of numbers from 0 to 1, and near is where no pixel differs by more than ε, the
l∞ ball. With one step from a random place the attack is FGSM as Wong, Rice and Kolter train with it
(2020); with many it is projected gradient descent, PGD (Madry et al., 2018).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

Classifier = Callable[[Tensor], Tensor]
"""Turns pictures, (n, …), into logits, (n, classes)."""


def within(pictures: Tensor, centres: Tensor, epsilon: float) -> Tensor:
    """Return the nearest allowed pictures: within ε of their centres, and from 0 to 1."""
    return pictures.clamp(centres - epsilon, centres + epsilon).clamp(0, 1)


def pgd(
    model: Classifier,
    pictures: Tensor,
    labels: Tensor,
    epsilon: float,
    step: float,
    steps: int,
    offsets: Tensor | None = None,
) -> Tensor:
    """Climb the loss by the sign of its gradient, and never leave what is allowed.

    The model's mode is left as it is, and no gradient reaches its weights.

    Parameters
    ----------
    model : callable
    pictures : Tensor
        (n, …), from 0 to 1.
    labels : Tensor
        (n,), what they show.
    epsilon : float
        The most that a pixel may change.
    step : float
        What a pixel changes by in one step, α.
    steps : int
    offsets : Tensor, optional
        Where to begin, as shares of ε from -1 to 1 in the shape of the pictures; else at the
        pictures themselves. The first gradient may be taken where there is no picture: cut to
        what is one, a digit's paper and ink would begin half unmoved, and a network trained with
        one step learned in a trial of ours to fool that step alone.

    Returns
    -------
    Tensor
        (n, …), detached.
    """
    found = pictures
    if offsets is not None:
        found = pictures + epsilon * offsets
    for _ in range(steps):
        with torch.enable_grad():
            moved = found.detach().requires_grad_()
            # The sum, not the mean: no picture's gradient shrinks with the others of its batch.
            loss = F.cross_entropy(model(moved), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, moved)
        found = within(found + step * gradient.sign(), pictures, epsilon)
    return within(found, pictures, epsilon).detach()


def fgsm(model: Classifier, pictures: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Go by ε along the sign of the gradient, once (Goodfellow et al., 2015)."""
    return pgd(model, pictures, labels, epsilon, epsilon, 1)


@torch.no_grad()
def withstood(
    model: Classifier,
    pictures: Tensor,
    labels: Tensor,
    epsilon: float,
    step: float,
    steps: int,
    restarts: Iterable[Tensor],
) -> Tensor:
    """Say which pictures no restart of PGD has fooled the model on, after each of them.

    A picture counts as lost by the worst of its own restarts, so the share can only fall with their
    number. (The worst restart of a batch, taken for all its pictures at once, hides most of that.)
    What is lost already is not attacked again.

    Parameters
    ----------
    model, pictures, labels, epsilon, step, steps
        As of `pgd`.
    restarts : iterable of Tensor
        The offsets to begin with, one in the shape of the pictures for each restart.

    Returns
    -------
    Tensor
        bool, (restarts, n): row k is of restarts 0 … k together.
    """
    holds = torch.ones(len(labels), dtype=torch.bool, device=labels.device)
    rows = []
    for offsets in restarts:
        left = holds.nonzero().squeeze(1)
        if len(left):
            near, truth = pictures[left], labels[left]
            found = pgd(model, near, truth, epsilon, step, steps, offsets[left])
            holds[left] = model(found).argmax(dim=1) == truth
        rows.append(holds.clone())
    return torch.stack(rows)
