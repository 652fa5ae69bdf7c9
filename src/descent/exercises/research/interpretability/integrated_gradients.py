"""How `integrated_gradients` is judged: by slopes that are written down, not differentiated."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

integrated_gradients = Exercise(
    "integrated_gradients", minutes=25, difficulty=2, changes=("f",), returns=torch.Tensor
)


class _Cubic:
    """``Σᵢ aᵢ xᵢ³ + b·(Πᵢ of the first two)``; a row in, a number out."""

    def __init__(self, draw: Draw, d: int) -> None:
        self.cubes = normals(draw, d) + 0.05
        self.product = draw.uniform(0.5, 1.5)
        self.rows: set[int] = set()

    def __call__(self, x):
        rows = x.flatten(1)
        self.rows.add(len(rows))
        return (self.cubes * rows**3).sum(dim=1) + self.product * rows[:, 0] * rows[:, 1]

    def slope(self, row: np.ndarray) -> np.ndarray:
        slope = 3 * self.cubes.double().numpy() * row**2
        slope[0] += self.product * row[1]
        slope[1] += self.product * row[0]
        return slope

    def __repr__(self) -> str:
        return "a cubic polynomial of each row"


class _Gate:
    """The page's neuron: relu(2a − b)."""

    def __call__(self, x):
        return (2 * x[:, 0] - x[:, 1]).relu()

    def __repr__(self) -> str:
        return "relu(2a − b) of each row (a, b)"


def _by_hand(f: _Cubic, x, baseline, steps: int) -> np.ndarray:
    shape = x.shape
    x = x.double().numpy().reshape(len(x), -1)
    start = baseline.double().numpy().reshape(len(x), -1)
    found = np.zeros_like(x)
    for i in range(len(x)):
        for k in range(steps):
            point = start[i] + (k + 0.5) / steps * (x[i] - start[i])
            found[i] += f.slope(point) / steps
    return (found * (x - start)).reshape(shape)


@integrated_gradients.property("is the mean slope on the way, times how far each input moved")
def _(answer, draw: Draw) -> None:
    d, n, steps = 2 + draw.size % 4, 1 + draw.size % 4, 1 + draw.size
    f, x, start = _Cubic(draw, d), normals(draw, n, d) + 0.3, normals(draw, n, d)
    expect(answer(f, x, start, steps), f"attributions in {steps} steps").close_to(
        _by_hand(f, x, start, steps), rtol=1e-3, atol=1e-4
    )


@integrated_gradients.property("hands f as many rows as x has, each time", trials=2)
def _(answer, draw: Draw) -> None:
    n = 1 + draw.size
    f = _Cubic(draw, 3)
    answer(f, normals(draw, n, 3) + 0.3, normals(draw, n, 3), 4)
    expect(sorted(f.rows), "how many rows f was handed, in any call").equals([n])


@integrated_gradients.property("works for pictures, each with a baseline of its own", trials=3)
def _(answer, draw: Draw) -> None:
    shape = (1 + draw.size % 3, 2, 2, 3)
    f, x, start = _Cubic(draw, 12), normals(draw, *shape) + 0.3, normals(draw, *shape)
    expect(answer(f, x, start, 6), "attributions in 6 steps").close_to(
        _by_hand(f, x, start, 6), rtol=1e-3, atol=1e-4
    )


@integrated_gradients.property("with a baseline of zeros", trials=2)
def _(answer, draw: Draw) -> None:
    f, x = _Cubic(draw, 3), normals(draw, 2, 3) + 0.3
    start = torch.zeros(2, 3)
    expect(answer(f, x, start, 4), "attributions in 4 steps").close_to(
        _by_hand(f, x, start, 4), rtol=1e-3, atol=1e-4
    )


@integrated_gradients.property("adds up to f(x) − f(baseline), to 1e-3, in 200 steps", trials=3)
def _(answer, draw: Draw) -> None:
    f, x, start = _Cubic(draw, 4), normals(draw, 3, 4) / 2, normals(draw, 3, 4) / 2
    total = answer(f, x, start, 200).flatten(1).sum(dim=1)
    expect(total, "the sum of the attributions").close_to(f(x) - f(start), rtol=0, atol=1e-3)


