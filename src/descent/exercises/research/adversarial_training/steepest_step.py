"""How `steepest_step` is judged: no other step of that length gains as much."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

steepest_step = Exercise("steepest_step", minutes=15, difficulty=2, returns=torch.Tensor)


def _gradient(draw: Draw, n: int, *shape: int):
    return normals(draw, n, *(shape or (2, 3, 4))) + 0.003


def _length(step, norm: str) -> np.ndarray:
    flat = np.abs(step.detach().double().flatten(1).numpy())
    return flat.max(1) if norm == "linf" else np.sqrt((flat**2).sum(1))


def _most(gradient, size: float, norm: str) -> np.ndarray:
    """What the best step gains, by the dual norm."""
    flat = np.abs(gradient.double().flatten(1).numpy())
    return size * (flat.sum(1) if norm == "linf" else np.sqrt((flat**2).sum(1)))


def _judge(answer, gradient, size: float, norm: str) -> None:
    step = answer(gradient, size, norm)
    expect(step, "the step").has_shape(*gradient.shape)
    expect(step, "the step").has_dtype("float32")
    if tuple(step.shape) != tuple(gradient.shape):
        return
    gained = (step.double() * gradient.double()).flatten(1).sum(1).numpy()
    expect(_length(step, norm), f"the {norm} length of each step").close_to(
        np.full(len(gradient), size), rtol=1e-4
    )
    expect(gained, "what each step gains to first order").close_to(_most(gradient, size, norm))


@steepest_step.property("in l∞ gains the most that a step of this length can", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, _gradient(draw, draw.size), draw.uniform(0.1, 2.0), "linf")


@steepest_step.property("in l2 gains the most that a step of this length can", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, _gradient(draw, draw.size), draw.uniform(0.1, 2.0), "l2")


@steepest_step.property("does not care how large the gradients are, example by example", trials=3)
def _(answer, draw: Draw) -> None:
    sizes = torch.tensor([1e-12, 1e-7, 1.0, 1e9])
    gradient = _gradient(draw, 4) * sizes.reshape(4, 1, 1, 1)
    for norm in ("linf", "l2"):
        _judge(answer, gradient, 0.3, norm)


@steepest_step.property("stays where the gradient is 0", trials=2)
def _(answer, draw: Draw) -> None:
    gradient = _gradient(draw, 3)
    gradient[1] = 0.0
    for norm in ("linf", "l2"):
        step = answer(gradient, 0.5, norm)
        expect(step, "the step").is_finite()
        expect(step[1], "the step where the gradient is 0").close_to(torch.zeros(2, 3, 4))
    part = _gradient(draw, 1)
    part[0, 0, 0, 0] = 0.0
    still = answer(part, 0.5, "linf")[0, 0, 0, 0]
    expect(still, "the step of a pixel whose gradient is 0").close_to(0.0, atol=1e-9)


@steepest_step.property("takes rows of numbers as well as pictures", trials=2)
def _(answer, draw: Draw) -> None:
    for norm in ("linf", "l2"):
        _judge(answer, _gradient(draw, 4, 5), 0.7, norm)


@steepest_step.property("of the page's gradient (3, −4) is (0.5, −0.5) or (0.3, −0.4)")
def _(answer, draw: Draw) -> None:
    gradient = torch.tensor([[3.0, -4.0]])
    expect(answer(gradient, 0.5, "linf"), "in l∞").close_to([[0.5, -0.5]])
    expect(answer(gradient, 0.5, "l2"), "in l2").close_to([[0.3, -0.4]])


@steepest_step.right
def right_step(gradient, size, norm):
    if norm == "linf":
        return size * gradient.sign()
    flat = gradient.flatten(1).double()
    lengths = flat.norm(dim=1, keepdim=True)
    unit = flat / torch.where(lengths > 0, lengths, torch.ones_like(lengths))
    return (size * unit).reshape(gradient.shape).to(gradient.dtype)


steepest_step.slip(
    "one_length_for_all",
    "You divided the whole batch by one length. Each example has a ball of its own.",
    {"flat.norm(dim=1, keepdim=True)": "flat.norm() * torch.ones(len(flat), 1).double()"},
)
steepest_step.slip(
    "norms_exchanged",
    "You exchanged the two: the sign belongs to l∞, the gradient divided by its length to l2.",
    {'norm == "linf"': 'norm == "l2"'},
)
steepest_step.slip(
    "sign_always",
    "You take the sign in l2 as well. Such a step is √d times too long, and points elsewhere.",
    {'norm == "linf"': 'norm in ("linf", "l2")'},
)
steepest_step.slip(
    "length_by_rows",
    "You took the length along the last dimension. A picture is one vector: flatten it first.",
    {
        "flat = gradient.flatten(1).double()": "flat = gradient.double()",
        "flat.norm(dim=1, keepdim=True)": "flat.norm(dim=-1, keepdim=True)",
    },
)
steepest_step.slip(
    "squared_length",
    "You divided by the squared length. The step's own length is then size divided by the "
    "gradient's.",
    {"flat.norm(dim=1, keepdim=True)": "flat.square().sum(dim=1, keepdim=True)"},
)
steepest_step.slip(
    "sum_of_sizes",
    "You divided by the sum of the absolute values, the l1 length. Divide by the root of the sum "
    "of squares.",
    {"flat.norm(dim=1, keepdim=True)": "flat.abs().sum(dim=1, keepdim=True)"},
)
steepest_step.slip(
    "largest_entry",
    "You divided by the largest entry. That is the l∞ length; in l2 it is the root of the sum of "
    "squares.",
    {"flat.norm(dim=1, keepdim=True)": "flat.abs().amax(dim=1, keepdim=True)"},
)
steepest_step.slip(
    "nan_at_zero",
    "Where the gradient is 0 you divide 0 by 0. One such picture fills the batch's loss with NaN.",
    {"torch.where(lengths > 0, lengths, torch.ones_like(lengths))": "lengths"},
)
steepest_step.slip(
    "guard_too_large",
    "You added a constant to the length that is not small beside real gradients: where these are "
    "tiny, the attack stands still. That is how a masked model looks robust.",
    {"torch.where(lengths > 0, lengths, torch.ones_like(lengths))": "(lengths + 1e-8)"},
)
steepest_step.slip(
    "least_length",
    "You take no length for smaller than a fixed number. Where gradients are smaller than it, the "
    "step is too short, and the attack stands still: leave only a length of exactly 0 out.",
    {"torch.where(lengths > 0, lengths, torch.ones_like(lengths))": "lengths.clamp(min=1e-8)"},
)
steepest_step.slip(
    "least_length_of_a_millionth",
    "You take no length for smaller than a millionth or so. Gradients of a model that is sure are "
    "much smaller, and the attack stands still: leave only a length of exactly 0 out.",
    {"torch.where(lengths > 0, lengths, torch.ones_like(lengths))": "lengths.clamp(min=1e-6)"},
)
steepest_step.slip(
    "small_for_zero",
    "You take a small length for 0 and do not normalise there. Gradients of a model that is sure "
    "are small, and still point uphill: leave only a length of exactly 0 out.",
    {"lengths > 0,": "lengths > 1e-6,"},
)
steepest_step.slip(
    "constant_of_a_millionth",
    "You added a millionth or so to the length. Gradients of a model that is sure are much "
    "smaller, "
    "and the attack stands still: leave only a length of exactly 0 out.",
    {"torch.where(lengths > 0, lengths, torch.ones_like(lengths))": "(lengths + 1e-6)"},
)
steepest_step.slip(
    "largest_entry_in_linf",
    "In l∞ you divided by the largest entry: one pixel takes the whole step and the others less. "
    "Each may use all of it: take the sign.",
    {
        "size * gradient.sign()": (
            "size * gradient / gradient.flatten(1).abs().amax(dim=1).clamp(min=1e-30)"
            ".reshape(-1, *[1] * (gradient.ndim - 1))"
        )
    },
)
steepest_step.slip(
    "gradient_cut_in_linf",
    "In l∞ you cut the gradient off at ±size. A pixel with a small gradient then hardly moves, "
    "though it costs nothing to move it by all of size: take the sign.",
    {"size * gradient.sign()": "gradient.clamp(-size, size)"},
)
steepest_step.slip(
    "gradient_itself_in_linf",
    "In l∞ you took size times the gradient itself. Each pixel moves by all of size: take the "
    "sign.",
    {"size * gradient.sign()": "size * gradient"},
)
steepest_step.slip(
    "length_by_channels",
    "You took a length for each channel. A picture is one vector, with all of its channels.",
    {
        "flat = gradient.flatten(1).double()": (
            "flat = gradient.double().flatten(2) if gradient.ndim > 2 else gradient.double()"
        ),
        "flat.norm(dim=1, keepdim=True)": "flat.norm(dim=-1, keepdim=True)",
    },
)
steepest_step.slip(
    "sign_of_that_length",
    "In l2 you took the sign and made it as long as asked. Its length is right and its direction "
    "is not: the gradient's own direction gains more.",
    {"(size * unit)": "(size * flat.sign() / flat.shape[1] ** 0.5)"},
)
steepest_step.slip(
    "mean_of_squares",
    "You divided by the root of the *mean* square. The length is the root of their sum: your step "
    "is √d times too long.",
    {"flat.norm(dim=1, keepdim=True)": "flat.square().mean(dim=1, keepdim=True).sqrt()"},
)
steepest_step.slip(
    "float64_returned",
    "Your l2 step is float64. What the picture and this step add up to fits no model of float32: "
    "give back the gradient's dtype.",
    {".to(gradient.dtype)": ""},
)
steepest_step.slip(
    "left_flat",
    "Your l2 step is still flat. Bring it back into the gradient's shape.",
    {".reshape(gradient.shape)": ""},
)
steepest_step.slip(
    "downwards",
    "Your step goes down. Here it goes where the loss rises; who wants to go down subtracts it.",
    {"size * gradient.sign()": "-size * gradient.sign()", "(size * unit)": "(-size * unit)"},
)
steepest_step.slip(
    "size_forgotten",
    "You forgot the size in l2: each step has length 1.",
    {"(size * unit)": "unit"},
)
steepest_step.slip(
    "size_forgotten_in_signs",
    "You forgot the size in l∞: each pixel moves by 1.",
    {"size * gradient.sign()": "gradient.sign()"},
)
steepest_step.slip(
    "not_normalised",
    "You did not divide by the length in l2. Where the model is sure its gradient is tiny, and the "
    "attack hardly moves.",
    {"(size * unit)": "(size * flat)"},
)
steepest_step.slip(
    "never_still",
    "Where a pixel's gradient is exactly 0 you move it all the same. Nothing is known about it: "
    "`sign` gives 0 there.",
    {"gradient.sign()": "torch.where(gradient >= 0, 1.0, -1.0)"},
)

steepest_step.hint("In l∞ every pixel is free of the others. In l2 they share one length.")
steepest_step.hint("For l2, flatten each example: `gradient.flatten(1)` is (batch, d).")
steepest_step.hint("By hand: (3, −4) has length 5. A step of length 0.5 along it?", when="value")
