"""How `shift` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from descent.grading import Draw, Exercise, expect

from .shared import Places, shifted

shift = Exercise("shift", minutes=15, difficulty=2, returns=Tensor)


class _Counting(TorchDispatchMode):
    """Counts the operations that torch carries out."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        return function(*args, **(kwargs or {}))


def _pictures(draw: Draw, n: int, channels: int, height: int, width: int) -> Tensor:
    """Bytes without a 0, so that a pixel that came from outside is seen."""
    return torch.tensor(draw.integers(1, 256, n, channels, height, width), dtype=torch.uint8)


@shift.property("moves each picture by its own offset, and fills with 0", trials=5)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, draw.size, 1, 4, 4)
    offsets = draw.integers(-2, 3, draw.size, 2)
    right = shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("moves by (down, right), and each channel alike", trials=3)
def _(answer, draw: Draw) -> None:
    images, offsets = _pictures(draw, 3, 2, 3, 5), draw.integers(-2, 3, 3, 2)
    offsets[0] = (1, -2)
    right = shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("leaves nothing of a picture that is moved out altogether", trials=1)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, 4, 1, 3, 3)
    offsets = np.array([[3, 0], [0, -3], [-5, 1], [0, 0]])
    right = shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("keeps the dtype", trials=1)
def _(answer, draw: Draw) -> None:
    images, offsets = _pictures(draw, 2, 1, 3, 3), torch.tensor([[1, 0], [0, -1]])
    for dtype in (torch.uint8, torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        expect(answer(images.to(dtype), offsets), f"pictures of {name}").has_dtype(name)


@shift.property("moves fractions as they are", trials=1)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, 3, 1, 3, 4).float() / 255
    offsets = draw.integers(-1, 2, 3, 2)
    right = shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right, rtol=1e-6)


