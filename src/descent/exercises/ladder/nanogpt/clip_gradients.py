"""How `clip_gradients` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

clip_gradients = Exercise(
    "clip_gradients", minutes=10, difficulty=2, changes=("parameters",), returns=float
)


def _with_gradients(draw: Draw, scale: float = 1.0) -> list[nn.Parameter]:
    """Parameters with a drawn gradient each, and two without: the first or second, and the last."""
    shapes = [(3, 2), (), (2, 1, 2), (draw.size,)]
    parameters = [nn.Parameter(torch.full(shape, 2.0)) for shape in shapes]
    for number, parameter in enumerate(parameters):
        gradient = draw.normal(*parameter.shape, scale=scale)
        parameter.grad = torch.tensor(gradient).float() + 0.1 * scale * (number + 1)
    parameters.insert(draw.integers(0, 2), nn.Parameter(torch.full((4,), 2.0)))
    return [*parameters, nn.Parameter(torch.full((2,), 2.0))]


def _gradients(parameters: list[nn.Parameter]) -> np.ndarray:
    found = [p.grad.double().numpy().ravel() for p in parameters if p.grad is not None]
    return np.concatenate(found) if found else np.zeros(0)


def _norm(parameters: list[nn.Parameter]) -> float:
    return float(np.sqrt((_gradients(parameters) ** 2).sum()))


@clip_gradients.property("returns the norm of all gradients together, before clipping", trials=5)
def _(answer, draw: Draw) -> None:
    for share in (0.5, 2.0):
        parameters = _with_gradients(draw)
        norm = _norm(parameters)
        found = answer(iter(parameters), share * norm)
        expect(found, f"the norm, where {share:g} of it is allowed").close_to(norm)


@clip_gradients.property("shortens a long gradient to the largest norm, direction kept", trials=5)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    before = _gradients(parameters)
    largest = round(float(np.linalg.norm(before)) * 0.3, 3)
    answer(iter(parameters), largest)
    expect(_gradients(parameters), "all gradients, one after another").close_to(
        before / np.linalg.norm(before) * largest
    )


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
    for largest in (50.0, 1.01 * _norm(parameters)):
        answer(iter(parameters), largest)
        expect(_gradients(parameters), "all gradients, one after another").close_to(before)


@clip_gradients.property("leaves the parameters themselves as they are")
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    answer(iter(parameters), 0.3 * _norm(parameters))
    numbers = torch.cat([p.detach().flatten() for p in parameters])
    expect(numbers, "the parameters themselves, one after another").equals([2.0] * len(numbers))


@clip_gradients.property("gives 0 where no parameter has a gradient")
def _(answer, draw: Draw) -> None:
    silent = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))]
    expect(answer(iter(silent), 1.0), "the norm without any gradient").close_to(0.0)
    expect(answer(iter([]), 1.0), "the norm without any parameter").close_to(0.0)


@clip_gradients.property("leaves gradients of 0 at 0")
def _(answer, draw: Draw) -> None:
    silent = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))]
    for parameter in silent:
        parameter.grad = torch.zeros_like(parameter)
    expect(answer(iter(silent), 1.0), "the norm of gradients of 0").close_to(0.0)
    expect(_gradients(silent), "gradients of 0 after clipping").close_to(np.zeros(7))


@clip_gradients.right
def right_clip(parameters, largest):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if norm > largest:
        for gradient in gradients:
            gradient.mul_(largest / norm)
    return norm


_COLLECTED = (
    "gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]"
)
_NORM = "math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))"
_CHANGED = """    if norm > largest:
        for gradient in gradients:
            gradient.mul_(largest / norm)
"""


clip_gradients.slip(
    "clipped_each",
    "You clip every gradient by its own norm, which turns the direction of the whole. One "
    "norm of all of them together, one factor for all.",
    {
        _CHANGED: """    for gradient in gradients:
        own = gradient.norm().item()
        gradient.mul_(largest / own if own > largest else 1.0)
"""
    },
)
clip_gradients.slip(
    "clipped_by_value",
    "You cut off single numbers, which turns the direction. Multiply all gradients by one factor.",
    {
        _CHANGED: """    for gradient in gradients:
        gradient.clamp_(-largest, largest)
