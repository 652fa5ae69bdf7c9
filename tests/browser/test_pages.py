"""Every page of the book, opened from disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import yaml
from playwright.sync_api import Page

from descent.study.catalog import load_catalog
from descent.verification.plan import Depth, planned

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]

# MathJax is loaded only on pages that have formulas.
MATHEMATICS_DONE = """() => !document.querySelector("script[src*=mathjax]")
  || (window.MathJax?.startup?.promise?.then(() => true) ?? false)"""
# Formulas and tables that stayed source text, and leftovers of markup, outside code.
RAW_MARKUP = r"""() => {
  const walker = document.createTreeWalker(
    document.querySelector(".bd-article"), NodeFilter.SHOW_TEXT);
  const raw = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("pre, code, script, style, mjx-container, .math")) continue;
    if (/\$\$|\\frac|\\sum|:::|\{cite|\]\(|\|[-—]+\|/.test(node.data)) raw.push(node.data.trim());
  }
  return raw;
}"""
UNRENDERED = """() => [...document.querySelectorAll(".bd-article .math")]
  .filter((formula) => !formula.querySelector("mjx-container:not(:empty)"))
  .map((formula) => formula.textContent)"""
TOO_WIDE = """() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.getBoundingClientRect().right > edge + 1)
    .map((element) => `${element.tagName}.${element.className}`).slice(0, 8);
}"""
UNFOLD = """() => document.querySelectorAll("details:not([open])").forEach((part) => {
  part.dataset.unfolded = "";
  part.open = true;
})"""
FOLD_AGAIN = """() => document.querySelectorAll("details[data-unfolded]").forEach((part) => {
  delete part.dataset.unfolded;
  part.open = false;
})"""
# The least contrast of any text in the article, by the WCAG formula, each text measured against
# the first opaque background behind it.
FAINT_TEXT = r"""() => {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const over = (top, alpha, under) => top.map((value, i) => alpha * value + (1 - alpha) * under[i]);
  const background = (element) => {
    if (!element) return [255, 255, 255];
    const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
    if (alpha === 1) return [r, g, b];
    return over([r, g, b], alpha, background(element.parentElement));
  };
  const faint = [];
  for (const element of document.querySelectorAll(".bd-article *, .bd-sidebar-primary *")) {
    if (element.closest("svg, canvas, script, style, button.copybtn, .headerlink")) continue;
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join("");
    if (!text || !element.checkVisibility()) continue;
    const behind = background(element);
    const [r, g, b, alpha = 1] = channels(getComputedStyle(element).color);
    const values = [luminance(over([r, g, b], alpha, behind)), luminance(behind)];
    const ratio = (Math.max(...values) + 0.05) / (Math.min(...values) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${element.tagName} ${text.slice(0, 40)}`);
  }
  return faint;
}"""


class Visited(Protocol):
    """An open page, with the errors it logged and what it asked a network for."""

    page: Page
    errors: list[str]
    outside: list[str]

    def close(self) -> None: ...


Visit = Callable[..., Visited]


def listed_pages() -> list[str]:
    """Return the pages of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def pages_to_open() -> list[str]:
    """Return the pages that are no chapter's, and of the others those verified as a whole."""
    whole = {f"solutions/{chapter.id}" for chapter in planned(Depth.WHOLE, load_catalog())}
    return [page for page in listed_pages() if page in whole or not page.startswith("solutions/")]


@pytest.fixture(scope="module", params=pages_to_open())
def opened(request: pytest.FixtureRequest, visit: Visit, html: Path) -> Iterator[Visited]:
    """Open one page, wait until its formulas are set, and keep it for the tests of that page.

    A page is closed before the next is opened: open ones with their figures cost each other time.
    """
    visited = visit((html / f"{request.param}.html").as_uri())
    visited.page.wait_for_function(MATHEMATICS_DONE)
    yield visited
    visited.close()


def is_chapter(page: Page) -> bool:
    return "/solutions/" in page.url


@contextmanager
def unfolded(page: Page) -> Iterator[None]:
    """Open all that is folded on a page, and leave the page as it was."""
    page.evaluate(UNFOLD)
    yield
    page.evaluate(FOLD_AGAIN)


def test_a_page_needs_no_network_and_logs_no_error(opened: Visited) -> None:
    assert opened.outside == []
    assert opened.errors == []


def test_formulas_are_set_and_no_markup_is_left_over(opened: Visited) -> None:
    assert opened.page.evaluate(UNRENDERED) == []
    assert opened.page.locator("mjx-merror, mjx-container [data-mml-node=merror]").count() == 0
    assert opened.page.evaluate(RAW_MARKUP) == []


def test_a_page_fits_a_phone(opened: Visited) -> None:
    page = opened.page
    page.set_viewport_size({"width": 360, "height": 740})
    with unfolded(page):
        too_wide = page.evaluate(TOO_WIDE)
    page.set_viewport_size({"width": 1200, "height": 900})
    assert too_wide == []


def test_text_stands_out_from_its_background(opened: Visited) -> None:
    # On its way from one theme to the other a colour is neither.
    opened.page.add_style_tag(content="*, *::before, *::after { transition: none !important }")
    with unfolded(opened.page):
        for theme in ("light", "dark"):
            opened.page.evaluate(
                "(name) => { document.documentElement.dataset.theme = name }", theme
            )
            assert opened.page.evaluate(FAINT_TEXT) == [], theme


def test_every_picture_is_there(opened: Visited) -> None:
    missing = opened.page.evaluate(
        "() => [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"
    )
    assert missing == []


def test_solutions_are_folded_until_they_are_asked_for(opened: Visited) -> None:
    page = opened.page
    solutions = page.locator("details.hide", has=page.get_by_text("Solution", exact=True))
    assert (solutions.count() > 0) == is_chapter(page)
    assert solutions.locator(".cell_input:visible").count() == 0
    if is_chapter(page):
        solutions.first.locator("summary").click()
        assert solutions.first.locator(".cell_input").is_visible()
        solutions.first.locator("summary").click()


def test_hints_and_recall_answers_are_folded(opened: Visited) -> None:
    folded = opened.page.locator("details.hint, details.descent-card")
    assert (folded.count() > 0) == is_chapter(opened.page)
    assert opened.page.locator("details.hint[open], details.descent-card[open]").count() == 0


def test_from_disk_a_chapter_says_how_to_open_its_notebook(opened: Visited) -> None:
    notes = opened.page.locator(".open-command").all_inner_texts()
    assert len(notes) == is_chapter(opened.page)
    part, name = opened.page.url.split("/")[-2:]
    assert all(f"descent open {part}/{name.split('_')[0]}" in note for note in notes)
    assert opened.page.locator("a.open-in-lab").count() == 0


def test_a_chapters_number_stands_wherever_its_title_does(opened: Visited) -> None:
    page = opened.page
    heading = page.locator(".bd-article h1").first.inner_text().removesuffix("#").strip()
    assert page.title() == f"{heading} — Descent"
    assert heading in page.locator(".bd-links a").all_inner_texts()
    assert is_chapter(page) == bool(re.match(r"[A-Z]*\d+ · ", heading))


def test_the_search_finds_first_the_section_that_teaches(visit: Visit, html: Path) -> None:
    visited = visit((html / "book" / "index.html").as_uri())
    page = visited.page
    page.keyboard.press("Control+k")
    page.keyboard.type("batch norm")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    first = page.locator("ul.search > li").first
    first.wait_for()
    address = "solutions/ladder/10_resnet.html#batch-norm-statistics-of-a-channel"
    assert first.locator("a").first.get_attribute("href") == address
    assert "batch norm" in first.locator("p.context").inner_text()
    other = page.locator("#search-results li:has(a[href*='14_fast_resnet']) p.context").first
    other.wait_for()
    assert "batch norm" in other.inner_text()
    assert visited.errors == []
    assert visited.outside == []


def test_the_theme_switch_changes_the_page(visit: Visit, html: Path) -> None:
    page = visit((html / "book" / "index.html").as_uri()).page
    colours = set()
    for _ in range(3):
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.locator("button.theme-switch-button:visible").first.click()
    assert len(colours) == 2


def test_the_figure_moves_with_the_learning_rate(visit: Visit, html: Path) -> None:
    visited = visit((html / "solutions" / "ladder" / "01_scalar_regression.html").as_uri())
    figure = visited.page.locator(".descent-loss-surface").first
    readout = figure.locator(".figure-readout")
    before = readout.inner_text()
    drawn = figure.locator("canvas").first.evaluate("(canvas) => canvas.toDataURL()")
    figure.get_by_role("button", name="Step").click()
    assert readout.inner_text() != before
    assert figure.locator("canvas").first.evaluate("(canvas) => canvas.toDataURL()") != drawn

    slider = figure.locator("input[type=range]")
    slider.evaluate(
        "(slider) => { slider.value = slider.max; slider.dispatchEvent(new Event('input')); }"
    )
    figure.get_by_role("button", name="Run").click()
    figure.get_by_text("Diverging").wait_for()
    assert visited.errors == []
