"""How `clip_gradients` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

from .shared import clip

clip_gradients = Exercise("clip_gradients", minutes=10, difficulty=2, changes=("parameters",))


def _with_gradients(draw: Draw, scale: float = 1.0, dtype=torch.float32) -> list[nn.Parameter]:
    """Parameters with a drawn gradient each, and one without."""
    shapes = [(3, 2), (), (2, 1, 2), (draw.size,)]
    parameters = [nn.Parameter(torch.full(shape, 2.0, dtype=dtype)) for shape in shapes]
    for number, parameter in enumerate(parameters):
        gradient = draw.normal(*parameter.shape, scale=scale)
        parameter.grad = torch.tensor(gradient, dtype=dtype) + 0.1 * scale * (number + 1)
    parameters.insert(1, nn.Parameter(torch.ones(4)))
    return parameters


def _gradients(parameters: list[nn.Parameter]) -> np.ndarray:
    found = [p.grad.double().numpy().ravel() for p in parameters if p.grad is not None]
    return np.concatenate(found)


@clip_gradients.property("returns the norm of all gradients together, before clipping", trials=5)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw)
    norm = float(np.sqrt((_gradients(parameters) ** 2).sum()))
    for largest in (0.5 * norm, 2 * norm):
        found = answer(iter(parameters), largest)
        expect(found, "the norm").close_to(min(norm, 2 * largest))
        norm = min(norm, largest)
    expect(found, "the norm").is_a(float)


@clip_gradients.property("shortens a long gradient to the largest norm, direction kept", trials=5)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    before = _gradients(parameters)
    largest = round(float(np.linalg.norm(before)) * 0.3, 3)
    answer(iter(parameters), largest)
    expect(_gradients(parameters), "all gradients, one after another").close_to(
        before / np.linalg.norm(before) * largest
    )
    values = [float(p.detach().flatten()[0]) for p in parameters]
    expect(values, "the parameters themselves").equals([2.0, 1.0, 2.0, 2.0, 2.0])


@clip_gradients.property("takes a list of parameters as well")
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    before = _gradients(parameters)
    largest = round(float(np.linalg.norm(before)) * 0.3, 3)
    answer(parameters, largest)
    expect(_gradients(parameters), "all gradients, one after another").close_to(
        before / np.linalg.norm(before) * largest
    )


@clip_gradients.property("leaves a short gradient as it is", trials=3)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=0.1)
    before = _gradients(parameters)
    answer(iter(parameters), 50.0)
    expect(_gradients(parameters), "all gradients, one after another").close_to(before)


@clip_gradients.property("survives gradients of 0, and none at all")
def _(answer, draw: Draw) -> None:
    silent = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))]
    expect(answer(iter(silent), 1.0), "the norm without any gradient").close_to(0.0)
    for parameter in silent:
        parameter.grad = torch.zeros_like(parameter)
    expect(answer(iter(silent), 1.0), "the norm of gradients of 0").close_to(0.0)
    expect(_gradients(silent), "gradients of 0 after clipping").close_to(np.zeros(7))


def _clipping(name, habit):
    def answer(parameters, largest):
        return clip(parameters, largest, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "clipped_each", "each",
        "You clip every gradient by its own norm, which turns the direction of the whole. One "
        "norm of all of them together, one factor for all.",
    ),
    (
        "clipped_by_value", "by_value",
        "You cut off single numbers, which turns the direction. Multiply all gradients by one "
        "factor.",
    ),
    (
        "stretched_short_ones", "stretches",
        "You make short gradients longer. Clip only when the norm is above `largest`.",
    ),
    (
        "returned_norm_after", "norm_after",
        "You return the norm after clipping, which says nothing. Return the one before.",
    ),
    (
        "root_forgotten", "squared",
        "The root is missing: the norm is the root of the sum of squares.",
    ),
    (
        "norms_added", "sums_norms",
        "You added the norms of the single gradients. Add their squares, then take one root.",
    ),
    (
        "largest_single_norm", "largest_norm",
        "You took the largest of the single norms. Add their squares, then take one root.",
    ),
    (
        "mean_square", "averages",
        "You averaged the squares. A norm is the root of their sum.",
    ),
    (
        "clipped_the_weights", "weights",
        "You changed the parameters. Clip their gradients: parameter.grad.",
    ),
    (
        "factor_lost", "not_in_place",
        "The clipped gradients are not stored. Change parameter.grad in place, as with mul_.",
    ),
    (
        "shortened_to_one", "cuts_to_one",
        "You shorten to norm 1, whatever `largest` says. The factor is largest/norm.",
    ),
    (
        "without_skipping", "needs_all",
        "A parameter that took no part has `.grad` None. Skip it.",
    ),
    (
        "norm_of_weights", "counts_weights",
        "You took the norm of the parameters. It is that of their gradients.",
    ),
    ("norm_as_tensor", "tensor", "The norm is a tensor. Return a plain float: `.item()`."),
):  # fmt: skip
    clip_gradients.mistake(_message)(_clipping(_name, _habit))


@clip_gradients.mistake(
    "The second loop found nothing: `parameters` can be walked through once. Make a list first."
)
def walks_twice(parameters, largest):
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters if p.grad is not None))
    for parameter in parameters:
        if norm > largest and parameter.grad is not None:
            parameter.grad.mul_(largest / norm)
    return norm


clip_gradients.equivalent(
    "`if norm > largest:` → `if norm >= largest:`",
    because="at the largest norm itself the factor is 1",
)


clip_gradients.hint("Collect the gradients in a list first: `parameters` can be walked only once.")


clip_gradients.hint("Square, sum, add over all tensors, root. Then one factor for all.")


clip_gradients.hint("By hand: gradients [3] and [4] have norm 5 together.", when="value")


clip_gradients.hint("`parameter.grad` can be None.", when="error")


clip_gradients.hint("Is the root there, and the factor largest/norm?", when="factor")
