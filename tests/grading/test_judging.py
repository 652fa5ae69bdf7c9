"""What a learner is told about an answer."""

# ruff: noqa: NPY002, SIM105  (learners use numpy's global state, and swallow exceptions)

from __future__ import annotations

import random
import threading
import time

import numpy as np
import pytest
import torch

from descent.grading import Draw, Exercise, expect, judge
from descent.grading.report import CORRECT, NOT_ATTEMPTED, NOT_RIGHT


def right(w, x, y):
    return 2 * np.mean((w * x - y) * x)


@pytest.mark.parametrize(
    "answer",
    [
        right,
        lambda w, x, y: float(right(w, x, y)),
        lambda w, x, y: np.float32(right(w, x, y)),
        lambda w, x, y: torch.tensor(right(w, x, y)),
        lambda w, x, y: torch.tensor(right(w, x, y), dtype=torch.float32, requires_grad=True),
        lambda w, x, y: 2 * sum((w * a - b) * a for a, b in zip(x, y, strict=True)) / len(x),
        lambda w, x, y: np.einsum("i,i->", w * x - y, x) * 2 / x.shape[0],
        lambda w, x, y: 2 * (torch.tensor(w * x - y) @ torch.tensor(x)) / len(x),
    ],
)
def test_right_answers_in_any_style_pass(slope: Exercise, answer) -> None:
    assert judge(slope, answer).outcome == CORRECT


def test_a_right_answer_may_work_in_place_on_its_own_copy(slope: Exercise) -> None:
    def in_place(w, x, y):
        error = x.copy()
        error *= w
        error -= y
        error *= x
        return 2 * error.mean()

    assert judge(slope, in_place).outcome == CORRECT


def test_a_callable_object_and_a_closure_pass(slope: Exercise) -> None:
    class Slope:
        def __call__(self, w, x, y):
            return right(w, x, y)

    def make():
        def inner(w, x, y):
            return right(w, x, y)

        return inner

    assert judge(slope, Slope()).outcome == CORRECT
    assert judge(slope, make()).outcome == CORRECT


def test_each_mistake_is_named(slope: Exercise) -> None:
    for mistake in slope.mistakes:
        report = judge(slope, mistake.answer)
        assert report.outcome == NOT_RIGHT
        assert report.message == mistake.message


def test_a_mistake_is_recognised_by_behaviour_not_by_text(slope: Exercise) -> None:
    def other_way_to_sum(w, x, y):
        total = 0.0
        for a, b in zip(x, y, strict=True):
            total += 2 * (w * a - b) * a
        return total

    assert judge(slope, other_way_to_sum).message == "You summed over the batch."


def test_an_unnamed_wrong_answer_gets_the_difference_in_words(slope: Exercise) -> None:
    report = judge(slope, lambda w, x, y: right(w, x, y) / 2)
    assert report.failure is not None and report.failure.mistake is None
    assert "2 times too small" in report.message


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("how many calls", "How many calls: it is not below 2."),
        ("β", "β: it is not below 2."),
        ("α of the fit", "α of the fit: it is not below 2."),
    ],
)
def test_what_is_out_of_bounds_has_its_name_in_the_first_line(name: str, said: str) -> None:
    exercise = Exercise("count", minutes=5, difficulty=1)

    @exercise.property("stays small", trials=1)
    def _(answer, draw: Draw) -> None:
        expect(answer(), name).is_below(2)

    assert judge(exercise, lambda: 3).message == said


def test_the_smallest_failing_case_is_shown(slope: Exercise) -> None:
    def wrong_from_three(w, x, y):
        return right(w, x, y) + (len(x) >= 3)

    report = judge(slope, wrong_from_three)
    assert report.failure is not None and report.failure.call is not None
    assert report.failure.call.count("x=[") == 1
    shown_x = report.failure.call.split("x=[")[1].split("]")[0]
    assert len(shown_x.split(",")) == 3


def test_a_blank_stub_is_not_attempted(slope: Exercise) -> None:
    def stub(w, x, y):
        raise NotImplementedError

    report = judge(slope, stub)
    assert report.outcome == NOT_ATTEMPTED
    assert "not attempted" in report.as_text()


def test_a_half_written_class_is_not_right_yet() -> None:
    counter = Exercise("Counter", minutes=5, difficulty=2)

    @counter.property("starts at 0")
    def _(answer, draw: Draw) -> None:
        expect(answer().value, "value").equals(0)

    @counter.property("counts")
    def _(answer, draw: Draw) -> None:
        made = answer()
        made.count()
        expect(made.value, "value").equals(1)

    class Counter:
        value = 0

        def count(self):
            raise NotImplementedError

    report = judge(counter, Counter)
    assert report.outcome == NOT_RIGHT
    assert "`count` is not written yet" in report.message


def test_an_exception_shows_the_learners_own_line(slope: Exercise) -> None:
    def broken(w, x, y):
        return w * x @ x.reshape(-1, 7)

    report = judge(slope, broken)
    assert report.failure is not None and report.failure.symptom == "error"
    assert "ValueError" in report.message
    assert "return w * x @ x.reshape(-1, 7)" in report.message


