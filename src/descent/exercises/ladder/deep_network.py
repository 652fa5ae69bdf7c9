"""What ladder/05_deep_network is judged by.

The oracles are numpy and torch's own layers and loss (``torch.nn``), which the chapter's solutions
do not use.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

Network = list[tuple[torch.Tensor, torch.Tensor]]


def _network(draw: Draw, widths: list[int]) -> Network:
    """Random layers, biases included, that require a gradient.

    The small shift of the biases keeps every unit off its corner, where the ways to write ReLU
    differ in their slope.
    """
    return [
        (
            normals(draw, a, c).requires_grad_(),
            (normals(draw, c) + 33e-5).requires_grad_(),
        )
        for a, c in pairwise(widths)
    ]


def _module(network: Network) -> nn.Sequential:
    """The same network made of torch's own layers."""
    parts: list[nn.Module] = []
    for W, b in network:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(W.T)
            linear.bias.copy_(b)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def _expect_parameters(network: Network, oracle: nn.Module, gradients: bool = False) -> None:
    """Compare every W and b (or their gradients) with those of the oracle's layers."""
    linears = [part for part in oracle.modules() if isinstance(part, nn.Linear)]
    for number, ((W, b), linear) in enumerate(zip(network, linears, strict=True), start=1):
        if gradients:
            assert linear.weight.grad is not None and linear.bias.grad is not None
            if W.grad is None or b.grad is None:
                expect(False, f"a gradient in W{number} and b{number}").is_true(
                    otherwise=f"No gradient reached layer {number}: somewhere between it and the "
                    "logits autograd was not looking."
                )
                continue
            expect(W.grad, f"the gradient of W{number}").close_to(linear.weight.grad.T, atol=1e-4)
            expect(b.grad, f"the gradient of b{number}").close_to(linear.bias.grad, atol=1e-4)
        else:
            expect(W, f"W{number}").close_to(linear.weight.T, atol=1e-4)
            expect(b, f"b{number}").close_to(linear.bias, atol=1e-4)


# ------------------------------------------------------------------------------- relu

# z is handed over as it is, not as a copy: its gradient is looked at afterwards.
relu = Exercise("relu", minutes=3, difficulty=1, changes=("z",))


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

# ---------------------------------------------------------------------------- forward

forward = Exercise("forward", minutes=12, difficulty=2, changes=("network",))


@forward.property("gives x @ W + b for a network of one layer", trials=4)
def _(answer, draw: Draw) -> None:
    network, x = _network(draw, [3, 2]), normals(draw, draw.size, 3)
    expected = _module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("bends after every layer but the last", trials=4)
def _(answer, draw: Draw) -> None:
    network, x = _network(draw, [2, 5, 4, 3]), normals(draw, draw.size + 1, 2)
    expected = _module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("works for a batch of one, and for many layers", trials=2)
def _(answer, draw: Draw) -> None:
    network, x = _network(draw, [2, 4, 4, 4, 4, 2]), normals(draw, 1, 2)
    expected = _module(network)(x)
    expect(answer(network, x), "the logits").close_to(expected, atol=1e-4)


@forward.property("leaves the network as it was", trials=1)
def _(answer, draw: Draw) -> None:
    network, x = _network(draw, [2, 3, 2]), normals(draw, 4, 2)
    before = copy.deepcopy(network)
    answer(network, x)
    expect(len(network), "the number of layers afterwards").equals(2)
    for number, (now, then) in enumerate(zip(network, before, strict=False), start=1):
        expect(now[0], f"W{number} afterwards").close_to(then[0])
        expect(now[1], f"b{number} afterwards").close_to(then[1])


@forward.property("lets the gradient reach every parameter", trials=2)
def _(answer, draw: Draw) -> None:
    network, x = _network(draw, [2, 5, 4, 3]), normals(draw, 6, 2)
    upstream, oracle, layers = normals(draw, 6, 3), _module(network), list(network)
    logits = answer(network, x)
    if not getattr(logits, "requires_grad", False):
        expect(False, "the logits").is_true(
            otherwise="They do not require a gradient: backward() cannot reach the parameters."
        )
        return
    (logits * upstream).sum().backward()
    (oracle(x) * upstream).sum().backward()
    _expect_parameters(layers, oracle, gradients=True)


@forward.mistake(
    "You put ReLU after the last layer too. Its output is the logits, and a logit must be free "
    "to be negative."
)
def relu_after_last(network, x):
    for W, b in network:
        x = (x @ W + b).clamp(min=0)
    return x


@forward.mistake(
    "There is no ReLU between your layers. A product of matrices is a matrix: the whole network is "
    "one linear layer."
)
def no_relu(network, x):
    for W, b in network:
        x = x @ W + b
    return x


@forward.mistake("You left out the biases. A layer is h @ W + b.")
def no_bias(network, x):
    for W, _b in network[:-1]:
        x = (x @ W).clamp(min=0)
    return x @ network[-1][0]


