"""The difference between what came back and what was expected, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from descent.grading.values import is_tensor, short, to_array, type_name

SYMPTOMS = (
    "none", "type", "shape", "transposed", "length", "nan", "infinite", "sign", "factor",
    "offset", "order", "shift", "dtype", "changes input", "replaces", "ignores argument", "error",
    "slow", "value",
)  # fmt: skip
"""Every symptom a difference or a judgement can carry, as hints may name them in `when`."""


@dataclass(frozen=True)
class Difference:
    """A symptom (one of `SYMPTOMS`) and a sentence that says it."""

    symptom: str
    words: str


def difference(
    actual: Any,
    expected: Any,
    rtol: float,
    atol: float | None,
    dimensions: Mapping[int, str] | None = None,
) -> Difference | None:
    """How `actual` differs from the numbers in `expected`, or None where it agrees.

    Parameters
    ----------
    actual, expected
        Numbers, arrays, tensors or lists of numbers, of any shape.
    rtol, atol
        Relative tolerance, and absolute tolerance (default: a tenth of `rtol` times the largest
        expected magnitude, so that float32 answers pass where large numbers cancel).
    dimensions
        Sizes of the inputs and what they are, such as ``{3: "the length of `x`"}``: a wrong
        factor that equals one of them is told as such.
    """
    want = to_array(expected)
    if want is None:
        raise TypeError(f"close_to needs numbers to compare with, not {short(expected)}")
    got = to_array(actual)
    if got is None:
        return _not_numbers(actual)
    if got.shape != want.shape:
        return _shapes(got, want)
    if (got == want).all():
        return None
    if atol is None:
        atol = 0.1 * rtol * max(_largest(want), 1e-3)
    if np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True):
        return None
    return _numbers(got, want, rtol, dimensions or {})


def _wide(array: np.ndarray) -> np.ndarray:
    """Double precision, so that differences of integers and halves are exact enough."""
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _largest(array: np.ndarray) -> float:
    """The largest finite magnitude, 0 where there is none."""
    return float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))


def _not_numbers(actual: Any) -> Difference:
    if actual is None:
        return Difference("none", "It is None. Is a `return` missing?")
    if isinstance(actual, list | tuple) and any(is_tensor(p) or to_array(p) is not None
                                                for p in actual):  # fmt: skip
        return Difference("shape", f"Its {len(actual)} parts do not have the same shape.")
    return Difference("type", f"It is of type `{type_name(actual)}`, not numbers.")


def _shapes(got: np.ndarray, want: np.ndarray) -> Difference:
    words = f"Its shape is {got.shape}; it should be {want.shape}."
    turned = want.ndim >= 2 and got.shape == want.shape[::-1]
    if turned and np.allclose(got.T, want, equal_nan=True):
        return Difference("transposed", f"{words} It is the transpose of the right answer.")
    if got.size == want.size > 1 and np.allclose(np.sort(got.ravel()), np.sort(want.ravel())):
        return Difference("shape", f"{words} The numbers are right.")
    if got.ndim == want.ndim == 1:
        more = got.size - want.size
        amount = f"{abs(more)} element{'s' * (abs(more) != 1)}"
        return Difference("length", f"{words} It has {amount} too {'many' if more > 0 else 'few'}.")
    return Difference("shape", words)


def _numbers(
    got: np.ndarray, want: np.ndarray, rtol: float, dimensions: Mapping[int, str]
) -> Difference:
    if got.dtype == np.bool_ or want.dtype == np.bool_:
        return _truths(got, want)
    got, want = _wide(got), _wide(want)
    if np.isnan(got).any() and not np.isnan(want).any():
        return Difference("nan", f"{_count(np.isnan(got))} NaN (not a number).")
    if np.isinf(got).any() and not np.isinf(want).any():
        return Difference("infinite", f"{_count(np.isinf(got))} infinite.")
    near = partial(np.isclose, rtol=max(rtol, 1e-3), atol=1e-3 * max(_largest(want), 1e-6))
    if near(got, -want).all():
        return Difference("sign", "The size is right and the sign is the opposite.")
    if near(got, want).all() and np.isfinite(want).all():
        gap = float(np.max(np.abs(got - want)))
        return Difference("value", f"It is nearly right: off by {short(gap)} at most.")
    factor = _common_factor(got, want, max(rtol, 1e-3))
    if factor is not None:
        return Difference("factor", _say_factor(factor, got.size, dimensions))
    if got.size > 1:
        arranged = _arrangement(got, want, near)
        if arranged is not None:
            return arranged
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            offset = (got - want).ravel()
        if near(offset, offset[0]).all():
            return Difference(
                "offset", f"Every number is too {'large' if offset.real[0] > 0 else 'small'} by "
                f"the same amount, {short(float(abs(offset[0])))}.")  # fmt: skip
        wrong = ~near(got, want)
        if 0 < wrong.sum() < got.size:
            first = tuple(int(i) for i in np.argwhere(wrong)[0])
            place = first[0] if len(first) == 1 else first
            return Difference(
                "value", f"{wrong.sum()} of {got.size} numbers are wrong, the first at index "
                f"{place}: {short(got[first].item())} where {short(want[first].item())} "
                "is right.")  # fmt: skip
        return Difference("value", "The shape is right and the numbers are not.")
    gap = abs(got.ravel()[0] - want.ravel()[0])
    return Difference("value", f"It is off by {short(float(gap))}.")


def _truths(got: np.ndarray, want: np.ndarray) -> Difference:
    if got.size == 1:
        return Difference("value", f"It is {short(got.item())} and should be {short(want.item())}.")
    wrong = int((got != want).sum())
    return Difference("value", f"{wrong} of {got.size} truth values are wrong.")


def _count(where: np.ndarray) -> str:
    if where.size == 1:
        return "It is"
    return f"{int(where.sum())} of {where.size} numbers are"


def _common_factor(got: np.ndarray, want: np.ndarray, rtol: float) -> float | None:
    """The one number k with got = k·want, or None. A lone number counts only for a telling k."""
    usable = np.abs(want) > 1e-9 * max(float(np.max(np.abs(want), initial=0.0)), 1e-30)
    if got.dtype.kind == "c" or not usable.any() or np.any(np.abs(got[~usable]) > 1e-9):
        return None
    ratios = (got[usable] / want[usable]).ravel()
    factor = float(ratios.mean())
    if abs(factor) < 1e-9 or not np.allclose(ratios, factor, rtol=rtol, atol=0.0):
        return None
    size = abs(factor) if abs(factor) >= 1 else 1 / abs(factor)
    telling = abs(size - round(size)) < rtol * size and round(size) > 1
    return factor if telling or ratios.size > 1 else None


def _say_factor(factor: float, size: int, dimensions: Mapping[int, str]) -> str:
    large = abs(factor) >= 1
    times = abs(factor) if large else 1 / abs(factor)
    shown = str(round(times)) if abs(times - round(times)) < 1e-2 else short(times)
    subject = "It is" if size == 1 else "Every number is"
    if times < 1.1:
        share = short(100 * abs(abs(factor) - 1))
        return f"{subject} too {'large' if large else 'small'} by {share} %."
    sign = " and of the opposite sign" if factor < 0 else ""
    words = f"{subject} {shown} times too {'large' if large else 'small'}{sign}."
    whole = round(times)
    if abs(times - whole) < 1e-2 and whole in dimensions:
        words += f" {whole} is also {dimensions[whole]}."
    return words


def _arrangement(got: np.ndarray, want: np.ndarray, near: Callable[..., Any]) -> Difference | None:
    if near(got, want).sum() >= got.size - 1:  # one wrong number is not in the wrong place
        return None
    if got.ndim == 2 and got.shape[0] == got.shape[1] and near(got.T, want).all():
        return Difference("transposed", "It is the transpose of the right answer.")
    if got.ndim == 1 and got.size > 2:
        if near(got[1:], want[:-1]).all():
            return Difference("shift", "The right numbers come one place too late.")
        if near(got[:-1], want[1:]).all():
            return Difference("shift", "The right numbers come one place too early.")
    if near(np.sort(got.ravel()), np.sort(want.ravel())).all():
        return Difference("order", "The numbers are right and their order is not.")
    return None


def dimensions_of(arguments: Mapping[str, Any]) -> dict[int, str]:
    """Sizes found in named inputs: what a stray factor of n may come from.

    A size that two different axes share names the first; 1 is no telling size.
    """
    found: dict[int, str] = {}
    for name, value in arguments.items():
        array = to_array(value)
        if array is None or array.ndim == 0:
            continue
        axes = ("length",) if array.ndim == 1 else ("number of rows", "number of columns")
        for size, axis in zip(array.shape, axes, strict=False):
            if size > 1:
                found.setdefault(size, f"the {axis} of `{name}`")
    return found
