"""How `conv2d` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import slid, uses

conv2d = Exercise("conv2d", minutes=25, difficulty=2, returns=Tensor)


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
    lent = uses("conv", answer, *_layer(draw, 1, 1, 3, 3, 1, kernel=(2, 2)))
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
    return slid(x, weight, bias, steps)


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
