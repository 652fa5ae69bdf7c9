"""How `broadcast_shape` is judged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from descent.grading import Draw, Exercise, expect
from descent.grading.draws import SIZES

Pair = tuple[tuple[int, ...], tuple[int, ...]]


broadcast_shape = Exercise("broadcast_shape", minutes=12, difficulty=2, returns=tuple[int, ...])


def _added(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape numpy itself gives to the sum of two such arrays."""
    return (np.empty(a) + np.empty(b)).shape


def _fitting(draw: Draw, axes: int) -> Pair:
    """Two shapes that broadcast, of `axes` axes or fewer, with sizes that tell axes apart."""
    sizes = [int(size) for size in draw.rng.permutation([2, 3, 4, 5])[:axes]]
    shapes = []
    for _shape in range(2):
        ones = draw.rng.random(axes) < 0.4
        start = draw.integers(0, axes + 1)
        shape = [1 if one else size for one, size in zip(ones, sizes, strict=True)]
        shapes.append(tuple(shape[start:]))
    return shapes[0], shapes[1]


REFUSED = "a ValueError"


def _verdict(answer, a: tuple[int, ...], b: tuple[int, ...]) -> object:
    """What comes back, or `REFUSED` where a ValueError was raised."""
    try:
        return answer(a, b)
    except ValueError:
        return REFUSED


