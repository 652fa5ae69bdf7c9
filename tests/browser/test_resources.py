"""The search of the page of resources, from disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Page, expect

from descent.study.resources import FILE, find_resources, read_library

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = read_library(ROOT / FILE)
ALL = len(LIBRARY.resources)


class Visited(Protocol):
    page: Page
    errors: list[str]
    outside: list[str]

    def close(self) -> None: ...


Visit = Callable[..., Visited]


@pytest.fixture
def address(html: Path) -> str:
    """Return the address of the page in the built book."""
    return (html / "book" / "resources.html").as_uri()


def shown(page: Page) -> set[str]:
    """Return the ids of the resources that can be seen."""
    found = page.locator("div.resource:visible").evaluate_all("all => all.map((one) => one.id)")
    return {name.replace("-", "_") for name in found}


def counted(page: Page, number: int) -> None:
    expect(page.get_by_role("status")).to_contain_text(f"{number} of {ALL} resources.")


@pytest.mark.parametrize(
    ("hash_", "asked"),
    [
        ("", {}),
        ("#words=gorner", {"words": "gorner"}),
        ("#words=shakespeare+the", {"words": "shakespeare the"}),
        ("#kind=book&level=advanced", {"kind": "book", "level": "advanced"}),
        ("#words=transformer", {"words": "transformer"}),
        ("#hours=0.5", {"hours": 0.5}),
        ("#chapter=Research+7&kind=video", {"chapter": "R7", "kind": "video"}),
        ("#words=http+stanford", {"words": "http stanford"}),
    ],
)
def test_the_page_finds_what_the_command_finds(visit: Visit, address: str, hash_, asked) -> None:
    visited = visit(address + hash_)
    expected = {resource.id for resource in find_resources(LIBRARY, **asked)}
    counted(visited.page, len(expected))
    assert shown(visited.page) == expected
    assert not visited.errors and not visited.outside
    visited.close()


def test_the_keyboard_alone_searches_and_clears(visit: Visit, address: str) -> None:
    visited = visit(address)
    page = visited.page
    page.get_by_role("searchbox", name="Words").focus()
    page.keyboard.type("backgammon")
    counted(page, len(find_resources(LIBRARY, "backgammon")))
    page.keyboard.press("Enter")
    assert page.url.endswith("#words=backgammon")
    page.keyboard.press("Tab")
    page.keyboard.type("paper")  # a list of choices takes what is typed
    expect(page.get_by_role("combobox", name="Kind")).to_have_value("paper")
    assert page.url.endswith("#words=backgammon&kind=paper")
    expect(page.get_by_role("status")).to_contain_text("Nothing answers to all of that")
    page.get_by_role("button", name="Clear").press("Enter")
    counted(page, ALL)
    assert page.url == address
    visited.close()


def test_headings_without_a_resource_go_and_a_link_to_one_brings_it_back(
    visit: Visit, address: str
) -> None:
    visited = visit(f"{address}#kind=data")
    page = visited.page
    expect(page.locator(".bd-article section section:visible > h2")).to_have_count(1)
    page.evaluate("window.location.hash = 'sutton-barto'")
    expect(page.locator("#sutton-barto")).to_be_in_viewport()
    counted(page, ALL)
    visited.close()


def test_the_back_of_an_address_is_a_choice_again(visit: Visit, address: str) -> None:
    visited = visit(address)
    visited.page.evaluate("window.location.hash = 'kind=paper'")
    counted(visited.page, len(find_resources(LIBRARY, kind="paper")))
    expect(visited.page.get_by_role("combobox", name="Kind")).to_have_value("paper")
    visited.page.evaluate("window.location.hash = 'kind=nothing'")
    counted(visited.page, ALL)
    visited.close()


def test_without_javascript_the_page_is_a_list(browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("div.resource:visible")).to_have_count(ALL)
    expect(page.get_by_role("button", name="Clear")).to_have_count(0)
    context.close()


def test_on_a_phone_the_search_fits(visit: Visit, address: str) -> None:
    visited = visit(address, width=390, height=800)
    box = visited.page.locator("#resource-search form").bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert visited.page.evaluate("document.documentElement.scrollWidth") == 390
    visited.close()
