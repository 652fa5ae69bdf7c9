"""How `max_pool2d` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import uses

max_pool2d = Exercise("max_pool2d", minutes=12, difficulty=2, returns=Tensor)


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
    lent = uses("max_pool", answer, normals(draw, 1, 1, 2, 2), 2)
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
    "You let a window begin at every step, down to the far edge, where the last ones are cut off. "
    "A window that does not fit is left out: the last start is height − size."
)
def every_start(x, size, stride=None):
    step = size if stride is None else stride
    rows, columns = x.shape[2:]
    return torch.stack([torch.stack([
        x[:, :, i : i + size, j : j + size].amax(dim=(2, 3)) for j in range(0, columns, step)
    ], dim=2) for i in range(0, rows, step)], dim=2)  # fmt: skip


@max_pool2d.mistake(
    "Your `reshape` needs a height and a width that the size divides. Where it does not, cut off "
    "the rows and columns that fill no window first."
)
def reshaped_without_cutting(x, size, stride=None):
    if stride is not None and stride != size:
        return _pooled(x, size, stride)
    n, c, h, w = x.shape
    return x.reshape(n, c, h // size, size, w // size, size).amax(dim=(3, 5))


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
