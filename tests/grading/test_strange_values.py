"""Values of a learner's own classes neither hang a check nor escape from it."""

from __future__ import annotations

import numpy as np
import pytest

from descent.grading import Exercise, judge
from descent.grading.report import NOT_RIGHT


def loops(*_):
    while True:
        pass


def leaves(*_):
    raise SystemExit(1)


def fails(*_):
    raise ValueError("no")


HOOKS = ("__repr__", "__array__", "__eq__", "__float__", "__getattr__", "__len__", "__bool__",
         "__deepcopy__", "__getattribute__")  # fmt: skip


@pytest.mark.parametrize("does", [loops, leaves, fails])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_value_that_answers_no_question(slope: Exercise, hook, does) -> None:
    strange = type("Strange", (), {hook: does})
    report = judge(slope, lambda w, x, y: strange(), seconds=0.05)
    assert report.outcome == NOT_RIGHT
    assert report.as_text() and report.as_html() and report.as_json()


class Endless(list):
    __len__ = __iter__ = loops


class Number(float):
    __float__ = __repr__ = __format__ = loops


class Secretive(type):
    def __getattribute__(cls, name):
        raise ValueError(name)


class Secret(metaclass=Secretive):
    pass


class Untold(Exception):
    __str__ = loops


def raises_untold(w, x, y):
    raise Untold


ITSELF: list = []
ITSELF.append(ITSELF)


@pytest.mark.parametrize(
    "answer",
    [
        lambda w, x, y: Endless([1.0]),
        lambda w, x, y: Number(1.0),
        lambda w, x, y: Secret(),
        lambda w, x, y: ITSELF,
        lambda w, x, y: tuple([1.0] * 10**6),
        lambda w, x, y: np.zeros(10**8),
        raises_untold,
    ],
    ids=["list", "number", "class", "itself", "tuple", "array", "exception"],
)
def test_a_value_of_a_strange_class_or_size(slope: Exercise, answer) -> None:
    report = judge(slope, answer, seconds=0.2)
    assert report.outcome == NOT_RIGHT and report.as_text()


@pytest.mark.parametrize("does", [loops, leaves, fails])
@pytest.mark.parametrize("hook", ["__getattr__", "__signature__"])
def test_an_answer_that_answers_no_question(slope: Exercise, hook, does) -> None:
    members = {
        hook: property(does) if hook == "__signature__" else does,
        "__call__": lambda self, w, x, y: 0.5,
    }
    assert judge(slope, type("Strange", (), members)(), seconds=0.05).outcome == NOT_RIGHT
