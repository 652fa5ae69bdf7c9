"""Copies share nothing with the original, and anything can be shown."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from descent.grading.values import independent_copy, same, short, to_array, worth_keeping


def test_a_copied_torch_generator_goes_its_own_way_and_leaks_nothing() -> None:
    generator = torch.Generator().manual_seed(3)
    before = sys.getrefcount(None)
    copies = [independent_copy(generator) for _ in range(200)]
    assert sys.getrefcount(None) > before - 100
    drawn = torch.rand(2, generator=copies[0])
    assert torch.equal(drawn, torch.rand(2, generator=generator))


def test_a_tensor_inside_a_graph_can_be_copied() -> None:
    inside = torch.ones(2, requires_grad=True) * 2
    copied = independent_copy(inside)
    copied.data += 1
    assert inside.tolist() == [2.0, 2.0] and copied.requires_grad


def test_an_object_whose_repr_fails_is_shown_all_the_same() -> None:
    class Broken:
        def __repr__(self):
            raise AttributeError("_modules")

    assert "Broken" in short(Broken())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.33333"),
        (np.float32(2.0), "2"),
        (np.arange(3.0), "[0, 1, 2]"),
        (torch.zeros(2, 2), "[[0, 0], [0, 0]]"),
        ((1, 2.5), "(1, 2.5)"),
        (np.zeros((40, 3)), "array of shape (40, 3) starting 0, 0, 0, 0, …"),
        (torch.Generator(), "a random generator"),
        (np.random.default_rng(0), "a random generator"),
        (None, "None"),
        (np.zeros(0), "[]"),
    ],
)
def test_values_are_shown_briefly(value, text: str) -> None:
    assert short(value) == text


def test_values_agree_by_number_not_by_type() -> None:
    assert same([1.0, 2.0], torch.tensor([1, 2]))
    assert not same([1.0, 2.0], [[1.0, 2.0]])
    assert not same(None, 0.0)
    assert same({"a": np.ones(2)}, {"a": [1.0, 1.0]})


def test_large_values_are_shown_by_their_size() -> None:
    assert short(tuple([1.0] * 10**6)).startswith("array of shape (1000000,) starting 1, 1")
    assert short([object()] * 10**6) == "a list of 1000000 entries"
    assert short(dict.fromkeys(range(10**5))) == "a dict of 100000 entries"
    assert short(10**10**4) == "an integer of about 10000 digits"
    assert len(short("a" * 10**7)) <= 400


def test_a_value_too_large_to_keep_is_stood_for_by_what_a_report_shows() -> None:
    large = np.zeros(10**6 + 1)
    assert repr(worth_keeping(large)) == short(large)
    assert same(worth_keeping(large), worth_keeping(large.copy()))
    small = np.zeros(3)
    assert worth_keeping(small) is small


def test_a_list_of_numbers_is_an_array_whatever_their_types() -> None:
    mixed = [1, 2.5, True, np.float32(4)]
    assert to_array(mixed).tolist() == [1, 2.5, 1, 4]
    assert to_array([]).shape == (0,)
    assert to_array(["a", 1]) is None and to_array([[1, 2], [3]]) is None
    assert to_array([torch.tensor(1.0), 2]).tolist() == [1, 2]
