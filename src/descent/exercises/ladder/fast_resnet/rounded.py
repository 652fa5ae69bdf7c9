"""How `rounded` is judged."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

rounded = Exercise("rounded", minutes=12, difficulty=2, returns=np.ndarray)


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
    x = np.where(np.abs(x) < 1e-4, 0.0123, x)  # below 6.1e-5 float16 has fewer than 11 digits
    half = torch.tensor(x).half().double().numpy()
    single = x.astype(np.float32).astype(np.float64)
    expect(answer(x, 11), "rounded to 11 digits").close_to(half, rtol=1e-9, atol=1e-15)
    expect(answer(x, 24), "rounded to 24 digits").close_to(single, rtol=1e-12, atol=1e-18)


@rounded.property("is the nearest number with any number of digits", trials=4)
def _(answer, draw: Draw) -> None:
    bits, x = draw.choice([1, 2, 3, 4, 5, 14, 19]), _wide(draw, 4)
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


@rounded.property("keeps 0", trials=1)
def _(answer, draw: Draw) -> None:
    x = np.array([0.0, 1.375, 0.0])
    right = [0.0, 1.5, 0.0]  # 1.375 lies half-way between 1.25 and 1.5
    expect(answer(x, 3), "the rounded numbers").close_to(right, rtol=1e-12, atol=0.0)


@rounded.property("keeps powers of two", trials=1)
def _(answer, draw: Draw) -> None:
    x = np.array([1.0, -0.25, 1024.0, -(2.0**-20), 2.0**40])
    expect(answer(x, 1), "the rounded numbers").close_to(x, rtol=1e-12, atol=0.0)


@rounded.property("goes up to the next power of two where that is nearest", trials=1)
def _(answer, draw: Draw) -> None:
    x, right = np.array([7.9, -0.999, 127.6]), np.array([8.0, -1.0, 128.0])
    expect(answer(x, 3), "the rounded numbers").close_to(right, rtol=1e-12, atol=0.0)


@rounded.property("has no smallest or largest exponent", trials=1)
def _(answer, draw: Draw) -> None:
    x = np.array([1.37e-60, -2.9e60, 5.1e-45])
    right = [_nearest(float(number), 8) for number in x]
    expect(answer(x, 8), "the rounded numbers").close_to(right, rtol=1e-9, atol=0.0)


@rounded.property("keeps any shape, that of a single number too", trials=2)
def _(answer, draw: Draw) -> None:
    for shape in ((2, 3), (), (1, 4, 1)):
        x = draw.normal(*shape) + np.full(shape, 0.003)
        right = np.vectorize(lambda number: _nearest(float(number), 4))(x)
        expect(answer(np.asarray(x), 4), "the rounded numbers").close_to(right, rtol=1e-9)


@rounded.property("is float64", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(_wide(draw, 3), 8), "the rounded numbers").has_dtype("float64")


@rounded.right
def right_rounding(x, bits):
    fraction, exponent = np.frexp(x)
    whole = np.round(np.ldexp(fraction, bits))
    return np.ldexp(whole, exponent - bits)


_WHOLE = "np.round(np.ldexp(fraction, bits))"


rounded.slip(
    "cut_off",
    "You cut the digits off (towards 0). Round to the nearest.",
    {"np.round": "np.trunc"},
)
rounded.slip(
    "rounds_down", "You round down always. Round to the nearest.", {"np.round": "np.floor"}
)
rounded.slip(
    "ties_away",
    "Ties go away from zero (or up) in your code. They go to the number whose last digit is even, "
    "as `np.round` does it: otherwise sums would drift one way.",
    {_WHOLE: "np.sign(x) * np.floor(np.ldexp(np.abs(fraction), bits) + 0.5)"},
)
rounded.slip(
    "ties_up",
    "Ties go up in your code, for negative numbers too. They go to the number whose last digit "
    "is even.",
    {_WHOLE: "np.floor(np.ldexp(fraction, bits) + 0.5)"},
)
rounded.slip(
    "one_digit_more",
    "You keep one digit too many. The first digit, always 1, counts as one of `bits`. (bfloat16 "
    "stores 7, since the first need not be stored, and has 8.)",
    {"(fraction, bits)": "(fraction, bits + 1)", "exponent - bits": "exponent - bits - 1"},
)
rounded.slip(
    "one_digit_fewer",
    "You keep one digit too few: `bits` counts all of them, the first included.",
    {"(fraction, bits)": "(fraction, bits - 1)", "exponent - bits": "exponent - bits + 1"},
)
rounded.slip(
    "not_scaled_back",
    "You return the whole numbers m · 2^k. Bring them back: times 2^(e − k).",
    {"np.ldexp(whole, exponent - bits)": "whole"},
)
rounded.slip(
    "exponent_lost",
    "You return m, rounded, without its power of two: the exponent e is missing.",
    {"exponent - bits": "-bits"},
)
rounded.slip(
    "always_bfloat16",
    "You always round to bfloat16. `bits` says how many digits there are: 8 is only one case.",
    {"    fraction, exponent": "    bits = 8\n    fraction, exponent"},
)
rounded.slip("without_sign", "The sign is lost.", {"np.frexp(x)": "np.frexp(np.abs(x))"})
rounded.slip(
    "single_exponent",
    "All numbers share one exponent in your code, that of the largest. Each number has its own.",
    {"    whole =": "    exponent = np.max(exponent)\n    fraction = np.ldexp(x, -exponent)\n"
     "    whole ="},
)  # fmt: skip
rounded.slip(
    "through_float32",
    "You go through float32. Its exponents end at 127: what is larger becomes ∞, and what is very "
    "small loses its digits. Stay with float64.",
    {"np.frexp(x)": "np.frexp(np.float32(x).astype(np.float64))"},
)


@rounded.mistake("You rounded to decimal digits. These are binary.")
def decimal_digits(x, bits):
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore"):
        place = np.where(x == 0, 0, np.floor(np.log10(np.abs(x))))
    scale = 10.0 ** (bits - 1 - place)
    return np.round(x * scale) / scale


@rounded.mistake(
    "You rounded to a number of decimal places. The digits here are binary, and they are counted "
    "from the first one that is not 0."
)
def decimal_places(x, bits):
    return np.round(x, bits)


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


rounded.hint("Bring the number to where `bits` digits stand before the point, round to a whole "
             "number, and bring it back.")  # fmt: skip
rounded.hint("`fraction, exponent = np.frexp(x)` gives x = fraction · 2^exponent with "
             "½ ≤ |fraction| < 1, and 0 for 0.")  # fmt: skip
rounded.hint("`np.round` takes ties to the even number; `np.ldexp(a, k)` is a · 2^k.")
rounded.hint("What is the logarithm of 0?", when="nan")
rounded.hint("Compare with `torch.tensor(x).bfloat16()` for bits = 8.", when="value")
