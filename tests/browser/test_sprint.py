"""The page of the 24-hour weekend, from disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_the_hours_follow_the_time_at_which_a_day_begins(
    visit: Callable[..., object], html: Path
) -> None:
    visited = visit((html / "book" / "sprint.html").as_uri(), width=400)
    page: Page = visited.page  # type: ignore[attr-defined]
    first, second = (page.locator(f'time[data-day="{day}"]') for day in (0, 1))
    expect(first.first).to_have_text("10:00")
    page.get_by_label("The hours are those of a day").nth(1).fill("13:30")
    expect(second.first).to_have_text("13:30")
    expect(second.last).to_have_text("01:10")
    expect(first.first).to_have_text("10:00")
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert visited.errors == [] and visited.outside == []  # type: ignore[attr-defined]


def test_the_published_log_is_a_picture_with_words_and_a_table(
    visit: Callable[..., object], html: Path
) -> None:
    visited = visit((html / "book" / "sprint.html").as_uri())
    page: Page = visited.page  # type: ignore[attr-defined]
    drawn = page.get_by_role("img", name="The source, Saturday: work 8 h 12")
    expect(drawn).to_be_visible()
    expect(drawn.locator("title")).to_have_count(42)
    page.get_by_text("The log, entry by entry").click()
    expect(page.get_by_role("cell", name="Linnear Algebra—first four videos")).to_be_visible()
