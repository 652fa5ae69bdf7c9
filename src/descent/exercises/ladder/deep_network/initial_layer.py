"""How `initial_layer` is judged."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import drawn_layer

initial_layer = Exercise(
    "initial_layer", minutes=10, difficulty=2, changes=("generator",), returns=tuple[Tensor, Tensor]
)


@initial_layer.property("has the shapes and the dtype of the page", trials=4)
def _(answer, draw: Draw) -> None:
    n_in, n_out = draw.integers(1, 6), draw.integers(6, 9)
    W, b = answer(n_in, n_out, torch_generator(draw.seed()))
    expect(tuple(W.shape), "the shape of W").equals((n_in, n_out))
    expect(tuple(b.shape), "the shape of b").equals((n_out,))
    expect(W, "W").has_dtype("float32")
    expect(b, "b").has_dtype("float32")


@initial_layer.property("draws W normal with standard deviation √(2 / n_in), and b zero", trials=3)
def _(answer, draw: Draw) -> None:
    n_in, n_out = draw.choice([50, 100, 150]), 500
    W, b = answer(n_in, n_out, torch_generator(draw.seed()))
    W, b = W.detach(), b.detach()
    deviation = math.sqrt(2 / n_in)
    expect(float(W.std()), "the standard deviation of W").close_to(deviation, rtol=0.03)
    expect(float(W.mean()), "the mean of W").close_to(0.0, atol=0.05 * deviation)
    # A normal number is within one standard deviation 68.3 % of the time; a uniform one 57.7 %.
    expect(float((W.abs() < deviation).float().mean()), "the share of W within ±√(2 / n_in)"
           ).close_to(0.683, atol=0.03)  # fmt: skip
    expect(float(b.abs().sum()), "the sum of |b|").close_to(0.0, atol=1e-6)


@initial_layer.property("returns leaves that require a gradient")
def _(answer, draw: Draw) -> None:
    W, b = answer(3, 4, torch_generator(draw.seed()))
    for tensor, name in ((W, "W"), (b, "b")):
        expect(tensor.requires_grad, f"{name}.requires_grad").is_true(
            otherwise=f"{name} does not require a gradient: backward() would leave it alone."
        )
        expect(tensor.is_leaf, f"{name}.is_leaf").is_true(
            otherwise=f"{name} is not a leaf but the result of a computation: its .grad stays None."
        )


@initial_layer.property("takes its numbers from the generator, and moves it on")
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    generator = torch_generator(seed)
    first, second = (answer(3, 4, generator)[0].detach() for _ in range(2))
    again = answer(3, 4, torch_generator(seed))[0].detach()
    other = answer(3, 4, torch_generator(seed + 1))[0].detach()
    expect(float((first - again).abs().max()), "the difference between two runs of one seed"
           ).close_to(0.0, atol=1e-7)  # fmt: skip
    expect(bool((first != second).any()), "two layers in a row").is_true(
        otherwise="two layers drawn one after the other are the same"
    )
    expect(bool((first != other).any()), "another seed").is_true(
        otherwise="two different seeds gave the same layer"
    )


@initial_layer.mistake(
    "2 / n_in is the variance. `randn` has standard deviation 1, so multiply by the square root, "
    "√(2 / n_in)."
)
def variance_for_deviation(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, 2 / n_in)


@initial_layer.mistake(
    "You divided by n_out. One entry of z is a sum over the n_in inputs, and it is that sum whose "
    "size is to be kept."
)
def fan_out(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_out))


@initial_layer.mistake(
    "You left out the 2. ReLU drops half of the mean square in every layer; the 2 makes up for it."
)
def without_the_two(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, math.sqrt(1 / n_in))


@initial_layer.mistake(
    "Your weights have standard deviation 1. In a layer with 100 inputs the signal would grow "
    "about sevenfold: scale by √(2 / n_in)."
)
def unscaled(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, 1.0)


@initial_layer.mistake(
    "You used 2 / (n_in + n_out), the Glorot initialisation for both directions at once. Here it "
    "is He's, 2 / n_in."
)
def glorot(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, math.sqrt(2 / (n_in + n_out)))


@initial_layer.mistake("You divided by √(2 / n_in) where it should multiply.")
def divided(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, math.sqrt(n_in / 2))


@initial_layer.mistake(
    "You drew with `rand`, which gives numbers from 0 to 1, all of them positive. `randn`, with "
    "an n, is the normal distribution about 0."
)
def uniform(n_in, n_out, generator):
    W = torch.rand(n_in, n_out, generator=generator) * math.sqrt(2 / n_in)
    return W.requires_grad_(), torch.zeros(n_out, requires_grad=True)


@initial_layer.mistake(
    "Your weights are all 0. Units that start equal stay equal, and here no gradient would reach "
    "them."
)
def zeros(n_in, n_out, generator):
    return torch.zeros(n_in, n_out, requires_grad=True), torch.zeros(n_out, requires_grad=True)


@initial_layer.mistake(
    "Your W is transposed: shape (n_out, n_in). On this page it is (n_in, n_out), so that x @ W "
    "fits."
)
def transposed(n_in, n_out, generator):
    W = torch.randn(n_out, n_in, generator=generator) * math.sqrt(2 / n_in)
    return W.requires_grad_(), torch.zeros(n_out, requires_grad=True)


@initial_layer.mistake(
    "Your biases are random. They start at 0: the weights alone break the symmetry."
)
def random_biases(n_in, n_out, generator):
    W, _ = drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.randn(n_out, generator=generator).requires_grad_()


@initial_layer.mistake("b has one row too many: its shape is (n_out,), not (1, n_out).")
def bias_row(n_in, n_out, generator):
    W, _ = drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.zeros(1, n_out, requires_grad=True)


@initial_layer.mistake("b has n_in entries. It is added to what comes out, so it has n_out.")
def bias_of_inputs(n_in, n_out, generator):
    W, _ = drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.zeros(n_in, requires_grad=True)


@initial_layer.mistake(
    "W and b do not require a gradient, so backward() would leave them alone. Call "
    "`requires_grad_()` on the finished tensors."
)
def no_gradient(n_in, n_out, generator):
    return torch.randn(n_in, n_out, generator=generator) * math.sqrt(2 / n_in), torch.zeros(n_out)


@initial_layer.mistake(
    "b does not require a gradient, so backward() would leave it alone and it would stay 0 for "
    "ever. The bias learns as well: `requires_grad=True`."
)
def fixed_bias(n_in, n_out, generator):
    W, _ = drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.zeros(n_out)


@initial_layer.mistake(
    "W does not require a gradient, so backward() would leave it alone. Call `requires_grad_()` on "
    "the finished tensor."
)
def fixed_weights(n_in, n_out, generator):
    W, b = drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W.detach(), b


@initial_layer.mistake(
    "W is the result of a multiplication that autograd recorded, so it is not a leaf, and "
    "backward() would leave W.grad None. Scale first, then `requires_grad_()`."
)
def not_a_leaf(n_in, n_out, generator):
    W = torch.randn(n_in, n_out, generator=generator, requires_grad=True) * math.sqrt(2 / n_in)
    return W, torch.zeros(n_out, requires_grad=True)


@initial_layer.mistake(
    "You did not use the generator, so that the same seed does not give the same network. Hand it "
    "on: `torch.randn(…, generator=generator)`."
)
def global_generator(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, None, math.sqrt(2 / n_in))


@initial_layer.mistake(
    "You made a generator of your own (or seeded the one you were given), so that every layer gets "
    "the same numbers. Use the given one as it comes."
)
def own_generator(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, torch_generator(0), math.sqrt(2 / n_in))


@initial_layer.mistake(
    "Your tensors are float64. The rest of the page is float32, torch's default, and a matrix "
    "product does not mix the two."
)
def doubles(n_in, n_out, generator):
    W = torch.randn(n_in, n_out, generator=generator).double() * math.sqrt(2 / n_in)
    return W.requires_grad_(), torch.zeros(n_out, dtype=torch.float64, requires_grad=True)


initial_layer.hint(
    "Draw normal numbers of the right shape, scale them, and ask for gradients last."
)
initial_layer.hint("`torch.randn(n_in, n_out, generator=generator)` has standard deviation 1.")
initial_layer.hint(
    "Variance or standard deviation? n_in or n_out? With the 2 or without?",
    when="value",
)
initial_layer.hint(
    "By which factor is it off? √2 means a forgotten 2; √n a forgotten root.",
    when="factor",
)
initial_layer.hint("x of shape (n, n_in) is multiplied by W from the right.", when="transposed")
initial_layer.hint("W: (n_in, n_out). b: one number for each output.", when="shape")
initial_layer.hint(
    "The numbers torch makes by default are right. Where did you change them?",
    when="dtype",
)
