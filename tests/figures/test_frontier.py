"""A scaling law's frontier, as a reader handles it in a browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

from descent.figures import frontier_figure
from descent.figures.frontier import PRESETS

UNITS = {"": 1.0, "million": 1e6, "billion": 1e9, "trillion": 1e12}
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def best(e: float, a: float, b: float, alpha: float, beta: float, budget: float) -> dict:
    """The lowest loss on a fine grid of sizes: nothing of the closed form."""
    n = np.geomspace(1e4, 1e16, 2_400_001)
    d = budget / (6 * n)
    loss = e + a / n**alpha + b / d**beta
    i = loss.argmin()
    return {
        "best N": n[i],
        "best D": d[i],
        "tokens per parameter": d[i] / n[i],
        "loss": loss[i],
    }


def shown(page, which: int = 0) -> dict[str, float]:
    """The numbers under the pictures, in units of one."""
    found = {}
    for part in page.locator(".figure-readout").nth(which).locator("span").all():
        value, times, unit = re.match(
            r"([\d.]+)(?: × 10(\S+))? ?(\w*)$", part.locator("b").inner_text()
        ).groups()
        scale = 10.0 ** int(times.translate(RAISED)) if times else UNITS[unit]
        found[part.get_attribute("data-name")] = float(value) * scale
    return found


def set_slider(page, name: str, value: float) -> None:
    page.locator(f"input.df-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def pixels(page, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = frontier_figure().html
    assert "http" not in page
    assert page == frontier_figure().html
    assert page != frontier_figure(alpha=0.35).html
    assert repr(frontier_figure()).startswith("<interactive figure")


def test_it_begins_with_the_constants_that_the_paper_prints():
    assert frontier_figure().html == frontier_figure(**PRESETS["printed in the paper"]).html


@pytest.mark.parametrize(
    "arguments",
    [
        {"alpha": 0.0},
        {"beta": 0.9},
        {"a": 0.0},
        {"b": float("inf")},
        {"e": -0.1},
        {"budget": 1e17},
        {"budget": float("nan")},
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        frontier_figure(**arguments)


@pytest.mark.browser
def test_the_presets_say_what_a_search_finds_and_do_not_agree(open_page):
    page = open_page(frontier_figure().html)
    ratios = []
    for name, law in PRESETS.items():
        page.locator("select").select_option(name)
        assert shown(page) == pytest.approx(best(**law, budget=5.76e23), rel=6e-3)
        ratios.append(shown(page)["tokens per parameter"])
    assert ratios[0] > 4 * ratios[1]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("alpha", "beta", "power"), [(0.3, 0.3, 20), (0.25, 0.45, 22), (0.45, 0.25, 18)]
)
def test_the_sliders_move_the_optimum_and_its_exponent(open_page, alpha, beta, power):
    page = open_page(frontier_figure().html)
    before = pixels(page, 0), pixels(page, 1)
    for name, value in (("alpha", alpha), ("beta", beta), ("budget", power)):
        set_slider(page, name, value)
    law = {**PRESETS["printed in the paper"], "alpha": alpha, "beta": beta}
    assert shown(page) == pytest.approx(best(**law, budget=10.0**power), rel=6e-3)
    said = page.inner_text(".figure-message")
    assert float(re.search(r"β/\(α\+β\) = (\S+),", said)[1]) == pytest.approx(
        beta / (alpha + beta), abs=6e-4
    )
    assert page.locator("select").evaluate("s => s.selectedOptions[0].text") == "your own"
    assert (pixels(page, 0), pixels(page, 1)) != before


@pytest.mark.browser
def test_constants_of_ones_own_can_be_come_back_to(open_page):
    page = open_page(frontier_figure(alpha=0.4, beta=0.4, a=100.0, b=100.0, e=0.5).html)
    assert shown(page)["tokens per parameter"] == pytest.approx(1.0)
    set_slider(page, "alpha", 0.3)
    page.locator("select").select_option("as given")
    assert shown(page)["tokens per parameter"] == pytest.approx(1.0)


@pytest.mark.browser
def test_pulling_the_curve_makes_the_size_under_the_pointer_the_best(open_page):
    page = open_page(frontier_figure().html)
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 100)
    page.mouse.down()
    small = shown(page)["best N"]
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 100)
    page.mouse.up()
    assert shown(page)["best N"] > 10 * small


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(frontier_figure().html)
    page.keyboard.press("Tab")
    before = shown(page)["best N"]
    page.keyboard.press("ArrowRight")
    assert shown(page)["best N"] > before
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert shown(page)["tokens per parameter"] < 25
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").first.inner_text() == "0.355"
    assert page.locator("input").first.get_attribute("aria-valuetext") == "0.355"


@pytest.mark.browser
def test_it_fits_a_phone_and_says_in_words_what_is_drawn(open_page):
    page = open_page(frontier_figure().html, viewport={"width": 360, "height": 800}, has_touch=True)
    before = shown(page)["best N"]
    page.locator("canvas").first.tap(position={"x": 120, "y": 60})
    assert shown(page)["best N"] < before
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("select, input").all():
        assert control.bounding_box()["height"] >= 40
    label = page.locator("canvas").first.get_attribute("aria-label")
    assert "lowest loss" in label and page.locator("output").last.inner_text() in label


@pytest.mark.browser
def test_two_on_a_page_are_two_and_repaint_with_the_theme(open_page):
    same = frontier_figure().html
    page = open_page(same + same, 'data-theme="light"')
    set_slider(page, "budget", 19)
    assert shown(page, 0)["best N"] < shown(page, 1)["best N"]
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
