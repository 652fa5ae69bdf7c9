"""The rules that the pages and the course both have: the same record, the same answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from descent.study.days import day_number
from descent.study.events import events_from
from descent.study.header import Prediction
from descent.study.predictions.scoring import standing, was_right
from descent.study.recall.cards import ReviewCard
from descent.study.recall.deck import make_deck
from descent.study.recall.schedule import memory

pytestmark = pytest.mark.browser

ASSETS = Path(__file__).resolve().parents[3] / "book" / "assets"
CHAPTER = "ladder/04_choosing"
TODAY = 20_522
DAY = 86_400
ZONES = ["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Chatham"]


@pytest.fixture
def page_in(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Return a function that opens an empty page with the scripts, in a time zone."""
    contexts = []

    def open_page(zone: str) -> Page:
        context = browser.new_context(timezone_id=zone)
        contexts.append(context)
        page = context.new_page()
        for name in ("schedule.js", "deck.js", "predictions.js"):
            page.add_script_tag(path=ASSETS / name)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def clock_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that moves this process to a time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def logs(draw: random.Random, count: int) -> list[list[tuple[int, bool]]]:
    """Draw logs of one card each: early and late, often and rarely known, some of the future."""
    found = []
    for _ in range(count):
        pace, known = draw.choice([1, 4, 20, 90]), draw.choice([0.1, 0.5, 0.8, 0.97])
        day, log = TODAY - draw.randrange(2_000), []
        for _ in range(draw.randrange(25)):
            log.append((day, draw.random() < known))
            day += draw.randrange(-1, 2 * pace)
        found.append(log)
    return found


def test_cards_come_back_on_the_same_days(page_in: Callable[[str], Page]) -> None:
    drawn = logs(random.Random(6), 3_000)
    there = page_in("UTC").evaluate(
        """([logs, today]) => logs.map((log) => {
          const state = descentSchedule.memory(log.map(([day, known]) => ({ day, known })), today);
          const chance = state && descentSchedule.chance(state, today);
          return state && [state.day, state.due, state.stability, state.difficulty, chance];
        })""",
        [drawn, TODAY],
    )
    for log, other in zip(drawn, there, strict=True):
        state = memory(log, TODAY)
        if state is None:
            assert other is None
            continue
        assert [state.day, state.due] == other[:2], log
        own = [state.stability, state.difficulty, state.chance(TODAY)]
        assert own == pytest.approx(other[2:], rel=1e-9), log


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_turns_at_the_same_moment(
    page_in: Callable[[str], Page], clock_in: Callable[[str], None], zone: str
) -> None:
    draw = random.Random(zone)
    moments = [draw.uniform(0.0, 2.2e9) for _ in range(2_000)]
    moments += [
        DAY * TODAY + 900.0 * quarter for quarter in range(96 * 300)
    ]  # both changes of time
    clock_in(zone)
    there = page_in(zone).evaluate("(moments) => moments.map(descentSchedule.dayOf)", moments)
    assert there == [day_number(at) for at in moments]


def events_of_a_learner(draw: random.Random, cards: list[ReviewCard]) -> list[dict[str, Any]]:
    """Draw answers in pages and reviews, some on the same day, a few of the future."""
    asked = draw.sample(cards, 55)
    found = []
    for number in range(400):
        days = (-draw.expovariate(1 / 60), draw.uniform(-0.4, 0.4), 9.0)
        at = DAY * (TODAY + draw.choices(days, (20, 1, 1))[0])
        data = {"remembered": draw.random() < 0.8, "where": draw.choice(["page", "review"])}
        found.append(
            {"uid": f"{number:03}", "at": at, "kind": "review", "chapter": CHAPTER}
            | {"exercise": draw.choice(asked).item, "data": data}
        )
    return sorted(found, key=lambda event: (event["at"], event["uid"]))


@pytest.mark.parametrize("seed", range(6))
def test_a_day_asks_for_the_same_cards(
    page_in: Callable[[str], Page], clock_in: Callable[[str], None], seed: int
) -> None:
    draw, now = random.Random(seed), DAY * TODAY + DAY / 2
    met = [draw.choice([None, now - DAY * draw.uniform(0, 9)]) for _ in range(60)]
    cards = [ReviewCard(CHAPTER, f"c{n}", "?", "!", met_at=at) for n, at in enumerate(met)]
    events = events_of_a_learner(draw, cards)
    clock_in("UTC")
    deck = make_deck(cards, events_from(events), now)
    there = page_in("UTC").evaluate(
        """([cards, events, today]) => {
          const deck = descentDeck.makeDeck(cards, { chapters: [], sections: [] }, events, today);
          const shown = (states) => states.map(({ card, due }) => [card.item, due]);
          return {
            pile: shown(deck.pile), waiting: shown(deck.waiting), later: shown(deck.later),
            done: deck.done, unmet: deck.unmet, ahead: deck.ahead,
            expected: descentDeck.expected(deck, 7),
          };
        }""",
        [
            [{"chapter": CHAPTER, "item": c.item, "section": "", "metAt": c.met_at} for c in cards],
            events,
            TODAY,
        ],
    )

    def shown(states: Any) -> list[list[Any]]:
        return [[state.card.item, state.due] for state in states]

    assert deck.pile and deck.later and deck.ahead
    assert there == {
        "pile": shown(deck.pile),
        "waiting": shown(deck.waiting),
        "later": shown(deck.later),
        "done": deck.done,
        "unmet": deck.unmet,
        "ahead": deck.ahead,
        "expected": deck.expected(7),
    }


def near(draw: random.Random, value: float) -> float:
    """Draw a number that is the value, close to it, at an edge, or far away."""
    changes = [0.0, 0.1, -0.1, 1.0, value, -value, -value / 2, -2 * value]
    return draw.choice([value + draw.choice(changes), value + draw.uniform(-3, 3)])


def predictions_made(draw: random.Random) -> list[tuple[Prediction, list[dict[str, Any]]]]:
    """Draw predictions of every kind, with what was said and seen, in any order."""
    found = []
    for number in range(1_500):
        kinds: list[dict[str, Any]] = [{"within": draw.choice([0.0, 0.1, 1.0])}, {"factor": 2.0}]
        choices = ("rises", "falls", "stays")
        kind = draw.choice([*kinds, {"choices": choices}])
        came = draw.choice([0.0, 1.0, -4.0, 0.3, 1e6])
        events = []
        for at in range(draw.randrange(1, 6)):
            value = draw.choice(choices) if "choices" in kind else near(draw, came)
            is_look = draw.random() < 0.4
            what = "outcome" if is_look else "predict"
            data = {"value": came if is_look and "choices" not in kind else value, "sure": 0.7}
            events.append(
                {"uid": f"{number}-{at}", "at": float(at), "kind": what, "chapter": CHAPTER}
                | {"exercise": "p", "data": data}
            )
        found.append((Prediction("p", "?", "!", **kind), events))
    return found


def test_predictions_are_scored_alike(page_in: Callable[[str], Page]) -> None:
    drawn = predictions_made(random.Random(4))
    sent = [[vars(prediction), events] for prediction, events in drawn]
    there = page_in("UTC").evaluate(
        """(all) => all.map(([prediction, events]) => {
          const { said, idle, was, right } = descentPredictions.standing(prediction, events);
          return [said?.data.value ?? null, was ?? null, right, Boolean(idle && !said)];
        })""",
        sent,
    )
    for (prediction, events), other in zip(drawn, there, strict=True):
        own = standing(events_from(events))
        right = was_right(prediction, own)
        assert [own.said, own.came, right, own.late] == other, (prediction, events)
