"""Differences are said in words that point at the cause."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descent.grading.differences import difference, dimensions_of

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
        (WANT[:3], WANT, "length", "1 element too few"),
        (np.append(WANT, [1, 2]), WANT, "length", "2 elements too many"),
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
        (2.0, 1.0, "factor", "2 times"),
        (WANT + 1, WANT, "offset", "1"),
        (np.roll(WANT, 1), WANT, "shift", "late"),
        (np.roll(WANT, -1), WANT, "shift", "early"),
        (WANT[[2, 0, 3, 1]], WANT, "order", "order"),
        (np.array([1.0, -2.0, 9.0, 0.5]), WANT, "value", "index 2"),
        (1.37, 1.0, "value", "0.37"),
        (True, False, "value", "should be False"),
        (np.array([True, True]), np.array([True, False]), "value", "1 of 2 truth values"),
        (np.array([3.0]), 3.0, "shape", "(1,)"),
        (np.array([-np.inf, 5.0]), np.array([-np.inf, 2.0]), "value", "index 1"),
        (np.array([5.0, 5.0, 6.0]), np.array([5.0, 5.0, 5.0]), "value", "index 2"),
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
