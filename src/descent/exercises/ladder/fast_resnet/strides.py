"""How `strides` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

strides = Exercise("strides", minutes=8, difficulty=1, returns=tuple[int, int, int, int])


def _walked(shape: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    """Number the elements in the order of memory, and look at the distance to each neighbour."""
    n, c, h, w = shape
    if channels_last:
        places = np.arange(n * c * h * w).reshape(n, h, w, c).transpose(0, 3, 1, 2)
    else:
        places = np.arange(n * c * h * w).reshape(n, c, h, w)
    steps = []
    for axis in range(4):
        step = [0, 0, 0, 0]
        step[axis] = 1
        steps.append(int(places[tuple(step)] - places[0, 0, 0, 0]))
    return tuple(steps)


def _shape(draw: Draw) -> tuple[int, int, int, int]:
    """Four different sizes in any order, so that no two can be taken for each other."""
    n, c, h, w = draw.rng.permutation(np.arange(2, 8))[:4].tolist()
    return n, c, h, w


@strides.property("is how far apart neighbours lie, channel after channel", trials=5)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    expect(answer(shape), "the strides").close_to(_walked(shape, False))


@strides.property("is how far apart neighbours lie with the channels last", trials=5)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    expect(answer(shape, channels_last=True), "the strides").close_to(_walked(shape, True))


@strides.property("is what torch has", trials=2)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    x = torch.empty(shape, device="meta")
    last = x.to(memory_format=torch.channels_last)
    expect(answer(shape, False), "the strides").close_to(x.stride())
    expect(answer(shape, True), "the strides, channels last").close_to(last.stride())


@strides.property("keeps to the formula where an axis has size 1", trials=2)
def _(answer, draw: Draw) -> None:
    for axis in range(4):
        shape = list(_shape(draw))
        shape[axis] = 1
        _, c, h, w = shape
        first, last = answer(tuple(shape), False), answer(tuple(shape), True)
        expect(first, "the strides").close_to((c * h * w, h * w, w, 1))
        expect(last, "the strides, channels last").close_to((c * h * w, 1, w * c, c))


@strides.property("is a tuple", trials=1)
def _(answer, draw: Draw) -> None:
    for last in (False, True):
        expect(answer(_shape(draw), last), "the strides").is_a(tuple)


@strides.right
def right_strides(shape, channels_last=False):
    n, c, h, w = shape
    if channels_last:
        return (h * w * c, 1, w * c, c)
    return (c * h * w, h * w, w, 1)


_FIRST, _LAST = "return (c * h * w, h * w, w, 1)", "return (h * w * c, 1, w * c, c)"


strides.slip("never_last", "You ignore `channels_last`.", {"if channels_last": "if False"})
strides.slip(
    "always_last",
    "Your strides are those of the channels-last layout whatever is asked for.",
    {"if channels_last": "if True"},
)
strides.slip(
    "order_of_memory",
    "With channels last you listed the strides in the order of memory, n, h, w, c. The axes keep "
    "their names and places, n, c, h, w; only the memory is ordered otherwise.",
    {_LAST: "return (h * w * c, w * c, c, 1)"},
)
strides.slip(
    "in_bytes",
    "You counted bytes. A stride counts elements.",
    {
        _FIRST: "return (4 * c * h * w, 4 * h * w, 4 * w, 4)",
        _LAST: "return (4 * h * w * c, 4, 4 * w * c, 4 * c)",
    },
)
strides.slip(
    "first_axis_adjacent",
    "Your last axis has the largest stride. Without channels last the *last* axis is the one whose "
    "neighbours are adjacent: stride 1 belongs to w.",
    {_FIRST: "return (1, n, n * c, n * c * h)"},
)
strides.slip(
    "columns_first",
    "With channels last, height and width have changed places: within a picture the memory goes "
    "row by row, so one step down is a whole row, w · c.",
    {_LAST: "return (h * w * c, 1, c, h * c)"},
)
strides.slip(
    "rows_as_long_as_high",
    "You take a row to be h pixels long. A row has one pixel for each column: it is w pixels long.",
    {_FIRST: "return (c * h * w, h * w, h, 1)", _LAST: "return (h * w * c, 1, h * c, c)"},
)
strides.slip(
    "pixels_adjacent",
    "With channels last, you take the next pixel to be 1 further, and a row to be w long. Between "
    "a pixel and the next stand its c channels.",
    {_LAST: "return (h * w * c, 1, w, 1)"},
)
strides.slip(
    "channels_left_out",
    "With channels last, your row is w long. Each of its pixels has c channels side by side, so "
    "the next row is w · c further.",
    {_LAST: "return (h * w * c, 1, w, c)"},
)
strides.slip(
    "size_of_the_batch",
    "Your stride of the axis n is the size of the whole batch. The next picture is one picture "
    "further: n plays no part.",
    {
        _FIRST: "return (n * c * h * w, h * w, w, 1)",
        _LAST: "return (n * h * w * c, 1, w * c, c)",
    },
)
strides.slip(
    "sizes_of_axes",
    "You returned the sizes of the axes, not the distances between neighbours.",
    {_FIRST: "return tuple(shape)", _LAST: "return (n, h, w, c)"},
)


@strides.mistake(
    "Where an axis has size 1 your strides are not the formula's. (Torch, where it is asked, may "
    "answer anything there: nobody steps along such an axis.) Multiply the sizes yourself."
)
def torch_asked(shape, channels_last=False):
    x = torch.empty(shape)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    return x.stride()


strides.hint("Write the elements of a tensor of shape (1, 2, 2, 2) in a row, in the order of "
             "memory, and count how far apart neighbours are.")  # fmt: skip
strides.hint("The innermost axis has stride 1; each axis further out steps over everything "
             "inside it.")  # fmt: skip
strides.hint("Channels last, from the inside: c, then w, then h, then n.")
strides.hint("The result is always in the order n, c, h, w.", when="value")
