"""Of a class, the case shown is the method's call that failed; the class itself is unharmed."""

from __future__ import annotations

import contextlib
import copy
import pickle
import sys

import numpy as np
import torch
from torch import nn

from descent.grading import Draw, Exercise, expect, judge
from descent.grading.calls import FIRST_CALLS, FORGOTTEN, LAST_CALLS, WatchedAnswer
from descent.grading.expectations import Record, recording
from descent.grading.report import CORRECT


class Scale(nn.Module):
    """Multiplies by a factor, wrong by 1 in evaluation mode."""

    def __init__(self, factor, shift=0.0):
        super().__init__()
        self.factor, self.shift = factor, shift

    def forward(self, x):
        return self.inner(x) + (not self.training)

    def inner(self, x):
        return self.factor * x + self.shift


class Tokeniser:
    """Every kind of method."""

    def __init__(self, vocabulary):
        self.vocabulary = vocabulary

    @staticmethod
    def plain(text):
        return text.lower()

    @classmethod
    def of(cls, text):
        return cls(sorted(set(text)))

    @property
    def size(self):
        return len(self)

    def __len__(self):
        return len(self.vocabulary)

    def __getitem__(self, place):
        return self.vocabulary[place]

    def __iter__(self):
        for place in range(len(self.vocabulary)):
            yield self[place]

    def __contains__(self, letter):
        return letter in self.vocabulary

    def encode(self, text):
        return [self.find(letter) for letter in self.plain(text)]

    def find(self, letter):
        return self.vocabulary.index(letter)

    def decode(self, ids):
        return "".join(self[place] for place in ids)

    def depth(self, n):
        return 0 if n == 0 else 1 + self.depth(n - 1)

    def spoil(self, ids):
        ids.append(9)
        return ids


def watched(answer):
    """What a property is handed, inside the time for which methods are recorded."""
    return WatchedAnswer(answer, answer.__name__, (), Record())


def texts(answer) -> list[str]:
    return [call.text() for call in answer.calls]


def shown(answer, exercise: Exercise) -> str:
    failure = judge(exercise, answer, seed=1).failure
    assert failure is not None and failure.call is not None
    return failure.call


def test_the_failing_call_of_a_module_is_shown_with_its_mode_and_number() -> None:
    exercise = Exercise("Scale", minutes=1, difficulty=1)

    @exercise.property("scales")
    def _(answer, draw: Draw) -> None:
        layer = answer(3.0, shift=0.5)
        x = torch.tensor([1.0, 2.0])
        expect(layer(x), "in training").close_to(3 * x + 0.5)
        expect(layer.eval()(x), "in evaluation").close_to(3 * x + 0.5)

    assert shown(Scale, exercise) == (
        "Scale(factor=3, shift=0.5).eval()(x=[1, 2])  # call 2 of this object"
    )


def test_an_observation_is_about_the_call_that_returned_it() -> None:
    exercise = Exercise("Scale", minutes=1, difficulty=1)

    @exercise.property("scales")
    def _(answer, draw: Draw) -> None:
        layer = answer(2.0).eval()
        first, second = layer(torch.tensor(1.0)), layer(torch.tensor(5.0))
        expect(second, "the second").close_to(11.0)
        expect(first, "the first").close_to(2.0)

    @exercise.mistake("Something else.")
    def other(factor):
        return None

    with recording() as record:
        answer = WatchedAnswer(Scale, "Scale", (), record)
        with answer.methods_recorded():
            exercise.properties[0].run(answer, Draw(0, 1))
    failed = record.failed
    assert failed is not None and failed.call is not None
    assert answer.calls[failed.call].text() == "Scale(factor=2).eval()(x=1)"


def test_two_calls_that_give_the_same_small_number_are_told_apart_by_their_order() -> None:
    with recording() as record:
        answer = WatchedAnswer(lambda x: 0, "zero", (), record)
        one, two = answer(1), answer(2)
        expect(one, "one").equals(1)
        expect(two, "two").equals(2)
    assert [seen.call for seen in record.observations] == [0, 1]


def test_every_kind_of_call_has_its_notation_and_inner_calls_are_not_noted() -> None:
    answer = watched(Tokeniser)
    with answer.methods_recorded():
        made = answer(["a", "b"])
        assert made.encode("AB") == [0, 1]
        assert made.decode([1, 0]) == "ba"
        assert len(made) == 2 and made[1] == "b" and "a" in made
        assert [letter for letter in made] == ["a", "b"]  # noqa: C416  (`list` asks for a length)
        assert made.size == 2 and made.plain("A") == "a" and made.of("x").size == 1
    which = "Tokeniser(vocabulary=['a', 'b'])"
    noted = [text.partition("  #")[0] for text in texts(answer)]
    assert noted == [
        which,
        f"{which}.encode(text='AB')",
        f"{which}.decode(ids=[1, 0])",
        f"len({which})",
        f"{which}[1]",
        f"'a' in {which}",
        f"iter({which})",
    ]


def test_arguments_are_kept_as_they_were_and_what_came_back_too() -> None:
    answer = watched(Tokeniser)
    with answer.methods_recorded():
        ids = [1]
        back = answer(["a"]).spoil(ids)
        back.append(7)
    call = answer.calls[-1]
    assert call.arguments == {"ids": [1]} and call.returned == [1, 9] and call.finished


