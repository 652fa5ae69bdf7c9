"""How the results of searches are compared in several exercises of research/scaling_laws."""

from __future__ import annotations


def three_digits(number: float) -> float:
    """Two good searches agree in these, so a mistake shows its own numbers whatever searched."""
    return float(f"{number:.3g}")


def settled(number: float, low: float, high: float) -> float:
    """The number as it is judged by these bounds: all within them are one, others are rounded.

    Rounding decides nothing: a number whose three digits lie within the bounds, though it does not,
    stays as it is.
    """
    if low <= number <= high:
        return (low + high) / 2
    rounded = three_digits(number)
    return number if low <= rounded <= high else rounded
