"""A proxy reward over-optimised, as a reader handles it in a browser."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from descent.figures import overoptimisation_figure
from descent.figures.overoptimisation import BATCH, LAW, WORDS


def rl_gold(d: float, flaw: float = 1.0) -> float:
    return d * (LAW["rl"]["alpha"] - flaw * LAW["rl"]["beta"] * math.log(d))


def best_gold(d: float, flaw: float = 1.0) -> float:
    return d * (LAW["best"]["alpha"] - flaw * LAW["best"]["beta"] * d)


def distinct(rows: np.ndarray) -> float:
    """Of (many batches, a completion each as a whole number): the mean share that differs."""
    return float(np.mean([len(np.unique(row)) / len(row) for row in rows]))


def rl_by_drawing(kl: float, rng: np.random.Generator) -> tuple[float, float]:
    """Proxy and share of distinct, from completions that are drawn word by word."""
    q = brentq(
        lambda p: WORDS * (math.log(2) + p * math.log(p) + (1 - p) * math.log1p(-p)) - kl,
        0.5 + 1e-9,
        1 - 1e-12,
    )
    words = rng.random((300, BATCH, WORDS)) < q
    proxy = (words.sum(axis=-1).mean() - WORDS / 2) / math.sqrt(WORDS / 4)
    return float(proxy), distinct(words @ (1 << np.arange(WORDS)))


def best_by_drawing(kl: float, rng: np.random.Generator) -> tuple[float, float]:
    """The same from the best of n, as the rank of the best among all completions."""
    n = math.exp(brentq(lambda log: log - 1 + math.exp(-log) - kl, 0, 40))
    top = rng.random((300, BATCH)) ** (1 / n)  # the largest of n uniform numbers
    ranks = np.floor(top * 2**WORDS)
    ends = np.cumsum([math.comb(WORDS, j) for j in range(WORDS + 1)])
    pleasing = np.searchsorted(ends, ranks, side="right")
    proxy = (pleasing.mean() - WORDS / 2) / math.sqrt(WORDS / 4)
    return float(proxy), distinct(ranks)


def shown(page: Any, name: str) -> list[float]:
    text = page.locator(f'[data-name="{name}"] b').inner_text()
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text.replace("−", "-"))]


def set_slider(page: Any, name: str, value: float) -> None:
    page.locator(f"input.do-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def pixels(page: Any, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = overoptimisation_figure().html
    assert "http" not in page
    assert page == overoptimisation_figure().html
    assert page != overoptimisation_figure(flaw=0.5).html
    assert repr(overoptimisation_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(
    "arguments", [{"distance": -0.1}, {"distance": 3.8}, {"flaw": 0.1}, {"flaw": float("nan")}]
)
def test_what_cannot_be_shown_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        overoptimisation_figure(**arguments)


@pytest.mark.browser
@pytest.mark.parametrize("distance", [0.6, 2.0, 3.0, 3.6])
def test_the_numbers_are_those_of_drawn_completions_and_of_the_published_forms(open_page, distance):
    page, rng = open_page(overoptimisation_figure().html), np.random.default_rng(1)
    set_slider(page, "distance", distance)
    for name, by_drawing, gold in (
        ("RL", rl_by_drawing, rl_gold),
        ("best-of-n", best_by_drawing, best_gold),
    ):
        proxy, share = by_drawing(distance**2, rng)
        now = shown(page, f"{name}: proxy, gold, distinct")
        assert now[0] == pytest.approx(proxy, abs=0.05)
        assert now[1] == pytest.approx(gold(distance), abs=0.006)
        assert now[2] / 100 == pytest.approx(share, abs=0.015)


@pytest.mark.browser
def test_n_and_the_kl_of_best_of_n_belong_together(open_page):
    page = open_page(overoptimisation_figure().html)
    set_slider(page, "distance", math.sqrt(math.log(16) - 15 / 16))  # the slider takes a near stop
    said = page.locator("output").first.inner_text()
    kl, n = (float(v) for v in re.search(r"KL ([\d.]+) nats, n = ([\d.]+)", said).groups())
    assert kl == pytest.approx(math.log(n) - (n - 1) / n, abs=0.01)
    assert n == pytest.approx(16, rel=0.05)


@pytest.mark.browser
@pytest.mark.parametrize("flaw", [1.0, 1.5])
def test_the_best_of_gold_is_where_a_search_finds_it(open_page, flaw):
    page = open_page(overoptimisation_figure().html)
    set_slider(page, "flaw", flaw)
    tops = [
        minimize_scalar(lambda d, g=g: -g(d, flaw), bounds=(0.01, 9), method="bounded").x
        for g in (rl_gold, best_gold)
    ]
    assert shown(page, "gold is best at √KL") == pytest.approx(tops, abs=0.006)


@pytest.mark.browser
def test_gold_turns_while_the_proxy_goes_on_and_samples_become_the_same(open_page):
    page = open_page(overoptimisation_figure().html)
    said = page.locator(".figure-message")
    set_slider(page, "distance", 0)
    assert "No pressure" in said.inner_text()
    set_slider(page, "distance", 1.0)
    before = shown(page, "RL: proxy, gold, distinct")
    assert "rise together" in said.inner_text()
    set_slider(page, "distance", 3.6)
    after = shown(page, "RL: proxy, gold, distinct")
    assert after[0] > before[0] + 1 and after[1] < before[1] and after[2] < 50 < before[2]
    assert "gold has turned" in said.inner_text() and "are distinct" in said.inner_text()


@pytest.mark.browser
def test_it_is_worked_by_keyboard_and_pointer(open_page):
    page = open_page(overoptimisation_figure().html)
    before = pixels(page, 0), pixels(page, 1)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").first.inner_text().startswith("2.02:")
    page.locator("canvas").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("output").first.inner_text().startswith("2.12:")
    assert (pixels(page, 0), pixels(page, 1)) != before
    page.locator("canvas").first.click(position={"x": 60, "y": 40})
    assert float(page.locator("output").first.inner_text().split(":")[0]) < 0.4


@pytest.mark.browser
def test_it_fits_a_phone_and_repaints_with_the_theme(open_page):
    page = open_page(
        overoptimisation_figure().html, 'data-theme="light"', viewport={"width": 360, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("input").all():
        assert control.bounding_box()["height"] >= 40
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