def test_the_class_is_as_before_whatever_happened() -> None:
    class Child(Tokeniser):
        def find(self, letter):
            return super().find(letter)

        def endless(self):
            while True:
                pass

    before = dict(vars(Child)), dict(vars(Tokeniser))
    exercise = Exercise("Child", minutes=1, difficulty=1, seconds=0.1)

    @exercise.property("ends")
    def _(answer, draw: Draw) -> None:
        made = answer(["a", "b"])
        assert "decode" in vars(Child) and dict(vars(Tokeniser)) == before[1]
        expect(made.encode("b"), "ids").equals([1])
        made.endless()

    report = judge(exercise, Child)
    assert report.failure is not None and report.failure.symptom == "slow"
    after = dict(vars(Child)), dict(vars(Tokeniser))
    for names in (*before, *after):
        names.pop("__annotations__", None)  # Python makes it when it is asked for
    assert after == before


def test_a_librarys_own_class_is_left_alone() -> None:
    class Layer(nn.Linear):
        pass

    for kind in (nn.Linear, dict, Layer):
        answer = watched(kind)
        before = dict(vars(kind))
        with answer.methods_recorded():
            assert ("forward" in vars(kind)) == (kind is not dict)
            if kind is nn.Linear:
                assert dict(vars(kind)) == before
            if kind is Layer:
                answer(2, 1)(torch.ones(2))
                assert "(input=[1, 1])" in answer.calls[-1].text()
        assert dict(vars(kind)) == before


def test_what_an_answer_puts_into_its_own_class_stays() -> None:
    class Changing:
        def value(self):
            type(self).value = lambda self: 2
            return 1

    answer = watched(Changing)
    with answer.methods_recorded():
        made = answer()
        assert made.value() == 1 and made.value() == 2
    assert Changing().value() == 2


def test_copies_pickles_and_bound_methods_work_during_and_after() -> None:
    answer = watched(Tokeniser)
    with answer.methods_recorded():
        made = answer(["a", "b"])
        twin, method = copy.deepcopy(made), made.encode
        assert twin.encode("b") == [1]
        assert answer.calls[-1].text() == "Tokeniser(…).encode(text='b')"
        Tokeniser.__module__ = __name__
        assert pickle.loads(pickle.dumps(made)).vocabulary == ["a", "b"]
    noted = len(answer.calls)
    assert method("ab") == [0, 1] and twin.encode("a") == [0] and len(answer.calls) == noted


def test_recursion_goes_as_deep_as_without() -> None:
    exercise = Exercise("Tokeniser", minutes=1, difficulty=1)
    deep = 800

    @exercise.property("recurses")
    def _(answer, draw: Draw) -> None:
        expect(answer([]).depth(deep), "the depth").equals(deep)

    limit = sys.getrecursionlimit()
    assert judge(exercise, Tokeniser).outcome == CORRECT
    assert sys.getrecursionlimit() == limit


def test_an_error_in_a_method_passes_with_the_learners_line_and_the_next_call_is_noted() -> None:
    answer = watched(Tokeniser)
    with answer.methods_recorded():
        made = answer(["a"])
        with contextlib.suppress(ValueError):
            made.encode("x")
        made.encode("a")
    assert [call.finished for call in answer.calls] == [True, False, True]

    exercise = Exercise("Tokeniser", minutes=1, difficulty=1)

    @exercise.property("encodes")
    def _(answer, draw: Draw) -> None:
        expect(answer(["a"]).encode("x"), "ids").equals([0])

    report = judge(exercise, Tokeniser)
    assert "return self.vocabulary.index(letter)" in report.message
    assert report.failure is not None
    assert report.failure.call == "Tokeniser(vocabulary=['a']).encode(text='x')"


def test_a_method_without_a_return_is_told_and_one_that_needs_none_is_not() -> None:
    class Counter:
        def __init__(self):
            self.n = 0

        def step(self):
            self.n += 1

        def value(self):
            self.n + 1  # noqa: B018

    needs_value = Exercise("Counter", minutes=1, difficulty=1)

    @needs_value.property("counts")
    def _(answer, draw: Draw) -> None:
        expect(answer().value() + 1, "the value").equals(2)

    needs_more = Exercise("Counter", minutes=1, difficulty=1)

    @needs_more.property("counts")
    def _(answer, draw: Draw) -> None:
        made = answer()
        made.step()
        expect(made.total, "the total").equals(1)

    assert "return" in judge(needs_value, Counter).message
    assert "return" not in judge(needs_more, Counter).message


def test_of_thousands_of_calls_the_first_the_last_and_those_referred_to_are_kept() -> None:
    with recording() as record:
        answer = WatchedAnswer(Scale, "Scale", (), record)
        with answer.methods_recorded():
            layer = answer(1.0)
            for i in range(1000):
                out = layer(torch.tensor(float(i)))
                if i == 500:
                    expect(out, "the output").close_to(0.0)
    kept = [i for i, call in enumerate(answer.calls) if call is not FORGOTTEN]
    first, last = range(1 + FIRST_CALLS), range(1001 - LAST_CALLS, 1001)
    assert kept == [*first, 501, *last]
    assert record.failed is not None and record.failed.call == 501
    assert len(record.returned) == len(answer.calls) == 1001


def test_no_graph_is_kept_alive_and_operations_that_are_counted_are_the_answers_own() -> None:
    from torch.overrides import TorchFunctionMode

    class Counting(TorchFunctionMode):
        names: list[str] = []

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.names.append(function.__name__)
            return function(*args, **(kwargs or {}))

    class Double(nn.Module):
        def forward(self, x):
            return x.mul(2)

    answer = watched(Double)
    with answer.methods_recorded():
        layer, x = answer(), torch.ones(3, requires_grad=True)
        with Counting() as counting:
            layer(x)
        assert counting.names == ["mul"]
        layer(x)
    assert answer.calls[-1].returned.grad_fn is None
    assert np.allclose(answer.calls[-1].returned, 2)