@integrated_gradients.property("of the page's neuron is 20/7 and 15/7 in seven steps", trials=1)
def _(answer, draw: Draw) -> None:
    x, start = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 4.0]])
    found = answer(_Gate(), x, start, 7)
    expect(found, "the attributions").close_to(torch.tensor([[20 / 7, 15 / 7]]), atol=1e-4)
    found = answer(_Gate(), x, start, 8)
    expect(found, "the attributions in 8 steps").close_to(torch.tensor([[3.0, 2.25]]), atol=1e-4)


@integrated_gradients.property("is 0 for whatever did not move, and returns no graph", trials=2)
def _(answer, draw: Draw) -> None:
    f, x = _Cubic(draw, 3), normals(draw, 2, 3) + 0.3
    start = x.clone()
    start[:, 0] -= 1.0
    found = answer(f, x, start, 5)
    expect(found[:, 1:], "the attributions of two inputs that did not move").equals(
        torch.zeros(2, 2)
    )
    expect(found.requires_grad, "whether a graph hangs on the result").equals(False)


@integrated_gradients.right
def right_integrated(f, x, baseline, steps):
    total = torch.zeros_like(x)
    for k in range(steps):
        share = (k + 0.5) / steps
        point = (baseline + share * (x - baseline)).detach().requires_grad_()
        total += torch.autograd.grad(f(point).sum(), point)[0]
    return total / steps * (x - baseline)


_POINT = "baseline + share * (x - baseline)"
_RETURN = "total / steps * (x - baseline)"

