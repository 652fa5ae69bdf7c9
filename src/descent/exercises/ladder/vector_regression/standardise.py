"""How `standardise` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import column_scales, moments, several

standardise = Exercise(
    "standardise", minutes=10, difficulty=2, returns=tuple[np.ndarray, np.ndarray, np.ndarray]
)


def _expect_standardised(answer, x: np.ndarray) -> None:
    scaled, mean, std = several(answer(x), "three things: scaled, mean, std")
    expected_mean, expected_std = moments(x)
    expected = np.divide(np.subtract(x, expected_mean), expected_std)
    expect(mean, "mean").close_to(expected_mean, atol=1e-4)
    expect(std, "std").close_to(expected_std, atol=1e-4)
    expect(scaled, "the standardised x").close_to(expected, atol=1e-3)


@standardise.property("gives every feature mean 0 and standard deviation 1", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size + 3, 2
    # Three entries apart in every column, so that no drawn column is constant.
    x = draw.normal(n, d) * np.array([0.5, 4.0]) + np.array([3.0, -20.0])
    x[:3] += np.array([[0.0, 20.0], [3.0, 0.0], [6.0, -20.0]])
    _expect_standardised(answer, x)


@standardise.property("treats features one by one, also when n equals d")
def _(answer, draw: Draw) -> None:
    x = draw.uniform(-0.5, 0.5, 3, 3) + np.array(
        [[1.0, 2.0, 9.0], [3.0, 0.0, 7.0], [0.0, 5.0, 8.0]]
    )
    _expect_standardised(answer, x)


@standardise.property("turns a constant feature into zeros, with std 1")
def _(answer, draw: Draw) -> None:
    n, constant = 5, draw.integers(2, 9) / 2
    x = np.stack([np.full(n, constant), np.arange(n) * draw.uniform(1, 3)], axis=1)
    _expect_standardised(answer, x)


@standardise.property("does so for a batch of one, where every feature is constant")
def _(answer, draw: Draw) -> None:
    _expect_standardised(answer, draw.integers(1, 9, 1, 3) / 2.0)


@standardise.mistake(
    "You took mean and spread along axis 1, across the features of one example: volts averaged "
    "with degrees. Axis 0 runs over the examples."
)
def along_rows(x):
    mean, std = column_scales(x, axis=1)
    return (x - mean[:, None]) / std[:, None], mean, std


@standardise.mistake(
    "You took one mean and one spread of the whole table. Each feature has its own: axis=0."
)
def whole_table(x):
    mean, std = column_scales(x, axis=None)
    return (x - mean) / std, mean, std


@standardise.mistake(
    "You took one mean and one spread of the whole table, and repeated them for every feature. "
    "Each feature has its own: axis=0."
)
def whole_table_repeated(x):
    mean, std = (np.full(x.shape[1], one) for one in column_scales(x, axis=None))
    return (x - mean) / std, mean, std


@standardise.mistake(
    "Your spread divides by n − 1, and for a batch of one that is 0, which gives nan. Here it "
    "divides by n, as `np.std` does; torch's `std` does not unless told `correction=0`."
)
def nan_by_n_minus_one(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0, ddof=1)
    std = np.where(std == 0, 1.0, std)
    return (x - mean) / std, mean, std


@standardise.mistake(
    "Your spread divides by n − 1. Here it divides by n, as `np.std` does; torch's `std` does not "
    "unless told `correction=0`. (For a batch of one, n − 1 is 0.)"
)
def divides_by_n_minus_one(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0, ddof=1)
    return (x - mean) / np.where(std > 0, std, 1.0), mean, std


@standardise.mistake(
    "You divided before you subtracted: x / std − mean. Subtract the mean first, then divide what "
    "is left; the brackets decide."
)
def divided_first(x):
    mean, std = column_scales(x)
    return x / std - mean, mean, std


@standardise.mistake(
    "You divided by the variance. Its square root, the standard deviation, has the feature's unit."
)
def by_variance(x):
    mean, std = column_scales(x)
    return (x - mean) / std**2, mean, std**2


@standardise.mistake("You centred the features and did not divide them by their spread.")
def only_centred(x):
    mean, std = column_scales(x)
    return x - mean, mean, std


@standardise.mistake("You divided by the spread and did not subtract the mean.")
def only_divided(x):
    mean, std = column_scales(x)
    return x / std, mean, std


@standardise.mistake(
    "A constant feature has spread 0, and 0 / 0 is nan. Divide it by 1, and return 1 as its std."
)
def divides_by_zero(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0)
    return (x - mean) / std, mean, std


@standardise.mistake(
    "You divided a constant feature by 1 and returned a std of 0. Return the 1: whoever maps "
    "weights back divides by it again."
)
def returns_zero_spread(x):
    mean, std = column_scales(x)
    return (x - mean) / std, mean, np.std(x, axis=0)


@standardise.mistake(
    "You added a small number to std. That avoids 0 / 0, but a constant feature then has a std of "
    "about 0 where the page asks for 1."
)
def small_number_added(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0) + 1e-8
    return (x - mean) / std, mean, std


@standardise.mistake(
    "You scaled by smallest and largest value. Standardising uses mean and standard deviation."
)
def between_extremes(x):
    low, width = np.min(x, axis=0), np.ptp(x, axis=0)
    width = np.where(width > 0, width, 1.0)
    return (x - low) / width, low, width


@standardise.mistake(
    "You took mean and spread along axis 1, and numpy cannot line n of them up with d features. "
    "Axis 0 runs over the examples."
)
def along_rows_and_flat(x):
    mean, std = column_scales(x, axis=1)
    return (x - mean) / std, mean, std


@standardise.mistake("Return three things in this order: the standardised x, mean, std.")
def wrong_order(x):
    mean, std = column_scales(x)
    return mean, std, (x - mean) / std


standardise.hint("Mean and spread of each column: shapes (d,). Broadcasting does the rest.")
standardise.hint("`x.mean(axis=0)` averages over the examples. `np.where` can replace the zeros.")
standardise.hint("Which axis disappears when you average over the examples?", when="shape")
standardise.hint("What is 0 / 0? Replace a std of 0 by 1 before dividing.", when="nan")
standardise.hint("Is your spread divided by n or by n − 1?", when="factor")
standardise.hint("Bracket the difference before you divide it.", when="offset")
standardise.hint("`x -= mean` writes into the array you were given.", when="changes input")
standardise.hint("[[0, 10], [4, 30]] should give [[−1, −1], [1, 1]].", when="value")
