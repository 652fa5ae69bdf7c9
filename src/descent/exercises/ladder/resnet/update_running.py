"""How `update_running` is judged."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_batch, positive

update_running = Exercise("update_running", minutes=10, difficulty=2)


def _running(draw: Draw, x: Tensor, momentum: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Running statistics, and what torch makes of them with one batch."""
    mean, variance = normals(draw, x.shape[1]), positive(draw, x.shape[1])
    new_mean, new_variance = mean.clone(), variance.clone()
    F.batch_norm(x, new_mean, new_variance, training=True, momentum=momentum)
    return mean, variance, new_mean, new_variance


@update_running.property("moves towards the statistics of the batch of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    x, momentum = drawn_batch(draw, draw.size), draw.choice([0.1, 0.3, 0.7])
    mean, variance, new_mean, new_variance = _running(draw, x, momentum)
    found = answer(mean, variance, x, momentum)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("does so for rows, and with momentum 0.1 unless told", trials=3)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, draw.size + 1, 4, ())
    mean, variance, new_mean, new_variance = _running(draw, x, 0.1)
    found = answer(mean, variance, x)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("keeps the old with momentum 0 and takes the new with 1", trials=1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 4, 2, ())
    mean, variance, _, _ = _running(draw, x, 0.1)
    for momentum, want in ((0.0, (mean, variance)), (1.0, (x.mean(0), x.var(0)))):
        found = answer(mean, variance, x, momentum)
        expect(found[0], f"the running mean, momentum {momentum}").close_to(want[0], rtol=1e-3)
        expect(found[1], f"the running variance, momentum {momentum}").close_to(want[1], rtol=1e-3)


@update_running.property("keeps no graph", trials=1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 4).requires_grad_()
    mean, variance, _, _ = _running(draw, x.detach(), 0.1)
    found = answer(mean, variance, x * 1.0)
    attached = [bool(getattr(part, "requires_grad", False)) for part in found]
    expect(sum(attached), "how many of the two hang on to the batch's graph").equals(0)


def _updated(running_mean, running_var, x, momentum=0.1, **habits):
    """The update with one bad habit, named by keyword."""
    x = x if habits.get("attached") else x.detach()
    axes = [0] if habits.get("counts_examples") else [0, *range(2, x.ndim)]
    mean = x.mean([0, *range(2, x.ndim)])
    variance = x.var([0, *range(2, x.ndim)], correction=0 if habits.get("biased") else 1)
    if habits.get("counts_examples"):
        n = len(x)
        biased = x.var([0, *range(2, x.ndim)], correction=0)
        variance = biased * n / (n - 1) if n > 1 else biased * math.inf
    if habits.get("wrong_way_correction"):
        count = math.prod(x.shape[axis] for axis in axes)
        variance = x.var(axes, correction=0) * (count - 1) / count
    old, new = 1 - momentum, momentum
    if habits.get("reversed"):
        old, new = new, old
    old = 1.0 if habits.get("not_forgetting") else old
    if habits.get("roots"):
        deviation = old * running_var.sqrt() + new * variance.sqrt()
        return old * running_mean + new * mean, deviation**2
    if habits.get("replaced"):
        return mean, variance
    new_var = running_var if habits.get("mean_only") else old * running_var + new * variance
    if habits.get("corrects_all"):
        count = x.numel() / x.shape[1]
        biased = x.var([0, *range(2, x.ndim)], correction=0)
        new_var = (old * running_var + new * biased) * count / (count - 1)
    return old * running_mean + new * mean, new_var


@update_running.mistake(
    "The biased variance went into the running one. The running variance estimates that of all "
    "pictures: multiply by m / (m − 1), or use torch's default `correction=1`."
)
def biased_into_running(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, biased=True)


@update_running.mistake(
    "Your momentum is the wrong way round: here it is the weight of the *new* batch, and the old "
    "keeps 1 − momentum."
)
def momentum_reversed(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, reversed=True)


@update_running.mistake(
    "You corrected with the number of examples. The m of m / (m − 1) counts all numbers of a "
    "channel: n · height · width."
)
def corrected_by_examples(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, counts_examples=True)


@update_running.mistake("Your correction is upside down: multiply by m / (m − 1), which exceeds 1.")
def correction_upside_down(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, wrong_way_correction=True)


@update_running.mistake(
    "You forgot to forget: the old statistics are to be multiplied by 1 − momentum, or they grow "
    "for ever."
)
def never_forgets(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, not_forgetting=True)


@update_running.mistake("You returned the batch's statistics. Mix them with the running ones.")
def replaced_by_batch(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, replaced=True)


@update_running.mistake("The running variance did not move. Both statistics are updated.")
def mean_only(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, mean_only=True)


@update_running.mistake(
    "You multiplied the old running variance by m / (m − 1) too. Correct the batch's variance "
    "alone, before you mix it in."
)
def corrects_the_old(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, corrects_all=True)


@update_running.mistake("You mixed standard deviations. It is the variances that are averaged.")
def mixed_deviations(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, roots=True)


@update_running.mistake(
    "Your running statistics hang on to the graph of the batch. Every batch would be kept in "
    "memory for ever: use `x.detach()`, or `torch.no_grad()`."
)
def keeps_the_graph(running_mean, running_var, x, momentum=0.1):
    return _updated(running_mean, running_var, x, momentum, attached=True)


update_running.hint("Statistics of the batch first; `channel_statistics` has them.")


update_running.hint("How many numbers has a channel? `x.numel() / x.shape[1]`.")


update_running.hint("New = (1 − momentum) · old + momentum · batch, for both.")


update_running.hint("Which of the two is off? The variance needs m / (m − 1).", when="value")


update_running.hint("`x.detach()` cuts the batch out of its graph.", when="keeps no graph")