def _expect_shape(answer, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    verdict, shape = _verdict(answer, a, b), _added(a, b)
    if verdict is REFUSED:
        expect(verdict, "what happens").equals(f"the shape {shape}")
    else:
        expect(verdict, "the shape").equals(shape)


def _case(draw: Draw, cases: Sequence[Pair]) -> Pair:
    """Case number one in the first trial, and so on: the failing case shown is then the call."""
    return cases[min(SIZES.index(draw.size), len(cases) - 1)]


@broadcast_shape.property("keeps equal shapes, and stretches a size of 1", trials=5)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    row, column = (1, d), (n, 1)
    cases = [((n,), (n,)), ((n, d), (n, d)), ((n, d), row), (column, (n, d)), (row, column)]
    _expect_shape(answer, *_case(draw, cases))


@broadcast_shape.property("lines shapes up at the right, and fills with ones at the left", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    cases = [
        ((n, d), (d,)),
        ((n,), (n, 1)),
        ((d,), (2, n, 1)),
        ((), (n, d)),
        ((n, d), ()),
        ((), ()),
    ]
    _expect_shape(answer, *_case(draw, cases))


@broadcast_shape.property("raises ValueError for sizes that differ, neither of them 1", trials=5)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    cases = [((n,), (d,)), ((n, d), (n,)), ((n, d), (d, n)), ((d, 1), (n, d)), ((0,), (2,))]
    try:
        happened: object = _verdict(answer, *_case(draw, cases))
    except RuntimeError:
        happened = "a RuntimeError"
    if isinstance(happened, list | tuple):
        happened = f"the shape {tuple(happened)}"
    expect(happened, "what happens").equals(REFUSED)


@broadcast_shape.property("is a tuple, as every shape is", trials=1)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    expect(answer((n, d), (n, d)), "the shape").is_a(tuple)


@broadcast_shape.property("stretches a 1 to 0 beside a size of 0", trials=3)
def _(answer, draw: Draw) -> None:
    d = draw.integers(2, 6)
    _expect_shape(answer, *_case(draw, [((0,), (1,)), ((1, d), (0, d)), ((0, d), (d,))]))


@broadcast_shape.property("agrees with numpy on shapes with up to four axes", trials=7)
def _(answer, draw: Draw) -> None:
    _expect_shape(answer, *_fitting(draw, axes=min(draw.size, 4)))


def _by_rules(a, b, **habits):
    """The rules of broadcasting with one bad habit, named by keyword."""
    flip = (lambda shape: shape) if habits.get("from_the_left") else (lambda shape: shape[::-1])
    if habits.get("same_length") and len(a) != len(b):
        raise ValueError("different numbers of axes")
    pairs = zip_longest(flip(a), flip(b), fillvalue=1)
    if habits.get("drops_axes"):
        pairs = zip(flip(a), flip(b), strict=False)
    shape = []
    for m, n in pairs:
        refused = m != n and (habits.get("no_stretch") or 1 not in (m, n))
        refused = refused and not habits.get("never_refuses")
        assert not (refused and habits.get("asserts")), f"{m} and {n}"
        if refused and habits.get("returns_none"):
            return None
        if refused and not habits.get("takes_larger"):
            raise ValueError(f"{m} and {n}")
        larger = habits.get("takes_larger") or habits.get("max_size")
        shape.append(max(m, n) if larger else n if m == 1 else m)
    return tuple(shape) if habits.get("backwards") else tuple(flip(shape))


@broadcast_shape.mistake(
    "You returned a list. A shape is a tuple, and `[5, 3] == (5, 3)` is False: `tuple(…)` makes "
    "one of the list."
)
def returns_list(a, b):
    return list(_by_rules(a, b))


@broadcast_shape.mistake(
    "You lined the shapes up at the left. The rule starts at the last axis: (5, 3) fits (3,), and "
    "(5, 3) does not fit (5,)."
)
def from_the_left_end(a, b):
    return _by_rules(a, b, from_the_left=True)


@broadcast_shape.mistake(
    "You took the larger size wherever two differ. Only a size of 1 stretches; 3 beside 5 is an "
    "error."
)
def takes_larger(a, b):
    return _by_rules(a, b, takes_larger=True)


@broadcast_shape.mistake(
    "You asked for equal sizes everywhere. A size of 1 stretches to whatever stands opposite it."
)
def no_stretch(a, b):
    return _by_rules(a, b, no_stretch=True)


@broadcast_shape.mistake(
    "You refused shapes with different numbers of axes. The shorter one is filled with ones at "
    "its left end first."
)
def same_length(a, b):
    return _by_rules(a, b, same_length=True)


@broadcast_shape.mistake(
    "You stopped at the end of the shorter shape, so the leading axes of the longer one are lost. "
    "Opposite them stands a 1."
)
def drops_axes(a, b):
    return _by_rules(a, b, drops_axes=True)


@broadcast_shape.mistake(
    "`zip` begins at the left and stops at the end of the shorter shape. Fill the shorter one with "
    "ones at its left end first; then the pairs are right and none is lost."
)
def only_zipped(a, b):
    return _by_rules(a, b, from_the_left=True, drops_axes=True)


@broadcast_shape.mistake(
    "`zip` begins at the left and stops at the end of the shorter shape, so axes are lost; and "
    "sizes that do not fit, such as 3 beside 5, are no error in your code. Fill the shorter shape "
    "with ones at its left end first, and refuse what does not fit."
)
def only_zipped_larger(a, b):
    return _by_rules(a, b, from_the_left=True, drops_axes=True, takes_larger=True)


@broadcast_shape.mistake(
    "You never refuse. Sizes that differ fit only if one of them is 1; otherwise raise ValueError."
)
def never_refuses(a, b):
    return _by_rules(a, b, never_refuses=True)


@broadcast_shape.mistake(
    "You refused with an assertion. The page asks for `raise ValueError(…)`, which callers expect "
    "and can catch."
)
def asserts(a, b):
    return _by_rules(a, b, asserts=True)


@broadcast_shape.mistake(
    "You refused with a RuntimeError, which is what `torch.broadcast_shapes` raises. The page asks "
    "for `ValueError`, which callers expect and can catch."
)
def raises_runtime_error(a, b):
    try:
        return _by_rules(a, b)
    except ValueError as error:
        raise RuntimeError(*error.args) from None


@broadcast_shape.mistake(
    "Your shape is back to front: you went from the last axis to the first, so turn the result "
    "round at the end."
)
def backwards(a, b):
    return _by_rules(a, b, backwards=True)


@broadcast_shape.mistake(
    "You returned None for shapes that do not fit. Raise a ValueError, as numpy does: a quiet None "
    "is found much later."
)
def returns_none(a, b):
    return _by_rules(a, b, returns_none=True)


@broadcast_shape.mistake(
    "A 1 stretches to whatever stands opposite it, and that may be 0: then the result is 0, not "
    "the larger of the two."
)
def max_size(a, b):
    return _by_rules(a, b, max_size=True)


broadcast_shape.hint("Make both shapes equally long first: ones at the left of the shorter one.")
broadcast_shape.hint(
    "Then go through the pairs of sizes. Three cases: equal; one of them 1; neither."
)
broadcast_shape.hint(
    "`(1,) * k + shape` puts k ones in front; `raise ValueError(…)` refuses.", when="error"
)
broadcast_shape.hint("What is opposite the axis that the shorter shape lacks?", when="length")
broadcast_shape.hint("At which end did you line the two shapes up?", when="order")
broadcast_shape.hint(
    "Write the two shapes under each other, aligned at the right, as the page does.", when="value"
)


broadcast_shape.equivalent(
    "`for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):` → "
    "`for m, n in zip_longest(reversed(b), reversed(a), fillvalue=1):`",
    because="broadcasting is symmetric: a with b gives the shape of b with a",
)
