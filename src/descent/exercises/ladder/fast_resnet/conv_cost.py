"""How `conv_cost` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from descent.grading import Draw, Exercise, expect

conv_cost = Exercise("conv_cost", minutes=12, difficulty=2, returns=tuple[int, int])


def _convolution(draw: Draw, n: int) -> tuple[int, ...]:
    """Batch, channels in and out, in either order of size, side, kernel."""
    channels_in, channels_out = draw.rng.permutation(np.arange(2, 8))[:2].tolist()
    return n, channels_in, channels_out, draw.integers(7, 13), draw.choice([2, 3, 4, 5])


def _counted(numbers: Any, stride: int, padding: int, dtype: Any) -> tuple[int, int]:
    """FLOPs by torch's counter, and the bytes of the three tensors."""
    batch, c, o, side, kernel = numbers
    x = torch.empty(batch, c, side, side, device="meta", dtype=dtype)
    weight = torch.empty(o, c, kernel, kernel, device="meta", dtype=dtype)
    with FlopCounterMode(display=False) as counter:
        y = F.conv2d(x, weight, None, stride, padding)
    return counter.get_total_flops(), x.nbytes + weight.nbytes + y.nbytes


def _expect_cost(answer, numbers: Any, stride: int, padding: int, dtype=torch.float32) -> None:
    flops, moved = answer(*numbers, stride, padding, dtype.itemsize)
    right_flops, right_bytes = _counted(numbers, stride, padding, dtype)
    expect(flops, "the FLOPs").close_to(right_flops, rtol=1e-9)
    expect(moved, "the bytes").close_to(right_bytes, rtol=1e-9)


@conv_cost.property("counts the FLOPs", trials=4)
def _(answer, draw: Draw) -> None:
    numbers = _convolution(draw, draw.size)
    flops, _ = answer(*numbers)
    right, _ = _counted(numbers, 1, 0, torch.float32)
    expect(flops, "the FLOPs").close_to(right, rtol=1e-9)


@conv_cost.property("counts the bytes", trials=4)
def _(answer, draw: Draw) -> None:
    numbers = _convolution(draw, draw.size)
    _, moved = answer(*numbers)
    _, right = _counted(numbers, 1, 0, torch.float32)
    expect(moved, "the bytes").close_to(right, rtol=1e-9)


@conv_cost.property("counts with a stride", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, 2), draw.choice([2, 3]), 0)


@conv_cost.property("counts with padding", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, 2), 1, draw.integers(1, 3))


@conv_cost.property("counts with stride and padding", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, 3), draw.choice([2, 3]), draw.integers(1, 3))


@conv_cost.property("counts as many bytes an element as `size` says", trials=2)
def _(answer, draw: Draw) -> None:
    for dtype in (torch.bfloat16, torch.float64):
        _expect_cost(answer, _convolution(draw, 3), 2, 1, dtype)


@conv_cost.property("counts a linear layer as a 1 × 1 kernel on one pixel", trials=3)
def _(answer, draw: Draw) -> None:
    n, i, o = draw.integers(2, 30, 3).tolist()
    flops, moved = answer(n, i, o, 1, 1)
    expect(flops, "the FLOPs").close_to(2 * n * i * o, rtol=1e-9)
    expect(moved, "the bytes").close_to(4 * (n * i + i * o + n * o), rtol=1e-9)


@conv_cost.right
def right_cost(batch, in_channels, out_channels, side, kernel, stride=1, padding=0, size=4):
    out = (side + 2 * padding - kernel) // stride + 1
    read = batch * in_channels * side**2
    kernels = out_channels * in_channels * kernel**2
    written = batch * out_channels * out**2
    flops = 2 * written * in_channels * kernel**2
    moved = size * (read + kernels + written)
    return flops, moved


