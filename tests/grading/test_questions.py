"""A wrong answer is asked where it goes wrong; what is said of it is true, or nothing is said."""

# ruff: noqa: NPY002  (learners use numpy's global state)

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from descent.grading.calls import Call, WatchedAnswer
from descent.grading.expectations import Record
from descent.grading.known_state import restored_state
from descent.grading.questions import isolate


def call_of(answer: Callable[..., Any], *positional: Any, **keywords: Any) -> Call:
    """The call as a trial records it."""
    watched = WatchedAnswer(answer, "answer", (), Record())
    with contextlib.suppress(Exception), restored_state():
        watched(*positional, **keywords)
    return watched.calls[-1]


def said(answer, right, *positional: Any, **keywords: Any) -> list[str]:
    return isolate(answer, right, call_of(answer, *positional, **keywords), seed=3, seconds=2.0)


X = np.array([[1.5, -0.4, 2.0], [0.3, 1.1, -1.7], [-0.6, 0.8, 0.2], [2.2, -1.3, 0.9]])
V = np.array([1.5, -0.4, 2.0, 0.7, -1.1])
W = np.array([0.5, 1.4, -2.0, 0.3, 1.2])


# ------------------------------------------------------------------------------- functions


def scaled(x, y, rate=0.5, shift=None):
    out = x * y * rate
    return out if shift is None else out + shift


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def standard(x, eps=1e-3):
    return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)


def both(x, momentum):
    return x.mean(), momentum * x.var()


def weighted(x, y):
    return x.T @ y / len(x)


def lower(x):
    return np.tril(np.outer(x, x))


def relu(x):
    return np.maximum(x, 0)


def picked(x, last):
    return x[-2:] if last else x[:2]


