"""How `gradients` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import float64_tensor, slopes_by_nudging

gradients = Exercise("gradients", minutes=10, difficulty=2, returns=tuple[float, float])


def _leaf(draw: Draw, used: bool = False) -> torch.Tensor:
    """A number that requires a gradient, with slopes of some earlier loss in `.grad` if used."""
    leaf = float64_tensor(draw.normal(), requires_grad=True)
    if used:
        leaf.grad = float64_tensor(draw.uniform(1.0, 9.0))
    return leaf


def _judge_gradients(answer, w: torch.Tensor, b: torch.Tensor, x, y) -> None:
    dw, db = answer(w, b, float64_tensor(x), float64_tensor(y))
    expected_dw, expected_db = slopes_by_nudging(w.item(), b.item(), x, y)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@gradients.property("matches the slopes of the loss", trials=6)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    _judge_gradients(answer, _leaf(draw), _leaf(draw), x, y)


@gradients.property("does not count what was in .grad before", trials=4)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    _judge_gradients(answer, _leaf(draw, used=True), _leaf(draw, used=True), x, y)


@gradients.property("is zero when the line goes through every point", trials=3)
def _(answer, draw: Draw) -> None:
    w, b, x = _leaf(draw), _leaf(draw), draw.normal(4)
    _judge_gradients(answer, w, b, x, np.polyval([w.item(), b.item()], x))


def _backward(w, b, x, y, clear: bool = True, total: bool = False):
    """Leave the slopes of the loss in ``w.grad`` and ``b.grad``: what the mistakes begin with."""
    if clear:
        w.grad = b.grad = None
    squares = (w * x + b - y) ** 2
    (squares.sum() if total else squares.mean()).backward()
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "You did not clear `.grad` first. `backward()` adds to what is there, so you returned the sum "
    "of these slopes and all earlier ones."
)
def accumulated(w, b, x, y):
    return _backward(w, b, x, y, clear=False)


@gradients.mistake(
    "You cleared `.grad` after `backward()` and before you read it: the slopes are gone. Clear "
    "first, then go backwards, then read."
)
def cleared_too_late(w, b, x, y):
    _backward(w, b, x, y)
    w.grad.zero_()
    b.grad.zero_()
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "`.grad` is None where you read it. Either you set it to None after `backward()` and before "
    "reading it, or `backward()` was not called: clear first, then go backwards, then read."
)
def emptied_too_late(w, b, x, y):
    _backward(w, b, x, y)
    w.grad = b.grad = None
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "With something in `.grad` already you return 0, as if you subtracted the old slope and "
    "`old = w.grad` were a copy. It is a second name for the tensor that `backward()` adds to. "
    "Clear `.grad` first, or keep a `clone()`."
)
def subtracted_from_itself(w, b, x, y):
    old_dw, old_db = w.grad, b.grad
    dw, db = _backward(w, b, x, y, clear=False)
    return dw - (old_dw.item() if old_dw is not None else 0.0), (
        db - (old_db.item() if old_db is not None else 0.0)
    )


@gradients.mistake("You cleared `b.grad` and forgot `w.grad`. Every parameter has its own.")
def cleared_only_b(w, b, x, y):
    b.grad = None
    return _backward(w, b, x, y, clear=False)


@gradients.mistake("You cleared `w.grad` and forgot `b.grad`. Every parameter has its own.")
def cleared_only_w(w, b, x, y):
    w.grad = None
    return _backward(w, b, x, y, clear=False)


@gradients.mistake(
    "`.grad` is None until the first `backward()`, and None has no `zero_()`. Set `w.grad = None`, "
    "which is right in both cases."
)
def zeroed_none(w, b, x, y):
    w.grad.zero_()
    b.grad.zero_()
    return _backward(w, b, x, y)


@gradients.mistake(
    "You did not call `backward()`: what you read from `.grad` is None, or left over from an "
    "earlier loss."
)
def without_backward_call(w, b, x, y):
    torch.mean((w * x + b - y) ** 2)
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "`backward()` found no graph. You took the loss out of it first, with `detach()`, `item()` and "
    "a new tensor, or under `torch.no_grad()`: call `backward()` on what line_loss gives you."
)
def detached_first(w, b, x, y):
    torch.mean((w * x + b - y) ** 2).detach().backward()


@gradients.mistake("Your loss is a sum over the batch. It is a mean, and its slopes are too.")
def summed_loss(w, b, x, y):
    return _backward(w, b, x, y, total=True)


@gradients.mistake(
    "`backward()` ran twice on the same batch, and the second run added the slopes once more."
)
def ran_twice(w, b, x, y):
    _backward(w, b, x, y)
    return _backward(w, b, x, y, clear=False)


@gradients.mistake("You returned w.grad twice. Each parameter has its own slope.")
def same_slope(w, b, x, y):
    dw, _ = _backward(w, b, x, y)
    return dw, dw


@gradients.mistake("dw and db have changed places: return (dw, db).")
def swapped_slopes(w, b, x, y):
    return _backward(w, b, x, y)[::-1]


@gradients.mistake(
    "The signs are flipped. `backward()` gives the slopes themselves; the minus belongs to the "
    "step."
)
def negated(w, b, x, y):
    dw, db = _backward(w, b, x, y)
    return -dw, -db


@gradients.mistake(
    "You returned tensors. `w.grad` is filled anew by the next `backward()`: what you keep of it "
    "should be a number, `w.grad.item()`."
)
def returned_tensors(w, b, x, y):
    _backward(w, b, x, y)
    return w.grad, b.grad


gradients.hint("The slopes come out of `.grad`. What has to happen before, and in which order?")
gradients.hint("Clear both `.grad`, call `backward()` on line_loss(…), read both with `.item()`.")
gradients.hint("Is something from an earlier `backward()` still in `.grad`?", when="offset")
gradients.hint("Is the loss a mean? Does `backward()` run once?", when="factor")
gradients.hint("A fresh tensor's `.grad` is None. Which line does not expect that?", when="error")
gradients.hint("Read `.grad` after `backward()`, and clear it before.", when="value")