conv_cost.slip(
    "multiplications_alone",
    "You counted a multiplication and its addition as one. They are two FLOPs.",
    {"2 * written": "written"},
)
conv_cost.slip(
    "input_pixels",
    "Your FLOPs count one output for each *input* pixel. Stride and kernel make the output "
    "smaller: side' = ⌊(side + 2 · padding − kernel) / stride⌋ + 1.",
    {"2 * written": "2 * batch * out_channels * side**2"},
)
conv_cost.slip(
    "output_like_input",
    "You take the output to be as large as the input, in FLOPs and bytes. Stride and kernel make "
    "it smaller: side' = ⌊(side + 2 · padding − kernel) / stride⌋ + 1.",
    {"(side + 2 * padding - kernel) // stride + 1": "side"},
)
conv_cost.slip(
    "one_row_too_few",
    "Your output has one row and one column too few: + 1 after the division.",
    {"// stride + 1": "// stride"},
)
conv_cost.slip(
    "one_added_too_early",
    "You add 1 before the division. It comes after: the window stands at its first place, and "
    "moves from there.",
    {"- kernel) // stride + 1": "- kernel + 1) // stride"},
)
conv_cost.slip(
    "rounded_up",
    "You rounded the output's side up. A window that would hang over the edge is left out: "
    "round down.",
    {
        "(side + 2 * padding - kernel) //": "-(-(side + 2 * padding - kernel) //",
        "stride + 1": "stride) + 1",
    },
)
conv_cost.slip(
    "fraction_of_a_place",
    "The side of your output is a fraction where the stride does not come out even. A window "
    "stands at a place or does not: `//`, before anything is multiplied.",
    {"// stride": "/ stride", "flops, moved\n": "int(flops), int(moved)\n"},
)
conv_cost.slip(
    "stride_left_out",
    "`stride` is missing in the side of the output: a window that moves on by 2 has half as many "
    "places.",
    {" // stride": ""},
)
conv_cost.slip(
    "without_padding",
    "`padding` is missing in the side of the output.",
    {"side + 2 * padding": "side"},
)
conv_cost.slip(
    "padding_on_one_side",
    "You add the padding once. It is on each side: the picture becomes 2 · padding wider.",
    {"2 * padding": "padding"},
)
conv_cost.slip(
    "without_input_channels",
    "Your FLOPs lack the input channels: each output number sums over all of them.",
    {"written * in_channels": "written"},
)
conv_cost.slip(
    "without_output_channels",
    "Your FLOPs lack the output channels: each of them is computed.",
    {"2 * written": "2 * batch * out**2"},
)
conv_cost.slip(
    "one_axis_of_kernel",
    "In your FLOPs the kernels have one axis. A kernel has kernel × kernel places.",
    {"written * in_channels * kernel**2": "written * in_channels * kernel"},
)
conv_cost.slip(
    "flops_of_one_picture",
    "Your FLOPs are those of one picture.",
    {"2 * written": "2 * out_channels * out**2"},
)
conv_cost.slip(
    "elements_for_bytes",
    "You counted elements. Multiply by `size`, the bytes of one.",
    {"size * (": "("},
)
conv_cost.slip(
    "always_four_bytes",
    "You took 4 bytes an element whatever `size` says.",
    {"size * (": "4 * ("},
)
conv_cost.slip(
    "size_of_the_first",
    "You multiply one of the three tensors by `size`. Each of them has elements of so many bytes: "
    "brackets around the sum.",
    {"size * (read + kernels + written)": "size * read + kernels + written"},
)
conv_cost.slip(
    "kernels_for_each_picture",
    "You read the kernels anew for each picture. The whole batch shares them, and they are read "
    "once.",
    {"kernels = out": "kernels = batch * out"},
)
conv_cost.slip(
    "output_not_written",
    "The output is missing from your bytes: it is written.",
    {"(read + kernels + written)": "(read + kernels)"},
)
conv_cost.slip(
    "kernels_not_read",
    "The kernels are missing from your bytes: they are read.",
    {"(read + kernels + written)": "(read + written)"},
)
conv_cost.slip(
    "padding_is_read",
    "You read the padding. It is 0 and lies in no memory: the bytes read are those of the "
    "pictures.",
    {"in_channels * side**2": "in_channels * (side + 2 * padding) ** 2"},
)
conv_cost.slip(
    "bytes_first", "FLOPs first, then bytes.", {"return flops, moved": "return moved, flops"}
)


conv_cost.hint("The side of the output first. Everything else is a product.")
conv_cost.hint("How many output numbers are there, and how many multiplications makes each?")
conv_cost.hint("Three tensors move: pictures in, kernels in, pictures out.")
conv_cost.hint("⌊…⌋ is `//`.", when="type")
conv_cost.hint("Work the example of the page through your code.", when="value")
conv_cost.hint("Is there a 2 too many or too few? A channel count? A kernel side?", when="factor")
