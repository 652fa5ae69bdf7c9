"""When a card comes back, and that it is the library's own arithmetic."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import fsrs
import pytest

from descent.study.recall.schedule import AHEAD_DAYS, WEIGHTS, memory

DAY = 20_500


def intervals(answers: str) -> list[int]:
    """Answer a card each time on the day it is due (k known, n not yet)."""
    given: list[tuple[int, bool]] = []
    day, found = DAY, []
    for answer in answers:
        given.append((day, answer == "k"))
        state = memory(given, day)
        assert state is not None
        found.append(state.due - day)
        day = state.due
    return found


def test_a_card_that_is_known_comes_back_after_five_days_and_then_ever_later():
    assert intervals("kkkkk") == [5, 23, 89, 291, 365]


@pytest.mark.parametrize("before", ["", "k", "kk", "kkkk", "n", "nnn"])
def test_a_forgotten_card_comes_back_tomorrow(before):
    assert intervals(before + "n")[-1] == 1


def test_a_card_that_was_forgotten_climbs_again():
    assert intervals("nkkkk") == [1, 2, 6, 17, 44]
    assert intervals("knkkk") == [5, 1, 3, 8, 19]


def test_missed_weeks_are_credited_when_the_card_was_known_all_the_same():
    in_time = memory([(DAY, True), (DAY + 5, True)], DAY + 5)
    late = memory([(DAY, True), (DAY + 40, True)], DAY + 40)
    assert late.due - late.day > in_time.due - in_time.day


def test_only_the_first_answer_of_a_day_counts():
    once = memory([(DAY, False)], DAY)
    assert memory([(DAY, False), (DAY, True), (DAY, True)], DAY) == once


def test_an_answer_of_the_near_future_counts_as_made_today():
    ahead = memory([(DAY - 9, True), (DAY + AHEAD_DAYS, True)], DAY)
    assert ahead == memory([(DAY - 9, True), (DAY, True)], DAY)
    assert ahead.due > DAY


def test_an_answer_of_the_far_future_waits_for_its_day():
    answers = [(DAY - 9, True), (DAY + AHEAD_DAYS + 1, True)]
    assert memory(answers, DAY) == memory(answers[:1], DAY)
    assert memory(answers, DAY + 400) == memory(answers, DAY + AHEAD_DAYS + 1)
    assert memory(answers[1:], DAY) is None


def test_days_that_run_backwards_give_no_negative_interval():
    state = memory([(DAY, True), (DAY - 3, False), (DAY + 5, True)], DAY + 5)
    assert state == memory([(DAY, True), (DAY + 5, True)], DAY + 5)


def test_the_chance_to_know_a_card_falls_to_nine_in_ten_on_the_day_it_is_due():
    state = memory([(DAY, True)], DAY)
    assert state.chance(DAY) == 1
    assert state.chance(state.due) == pytest.approx(0.9)
    assert state.chance(DAY - 5) == 1


def by_hand(answers: list[tuple[int, bool]]) -> fsrs.Card:
    """Feed the library directly, in days since 1970 at midnight."""
    scheduler = fsrs.Scheduler(
        parameters=WEIGHTS, learning_steps=(), relearning_steps=(), enable_fuzzing=False
    )
    card = fsrs.Card(card_id=1)
    for day, known in answers:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
        card, _ = scheduler.review_card(card, fsrs.Rating.Good if known else fsrs.Rating.Again, at)
    return card


@pytest.mark.parametrize("seed", range(50))
def test_the_state_is_the_one_the_library_has_after_the_same_answers(seed):
    draw = random.Random(seed)
    day, answers = DAY, []
    for _ in range(draw.randint(1, 15)):
        answers.append((day, draw.random() < 0.75))
        day += draw.choice([1, 1, 2, 5, 9, 30, 200])
    state, card = memory(answers, day), by_hand(answers)
    assert (state.stability, state.difficulty) == (card.stability, card.difficulty)
    if answers[-1][1]:
        assert state.due - state.day == min(365, (card.due - card.last_review).days)
