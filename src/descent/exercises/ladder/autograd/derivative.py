"""How `derivative` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

derivative = Exercise("derivative", minutes=10, difficulty=2, returns=float)


class Curve:
    """A function of a tensor; it prints as its formula, and notes dtype and shape of its input."""

    def __init__(self, text: str, function) -> None:
        self.text, self.function = text, function
        self.called_with: list[tuple[str, tuple[int, ...] | None]] = []

    def __call__(self, t):
        shape = tuple(t.shape) if isinstance(t, torch.Tensor) else None
        self.called_with.append((str(getattr(t, "dtype", type(t).__name__)), shape))
        return self.function(t)

    def __repr__(self) -> str:
        return f"the function {self.text}"


def _cubic(draw: Draw) -> tuple[Curve, np.ndarray]:
    """A cubic, and its coefficients from the highest power down."""
    a, b, c = draw.normal(), draw.normal(), draw.normal()
    curve = Curve(f"t → {a}·t³ + {b}·t² + {c}·t", lambda t: a * t**3 + b * t * t + c * t)
    return curve, np.array([a, b, c, 0.0])


@derivative.property("gives the slope of a cubic", trials=6)
def _(answer, draw: Draw) -> None:
    curve, coefficients = _cubic(draw)
    x = draw.normal()
    expected = np.polyval(np.polyder(coefficients), x)
    expect(answer(curve, x), f"the slope at {x}").close_to(expected, atol=1e-4)


@derivative.property("gives the slope where a curve wriggles too fast for nudging", trials=3)
def _(answer, draw: Draw) -> None:
    k, x = draw.choice([20_000, 30_000, 50_000]), draw.choice([0.5, 1.0, 2.0])
    curve = Curve(f"t → sin({k}·t) + exp(t)", lambda t: torch.sin(k * t) + torch.exp(t))
    expect(answer(curve, x), f"the slope at {x}").close_to(k * math.cos(k * x) + math.exp(x))


@derivative.property("follows the loops and branches that f took", trials=4)
def _(answer, draw: Draw) -> None:
    x = draw.choice([0.7, 1.5, 3.0, -2.0])

    def function(t):
        if t < 0:
            return -3 * t
        while t < 10:
            t = 2 * t
        return t

    curve = Curve("t → −3·t if t < 0, else t doubled until it is 10 or more", function)
    slope = -3.0 if x < 0 else 2.0 ** math.ceil(math.log2(10 / x))
    expect(answer(curve, x), f"the slope at {x}").close_to(slope)


@derivative.property("takes a whole number for x too, and 0", trials=2)
def _(answer, draw: Draw) -> None:
    curve, coefficients = _cubic(draw)
    for x in (draw.integers(1, 4), 0):
        expected = np.polyval(np.polyder(coefficients), x)
        expect(answer(curve, x), f"the slope at {x}").close_to(expected, atol=1e-4)


@derivative.property("calls f once", trials=2)
def _(answer, draw: Draw) -> None:
    curve, _ = _cubic(draw)
    answer(curve, draw.normal())
    times = len(curve.called_with)
    expect(times, "how often f was called").equals(1)


@derivative.property("hands f a float64 tensor of shape ()", trials=2)
def _(answer, draw: Draw) -> None:
    curve, _ = _cubic(draw)
    answer(curve, draw.normal())
    dtypes = sorted({dtype for dtype, _ in curve.called_with})
    expect(dtypes == ["torch.float64"], "f gets float64").is_true(
        otherwise=f"f was called with {', '.join(dtypes) or 'nothing'}; the page asks for a "
        "float64 tensor"
    )
    shapes = {shape for _, shape in curve.called_with if shape is not None}
    expect(shapes <= {()}, "f gets shape ()").is_true(
        otherwise=f"f was called with a tensor of shape {max(shapes, default=())}; the page asks "
        "for shape (), a single number"
    )


@derivative.mistake("You returned the height f(x). The slope is in `t.grad`, after `backward()`.")
def height(f, x):
    return f(torch.tensor(x, dtype=torch.float64)).item()


@derivative.mistake(
    "You nudged. That calls f twice and is off by the nudge; `backward()` gives the slope at the "
    "point itself, from one call."
)
def nudged(f, x):
    h = 1e-4
    above, below = (f(torch.tensor(x + s * h, dtype=torch.float64)) for s in (1, -1))
    return ((above - below) / (2 * h)).item()


@derivative.mistake(
    "`backward()` found no graph. The tensor you give to f needs `requires_grad=True`, and what "
    "f returns must reach `backward()` as it is, without `detach()` or a new `torch.tensor`."
)
def not_recorded(f, x):
    t = torch.tensor(x, dtype=torch.float64)
    f(t).backward()
    return t.grad.item()


@derivative.mistake(
    "You called f with the plain number. Torch takes notes on tensors only: make one of x first, "
    "with `requires_grad=True`."
)
def plain_number_in(f, x):
    return f(x).backward()


@derivative.mistake(
    "`.grad` is None. Either `backward()` was never called, and recording alone computes no "
    "slopes; or you read the `.grad` of what f returned. The slope is in that of the tensor that "
    "went in."
)
def without_backward(f, x):
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    f(t)
    return t.grad.item()


def _slope(f, x: float, dtype=torch.float64) -> torch.Tensor:
    """The right slope as a tensor: what the mistakes below spoil."""
    t = torch.tensor(x, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(f(t), t)[0]


@derivative.mistake(
    "Your tensor is float32, which is what torch makes of a Python number when no dtype is given. "
    "Seven digits are not enough where curves are steep: ask for float64."
)
def single_precision(f, x):
    return _slope(f, x, torch.float32).item()


@derivative.mistake(
    "You returned a tensor. The page asks for a Python number: `.item()` takes it out."
)
def still_a_tensor(f, x):
    return _slope(f, x)


@derivative.mistake(
    "Your slope is twice too large: `backward()` ran twice, and the second adds to `.grad`."
)
def backward_twice(f, x):
    return 2 * _slope(f, x).item()


@derivative.right
def right_derivative(f, x):
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    f(t).backward()
    return t.grad.item()


derivative.slip(
    "one_entry_in_a_list",
    "You gave f a tensor of shape (1,), a list with one entry. f takes one of shape (), a single "
    "number: `torch.tensor(x, …)` without brackets around x.",
    {"torch.tensor(x,": "torch.tensor([x],"},
)
derivative.slip(
    "called_twice",
    "You called f twice, as if once to look at its value and once to go backwards. Keep what one "
    "call returns and call `backward()` on it: f may take hours.",
    {"f(t).backward()": "f(t), f(t).backward()"},
)


@derivative.mistake("You multiplied the slope by x. `t.grad` is the slope already.")
def times_x(f, x):
    return x * _slope(f, x).item()


@derivative.mistake("The sign is flipped: return the slope itself. Descending comes later.")
def downhill(f, x):
    return -_slope(f, x).item()


derivative.hint("Three steps: make a tensor that is watched, compute f of it, go backwards.")
derivative.hint("`torch.tensor(x, dtype=…, requires_grad=True)`, then `f(t).backward()`.")
derivative.hint("After `backward()` the slope is in `t.grad`; `.item()` makes it a number.")
derivative.hint("Did you ask torch to record what happens to your tensor?", when="error")
derivative.hint("How often does `backward()` run on one tensor?", when="factor")
derivative.hint("Is it the slope that you return, or the height?", when="value")
