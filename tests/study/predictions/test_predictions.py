"""Predictions: what counts is what was said before what came was seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descent.study.header import Prediction
from descent.study.predictions.answers import NoPrediction, read_sure, read_value
from descent.study.predictions.commit import commit, see_outcome
from descent.study.predictions.history import calibration, history, misses
from descent.study.predictions.scoring import is_right
from descent.study.store import ProgressStore

STEPS = Prediction("steps", "How many?", "So it is.", unit="steps", within=1.0)
RATIO = Prediction("ratio", "How much?", "So it is.", factor=2.0)
WAY = Prediction("way", "Which way?", "So it is.", choices=("rises", "falls", "stays"))


class Chapter:
    """A chapter that asks for three predictions."""

    id = "toys/01_one"
    heading = "1 · One"
    predictions = (STEPS, RATIO, WAY)


@pytest.fixture
def store(tmp_path):
    return ProgressStore(tmp_path / "progress.sqlite3")


def test_committed_then_scored(store):
    assert "3 steps, 70 % sure" in commit(Chapter, "steps", 3, 0.7, store)
    came, words = see_outcome(Chapter, "steps", 7, store)
    assert came == 7.0
    assert words == "You said 3 steps, 70 % sure. It is 7."


def test_within_the_tolerance_it_was_said(store):
    commit(Chapter, "steps", 3, 0.7, store)
    assert see_outcome(Chapter, "steps", 4, store)[1] == (
        "It is 4 steps. You said 3 steps, 70 % sure: within 1 step, so it counts as right."
    )


def test_what_was_said_exactly_is_told_so(store):
    commit(Chapter, "way", "falls", 0.9, store)
    said = "What came: falls. That is what you said: falls, 90 % sure."
    assert see_outcome(Chapter, "way", "falls", store)[1] == said


def test_a_number_is_written_out_and_a_choice_said(store):
    assert see_outcome(Chapter, "steps", 160_000, store)[1] == "It is 160000 steps."
    assert see_outcome(Chapter, "way", "falls", store)[1] == "What came: falls."


def test_before_the_look_the_last_word_counts_and_after_it_none(store):
    commit(Chapter, "way", "rises", 0.6, store)
    commit(Chapter, "way", "FALLS", 0.8, store)
    see_outcome(Chapter, "way", "stays", store)
    said = commit(Chapter, "way", "stays", 1, store)
    assert "What counts is what you said before: falls, 80 % sure" in said
    (made,) = history(store.events(), [Chapter])
    assert (made.standing.said, made.right) == ("falls", False)


def test_one_made_after_the_look_is_kept_and_not_counted(store):
    see_outcome(Chapter, "steps", 7, store)
    assert "not counted" in commit(Chapter, "steps", 7, 1, store)
    (made,) = history(store.events(), [Chapter])
    assert (made.standing.said, made.standing.late, made.right) == (None, True, None)
    assert misses(store.events(), [Chapter]) == []


def test_running_the_notebook_again_records_nothing_new(store):
    for _ in range(3):
        commit(Chapter, "steps", 3, 0.7, store)
        see_outcome(Chapter, "steps", 7, store)
    assert [event.kind for event in store.events()] == ["predict", "outcome"]


def test_a_blank_cell_commits_to_nothing(store):
    assert commit(Chapter, "steps", ..., ..., store).startswith("No prediction yet")
    assert store.events() == []


def test_the_first_look_is_the_one_that_counts(store):
    commit(Chapter, "steps", 3, 0.7, store)
    see_outcome(Chapter, "steps", 3, store)
    see_outcome(Chapter, "steps", 99, store)
    assert history(store.events(), [Chapter])[0].right


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int64(3), torch.tensor(3.0)])
def test_a_number_of_any_library_is_a_number(value):
    assert read_value(STEPS, value) == 3.0


@pytest.mark.parametrize("value", ["3", None, True, float("nan"), [3], torch.zeros(2), ...])
def test_what_is_no_number_is_told(value):
    with pytest.raises(NoPrediction, match=r"a number \(in steps\)"):
        read_value(STEPS, value)


def test_a_choice_that_is_not_there_lists_those_that_are():
    with pytest.raises(NoPrediction, match="'rises', 'falls', 'stays'.* Did you mean 'rises'"):
        read_value(WAY, "rise")


@pytest.mark.parametrize("sure", [..., 0.2, 70, "0.7", True, float("nan")])
def test_how_sure_is_from_a_coin_to_certain(sure):
    with pytest.raises(NoPrediction, match=r"0\.5 is a coin"):
        read_sure(STEPS, sure)


def test_tolerances():
    assert is_right(STEPS, 3, 4) and not is_right(STEPS, 3, 4.1)
    assert is_right(RATIO, 5, 10) and is_right(RATIO, 20, 10) and not is_right(RATIO, 21, 10)
    assert not is_right(RATIO, -10, 10) and is_right(RATIO, 0, 0) and not is_right(RATIO, 1, 0)
    assert is_right(Prediction("p", "?", "!", within=0.0), 0.3, 0.1 + 0.2)


def test_calibration_counts_each_once(store):
    for name, said, sure, came in [
        ("steps", 3, 0.7, 3), ("ratio", 1, 0.75, 9), ("way", "rises", 1.0, "rises"),
    ]:  # fmt: skip
        commit(Chapter, name, said, sure, store)
        see_outcome(Chapter, name, came, store)
    groups = {
        (g.least, g.right, g.made)
        for g in calibration(history(store.events(), [Chapter]))
        if g.made
    }
    assert groups == {(0.7, 1, 2), (0.9, 1, 1)}
