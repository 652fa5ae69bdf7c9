"""What an answer did is run once, when it is asked for, and kept."""

from __future__ import annotations

from descent.grading import Exercise
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
