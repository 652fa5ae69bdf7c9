"""How `count_parameters_and_flops` is judged."""

from __future__ import annotations

import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

count_parameters_and_flops = Exercise(
    "count_parameters_and_flops", minutes=12, difficulty=2, returns=tuple[int, int]
)


def _counted(c: int, o: int, k: int, stride: int, padding: int, height: int, width: int):
    """Parameters of torch's own layer, and operations added up one output number at a time."""
    layer = nn.Conv2d(c, o, k, stride, padding)
    output = layer(torch.zeros(1, c, height, width))
    products = sum(1 for _ in range(c) for _ in range(k) for _ in range(k))
    sums = products - 1 + 1  # the products with one another, and the bias
    return sum(p.numel() for p in layer.parameters()), output.numel() * (products + sums)


@count_parameters_and_flops.property("counts both for a small layer", trials=5)
def _(answer, draw: Draw) -> None:
    layer = (draw.integers(2, 5), draw.integers(5, 9), draw.integers(2, 5), 1, 0)
    height, width = draw.integers(7, 12), draw.integers(12, 16)
    parameters, flops = answer(*layer, height, width)
    expected = _counted(*layer, height, width)
    expect(parameters, "the parameters").equals(expected[0])
    expect(flops, "the FLOPs").equals(expected[1])


@count_parameters_and_flops.property("minds stride and padding", trials=5)
def _(answer, draw: Draw) -> None:
    layer = (draw.integers(2, 5), draw.integers(5, 9), draw.integers(4, 6), draw.integers(2, 4))
    padding, height, width = draw.integers(1, 3), draw.integers(7, 12), draw.integers(15, 20)
    parameters, flops = answer(*layer, padding, height, width)
    expected = _counted(*layer, padding, height, width)
    expect(parameters, "the parameters").equals(expected[0])
    expect(flops, "the FLOPs").equals(expected[1])


@count_parameters_and_flops.property(
    "agrees with the page: 1 → 2 channels, 3 × 3, on 4 × 4", trials=1
)
def _(answer, draw: Draw) -> None:
    parameters, flops = answer(1, 2, 3, 1, 0, 4, 4)
    expect(parameters, "the parameters").equals(20)
    expect(flops, "the FLOPs").equals(144)


def _count(c, o, k, stride, padding, height, width, **habits):
    """Both counts with one bad habit, named by keyword."""
    stride = 1 if habits.get("no_stride") else stride
    padding = 0 if habits.get("no_padding") else padding
    rows = (height + 2 * padding - k) // stride + 1
    columns = rows if habits.get("square") else (width + 2 * padding - k) // stride + 1
    rows, columns = (height, width) if habits.get("input_size") else (rows, columns)
    inputs = 1 if habits.get("no_channels") else c
    outputs = 1 if habits.get("no_outputs") else o
    taps = k if habits.get("side") else k * k
    each = 2 * inputs * taps + habits.get("extra", 0)
    flops = rows * columns * outputs * each // habits.get("halved", 1)
    biases = {"none": 0, "one": 1}.get(habits.get("biases", ""), o)
    weights = o * taps * (1 if habits.get("one_kernel") else c)
    biases *= c if habits.get("bias_per_pair") else 1
    return weights * habits.get("copies", 1) + biases, flops


@count_parameters_and_flops.mistake(
    "Your FLOPs leave out the input channels: each output number sums over a window in *every* one "
    "of them."
)
def flops_without_channels(*layer):
    return _count(*layer, no_channels=True)


@count_parameters_and_flops.mistake(
    "Your FLOPs are those of one output channel. Multiply by the number of output channels."
)
def flops_of_one_output(*layer):
    return _count(*layer, no_outputs=True)


@count_parameters_and_flops.mistake(
    "You counted a multiplication and an addition together as one. That is a multiply–add (MAC); "
    "this page counts each as an operation, two FLOPs a multiply–add."
)
def counted_macs(*layer):
    return _count(*layer, halved=2)


@count_parameters_and_flops.mistake(
    "You counted the bias twice. Summing m products takes m − 1 additions, and the bias is the "
    "m-th: 2·m in all."
)
def bias_on_top(*layer):
    return _count(*layer, extra=1)


@count_parameters_and_flops.mistake(
    "You left the bias's addition out of the FLOPs: m products, m − 1 additions, and one more for "
    "the bias."
)
def bias_not_added(*layer):
    return _count(*layer, extra=-1)


@count_parameters_and_flops.mistake(
    "Your FLOPs are for as many places as the *input* has pixels. Count the output's: stride and "
    "padding decide how many there are."
)
def flops_at_input_size(*layer):
    return _count(*layer, input_size=True)


@count_parameters_and_flops.mistake("The stride is not used.")
def count_without_stride(*layer):
    return _count(*layer, no_stride=True)


@count_parameters_and_flops.mistake("The padding is not used.")
def count_without_padding(*layer):
    return _count(*layer, no_padding=True)


@count_parameters_and_flops.mistake("You took the output to be square. Use height and width.")
def square_output(*layer):
    return _count(*layer, square=True)


@count_parameters_and_flops.mistake("A kernel has kernel × kernel entries; you counted one side.")
def one_side_of_kernel(*layer):
    return _count(*layer, side=True)


@count_parameters_and_flops.mistake("The parameters lack the biases, one per output channel.")
def parameters_without_bias(*layer):
    return _count(*layer, biases="none")


@count_parameters_and_flops.mistake(
    "You counted one bias for the whole layer. Each output channel has its own."
)
def a_single_bias(*layer):
    return _count(*layer, biases="one")


@count_parameters_and_flops.mistake(
    "You counted a bias for every pair of channels. An output channel has one, however many "
    "channels it reads."
)
def bias_for_each_pair(*layer):
    return _count(*layer, bias_per_pair=True)


@count_parameters_and_flops.mistake(
    "You counted one kernel per output channel. Each has a kernel for every input channel."
)
def one_kernel_each(*layer):
    return _count(*layer, one_kernel=True)


@count_parameters_and_flops.mistake(
    "You counted weights for every place. They are shared: the same kernel is used everywhere, "
    "which is the point of a convolution."
)
def weights_not_shared(c, o, k, stride, padding, height, width):
    places = _count(c, o, k, stride, padding, height, width)[1] // (2 * c * k * k * o)
    return _count(c, o, k, stride, padding, height, width, copies=places)


@count_parameters_and_flops.mistake("Return the parameters first, then the FLOPs.")
def swapped_counts(*layer):
    parameters, flops = _count(*layer)
    return flops, parameters


count_parameters_and_flops.hint("Parameters: how large is one kernel, and how many are there?")
count_parameters_and_flops.hint(
    "FLOPs: operations for one output number, times how many output numbers there are."
)
count_parameters_and_flops.hint("`output_size` gives the output's height and width.")
count_parameters_and_flops.hint("Which factor is missing? Divide the two numbers.", when="factor")
count_parameters_and_flops.hint("How many operations is one multiply–add here?", when="value")
