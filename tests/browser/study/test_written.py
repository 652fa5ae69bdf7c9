"""Written exercises: no word is lost, every version stays, the rubric opens afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from programs import PATIENCE

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"


@pytest.fixture
def page(visit: Callable[..., Any], pages: Path) -> Page:
    """Return the chapter's page, opened from disk by someone who has written nothing."""
    return visit((pages / f"solutions/{CHAPTER}.html").as_uri()).page


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Explain the NaN to a friend.")


def submit(page: Page, text: str) -> None:
    field(page).fill(text)
    page.get_by_role("button", name="Submit").click()


def test_a_draft_is_there_after_a_reload(page: Page) -> None:
    field(page).fill("exp over")
    expect(field(page)).to_have_value("exp over")
    page.reload()
    # A browser hands what is stored to another process, and this reload came at once: on a busy
    # machine the draft may still be on its way.
    patience_ends = monotonic() + PATIENCE
    while field(page).input_value() != "exp over" and monotonic() < patience_ends:
        page.reload()
    expect(field(page)).to_have_value("exp over")
    assert page.evaluate("descentRecord.events()") == []


def test_rubric_and_model_answer_open_with_the_submission(page: Page) -> None:
    expect(page.get_by_text("exp(120) is infinite in float32.")).to_be_hidden()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    submit(page, "exp overflows.")
    expect(page.get_by_text("exp(120) is infinite in float32.")).to_be_visible()
    page.get_by_role("checkbox", name="says which step").check()
    expect(page.get_by_text("1 of 2 points ticked.")).to_be_visible()
    page.reload()
    expect(field(page)).to_have_value("exp overflows.")
    page.get_by_text("What a good answer contains").click()
    expect(page.get_by_role("checkbox", name="names the overflow")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="says which step")).to_be_checked()
    kinds = page.evaluate("descentRecord.events().map(({ kind, data }) => [kind, data])")
    assert kinds == [["write", {"text": "exp overflows."}], ["assess", {"met": [1]}]]


def test_an_empty_answer_is_not_submitted_and_an_equal_one_not_twice(page: Page) -> None:
    submit(page, "  ")
    expect(page.get_by_text("Write your answer first")).to_be_visible()
    submit(page, "One.")
    submit(page, "One.")
    expect(page.get_by_text("This version is kept already.")).to_be_visible()
    assert len(page.evaluate("descentRecord.events().filter(({ kind }) => kind === 'write')")) == 1


def test_earlier_versions_can_be_looked_at(page: Page) -> None:
    submit(page, "One <b>bold</b> guess.")
    page.get_by_role("checkbox").first.check()
    submit(page, "Two.")
    expect(page.get_by_role("checkbox").first).not_to_be_checked()  # it was the first version's
    page.get_by_text("1 earlier version").click()
    expect(page.locator(".descent-versions blockquote")).to_have_text(["One <b>bold</b> guess."])
    assert page.locator(".descent-versions b").count() == 0
