"""What ladder/09_convnet is judged by.

The oracles are torch's own convolution and pooling, and counting: places where a window fits,
operations one by one, the inputs that one output can be traced back to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect


def _values(x) -> list[float]:
    """The different numbers in a tensor, sorted: the same for every way of drawing them."""
    return np.unique(np.asarray(torch.as_tensor(x).detach()).round(3)).tolist()


class _Calls(TorchFunctionMode):
    """Note the names of the torch functions that are called inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.add(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def _uses(word: str, answer, *args) -> bool:
    """Whether the answer calls a function of torch whose name contains `word`."""
    with _Calls() as calls:
        answer(*args)
    return any(word in name for name in calls.names)


def _slid(x, weight, bias=None, steps=(1, 1)):
    """A convolution from windows, which the mistakes below are made of."""
    windows = x.unfold(2, weight.shape[2], steps[0]).unfold(3, weight.shape[3], steps[1])
    output = torch.einsum("ncijab,ocab->noij", windows, weight)
    return output if bias is None else output + bias[:, None, None]


def _slid_over(image, kernel, steps=(1, 1)):
    """The same for one picture and one kernel."""
    return _slid(image[None, None], kernel[None, None], None, steps)[0, 0]


# ---------------------------------------------------------------------------- convolve

convolve = Exercise("convolve", minutes=8, difficulty=1)


@convolve.property("is the sum of products at every place the window fits", trials=5)
def _(answer, draw: Draw) -> None:
    n = min(draw.size, 5)
    image, kernel = normals(draw, n + 2, n + 3), normals(draw, 2, 3)
    expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    expect(answer(image, kernel), "the output").close_to(expected, atol=1e-5)


@convolve.property("works for windows of one pixel, of the whole picture, tall and wide", trials=2)
def _(answer, draw: Draw) -> None:
    image = normals(draw, 4, 5)
    for rows, columns in ((1, 1), (4, 5), (3, 1), (1, 4), (2, 2)):
        kernel = normals(draw, rows, columns)
        expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
        found = answer(image, kernel)
        expect(found, f"the output of a {rows} × {columns} kernel").close_to(expected, atol=1e-5)


@convolve.property("turns a single bright pixel into the kernel, upside down")
def _(answer, draw: Draw) -> None:
    image, kernel = torch.zeros(5, 5), normals(draw, 3, 3)
    image[2, 2] = 1.0
    expect(answer(image, kernel), "the output").close_to(kernel.flip(0, 1))


@convolve.property("is made by hand", trials=1)
def _(answer, draw: Draw) -> None:
    lent = _uses("conv", answer, normals(draw, 3, 3), normals(draw, 2, 2))
    expect(not lent, "torch's own convolution is left alone").is_true(
        otherwise="this is torch's own convolution; write the sums yourself"
    )


@convolve.mistake(
    "You turned the kernel upside down. That is the convolution of mathematics; deep learning lays "
    "the kernel on the picture as it is, kernel[0, 0] on the window's top left pixel."
)
def flipped_kernel(image, kernel):
    return _slid_over(image, kernel.flip(0, 1))


@convolve.mistake(
    "You divided by the number of pixels in the window. A convolution sums the products; a kernel "
    "that should average carries its own 1/9."
)
def averaged_products(image, kernel):
    return _slid_over(image, kernel) / kernel.numel()


@convolve.mistake(
    "Your output is one row and one column short: a window of k fits in H − k + 1 places, and "
    "`range(H - k)` stops one before that."
)
def one_short(image, kernel):
    return _slid_over(image, kernel)[:-1, :-1]


@convolve.mistake(
    "You padded the picture. Here the window stays inside it, so that the output is smaller than "
    "the picture; padding comes two exercises later."
)
def padded_already(image, kernel):
    return _slid_over(F.pad(image, (1, 1, 1, 1)), kernel)


@convolve.mistake(
    "You multiplied window and kernel as matrices. The products are taken entry by entry (`*`), "
    "and then all summed."
)
def matrix_product(image, kernel):
    rows, columns = kernel.shape
    windows = image.unfold(0, rows, 1).unfold(1, columns, 1)
    return (windows @ kernel).sum(dim=(2, 3))


@convolve.mistake("Rows and columns of the output have changed places: out[i, j] is row i.")
def transposed_output(image, kernel):
    return _slid_over(image, kernel).T


@convolve.mistake(
    "Your windows do not overlap. The window moves by one pixel at a time, not by its own size."
)
def moved_by_its_size(image, kernel):
    return _slid_over(image, kernel, tuple(kernel.shape))


@convolve.mistake(
    "You returned the products of a window without adding them up. Each place gives one number."
)
def not_summed(image, kernel):
    rows, columns = kernel.shape
    return image.unfold(0, rows, 1).unfold(1, columns, 1) * kernel


@convolve.mistake(
    "You took the kernel to be square. Its rows and its columns are two numbers: `rows, columns = "
    "kernel.shape`."
)
def square_kernel(image, kernel):
    rows = kernel.shape[0]
    places = [range(side - rows + 1) for side in image.shape]
    return torch.tensor(
        [[(image[i : i + rows, j : j + rows] * kernel).sum() for j in places[1]] for i in places[0]]
    )


@convolve.mistake(
    "That is torch's own convolution, which this exercise is about: write the sums yourself, with "
    "two loops over the places."
)
def torchs_convolution(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


convolve.hint("Two loops, over the rows and the columns of the *output*. How many of each?")
convolve.hint("The window at (i, j) is `image[i : i + rows, j : j + columns]`.")
convolve.hint("A window of k pixels on a line of n has n − k + 1 places.", when="shape")
convolve.hint("Do the worked number of the page by hand and compare entry [0, 0].", when="value")
convolve.hint("Is there an average where a sum should be?", when="factor")

# ------------------------------------------------------------------------- output_size

output_size = Exercise("output_size", minutes=6, difficulty=1)


def _places(size: int, kernel: int, stride: int, padding: int) -> int:
    """Count the starts from which the window stays inside the padded line."""
    line = range(size + 2 * padding)
    return sum(start + kernel - 1 in line for start in line[::stride])


def _geometry(draw: Draw) -> tuple[int, int, int, int]:
    kernel = draw.integers(2, 6)
    return kernel + draw.integers(2, 20), kernel, draw.integers(2, 4), draw.integers(1, 3)


@output_size.property("counts the places of the window", trials=7)
def _(answer, draw: Draw) -> None:
    size, kernel, stride, padding = _geometry(draw)
    found = answer(size, kernel, stride, padding)
    expect(found, "the output's side").equals(_places(size, kernel, stride, padding))


@output_size.property("moves by 1 and adds no margin unless told otherwise", trials=4)
def _(answer, draw: Draw) -> None:
    size, kernel, stride, padding = _geometry(draw)
    expect(answer(size, kernel), "without stride and padding").equals(_places(size, kernel, 1, 0))
    expect(answer(size, kernel, stride), "without padding").equals(_places(size, kernel, stride, 0))


@output_size.property(
    "leaves out what is left over, and is 1 for a window that fits once", trials=1
)
def _(answer, draw: Draw) -> None:
    expect(answer(7, 2, 2, 0), "7 pixels, window 2, stride 2").equals(3)
    expect(answer(28, 5, 2, 2), "28 pixels, window 5, stride 2, padding 2").equals(14)
    expect(answer(3, 3, 2, 0), "a window as large as the picture").equals(1)


@output_size.property("gives a whole number", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(28, 3, 1, 1), "the output's side").equals(28).is_a(int, np.integer)


@output_size.mistake(
    "You rounded up. A window that hangs over the edge does not count: divide with `//`."
)
def rounded_up(size, kernel, stride=1, padding=0):
    return -(-(size + 2 * padding - kernel) // stride) + 1


@output_size.mistake(
    "You rounded to the nearest whole number. A window that hangs over the edge does not count, "
    "however little: divide with `//`."
)
def rounded_to_nearest(size, kernel, stride=1, padding=0):
    return round((size + 2 * padding - kernel) / stride) + 1


@output_size.mistake(
    "The value is right and its type is not: `np.floor` and `/` give a float, 28.0. Use `//`, or "
    "put `int(…)` round it."
)
def floored_float(size, kernel, stride=1, padding=0):
    return float((size + 2 * padding - kernel) // stride + 1)


@output_size.mistake(
    "You are off by one: the window has a first place before it moves at all. Add 1 after the "
    "division."
)
def without_first_place(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride


@output_size.mistake("You added the padding once. It is added on both sides: 2 × padding.")
def padded_once(size, kernel, stride=1, padding=0):
    return (size + padding - kernel) // stride + 1


@output_size.mistake(
    "You added 1 before dividing. The 1 is the first place; only the moves are divided by the "
    "stride."
)
def one_before_division(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel + 1) // stride


@output_size.mistake(
    "You divided the size by the stride and left the kernel out. The last place is where the "
    "window's far side touches the edge."
)
def without_kernel(size, kernel, stride=1, padding=0):
    return (size + 2 * padding) // stride


@output_size.mistake("You left out the padding.")
def without_padding(size, kernel, stride=1, padding=0):
    return (size - kernel) // stride + 1


@output_size.mistake("You left out the stride.")
def without_stride(size, kernel, stride=1, padding=0):
    return size + 2 * padding - kernel + 1


@output_size.mistake(
    "You divided with `/`, which leaves a fraction. There is no two-thirds of a place: use `//`."
)
def fractional(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) / stride + 1


output_size.hint("Draw a line of 7 squares and slide a window of 2 along it, 2 squares at a time.")
output_size.hint("First place, plus as many moves as fit: how far can the window's left side go?")
output_size.hint("How many places has a window as wide as the picture?", when="offset")
output_size.hint("`//` divides and rounds down.", when="type")

# ------------------------------------------------------------------------------ conv2d

conv2d = Exercise("conv2d", minutes=25, difficulty=2)


def _layer(draw: Draw, n: int, channels: int, height: int, width: int, out: int, kernel=(3, 2)):
    """Pictures, weights and biases of a convolution layer."""
    x, weight = (
        normals(draw, n, channels, height, width),
        normals(draw, out, channels, *kernel),
    )
    return x, weight, normals(draw, out)


@conv2d.property("with one channel, is what you had, plus a bias", trials=3)
def _(answer, draw: Draw) -> None:
    n = min(draw.size, 3)
    x, weight, bias = _layer(draw, 1, 1, n + 2, n + 3, 1)
    expect(answer(x, weight, bias), "the output").close_to(F.conv2d(x, weight, bias), atol=1e-4)


@conv2d.property("sums over the input channels, for every output channel", trials=3)
def _(answer, draw: Draw) -> None:
    x, weight, bias = _layer(draw, draw.size, 3, 5, 4, 2)
    expect(answer(x, weight, bias), "the output").close_to(F.conv2d(x, weight, bias), atol=1e-4)


@conv2d.property("adds a channel's bias to each of its pixels", trials=2)
def _(answer, draw: Draw) -> None:
    # The output is 3 × 3 with 3 channels, where adding along the wrong axis goes unnoticed.
    x, weight, bias = _layer(draw, 1, 2, 5, 4, 3)
    expect(answer(0 * x, weight, bias), "the output for empty pictures").close_to(
        F.conv2d(0 * x, weight, bias), atol=1e-4
    )


@conv2d.property("pads all four sides with zeros", trials=3)
def _(answer, draw: Draw) -> None:
    x, weight, bias = _layer(draw, 2, 2, 5, 4, 3)
    padding = draw.integers(1, 3)
    expected = F.conv2d(x, weight, bias, padding=padding)
    found = answer(x, weight, bias, 1, padding)
    expect(found, f"the output with padding {padding}").close_to(expected, atol=1e-4)


@conv2d.property("moves by the stride, along both axes", trials=3)
def _(answer, draw: Draw) -> None:
    x, weight, bias = _layer(draw, 2, 2, 8, 9, 3)
    stride, padding = draw.integers(2, 4), draw.integers(0, 2)
    expected = F.conv2d(x, weight, bias, stride=stride, padding=padding)
    found = answer(x, weight, bias, stride, padding)
    expect(found, f"the output with stride {stride}").close_to(expected, atol=1e-4)


@conv2d.property("takes stride and padding by name, and works for one pixel", trials=2)
def _(answer, draw: Draw) -> None:
    x, weight, bias = _layer(draw, 1, 2, 1, 1, 2, kernel=(1, 1))
    expect(answer(x, weight, bias), "a 1 × 1 kernel on one pixel").close_to(
        F.conv2d(x, weight, bias), atol=1e-4
    )
    x, weight, bias = _layer(draw, 1, 1, 6, 6, 2, kernel=(3, 3))
    found = answer(x, weight, bias, padding=1, stride=2)
    expect(found, "the output").close_to(F.conv2d(x, weight, bias, 2, 1), atol=1e-4)


def _leaves(output) -> list[torch.Tensor]:
    """The tensors that `backward` from `output` reaches: the answer was given copies of ours."""
    waiting, seen, leaves = [getattr(output, "grad_fn", None)], set(), []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaves += [node.variable] if hasattr(node, "variable") else []
        waiting += [before for before, _ in node.next_functions]
    return leaves


@conv2d.property("lets `backward` reach pictures, weights and biases", trials=2)
def _(answer, draw: Draw) -> None:
    layer = [part.requires_grad_() for part in _layer(draw, 2, 2, 5, 5, 2)]
    expected = F.conv2d(layer[0], layer[1], layer[2], 2, 1).square().sum()
    slopes = torch.autograd.grad(expected, layer)
    output = answer(*layer, 2, 1)
    leaves = {tuple(leaf.shape): leaf for leaf in _leaves(output)}
    for name, part, slope in zip(("x", "weight", "bias"), layer, slopes, strict=True):
        leaf = leaves.get(tuple(part.shape))
        expect(leaf is not None, f"backward reaches {name}").is_true(
            otherwise=f"`backward` does not reach {name}: build the output from torch operations, "
            "without `.detach()`, `.item()`, numpy or `no_grad`"
        )
        if leaf is not None:
            found = torch.autograd.grad(output.square().sum(), leaf, retain_graph=True)[0]
            expect(found, f"the gradient at {name}").close_to(slope, rtol=1e-3)


@conv2d.property("is made by hand", trials=1)
def _(answer, draw: Draw) -> None:
    lent = _uses("conv", answer, *_layer(draw, 1, 1, 3, 3, 1, kernel=(2, 2)))
    expect(not lent, "torch's own convolution is left alone").is_true(
        otherwise="this calls torch's own convolution; the page asks for one made by hand"
    )


def _conv(x, weight, bias, stride=1, padding=0, **habits):
    """A convolution layer with one bad habit, named by keyword."""
    sides = (padding,) * 4
    sides = (padding, 0, padding, 0) if habits.get("one_side") else sides
    sides = (padding, padding, 0, 0) if habits.get("width_only") else sides
    sides = (0, 0, 0, 0) if habits.get("unpadded") else sides
    x = F.pad(x, sides, mode="replicate") if habits.get("smeared") else F.pad(x, sides)
    steps = (stride, 1) if habits.get("stride_down_only") else (stride, stride)
    steps = (1, 1) if habits.get("no_stride") else steps
    return _slid(x, weight, bias, steps)


@conv2d.mistake(
    "You turned the kernels upside down. Lay kernel[0, 0] on the window's top left pixel, as in "
    "`convolve`: what deep learning calls convolution is cross-correlation."
)
def flipped_kernels(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight.flip(2, 3), bias, stride, padding)


@conv2d.mistake(
    "Your stride moves the window in one direction only. Both the row and the column it starts "
    "from go up by the stride."
)
def stride_on_one_axis(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, stride_down_only=True)


@conv2d.mistake("Your window always moves by one pixel: the stride is not used.")
def stride_ignored(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, no_stride=True)


@conv2d.mistake(
    "Your output has the right size for the stride, but the windows are read one pixel apart. The "
    "window of out[i, j] starts at row i·stride and column j·stride."
)
def windows_one_apart(x, weight, bias, stride=1, padding=0):
    output = _conv(x, weight, bias, stride, padding)
    return _conv(x, weight, bias, 1, padding)[..., : output.shape[2], : output.shape[3]]


@conv2d.mistake(
    "You padded the top and the left only. The margin of `padding` zeros goes round all four sides."
)
def padded_on_one_side(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, one_side=True)


@conv2d.mistake("You padded left and right, not above and below: both axes get a margin.")
def padded_one_axis(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, width_only=True)


@conv2d.mistake("The padding is not used.")
def padding_ignored(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, unpadded=True)


@conv2d.mistake(
    "You filled the margin with copies of the edge pixels. The page asks for zeros: paper."
)
def edge_padding(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding, smeared=True)


@conv2d.mistake(
    "Only the first input channel is used. An output channel has one kernel for *each* input "
    "channel, and adds up their results."
)
def first_channel_only(x, weight, bias, stride=1, padding=0):
    return _conv(x[:, :1], weight[:, :1], bias, stride, padding)


@conv2d.mistake(
    "You did not sum over the input channels: your output keeps them as an axis of its own. All "
    "channels of a window, times all channels of the kernel, make one number."
)
def channels_not_summed(x, weight, bias, stride=1, padding=0):
    each = [
        _conv(x[:, c : c + 1], weight[:, c : c + 1], bias, stride, padding)
        for c in range(x.shape[1])
    ]
    return torch.stack(each, dim=2)


@conv2d.mistake("You averaged over the input channels. Their results are summed.")
def channels_averaged(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight / x.shape[1], bias, stride, padding)


@conv2d.mistake("The bias is missing. Each output channel adds one number to all its pixels.")
def without_bias(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, None, stride, padding)


@conv2d.mistake(
    "You added the bias once for every input channel: it belongs after the sum, once a pixel."
)
def bias_for_each_channel(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias * x.shape[1], stride, padding)


@conv2d.mistake(
    "Your bias runs along the last axis, so that each *column* gets its own. It belongs to the "
    "channels: shape (out, 1, 1), as in `bias[:, None, None]`."
)
def bias_along_columns(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, None, stride, padding) + bias


@conv2d.mistake(
    "Only the first picture of the batch is convolved. The first axis of x counts pictures."
)
def first_picture_only(x, weight, bias, stride=1, padding=0):
    return _conv(x[:1], weight, bias, stride, padding)


@conv2d.mistake(
    "Your output is one row and one column short. `output_size` says how many places there are."
)
def output_short(x, weight, bias, stride=1, padding=0):
    return _conv(x, weight, bias, stride, padding)[..., :-1, :-1]


@conv2d.mistake(
    "That is torch's own layer. Make the sums yourself: loops over i and j, or `unfold` and one "
    "product."
)
def torchs_layer(x, weight, bias, stride=1, padding=0):
    return F.conv2d(x, weight, bias, stride, padding)


@conv2d.mistake(
    "You took the kernel to be square. Its rows and its columns are the last two numbers of "
    "`weight.shape`."
)
def square_kernels(x, weight, bias, stride=1, padding=0):
    rows = weight.shape[2]
    x = F.pad(x, (padding,) * 4)
    windows = x.unfold(2, rows, stride).unfold(3, rows, stride)
    return torch.einsum("ncijab,ocab->noij", windows, weight) + bias[:, None, None]


conv2d.hint("Pad first, then forget about padding. `F.pad(x, (left, right, top, bottom))`.")
conv2d.hint(
    "Start with loops over the output's rows and columns only: the window of *all* pictures and "
    "channels at (i, j) is `x[:, :, i·s : i·s + kh, j·s : j·s + kw]`, shape (n, c, kh, kw)."
)
conv2d.hint(
    "That window and the weights share the axes (c, kh, kw). Flatten those to one axis and it is a "
    "matrix product: `window.flatten(1) @ weight.flatten(1).T`, shape (n, out)."
)
conv2d.hint("Which axes were summed? Those of the kernel: channels, rows, columns.", when="shape")
conv2d.hint("Try one channel, one picture, no bias. Then add one thing at a time.", when="value")
conv2d.hint(
    "Where does the window of out[2, 3] start when the stride is 2?",
    when="moves by the stride, along both axes",
)

# -------------------------------------------------------------------------- max_pool2d

max_pool2d = Exercise("max_pool2d", minutes=12, difficulty=2)


@max_pool2d.property("keeps the largest number of each window", trials=5)
def _(answer, draw: Draw) -> None:
    x = normals(draw, min(draw.size, 3), 2, 4, 6)
    expect(answer(x, 2), "the output").close_to(F.max_pool2d(x, 2))


@max_pool2d.property("moves by its own size unless a stride is given", trials=3)
def _(answer, draw: Draw) -> None:
    x = normals(draw, 1, 2, 7, 6)
    expect(answer(x, 3), "windows of 3").close_to(F.max_pool2d(x, 3))
    expect(answer(x, 3, 2), "windows of 3, stride 2").close_to(F.max_pool2d(x, 3, 2))
    expect(answer(x, 2, stride=1), "windows of 2, stride 1").close_to(F.max_pool2d(x, 2, 1))


@max_pool2d.property("leaves out rows and columns that fill no window", trials=2)
def _(answer, draw: Draw) -> None:
    x = normals(draw, 1, 1, 5, 7)
    expect(answer(x, 2), "the output").has_shape(1, 1, 2, 3).close_to(F.max_pool2d(x, 2))


@max_pool2d.property("keeps the largest of negative numbers too", trials=2)
def _(answer, draw: Draw) -> None:
    x = -1.0 - normals(draw, 1, 2, 4, 4).abs()
    expect(answer(x, 2), "the output").close_to(F.max_pool2d(x, 2))


@max_pool2d.property("changes nothing when the window is one pixel", trials=2)
def _(answer, draw: Draw) -> None:
    x = normals(draw, 1, 2, 3, 2)
    expect(answer(x, 1), "the output").close_to(x)


@max_pool2d.property("is made by hand", trials=1)
def _(answer, draw: Draw) -> None:
    lent = _uses("max_pool", answer, normals(draw, 1, 1, 2, 2), 2)
    expect(not lent, "torch's own pooling is left alone").is_true(
        otherwise="this calls torch's own pooling; the page asks for one made by hand"
    )


def _pooled(x, size, stride=None, take=None):
    """The largest of every window, or what `take` makes of all windows, (n, c, i, j, a, b)."""
    stride = size if stride is None else stride
    windows = x.unfold(2, size, stride).unfold(3, size, stride)
    return take(windows) if take else windows.amax(dim=(4, 5))


@max_pool2d.mistake("That is torch's own pooling. Take the largest of each window yourself.")
def torchs_pooling(x, size, stride=None):
    return F.max_pool2d(x, size, stride)


@max_pool2d.mistake("You averaged. Max pooling keeps the largest number of the window.")
def average_pooling(x, size, stride=None):
    return _pooled(x, size, stride, lambda windows: windows.mean(dim=(4, 5)))


@max_pool2d.mistake(
    "Your window moves one pixel at a time. Without a stride it moves by its own size, so that "
    "the windows tile the picture."
)
def always_stride_one(x, size, stride=None):
    return _pooled(x, size, 1)


@max_pool2d.mistake(
    "Stride 1 has become the default. `stride=None` means: move by the window's own size."
)
def default_stride_one(x, size, stride=None):
    return _pooled(x, size, stride or 1)


@max_pool2d.mistake("A stride that is given is not used: your window moves by its size.")
def pooling_stride_ignored(x, size, stride=None):
    return _pooled(x, size)


@max_pool2d.mistake(
    "You started from 0, so that windows of negative numbers give 0. Start from the window's own "
    "numbers, or from minus infinity."
)
def started_from_zero(x, size, stride=None):
    return _pooled(x, size, stride).clamp(min=0)


@max_pool2d.mistake(
    "You kept the part-filled windows at the edge. A window that does not fit is left out."
)
def kept_partial_windows(x, size, stride=None):
    step = size if stride is None else stride
    missing = [-(side - size) % step for side in x.shape[2:]]
    return _pooled(F.pad(x, (0, missing[1], 0, missing[0]), value=-torch.inf), size, stride)


@max_pool2d.mistake(
    "You took the largest over the channels as well. Each channel is pooled on its own."
)
def pooled_channels(x, size, stride=None):
    return _pooled(x, size, stride).amax(dim=1, keepdim=True)


@max_pool2d.mistake(
    "You took the largest over all channels of a window: each channel is pooled on its own. Name "
    "the axes: `amax(dim=(2, 3))`."
)
def largest_of_all_channels(x, size, stride=None):
    return _pooled(x, size, stride).amax(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)


@max_pool2d.mistake(
    "You took the largest over all pictures and channels of a window; each is pooled on its own. "
    "Name the axes: `amax(dim=(2, 3))`."
)
def largest_of_everything(x, size, stride=None):
    return _pooled(x, size, stride).amax(dim=(0, 1), keepdim=True).expand(*x.shape[:2], -1, -1)


@max_pool2d.mistake(
    "Your output has the right size, but the windows are read one pixel apart: the window of "
    "out[i, j] starts at row i·stride and column j·stride."
)
def pooling_one_apart(x, size, stride=None):
    rows, columns = _pooled(x, size, stride).shape[2:]
    return _pooled(x, size, 1)[..., :rows, :columns]


@max_pool2d.mistake(
    "Your window is as large as the stride. It is size × size; the stride only moves it."
)
def window_of_the_stride(x, size, stride=None):
    stride = size if stride is None else stride
    rows, columns = _pooled(x, size, stride).shape[2:]
    return _pooled(x, stride)[..., :rows, :columns]


@max_pool2d.mistake(
    "You took sizes without their sign. Keep the largest number as it is: of −3 and 1, it is 1."
)
def largest_size(x, size, stride=None):
    return _pooled(x.abs(), size, stride)


@max_pool2d.mistake("You kept the smallest number of the window.")
def min_pooling(x, size, stride=None):
    return -_pooled(-x, size, stride)


@max_pool2d.mistake("You kept the number furthest from 0. Keep the largest: −3 is below −1.")
def largest_magnitude(x, size, stride=None):
    high, low = _pooled(x, size, stride), -_pooled(-x, size, stride)
    return torch.where(high.abs() >= low.abs(), high, low)


@max_pool2d.mistake("You pooled along the rows only: a window is size × size.")
def pooled_one_axis(x, size, stride=None):
    return x.unfold(3, size, stride or size).amax(dim=4)


@max_pool2d.mistake("You kept the top left pixel of each window. Keep the largest.")
def top_left(x, size, stride=None):
    step = stride or size
    return x[..., : x.shape[2] - size + 1 : step, : x.shape[3] - size + 1 : step]


max_pool2d.hint("The same windows as in `conv2d`, without padding; another thing done in each.")
max_pool2d.hint("`window.amax(dim=(2, 3))` is the largest over the last two axes.")
max_pool2d.hint("`if stride is None: stride = size`", when="shape")
max_pool2d.hint("What did you compare the window's numbers with first?", when="value")

# --------------------------------------------------------- count_parameters_and_flops

count_parameters_and_flops = Exercise("count_parameters_and_flops", minutes=12, difficulty=2)


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

# --------------------------------------------------------------------- receptive_field

receptive_field = Exercise("receptive_field", minutes=12, difficulty=2)


def _traced(layers) -> int:
    """Trace one output back, layer by layer, to the stretch of inputs it can see."""
    first = last = 0
    for kernel, stride in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def _layers(draw: Draw, count: int) -> list[tuple[int, int]]:
    return [(draw.integers(2, 6), draw.integers(1, 4)) for _ in range(count)]


@receptive_field.property("of one layer is its kernel")
def _(answer, draw: Draw) -> None:
    kernel = draw.integers(1, 8)
    expect(answer([(kernel, 1)]), "the receptive field").equals(kernel)
    expect(answer([(kernel, 2)]), "the receptive field with stride 2").equals(kernel)


@receptive_field.property("of layers with stride 1 grows by kernel − 1", trials=4)
def _(answer, draw: Draw) -> None:
    layers = [(draw.integers(2, 6), 1) for _ in range(min(draw.size, 4) + 1)]
    expect(answer(layers), "the receptive field").equals(_traced(layers))


@receptive_field.property("grows faster after strides", trials=6)
def _(answer, draw: Draw) -> None:
    layers = [(draw.integers(2, 6), draw.integers(2, 4)), *_layers(draw, min(draw.size, 5))]
    expect(answer(layers), "the receptive field").equals(_traced(layers))


@receptive_field.property("of two 3 × 3 layers with a pooling between them is 8")
def _(answer, draw: Draw) -> None:
    expect(answer([(3, 1), (2, 2), (3, 1)]), "the receptive field").equals(8)


@receptive_field.property("of no layers is the pixel itself")
def _(answer, draw: Draw) -> None:
    expect(answer([]), "the receptive field").equals(1)


def _field(layers, grow=None, move=None, start=1):
    """The recursion with one bad habit: how the field grows, how the step between units does."""
    field, jump = start, 1
    for kernel, stride in layers:
        field += grow(kernel, stride, jump) if grow else (kernel - 1) * jump
        jump = move(jump, stride) if move else jump * stride
    return field


@receptive_field.mistake(
    "You added the kernel. The window already contains the unit it starts on, so it adds "
    "kernel − 1 neighbours."
)
def adds_whole_kernel(layers):
    return _field(layers, grow=lambda kernel, stride, jump: kernel * jump)


@receptive_field.mistake(
    "You ignored the strides of the earlier layers. After a stride of 2, neighbouring units lie 2 "
    "pixels apart, and a step to the next unit is a step of 2 pixels."
)
def ignores_strides(layers):
    return _field(layers, grow=lambda kernel, stride, jump: kernel - 1)


@receptive_field.mistake(
    "You applied a layer's stride to its own kernel. Its stride spreads out its *outputs*: it "
    "counts for the layers after it. Update the jump after the field."
)
def own_stride_too(layers):
    return _field(layers, grow=lambda kernel, stride, jump: (kernel - 1) * jump * stride)


@receptive_field.mistake(
    "You used the stride of the layer before only. Strides multiply: after 2 and 2 neighbours are "
    "4 pixels apart."
)
def last_stride_only(layers):
    return _field(layers, move=lambda jump, stride: stride)


@receptive_field.mistake("You added the strides. They multiply: 2 and 3 and 2 make 12.")
def strides_added(layers):
    return _field(layers, move=lambda jump, stride: jump + stride)


@receptive_field.mistake("You started from 0. Before any layer a unit sees one pixel: itself.")
def started_at_zero(layers):
    return _field(layers, start=0)


@receptive_field.mistake(
    "You went through the layers from the last to the first with the rule for first to last. The "
    "jump is the product of the strides *before* a layer, on the picture's side."
)
def backwards_through_layers(layers):
    return _field(layers[::-1])


@receptive_field.mistake("You multiplied the kernels. Each layer *adds* its neighbours.")
def kernels_multiplied(layers):
    return int(np.prod([kernel for kernel, _ in layers], dtype=int))


@receptive_field.mistake("You multiplied by each layer's own stride and left out the earlier ones.")
def own_stride_instead(layers):
    return _field(layers, grow=lambda kernel, stride, jump: (kernel - 1) * stride)


receptive_field.hint("Keep two numbers: the field so far, and how far apart neighbours are (jump).")
receptive_field.hint("A layer adds (kernel − 1) neighbours, each `jump` pixels further. Then?")
receptive_field.hint("Do [(3, 1), (2, 2), (3, 1)] by hand: 1, 3, 4, 8.", when="value")
receptive_field.hint("Is a unit's own pixel counted once, or twice, or not at all?", when="offset")

# ----------------------------------------------------------------------------- dropout

dropout = Exercise("dropout", minutes=10, difficulty=2, changes=("generator",))


def _kept(found, x: torch.Tensor) -> list[float]:
    """What the numbers of x were multiplied by: the same list however the lot falls."""
    found = torch.as_tensor(found)
    expect(tuple(found.shape), "the shape").equals(tuple(x.shape))
    return _values(found / x) if found.shape == x.shape else []


@dropout.property("zeroes some and scales up the rest while training", trials=4)
def _(answer, draw: Draw) -> None:
    p = draw.choice([0.25, 0.5, 0.75, 0.8])
    found = answer(torch.ones(60, 40), p, True, torch_generator(draw.seed()))
    expect(_values(found), f"the numbers that ones become at p = {p}").close_to(
        [0.0, round(1 / (1 - p), 3)], rtol=1e-3
    )


@dropout.property("keeps each number where it was, and its sign", trials=3)
def _(answer, draw: Draw) -> None:
    x = torch.where(normals(draw, 30, 20) > 0, 1.0, -1.0) * (1 + normals(draw, 30, 20).abs())
    factors = _kept(answer(x, 0.5, True, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by at p = 0.5").equals([0.0, 2.0])


@dropout.property("leaves everything alone in evaluation", trials=2)
def _(answer, draw: Draw) -> None:
    x = 1 + normals(draw, 20, 20).abs()
    factors = _kept(answer(x, 0.5, False, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by in evaluation").equals([1.0])


@dropout.property("leaves everything alone at p = 0", trials=2)
def _(answer, draw: Draw) -> None:
    x = 1 + normals(draw, 20, 20).abs()
    factors = _kept(answer(x, 0.0, True, torch_generator(draw.seed())), x)
    expect(factors, "what each number of x is multiplied by at p = 0").equals([1.0])


@dropout.property("decides for each number separately", trials=2)
def _(answer, draw: Draw) -> None:
    found = torch.as_tensor(answer(torch.ones(60, 60), 0.5, True, torch_generator(draw.seed())))
    if found.shape == (60, 60):
        zero = found == 0
        for one, lines in (("row", zero), ("column", zero.T)):
            patterns = len({tuple(line) for line in lines.tolist()})
            expect(patterns, f"how many patterns of zeros 60 {one}s have").equals(60)


@dropout.property("drops a share p, not a fixed number", trials=1)
def _(answer, draw: Draw) -> None:
    p, generator = 0.8, torch_generator(draw.seed())
    zeros = [float((torch.as_tensor(answer(torch.ones(20, 20), p, True, generator)) == 0).sum())
             for _ in range(12)]  # fmt: skip
    share = sum(zeros) / 4800
    expect(abs(share - p) < 0.05, "the share dropped").is_true(
        otherwise=f"the share of zeros is {share:.2f}; about p = {p} should be dropped"
    )
    expect(len(set(zeros)) > 1, "the number of zeros varies").is_true(
        otherwise=f"twelve calls each dropped {zeros[0]:.0f} of 400 numbers: each number has its "
        "own chance p, so that how many fall varies"
    )


@dropout.property("draws from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    x, seed = torch.ones(20, 50), draw.seed()
    one, two = (torch.as_tensor(answer(x, 0.5, True, torch_generator(seed))) for _ in range(2))
    other = torch.as_tensor(answer(x, 0.5, True, torch_generator(seed + 1)))
    expect(torch.equal(one, two), "the same seed, the same result").is_true(
        otherwise="two generators with the same seed gave two results: the chance comes from "
        "elsewhere"
    )
    expect(not torch.equal(one, other), "another seed, another result").is_true(
        otherwise="generators with different seeds gave the same result: the one given is not used"
    )
    generator = torch_generator(seed)
    calls = [torch.as_tensor(answer(x, 0.5, True, generator)) for _ in range(2)]
    expect(not torch.equal(*calls), "the next call, another result").is_true(
        otherwise="two calls with the same generator dropped the same numbers"
    )


def _dropped(x, p, training, generator, keep=None, scale=None, shape=None):
    if not training:
        return x
    noise = torch.rand(shape or x.shape, generator=generator)
    mask = noise < (1 - p if keep is None else keep)
    return x * mask * (1 / (1 - p) if scale is None else scale)


@dropout.mistake(
    "You drop in evaluation too. When the network is used, nothing is dropped: look at `training`."
)
def drops_in_evaluation(x, p, training, generator):
    return _dropped(x, p, True, generator)


@dropout.mistake(
    "You did not scale up what is kept. With a share p gone, the sums of the next layer would be "
    "1 − p of what they are in evaluation: divide by 1 − p."
)
def not_scaled_up(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1.0)


@dropout.mistake("You divided by p. The share that is *kept* is 1 − p: divide by that.")
def divided_by_p(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1 / p if p else 1.0)


@dropout.mistake("You keep a share p and drop the rest. p is the share that is dropped.")
def keeps_p(x, p, training, generator):
    return _dropped(x, p, training, generator, keep=p)


@dropout.mistake("You multiplied by 1 − p. Less is left, so what is kept must grow: divide.")
def scaled_down(x, p, training, generator):
    return _dropped(x, p, training, generator, scale=1 - p)


@dropout.mistake(
    "You scale in evaluation, as the first paper on dropout did. This page scales while training, "
    "so that evaluation costs nothing."
)
def scaled_in_evaluation(x, p, training, generator):
    return _dropped(x, p, True, generator, scale=1.0) if training else x * (1 - p)


@dropout.mistake("You drop whole rows. Each number has its own chance of being dropped.")
def drops_rows(x, p, training, generator):
    return _dropped(x, p, training, generator, shape=(x.shape[0], 1))


@dropout.mistake("You drop the same columns in every example. Draw a number for each entry of x.")
def drops_columns(x, p, training, generator):
    return _dropped(x, p, training, generator, shape=(1, x.shape[1]))


@dropout.mistake(
    "The generator is not used: the result cannot be repeated. `torch.rand(…, generator=generator)`"
)
def dropout_without_generator(x, p, training, generator):
    return _dropped(x, p, training, None)


@dropout.mistake(
    "You make a generator of your own with a fixed seed, so that every call drops the same places. "
    "Pass on the one that was given: `generator=generator`."
)
def seeded_inside(x, p, training, generator):
    return _dropped(x, p, training, torch_generator(0))


@dropout.mistake(
    "You drop a fixed number of entries. Each number has its own chance p: compare one random "
    "number for each with p."
)
def drops_a_fixed_number(x, p, training, generator):
    if not training:
        return x
    places = torch.randperm(x.numel(), generator=generator)
    mask = (places >= round(p * x.numel())).reshape(x.shape)
    return x * mask / (1 - p)


@dropout.mistake("You drop while evaluating and not while training: the condition is turned round.")
def modes_swapped(x, p, training, generator):
    return _dropped(x, p, not training, generator)


dropout.equivalent(
    "`kept = torch.rand(x.shape, generator=generator) >= p` → "
    "`kept = torch.rand(x.shape, generator=generator) > p`",
    because="a random number that equals p exactly is one in sixteen million",
)
dropout.hint("`torch.rand(x.shape, generator=generator)` is below p in a share p of its places.")
dropout.hint("If a share 1 − p is left, by what must it be multiplied to keep the same mean?")
dropout.hint("What should the mean of the result be, compared with the mean of x?", when="factor")
dropout.hint(
    "Return x itself when `training` is false.", when="leaves everything alone in evaluation"
)
dropout.hint("`x * mask` makes a new tensor; `x[mask] = 0` writes into x.", when="changes input")

# ----------------------------------------------------------------------------- augment

augment = Exercise("augment", minutes=20, difficulty=3, changes=("generator",))


def _moved(picture: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """A picture (c, h, w) moved, zeros coming in: by cutting out of a wide margin of zeros."""
    _, height, width = picture.shape
    margin = max(height, width)
    wide = F.pad(picture, (margin,) * 4)
    top, left = margin - down, margin - right
    return wide[:, top : top + height, left : left + width]


def _augmented(answer, pictures: torch.Tensor, limit: int, seed: int) -> torch.Tensor:
    return torch.as_tensor(answer(pictures, limit, torch_generator(seed)))


def _numbered(n: int, channels: int = 1, height: int = 4, width: int = 5) -> torch.Tensor:
    """Pictures all alike, without a zero, no two pixels the same."""
    pixels = torch.arange(1.0, channels * height * width + 1).reshape(channels, height, width)
    return pixels.repeat(n, 1, 1, 1)


def _wandered(answer, seed: int, n: int, limit: int = 1) -> list[tuple[int, int]]:
    """Where n pictures went, (down, right) each: a bright pixel in the middle tells."""
    pictures = torch.zeros(n, 1, 7, 7)
    pictures[:, 0, 3, 3] = 1.0
    found = _augmented(answer, pictures, limit, seed)
    if found.shape != pictures.shape:
        return []
    where = found[:, 0].flatten(1).argmax(dim=1).tolist()
    return [(place // 7 - 3, place % 7 - 3) for place in where]


@augment.property("moves each picture as a whole, zeros coming in", trials=3)
def _(answer, draw: Draw) -> None:
    pictures, limit = _numbered(20, 2), draw.integers(1, 3)
    found = _augmented(answer, pictures, limit, draw.seed())
    expect(tuple(found.shape), "the shape").equals(tuple(pictures.shape))
    if found.shape == pictures.shape:
        reach = range(-limit, limit + 1)
        copies = [_moved(pictures[0], down, right) for down in reach for right in reach]
        is_copy = (found[:, None] == torch.stack(copies)).flatten(2).all(dim=2).any(dim=1)
        # A truth value, not a count: which pictures are spoilt depends on how shifts are drawn.
        expect(bool(is_copy.all()), "each picture is a shifted copy").is_true(
            otherwise="some picture is not itself, moved by at most the limit, with zeros coming in"
        )


@augment.property("gives each picture a shift of its own", trials=1)
def _(answer, draw: Draw) -> None:
    shifts = _wandered(answer, draw.seed(), 150)
    expect(len(set(shifts)), "how many of the 9 shifts 150 pictures made at limit 1").equals(9)
    seen = sorted({step for shift in shifts for step in shift})
    expect(seen, "the steps seen").equals([-1, 0, 1])


@augment.property("uses every shift from −limit to limit, both ways independently", trials=1)
def _(answer, draw: Draw) -> None:
    for limit, n, most in ((1, 500, 92), (2, 1000, 72)):  # five deviations above n / 9, n / 25
        shifts, steps = _wandered(answer, draw.seed(), n, limit), list(range(-limit, limit + 1))
        if len(set(shifts)) > 1:
            down, right = (sorted(set(axis)) for axis in zip(*shifts, strict=True))
            expect(down, f"the shifts downwards seen at limit {limit}").equals(steps)
            expect(right, f"the shifts to the right seen at limit {limit}").equals(steps)
            count, favourite = max((shifts.count(shift), shift) for shift in set(shifts))
            expect(count < most, "no shift is favoured").is_true(
                otherwise=f"at limit {limit}, {favourite[0]} down and {favourite[1]} to the right "
                f"came {count} times in {n}, about {n // len(steps) ** 2} would be its share: "
                "all whole numbers are equally likely, which rounding spoils; `torch.randint` "
                "draws them"
            )


@augment.property("fills what comes in with zeros", trials=1)
def _(answer, draw: Draw) -> None:
    found = _augmented(answer, torch.ones(60, 1, 5, 5), 1, draw.seed())
    sums = _values(found.double().flatten(1).sum(dim=1)) if found.ndim == 4 else []
    expect(sums, "the ink left of 25 pixels, moved by at most 1").equals([16.0, 20.0, 25.0])
    corner = torch.zeros(60, 1, 5, 5)
    corner[:, 0, 0, 0] = 1.0
    found = _augmented(answer, corner, 1, draw.seed())
    sums = _values(found.double().flatten(1).sum(dim=1)) if found.ndim == 4 else []
    expect(sums, "the ink left of one pixel in a corner").equals([0.0, 1.0])


@augment.property("leaves pictures where they are when the limit is 0", trials=1)
def _(answer, draw: Draw) -> None:
    pictures = normals(draw, 2, 1, 4, 3)
    expect(answer(pictures, 0, torch_generator(1)), "the pictures").close_to(pictures)


@augment.property("draws from the generator it was given", trials=1)
def _(answer, draw: Draw) -> None:
    pictures, seed, generator = _numbered(40), draw.seed(), torch_generator(draw.seed())
    one, two = (_augmented(answer, pictures, 2, seed) for _ in range(2))
    calls = [torch.as_tensor(answer(pictures, 2, generator)) for _ in range(2)]
    expect(torch.equal(one, two), "the same seed, the same shifts").is_true(
        otherwise="two generators with the same seed gave different shifts: the chance comes from "
        "elsewhere"
    )
    expect(not torch.equal(*calls), "the next call, other shifts").is_true(
        otherwise="two calls with the same generator gave the same shifts: draw from the generator "
        "as it comes, without seeding it"
    )


def _shifted(images, limit, generator, **habits):
    """Random shifts with one bad habit, named by keyword."""
    n, low, high = len(images), -limit, limit + 1
    low = 0 if habits.get("one_way") else low
    high = limit if habits.get("open_end") and limit else high
    draws = 1 if habits.get("whole_batch") else n
    source = None if habits.get("own_randomness") else generator
    moves = torch.randint(low, high, (draws, 2), generator=source).expand(n, 2)
    moves = moves[:, [1, 1]] if habits.get("diagonal") else moves
    moves = moves * torch.tensor([0, 1]) if habits.get("sideways") else moves
    return _cut_out(images, moves * habits.get("times", 1), habits.get("fill", "constant"))


def _cut_out(images, moves, fill="constant"):
    """Pictures moved by (down, right) each; `fill` says what comes in, in the words of F.pad."""
    margin = int(moves.abs().max())
    height, width = images.shape[2:]
    windows = F.pad(images, (margin,) * 4, mode=fill).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(len(images)), :, margin - moves[:, 0], margin - moves[:, 1]]


@augment.mistake(
    "Your pictures wrap round: what leaves on one side comes back on the other, as `torch.roll` "
    "does it. What comes in is paper: 0."
)
def wraps_round(images, limit, generator):
    return _shifted(images, limit, generator, fill="circular")


@augment.mistake(
    "The whole batch moves together. Draw one pair of shifts for *each* picture: n × 2 numbers."
)
def same_for_the_batch(images, limit, generator):
    return _shifted(images, limit, generator, whole_batch=True)


@augment.mistake(
    "Your shifts go one way only. They run from −limit to +limit; a negative one moves up, or left."
)
def one_way_only(images, limit, generator):
    return _shifted(images, limit, generator, one_way=True)


@augment.mistake(
    "The largest shift never comes: `torch.randint(low, high)` leaves out `high`. Use limit + 1."
)
def largest_left_out(images, limit, generator):
    return _shifted(images, limit, generator, open_end=True)


@augment.mistake(
    "Down and right always agree, so that pictures move along the diagonal. Draw the two shifts "
    "separately."
)
def along_the_diagonal(images, limit, generator):
    return _shifted(images, limit, generator, diagonal=True)


@augment.mistake("Your pictures move sideways only. Shift the rows as well.")
def sideways_only(images, limit, generator):
    return _shifted(images, limit, generator, sideways=True)


@augment.mistake("You filled in with copies of the edge. What comes in is paper: 0.")
def smeared_edges(images, limit, generator):
    return _shifted(images, limit, generator, fill="replicate")


@augment.mistake(
    "The generator is not used, so that a run cannot be repeated: `torch.randint(…, "
    "generator=generator)`."
)
def augment_without_generator(images, limit, generator):
    return _shifted(images, limit, generator, own_randomness=True)


@augment.mistake(
    "The shifts are either 0 or as far as they may go. All whole numbers between belong to them: "
    "`torch.randint(-limit, limit + 1, …)`."
)
def all_or_nothing(images, limit, generator):
    return _shifted(images, min(limit, 1), generator, times=limit)


@augment.mistake(
    "A picture's channels move apart. They show one thing: move them all by the same two numbers."
)
def channels_apart(images, limit, generator):
    n, channels, *size = images.shape
    return _shifted(images.reshape(-1, 1, *size), limit, generator).reshape(n, channels, *size)


@augment.mistake(
    "No picture stays where it is along an axis: a shift of 0 belongs to them as well."
)
def never_zero(images, limit, generator):
    if limit == 0:
        return images.clone()
    sides = 2 * torch.randint(0, 2, (len(images), 2), generator=generator) - 1
    far = torch.randint(1, limit + 1, (len(images), 2), generator=generator)
    return _cut_out(images, sides * far)


@augment.mistake(
    "You returned the padded pictures. Cut a window of the old size out of each, where its shift "
    "says."
)
def not_cut_out(images, limit, generator):
    return F.pad(images, (limit,) * 4)


@augment.mistake("Nothing moves: the pictures come back where they were.")
def never_moved(images, limit, generator):
    return images.clone()


augment.equivalent(
    "`corner = torch.randint(0, 2 * limit + 1, (n, 2), generator=generator)` → "
    "`corner = torch.randint(0, 2 * limit + 1, (n, 3), generator=generator)`",
    because="a third random number for each picture is drawn and never read",
)
augment.hint("Lay a margin of `limit` zeros round all pictures, then cut a window out of each.")
augment.hint(
    "`torch.randint(0, 2 * limit + 1, (n, 2), generator=generator)` gives each picture the top "
    "left corner of its window."
)
augment.hint("A loop over the pictures and `torch.stack` will do.")
augment.hint("Is the size of the window that of the picture?", when="shape")
augment.hint(
    "`randint` leaves out its upper end. Are both −limit and limit drawn?",
    when="uses every shift from −limit to limit, both ways independently",
)
augment.hint(
    "`torch.roll` brings back what has left. Pad instead.", when="fills what comes in with zeros"
)

# ----------------------------------------------------------------------------- ConvNet

ConvNet = Exercise("ConvNet", minutes=25, difficulty=3)

SHAPES = {
    "conv1.weight": (16, 1, 5, 5),
    "conv1.bias": (16,),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "conv3.weight": (64, 32, 3, 3),
    "conv3.bias": (64,),
    "linear.weight": (10, 576),
    "linear.bias": (10,),
}


def _weights(seed: int) -> dict[str, torch.Tensor]:
    """Weights of a size that keeps about half of every ReLU open."""
    generator = torch_generator(seed)
    return {
        name: torch.randn(shape, generator=generator)
        * (0.3 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5)
        for name, shape in SHAPES.items()
    }


def _give(model, weights: dict[str, torch.Tensor]) -> bool:
    """Copy the weights into the model; False where its parameters are others."""
    own = dict(model.named_parameters())
    if {name: tuple(p.shape) for name, p in own.items()} != SHAPES:
        return False
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)
    return True


def _logits(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    """The network of the page, in one breath."""
    x = F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], 2, 2))
    x = F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"], 2, 1))
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv3.weight"], w["conv3.bias"], 1, 1)), 2)
    return x.flatten(1) @ w["linear.weight"].T + w["linear.bias"]


def _pairs(gap: int = 1) -> dict[str, torch.Tensor]:
    """Weights for which logit j is features 9·j and 9·j + gap, each of them 1.

    A channel has 9 features: a gap of 1 stays inside it, one of 9 reaches the next. The 1 comes
    from the first bias, averaged over channels twice: what is dropped on the way shows.
    """
    weights = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    weights["conv1.bias"] += 1.0
    weights["conv2.weight"][:, :, 1, 1] = 1 / 16
    weights["conv3.weight"][:, :, 1, 1] = 1 / 32
    for digit in range(10):
        weights["linear.weight"][digit, [9 * digit, 9 * digit + gap]] = 1.0
    return weights


@ConvNet.property("has the parameters of the specification", trials=1)
def _(answer, draw: Draw) -> None:
    own = {name: tuple(p.shape) for name, p in answer().named_parameters()}
    missing = [name for name in SHAPES if name not in own]
    expect(not missing, "the parameters have the names of the table").is_true(
        otherwise=f"no parameter is called {', '.join(missing[:1])}; the model's own are: "
        f"{', '.join(own) or 'none'}"
    )
    for name, shape in SHAPES.items():
        expect(own.get(name, ()), f"the shape of {name}").equals(shape)
    sizes = [int(np.prod(shape)) for shape in own.values()]
    expect(sum(sizes), "how many parameters there are").equals(29_322)


@ConvNet.property("turns n pictures into n rows of 10 logits", trials=2)
def _(answer, draw: Draw) -> None:
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(draw.seed()))
    logits = answer().eval()(x)
    expect(tuple(logits.shape), "the shape of the logits").equals((draw.size, 10))


@ConvNet.property("computes the network of the specification", trials=3)
def _(answer, draw: Draw) -> None:
    weights = _weights(draw.seed())
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(draw.seed()))
    logits = _logits(x, weights)
    for p, mode, words in ((0.5, False, "in evaluation"), (0.0, True, "in training, dropout 0")):
        model = answer(p).train(mode)
        if _give(model, weights):
            expect(model(x), f"the logits {words}").close_to(logits, rtol=1e-3, atol=1e-4)


@ConvNet.property("drops features while training, and only then", trials=1)
def _(answer, draw: Draw) -> None:
    empty = torch.zeros(24, 1, 28, 28)
    for p, mode, gap, expected in (
        (0.5, True, 1, [0.0, 2.0, 4.0]),
        (0.5, True, 9, [0.0, 2.0, 4.0]),
        (0.5, False, 1, [2.0]),
        (0.0, True, 1, [2.0]),
        (0.75, True, 1, [0.0, 4.0, 8.0]),
    ):
        model = answer(p).train(mode)
        if _give(model, _pairs(gap)):
            where = "training" if mode else "evaluation"
            seen = _values(model(empty))
            expect(seen, f"sums of two features of 1, in {where} at dropout {p}").equals(expected)
    model = answer(0.5).train()
    if _give(model, _pairs()):
        share = float((model(empty.repeat(8, 1, 1, 1)) == 0).double().mean())
        expect(share < 0.32, "features drop one by one").is_true(
            otherwise=f"at dropout 0.5 two features are both gone in {share:.0%} of the cases; "
            "a quarter would be right"
        )
        expect(share > 0.18, "features drop as often as they should").is_true(
            otherwise=f"at dropout 0.5 two features are both gone in {share:.0%} of the cases; "
            "a quarter would be right. Is dropout between the flattening and the linear layer?"
        )


@ConvNet.property("has no dropout unless it is asked for", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer().train()
    if _give(model, _pairs()):
        seen = _values(model(torch.zeros(24, 1, 28, 28)))
        expect(seen, "sums of two features of 1, in training").equals([2.0])


@ConvNet.property("learns: every parameter gets a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer()
    if _give(model, _weights(draw.seed())):
        x = torch.rand(8, 1, 28, 28, generator=torch_generator(draw.seed()))
        F.cross_entropy(model(x), torch.arange(8)).backward()
        reached = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
        expect(sum(reached), "how many of the 8 tensors of parameters have a gradient").equals(8)


class _Net(nn.Module):
    """The network with one bad habit, a class attribute: what the mistakes below share."""

    padding = (2, 1, 1)
    last_relu = True
    relu: Any = staticmethod(F.relu)
    pool: Any = staticmethod(lambda x: F.max_pool2d(x, 2))
    flat_from = 1
    drops = "features"
    default = 0.0

    def __init__(self, dropout=None):
        super().__init__()
        self.p = self.default if dropout is None else dropout
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2, padding=self.padding[0])
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=self.padding[1])
        self.conv3 = nn.Conv2d(32, 64, 3, padding=self.padding[2])
        side = self.pool(torch.zeros(1, 1, 7, 7)[..., : 5 + 2 * self.padding[2]]).shape[3]
        self.linear = nn.Linear(64 * side * side, 10)

    def dropped(self, x):
        return F.dropout(x, self.p, self.training)

    def forward(self, x):
        x = self.relu(self.conv2(self.relu(self.conv1(x))))
        x = self.conv3(x)
        if self.drops == "pixels":
            return self.linear(self.pool(self.dropped(F.relu(x))).flatten(1))
        x = self.pool(F.relu(x) if self.last_relu else x).flatten(self.flat_from)
        if self.drops == "logits":
            return self.dropped(self.linear(x))
        return self.linear(self.dropped(x))


@ConvNet.mistake(
    "There is no ReLU between your convolutions. Without one, three convolutions in a row are no "
    "more than a single larger one."
)
class WithoutRelu(_Net):
    relu = staticmethod(lambda x: x)
    last_relu = False


@ConvNet.mistake("The third convolution has no ReLU after it.")
class WithoutLastRelu(_Net):
    last_relu = False


@ConvNet.mistake(
    "You drop in evaluation too. `F.dropout(x, p)` drops always unless it is told "
    "`training=self.training`; an `nn.Dropout` in `__init__` knows by itself."
)
class DropsAlways(_Net):
    def dropped(self, x):
        return F.dropout(x, self.p)


@ConvNet.mistake("Nothing is dropped. Apply dropout to the flattened features.")
class NeverDrops(_Net):
    def dropped(self, x):
        return x


@ConvNet.mistake(
    "You drop logits: a digit whose logit becomes 0 by lot teaches nothing. Drop features, before "
    "the linear layer."
)
class DropsLogits(_Net):
    drops = "logits"


@ConvNet.mistake(
    "You drop before the pooling. The largest of four hides what fell, so that hardly a feature is "
    "lost and all are scaled up. Drop the 576 features after it."
)
class DropsBeforePooling(_Net):
    drops = "pixels"


@ConvNet.mistake(
    "Your second convolution has no padding: it should be 1, so that 14 becomes 7. Without, 6 × 6 "
    "come out, and the pooling hides it."
)
class UnpaddedSecond(_Net):
    padding = (2, 0, 1)


@ConvNet.mistake(
    "Your third convolution has no padding: it should be 1, so that 7 stays 7 and the pooling "
    "makes 3 of it, not 2."
)
class UnpaddedThird(_Net):
    padding = (2, 1, 0)


@ConvNet.mistake(
    "`super().__init__()` is missing: it has to come first in `__init__`, before a layer is "
    "assigned to `self`."
)
class WithoutSuper(nn.Module):
    def __init__(self, dropout=0.0):
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2, padding=2)

    def forward(self, x):
        return x


@ConvNet.mistake("You drop whole channels (`Dropout2d`). The page drops single features.")
class DropsChannels(_Net):
    def dropped(self, x):
        return F.dropout2d(x.unflatten(1, (64, 3, 3)), self.p, self.training).flatten(1)


@ConvNet.mistake("Your dropout does not use the number it was given; it is always 0.5.")
class FixedDropout(_Net):
    def dropped(self, x):
        return F.dropout(x, 0.5, self.training)


@ConvNet.mistake("Without an argument there is no dropout: `def __init__(self, dropout=0.0)`.")
class DropoutByDefault(_Net):
    default = 0.5


@ConvNet.mistake(
    "You returned probabilities. Return the logits: `F.cross_entropy` contains the softmax, and a "
    "second one flattens the gradients."
)
class EndsInSoftmax(_Net):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@ConvNet.mistake("You put a ReLU on the logits. Logits may be negative.")
class ReluOnLogits(_Net):
    def forward(self, x):
        return super().forward(x).relu()


@ConvNet.mistake("You averaged in the pooling. The page takes the largest.")
class AveragePooling(_Net):
    pool = staticmethod(lambda x: F.avg_pool2d(x, 2))


@ConvNet.mistake(
    "The pooling is missing: 64 × 7 × 7 features reach the linear layer, where 64 × 3 × 3 should."
)
class WithoutPooling(_Net):
    pool = staticmethod(lambda x: x)


@ConvNet.mistake("Your first convolution has no padding: it should be 2, so that 28 becomes 14.")
class UnpaddedFirst(_Net):
    padding = (0, 1, 1)

    def forward(self, x):
        return super().forward(F.pad(x, (0, 4, 0, 4)))


@ConvNet.mistake(
    "Your layers do not register, so that no optimiser would find them: an `nn.Module` knows what "
    "is assigned to `self.…` directly, not what is inside a list or a dict."
)
class InAList(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.layers = [_Net(dropout)]

    def forward(self, x):
        return self.layers[0](x)


@ConvNet.mistake(
    "You flattened the whole batch into one row. The first axis counts pictures and stays: "
    "`x.flatten(1)`."
)
class FlattensBatch(_Net):
    flat_from = 0


ConvNet.hint("`__init__` makes four layers with the names of the table; `forward` uses them.")
ConvNet.hint("Print the shape after each step: 28, 14, 7, 7, 3, then 576 numbers, then 10.")
ConvNet.hint("`nn.Conv2d(in, out, kernel, stride=…, padding=…)`, then `F.relu`.")
ConvNet.hint("Which layer has the wrong shape, and which number of the table is it?", when="shape")
ConvNet.hint(
    "Go through the table once more: is there a ReLU after each of the three?", when="value"
)
ConvNet.hint(
    "`nn.Dropout(p)` obeys `model.eval()`.", when="drops features while training, and only then"
)
