"""What a notebook replaces in the libraries does not reach a check, and is named."""

from __future__ import annotations

import builtins
import math
import random

import numpy as np
import pytest
import torch

from descent.grading import Exercise, judge
from descent.grading.originals import hidden_builtins, put_back, replaced
from descent.grading.report import CORRECT, NOT_RIGHT


@pytest.fixture(autouse=True)
def undone():
    yield
    put_back()


def right(w, x, y):
    return 2 * np.mean((w * x - y) * x)


@pytest.mark.parametrize(
    ("owner", "name", "shown", "value"),
    [
        (np.random, "seed", "np.random.seed", 42),
        (torch, "manual_seed", "torch.manual_seed", 0),
        (random, "seed", "random.seed", 1),
        (np, "array", "np.array", None),
        (np, "random", "np.random", 7),
        (math, "pi", "math.pi", 3),
        (torch.Tensor, "numpy", "torch.Tensor.numpy", "nothing"),
        (torch, "Tensor", "torch.Tensor", list),
        (builtins, "sum", "sum", 3),
        (builtins, "len", "len", lambda thing: 1),
        (builtins, "isinstance", "isinstance", lambda thing, kind: True),
    ],
)
def test_a_replaced_function_fails_no_right_answer_and_is_named(
    slope: Exercise, monkeypatch, owner, name, shown, value
) -> None:
    before = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        report = judge(slope, right)
        now = vars(owner)[name]
    finally:
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
    assert report.outcome == CORRECT
    assert f"`{shown}`" in report.notes[0] and "put_back" in report.as_text()
    assert now is value


@pytest.mark.parametrize("name", ["allclose", "isclose", "abs", "asarray"])
def test_a_replaced_comparison_lets_no_wrong_answer_pass(
    slope: Exercise, monkeypatch, name
) -> None:
    monkeypatch.setattr(np, name, lambda *values, **options: np.True_)
    assert judge(slope, lambda w, x, y: 0.3).outcome == NOT_RIGHT


def test_an_answer_that_assigns_where_it_means_to_call_is_told_so(slope: Exercise) -> None:
    def assigns(w, x, y):
        np.random.seed = 0
        return right(w, x, y)

    seed = np.random.seed
    report = judge(slope, assigns)
    assert "`np.random.seed`" in report.message and "brackets" in report.message
    assert np.random.seed is seed


def test_an_answer_that_makes_every_comparison_true_does_not_pass(slope: Exercise) -> None:
    def cheats(w, x, y):
        np.allclose = lambda *values, **options: True
        return 0.3

    allclose = np.allclose
    assert "`np.allclose`" in judge(slope, cheats).message
    assert np.allclose is allclose


def test_put_back_undoes_every_replacement() -> None:
    seed = np.random.seed
    np.random.seed, torch.Tensor.sum = 42, None
    assert {place.shown for place in replaced()} == {"np.random.seed", "torch.Tensor.sum"}
    put_back()
    assert np.random.seed is seed and torch.ones(3).sum() == 3
    assert replaced() == ()


def test_what_the_libraries_replace_themselves_is_not_held_against_the_notebook() -> None:
    import torch._dynamo  # wraps torch.manual_seed

    torch.set_default_dtype(torch.float64)  # replaces torch.Storage
    torch.set_default_dtype(torch.float32)
    assert replaced() == ()


def test_a_builtin_whose_name_stands_for_a_number_is_pointed_out() -> None:
    names: dict = {"sum": 5, "max": lambda a, b: a, "list": [1]}
    exec("def answer(x):\n    return sum([max(x, 1), len([])])", names)
    assert hidden_builtins(names["answer"], names) == ["sum"]