FAULTS: list[tuple[str, Any, Any, tuple[Any, ...], dict[str, Any]]] = [
    ("stays the same when the numbers in `y` change",
     lambda x, y: x * 2.7, lambda x, y: x * y + x, (V, W), {}),
    ("same whatever the arguments are", lambda x, y: np.ones(5), lambda x, y: x * y, (V, W), {}),
    ("uses the usual value of `rate`, 0.5, not the one it is given",
     lambda x, y, rate=0.5: x * y * 0.5, scaled, (V, W), {"rate": 0.3}),
    ("It takes `shift` = 0 for None",
     lambda x, shift=None: x if not shift else x + shift,
     lambda x, shift=None: x if shift is None else x * shift, (V,), {"shift": 0.0}),
    ("It takes `steps` = 0 for its usual value, 5",
     lambda x, steps=5: x * 1.5 ** (steps or 5), lambda x, steps=5: x * 1.5**steps, (V, 0), {}),
    ("It is wrong where `k` is 1, and right for 2, 3, 4 or 0",
     lambda x, k: x + np.sin(x) * (k == 1) + k, lambda x, k: x + k, (V, 1), {}),
    ("behaves as if `x` and `y` had changed places",
     lambda x, y: y - 2 * x, lambda x, y: x - 2 * y, (V, W), {}),
    ("behaves as if `rate` were 1", lambda x, y, rate: x * y, lambda x, y, rate: x * y * rate,
     (V, W, 0.3), {}),
    ("right for 1 − `rate`", lambda x, rate: rate * x + (1 - rate) * x**2,
     lambda x, rate: (1 - rate) * x + rate * x**2, (V, 0.3), {}),
    ("right for `k` + 1", lambda x, k: x[: k + 1].sum(), lambda x, k: x[:k].sum(), (V, 2), {}),
    ("takes `last` the wrong way round",
     lambda x, last: picked(x, not last), picked, (V, True), {}),
    ("right for `x` reversed", lambda x: np.cumsum(x[::-1]), np.cumsum, (V,), {}),
    ("right for `text` in lower case", lambda text: list(text.lower()), list, ("aBCdE",), {}),
    ("without the last entry", lambda x, y: weighted(x[:-1], y[:-1]), weighted, (X, X[:, 0]), {}),
    ("only the second is wrong", lambda x, momentum: (x.mean(), momentum * x.std()), both,
     (V, 0.3), {}),
    ("The two results have changed places", lambda x, momentum: both(x, momentum)[::-1], both,
     (V, 0.3), {}),
    ("It is right for one row of `x`", lambda x: softmax(x.sum(0)) + 0 * x, softmax, (X,), {}),
    ("wrong for one alone", lambda x: np.squeeze(x * 2), lambda x: x * 2, (X[:1],), {}),
    ("right where `eps` is 0",
     lambda x, eps=1e-3: (x - x.mean(0)) / (x.std(0) + eps), standard, (X,), {"eps": 0.5}),
    ("If `x` doubles, the right result becomes four times as large; yours doubles",
     lambda x: x.std(), lambda x: x.var(), (V,), {}),
    ("If one number is added to all of `x`, the right result stays the same; yours changes",
     lambda x: (x**2).mean(), lambda x: x.var() + 0 * x.mean(), (V,), {}),
    ("wrong where `x` is negative, and right elsewhere", lambda x: np.where(x < 0, x / 9, x), relu,
     (V,), {}),
    ("only what lies above the diagonal", lambda x: np.outer(x, x), lower, (V,), {}),
    ("only the last number", lambda x: np.append(np.cumsum(x)[:-1], x[-1]), np.cumsum, (V,), {}),
    ("When only the last entry of `x` changes, your result changes for the other entries too",
     lambda x: softmax(x.T).T, softmax, (X,), {}),
    ("the right result changes for the other entries too; yours does not",
     lambda x: x - x.mean(1, keepdims=True), lambda x: x - x.mean(0), (X,), {}),
    ("The last entry of `x` makes no difference",
     lambda x: x[:-1].sum() * 1.3, lambda x: (x**2).sum(), (V,), {}),
    ("changes when `rate` changes; the right one does not",
     lambda x, rate: x * rate, lambda x, rate: x + 1, (V, 0.3), {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "wrong", "right", "positional", "keywords"), FAULTS, ids=[f[0] for f in FAULTS]
)
def test_a_fault_is_isolated(words, wrong, right, positional, keywords) -> None:
    found = said(wrong, right, *positional, **keywords)
    assert any(words in sentence for sentence in found), found
    assert len(found) <= 2


def test_what_is_ignored_is_told_without_a_right_answer_too() -> None:
    assert said(lambda x, y: x * 2.7, None, V, W) == [
        "Your result stays the same when the numbers in `y` change."
    ]


# ------------------------------------------------------------------------ random numbers


def shuffled(x, rng):
    return x[rng.permutation(len(x))]


RANDOM = [
    ("come from the global generator", lambda x, rng: x[np.random.permutation(len(x))]),
    ("draws no numbers from `rng`", lambda x, rng: x[np.random.default_rng(0).permutation(len(x))]),
    ("draws other numbers from `rng`", lambda x, rng: x[np.argsort(rng.random(len(x)))]),
]


@pytest.mark.parametrize(("words", "wrong"), RANDOM, ids=[words for words, _ in RANDOM])
def test_random_numbers_from_elsewhere(words, wrong) -> None:
    found = said(wrong, shuffled, np.arange(12.0), np.random.default_rng(5))
    assert any(words in sentence for sentence in found), found


def test_an_answer_that_differs_each_time_is_told() -> None:
    own = np.random.default_rng()
    found = said(
        lambda x, rng: x[own.permutation(12)], shuffled, np.arange(12.0), np.random.default_rng(5)
    )
    assert found == ["Called twice in the same way, it gives two different results."]


# ------------------------------------------------------------- what is changed and left behind


def step(parameters, rate):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= rate * parameter.grad
            parameter.grad = None


def parameters() -> list[torch.Tensor]:
    made = [torch.tensor([1.0, -2.0], requires_grad=True), torch.tensor(0.5, requires_grad=True)]
    for parameter in made:
        parameter.grad = torch.full(parameter.shape, 0.7)
    return made


def test_arguments_that_are_to_be_changed_and_are_not() -> None:
    def rebinds(parameters, rate):
        for parameter in parameters:
            parameter = parameter - rate * parameter.grad

    def keeps(parameters, rate):
        with torch.no_grad():
            for parameter in parameters:
                parameter -= rate * parameter.grad

    found = said(rebinds, step, parameters(), 0.1)
    assert found[0] == "It changes nothing in `parameters`; a right answer does."
    found = said(keeps, step, parameters(), 0.1)
    assert found == ["In `parameters` the numbers are right and the gradients are not."]


def test_gradients_modes_and_recording_that_are_left_behind() -> None:
    def right(model, x):
        mode = model.training
        with torch.no_grad():
            out = model.eval()(x)
        model.train(mode)
        return out

    def leaves_mode(model, x):
        with torch.no_grad():
            return model.eval()(x)

    def leaves_recording(model, x):
        torch.set_grad_enabled(False)
        return right(model, x)

    model, x = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), torch.tensor(X).float()
    assert said(leaves_mode, right, model, x) == [
        "It leaves `model` in evaluation mode; it came in training mode."
    ]
    assert said(leaves_recording, right, model, x) == [
        "After the call, gradients are recorded no more."
    ]
    assert torch.is_grad_enabled() and model.training

    def in_training(model, x):
        with torch.no_grad():
            return model.train()(x)

    found = said(in_training, right, model, x)
    assert "Your result changes" in found[0] or "training" in found[0]


def test_right_numbers_of_the_wrong_kind() -> None:
    def right(x):
        return 2 * torch.tensor(x)

    def shares(x):
        return torch.from_numpy(x).mul_(1)

    x = np.array([1.0, 2.0, 3.0])
    assert said(lambda x: 2 * torch.tensor(x).float(), right, x) == [
        "Your result has the dtype float32; the right one float64."
    ]
    found = said(shares, lambda x: torch.tensor(x), x)
    assert found == ["Your result shares its memory with `x`: who changes one changes the other."]


