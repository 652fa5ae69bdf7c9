"""What an answer returns is of the type that the exercise says, or it is told how it is not."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import jax
import numpy as np
import pytest
import torch

from descent.grading.returns import MOST_LOOKED_AT, in_words, wrong_type


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, float), (3, float), (np.float32(1), float), (np.int64(1), int), (True, bool),
        (np.bool_(True), bool), ("a", str), (b"a", bytes), (None, None), (None, float | None),
        ([1, 2], list[int]), ((1, 2), list[int]), ([1, 2.5], tuple[int, float]), ([], list[int]),
        ((1, 2, 3), tuple[int, ...]), ({"a": 1}, dict[str, int]), ([[1], []], list[list[int]]),
        ({"a": [1]}, dict[str, list[int]]), (np.ones(2), np.ndarray), (np.float64(2), np.ndarray),
        (torch.ones(2), torch.Tensor), (torch.nn.Parameter(torch.ones(1)), torch.Tensor),
        (jax.numpy.ones(2), jax.Array), (torch.ones(2), np.ndarray | torch.Tensor),
        (iter([1]), Iterator[int]), ([1], Iterable[int]), (iter(["a"]), Iterable[int]),
        ((i for i in ()), Generator[int, None, None]), (len, Callable), (object(), Any),
        ([1, None], list[int | None]), ({1}, set[int]),
    ],
)  # fmt: skip
def test_what_fits(value, kind) -> None:
    assert wrong_type(value, kind) is None


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (None, float, "It is None; it should be a plain number. Is a `return` missing?"),
        (2.0, int, "It is the number 2.0, which is no `int`; it should be a whole number."),
        (2.5, int, "`int`, `round` or `//` gives one."),
        (True, int, "It is the truth value True; it should be a whole number."),
        (1, bool, "It is the whole number 1; it should be True or False."),
        (torch.tensor(2.5), float, "a tensor that holds one number, 2.5; it should be a plain "
                                   "number. `.item()` gives it."),
        (torch.ones(3), float, "It is a tensor of shape (3,); it should be a plain number."),
        (jax.numpy.float32(1), float, "a JAX array that holds one number, 1;"),
        (jax.numpy.ones(3), np.ndarray, "a JAX array of shape (3,); it should be a numpy array."),
        (jax.numpy.ones(3), torch.Tensor, "a JAX array of shape (3,); it should be a tensor."),
        (np.ones(3), jax.Array, "It is an array of shape (3,); it should be a JAX array."),
        (torch.ones(3), list[float], "should be a list of plain numbers. `.tolist()` makes one"),
        ([1, "a"], list[int], "Its entry `[1]` is the text 'a'; it should be a whole number."),
        ([[1], [1, 2.0]], list[list[int]], "Its entry `[1][1]` is the number 2.0"),
        ([1, (2, None)], tuple[int, tuple[int, float]], "Its entry `[1][1]` is None; it should"),
        ({"a": [1, "b"]}, dict[str, list[int]], "What it has at `['a'][1]` is the text 'b'"),
        ({"a": 1, 3: 2}, dict[str, int], "One of its keys is the whole number 3; it should be a t"),
        ([1, "a"], list[int] | None, "Its entry `[1]` is the text 'a'"),
        ("a", float | None, "it should be a plain number or None."),
        ((1, 2, 3), tuple[int, int], "a tuple of 3 entries; it should be a tuple of 2 whole numb"),
        ([], tuple[int, float], "an empty list; it should be a tuple of a whole number and a pla"),
        ([1], Iterator[int], "It is a list of 1 entry; it should be an iterator of whole numbers."),
        (["a"], Iterable[int], "Its entry `[0]` is the text 'a'"),
        (len, float, "It is the function `len` itself; it should be a plain number."),
        (float, float, "It is the class `float` itself; it should be a plain number."),
        ((i for i in ()), list[int], "It is a generator; it should be a list of whole numbers."),
        (torch.nn.Linear(1, 1), torch.Tensor, "It is of type `Linear`; it should be a tensor."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_words(value, kind, words: str) -> None:
    found = wrong_type(value, kind)
    assert found is not None and words in found.words
    assert found.symptom == ("none" if value is None else found.symptom)


def test_an_iterator_is_not_begun() -> None:
    numbers = iter([1, 2])
    for kind in (Iterator[int], Iterable[int], list[int], float):
        wrong_type(numbers, kind)
    assert list(numbers) == [1, 2]


def test_of_a_huge_list_some_entries_are_looked_at() -> None:
    class Watched(list):
        looked_at = 0

        def __getitem__(self, place):
            Watched.looked_at += 1
            return super().__getitem__(place)

    assert wrong_type(Watched([0] * 10**6), list[int]) is None
    assert Watched.looked_at <= 2 * MOST_LOOKED_AT + 4
    assert "[100000]" in wrong_type([0] * 10**5 + ["a"], list[int]).words
    assert "'a'" in wrong_type({**dict.fromkeys(range(10**5), 0), "a": 0}, dict[int, int]).words


def loops(*_):
    while True:
        pass


def fails(*_):
    raise ValueError("no")


class Unequal(type):
    __hash__ = None  # type: ignore[assignment]
    __eq__ = fails


class Secretive(type):
    __getattribute__ = fails


ODD = {
    "class": type("Odd", (), {"__class__": property(fails)}),
    "silent": type("Silent", (), {"__getattribute__": fails}),
    "unequal": Unequal("Unequalled", (), {}),
    "secretive": Secretive("Secret", (), {}),
    "list": type("Lengthless", (list,), {"__len__": fails, "__iter__": fails}),
}


@pytest.mark.parametrize("kind", [float, int, list[int], dict[str, int], torch.Tensor, np.ndarray])
@pytest.mark.parametrize("odd", ["class", "silent", "unequal", "secretive", "list"])
def test_a_learners_odd_class_is_of_the_wrong_type(odd, kind) -> None:
    made = ODD[odd]()
    found = wrong_type(made, kind)
    assert found is not None and "it should be" in found.words


def test_a_class_that_never_answers_is_of_the_wrong_type() -> None:
    endless = type("Endless", (), {"__class__": property(loops)})()
    assert "`Endless`" in wrong_type(endless, list[int]).words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (float, "returns a plain number"),
        (list[str], "returns a list of texts"),
        (tuple[float, float], "returns a tuple of 2 plain numbers"),
        (tuple[torch.Tensor, float, None], "returns a tuple of a tensor, a plain number and None"),
        (dict[str, torch.Tensor], "returns a dictionary of tensors by texts"),
        (Iterable[int], "returns something to loop over that gives whole numbers"),
        (Iterator[tuple[torch.Tensor, torch.Tensor]], "returns an iterator of tuples of 2 tensors"),
        (torch.optim.Optimizer, "returns an `Optimizer`"),
        (list[torch.optim.Optimizer], "returns a list of `Optimizer` objects"),
        (jax.Array, "returns a JAX array"),
        (np.random.Generator, "returns a random generator"),
    ],
)
def test_the_line_of_the_report(kind, words: str) -> None:
    assert in_words(kind) == words
