"""Copies share nothing with the original, and anything can be shown."""

from __future__ import annotations

import random
import sys
from collections import namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

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


class Block:
    pass


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Linear(3, 4), torch.nn.Linear(4, 5)

    def step(self):
        pass


Pair = namedtuple("Pair", ["loss", "slope"])


@dataclass
class Batch:
    size: int
    pictures: torch.Tensor


SENTENCE = "the quick brown fox jumps over the lazy dog and runs away from a bear in the wood"
WORDS = SENTENCE.split()
WEIGHTS = {"weight": torch.zeros(3, 4), "bias": torch.zeros(4)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.33333"),
        (np.float32(2.0), "2"),
        (np.arange(3.0), "[0, 1, 2]"),
        (torch.zeros(2, 2), "[[0, 0], [0, 0]]"),
        ((1, 2.5), "(1, 2.5)"),
        ((1,), "(1,)"),
        (None, "None"),
        (True, "True"),
        (3 - 4j, "3-4j"),
        (np.zeros(0), "[]"),
        ([], "[]"),
        (set(), "set()"),
        ({3}, "{3}"),
        (torch.Generator(), "a random generator"),
        (np.random.default_rng(0), "a random generator"),
        (random.Random(0), "a random generator"),
        (np.zeros((40, 3)), "array of shape (40, 3): [[0, 0, 0], …, [0, 0, 0]]"),
        (torch.arange(30), "tensor of shape (30,): [0, 1, 2, …, 27, 28, 29]"),
        (torch.ones(2, 3, 4, 5), "tensor of shape (2, 3, 4, 5): 1, 1, 1, …, 1, 1, 1"),
        (torch.float32, "torch.float32"),
        (torch.Size([3, 4]), "(3, 4)"),
        (WEIGHTS, "{'weight': tensor of shape (3, 4), 'bias': [0, 0, 0, 0]}"),
        (Pair(0.5, torch.ones(2)), "Pair(loss=0.5, slope=[1, 1])"),
        (Batch(9, torch.ones(99)), "Batch(size=9, pictures=tensor of shape (99,): "
                                   "[1, 1, 1, …, 1, 1, 1])"),
        ([torch.zeros(9, 9)], "[tensor of shape (9, 9)]"),
        (["cat", None, 1.0], "['cat', None, 1]"),
    ],
)  # fmt: skip
def test_values_are_shown_briefly(value, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (352_000, "352000"),
        (528_000.0, "528000"),
        (528_123.48, "528123.5"),
        (9_999_999.5, "9999999.5"),
        (1e-4, "0.0001"),
        (0.000123456, "0.00012346"),
        (-98.7654321, "-98.765"),
        (1e7, "10000000"),
        (10**7, "10000000"),
        (9e-5, "9e-05"),
        (1e30, "1e+30"),
        (-0.0, "0"),
        (float("nan"), "NaN"),
        (-np.inf, "-inf"),
        (10**1000, "an integer of about 1000 digits"),
    ],
)
def test_numbers_have_one_notation(number: float, text: str) -> None:
    assert short(number) == text
    assert short([number]) == f"[{text}]"


def test_a_whole_number_reads_the_same_as_a_float() -> None:
    for seed in range(200):
        size = 10 ** np.random.default_rng(seed).uniform(0, 15)
        assert short(int(size)) == short(float(int(size)))


def test_a_number_that_is_shown_is_the_number_to_five_digits() -> None:
    for seed in range(500):
        rng = np.random.default_rng(seed)
        number = float(rng.normal() * 10 ** rng.uniform(-8, 12))
        assert float(short(number)) == pytest.approx(number, rel=5.1e-5)
        assert ("e" in short(number)) == (not 1e-4 <= abs(number) < 1e7)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (iter([1, 2]), "an iterator"),
        (map(len, []), "an iterator"),
        ((part for part in ()), "a generator"),
        (Block(), "a `Block` object"),
        ([Block()], "[a `Block` object]"),
        (Net(), "a `Net` object"),
        (Net, "Net"),
        (Net().step, "step"),
        (lambda: 0, "a function without a name"),
        ({"block": Block()}, "{'block': a `Block` object}"),
        (torch.nn.Linear(3, 4), "Linear(in_features=3, out_features=4, bias=True)"),
    ],
)
def test_no_place_in_memory_is_shown(value, text: str) -> None:
    assert short(value) == text
    assert "0x" not in short([value, SimpleNamespace(inside=value)])


def test_an_iterator_that_is_shown_is_not_used_up() -> None:
    numbers = iter([1, 2])
    short(numbers), short([numbers])
    assert next(numbers) == 1


def test_a_long_list_shows_its_first_and_last_entries_and_how_many() -> None:
    assert short(WORDS).startswith("['the', 'quick', 'brown',")
    assert short(WORDS).endswith("'in', 'the', 'wood']")  # all of them
    assert short(WORDS * 2).startswith("['the', 'quick', 'brown',")
    assert short(WORDS * 2).endswith("…, 'in', 'the', 'wood'] (36 entries)")
    assert short(list(range(99))).endswith(", 8, …, 96, 97, 98] (99 entries)")
    assert short([["a long text" * 9]] * 9).endswith("(9 entries)")


def test_a_long_text_is_cut_in_the_middle() -> None:
    text = short("begin" + "x" * 1000 + "end")
    assert text.startswith("'beginxx") and text.endswith("xxend' (1008 characters)")
    assert short(b"begin" + bytes(1000)).endswith("(1005 bytes)")


def test_the_type_of_the_numbers_is_told_where_it_matters() -> None:
    assert short(torch.ones(2), dtype=True) == "[1, 1], of dtype float32"
    assert short(np.arange(2), dtype=True) == "[0, 1], of dtype int64"
    assert short(2.0, dtype=True) == "2 (float)"
    assert short("a", dtype=True) == "'a'"


def test_values_agree_by_number_not_by_type() -> None:
    assert same([1.0, 2.0], torch.tensor([1, 2]))
    assert not same([1.0, 2.0], [[1.0, 2.0]])
    assert not same(None, 0.0)
    assert same({"a": np.ones(2)}, {"a": [1.0, 1.0]})


def test_large_values_are_shown_by_their_size() -> None:
    assert short(tuple([1.0] * 10**6)).startswith("(1, 1, 1")
    assert short([object()] * 10**6).endswith("(1000000 entries)")
    assert short(dict.fromkeys(range(10**5))).endswith("5: None, …} (100000 entries)")
    assert short(set(range(10**5))) == "{0, 1, 2, 3, 4, 5, …} (100000 entries)"
    assert short(10**10**4) == "an integer of about 10000 digits"
    assert len(short("a" * 10**7)) <= 400


def test_what_is_no_array_is_seen_at_its_first_entry() -> None:
    class Counted(str):
        looked_at = 0

        def __array__(self, *_, **__):
            Counted.looked_at += 1
            raise ValueError

    assert to_array([Counted()] * 10**6) is None
    assert Counted.looked_at <= 2


def test_a_list_in_itself_is_shown() -> None:
    itself: list = []
    itself.append(itself)
    assert short(itself) == "[[[[a list of 1 entry]]]]"


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