def test_a_gradient_that_does_not_flow_back() -> None:
    def right(x):
        return x / x.sum()

    t = torch.tensor([1.0, 2.0, 4.0])
    assert said(lambda x: x / x.sum().detach(), right, t) == [
        "The result is right, and the gradient that flows back from it to `x` is not."
    ]
    assert said(lambda x: right(x.detach()), right, t) == [
        "The result is right, and no gradient flows back from it to `x`."
    ]


# ----------------------------------------------------------------------------------- classes


class Norm(nn.Module):
    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("mean", torch.zeros(channels))

    def statistics(self, x):
        return x.mean(0), x.var(0, correction=0)

    def remember(self, mean):
        self.mean = (1 - self.momentum) * self.mean + self.momentum * mean.detach()

    def forward(self, x):
        mean, variance = self.statistics(x)
        self.remember(mean)
        return (x - mean) / (variance + self.eps).sqrt() * self.weight


class FixedMomentum(Norm):
    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__(channels, 0.1, eps)


class Forgetful(Norm):
    def remember(self, mean):
        pass


class EachRow(Norm):
    def statistics(self, x):
        return x.mean(1, keepdim=True), x.var(1, correction=0, keepdim=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (FixedMomentum, "It uses the usual value of `momentum`, 0.1, not the one it is given."),
        (Forgetful, "The call leaves `mean` of the object as before; a right answer changes that."),
        (EachRow, "the right result changes for the other entries too; yours does not."),
    ],
)
def test_a_class_is_asked_through_a_call_of_its_method(wrong, words) -> None:
    watched = WatchedAnswer(wrong, "Norm", (), Record())
    with watched.methods_recorded():
        watched(3, 0.3)(torch.tensor(X).float())
    found = isolate(wrong, Norm, watched.calls[-1], seed=3, seconds=2.0)
    assert any(words in sentence for sentence in found), found
    assert isolate(Norm, Norm, watched.calls[-1], seed=3) == []


# ------------------------------------------------------------------ nothing false, and no harm


@pytest.mark.parametrize(
    ("odd", "right", "positional"),
    [
        (lambda x, y: torch.tensor(x * y * 0.5), scaled, (V, W)),
        (lambda x, y: [a * b / 2 for a, b in zip(x, y, strict=True)], scaled, (V, W)),
        (lambda x, y: (x * y * 0.5).astype(np.float32).astype(np.float64), scaled, (V, W)),
        (lambda x: torch.softmax(torch.tensor(x), -1).numpy(), softmax, (X,)),
        (lambda x: np.stack([softmax(row) for row in x]), softmax, (X,)),
        (lambda x, eps=1e-3: torch.nn.functional.batch_norm(
            torch.tensor(x), None, None, training=True, eps=eps).numpy(), standard, (X,)),
        (lambda x, rng: x[rng.permutation(len(x))].copy(), shuffled,
         (np.arange(6.0), np.random.default_rng(2))),
    ],
)  # fmt: skip
def test_of_a_right_answer_in_another_style_nothing_is_said(odd, right, positional) -> None:
    assert said(odd, right, *positional) == []


def test_of_an_answer_wrong_in_one_place_nothing_more_is_said_than_was_seen() -> None:
    """It is wrong by chance numbers that depend on everything: no question has an answer."""

    def wrong(x, y):
        return x * y + 0.1 + 0.05 * np.sin(37 * x * y + x)

    for sentence in said(wrong, lambda x, y: x * y, V, W):
        assert "double" in sentence  # x·y doubles with each of them, and this does not


def test_a_cases_own_state_silences_the_questions() -> None:
    class Counter:
        calls = 0

        def __deepcopy__(self, memo):
            return self

        def value(self):
            self.calls += 1
            return self.calls

    assert said(lambda c: c.value() + 1, lambda c: c.value(), Counter()) == []


def test_whatever_an_answer_does_nothing_is_raised_and_time_is_kept(capsys) -> None:
    class Strange:
        def __eq__(self, other):
            raise SystemExit

        def __getattr__(self, name):
            raise RuntimeError

    def chatty(x, y):
        print("hello")
        return x

    def leaves(x, y):
        raise SystemExit if y.sum() != W.sum() else ValueError

    def slow(x, y):
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass
        return x

    def endless(x, y):
        while not np.allclose(y, W):
            pass
        return x

    for answer in (chatty, leaves, slow, endless, lambda x, y: Strange(), lambda x, y: None):
        call = call_of(answer, V, W)
        found = isolate(answer, lambda x, y: x * y, call, seed=1)  # and it comes to an end
        assert all(isinstance(sentence, str) for sentence in found)
    assert "hello" not in capsys.readouterr().out.replace("hello\n", "", 1)


def test_inputs_and_global_states_are_untouched() -> None:
    def greedy(x, y):
        np.random.rand()
        x *= 2
        return x

    call = call_of(greedy, V, W)
    np.random.seed(4)
    wanted = np.random.rand()
    np.random.seed(4)
    isolate(greedy, lambda x, y: x * y, call, seed=1)
    assert np.random.rand() == wanted
    assert np.array_equal(call.arguments["x"], V) and np.array_equal(call.arguments["y"], W)
