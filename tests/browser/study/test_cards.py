"""The recall cards of a chapter's page: answered, remembered, asked once more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"
DAY = 86_400


@pytest.fixture
def page(visit: Callable[..., Any], pages: Path) -> Page:
    """Return the chapter's page, opened from disk by someone who has done nothing."""
    return visit((pages / f"solutions/{CHAPTER}.html").as_uri()).page


def card(page: Page, item: str, area: str = ".descent-recall") -> Locator:
    """Return a card where it stands in the page, or where it is asked once more."""
    return page.locator(f"{area} > details.descent-card[data-item={item}]")


def answer(shown: Locator, button: str) -> None:
    shown.locator("summary").click()
    shown.get_by_role("button", name=button).click()


def reviews(page: Page) -> list[tuple[str, bool, str]]:
    """Return the answers in the record: which card, whether it was known, where."""
    events = page.evaluate("descentRecord.events().filter(({ kind }) => kind === 'review')")
    assert all(event["chapter"] == CHAPTER and event["data"]["seconds"] > 0 for event in events)
    return [(e["exercise"], e["data"]["remembered"], e["data"]["where"]) for e in events]


def test_a_card_shows_its_buttons_with_its_answer(page: Page) -> None:
    shown = card(page, "shift")
    expect(shown.get_by_role("button")).to_have_count(0)  # none that can be reached
    shown.locator("summary").click()
    expect(shown.get_by_text("to every logit")).to_be_visible()
    expect(shown.get_by_role("group", name="Did you know it?").get_by_role("button")).to_have_text(
        ["I knew it", "Not yet"]
    )


def test_an_answer_is_remembered_after_a_reload(page: Page) -> None:
    answer(card(page, "shift"), "I knew it")
    status = card(page, "shift").get_by_role("status")
    expect(status).to_contain_text("You knew it. It comes back in the review on ")
    expect(status).to_be_focused()  # the button that had the focus is gone
    page.reload()
    card(page, "shift").locator("summary").click()
    expect(status).to_contain_text("You knew it. It comes back in the review on ")
    assert reviews(page) == [("shift", True, "page")]


def test_a_forgotten_card_returns_in_the_next_area_and_at_the_foot(page: Page) -> None:
    assert page.locator(".descent-again:visible").count() == 0
    answer(card(page, "overflow"), "Not yet")
    answer(card(page, "shift"), "I knew it")
    blocks = page.locator(".descent-again:visible")
    expect(blocks).to_have_count(2)
    for block in blocks.all():
        expect(block.locator("summary")).to_have_text(["Why is the largest logit subtracted?"])
    page.reload()
    expect(blocks).to_have_count(2)

    answer(blocks.first.locator("details"), "I knew it")
    expect(blocks.first.get_by_role("status")).to_contain_text("You knew it this time.")
    expect(blocks).to_have_count(1)  # nothing is left to ask at the foot
    assert [(item, known) for item, known, _ in reviews(page)] == [
        ("overflow", False),
        ("shift", True),
        ("overflow", True),
    ]
    page.reload()
    expect(card(page, "overflow").locator("summary")).to_be_visible()
    expect(blocks).to_have_count(0)


def test_a_card_forgotten_in_the_last_area_returns_at_the_foot(page: Page) -> None:
    answer(card(page, "shapes"), "Not yet")
    expect(card(page, "shapes").get_by_role("status")).to_contain_text("once more further down")
    again = page.locator(".descent-again:visible")
    expect(again).to_have_count(1)
    answer(again.locator("details"), "Not yet")
    expect(again.get_by_role("status")).to_have_text(
        "Not yet. It comes back in the review tomorrow."
    )


def test_a_card_that_is_due_is_marked(page: Page) -> None:
    mark = card(page, "shift").locator(".descent-mark")
    expect(mark).to_be_empty()
    page.evaluate(
        """([chapter, days]) => descentRecord.merge(JSON.stringify({
          uid: "a", at: Date.now() / 1000 - days, kind: "review", chapter, exercise: "shift",
          data: { remembered: true },
        }))""",
        [CHAPTER, 6 * DAY],
    )
    expect(mark).to_have_text("due today")
    answer(card(page, "shift"), "I knew it")
    expect(mark).to_be_empty()


def test_cards_are_answered_by_keyboard(page: Page) -> None:
    card(page, "overflow").locator("summary").focus()
    for key in ("Enter", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(card(page, "overflow").get_by_role("status")).to_contain_text("Not yet.")
