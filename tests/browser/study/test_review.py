"""The page "Review", read from disk: what is due, one card at a time, by mouse and by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"
DAY = 86_400
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()  # a Tuesday


@pytest.fixture
def page(visit: Callable[..., Any], pages: Path) -> Page:
    """Return the page on a certain day, opened by someone who has done nothing."""
    page = visit("about:blank").page
    page.clock.set_fixed_time(NOW)
    page.goto((pages / "book/review.html").as_uri())
    return page


def event(number: int, days_ago: float, kind: str, item: str, **fields: Any) -> dict[str, Any]:
    about = {"kind": kind, "chapter": CHAPTER, "exercise": item}
    return {"uid": f"e{number}", "at": NOW - DAY * days_ago, **about, **fields}


def load(page: Page, *events: dict[str, Any]) -> None:
    """Put events into the record, as a file that is loaded does."""
    page.evaluate("(text) => descentRecord.merge(text)", "\n".join(map(json.dumps, events)))


def answered(number: int, days_ago: float, item: str, known: bool) -> dict[str, Any]:
    return event(number, days_ago, "review", item, data={"remembered": known, "where": "page"})


def test_who_has_met_no_card_is_told_where_cards_come_from(page: Page) -> None:
    expect(page.locator("#descent-review")).to_contain_text("There are no cards for you yet.")


def test_cards_are_reviewed_by_keyboard(page: Page) -> None:
    load(page, answered(1, 6, "shift", True), answered(2, 1, "shapes", False))
    expect(page.locator(".descent-due")).to_have_text("Due today: 2 cards.")
    first = page.locator(".descent-review-card")
    expect(first).to_contain_text("1 of 2")
    expect(page.get_by_role("button", name="I knew it")).to_be_hidden()
    page.keyboard.press("1")  # no answer is shown yet: nothing happens
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="I knew it")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_role("status").first).to_contain_text("Known: back ")
    expect(first).to_contain_text("2 of 2")
    expect(page.locator(".descent-card-question")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("2")
    stage = page.locator(".descent-stage")
    expect(stage).to_contain_text("Done: 2 cards, 1 known, 1 not yet; about 0 seconds a card.")
    expect(stage).to_contain_text("Tomorrow: 1 card. In the next seven days: ")
    expect(page.locator(".descent-due")).to_contain_text("Nothing is due today. Next: ")
    new = page.evaluate("descentRecord.events().slice(-2).map(({ data }) => data)")
    assert [(one["remembered"], one["where"]) for one in new] == [
        (True, "review"),
        (False, "review"),
    ]
    page.reload()
    expect(page.locator(".descent-due")).to_contain_text("Nothing is due today.")


def test_the_exercises_of_a_section_bring_its_cards_the_next_day(page: Page) -> None:
    load(page, event(1, 0.1, "check", "softmax", outcome="correct"))
    expect(page.locator(".descent-due")).to_have_text(
        "Nothing is due today. Next: 3 cards tomorrow."
    )
    load(page, event(2, 2, "check", "softmax", outcome="correct"))
    expect(page.locator(".descent-due")).to_have_text("Due today: 3 cards.")
    expect(page.locator(".descent-review-card")).to_contain_text("What does softmax not change")


def test_a_missed_prediction_comes_back_and_asks_why(page: Page) -> None:
    load(
        page,
        event(1, 3, "predict", "nan_step", data={"value": 3, "sure": 0.9}),
        event(2, 2.9, "outcome", "nan_step", data={"value": 1}),
        event(3, 3, "predict", "accuracy", data={"value": "falls", "sure": 0.9}),
        event(4, 2.9, "outcome", "accuracy", data={"value": "falls"}),
    )
    card = page.locator(".descent-review-card")
    expect(card).to_contain_text("1 of 1 · a prediction of yours")
    expect(card).to_contain_text("the first NaN? You said 3 steps; it was 1 step. Why?")
    page.get_by_role("button", name="Show the answer").click()
    expect(card).to_contain_text("The second step meets exp of 120.")
    expect(card.get_by_role("link")).to_have_text("4 · Choosing a class")
    page.get_by_role("button", name="I knew it").click()
    assert (
        page.evaluate("descentRecord.events().filter(({ kind }) => kind === 'review')[0].exercise")
        == "prediction:nan_step"
    )


def test_missed_weeks_are_credited_and_said_so(page: Page) -> None:
    load(page, answered(1, 60, "shift", True))
    expect(page.locator(".descent-due")).to_contain_text(
        "You have been away. Nothing is held against"
    )
    page.keyboard.press("Space")
    page.keyboard.press("1")
    expect(page.get_by_role("status").first).to_contain_text("Known: back on ")
    days = page.evaluate(
        "descentSchedule.memoryOf(descentRecord.events()).due - descentSchedule.today()"
    )
    assert days > 23  # what a card gets that was known on its day


def test_no_day_asks_for_more_than_it_should_and_more_may_be_asked_for(page: Page) -> None:
    page.evaluate(
        """([chapter]) => { for (let i = 0; i < 23; i += 1) DESCENT_COURSE.cards.push(
          { ...DESCENT_COURSE.cards[0], item: `more${i}` }); }""",
        [CHAPTER],
    )
    load(page, *(answered(i, 9, f"more{i}", True) for i in range(23)))
    expect(page.locator(".descent-due")).to_contain_text(
        "Due today: 20 cards. 3 more will wait for the next days."
    )
    for _ in range(20):
        page.keyboard.press("Space")
        page.keyboard.press("1")
    expect(page.locator(".descent-due")).to_have_text(
        "You did 20 cards today, which is enough for a day. 3 cards will wait."
    )
    page.get_by_role("button", name="Go on with the 3 cards").click()
    expect(page.locator(".descent-review-card")).to_contain_text("21 of 23")


def test_a_clock_that_went_back_loses_nothing(page: Page) -> None:
    load(page, answered(1, -30, "shift", True), answered(2, 6, "shift", True))
    expect(page.locator(".descent-due")).to_contain_text("Due today: 1 card.")
    expect(page.locator(".descent-due")).to_contain_text(
        "answers of 9 April 2026, which has not come"
    )
