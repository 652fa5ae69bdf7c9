"""How `strides` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

strides = Exercise("strides", minutes=8, difficulty=1)


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
    return tuple(draw.integers(2, 7, 4).tolist())


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


@strides.property("keeps to the formula where an axis has size 1, and returns a tuple", trials=2)
def _(answer, draw: Draw) -> None:
    c, h, w = draw.integers(2, 7, 3).tolist()
    first, last = answer((1, c, h, w), False), answer((1, c, h, w), True)
    expect(first, "the strides").close_to((c * h * w, h * w, w, 1))
    expect(last, "the strides, channels last").close_to((c * h * w, 1, w * c, c))
    expect(isinstance(first, tuple) and isinstance(last, tuple), "tuples").is_true(
        "Return a tuple of four whole numbers."
    )


@strides.mistake("You ignore `channels_last`.")
def never_last(shape, channels_last=False):
    return _walked(shape, False)


@strides.mistake("Your strides are those of the channels-last layout whatever is asked for.")
def always_last(shape, channels_last=False):
    return _walked(shape, True)


@strides.mistake(
    "With channels last you listed the strides in the order of memory, n, h, w, c. The axes keep "
    "their names and places, n, c, h, w; only the memory is ordered otherwise."
)
def order_of_memory(shape, channels_last=False):
    n, c, h, w = shape
    return (h * w * c, w * c, c, 1) if channels_last else _walked(shape, False)


@strides.mistake("You counted bytes. A stride counts elements.")
def in_bytes(shape, channels_last=False):
    return tuple(4 * step for step in _walked(shape, channels_last))


@strides.mistake(
    "Your last axis has the largest stride. Without channels last the *last* axis is the one whose "
    "neighbours are adjacent: stride 1 belongs to w."
)
def first_axis_adjacent(shape, channels_last=False):
    n, c, h, w = shape
    return _walked(shape, True) if channels_last else (1, n, n * c, n * c * h)


@strides.mistake(
    "With channels last, height and width have changed places: within a picture the memory goes "
    "row by row, so one step down is a whole row, w · c."
)
def columns_first(shape, channels_last=False):
    n, c, h, w = shape
    return (h * w * c, 1, c, h * c) if channels_last else _walked(shape, False)


@strides.mistake("You returned the sizes of the axes, not the distances between neighbours.")
def sizes_of_axes(shape, channels_last=False):
    n, c, h, w = shape
    return (n, h, w, c) if channels_last else tuple(shape)


strides.hint("Write the elements of a tensor of shape (1, 2, 2, 2) in a row, in the order of "
             "memory, and count how far apart neighbours are.")  # fmt: skip


strides.hint("The innermost axis has stride 1; each axis further out steps over everything "
             "inside it.")  # fmt: skip


strides.hint("Channels last, from the inside: c, then w, then h, then n.")


strides.hint("The result is always in the order n, c, h, w.", when="value")
