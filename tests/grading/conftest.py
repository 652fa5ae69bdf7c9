"""A small exercise that the tests of the judge share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from descent.grading import Draw, Exercise, expect
from descent.grading.diagnosis import unhurried
from descent.grading.unjudged import Clock


@pytest.fixture(autouse=True)
def machine_of_our_own(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that runs out of time has had it, however busy the machine is that runs the tests.

    The tests of the fourth outcome ask the clock itself.
    """
    if not request.module.__name__.endswith("test_unjudged"):
        monkeypatch.setattr(Clock, "out_of_time", lambda *_: None)


@pytest.fixture(autouse=True)
def time_to_find_the_name(request: pytest.FixtureRequest) -> Iterator[None]:
    """A mistake gets its name however busy the machine is. The sandbox is tested in haste."""
    if request.module.__name__.endswith("test_sandbox"):
        yield
        return
    with unhurried():
        yield


@pytest.fixture
def slope() -> Exercise:
    """The gradient of the mean squared error of a line through the origin."""
    exercise = Exercise("slope", minutes=5, difficulty=2, seconds=1.0)

    @exercise.property("matches the derivative")
    def _(answer, draw: Draw) -> None:
        w, x, y = draw.normal(), draw.normal(draw.size), draw.normal(draw.size)
        error = w * x - y
        expect(answer(w, x, y), "the slope").close_to(2 * np.dot(error, x) / len(x))

    @exercise.property("is 0 at a perfect fit")
    def _(answer, draw: Draw) -> None:
        w, x = draw.normal(), draw.normal(3)
        expect(answer(w, x, w * x), "the slope").close_to(0.0, atol=1e-6)

    @exercise.mistake("You summed over the batch.")
    def summed(w, x, y):
        return 2 * np.sum((w * x - y) * x)

    @exercise.mistake("The sign is turned round.")
    def flipped(w, x, y):
        return -2 * np.mean((w * x - y) * x)

    @exercise.mistake("You left out x.")
    def without_x(w, x, y):
        return 2 * np.mean(w * x - y)

    exercise.hint("Write the error first.")
    exercise.hint("Prediction − target, or target − prediction?", when="sign")
    return exercise
