"""What is due today: from the cards that were met, and the log of their answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from descent.study.catalog import load_catalog
from descent.study.events import Event
from descent.study.recall.cards import ReviewCard, missed_prediction
from descent.study.recall.collecting import all_cards
from descent.study.recall.deck import make_deck
from descent.study.recall.schedule import DAILY
from descent.study.recall.words import coming, due_today
from descent.study.store import ProgressStore

DAY = 86_400.0
NOON = 1_800_014_400.0  # 12:00 UTC on 15 January 2027
FOUR = "ladder/04_softmax"

pytestmark = pytest.mark.usefixtures("move_to")


def many(number: int) -> list[ReviewCard]:
    return [ReviewCard(FOUR, f"card_{place:03}", "?", "!") for place in range(number)]


def items(states) -> list[str]:
    return [state.card.item for state in states]


def test_nothing_is_due_from_a_chapter_that_was_never_opened(course):
    deck = make_deck(all_cards([]), [], NOON)
    assert (deck.due, deck.later, deck.unmet) == ((), (), 3)
    assert "descent open ladder/01" in due_today(deck)


def test_opening_a_chapter_alone_asks_nothing(course):
    events = [Event("a", NOON - 9 * DAY, "start", FOUR, "")]
    assert not make_deck(all_cards(events), events, NOON).due


def test_the_cards_of_a_section_come_the_day_after_its_exercises_are_done(course):
    events = [Event("a", NOON, "check", FOUR, "softmax", "correct")]
    assert not make_deck(all_cards(events), events, NOON).due
    tomorrow = make_deck(all_cards(events), events, NOON + DAY)
    assert items(tomorrow.pile) == ["shift", "sum"]
    assert tomorrow.unmet == 1


def test_a_card_answered_in_the_page_is_met(course, review_event):
    events = [review_event(NOON, where="page")]
    deck = make_deck(all_cards(events), events, NOON)
    assert items(deck.later) == ["logit"]
    assert deck.later[0].due == deck.today + 5


def test_the_pile_is_bounded_and_the_most_at_risk_come_first(review_event):
    events = [
        review_event(NOON - (40 + place) * DAY, item=f"card_{place:03}") for place in range(50)
    ]
    deck = make_deck(many(50), events, NOON)
    assert items(deck.pile) == [f"card_{place:03}" for place in range(49, 49 - DAILY, -1)]
    assert len(deck.due) == 50
    assert due_today(deck) == "Due today: 20 cards. 30 more will wait for the next days."


def test_what_waits_is_asked_on_the_next_days_and_nothing_is_lost(review_event):
    events = [review_event(NOON - 40 * DAY, item=f"card_{place:03}") for place in range(50)]
    asked = []
    for day in range(3):
        now = NOON + day * DAY
        pile = make_deck(many(50), events, now).pile
        asked += items(pile)
        events += [review_event(now, item=item) for item in items(pile)]
        assert not make_deck(many(50), events, now).pile
    assert sorted(asked) == sorted(card.item for card in many(50))


def test_answers_in_a_page_take_nothing_from_the_day(review_event):
    old = [review_event(NOON - 40 * DAY, item=f"card_{place:03}") for place in range(50)]
    page = [review_event(NOON, item=f"card_{place:03}", where="page") for place in range(10)]
    assert len(make_deck(many(50), old + page, NOON).pile) == DAILY


def test_new_cards_come_after_those_that_could_be_forgotten(review_event):
    new = replace(many(1)[0], item="new", met_at=NOON - 2 * DAY)
    deck = make_deck([new, *many(1)], [review_event(NOON - 9 * DAY, item="card_000")], NOON)
    assert items(deck.pile) == ["card_000", "new"]


def test_a_card_met_when_the_clock_was_ahead_is_not_lost():
    card = replace(many(1)[0], met_at=NOON + 900 * DAY)
    assert items(make_deck([card], [], NOON).pile) == ["card_000"]


def test_a_card_that_no_longer_exists_is_passed_over_and_its_history_kept(course):
    store = ProgressStore()
    store.record("review", FOUR, "gone", remembered=True, seconds=3, where="review")
    events = store.events()
    assert not make_deck(all_cards(events), events, NOON).due
    assert [event.exercise for event in store.events()] == ["gone"]


def test_an_edited_card_keeps_its_history(course, review_event):
    events = [review_event(NOON)]
    before = make_deck(all_cards(events), events, NOON).later[0]
    source = course / "solutions" / f"{FOUR}.py"
    source.write_text(source.read_text().replace("What is a `logit`?", "Define a logit."))
    after = make_deck(all_cards(events), events, NOON).later[0]
    assert after.card.question == "Define a logit."
    assert after.memory == before.memory


def test_a_renamed_card_keeps_its_history(course, clock):
    clock.now = NOON
    ProgressStore().record("review", FOUR, "old_name", remembered=True, seconds=3, where="page")
    (course / "book").mkdir()
    (course / "book" / "former_ids.yml").write_text(f"{FOUR}/old_name: {FOUR}/logit\n")
    events = ProgressStore().events()
    assert items(make_deck(all_cards(events), events, NOON).later) == ["logit"]


@pytest.mark.parametrize("remembered", [None, "yes", 1, [True]])
def test_an_answer_that_is_none_is_passed_over(remembered, review_event):
    deck = make_deck(many(1), [review_event(NOON, remembered, item="card_000")], NOON)
    assert (deck.due, deck.later, deck.unmet) == ((), (), 1)


def test_answers_at_one_moment_are_taken_in_one_order(review_event):
    first, second = review_event(NOON, True), replace(review_event(NOON, False), uid="zzz")
    card = replace(many(1)[0], item="logit")
    decks = [make_deck([card], events, NOON) for events in ([first, second], [second, first])]
    assert decks[0] == decks[1]
    assert decks[0].later[0].due == decks[0].today + 5


def test_answers_of_two_machines_are_one_log(review_event):
    here = [review_event(NOON - 9 * DAY), review_event(NOON - 4 * DAY)]
    there = [review_event(NOON - 8 * DAY, False)]
    card = replace(many(1)[0], item="logit")
    assert make_deck([card], here + there, NOON) == make_deck([card], there + here, NOON)


def test_a_clock_that_was_set_back_is_told_and_loses_nothing(review_event):
    card = replace(many(1)[0], item="logit")
    deck = make_deck([card], [review_event(NOON + 2 * DAY)], NOON)
    assert (deck.ahead, len(deck.due), len(deck.later)) == (deck.today + 2, 0, 1)


def test_a_traveller_is_asked_no_card_again_an_hour_later(move_to, review_event):
    move_to("Asia/Tokyo")
    card, answered = replace(many(1)[0], item="logit"), review_event(NOON, False)
    assert not make_deck([card], [answered], NOON).due
    move_to("America/Los_Angeles")
    deck = make_deck([card], [answered], NOON + 3_600)
    assert not deck.due and deck.ahead is None


def test_a_missed_prediction_asks_why(review_event):
    card = missed_prediction(FOUR, "nan_step", "When?", "3 steps", "1 step", "exp(89)", NOON)
    assert card.question == "When? You said 3 steps; it was 1 step. Why?"
    same_name = ReviewCard(FOUR, "nan_step", "?", "!")
    events = [review_event(NOON, item="nan_step")]
    deck = make_deck([card, same_name], events, NOON + DAY)
    assert items(deck.pile) == ["prediction:nan_step"]
    assert items(deck.later) == ["nan_step"]


def test_the_next_days_are_foretold(review_event):
    events = [review_event(NOON, item=f"card_{place:03}") for place in range(3)]
    events += [review_event(NOON, False, item="card_003")]
    deck = make_deck(many(4), events, NOON)
    assert deck.expected(7) == [1, 0, 0, 0, 3, 0, 0]
    assert coming(deck) == "Tomorrow: 1 card. In the next seven days: 4."
    assert due_today(deck) == "Nothing is due today. Next: 1 card tomorrow."


def test_the_whole_course_has_cards_that_can_be_asked():
    cards = all_cards([])
    assert len(cards) == sum(len(chapter.recall) for chapter in load_catalog())
    assert len({card.key for card in cards}) == len(cards)
