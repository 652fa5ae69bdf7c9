"""How `relu` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

# z is handed over as it is, not as a copy: its gradient is looked at afterwards.
relu = Exercise("relu", minutes=3, difficulty=1, changes=("z",), returns=Tensor)


@relu.property("keeps what is positive and puts 0 for what is negative", trials=6)
def _(answer, draw: Draw) -> None:
    z = normals(draw, draw.size + 1, 3, scale=2.0)
    expect(answer(z), "ReLU(z)").close_to(np.maximum(z.numpy(), 0))


@relu.property("works for any shape")
def _(answer, draw: Draw) -> None:
    for shape in ((), (4,), (2, 3, 2)):
        z = torch.tensor(draw.normal(*shape), dtype=torch.float32)
        expect(answer(z), f"ReLU of a tensor of shape {shape}").close_to(np.maximum(z.numpy(), 0))


@relu.property("leaves z as it was")
def _(answer, draw: Draw) -> None:
    z = torch.tensor([-1.0, 2.0, -3.0]) * (1 + abs(draw.normal()))
    before = z.clone()
    answer(z)
    expect(z, "z after the call").close_to(before)


@relu.property("lets the gradient through where z is positive, and only there")
def _(answer, draw: Draw) -> None:
    z = normals(draw, 6)
    z = (z + 0.1 * torch.sign(z + 1e-3)).requires_grad_()  # away from the corner at 0
    upstream = normals(draw, 6)
    result = answer(z)
    if not getattr(result, "requires_grad", False):
        expect(False, "ReLU(z)").is_true(
            otherwise="It does not require a gradient although z does: backward() cannot go "
            "through."
        )
        return
    (result * upstream).sum().backward()
    expect(z.grad, "the gradient of z").close_to(upstream.numpy() * (z.detach().numpy() > 0))


@relu.mistake(
    "You took the absolute value. ReLU puts 0 for what is negative; it does not mirror it."
)
def absolute(z):
    return z.abs()


@relu.mistake(
    "You let a little of the negative side through. That is the leaky ReLU, a relative: here a "
    "negative number gives 0 exactly."
)
def leaky(z):
    return torch.where(z > 0, z, 0.01 * z)


@relu.mistake("You cut off at 1 as well. ReLU has no upper end: 5 stays 5.")
def clipped_at_one(z):
    return z.clamp(0, 1)


@relu.mistake("You kept the negative numbers and dropped the positive ones: it is max(z, 0).")
def upside_down(z):
    return z.clamp(max=0)


@relu.mistake(
    "You returned 1 where z is positive. That is the slope of ReLU. ReLU itself gives z there."
)
def step_function(z):
    return (z > 0) * torch.ones_like(z)


@relu.mistake("You returned z unchanged. Without the bend a deep network is one linear layer.")
def identity(z):
    return z * 1


@relu.mistake(
    "You took softplus, log(1 + eᶻ), a smooth relative of ReLU. ReLU has a corner and gives 0 "
    "exactly."
)
def softplus(z):
    return torch.log1p(torch.exp(z))


@relu.mistake(
    "You left out the negative numbers, so that the result is shorter than z. Keep their places "
    "and put 0 there."
)
def selected(z):
    return z[z > 0]


@relu.mistake(
    "Your numbers are right and autograd cannot see how they came about: `.detach()`, `.data`, "
    "`no_grad` or numpy took them out of the graph. Use torch operations on z itself."
)
def outside_graph(z):
    return z.detach().clamp(min=0)


@relu.mistake(
    "You wrote into z itself. Others may still need it, and autograd does: make a new tensor, with "
    "`torch.clamp` or `torch.where`."
)
def in_place(z):
    z[z < 0] = 0
    return z


@relu.mistake(
    "You wrote zeros into z itself, under `no_grad` or through `.data`. Others may still need z: "
    "make a new tensor, with `torch.clamp` or `torch.where`, where autograd can see it."
)
def in_place_unseen(z):
    with torch.no_grad():
        z[z < 0] = 0
    return z


@relu.mistake(
    "Python's own `max` and `if` want one truth value, and a tensor has many. Use torch's "
    "element by element operations: `torch.clamp`, `torch.maximum` or `torch.where`."
)
def python_max(z):
    return max(z, torch.zeros_like(z))


@relu.mistake(
    "`torch.max(z, 0)` is the largest number along dimension 0, with its place. The larger of two "
    "numbers, place by place, is `torch.maximum(z, torch.zeros_like(z))`, or `z.clamp(min=0)`."
)
def largest_along_a_dimension(z):
    return torch.max(z, 0)


@relu.mistake(
    "numpy cannot take a tensor that autograd follows, and detaching it, as the error proposes, "
    "would cut the gradient off. Use torch's own operations on z."
)
def numpy_maximum(z):
    return np.maximum(z, 0)


relu.hint("Every number by itself: is it positive? Then keep it. Else 0.")
relu.hint(
    "`torch.clamp(z, min=…)` cuts a tensor off below; `torch.where` chooses between two tensors."
)
relu.hint("Try ReLU([3, −1, 0.5]) in a cell of its own: it is [3, 0, 0.5].", when="value")
relu.hint("How many numbers go in and how many come out? One for one.", when="shape")
relu.hint("Which side of 0 did you keep?", when="sign")
relu.hint("torch functions take tensors: `torch.maximum(z, torch.zeros_like(z))`.", when="error")
relu.hint(
    "Names that end in an underscore, such as `clamp_`, and `z[…] = …` change z itself.",
    when="leaves z as it was",
)


relu.equivalent(
    "`return torch.where(z > 0, z, torch.zeros_like(z))` → "
    "`return torch.where(z >= 0, z, torch.zeros_like(z))`",
    because="at z = 0 both branches give 0, and the slope there is nobody's business",
)
