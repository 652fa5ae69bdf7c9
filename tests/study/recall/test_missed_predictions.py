"""A prediction that was missed is asked again in review."""

from __future__ import annotations

import pytest

from descent.study.catalog import find_chapter
from descent.study.predictions.commit import commit, see_outcome
from descent.study.recall.collecting import all_cards
from descent.study.store import ProgressStore

CHAPTER = "ladder/04"


@pytest.fixture
def store(tmp_path):
    return ProgressStore(tmp_path / "progress.sqlite3")


def asked_again(store) -> dict[str, str]:
    cards = all_cards(store.events())
    return {card.item: card.question for card in cards if card.item.startswith("prediction:")}


def test_a_missed_one_comes_back_with_what_was_said_and_what_came(store):
    chapter = find_chapter(CHAPTER)
    commit(chapter, "nan_step", 30, 0.7, store)
    assert asked_again(store) == {}
    see_outcome(chapter, "nan_step", 1, store)
    (question,) = asked_again(store).values()
    assert question.endswith("You said 30 steps; it was 1 step. Why?")
    (card,) = [card for card in all_cards(store.events()) if card.item == "prediction:nan_step"]
    assert card.met_at == store.events()[-1].at


def test_a_right_one_and_a_late_one_do_not(store):
    chapter = find_chapter(CHAPTER)
    commit(chapter, "nan_step", 1, 0.7, store)
    see_outcome(chapter, "nan_step", 1, store)
    see_outcome(chapter, "tempered_accuracy", "stays", store)
    commit(chapter, "tempered_accuracy", "rises", 1, store)
    assert asked_again(store) == {}
