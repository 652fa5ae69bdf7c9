"""How `conv_cost` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from descent.grading import Draw, Exercise, expect

conv_cost = Exercise("conv_cost", minutes=12, difficulty=2)


def _convolution(draw: Draw, n: int) -> tuple[int, ...]:
    """Batch, channels in and out, side, kernel."""
    return n, *draw.integers(2, 6, 2).tolist(), draw.integers(7, 13), draw.choice([1, 3, 5])


def _counted(numbers: Any, stride: int, padding: int, dtype: Any) -> tuple[int, int]:
    """FLOPs by torch's counter, and the bytes of the three tensors."""
    batch, c, o, side, kernel = numbers
    x = torch.empty(batch, c, side, side, device="meta", dtype=dtype)
    weight = torch.empty(o, c, kernel, kernel, device="meta", dtype=dtype)
    with FlopCounterMode(display=False) as counter:
        y = F.conv2d(x, weight, None, stride, padding)
    return counter.get_total_flops(), x.nbytes + weight.nbytes + y.nbytes


def _expect_cost(answer, numbers: Any, stride: int, padding: int, dtype) -> None:
    flops, moved = answer(*numbers, stride, padding, dtype.itemsize)
    right_flops, right_bytes = _counted(numbers, stride, padding, dtype)
    expect(flops, "the FLOPs").close_to(right_flops, rtol=1e-9)
    expect(moved, "the bytes").close_to(right_bytes, rtol=1e-9)


@conv_cost.property("counts FLOPs and bytes", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, draw.size), 1, 0, torch.float32)


@conv_cost.property("counts with stride and padding", trials=5)
def _(answer, draw: Draw) -> None:
    numbers = _convolution(draw, 2)
    _expect_cost(answer, numbers, draw.choice([2, 3]), draw.integers(1, 3), torch.float32)


@conv_cost.property("counts two bytes an element for bfloat16", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, 3), 2, 1, torch.bfloat16)


@conv_cost.property("counts a linear layer as a 1 × 1 kernel on one pixel", trials=3)
def _(answer, draw: Draw) -> None:
    n, i, o = draw.integers(2, 30, 3).tolist()
    flops, moved = answer(n, i, o, 1, 1)
    expect(flops, "the FLOPs").close_to(2 * n * i * o, rtol=1e-9)
    expect(moved, "the bytes").close_to(4 * (n * i + i * o + n * o), rtol=1e-9)


def _cost(batch, c, o, side, kernel, stride=1, padding=0, size=4, **habits) -> tuple[Any, Any]:
    """The answer with one bad habit, named by keyword."""
    padding = 0 if habits.get("unpadded") else padding
    out = (side + 2 * padding - kernel) // stride + 1
    if habits.get("up"):
        out = -(-(side + 2 * padding - kernel) // stride) + 1
    if habits.get("one_less"):
        out -= 1
    places = side**2 if habits.get("input_places") else out**2
    flops = 2 * batch * o * places * c * kernel**2
    if habits.get("depthwise"):
        flops //= c
    if habits.get("row"):
        flops //= kernel
    if habits.get("multiplications"):
        flops //= 2
    if habits.get("one_picture"):
        flops //= batch
    size = 4 if habits.get("always_four") else size
    size = 1 if habits.get("elements") else size
    read, kernels, written = batch * c * side**2, o * c * kernel**2, batch * o * out**2
    if habits.get("padded_read"):
        read = batch * c * (side + 2 * padding) ** 2
    kernels *= batch if habits.get("kernels_each") else 1
    if habits.get("no_writing"):
        written = 0
    if habits.get("no_kernels"):
        kernels = 0
    moved = size * (read + kernels + written)
    return (moved, flops) if habits.get("swapped") else (flops, moved)


for _message, _name, _habits in (
    ("You counted a multiplication and its addition as one. They are two FLOPs.",
     "multiplications_alone", {"multiplications": True}),
    ("You counted one output for each *input* pixel. Stride and kernel make the output smaller: "
     "side' = ⌊(side + 2 · padding − kernel) / stride⌋ + 1.",
     "input_pixels", {"input_places": True}),
    ("Your output has one row and one column too few: + 1 after the division.",
     "one_row_too_few", {"one_less": True}),
    ("You rounded the output's side up. A window that would hang over the edge is left out: "
     "round down.", "rounded_up", {"up": True}),
    ("`padding` is missing in the side of the output.", "without_padding", {"unpadded": True}),
    ("Your FLOPs lack the input channels: each output number sums over all of them.",
     "without_input_channels", {"depthwise": True}),
    ("Your kernels have one axis. A kernel has kernel × kernel places.",
     "one_axis_of_kernel", {"row": True}),
    ("Your FLOPs are those of one picture.", "flops_of_one_picture", {"one_picture": True}),
    ("You counted elements. Multiply by `size`, the bytes of one.",
     "elements_for_bytes", {"elements": True}),
    ("You took 4 bytes an element whatever `size` says.", "always_four_bytes",
     {"always_four": True}),
    ("You read the kernels anew for each picture. The whole batch shares them, and they are read "
     "once.", "kernels_for_each_picture", {"kernels_each": True}),
    ("The output is missing from your bytes: it is written.", "output_not_written",
     {"no_writing": True}),
    ("The kernels are missing from your bytes: they are read.", "kernels_not_read",
     {"no_kernels": True}),
    ("You read the padding. It is 0 and lies in no memory: the bytes read are those of the "
     "pictures.", "padding_is_read", {"padded_read": True}),
    ("FLOPs first, then bytes.", "bytes_first", {"swapped": True}),
):  # fmt: skip

    def _bad_cost(batch, in_channels, out_channels, side, kernel, stride=1, padding=0, size=4,
                  habits=_habits):  # fmt: skip
        return _cost(batch, in_channels, out_channels, side, kernel, stride, padding, size,
                     **habits)  # fmt: skip

    _bad_cost.__name__ = _name
    conv_cost.mistake(_message)(_bad_cost)


conv_cost.hint("The side of the output first. Everything else is a product.")


conv_cost.hint("How many output numbers are there, and how many multiplications makes each?")


conv_cost.hint("Three tensors move: pictures in, kernels in, pictures out.")


conv_cost.hint("⌊…⌋ is `//`.", when="type")


conv_cost.hint("Work the example of the page through your code.", when="value")


conv_cost.hint("Is there a 2 too many or too few? A channel count? A kernel side?", when="factor")
