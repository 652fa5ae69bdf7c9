"""Gradient descent on a loss surface, as a reader handles it in a browser."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from descent.figures import loss_surface_figure

X, Y = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([-3.0, -1.0, 1.5, 2.5])


def descend(w: float, b: float, rate: float, steps: int) -> tuple[float, float]:
    for _ in range(steps):
        error = w * X + b - Y
        w, b = w - rate * 2 * (error * X).mean(), b - rate * 2 * error.mean()
    return w, b


def values(page, which: int = 0) -> dict[str, float]:
    parts = page.locator(".figure-readout").nth(which).locator("span").all_inner_texts()
    return {name: float(value.replace("−", "-")) for name, value in (p.split() for p in parts)}


def set_rate(page, rate: float) -> None:
    page.eval_on_selector(
        "input",
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }",
        math.log10(rate),
    )


def pixels(page, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_the_same_content_gives_the_same_bytes_in_every_process():
    code = "from descent.figures import loss_surface_figure as f; print(f()._repr_html_(), end='')"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert other.stdout == loss_surface_figure()._repr_html_()
    assert loss_surface_figure(rate=0.2).html != loss_surface_figure(rate=0.3).html
    assert repr(loss_surface_figure()).startswith("<interactive figure")


def test_nothing_is_fetched_from_anywhere():
    assert "http" not in loss_surface_figure().html


@pytest.mark.parametrize(
    "arguments",
    [
        {"x": [1.0, 1.0], "y": [1.0, 2.0]},
        {"x": [1.0, 2.0], "y": [1.0]},
        {"x": [1.0, 2.0], "y": [1.0, float("nan")]},
        {"rate": 0.0},
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        loss_surface_figure(**arguments)


@pytest.mark.browser
def test_each_step_is_gradient_descent_and_the_pictures_move(open_page):
    page = open_page(loss_surface_figure(X, Y, start=(-1.0, 2.0), rate=0.1).html)
    before = pixels(page, 0), pixels(page, 1)
    loss = np.mean((-X + 2.0 - Y) ** 2)
    assert values(page) == {"step": 0, "w": -1, "b": 2, "loss": pytest.approx(loss, abs=0.051)}
    page.click(".ds-step")
    page.click(".ds-step")
    w, b = descend(-1.0, 2.0, 0.1, 2)
    assert values(page)["step"] == 2
    assert (values(page)["w"], values(page)["b"]) == pytest.approx((w, b), abs=6e-4)
    assert pixels(page, 0) != before[0] and pixels(page, 1) != before[1]
    page.click(".ds-reset")
    assert (pixels(page, 0), pixels(page, 1)) == before


@pytest.mark.browser
def test_the_slider_sets_the_rate_and_run_arrives_at_least_squares(open_page):
    page = open_page(loss_surface_figure(X, Y).html)
    set_rate(page, 0.3)
    assert float(page.inner_text("output")) == pytest.approx(0.3, rel=0.02)
    page.click(".ds-run")
    page.wait_for_selector("text=Arrived")
    assert (values(page)["w"], values(page)["b"]) == pytest.approx(np.polyfit(X, Y, 1), abs=5e-3)


@pytest.mark.browser
@pytest.mark.parametrize(("factor", "diverges"), [(0.9, False), (1.2, True)])
def test_it_diverges_past_the_limit_and_says_so(open_page, factor, diverges):
    curvature = np.array([[np.mean(X * X), X.mean()], [X.mean(), 1.0]])
    limit = 1 / np.linalg.eigvalsh(curvature).max()
    page = open_page(loss_surface_figure(X, Y, rate=factor * limit).html)
    page.click(".ds-run")
    page.wait_for_selector("text=" + ("Diverging" if diverges else "Arrived"))
    if diverges:
        assert f"{limit:.3g}" in page.inner_text(".figure-message")
        assert page.is_disabled(".ds-step")
        page.click(".ds-reset")
        assert page.is_enabled(".ds-step") and values(page)["step"] == 0


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(loss_surface_figure(X, Y, start=(0.0, 0.0)).html)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert values(page)["w"] > 0 and values(page)["b"] == 0
    page.keyboard.press("Tab")
    rate = page.inner_text("output")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("output") != rate
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert values(page)["step"] == 1


@pytest.mark.browser
def test_a_tap_chooses_the_starting_point_on_a_phone(open_page):
    page = open_page(
        loss_surface_figure(X, Y).html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    before = values(page)
    page.locator("canvas").first.tap(position={"x": 200, "y": 60})
    assert values(page)["w"] > before["w"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for button in page.locator("button").all():
        assert button.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_several_on_a_page_move_apart_even_twice_the_same(open_page):
    same = loss_surface_figure(X, Y).html
    page = open_page(same + same + loss_surface_figure(rate=0.5).html)
    assert page.locator(".ds-step").count() == 3
    page.locator(".ds-step").nth(1).click()
    assert [values(page, which)["step"] for which in range(3)] == [0, 1, 0]


@pytest.mark.browser
def test_it_repaints_when_the_theme_is_switched(open_page):
    page = open_page(loss_surface_figure().html, 'data-theme="light"')
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
