"""A name is a verdict where everything agrees, a guess where what fails agrees, or missing."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from descent.grading import Exercise, expect, judge
from descent.grading.sources import Source


def right_spread(x, centre=0.0):
    shifted = x - centre
    return (shifted**2).mean()


@pytest.fixture
def spread() -> Exercise:
    exercise = Exercise("spread", minutes=5, difficulty=1)

    @exercise.property("is the mean square of the distances")
    def _(answer, draw):
        x = draw.normal(draw.size + 1)
        expect(answer(x), "the spread").close_to(float(np.mean(x * x)))

    @exercise.property("measures from the centre it is given")
    def _(answer, draw):
        x, centre = draw.normal(draw.size + 1), draw.normal()
        expect(answer(x, centre), "the spread").close_to(float(np.mean((x - centre) ** 2)))

    @exercise.property("is 0 for equal numbers", trials=1)
    def _(answer, draw):
        expect(answer(np.full(3, 2.5), 2.5), "the spread").close_to(0.0)

    @exercise.mistake("You summed; take the mean.")
    def summed(x, centre=0.0):
        return ((x - centre) ** 2).sum()

    return exercise


def the_reference() -> Source:
    return Source.of(right_spread)


def test_what_agrees_everywhere_is_named(spread: Exercise) -> None:
    report = judge(spread, lambda x, centre=0.0: sum((value - centre) ** 2 for value in x))
    assert report.failure is not None and report.failure.mistake == "summed"
    assert report.message == "You summed; take the mean."


def test_what_agrees_only_where_it_fails_is_a_guess_that_says_what_speaks_against_it(
    spread: Exercise,
) -> None:
    def summed_unless_given(x, centre=0.0):
        return (x**2).sum() if centre == 0 else ((x - centre) ** 2).mean()

    report = judge(spread, summed_unless_given)
    assert report.failure is not None and report.failure.mistake is None
    assert report.message.startswith("This looks like a known mistake: “You summed;")
    assert "“measures from the centre it is given” would come out differently" in report.message


def test_what_fails_otherwise_elsewhere_gets_no_name(spread: Exercise) -> None:
    def summed_and_more(x, centre=0.0):
        return (x**2).sum() if centre == 0 else (x - centre).mean()

    report = judge(spread, summed_and_more)
    assert report.failure is not None and report.failure.message is None


def test_without_a_reference_an_undeclared_mistake_is_described(spread: Exercise) -> None:
    report = judge(spread, lambda x, centre=0.0: (x**2).mean())
    assert report.failure is not None and report.failure.message is None


def test_with_a_reference_an_undeclared_mistake_is_named_by_what_it_does(spread: Exercise) -> None:
    report = judge(spread, lambda x, centre=0.0: (x**2).mean(), reference=the_reference)
    assert report.failure is not None and report.failure.mistake is None
    assert report.message.startswith("It behaves as if") and "`centre`" in report.message


def test_the_reference_is_not_asked_for_while_nothing_fails(spread: Exercise) -> None:
    def unwanted() -> Source:
        raise AssertionError("the judgement looked at the reference")

    assert judge(spread, right_spread, reference=unwanted).outcome == "correct"


def test_the_words_of_an_edit_hold_no_line_of_the_reference(spread: Exercise) -> None:
    report = judge(spread, lambda x, centre=0.0: (x**2).mean(), reference=the_reference)
    lines = inspect.getsource(right_spread).splitlines()[1:]
    assert not any(line.strip() in report.as_text() for line in lines)


def test_a_slip_is_the_right_answer_with_its_edits(spread: Exercise) -> None:
    spread.right(right_spread)
    spread.slip("distances", "You did not square.", {"shifted**2": "abs(shifted)"})
    report = judge(spread, lambda x, centre=0.0: abs(x - centre).mean())
    assert report.failure is not None and report.failure.mistake == "distances"


def test_a_slip_that_matches_nothing_or_twice_is_the_authors_error(spread: Exercise) -> None:
    with pytest.raises(ValueError, match="before a right answer"):
        spread.slip("early", "Too early.", {"mean": "sum"})
    spread.right(right_spread)
    with pytest.raises(ValueError, match="stands 0 times"):
        spread.slip("absent", "Not there.", {"median": "sum"})
    with pytest.raises(ValueError, match="stands 2 times"):
        spread.slip("twice", "Twice.", {"shifted": "x"})


def test_what_is_returned_is_judged_first_and_has_its_own_line(spread: Exercise) -> None:
    spread.returns = float
    report = judge(spread, lambda x, centre=0.0: np.array([((x - centre) ** 2).mean()]))
    assert report.failure is not None and report.failure.symptom == "type"
    assert report.properties[0] == ("returns a plain number", False)
    assert "plain number" in report.message
    right = judge(spread, lambda x, centre=0.0: float(((x - centre) ** 2).mean()))
    assert right.properties[0] == ("returns a plain number", True)
    assert right.outcome == "correct"


def test_the_case_shown_is_the_call_whose_result_was_wrong() -> None:
    exercise = Exercise("double", minutes=5, difficulty=1)

    @exercise.property("doubles", trials=1)
    def _(answer, draw):
        small, large = answer(2), answer(300)
        expect(small, "twice 2").equals(4)
        expect(large, "twice 300").equals(600)

    report = judge(exercise, lambda n: 5 if n == 2 else 2 * n)
    assert report.failure is not None and report.failure.call == "double(n=2)"
