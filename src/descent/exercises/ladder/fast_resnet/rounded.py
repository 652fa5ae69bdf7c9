"""How `rounded` is judged."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

rounded = Exercise("rounded", minutes=12, difficulty=2)


def _wide(draw: Draw, n: int) -> np.ndarray:
    """Numbers of both signs from a hundredth to a hundred."""
    return (draw.normal(n) + 0.003) * 10.0 ** draw.integers(-2, 3, n)


def _nearest(x: float, bits: int) -> float:
    """The nearest number with `bits` significant binary digits, by exact fractions."""
    exact, exponent = Fraction(x), 0
    if exact == 0:
        return 0.0
    while abs(exact) >= 2**bits:
        exact, exponent = exact / 2, exponent + 1
    while abs(exact) < 2 ** (bits - 1):
        exact, exponent = exact * 2, exponent - 1
    return float(round(exact) * Fraction(2) ** exponent)  # Python rounds ties to even


@rounded.property("is bfloat16 with 8 digits", trials=5)
def _(answer, draw: Draw) -> None:
    x = _wide(draw, draw.size).astype(np.float32).astype(np.float64)
    right = torch.tensor(x).bfloat16().double().numpy()
    expect(answer(x, 8), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("is float16 with 11 digits and float32 with 24", trials=3)
def _(answer, draw: Draw) -> None:
    x = _wide(draw, 6) + 1e-9
    half = torch.tensor(x).half().double().numpy()
    single = x.astype(np.float32).astype(np.float64)
    expect(answer(x, 11), "rounded to 11 digits").close_to(half, rtol=1e-9, atol=1e-15)
    expect(answer(x, 24), "rounded to 24 digits").close_to(single, rtol=1e-12, atol=1e-18)


@rounded.property("is the nearest number with any number of digits", trials=4)
def _(answer, draw: Draw) -> None:
    bits, x = draw.integers(1, 6), _wide(draw, 4)
    right = [_nearest(float(number), bits) for number in x]
    expect(answer(x, bits), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("takes the even one of two that are equally near", trials=3)
def _(answer, draw: Draw) -> None:
    bits = draw.integers(2, 9)
    whole = draw.integers(2 ** (bits - 1), 2**bits, 4)
    whole[:2] = 2 ** (bits - 1), 2 ** (bits - 1) + 1
    x = (whole + 0.5) * 2.0 ** draw.integers(-3, 4) * np.array([1, 1, -1, 1])
    right = [_nearest(float(number), bits) for number in x]
    expect(answer(x, bits), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("keeps 0 and powers of two, and the shape", trials=1)
def _(answer, draw: Draw) -> None:
    x = np.array([[0.0, 1.0, -0.25], [1024.0, -(2.0**-20), 2.0**40]])
    expect(answer(x, 3), "the rounded numbers").close_to(x, rtol=1e-12, atol=0.0)


def _to_digits(x, bits, to_whole: Callable[[np.ndarray], np.ndarray] = np.round) -> np.ndarray:
    """Scale so that `bits` binary digits stand before the point, make whole, scale back."""
    fraction, exponent = np.frexp(np.asarray(x, dtype=np.float64))
    return np.ldexp(to_whole(np.ldexp(fraction, bits)), exponent - bits)


@rounded.mistake("You cut the digits off (towards 0). Round to the nearest.")
def cut_off(x, bits):
    return _to_digits(x, bits, np.trunc)


@rounded.mistake("You round down always. Round to the nearest.")
def rounds_down(x, bits):
    return _to_digits(x, bits, np.floor)


@rounded.mistake(
    "Ties go away from zero (or up) in your code. They go to the number whose last digit is even, "
    "as `np.round` does it: otherwise sums would drift one way."
)
def ties_away(x, bits):
    return _to_digits(x, bits, lambda whole: np.sign(whole) * np.floor(np.abs(whole) + 0.5))


@rounded.mistake(
    "Ties go up in your code, for negative numbers too. They go to the number whose last digit "
    "is even."
)
def ties_up(x, bits):
    return _to_digits(x, bits, lambda whole: np.floor(whole + 0.5))


@rounded.mistake(
    "You keep one digit too many. The first digit, always 1, counts as one of `bits`. (bfloat16 "
    "stores 7, since the first need not be stored, and has 8.)"
)
def one_digit_more(x, bits):
    return _to_digits(x, bits + 1)


@rounded.mistake("You keep one digit too few: `bits` counts all of them, the first included.")
def one_digit_fewer(x, bits):
    return _to_digits(x, bits - 1)


@rounded.mistake("You rounded to decimal digits. These are binary.")
def decimal_digits(x, bits):
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore"):
        place = np.where(x == 0, 0, np.floor(np.log10(np.abs(x))))
    scale = 10.0 ** (bits - 1 - place)
    return np.round(x * scale) / scale


@rounded.mistake(
    "You rounded to a fixed number of digits behind the point, so that small numbers vanish. The "
    "digits are counted from the first one that is not 0: the point floats."
)
def fixed_point(x, bits):
    return np.round(np.asarray(x) * 2.0**bits) / 2.0**bits


@rounded.mistake("Zero comes back as NaN: its logarithm is −∞. Treat it apart, or use `np.frexp`.")
def zero_breaks(x, bits):
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.abs(x))) + 1
        scale = 2.0 ** (bits - exponent)
        return np.round(x * scale) / scale


@rounded.mistake(
    "You always round to bfloat16. `bits` says how many digits there are: 8 is only one case."
)
def always_bfloat16(x, bits):
    return _to_digits(x, 8)


@rounded.mistake("The sign is lost.")
def without_sign(x, bits):
    return _to_digits(np.abs(x), bits)


rounded.hint("Bring the number to where `bits` digits stand before the point, round to a whole "
             "number, and bring it back.")  # fmt: skip


rounded.hint("`fraction, exponent = np.frexp(x)` gives x = fraction · 2^exponent with "
             "½ ≤ |fraction| < 1, and 0 for 0.")  # fmt: skip


rounded.hint("`np.round` takes ties to the even number; `np.ldexp(a, k)` is a · 2^k.")


rounded.hint("What is the logarithm of 0?", when="nan")


rounded.hint("Compare with `torch.tensor(x).bfloat16()` for bits = 8.", when="value")
