"""The clipped objective of PPO, as a reader handles it in a browser."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from descent.figures import clipping_figure


def objective_and_slope(ratio: float, advantage: float, epsilon: float) -> tuple[float, float]:
    """By torch: the smaller product, and its slope in the ratio."""
    r = torch.tensor(ratio, dtype=torch.float64, requires_grad=True)
    value = torch.minimum(r * advantage, r.clamp(1 - epsilon, 1 + epsilon) * advantage)
    value.backward()
    return value.item(), r.grad.item()


def shown(page: Any, name: str, which: int = 0) -> str:
    text = page.locator(f'[data-name="{name}"] b').nth(which).inner_text()
    return text.replace("−", "-").replace(" %", "")


def set_slider(page: Any, name: str, value: float) -> None:
    page.locator(f"input.dk-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def pixels(page: Any, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def batch(page: Any) -> tuple[float, float, float]:
    names = ("beyond the range (clip fraction)", "approximate KL", "largest ratio")
    share, kl, largest = (float(shown(page, name)) for name in names)
    return share, kl, largest


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = clipping_figure().html
    assert "http" not in page
    assert page == clipping_figure().html
    assert page != clipping_figure(epsilon=0.1).html
    assert repr(clipping_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(
    "arguments", [{"epsilon": 0.0}, {"epsilon": 0.5}, {"ratio": 2.0}, {"steps": 61}]
)
def test_what_cannot_be_shown_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        clipping_figure(**arguments)


@pytest.mark.browser
@pytest.mark.parametrize("epsilon", [0.1, 0.3])
@pytest.mark.parametrize("ratio", [0.55, 0.95, 1.05, 1.45])
def test_objective_and_slope_are_those_of_torch(open_page, ratio, epsilon):
    page = open_page(clipping_figure().html)
    set_slider(page, "ratio", ratio)
    set_slider(page, "clip", epsilon)
    for name, advantage in (("A = +1", 1.0), ("A = −1", -1.0)):
        numbers = [float(n) for n in shown(page, f"{name}: objective, slope").split(",")]
        assert numbers == pytest.approx(objective_and_slope(ratio, advantage, epsilon))


@pytest.mark.browser
@pytest.mark.parametrize(
    ("ratio", "cells"), [(0.5, ["up", "none"]), (1.0, ["up", "down"]), (1.5, ["none", "down"])]
)
def test_the_table_marks_the_case_for_both_signs(open_page, ratio, cells):
    page = open_page(clipping_figure().html)
    set_slider(page, "ratio", ratio)
    assert page.locator("td.dk-now").all_inner_texts() == cells


@pytest.mark.browser
def test_ratios_leave_one_step_by_step_and_further_without_clipping(open_page):
    page = open_page(clipping_figure().html)
    set_slider(page, "steps", 0)
    assert batch(page) == (0.0, 0.0, 1.0)
    assert "every ratio is 1" in page.locator(".figure-message").nth(1).inner_text()
    seen = []
    for steps in (5, 20, 60):
        set_slider(page, "steps", steps)
        seen.append(batch(page))
    assert [kl for _, kl, _ in seen] == sorted(kl for _, kl, _ in seen)
    clipped = seen[-1]
    page.locator("select").select_option("not clipped")
    free = batch(page)
    assert free[1] > 3 * clipped[1] and free[2] > clipped[2] + 0.3
    assert "Without clipping" in page.locator(".figure-message").nth(1).inner_text()


@pytest.mark.browser
def test_a_narrower_range_keeps_the_policy_nearer(open_page):
    page = open_page(clipping_figure(steps=40).html)
    kls = []
    for epsilon in (0.05, 0.2, 0.4):
        set_slider(page, "clip", epsilon)
        kls.append(batch(page)[1])
    assert kls[0] < kls[1] < kls[2]


@pytest.mark.browser
def test_it_is_worked_by_keyboard_and_pointer(open_page):
    page = open_page(clipping_figure().html)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").first.inner_text() == "1.31"
    page.locator("canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("output").first.inner_text() == "1.26"
    page.locator("canvas").nth(1).click(position={"x": 60, "y": 40})
    assert float(page.locator("output").first.inner_text()) < 0.8
    label = page.locator("canvas").nth(1).get_attribute("aria-label")
    assert "has no slope" in label


@pytest.mark.browser
def test_it_fits_a_phone_and_repaints_with_the_theme(open_page):
    page = open_page(
        clipping_figure().html, 'data-theme="light"', viewport={"width": 360, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("select, input").all():
        assert control.bounding_box()["height"] >= 40
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
