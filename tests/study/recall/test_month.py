"""A month of learners who come late, stay away, crash, and work on two machines by turns.

Each learner has machines with records and clocks of their own. Whoever changes machines merges the
two records, as the course does it: by the events' own names. A crash ends a sitting before or after
any answer reaches the record; what was pressed and not yet recorded is asked again.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from descent.study.catalog import load_catalog
from descent.study.days import day_number
from descent.study.recall.areas import area_cards
from descent.study.recall.cards import Key
from descent.study.recall.collecting import all_cards
from descent.study.recall.deck import Deck, make_deck
from descent.study.recall.schedule import DAILY
from descent.study.recall.session import Session, record_review
from descent.study.store import ProgressStore

DAY, HOUR = 86_400.0, 3_600.0
BEGINS = datetime(2027, 3, 10).timestamp()  # summer time begins within the month
CHAPTERS = {0: "ladder/04_softmax", 4: "ladder/05_deep", 11: "ladder/06_regularisation"}


class Killed(Exception):
    """The program was ended."""


@dataclass
class Learner:
    """Who learns, on which machines, and what they did."""

    folder: Path
    clock: SimpleNamespace
    draw: random.Random
    crashes: float
    machines: int
    set_back: float = 0.0
    behind: float = 0.0
    machine: int = 0
    given: int = 0
    seen: set[tuple[int, Key]] = field(default_factory=set)
    asked: Counter[tuple[int, Key]] = field(default_factory=Counter)
    asked_again: list[Key] = field(default_factory=list)

    @property
    def store(self) -> ProgressStore:
        """The record of the machine in use, opened anew as after a crash."""
        return self.store_of(self.machine)

    def store_of(self, machine: int) -> ProgressStore:
        return ProgressStore(self.folder / f"machine_{machine}" / "progress.sqlite3")

    def deck(self) -> Deck:
        events = self.store.events()
        return make_deck(all_cards(events), events, self.clock.now)

    def sit_down(self) -> None:
        """Change machines at times; who does merges the records first."""
        other = self.draw.randrange(self.machines)
        if other != self.machine:
            events = [asdict(event) for event in self.store.events()]
            self.machine = other
            self.store.merge(events)

    def maybe_killed(self) -> None:
        if self.draw.random() < self.crashes:
            raise Killed

    def study(self, chapter_id: str) -> None:
        """Work through a chapter: its exercises, and some of the cards in the page."""
        chapter = next(one for one in load_catalog() if one.id == chapter_id)
        self.store.record_start(chapter.id)
        for place, section in enumerate(("softmax", "")):
            self.clock.now += self.draw.uniform(60, 1_800)
            self.store.record_check(chapter.id, chapter.exercises[place], "correct")
            returning, own = area_cards(chapter, section, self.store.events())
            for card in (*returning, *own):
                self.maybe_killed()
                if self.draw.random() < 0.7:
                    record_review(self.store, card, self.draw.random() < 0.6, 9.0, "page")
                    self.given += 1
                    self.seen.add((self.true_day(), card.key))

    def true_day(self) -> int:
        """The day it is, whatever the machine's clock says."""
        return day_number(self.clock.now + self.behind)

    def review(self) -> None:
        """Answer what is due, and leave early at times."""
        session = Session(self.store, clock=self.clock.time)
        deck = session.deck()
        while asked := session.asked(deck):
            if self.draw.random() < 0.05:
                return
            card = asked[0].card
            if (self.true_day(), card.key) in self.seen:
                self.asked_again.append(card.key)
            self.clock.now += self.draw.uniform(3, 40)
            self.maybe_killed()
            self.seen.add((self.true_day(), card.key))
            session.answer(card, self.draw.random() < 0.75, 9.0)
            self.given += 1
            self.asked[deck.today, card.key] += 1
            self.maybe_killed()
            deck = session.deck()


def live(learner: Learner, days: int = 31) -> None:
    """Let a month go by."""
    away_from = learner.draw.randrange(5, 20)
    away_until = away_from + learner.draw.choice([0, 7, 15])
    to_study = dict(CHAPTERS)
    for day in range(days):
        if away_from <= day < away_until or learner.draw.random() < 0.3:
            continue
        hour = learner.draw.uniform(6, 26)  # up to two in the night
        learner.clock.now, learner.behind = BEGINS + day * DAY + hour * HOUR, 0.0
        learner.sit_down()
        if ready := [begin for begin in to_study if begin <= day]:
            with contextlib.suppress(Killed):
                learner.study(to_study[ready[0]])
                del to_study[ready[0]]
        for _ in range(12):
            with contextlib.suppress(Killed):
                learner.review()
            if learner.set_back and day >= 12:
                learner.clock.now -= learner.set_back
                learner.behind, learner.set_back = learner.set_back, 0.0


@pytest.fixture(params=range(8))
def learner(request, root, clock, move_to, add_chapter, tmp_path) -> Learner:
    move_to(["Europe/Berlin", "America/New_York"][request.param % 2])
    for chapter_id in CHAPTERS.values():
        add_chapter(chapter_id, more=12)
    draw = random.Random(request.param)
    return Learner(
        tmp_path,
        clock,
        draw,
        crashes=[0.0, 0.1][request.param // 2 % 2],
        machines=1 + request.param // 4 % 2,
        set_back=[0.0, 2 * HOUR, 2 * DAY, 30 * HOUR][request.param % 4],
    )


def test_a_month_ends_with_nothing_lost_and_no_card_asked_twice_on_a_day(learner):
    live(learner)
    learner.clock.now = BEGINS + 60 * DAY
    records = [learner.store_of(machine) for machine in range(learner.machines)]
    for record in records:
        records[0].merge([asdict(event) for event in record.events()])
    learner.machine = 0

    reviews = [event for event in records[0].events() if event.kind == "review"]
    assert len(reviews) == learner.given > 60
    assert not learner.asked_again
    assert max(learner.asked.values()) == 1
    assert max(Counter(day for day, _ in learner.asked).values()) <= DAILY

    deck = learner.deck()
    answered = {(event.chapter, event.exercise) for event in reviews}
    assert answered <= {state.card.key for state in (*deck.due, *deck.later)}
    assert len(deck.due) + len(deck.later) + deck.unmet == len(all_cards([]))
    assert all(state.due > state.memory.day for state in (*deck.due, *deck.later) if state.memory)