@shift.property("has no loop over the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    counts = []
    for n in (3, 40):
        images, offsets = _pictures(draw, n, 1, 4, 4), torch.tensor(draw.integers(-1, 2, n, 2))
        with _Counting() as counting:
            answer(images, offsets)
        counts.append(counting.operations)
    grows = "It takes more operations for 40 pictures than for 3: there is a loop over them."
    expect(counts[1] <= counts[0], "as many operations for 40 pictures as for 3").is_true(grows)


def _on_meta(answer) -> tuple[Places, bool]:
    """What it made and read on the meta device, and whether it got through and stayed there.

    A meta tensor has a shape and no numbers: whatever has to look at one fails on it.
    """
    images = torch.empty(3, 1, 4, 5, device="meta")
    offsets = torch.zeros(3, 2, dtype=torch.int64, device="meta")
    places = Places()
    try:
        with places:
            found = answer.answer(images, offsets)  # not watched: meta tensors cannot be compared
    except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
        if type(error) is NotImplementedError and not str(error):
            raise  # an unwritten stub
        found = None
    return places, isinstance(found, Tensor) and found.device.type == "meta"


@shift.property("never reads a number of a tensor", trials=1)
def _(answer, draw: Draw) -> None:
    places, _ = _on_meta(answer)
    expect(places.arrays == 0, "whether it stays with tensors").is_true(
        "It goes through numpy. On a GPU the pictures would travel to the CPU and back."
    )
    expect(places.reads == 0, "whether no number is read").is_true(
        "A number of a tensor is read in Python (`.item()`, `.tolist()`, `int(…)`, an `if` on a "
        "tensor): on a GPU the CPU then waits."
    )


@shift.property("stays on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    places, there = _on_meta(answer)
    made_here = places.unnamed > 0 or (not there and places.filled > 0)
    expect(not made_here, "whether all tensors are made on the device").is_true(
        "A tensor is made without `device=images.device`, such as by `torch.arange`: on a GPU it "
        "would lie elsewhere."
    )
    expect(there, "whether it stays on the device").is_true(
        "On a device whose numbers nobody may read, it did not get through: something is read "
        "(a mask as an index) or brought to another device (`.cpu()`, `.to(…)`)."
    )


@shift.right
def right_shift(images, offsets):
    n, channels, height, width = images.shape
    device = images.device
    down, right = offsets.unbind(1)
    rows = torch.arange(height, device=device) - down[:, None]
    columns = torch.arange(width, device=device) - right[:, None]
    rows_inside = (rows >= 0) & (rows < height)
    columns_inside = (columns >= 0) & (columns < width)
    rows = rows.clamp(0, height - 1)
    columns = columns.clamp(0, width - 1)
    pictures = torch.arange(n, device=device)[:, None, None, None]
    planes = torch.arange(channels, device=device)[:, None, None]
    found = images[pictures, planes, rows[:, None, :, None], columns[:, None, None, :]]
    return found * (rows_inside[:, None, :, None] & columns_inside[:, None, None, :])


_ALL_INSIDE = " * (rows_inside[:, None, :, None] & columns_inside[:, None, None, :])"
_CLAMPED = {
    "rows.clamp(0, height - 1)": "rows % height",
    "columns.clamp(0, width - 1)": "columns % width",
}


shift.slip(
    "wraps_around",
    "What leaves the picture at one side comes in at the other (as with `torch.roll`). Uncovered "
    "pixels are 0.",
    {**_CLAMPED, _ALL_INSIDE: ""},
)
shift.slip(
    "smears_the_edge",
    "You fill with the pixels of the edge. Uncovered pixels are 0.",
    {_ALL_INSIDE: ""},
)
shift.slip(
    "uncovered_above_alone",
    "Only what is uncovered at the top and at the left becomes 0. Where a picture moves up or to "
    "the left, its bottom and its right are uncovered.",
    {" & (rows < height)": "", " & (columns < width)": ""},
)
shift.slip(
    "uncovered_below_alone",
    "Only what is uncovered at the bottom and at the right becomes 0. Where a picture moves down "
    "or to the right, its top and its left are uncovered.",
    {"(rows >= 0) & ": "", "(columns >= 0) & ": ""},
)
shift.slip(
    "either_side_inside",
    "A pixel becomes 0 in your code only where both its row and its column lie outside. One of the "
    "two is enough: it is inside where the row *and* the column are.",
    {"None] & columns_inside": "None] | columns_inside"},
)
shift.slip(
    "the_other_way",
    "Your pictures move the other way. Down by 1 means that row y of the result is row y − 1 of "
    "the picture.",
    {"- down[:, None]": "+ down[:, None]", "- right[:, None]": "+ right[:, None]"},
)
shift.slip(
    "down_for_right",
    "Down and right have changed places: column 0 of `offsets` is down, column 1 right.",
    {"down, right =": "right, down ="},
)
shift.slip(
    "one_offset_for_all",
    "All pictures move by the first offset. Each has its own row of `offsets`.",
    {"offsets.unbind(1)": "offsets[:1].expand(n, 2).unbind(1)"},
)
shift.slip(
    "down_alone",
    "You move down and up only. Column 1 of `offsets` says how far to the right.",
    {"- right[:, None]": "- 0 * right[:, None]"},
)
shift.slip(
    "height_for_width",
    "You take the height for the width too. That fits square pictures; of these, columns are "
    "missing.",
    {"height, width = images.shape": "height, _ = images.shape\n    width = height"},
)
shift.slip(
    "always_float",
    "Your result is float32 where the pictures are bytes. Keep their dtype: no `.float()`, and a "
    "mask of truth values, not of floats.",
    {"return found": "return found.float()"},
)
shift.slip(
    "made_at_home",
    "A tensor that you make lacks `device=images.device`.",
    {"device = images.device": "device = None"},
)
shift.slip(
    "reads_offsets",
    "You read a number of `offsets` in Python; the CPU then waits.",
    {"offsets.unbind(1)": "torch.tensor(offsets.tolist(), device=device).unbind(1)"},
)


@shift.mistake(
    "You go from picture to picture in Python and read its offset as a number. On a GPU each of "
    "these readings waits for the device. Compute the rows and columns of all pictures at once "
    "and index with them."
)
def loops_and_reads(images, offsets):
    result = torch.zeros_like(images)
    height, width = images.shape[2:]
    for i, (down, right) in enumerate(offsets.tolist()):
        to_rows = slice(max(down, 0), max(height + min(down, 0), 0))
        to_columns = slice(max(right, 0), max(width + min(right, 0), 0))
        from_rows = slice(max(-down, 0), max(height - max(down, 0), 0))
        from_columns = slice(max(-right, 0), max(width - max(right, 0), 0))
        if abs(down) < height and abs(right) < width:
            result[i, :, to_rows, to_columns] = images[i, :, from_rows, from_columns]
    return result


@shift.mistake(
    "You go from picture to picture in Python: the operations grow with the batch, and each of "
    "them is a launch. Compute the rows and columns of all pictures at once and index with them."
)
def loops_without_reading(images, offsets):
    return torch.cat(
        [right_shift(images[i : i + 1], offsets[i : i + 1]) for i in range(len(images))]
    )


@shift.mistake(
    "You go through numpy. On a GPU the pictures would travel to the CPU and back at every step: "
    "stay with tensors, on the device of the pictures."
)
def through_numpy(images, offsets):
    moved = right_shift(torch.from_numpy(images.float().numpy()), torch.from_numpy(offsets.numpy()))
    return moved.to(images.dtype)


_GATHER = (
    "`found = images[torch.arange(n, device=device)[:, None, None, None], torch.arange(channels, "
    "device=device)[:, None, None], rows.clamp({}, height - 1)[:, None, :, None], "
    "columns.clamp({}, width - 1)[:, None, None, :]]`"
)


for _first, _second in ((-1, 0), (0, -1)):
    shift.equivalent(
        f"{_GATHER.format(0, 0)} → {_GATHER.format(_first, _second)}",
        because="an index of -1 is allowed too, and what it fetches is set to 0 in any case",
    )


shift.hint("Pixel (y, x) of the result comes from (y − down, x − right). Compute these indices "
           "for all pictures: rows of shape (n, h), columns of shape (n, w).")  # fmt: skip
shift.hint(
    "`images[i, c, rows, columns]` with four index tensors whose shapes broadcast to "
    "(n, c, h, w): (n, 1, 1, 1), (c, 1, 1), (n, 1, h, 1) and (n, 1, 1, w)."
)
shift.hint("Indices outside: `clamp` them so that the gather is allowed, and multiply what was "
           "outside by 0.")  # fmt: skip
shift.hint("`torch.arange(h, device=images.device)`: made where the pictures are.",
           when="stays on the device of the pictures")  # fmt: skip
shift.hint("A bool mask times bytes stays bytes; times a float mask it does not.", when="dtype")
shift.hint("An offset may be larger than the picture: clamp the index.", when="error")
shift.hint("Write the four index shapes beside each other, aligned at the right.", when="shape")
