"""Differences are said in words that point at the cause."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descent.grading.differences import difference, dimensions_of, shape_difference

WANT = np.array([1.0, -2.0, 4.0, 0.5])
SQUARE = np.array([[1.0, 2.0], [3.0, 5.0]])
WIDE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])


@pytest.mark.parametrize(
    ("actual", "expected", "symptom", "words"),
    [
        (None, WANT, "none", "return"),
        ("text", WANT, "type", "`str`"),
        ([[1.0], [1.0, 2.0]], WANT, "shape", "parts"),
        (WANT[:, None], WANT, "shape", "(4, 1)"),
        (WANT[:3], WANT, "length", "1 number too few"),
        (np.append(WANT, [1, 2]), WANT, "length", "2 numbers too many"),
        (WIDE.T, WIDE, "transposed", "transpose"),
        (SQUARE.T, SQUARE, "transposed", "transpose"),
        (np.array([1.0, np.nan, 4.0, 0.5]), WANT, "nan", "1 of 4"),
        (float("nan"), 1.0, "nan", "NaN"),
        (np.array([np.inf, -2.0, 4.0, 0.5]), WANT, "infinite", "infinite"),
        (-WANT, WANT, "sign", "opposite"),
        (3 * WANT, WANT, "factor", "3 times too large"),
        (WANT / 2, WANT, "factor", "2 times too small"),
        (WANT * 255 / 256, WANT, "factor", "too small by 0.39"),
        (-2 * WANT, WANT, "factor", "opposite sign"),
        (2.0, 1.0, "factor", "It is 2 where 1 is right."),
        (WANT + 1, WANT, "offset", "1"),
        (np.roll(WANT, 1), WANT, "shift", "late"),
        (np.roll(WANT, -1), WANT, "shift", "early"),
        (WANT[[2, 0, 3, 1]], WANT, "order", "largest to the smallest"),
        (WANT[[2, 0, 1, 3]], WANT, "order", "order is not"),
        (np.array([1.0, -2.0, 9.0, 0.5]), WANT, "value", "9 at `[2]`"),
        (1.37, 1.0, "value", "1.37 where 1 is right"),
        (True, False, "value", "should be False"),
        (np.array([True, True]), np.array([True, False]), "value", "1 of 2 truth values"),
        (np.array([3.0]), 3.0, "shape", "(1,)"),
        (np.array([-np.inf, 5.0]), np.array([-np.inf, 2.0]), "value", "5 at `[1]`"),
        (np.array([5.0, 5.0, 6.0]), np.array([5.0, 5.0, 5.0]), "value", "right but the last"),
        (WANT * 1.0004, WANT, "value", "nearly right"),
    ],
)
def test_symptom_and_words(actual, expected, symptom: str, words: str) -> None:
    found = difference(actual, expected, rtol=1e-4, atol=None)
    assert found is not None
    assert found.symptom == symptom
    assert words in found.words


@pytest.mark.parametrize(
    "actual",
    [
        WANT.tolist(),
        tuple(WANT),
        WANT.astype(np.float32),
        torch.tensor(WANT),
        torch.tensor(WANT, requires_grad=True),
        torch.tensor(WANT, dtype=torch.float32),
        [torch.tensor(number) for number in WANT],
        WANT * (1 + 1e-6),
    ],
)
def test_the_same_numbers_in_any_clothes_agree(actual) -> None:
    assert difference(actual, WANT, rtol=1e-4, atol=None) is None


def test_a_factor_that_is_a_size_of_an_input_is_told_as_such() -> None:
    sizes = dimensions_of({"x": np.zeros((7, 3)), "y": np.zeros(7), "w": 1.0})
    found = difference(7 * WANT, WANT, rtol=1e-4, atol=None, dimensions=sizes)
    assert found is not None
    assert "the number of rows of `x`" in found.words


def test_float32_noise_in_a_sum_that_cancels_is_no_difference() -> None:
    want = np.array([1e4, 1e-4])
    assert difference(want + np.array([1e-3, 1e-3]), want, rtol=1e-4, atol=None) is None


def test_comparing_with_something_that_is_no_number_is_the_authors_mistake() -> None:
    with pytest.raises(TypeError, match="numbers"):
        difference(1.0, "one", rtol=1e-4, atol=None)


def test_one_right_number_in_the_wrong_shape_is_not_called_right() -> None:
    found = difference(np.array([3.0]), 3.0, rtol=1e-4, atol=None)
    assert found is not None and "numbers are right" not in found.words


def words_of(actual, expected) -> str:
    found = difference(actual, expected, rtol=1e-4, atol=None)
    assert found is not None
    return found.words


IRREGULAR = np.sqrt([2.0, 3.0, 5.0, 7.0])
GRID = np.arange(12.0).reshape(3, 4) + 0.5


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        ([1, 2, 3], [1, 2, 3, 4, 5], "It has 3 entries; it should have 5. They are right as far"),
        ([], [1, 2], "It is empty; it should have 2 entries."),
        ([1, 2], 4.0, "It has 2 entries; it should be a single number."),
        (3.0, [1, 2], "It is a single number; it should have 2 entries. It is the sum"),
        (3.0, np.ones(2), "It is a single number; its shape should be (2,)."),
        ([[1], [2]], GRID, "It has 2 entries of 1 number each; it should have 3 entries of 4 num"),
        (WIDE.T.tolist(), WIDE.tolist(), "It is the transpose"),
        ([9, 1, 2, 3], [1, 2, 3], "The last 3 are right; 1 more comes before."),
        ([1, 3, 4], [1, 2, 3, 4], "the one at `[1]` is missing"),
        ([1, 7, 2, 3], [1, 2, 3], "the one at `[1]` is too many"),
        ([None, 1.0], [1, 2], "Its entry `[0]` is None."),
        ([1.0, "a"], [1, 2], "Its entry `[1]` is of type `str`, not a number."),
        ([[1], [1, 2]], GRID, "several lengths: 1 and 2"),
    ],
)
def test_of_a_list_its_entries_are_told_and_no_shape(actual, expected, words: str) -> None:
    said = words_of(actual, expected)
    assert words in said
    if isinstance(actual, list):
        assert "shape" not in said and "tensor" not in said


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (GRID[1], GRID, "the part `[1]` of the right answer alone"),
        (GRID[:, 2], GRID, "the part `[:, 2]` of the right answer alone"),
        (GRID, GRID[0], "Its part `[0]` alone is right."),
        (GRID, GRID.mean(), "The mean of its numbers is right."),
        (GRID, GRID.sum(1), "Its sum over axis 1 is right."),
        (GRID.mean(0), GRID[:, :3], "Its shape is (4,); it should be (3, 3)."),
        (GRID[0][:, None] - GRID[0], GRID[0], "did one meet the other?"),
        (GRID.ravel(), GRID, "The numbers are right."),
    ],
)
def test_what_is_right_in_the_wrong_shape_is_told(actual, expected, words: str) -> None:
    assert words in words_of(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (6.0, 3.0, "It is 6 where 3 is right."),
        (1e-9, 7.093e-8, "It is 1e-09 where 7.093e-08 is right."),
        (0.1369, 0.37, "It is 0.1369 where 0.37 is right: it is the square of the right one."),
        (4.0, 2.0, "It is 4 where 2 is right."),
        (-0.5, 0.5, "opposite sign"),
        (3.0, 3.7, "without what stands after the point"),
        (WANT * 0 + 0, WANT, "Every number is 0."),
        (WANT * 0 + 2, WANT, "Every number is the same, 2."),
        (abs(WANT), WANT, "without its sign"),
        (1 / WANT, WANT, "1 divided by the right one"),
        (1 - WANT, WANT, "1 minus the right one"),
        (WANT**2, WANT, "the square of the right one"),
        (WANT / np.log(2), WANT, "base 2"),
        (WANT / np.log(10), WANT, "base 10"),
        (np.floor(GRID), GRID, "Does `//` or `int` cut it off?"),
        (np.floor([-1.5, 2.5]), [-1.5, 2.5], "rounded down (`//`, `floor`)"),
        (np.trunc([-1.5, 2.5]), [-1.5, 2.5], "cut off at the point (`int`)"),
        (np.array([0.33, 0.67]), np.array([1 / 3, 2 / 3]), "rounded to 2 decimals"),
        (3.2 * np.array([0.2, 0.3, 0.5]), [0.2, 0.3, 0.5], "these add up to 3.2"),
        (WANT[::-1], WANT, "reverse order"),
        (np.sort(WANT), WANT, "sorted from the smallest"),
        (WANT[[0, 3, 2, 1]], WANT, "numbers at `[1]` and `[3]` are exchanged"),
        (GRID[[1, 2, 0]], GRID, "The rows are right and their order is not."),
        (np.cumsum(GRID[0]), GRID[0], "the sum of the right ones up to there"),
        (np.maximum(WANT - 1, 0), WANT - 1, "those that should be negative: they are 0"),
        (GRID * [[2], [3], [5]], GRID, "Each row is the right one times a number of its own."),
        (GRID**2 + [[1], [2], [3]], GRID**2, "Each row is the right one with the same number add"),
        (np.where(np.eye(3), 9, SQUARE[0, 0]), np.full((3, 3), 1.0), "but the diagonal"),
        (
            GRID + [0, 0, 3, 0],
            GRID,
            "All are right but column `[:, 2]`: 5.5 at `[0, 2]`, where 2.5",
        ),
        (GRID + np.eye(3, 4) * [0, 2, 0, 0], GRID, "1 of 12 numbers is wrong: 7.5 at `[1, 1]`"),
        (WANT * [2, 1.4, 3, 9], WANT, "All 4 numbers are wrong, the first: 2 at `[0]`"),
        (np.float32(IRREGULAR) * np.float32(1.0002), IRREGULAR, "float32 can hold"),
        (np.array([np.inf, 0.5]), [0, 0.5], "1 of 2 numbers is infinite, the one at `[0]`"),
        (np.array([np.nan, np.nan, 1]), [0, 0, 1], "NaN (not a number), just where 0 is right"),
    ],
)
def test_words_for_values(actual, expected, words: str) -> None:
    assert words in words_of(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected", "words"),
    [
        (~np.array([True, False]), np.array([True, False]), "the opposite"),
        (
            np.array([True] * 4),
            np.array([True, False] * 2),
            "2 of 4 truth values are wrong: all are",
        ),
        (np.array([1.0, 0.5]), np.array([True, False]), "made of numbers"),
    ],
)
def test_words_for_truth_values(actual, expected, words: str) -> None:
    assert words in words_of(actual, expected)


def test_a_shape_alone() -> None:
    assert shape_difference([1, 2], (2,)) is None
    assert shape_difference(None, (2,)).symptom == "none"
    assert shape_difference([1, 2], (3,)).words == "It has 2 entries; it should have 3."
    assert shape_difference(torch.ones(2), (3,)).words == "Its shape is (2,); it should be (3,)."