"""
    },
)
clip_gradients.slip(
    "stretched_short_ones",
    "You make short gradients longer. Clip only when the norm is above `largest`.",
    {"norm > largest": "norm > 0"},
)
clip_gradients.slip(
    "stretched_alone",
    "You make short gradients longer and leave long ones as they are. Clip when the norm is above "
    "`largest`.",
    {"norm > largest": "0 < norm < largest"},
)
clip_gradients.slip(
    "returned_norm_after",
    "You return the norm after clipping, which says nothing. Return the one before.",
    {"return norm": "return min(norm, largest)"},
)
clip_gradients.slip(
    "root_forgotten",
    "The root is missing: the norm is the root of the sum of squares.",
    {"math.sqrt(sum": "(sum"},
)
clip_gradients.slip(
    "norms_added",
    "You added the norms of the single gradients. Add their squares, then take one root.",
    {_NORM: "sum(gradient.norm().item() for gradient in gradients)"},
)
clip_gradients.slip(
    "largest_single_norm",
    "You took the largest of the single norms. Add their squares, then take one root.",
    {_NORM: "max((gradient.norm().item() for gradient in gradients), default=0.0)"},
)
clip_gradients.slip(
    "last_single_norm",
    "Your norm is that of the last gradient alone. Add the squares of all of them, then take one "
    "root.",
    {_NORM: "gradients[-1].norm().item() if gradients else 0.0"},
)
clip_gradients.slip(
    "sizes_added",
    "You added up sizes without squaring them. The norm is the root of the sum of squares.",
    {_NORM: "sum(gradient.abs().sum().item() for gradient in gradients)"},
)
clip_gradients.slip(
    "mean_square",
    "You averaged the squares. A norm is the root of their sum.",
    {
        _NORM: "math.sqrt(sum(gradient.square().sum().item() for gradient in gradients)"
        " / max(1, sum(gradient.numel() for gradient in gradients)))"
    },
)
clip_gradients.slip(
    "clipped_the_weights",
    "You changed the parameters. Clip their gradients: parameter.grad.",
    {
        "gradients = [": "parameters = list(parameters)\n    gradients = [",
        "for gradient in gradients:": "for parameter in parameters:",
        "gradient.mul_": "parameter.data.mul_",
    },
)
clip_gradients.slip(
    "factor_lost",
    "A long gradient stays as it was: its product with the factor is not stored, or the gradients "
    "are in a generator, which the norm has used up. Change parameter.grad in place, as with mul_.",
    {"gradient.mul_(largest / norm)": "gradient = gradient * largest / norm"},
)
clip_gradients.slip(
    "shortened_to_one",
    "You shorten to norm 1, whatever `largest` says. The factor is largest/norm.",
    {"largest / norm": "1 / norm"},
)
clip_gradients.slip(
    "factor_upside_down",
    "You make long gradients longer. The factor is largest/norm, below 1.",
    {"largest / norm": "norm / largest"},
)
clip_gradients.slip(
    "without_skipping",
    "A parameter that took no part has `.grad` None. Skip it.",
    {" if parameter.grad is not None": ""},
)
clip_gradients.slip(
    "zero_by_zero",
    "You divide by the norm before you look at it, and it may be 0. Ask first whether it is above "
    "`largest`.",
    {
        _CHANGED: """    factor = min(1.0, largest / norm)
    for gradient in gradients:
        gradient.mul_(factor)
"""
    },
)
clip_gradients.slip(
    "norm_of_weights",
    "You took the norm of the parameters. It is that of their gradients.",
    {
        "gradients = [": "parameters = list(parameters)\n    gradients = [",
        "gradient.square().sum().item() for gradient in gradients": (
            "parameter.detach().square().sum().item() for parameter in parameters"
        ),
    },
)
clip_gradients.slip(
    "walks_twice",
    "The second loop found nothing: `parameters` can be walked through once. Make a list first.",
    {
        f"    {_COLLECTED}\n": "",
        "gradient.square().sum().item() for gradient in gradients": (
            "parameter.grad.square().sum().item() for parameter in parameters "
            "if parameter.grad is not None"
        ),
        "for gradient in gradients:": "for parameter in parameters:",
        "gradient.mul_(largest / norm)": (
            "if parameter.grad is not None: parameter.grad.mul_(largest / norm)"
        ),
    },
)


clip_gradients.equivalent(
    "`if norm > largest:` → `if norm >= largest:`",
    because="at the largest norm itself the factor is 1",
)


clip_gradients.hint("Collect the gradients in a list first: `parameters` can be walked only once.")
clip_gradients.hint("Square, sum, add over all tensors, root. Then one factor for all.")
clip_gradients.hint("By hand: gradients [3] and [4] have norm 5 together.", when="value")
clip_gradients.hint("`parameter.grad` can be None.", when="error")
clip_gradients.hint("Is the root there, and the factor largest/norm?", when="factor")
