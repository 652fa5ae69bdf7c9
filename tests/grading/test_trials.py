"""What an answer did is run once, when it is asked for, and kept."""

from __future__ import annotations

from descent.grading import Exercise, judge
from descent.grading.trials import Behaviour


def test_trials_run_when_asked_for_and_only_once(slope: Exercise) -> None:
    called = []

    def zero(w, x, y):
        called.append(len(x))
        return 0.0

    behaviour = Behaviour(slope, zero, seed=1)
    assert called == []
    first = behaviour.up_to_failure(slope.properties[0])
    assert not first.passed and called == [1]
    trials = list(behaviour.trials(slope.properties[0]))
    assert trials[0] is first and called == [1, 2, 3, 5, 8]
    assert list(behaviour.trials(slope.properties[0])) == trials and len(called) == 5


def test_two_behaviours_at_one_seed_see_the_same_inputs(slope: Exercise) -> None:
    seen: dict[str, list[float]] = {"one": [], "two": []}
    for name, inputs in seen.items():
        answer = lambda w, x, y, inputs=inputs: inputs.append(w)  # noqa: E731
        Behaviour(slope, answer, seed=3).run_all()
        assert inputs, name
    assert seen["one"] == seen["two"]


def test_a_mistake_that_does_the_same_where_the_answer_fails_is_named_though_it_fails_elsewhere_too(
    slope: Exercise,
) -> None:
    @slope.mistake("One is added.")
    def one_more(w, x, y):
        return 2 * ((w * x - y) * x).mean() + 1

    # At a perfect fit it does what `one_more` does, and what no other mistake does.
    def right_until_a_perfect_fit(w, x, y):
        error = w * x - y
        return 2 * (error * x).mean() + (1 if abs(error).max() < 1e-9 else 0)

    report = judge(slope, right_until_a_perfect_fit)
    assert report.message == "One is added."
