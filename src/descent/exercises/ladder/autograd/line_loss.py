"""How `line_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import float64_tensor, loss_by_hand, slopes_by_nudging

# w and b are handed over as they are: the slopes arrive in their `.grad`.
line_loss = Exercise("line_loss", minutes=5, difficulty=1, changes=("w", "b"), returns=Tensor)


@line_loss.property("is the mean of the squared errors of the line", trials=6)
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(draw.size), draw.normal(draw.size)
    loss = answer(
        float64_tensor(w, True), float64_tensor(b, True), float64_tensor(x), float64_tensor(y)
    )
    expect(loss, "the loss").close_to(loss_by_hand(w, b, x, y))


@line_loss.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(1), draw.normal(1)
    loss = answer(
        float64_tensor(w, True), float64_tensor(b, True), float64_tensor(x), float64_tensor(y)
    )
    expect(loss, "the loss").close_to(loss_by_hand(w, b, x, y))


@line_loss.property("is one tensor, with its graph", trials=2)
def _(answer, draw: Draw) -> None:
    w, b = float64_tensor(draw.normal(), True), float64_tensor(draw.normal(), True)
    loss = answer(w, b, float64_tensor(draw.normal(3)), float64_tensor(draw.normal(3)))
    expect(loss, "the loss").is_a(torch.Tensor).has_shape()
    expect(isinstance(loss, torch.Tensor), "the loss is a tensor").equals(True)
    expect(getattr(loss, "requires_grad", False), "the loss has a graph").is_true(
        otherwise="The loss has no graph behind it, so backward() has nothing to go through."
    )
    expect(w.grad is None and b.grad is None, "nothing is in .grad yet").is_true(
        otherwise="`.grad` is filled after the call: computing the loss is not yet going backwards."
    )


@line_loss.property("gives the right slopes when backward is called on it", trials=4)
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(draw.size), draw.normal(draw.size)
    leaves = float64_tensor(w, True), float64_tensor(b, True)
    _go_backward(answer(*leaves, float64_tensor(x), float64_tensor(y)))
    slopes = [math.nan if leaf.grad is None else leaf.grad.item() for leaf in leaves]
    for name, slope, expected in zip(("w", "b"), slopes, slopes_by_nudging(w, b, x, y)):  # noqa: B905
        expect(slope, f"{name}.grad after backward()").close_to(expected, atol=1e-5)
    expect([leaf.item() for leaf in leaves], "w and b afterwards").close_to([w, b])


def _go_backward(loss) -> None:
    """Call backward where there is something to go through; a property above says if not."""
    if isinstance(loss, torch.Tensor) and loss.requires_grad and loss.ndim == 0:
        try:
            loss.backward()
        except RuntimeError:  # the graph was used up inside the answer
            return


@line_loss.mistake("You summed the squared errors. A mean divides by n, and so do its slopes.")
def summed(w, b, x, y):
    return torch.sum((w * x + b - y) ** 2)


@line_loss.mistake(
    "You returned a plain number: `.item()` leaves the graph behind, and there is nothing left to "
    "differentiate. Return the tensor; take the number out when you print."
)
def plain_number(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2).item()


@line_loss.mistake(
    "The value is right, but the loss has no graph, so that `backward()` stops with an error: it "
    "was detached, or computed under `torch.no_grad()`. Both are for after `backward()`."
)
def detached(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2).detach()


@line_loss.mistake(
    "You left torch: numpy cannot take notes, so torch refuses to hand it a tensor that requires a "
    "gradient. Stay with `torch.mean` and tensor arithmetic."
)
def with_numpy(w, b, x, y):
    return np.mean((w * x + b - y).numpy() ** 2)


@line_loss.mistake(
    "You put the value into a new tensor. It starts a graph of its own, in which w and b do not "
    "occur: their `.grad` stays empty. Return what the arithmetic gave you."
)
def wrapped_again(w, b, x, y):
    value = torch.mean((w * x + b - y) ** 2).item()
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@line_loss.mistake(
    "You called `backward()` inside. Return the loss; whoever calls decides what to do with it, "
    "and a second `backward()` through the same graph is an error."
)
def went_backward(w, b, x, y):
    loss = torch.mean((w * x + b - y) ** 2)
    loss.backward()
    return loss


@line_loss.mistake(
    "Only b is still connected: w entered as a plain number (`w.item()` or `w.detach()`), and no "
    "slope can reach it. Compute with the tensor."
)
def cut_off_w(w, b, x, y):
    return torch.mean((w.detach() * x + b - y) ** 2)


@line_loss.mistake(
    "Only w is still connected: b entered as a plain number (`b.item()` or `b.detach()`), and no "
    "slope can reach it. Compute with the tensor."
)
def cut_off_b(w, b, x, y):
    return torch.mean((w * x + b.detach() - y) ** 2)


@line_loss.mistake(
    "You returned one squared error per example. The loss is one number, their mean."
)
def not_averaged(w, b, x, y):
    return (w * x + b - y) ** 2


@line_loss.mistake("You averaged without squaring: errors of +3 and −3 cancel.")
def without_square(w, b, x, y):
    return torch.mean(w * x + b - y)


@line_loss.mistake("You squared after averaging. Square each error first, then average.")
def squared_mean(w, b, x, y):
    return torch.mean(w * x + b - y) ** 2


@line_loss.mistake("You took absolute values. This loss is the mean of squares, as in rung 1.")
def absolute(w, b, x, y):
    return torch.mean(torch.abs(w * x + b - y))


@line_loss.mistake("You took the square root of the loss. It is the mean of the squares itself.")
def root(w, b, x, y):
    return torch.sqrt(torch.mean((w * x + b - y) ** 2))


@line_loss.mistake("You halved the loss. Rung 1 does not, and the two are to agree.")
def halved(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2) / 2


@line_loss.mistake("You left out b. The line is w·x + b.")
def without_intercept(w, b, x, y):
    return torch.mean((w * x - y) ** 2) + 0.0 * b


@line_loss.mistake("w and b have changed places: w multiplies x.")
def swapped_parameters(w, b, x, y):
    return torch.mean((b * x + w - y) ** 2)


line_loss.hint("Write rung 1's prediction and loss with tensors: the arithmetic looks the same.")
line_loss.hint("`torch.mean` where numpy had `np.mean`. Return what it gives you.")
line_loss.hint("What kind of thing do you return: a tensor, or a Python number?", when="type")
line_loss.hint("Which number did you divide by: n, 2, nothing?", when="factor")
line_loss.hint("A loss is one number for the whole batch.", when="shape")
line_loss.hint("Does every operation from w and b to the loss happen on tensors?", when="nan")