@forward.mistake(
    "You applied ReLU before each layer, so that it hits the input x as well and drops its "
    "negative coordinates. It comes after a layer."
)
def relu_on_input(network, x):
    for W, b in network:
        x = x.clamp(min=0) @ W + b
    return x


@forward.mistake(
    "You applied softmax at the end. The logits go out as they are; the cross-entropy does the "
    "rest."
)
def softmax_at_end(network, x):
    return torch.softmax(_module(network)(x), dim=1)


@forward.mistake(
    "You added b after ReLU. The shift comes first, inside: ReLU(h @ W + b). It decides where the "
    "bend is."
)
def bias_after_relu(network, x):
    for W, b in network[:-1]:
        x = (x @ W).clamp(min=0) + b
    return x @ network[-1][0] + network[-1][1]


@forward.mistake("Only your first layer has a ReLU. Every layer but the last has one.")
def relu_once(network, x):
    for number, (W, b) in enumerate(network):
        x = x @ W + b
        x = x.clamp(min=0) if number == 0 and len(network) > 1 else x
    return x


@forward.mistake("You stopped before the last layer: it too is applied, without ReLU.")
def last_layer_missing(network, x):
    for W, b in network[:-1]:
        x = (x @ W + b).clamp(min=0)
    return x


@forward.mistake("You took tanh (or a relative) for the bend. This page uses ReLU.")
def tanh(network, x):
    for W, b in network[:-1]:
        x = torch.tanh(x @ W + b)
    return x @ network[-1][0] + network[-1][1]


@forward.mistake(
    "Every layer of yours starts from x again, so that only the last counts. Hand each layer the "
    "output of the one before."
)
def starts_again_from_x(network, x):
    for W, b in network:
        output = x @ W + b
    return output


@forward.mistake(
    "You ran the network where autograd does not look (`no_grad`, `.detach()` or `.data`), so "
    "that no gradient can reach its parameters."
)
def without_gradient(network, x):
    with torch.no_grad():
        return _module(network)(x)


@forward.mistake(
    "You used W transposed. W has shape (n_in, n_out) here, so that x @ W fits as it is."
)
def transposed_weights(network, x):
    for W, b in network:
        x = x @ W.T + b
    return x


@forward.mistake(
    "You took the last layer out of the network: `pop` changes the list you were given. Read it "
    "with `network[-1]`."
)
def popped(network, x):
    W_last, b_last = network.pop()
    for W, b in network:
        x = (x @ W + b).clamp(min=0)
    return x @ W_last + b_last


@forward.mistake(
    "The last layer gets its gradient and those before it none: the hidden layers ran under "
    "`no_grad`, or their output was detached."
)
def hidden_layers_detached(network, x):
    with torch.no_grad():
        for W, b in network[:-1]:
            x = (x @ W + b).clamp(min=0)
    return x @ network[-1][0] + network[-1][1]


@forward.mistake(
    "You returned inside the loop, after the first layer. The last layer comes after the loop."
)
def returned_in_the_loop(network, x):
    for W, b in network[:-1]:
        return (x @ W + b).clamp(min=0) @ network[-1][0] + network[-1][1]


forward.hint(
    "One name, `hidden`, goes through the layers: it starts as x, and each layer replaces it."
)
forward.hint("A loop over `network[:-1]` with ReLU, then `network[-1]` without.")
forward.hint(
    "Do the paper example: x = [1, 2] gives [3, −1], then [3, 0], then [3, 1].",
    when="value",
)
forward.hint(
    "Print the shapes: (n, n_in) @ (n_in, n_out) + (n_out,). Which does not fit?",
    when="error",
)
forward.hint("Did every layer take part, the last one included?", when="shape")
forward.hint(
    "What does a network of one layer have between its layers? Nothing: no ReLU.",
    when="gives x @ W + b for a network of one layer",
)

# ------------------------------------------------------------------- count_parameters

count_parameters = Exercise("count_parameters", minutes=3, difficulty=1)


