"""A check runs in a known state; the notebook's own is there again afterwards."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import numpy as np
import pytest
import torch

from descent.grading import Draw, Exercise, expect, judge
from descent.grading.known_state import every_setting, known_state
from descent.grading.report import CORRECT


@pytest.fixture
def needs_torch() -> Exercise:
    """The derivative of x² by autograd, in float32 on the CPU."""
    exercise = Exercise("slope_of_square", minutes=5, difficulty=1)

    @exercise.property("is 2x")
    def _(answer, draw: Draw) -> None:
        x = draw.normal(3)
        expect(answer(torch.tensor(x, dtype=torch.float32))).close_to(2 * x)

    @exercise.property("is in float32")
    def _(answer, draw: Draw) -> None:
        expect(answer(torch.ones(2))).has_dtype("float32")

    @exercise.mistake("You cut the result from the graph.")
    def detached(x):
        return (x.detach() ** 2).sum()

    return exercise


def by_autograd(x):
    x = x.clone().requires_grad_()
    (x**2).sum().backward()
    return x.grad


@pytest.mark.parametrize(
    ("change", "undo", "named"),
    [
        (lambda: torch.set_grad_enabled(False), lambda: torch.set_grad_enabled(True),
         "gradients off"),
        (lambda: torch.set_default_dtype(torch.float64),
         lambda: torch.set_default_dtype(torch.float32), "default dtype torch.float64"),
        (lambda: torch.set_default_device("meta"), lambda: torch.set_default_device(None),
         "default device meta"),
        (lambda: torch.use_deterministic_algorithms(True),
         lambda: torch.use_deterministic_algorithms(False), "deterministic"),
        (lambda: torch.set_autocast_enabled("cpu", True),
         lambda: torch.set_autocast_enabled("cpu", False), "autocast on"),
    ],
)  # fmt: skip
def test_what_an_earlier_cell_changed_fails_no_right_answer_and_is_named(
    needs_torch: Exercise, change, undo, named
) -> None:
    change()
    try:
        before = [setting.read() for setting in every_setting()]
        report = judge(needs_torch, by_autograd)
        after = [setting.read() for setting in every_setting()]
    finally:
        undo()
    assert report.outcome == CORRECT
    assert named in report.notes[0] and named in report.as_html()
    assert after == before


def test_inference_mode_left_on_fails_no_right_answer(needs_torch: Exercise) -> None:
    with torch.inference_mode():
        report = judge(needs_torch, by_autograd)
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
    assert report.outcome == CORRECT and "inference mode on" in report.notes[0]


def test_what_an_answer_changes_is_put_back(needs_torch: Exercise, tmp_path, monkeypatch) -> None:
    def spoils(x):
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_printoptions(precision=1)
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        warnings.simplefilter("error")
        sys.setrecursionlimit(5_000)
        gc.disable()
        os.chdir("/")
        os.environ["LEFT_BEHIND"] = "1"
        os.environ.pop("TAKEN_AWAY", None)
        return 2 * x

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAKEN_AWAY", "here")
    before = [setting.read() for setting in every_setting()]
    others = np.geterr(), np.get_printoptions(), list(warnings.filters)
    assert judge(needs_torch, spoils).outcome == CORRECT
    assert [setting.read() for setting in every_setting()] == before
    assert (np.geterr(), np.get_printoptions(), list(warnings.filters)) == others
    assert os.environ["TAKEN_AWAY"] == "here"


def test_a_folder_that_was_deleted_and_a_low_recursion_limit_stop_no_check(
    slope: Exercise, tmp_path, monkeypatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    limit = sys.getrecursionlimit()
    depth = len(__import__("inspect").stack())
    sys.setrecursionlimit(depth + 200)
    try:
        report = judge(slope, lambda w, x, y: 2 * np.mean((w * x - y) * x))
        assert sys.getrecursionlimit() == depth + 200
    finally:
        sys.setrecursionlimit(limit)
    assert report.outcome == CORRECT and "recursion limit" in report.notes[0]


def test_warnings_made_errors_by_the_notebook_stop_no_answer(slope: Exercise) -> None:
    def warns(w, x, y):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return 2 * np.mean((w * x - y) * x)

    with warnings.catch_warnings(action="error"):
        assert judge(slope, warns).outcome == CORRECT


def test_jax_in_double_precision_is_named_and_put_back() -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    try:
        with known_state(every_setting()) as off:
            inside = jax.numpy.ones(1).dtype
        after = jax.numpy.ones(1).dtype
    finally:
        jax.config.update("jax_enable_x64", False)
    assert (inside, after, off) == ("float32", "float64", ["jax_enable_x64 on"])
