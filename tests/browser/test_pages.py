"""Every page of the book, opened from disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import yaml
from playwright.sync_api import Page

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


Visit = Callable[..., Visited]


def listed_pages() -> list[str]:
    """Return the pages of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


CHAPTERS = [page for page in listed_pages() if page.startswith("solutions/")]


@pytest.fixture(scope="module", params=listed_pages())
def opened(request: pytest.FixtureRequest, visit: Visit, html: Path) -> Visited:
    """Open one page, wait until its formulas are set, and keep it for the tests of that page."""
    visited = visit((html / f"{request.param}.html").as_uri())
    visited.page.wait_for_function(MATHEMATICS_DONE)
    return visited


def unfold_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true })")


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
    unfold_everything(page)
    too_wide = page.evaluate(TOO_WIDE)
    page.set_viewport_size({"width": 1200, "height": 900})
    assert too_wide == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_background(opened: Visited, theme: str) -> None:
    unfold_everything(opened.page)
    opened.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
    assert opened.page.evaluate(FAINT_TEXT) == []


def test_every_picture_is_there(opened: Visited) -> None:
    missing = opened.page.evaluate(
        "() => [...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"
    )
    assert missing == []


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request: pytest.FixtureRequest, visit: Visit, html: Path) -> Page:
    """Open a chapter afresh, with nothing unfolded."""
    return visit((html / f"{request.param}.html").as_uri()).page


def test_solutions_are_folded_until_they_are_asked_for(chapter: Page) -> None:
    solutions = chapter.locator("details.hide", has=chapter.get_by_text("Solution", exact=True))
    assert solutions.count() > 0
    for place in range(solutions.count()):
        assert not solutions.nth(place).locator(".cell_input").is_visible()
    solutions.first.locator("summary").click()
    assert solutions.first.locator(".cell_input").is_visible()


def test_hints_and_recall_answers_are_folded(chapter: Page) -> None:
    folded = chapter.locator("details.hint, details.recall")
    assert folded.count() > 0
    opened = chapter.locator("details.hint[open], details.recall[open]")
    assert opened.count() == 0


def test_from_disk_a_chapter_says_how_to_open_its_notebook(chapter: Page) -> None:
    part, name = chapter.url.split("/")[-2:]
    note = chapter.locator(".open-command")
    assert f"descent open {part}/{name.split('_')[0]}" in note.inner_text()
    assert chapter.get_by_text("Open in JupyterLab").count() == 0


def test_the_search_finds_a_word(visit: Visit, html: Path) -> None:
    visited = visit((html / "book" / "index.html").as_uri())
    page = visited.page
    page.keyboard.press("Control+k")
    page.keyboard.type("gradient")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    result = page.locator("#search-results li a[href*='01_scalar_regression']").first
    result.wait_for()
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
    readout = figure.locator(".ds-readout")
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