integrated_gradients.slip(
    "sum_for_mean",
    "You added the slopes up and did not divide by the number of steps: your attributions are "
    "too large by exactly that factor. The integral is their *mean*.",
    {"total / steps": "total"},
)
integrated_gradients.slip(
    "factor_start_minus_x",
    "You multiplied by baseline − x. All signs are turned round: how far an input moved is "
    "x − baseline.",
    {_RETURN: "total / steps * (baseline - x)"},
)
integrated_gradients.slip(
    "factor_x",
    "You multiplied by x. That is right for a baseline of zeros alone: the factor is x − baseline, "
    "how far each input moved.",
    {_RETURN: "total / steps * x"},
)
integrated_gradients.slip(
    "factor_of_the_last_point",
    "You multiplied by x minus the last point of the way, one half-step. The factor is the whole "
    "way, x − baseline.",
    {_RETURN: "total / steps * (x - point.detach())"},
)
integrated_gradients.slip(
    "no_factor",
    "You returned the mean slope. Times x − baseline it becomes an attribution, in the units of f.",
    {_RETURN: "total / steps"},
)
integrated_gradients.slip(
    "start_ignored_on_the_way",
    "Your way leads from 0 to x: the baseline is left out of it, and only used in the factor. With "
    "a baseline of zeros nobody would notice. Go from the baseline to x.",
    {_POINT: "share * x"},
)
integrated_gradients.slip(
    "start_ignored_throughout",
    "You took a baseline of zeros, whatever is given.",
    {_POINT: "share * x", _RETURN: "total / steps * x"},
)
integrated_gradients.slip(
    "too_far",
    "Your points are baseline + s·x. They go past x: add s times the *difference*.",
    {_POINT: "baseline + share * x"},
)
integrated_gradients.slip(
    "left_ends",
    "You took the slope at the beginning of each step, the baseline among them and x not. The "
    "middle of each step is asked for; its error falls faster.",
    {"(k + 0.5) / steps": "k / steps"},
)
integrated_gradients.slip(
    "right_ends",
    "You took the slope at the end of each step. The middle is asked for.",
    {"(k + 0.5) / steps": "(k + 1) / steps"},
)
integrated_gradients.slip(
    "both_ends_full_weight",
    "Your points go evenly from the baseline to x, both ends with full weight. They count too much "
    "so: take the middle of each step.",
    {"(k + 0.5) / steps": "k / max(steps - 1, 1)"},
)
integrated_gradients.slip(
    "slope_at_the_end",
    "You took the slope at x and no other. Where a function bends or saturates on the way, that "
    "misses it.",
    {_POINT: "0 * share + x"},
)
integrated_gradients.slip(
    "sizes",
    "You took sizes of slopes. An input may push down as well, and only signed attributions add up "
    "to the difference.",
    {
        "torch.autograd.grad(f(point).sum(), point)[0]": (
            "torch.autograd.grad(f(point).sum(), point)[0].abs()"
        )
    },
)
integrated_gradients.slip(
    "mean_over_the_batch",
    "You differentiated a mean over the batch: every attribution is divided by the number of rows.",
    {"f(point).sum()": "f(point).mean()"},
)
integrated_gradients.slip(
    "trapezoid",
    "You took the slopes at both ends of each step, half of each. The middle of each step is asked "
    "for: it has half of the error, with one slope fewer.",
    {
        "range(steps)": "range(steps + 1)",
        "(k + 0.5) / steps": "k / steps",
        "f(point).sum()": "(0.5 if k in (0, steps) else 1.0) * f(point).sum()",
    },
)
integrated_gradients.slip(
    "size_of_the_factor",
    "Your factor is the size of x − baseline. An input that moved down moved by less than 0.",
    {_RETURN: "total / steps * (x - baseline).abs()"},
)
integrated_gradients.slip(
    "factor_at_every_point",
    "You multiplied each slope by the point where it was taken. The factor is how far each input "
    "moved, x − baseline, for all of them.",
    {
        "torch.autograd.grad(f(point).sum(), point)[0]": (
            "torch.autograd.grad(f(point).sum(), point)[0] * point.detach()"
        ),
        _RETURN: "total / steps",
    },
)
integrated_gradients.slip(
    "steps_of_your_own",
    "You took a number of steps of your own, whatever is given.",
    {"    for k in": "    steps = 50\n    for k in"},
)
integrated_gradients.slip(
    "both_ends_left_out",
    "Your points divide the way into steps + 1 parts. Take the middle of each of `steps` parts.",
    {"(k + 0.5) / steps": "(k + 1) / (steps + 1)"},
)
integrated_gradients.slip(
    "made_to_add_up",
    "You scaled the attributions until they add up. That hides the gap, which says whether the "
    "steps were enough.",
    {
        f"return {_RETURN}": (
            "shares = total / steps * (x - baseline)\n"
            "    whole = (f(x) - f(baseline)).detach() / shares.flatten(1).sum(dim=1)\n"
            "    return shares * whole.reshape(-1, *[1] * (x.dim() - 1))"
        )
    },
)
integrated_gradients.slip(
    "one_slope_in_the_middle",
    "You took the slope in the middle of the whole way and no other.",
    {_POINT: "baseline + (0 * share + 0.5) * (x - baseline)"},
)
integrated_gradients.slip(
    "slope_at_the_start",
    "You took the slope at the baseline and no other.",
    {_POINT: "baseline + 0 * share"},
)
integrated_gradients.slip(
    "last_slope_alone",
    "You kept the last slope of the way alone: each one writes over the one before. Add them up.",
    {"total += ": "total = steps * "},
)
integrated_gradients.slip(
    "last_slope_divided",
    "You kept the last slope of the way alone, and divided it by the number of steps. Add the "
    "slopes up, then divide.",
    {"total += ": "total = "},
)
integrated_gradients.slip(
    "one_step_fewer",
    "You left out the last step of the way.",
    {"range(steps)": "range(steps - 1)"},
)
integrated_gradients.slip(
    "averaged_over_the_batch",
    "You averaged the attributions over the batch. Each row has its own.",
    {_RETURN: "(total / steps * (x - baseline)).mean(dim=0, keepdim=True).expand_as(x)"},
)
integrated_gradients.slip(
    "first_start_for_all",
    "You took the first row's baseline for all rows. Each has its own.",
    {
        "total = torch.zeros_like(x)": (
            "total = torch.zeros_like(x)\n    baseline = baseline[:1].expand_as(x)"
        )
    },
)


@integrated_gradients.mistake(
    "You handed f the points of all steps at once, as one batch. It takes as many rows as x has: "
    "one that asks each row for a class of its own would quietly answer for the first few alone. "
    "Call it once for each step."
)
def all_steps_in_one_batch(f, x, baseline, steps):
    shares = ((torch.arange(steps) + 0.5) / steps).reshape(-1, *[1] * x.dim())
    points = (baseline + shares * (x - baseline)).flatten(0, 1).detach().requires_grad_()
    slopes = torch.autograd.grad(f(points).sum(), points)[0]
    return slopes.reshape(steps, *x.shape).mean(dim=0) * (x - baseline)


integrated_gradients.hint("Two factors: the mean slope along the way, and how far each moved.")
integrated_gradients.hint("The points are baseline + s · (x − baseline), s = 0.5/n, 1.5/n, …")
integrated_gradients.hint(
    "Add your attributions up and compare with f(x) − f(baseline). By which factor are they off?",
    when="value",
)