@count_parameters.property("counts weights and biases of every layer", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.integers(1, 7, 2 + min(draw.size, 4)).tolist()
    network = _network(draw, widths)
    expected = sum(p.numel() for p in _module(network).parameters())
    expect(answer(network), "the number of parameters").equals(expected)


@count_parameters.property("counts a single layer")
def _(answer, draw: Draw) -> None:
    n_in, n_out = draw.integers(2, 6), draw.integers(6, 9)
    expect(answer(_network(draw, [n_in, n_out])), "the number of parameters").equals(
        (n_in + 1) * n_out
    )


@count_parameters.property("gets 12 for the network on the paper")
def _(answer, draw: Draw) -> None:
    expect(answer(_network(draw, [2, 2, 2])), "the number of parameters").equals(12)


@count_parameters.mistake("You left out the biases: n_out more numbers in every layer.")
def only_weights(network):
    return sum(W.numel() for W, _ in network)


@count_parameters.mistake(
    "You counted the tensors, not the numbers in them. A W of shape (2, 64) holds 128 parameters."
)
def tensors(network):
    return 2 * len(network)


@count_parameters.mistake(
    "You added rows and columns. A matrix of shape (2, 64) has 2 · 64 entries, not 2 + 64."
)
def sides_added(network):
    return sum(sum(W.shape) + len(b) for W, b in network)


@count_parameters.mistake(
    "You counted one bias a layer. There is one for each of its n_out outputs."
)
def one_bias(network):
    return sum(W.numel() + 1 for W, _ in network)


@count_parameters.mistake("You counted n_in biases. A bias is added to what comes out, so n_out.")
def biases_of_inputs(network):
    return sum(W.numel() + W.shape[0] for W, _ in network)


@count_parameters.mistake(
    "You counted the units, one for each output. Each has n_in weights and a bias."
)
def units(network):
    return sum(len(b) for _, b in network)


@count_parameters.mistake(
    "You returned inside the loop, after the first layer. The `return` belongs after the loop."
)
def first_layer(network):
    return network[0][0].numel() + network[0][1].numel()


@count_parameters.mistake("You counted the last layer only. Add them up as you go.")
def last_layer(network):
    return network[-1][0].numel() + network[-1][1].numel()


@count_parameters.mistake(
    "You left out the last layer. Its parameters are trained like the others."
)
def without_last(network):
    return sum(W.numel() + b.numel() for W, b in network[:-1])


@count_parameters.mistake(
    "`len` of a matrix is the number of its rows. `W.numel()` is the number of its entries."
)
def rows_only(network):
    return sum(len(W) + len(b) for W, b in network)


@count_parameters.mistake("You added up the parameters themselves. Count them: `W.numel()`.")
def values_added(network):
    return sum(W.sum() + b.sum() for W, b in network)


count_parameters.hint("How many entries has W? How many has b? Add over the layers.")
count_parameters.hint("`tensor.numel()` is the number of entries of a tensor.")
count_parameters.hint(
    "Widths [2, 2, 2]: (4 + 2) + (4 + 2) = 12. Which part is missing?",
    when="value",
)
count_parameters.hint("Is your number too small by the number of biases?", when="factor")

# ---------------------------------------------------------------------- initial_layer

initial_layer = Exercise("initial_layer", minutes=10, difficulty=2, changes=("generator",))


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


def _layer(n_in, n_out, generator, deviation):
    W = torch.randn(n_in, n_out, generator=generator) * deviation
    return W.requires_grad_(), torch.zeros(n_out, requires_grad=True)


@initial_layer.mistake(
    "2 / n_in is the variance. `randn` has standard deviation 1, so multiply by the square root, "
    "√(2 / n_in)."
)
def variance_for_deviation(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, 2 / n_in)


@initial_layer.mistake(
    "You divided by n_out. One entry of z is a sum over the n_in inputs, and it is that sum whose "
    "size is to be kept."
)
def fan_out(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, math.sqrt(2 / n_out))


@initial_layer.mistake(
    "You left out the 2. ReLU drops half of the mean square in every layer; the 2 makes up for it."
)
def without_the_two(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, math.sqrt(1 / n_in))


@initial_layer.mistake(
    "Your weights have standard deviation 1. In a layer with 100 inputs the signal would grow "
    "about sevenfold: scale by √(2 / n_in)."
)
def unscaled(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, 1.0)


@initial_layer.mistake(
    "You used 2 / (n_in + n_out), the Glorot initialisation for both directions at once. Here it "
    "is He's, 2 / n_in."
)
def glorot(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, math.sqrt(2 / (n_in + n_out)))


@initial_layer.mistake("You divided by √(2 / n_in) where it should multiply.")
def divided(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, math.sqrt(n_in / 2))


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
    W, _ = _layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.randn(n_out, generator=generator).requires_grad_()


@initial_layer.mistake("b has one row too many: its shape is (n_out,), not (1, n_out).")
def bias_row(n_in, n_out, generator):
    W, _ = _layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.zeros(1, n_out, requires_grad=True)


@initial_layer.mistake("b has n_in entries. It is added to what comes out, so it has n_out.")
def bias_of_inputs(n_in, n_out, generator):
    W, _ = _layer(n_in, n_out, generator, math.sqrt(2 / n_in))
    return W, torch.zeros(n_in, requires_grad=True)


@initial_layer.mistake(
    "W and b do not require a gradient, so backward() would leave them alone. Call "
    "`requires_grad_()` on the finished tensors."
)
def no_gradient(n_in, n_out, generator):
    return torch.randn(n_in, n_out, generator=generator) * math.sqrt(2 / n_in), torch.zeros(n_out)


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
    return _layer(n_in, n_out, None, math.sqrt(2 / n_in))


@initial_layer.mistake(
    "You made a generator of your own (or seeded the one you were given), so that every layer gets "
    "the same numbers. Use the given one as it comes."
)
def own_generator(n_in, n_out, generator):
    return _layer(n_in, n_out, torch_generator(0), math.sqrt(2 / n_in))


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

# -------------------------------------------------------------------- initial_network

initial_network = Exercise("initial_network", minutes=6, difficulty=2, changes=("generator",))


def _are_layers(network: object) -> bool:
    """Whether it is a list of pairs of tensors; if not, the learner is told."""
    expect(isinstance(network, list | tuple), "the network").is_true(
        otherwise=f"It should be a list of pairs (W, b), and is a `{type(network).__name__}`."
    )
    if not isinstance(network, list | tuple):
        return False
    pairs = all(isinstance(layer, list | tuple) and len(layer) == 2 for layer in network)
    expect(pairs, "the network").is_true(otherwise="It should be a list of pairs (W, b).")
    return pairs


@initial_network.property("has one layer for each two neighbouring widths", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.integers(1, 9, 1 + draw.size if draw.size < 4 else 4).tolist()
    network = answer(widths, torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    expect(len(network), "the number of layers").equals(len(widths) - 1)
    shapes = [size for W, b in network for size in (*W.shape, *b.shape)]
    wanted = [size for a, c in pairwise(widths) for size in (a, c, c)]
    expect(shapes, "the shapes of W and b, layer by layer").equals(wanted)


@initial_network.property("scales every layer by its own n_in", trials=2)
def _(answer, draw: Draw) -> None:
    widths = draw.choice([[40, 400, 200, 100], [400, 40, 300, 150]])
    network = answer(widths, torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    found = [float(W.detach().std()) for W, _ in network]
    wanted = [math.sqrt(2 / n_in) for n_in in widths[:-1]]
    expect(found, "the standard deviations of the W").close_to(wanted, rtol=0.05)


@initial_network.property("draws every layer anew, from the generator")
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    shorter = answer([5, 5], torch_generator(seed))
    network = answer([5, 5, 5, 5], torch_generator(seed))
    again = answer([5, 5, 5, 5], torch_generator(seed))
    other = answer([5, 5, 5, 5], torch_generator(seed + 1))
    if not (_are_layers(network) and _are_layers(again) and _are_layers(other)):
        return
    first, second, third = (W.detach() for W, _ in network[:3])
    alike = [bool((a == c).all()) for a, c in ((first, second), (second, third), (first, third))]
    expect(sum(alike), "how many pairs of the three layers are equal").equals(0)
    expect(len({id(t) for layer in network for t in layer}), "how many different tensors").equals(6)
    same = all(torch.equal(a[0], c[0]) for a, c in zip(network, again, strict=False))
    expect(same, "two networks of one seed").is_true(
        otherwise="One seed gave two networks: not all numbers come from the generator you were "
        "given."
    )
    expect(not torch.equal(network[0][0], other[0][0]), "two networks of two seeds").is_true(
        otherwise="Two seeds gave the same network: its numbers do not come from the generator "
        "as it was handed over."
    )
    if _are_layers(shorter) and len(shorter) == 1:
        expect(torch.equal(shorter[0][0], network[0][0]), "the first layer").is_true(
            otherwise="The first layer did not draw first: with fewer layers it gets other numbers."
        )


@initial_network.property("is made of leaves that require a gradient")
def _(answer, draw: Draw) -> None:
    network = answer([3, 4, 2], torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    for number, layer in enumerate(network, start=1):
        for tensor, name in zip(layer, "Wb", strict=True):
            expect(tensor.requires_grad and tensor.is_leaf, f"{name}{number}").is_true(
                otherwise=f"{name}{number} is not a leaf that requires a gradient"
            )


def _he(n_in, n_out, generator):
    return _layer(n_in, n_out, generator, math.sqrt(2 / n_in))


@initial_network.mistake(
    "One layer is missing: k widths have k − 1 neighbouring pairs, the last included."
)
def one_layer_short(widths, generator):
    return [_he(widths[i], widths[i + 1], generator) for i in range(len(widths) - 2)]


@initial_network.mistake(
    "The first layer is missing: the pairs start with the number of inputs, widths[0]."
)
def first_layer_missing(widths, generator):
    return [_he(widths[i], widths[i + 1], generator) for i in range(1, len(widths) - 1)]


@initial_network.mistake(
    "You have a layer too many, from the last width back to the first. The pairs do not wrap "
    "around."
)
def wraps_around(widths, generator):
    return [_he(widths[i - 1], widths[i], generator) for i in (*range(1, len(widths)), 0)]


@initial_network.mistake(
    "You made one layer for each width, and one more than there are: the last maps the classes to "
    "themselves. k widths have k − 1 neighbouring pairs."
)
def extra_layer(widths, generator):
    return [_he(a, c, generator) for a, c in zip(widths, [*widths[1:], widths[-1]], strict=True)]


@initial_network.mistake(
    "Every layer of yours starts from the inputs, widths[0]. Layer k takes what layer k − 1 gives."
)
def all_from_input(widths, generator):
    return [_he(widths[0], width, generator) for width in widths[1:]]


@initial_network.mistake("n_in and n_out have changed places: the first width of a pair goes in.")
def swapped(widths, generator):
    return [_he(c, a, generator) for a, c in pairwise(widths)]


@initial_network.mistake(
    "You took every second pair. The pairs overlap: the output of one layer is the input of the "
    "next."
)
def separate_pairs(widths, generator):
    return [_he(widths[i], widths[i + 1], generator) for i in range(0, len(widths) - 1, 2)]


@initial_network.mistake(
    "Your layers start with the same numbers: the generator is seeded again, or a new one is made, "
    "for each. Hand the same generator on; it moves by itself."
)
def seeded_again(widths, generator):
    seed = generator.initial_seed()
    return [_he(a, c, torch_generator(seed)) for a, c in pairwise(widths)]


@initial_network.mistake(
    "Layers of equal shape are one and the same pair of tensors: training one trains all. Draw "
    "each layer by a call of its own; `[layer] * 3` repeats a layer, it does not copy it."
)
def shared_layers(widths, generator):
    made = {}
    for pair in pairwise(widths):
        if pair not in made:
            made[pair] = _he(*pair, generator)
    return [made[pair] for pair in pairwise(widths)]


@initial_network.mistake(
    "You made one flat list of W, b, W, b, … The network is a list of pairs: append (W, b)."
)
def flat(widths, generator):
    return [t for a, c in pairwise(widths) for t in _he(a, c, generator)]


@initial_network.mistake(
    "You scaled every layer by the same number, that of the first layer. Each has an n_in of its "
    "own."
)
def one_scale(widths, generator):
    return [_layer(a, c, generator, math.sqrt(2 / widths[0]))
            for a, c in pairwise(widths)]  # fmt: skip


@initial_network.mistake(
    "You made a generator of your own, with a fixed seed, for each layer: equal shapes get equal "
    "numbers, whatever the seed. Hand on the generator you were given; it moves by itself."
)
def fixed_seed(widths, generator):
    return [_he(a, c, torch_generator(0)) for a, c in pairwise(widths)]


@initial_network.mistake(
    "You returned a generator, which can be gone through once. Make a list: square brackets."
)
def lazily(widths, generator):
    return (_he(a, c, generator) for a, c in pairwise(widths))


@initial_network.mistake(
    "The last layer of yours draws first. The order is that of the network, from the inputs on, so "
    "that one seed means one network for everybody."
)
def last_layer_first(widths, generator):
    return [_he(a, c, generator) for a, c in reversed(list(pairwise(widths)))][::-1]


initial_network.hint("List the pairs of [2, 64, 64, 3] on paper. How many are there?")
initial_network.hint(
    "`zip(widths, widths[1:])` walks through neighbours; `initial_layer` does the rest."
)
initial_network.hint("How many layers have 4 widths?", when="length")
initial_network.hint("Where do your pairs begin and end?", when="value")
initial_network.hint(
    "Is every layer made by its own call?",
    when="draws every layer anew, from the generator",
)
initial_network.hint("Write the pair of each layer beside its shape. Which is off?", when="order")

# --------------------------------------------------------------------------- sgd_step

sgd_step = Exercise("sgd_step", minutes=10, difficulty=2, changes=("network",))


def _with_gradients(draw: Draw, network: Network, rate: float) -> list[np.ndarray]:
    """Put random gradients on a network; return where a step takes each parameter."""
    expected = []
    for parameter in _parameters(network):
        slope = normals(draw, *parameter.shape)
        parameter.grad = slope
        expected.append(np.add(parameter.detach().numpy(), -rate * slope.numpy()))
    return expected


def _expect_moved(network: Network, expected: list[np.ndarray]) -> None:
    pairs = zip(_parameters(network), expected, strict=True)
    for number, (parameter, wanted) in enumerate(pairs):
        expect(parameter, f"{'Wb'[number % 2]}{number // 2 + 1}").close_to(wanted, atol=1e-5)


def _step(oracle: nn.Module, loss: torch.Tensor, learning_rate: float) -> None:
    """A step by hand: the first use of ``torch.optim`` in a process takes seconds."""
    slopes = torch.autograd.grad(loss, list(oracle.parameters()))
    with torch.no_grad():
        for parameter, slope in zip(oracle.parameters(), slopes, strict=True):
            parameter.copy_(torch.add(parameter, slope, alpha=-learning_rate))


def _parameters(network: Network) -> list[torch.Tensor]:
    return [tensor for layer in network for tensor in layer]


@sgd_step.property("moves every parameter against its gradient", trials=3)
def _(answer, draw: Draw) -> None:
    network = _network(draw, [2, 3] if draw.size == 1 else [2, 3, 2])
    rate = draw.uniform(0.05, 0.5)
    expected = _with_gradients(draw, network, rate)
    answer(network, rate)
    _expect_moved(network, expected)


@sgd_step.property("clears every gradient, with a learning rate of 0 too", trials=4)
def _(answer, draw: Draw) -> None:
    network = _network(draw, [2, 3, 2])
    rate = draw.choice([0.0, 0.1])
    expected = _with_gradients(draw, network, rate)
    answer(network, rate)
    left = [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in _parameters(network)]
    expect(left, "the gradients left in W1, b1, W2, b2, by size").close_to(np.zeros(4), atol=1e-6)
    _expect_moved(network, expected)


@sgd_step.property("keeps the tensors themselves, as leaves that require a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    network = _network(draw, [2, 3, 2])
    _with_gradients(draw, network, 0.1)
    before = _parameters(network)
    answer(network, 0.1)
    after = _parameters(network)
    kept = [first is second for first, second in zip(before, after, strict=True)]
    expect(sum(kept), "how many of the four tensors are the same object").equals(4)
    ready = [tensor.requires_grad and tensor.is_leaf for tensor in after]
    expect(sum(ready), "how many are leaves that require a gradient").equals(4)


@sgd_step.property("takes two steps in a row with two gradients", trials=2)
def _(answer, draw: Draw) -> None:
    network, x, upstream = (
        _network(draw, [2, 3, 2]),
        normals(draw, 4, 2),
        normals(draw, 4, 2),
    )
    oracle = _module(network)
    for _ in range(2):
        if not all(p.requires_grad and p.is_leaf for p in _parameters(network)):
            return
        W, b = network[0]
        hidden = (x @ W + b).clamp(min=0) @ network[1][0] + network[1][1]
        (hidden * upstream).sum().backward()
        answer(network, 0.1)
        _step(oracle, (oracle(x) * upstream).sum(), 0.1)
    _expect_parameters(network, oracle)


@sgd_step.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter += learning_rate * parameter.grad
            parameter.grad = None


@sgd_step.mistake("You moved the weights and left the biases where they were. Both learn.")
def only_weights_moved(network, learning_rate):
    with torch.no_grad():
        for W, b in network:
            W -= learning_rate * W.grad
            W.grad = b.grad = None


@sgd_step.mistake(
    "You did not clear the gradients. backward() adds to what is there, so the next step would "
    "carry this one along."
)
def not_cleared(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter -= learning_rate * parameter.grad


@sgd_step.mistake("You cleared the gradients before using them, so that nothing moves. Step first.")
def cleared_first(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter.grad.zero_()
            parameter -= learning_rate * parameter.grad


@sgd_step.mistake(
    "You cleared the gradients of the weights only. Those of the biases would pile up."
)
def biases_not_cleared(network, learning_rate):
    with torch.no_grad():
        for W, b in network:
            W -= learning_rate * W.grad
            b -= learning_rate * b.grad
            W.grad = None


@sgd_step.mistake(
    "Nothing in the network moved. `W = W - …` makes a new tensor and gives it the name W inside "
    "this function; the network keeps the old one. Write into the tensor: `W -= …`."
)
def rebound_names(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            moved = parameter - learning_rate * parameter.grad
            moved.grad = None


@sgd_step.mistake(
    "You put new tensors into the list. They hold the right numbers, but they require no gradient, "
    "and whoever else holds the old ones does not see the step. Write into the tensors: `W -= …`."
)
def replaced_tensors(network, learning_rate):
    with torch.no_grad():
        for place, (W, b) in enumerate(network):
            network[place] = (W - learning_rate * W.grad, b - learning_rate * b.grad)


@sgd_step.mistake(
    "torch refuses to change a leaf in place while autograd is recording. The step is no part of "
    "the function you differentiate: put it under `with torch.no_grad():`."
)
def inside_the_graph(network, learning_rate):
    for parameter in _parameters(network):
        parameter -= learning_rate * parameter.grad
        parameter.grad = None


@sgd_step.mistake(
    "Your step has a fixed length. Multiply the gradient by the learning rate you were given."
)
def fixed_rate(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter -= parameter.grad
            parameter.grad = None


@sgd_step.mistake(
    "You replaced the parameters by the step. A step is subtracted from where the parameter was."
)
def step_instead(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter.copy_(-learning_rate * parameter.grad)
            parameter.grad = None


@sgd_step.mistake("Only the last layer moved. The loop runs over all layers.")
def last_layer_only(network, learning_rate):
    with torch.no_grad():
        for parameter in network[-1]:
            parameter -= learning_rate * parameter.grad
        for parameter in _parameters(network):
            parameter.grad = None


@sgd_step.mistake(
    "You put new leaves into the list. Whoever else holds the old tensors does not see the step. "
    "Write into the tensors that are there: `W -= …`."
)
def replaced_leaves(network, learning_rate):
    for place, layer in enumerate(network):
        moved = [p.detach() - learning_rate * p.grad for p in layer]
        network[place] = tuple(p.requires_grad_() for p in moved)


@sgd_step.mistake(
    "Only the last layer's gradients are cleared: the clearing has slipped out of the loop."
)
def last_layer_cleared(network, learning_rate):
    with torch.no_grad():
        for parameter in _parameters(network):
            parameter -= learning_rate * parameter.grad
    for parameter in network[-1]:
        parameter.grad = None


sgd_step.hint(
    "Two loops: over the layers, and inside over W and b. Each gets a step, then a clearing."
)
sgd_step.hint("`parameter -= learning_rate * parameter.grad` under `with torch.no_grad():`.")
sgd_step.hint("Did W and b both move, and in every layer?", when="value")
sgd_step.hint("Downhill is against the gradient.", when="sign")
sgd_step.hint(
    "Read the last line of the error: what does torch refuse, and outside which block?",
    when="error",
)
sgd_step.hint(
    "`parameter.grad = None` or `parameter.grad.zero_()`, after the step.",
    when="clears every gradient, with a learning rate of 0 too",
)
sgd_step.equivalent(
    "`for parameter in (W, b):` → `for parameter in (b, W):`",
    because="the two tensors are moved independently, so their order does not matter",
)

# ------------------------------------------------------------------------------ train

train = Exercise("train", minutes=30, difficulty=3, changes=("network", "generator"))


def _trained(network, x, y, learning_rate, batch_size, epochs, generator) -> tuple[nn.Module, list]:
    """The same training with torch's own network, loss and optimiser."""
    oracle, losses = _module(network), []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss = nn.functional.cross_entropy(oracle(x[batch]), y[batch])
            losses.append(loss.item())
            _step(oracle, loss, learning_rate)
    return oracle, losses


def _problem(draw: Draw, n: int) -> tuple[Network, torch.Tensor, torch.Tensor]:
    y = torch.tensor(draw.integers(0, 3, n))
    return _network(draw, [2, 6, 3]), normals(draw, n, 2), y


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, draw.size)
    settings = (draw.uniform(0.02, 0.1), draw.size, draw.integers(2, 4))
    seed = draw.seed()
    oracle, expected = _trained(network, x, y, *settings, torch_generator(seed))
    losses = answer(network, x, y, *settings, torch_generator(seed))
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    _expect_parameters(network, oracle)


@train.property("goes through minibatches in the order of torch.randperm", trials=2)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, 7)
    settings = (draw.uniform(0.02, 0.1), 3, 2)
    seed = draw.seed()
    oracle, expected = _trained(network, x, y, *settings, torch_generator(seed))
    losses = answer(network, x, y, *settings, torch_generator(seed))
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    _expect_parameters(network, oracle)


@train.property("records plain Python numbers", trials=1)
def _(answer, draw: Draw) -> None:
    network, x, y = _problem(draw, 4)
    losses = answer(network, x, y, 0.05, 2, 1, torch_generator(draw.seed()))
    for loss in losses:
        expect(loss, "a recorded loss").is_a(float)


@train.property("learns the exclusive or, which no straight line divides", trials=1)
def _(answer, draw: Draw) -> None:
    x = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    y = torch.tensor([0, 1, 1, 0])
    generator = torch_generator(draw.seed())
    network = [_he(2, 32, generator), _he(32, 2, generator)]
    losses = answer(network, x, y, 0.3, 4, 100, generator)
    expect(losses[-1], "the last loss").is_below(0.1)


def _mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits, labels)


def _loop(network, x, y, learning_rate, batch_size, epochs, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, losses, parameters = len(x), [], _parameters(network)
    order = torch.arange(n)
    for epoch in range(epochs):
        if habits.get("global_order"):
            order = torch.randperm(n)
        elif not habits.get("unshuffled") and not (epoch and habits.get("shuffles_once")):
            order = torch.randperm(n, generator=generator)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order if habits.get("full_batch") else order[start : start + batch_size]
            labels = y[start : start + batch_size] if habits.get("labels_stay") else y[batch]
            logits = _through(network, x[batch])
            logits = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
            loss = _mean_loss(logits, labels)
            loss = loss * len(batch) if habits.get("summed") else loss
            losses.append(loss if habits.get("tensors") else loss.item())
            (-loss if habits.get("climbs") else loss).backward()
            rate = 0.1 if habits.get("fixed_rate") else learning_rate
            with torch.no_grad():
                for place, parameter in enumerate(parameters):
                    if place >= len(parameters) - 2 or not habits.get("last_layer"):
                        parameter -= rate * parameter.grad
                    if not habits.get("accumulates"):
                        parameter.grad = None
            if habits.get("loss_after"):
                losses[-1] = _mean_loss(_through(network, x[batch]), labels).item()
    return losses


def _with_habit(name, **habits):
    """A mistake made of `_loop`. Its parameters are named, so that `changes` applies to them."""

    def answer(network, x, y, learning_rate, batch_size, epochs, generator):
        return _loop(network, x, y, learning_rate, batch_size, epochs, generator, **habits)

    answer.__name__ = name
    return answer


def _through(network: Network, x: torch.Tensor) -> torch.Tensor:
    for W, b in network[:-1]:
        x = (x @ W + b).clamp(min=0)
    return x @ network[-1][0] + network[-1][1]


train.mistake(
    "The gradients are never cleared: each step carries all earlier ones along. `sgd_step` clears "
    "them; whoever steps by hand must do it too."
)(_with_habit("accumulating", accumulates=True))


train.mistake(
    "You applied softmax before the cross-entropy, which contains it already. The loss then sees "
    "probabilities for logits, and its gradients are far too small."
)(_with_habit("softmax_twice", softmax=True))


train.mistake(
    "You shuffled x and not y: the labels belong to other points. Index both with the same batch."
)(_with_habit("labels_left_behind", labels_stay=True))


train.mistake(
    "You never shuffled. Every epoch goes through the examples in the order of "
    "`torch.randperm(n, generator=generator)`."
)(_with_habit("never_shuffled", unshuffled=True))


train.mistake(
    "You shuffled once, before the first epoch. Draw a new order at the start of each epoch."
)(_with_habit("shuffled_once", shuffles_once=True))


train.mistake(
    "You drew the order from torch's global generator. Hand on the one you were given: "
    "`torch.randperm(n, generator=generator)`."
)(_with_habit("global_order", global_order=True))


train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")(
    _with_habit("dropped_last_batch", drops_rest=True)
)


train.mistake(
    "Your steps use all the examples, not the minibatch: pick out x[batch] and y[batch] first."
)(_with_habit("full_batch", full_batch=True))


train.mistake(
    "You recorded each loss after its step. Record the one the gradient was computed from."
)(_with_habit("loss_after_step", loss_after=True))


train.mistake(
    "Your loss is a sum over the batch. It is a mean, so that η does not depend on its size."
)(_with_habit("summed_loss", summed=True))


train.mistake("Your loss climbs: the steps go along the gradient, not against it.")(
    _with_habit("climbing_loss", climbs=True)
)


train.mistake("Only the last layer is trained. Every W and every b takes a step.")(
    _with_habit("last_layer_trained", last_layer=True)
)


train.mistake("Your steps do not depend on the learning rate you were given.")(
    _with_habit("rate_ignored", fixed_rate=True)
)


train.mistake(
    "You recorded tensors. Each of them keeps its whole graph alive, so memory grows with every "
    "step: record `loss.item()`."
)(_with_habit("recorded_tensors", tensors=True))


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: as many as there were minibatches."
)
def one_loss_an_epoch(network, x, y, learning_rate, batch_size, epochs, generator):
    losses = _loop(network, x, y, learning_rate, batch_size, epochs, generator)
    per_epoch = -(-len(x) // batch_size)
    return losses[per_epoch - 1 :: per_epoch]


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(network, x, y, learning_rate, batch_size, epochs, generator):
    return _loop(network, x, y, learning_rate, batch_size, 1, generator)


@train.mistake(
    "The losses are right and the network did not change: you trained a copy. Step on the "
    "tensors of the network you were given."
)
def trained_a_copy(network, x, y, learning_rate, batch_size, epochs, generator):
    twin = copy.deepcopy(network)
    return _loop(twin, x, y, learning_rate, batch_size, epochs, generator)


@train.mistake(
    "Nothing moves: every loss is that of the initial network. Is there a step after backward()?"
)
def no_step(network, x, y, learning_rate, batch_size, epochs, generator):
    return _loop(network, x, y, 0.0, batch_size, epochs, generator)


@train.mistake("You returned the network as well. It is changed in place: return the losses alone.")
def network_too(network, x, y, learning_rate, batch_size, epochs, generator):
    losses = _loop(network, x, y, learning_rate, batch_size, epochs, generator)
    return network, losses


train.hint("Write the two loops first: over epochs, and inside over pieces of the shuffled order.")
train.hint(
    "Inside: forward, cross_entropy, record `loss.item()`, backward, sgd_step. All of them exist."
)
train.hint("`order.split(batch_size)` cuts a tensor into pieces; the last may be shorter.")
train.hint("How many steps do 2 epochs of 7 examples take with batch_size 3? Six.", when="length")
train.hint("The first loss is that of the untouched network on the first minibatch.", when="shift")
train.hint(
    "One randperm at the start of each epoch, from the given generator; x and y by the same "
    "indices.",
    when="goes through minibatches in the order of torch.randperm",
)
train.hint(
    "Compare the first two losses. Is the first right and the second not? Then look at the step.",
    when="value",
)
train.hint("`loss.item()` is a Python number.", when="type")
