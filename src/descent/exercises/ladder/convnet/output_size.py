"""How `output_size` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

output_size = Exercise("output_size", minutes=6, difficulty=1, returns=int)


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
