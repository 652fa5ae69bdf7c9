"""How `visualise` is judged: on units whose slopes are known."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

visualise = Exercise(
    "visualise", minutes=20, difficulty=2, changes=("start",), returns=torch.Tensor
)


class _Template:
    """``w·x − c·‖x‖²/2`` of each picture: its slope is ``w − c x``."""

    def __init__(self, weight, pull: float = 0.0) -> None:
        self.weight, self.pull = weight, pull

    def __call__(self, x):
        rows = x.flatten(1)
        return rows @ self.weight.flatten() - self.pull / 2 * rows.square().sum(dim=1)

    def __repr__(self) -> str:
        return "w·x − c·‖x‖²/2 of each picture"


class _Dead:
    """A unit that is off everywhere."""

    def __call__(self, x):
        return (x.flatten(1).sum(dim=1) - 1000).relu()

    def __repr__(self) -> str:
        return "a unit that is 0 for every picture"


def _by_hand(unit: _Template, start, steps: int, rate: float) -> np.ndarray:
    x = start.double().numpy().copy()
    weight = unit.weight.double().numpy()
    for _ in range(steps):
        for i in range(len(x)):
            slope = weight - unit.pull * x[i]
            x[i] = np.clip(x[i] + rate * slope / np.sqrt((slope**2).sum()), 0, 1)
    return x


def _case(draw: Draw, scale: float = 1.0):
    shape = (1, 2 + draw.size % 3, 3)
    weight = scale * (normals(draw, *shape) + 0.05)
    start = torch.tensor(draw.uniform(0.3, 0.7, 1 + draw.size % 3, *shape)).float()
    return weight, start


@visualise.property("climbs so far in each step, wherever the slope is steep or flat", trials=6)
def _(answer, draw: Draw) -> None:
    weight, start = _case(draw, draw.choice([0.01, 1.0, 100.0]))
    unit, steps = _Template(weight, 0.7 * float(abs(weight).max())), 1 + draw.size % 4
    expect(answer(unit, start.clone(), steps, 0.05), f"the pictures after {steps} steps").close_to(
        _by_hand(unit, start, steps, 0.05), atol=1e-4
    )


@visualise.property("keeps every pixel from 0 to 1, in every step", trials=4)
def _(answer, draw: Draw) -> None:
    weight, start = _case(draw)
    unit = _Template(weight, 2.0)
    found = answer(unit, start.clone(), 8, 1.5)
    expect(found, "the pictures after 8 large steps").close_to(
        _by_hand(unit, start, 8, 1.5), atol=1e-3
    )
    expect(found, "the pixels").is_between(0.0, 1.0)


@visualise.property("lets every picture climb by its own slope", trials=3)
def _(answer, draw: Draw) -> None:
    weight, start = _case(draw)
    start = torch.cat([start, 0.1 * start, 0.9 + 0.1 * start])
    unit = _Template(weight, 3.0)
    expect(answer(unit, start.clone(), 3, 0.08), "the pictures after 3 steps").close_to(
        _by_hand(unit, start, 3, 0.08), atol=1e-4
    )


@visualise.property("stays where there is no slope at all", trials=2)
def _(answer, draw: Draw) -> None:
    _, start = _case(draw)
    expect(answer(_Dead(), start.clone(), 3, 0.1), "the pictures").close_to(
        start, rtol=0, atol=1e-6
    )


@visualise.property("of no steps is the start; the result has no graph", trials=2)
def _(answer, draw: Draw) -> None:
    weight, start = _case(draw)
    expect(answer(_Template(weight), start.clone(), 0, 0.1), "the pictures").close_to(
        start, atol=1e-6
    )
    found = answer(_Template(weight), start.clone(), 2, 0.1)
    expect(found.requires_grad, "whether a graph hangs on the pictures").equals(False)


@visualise.property("leaves the start as it was", trials=1)
def _(answer, draw: Draw) -> None:
    weight, start = _case(draw)
    before = start.clone()
    answer(_Template(weight), start, 2, 0.1)
    expect(start.requires_grad, "whether the start asks for gradients afterwards").equals(False)
    expect(start.detach(), "the start afterwards").close_to(before, rtol=0, atol=0)


@visualise.right
def right_ascent(unit, start, steps, rate):
    x = start.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        slope = torch.autograd.grad(unit(x).sum(), x)[0]
        size = slope.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, 1, 1, 1)
        x = (x + rate * slope / size).clamp(0, 1).detach()
    return x


_STEP = "(x + rate * slope / size).clamp(0, 1).detach()"

visualise.slip(
    "downhill",
    "You go downhill: these are the pictures that the unit likes least. Add the step.",
    {"x + rate": "x - rate"},
)
visualise.slip(
    "not_divided",
    "You did not divide by the size of the slope. A unit with flat slopes then never moves, and "
    "one with steep slopes leaps.",
    {" / size": ""},
)
visualise.slip(
    "sign_alone",
    "All your pixels move by the same amount: you took the sign of each slope, or divided it by "
    "its own size. Divide by the length of the picture's whole slope.",
    {"slope / size": "slope.sign()"},
)
visualise.slip(
    "size_of_the_batch",
    "You divided by the size of all the slopes of the batch together. Each picture has its own.",
    {
        "slope.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, 1, 1, 1)": (
            "slope.norm().clamp(min=1e-12)"
        )
    },
)
visualise.slip(
    "squared_size",
    "You divided by the square of the size.",
    {"norm(dim=1).clamp": "square().sum(dim=1).clamp"},
)
visualise.slip(
    "sum_of_sizes",
    "You divided by the sum of the sizes of all pixels' slopes. The length of the slope is the "
    "root of the sum of squares.",
    {"norm(dim=1).clamp": "abs().sum(dim=1).clamp"},
)
visualise.slip(
    "largest_pixel",
    "You divided by the largest pixel's slope. The length of the slope is the root of the sum of "
    "squares.",
    {"norm(dim=1).clamp": "abs().amax(dim=1).clamp"},
)
visualise.slip(
    "never_limited",
    "Pixels leave the range from 0 to 1: such pictures cannot exist, and the unit was never "
    "trained on them.",
    {".clamp(0, 1)": ""},
)
visualise.slip(
    "limited_at_the_end",
    "You limited the pixels at the very end. On the way they ran out of the range and brought back "
    "slopes from there: limit after every step.",
    {_STEP: "(x + rate * slope / size).detach()", "return x": "return x.clamp(0, 1)"},
)
visualise.slip(
    "limited_to_plus_minus_one",
    "You limited the pixels to −1 and 1. Ink goes from 0 to 1.",
    {"clamp(0, 1)": "clamp(-1, 1)"},
)
visualise.slip(
    "divides_by_nothing",
    "Where the slope is 0 you divided 0 by 0, and the picture is NaN. Such a unit is dead there: "
    "leave the picture as it is.",
    {".clamp(min=1e-12)": ""},
)
visualise.slip(
    "floor_too_high",
    "You added or set a least size that is not small against the slopes themselves: flat units "
    "move too little.",
    {"min=1e-12": "min=0.05"},
)
visualise.slip(
    "slope_of_the_start",
    "You took the slope at the start and no other. It changes as the picture does.",
    {
        "torch.autograd.grad(unit(x).sum(), x)[0]": (
            "(lambda s: torch.autograd.grad(unit(s).sum(), s)[0])"
            "(start.detach().clone().requires_grad_())"
        )
    },
)
visualise.slip(
    "mean_over_pixels",
    "You divided by the root of the *mean* square. Your steps are longer by the root of the number "
    "of pixels.",
    {"norm(dim=1).clamp": "square().mean(dim=1).sqrt().clamp"},
)

visualise.slip(
    "the_start_itself",
    "You asked for gradients on the caller's own start, and it goes on asking for them. Work on a "
    "copy.",
    {"x = start.detach().clone()": "x = start"},
)
visualise.slip(
    "start_moved",
    "You moved the caller's own start, in place. Work on a copy.",
    {
        "x = start.detach().clone()": "x = start.detach()",
        f"x = {_STEP}": "x = x.detach()\n        x += rate * slope / size\n        x.clamp_(0, 1)",
    },
)
visualise.slip(
    "start_moved_and_asking",
    "You moved the caller's own start, in place, and it asks for gradients afterwards. Work on a "
    "copy.",
    {
        "x = start.detach().clone()": "x = start",
        f"x = {_STEP}": (
            "with torch.no_grad():\n            x += rate * slope / size\n"
            "            x.clamp_(0, 1)"
        ),
        "return x": "return x.detach()",
    },
)

_SIZE = "size = slope.flatten(1).norm(dim=1).clamp(min={}).reshape(-1, 1, 1, 1)"
visualise.equivalent(
    f"`{_SIZE.format('1e-12')}` → `{_SIZE.format('2e-12')}`",
    because="either is nothing beside a slope that is not 0",
)

visualise.equivalent(
    "`slope, = torch.autograd.grad(unit(x).sum(), x)` → "
    "`slope, = torch.autograd.grad(unit(x).mean(), x)`",
    because="a slope that is divided by its own length does not depend on its size",
)

visualise.hint("One step: slope, its length for each picture, step, limit, detach.")
visualise.hint("`slope.flatten(1).norm(dim=1)` has a length for each picture.")
visualise.hint("A dead unit's slope has length 0. What is 0/0?", when="nan")