def test_an_exception_raised_inside_a_library_shows_the_learners_line(slope: Exercise) -> None:
    def broken(w, x, y):
        return torch.nn.functional.linear(torch.zeros(2, 3), torch.zeros(4, 5))

    assert "torch.nn.functional.linear" in judge(slope, broken).message


def test_an_endless_loop_is_stopped_and_said_so(slope: Exercise) -> None:
    def endless(w, x, y):
        while True:
            try:
                len(x)
            except Exception:
                pass

    report = judge(slope, endless, seconds=0.2)
    assert report.failure is not None and report.failure.symptom == "slow"
    assert "still running" in report.message


def test_an_endless_loop_is_stopped_outside_the_main_thread(slope: Exercise) -> None:
    reports = []

    def endless(w, x, y):
        while True:
            len(x)

    worker = threading.Thread(target=lambda: reports.append(judge(slope, endless, seconds=0.2)))
    worker.start()
    worker.join(20)
    assert not worker.is_alive()
    assert reports[0].failure.symptom == "slow"


def test_sys_exit_does_not_end_the_kernel(slope: Exercise) -> None:
    def leaves(w, x, y):
        raise SystemExit(1)

    assert judge(slope, leaves).outcome == NOT_RIGHT


def test_the_learners_own_interrupt_passes_through(slope: Exercise) -> None:
    def interrupted(w, x, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(slope, interrupted)


def test_a_changed_input_is_named(slope: Exercise) -> None:
    def spoils(w, x, y):
        result = right(w, x, y)
        y -= w * x
        return result

    report = judge(slope, spoils)
    assert report.failure is not None and report.failure.symptom == "changes input"
    assert "`y`" in report.message


def test_a_parameter_meant_to_change_may_change() -> None:
    step = Exercise("step", minutes=5, difficulty=1, changes=("parameters",))

    @step.property("moves against the gradient")
    def _(answer, draw: Draw) -> None:
        parameters, gradient = draw.normal(3), draw.normal(3)
        before = parameters.copy()
        answer(parameters, gradient)
        expect(parameters, "the parameters").close_to(before - gradient)

    def in_place(parameters, gradient):
        parameters -= gradient

    def spoils_gradient(parameters, gradient):
        parameters -= gradient
        gradient *= 0

    assert judge(step, in_place).outcome == CORRECT
    assert "`gradient`" in judge(step, spoils_gradient).message


def step(parameters, gradient):
    parameters -= gradient


class Stepper:
    def __init__(self, parameters, rate):
        self.parameters, self.rate = parameters, rate

    def step(self, gradient):
        self.parameters -= self.rate * gradient


def test_a_parameter_meant_to_change_may_go_by_another_name() -> None:
    changing = Exercise("step", minutes=5, difficulty=1, changes=("parameters",))
    changing.right(step)

    @changing.property("moves against the gradient")
    def _(answer, draw: Draw) -> None:
        parameters, gradient = draw.normal(3), draw.normal(3)
        before = parameters.copy()
        answer(parameters, gradient)
        expect(parameters, "the parameters").close_to(before - gradient)

    def renamed(w, g):
        w -= g

    def spoils(w, g):
        w -= g
        g *= 0

    assert judge(changing, step).outcome == CORRECT
    assert judge(changing, renamed).outcome == CORRECT
    assert "`g`" in judge(changing, spoils).message


def test_so_may_one_that_a_class_is_made_with() -> None:
    changing = Exercise("Stepper", minutes=5, difficulty=1, changes=("parameters",))
    changing.right(Stepper)

    @changing.property("moves against the gradient")
    def _(answer, draw: Draw) -> None:
        parameters, gradient = draw.normal(3), draw.normal(3)
        before = parameters.copy()
        answer(parameters, 0.5).step(gradient)
        expect(parameters, "the parameters").close_to(before - 0.5 * gradient)

    class Renamed:
        def __init__(self, w, eta):
            self.w, self.eta = w, eta

        def step(self, g):
            self.w -= self.eta * g

    assert judge(changing, Stepper).outcome == CORRECT
    assert judge(changing, Renamed).outcome == CORRECT


def test_prints_are_kept_and_shown(slope: Exercise, capsys) -> None:
    def chatty(w, x, y):
        print("the error is", w * x - y)
        return 0.0

    report = judge(slope, chatty)
    assert "the error is" in report.as_text()
    assert "the error is" in report.as_html()
    assert capsys.readouterr().out == ""


def test_global_random_states_are_put_back(slope: Exercise) -> None:
    def greedy(w, x, y):
        random.random(), np.random.rand(), torch.rand(1)
        torch.set_grad_enabled(False)
        return right(w, x, y)

    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    wanted = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    assert judge(slope, greedy).outcome == CORRECT
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == wanted
    assert torch.is_grad_enabled()


def test_inputs_are_fresh_at_every_check(slope: Exercise) -> None:
    seen: list[float] = []

    def spy(w, x, y):
        seen.append(float(x[0]))
        return right(w, x, y)

    judge(slope, spy)
    first = list(seen)
    seen.clear()
    judge(slope, spy)
    assert seen != first


def test_none_a_wrong_type_and_a_wrong_signature_have_their_own_words(slope: Exercise) -> None:
    assert "None" in judge(slope, lambda w, x, y: None).message
    assert "`str`" in judge(slope, lambda w, x, y: "many").message
    assert "could not be called" in judge(slope, lambda w: 0.0).message
    assert "is 3" in judge(slope, 3).message


def test_one_number_where_two_were_asked_for() -> None:
    pair = Exercise("pair", minutes=1, difficulty=1)

    @pair.property("returns both")
    def _(answer, draw: Draw) -> None:
        first, second = answer(draw.normal())
        expect(first, "the first").close_to(second)

    report = judge(pair, lambda x: x)
    assert "could not be used" in report.message and "unpack" in report.message


def test_an_ignored_argument_is_pointed_out() -> None:
    line = Exercise("line", minutes=1, difficulty=1)

    @line.property("is w·x + b")
    def _(answer, draw: Draw) -> None:
        w, b, x = draw.normal(), draw.uniform(1, 2), draw.normal(4)
        expect(answer(w, b, x), "the line").close_to(np.polyval([w, b], x))

    report = judge(line, lambda w, b, x: 3 * w * x + x**2)
    assert "`b`" in report.message


def test_a_slow_answer_does_not_escape_its_later_trials(slope: Exercise) -> None:
    def slow_then_wrong(w, x, y):
        total = 0
        while total < 10_000_000 and len(x) < 3:
            total += 1
        return right(w, x, y) + (len(x) >= 3)

    assert judge(slope, slow_then_wrong, seconds=0.2).outcome == NOT_RIGHT


def test_waiting_is_allowed_longer_than_working(slope: Exercise) -> None:
    def waits(w, x, y):
        time.sleep(0.04)
        return right(w, x, y)

    assert judge(slope, waits, seconds=0.1).outcome == CORRECT


def test_a_mistake_that_breaks_inside_the_propertys_helper_is_named_for_a_learner_too() -> None:
    pair = Exercise("pair", minutes=1, difficulty=1)

    def first_of(answer, draw: Draw) -> float:
        first, _ = answer(draw.normal())
        return first

    @pair.property("returns both")
    def _(answer, draw: Draw) -> None:
        expect(first_of(answer, draw), "the first").is_above(-1e9)

    @pair.mistake("You returned one of the two.")
    def one(x):
        return x

    namespace: dict = {}
    exec(compile("def pair(x):\n    return x", "<cell 3>", "exec"), namespace)
    assert judge(pair, namespace["pair"]).message == "You returned one of the two."


def test_another_error_of_the_same_kind_is_not_taken_for_a_mistake() -> None:
    shape = Exercise("shape", minutes=1, difficulty=1)

    @shape.property("returns a number")
    def _(answer, draw: Draw) -> None:
        expect(answer(draw.normal(3)), "it").has_shape()

    @shape.mistake("You multiplied shapes that do not fit.")
    def misfit(x):
        return x @ np.zeros(7)

    assert judge(shape, misfit).message == "You multiplied shapes that do not fit."
    assert "int" in judge(shape, lambda x: int("many")).message


def test_generators_move_on_whatever_the_parameter_is_called() -> None:
    draws = Exercise("draws", minutes=1, difficulty=1, changes=("rng",))

    @draws.property("moves the generator on")
    def _(answer, draw: Draw) -> None:
        rng = np.random.default_rng(draw.seed())
        first, second = answer(rng), answer(rng)
        expect(first == second, "the two draws are equal").equals(False)

    assert judge(draws, lambda generator: generator.random()).outcome == CORRECT


def test_a_closed_stdout_and_a_broken_repr_do_not_break_the_check(slope: Exercise) -> None:
    class Broken:
        def __repr__(self):
            raise AttributeError("_modules")

    def hostile(w, x, y):
        import sys

        sys.stdout.close()
        return Broken()

    assert judge(slope, hostile).outcome == NOT_RIGHT


def test_what_torch_has_not_implemented_is_not_a_blank_answer(slope: Exercise) -> None:
    def swapped(w, x, y):
        return torch.nn.functional.cross_entropy(torch.tensor([1, 2]), torch.ones(2, 3))

    def unsupported(w, x, y):
        return torch.log_softmax(torch.tensor([1, 2]), dim=0)

    assert judge(slope, swapped).outcome == NOT_RIGHT
    assert "not implemented" in judge(slope, unsupported).message


def test_a_stub_with_a_text_of_its_own_is_still_a_stub(slope: Exercise) -> None:
    def stub(w, x, y):
        raise NotImplementedError("write me")

    assert judge(slope, stub).outcome == NOT_ATTEMPTED


def test_a_comparison_that_fails_by_its_dtype_shows_it() -> None:
    ones = Exercise("ones", minutes=1, difficulty=1)

    @ones.property("has single precision")
    def _(answer, draw: Draw) -> None:
        expect(answer(2), "the ones").has_dtype("float32")

    assert "[1, 1], of dtype float64" in judge(ones, np.ones).as_text()
