"""Features in superposition: the arithmetic of the page, and as a reader handles it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from descent.figures import superposition_figure
from descent.figures.superposition import SHARES

SLOPES = """given => {
  const { superposition } = (MODEL)({ generator: () => Math.random });
  const { values, batch, importance, penalty } = given;
  const of = importance
    ? superposition.toy(values, batch, importance)
    : superposition.coder(values, batch, penalty);
  return { loss: of.loss, slopes: Array.from(of.slopes) };
}"""


def in_page(page: Any, given: dict) -> tuple[float, np.ndarray]:
    model = files("descent.figures").joinpath("superposition_model.js").read_text("utf-8").rstrip()
    came = page.evaluate(SLOPES.replace("MODEL", model), given)
    return came["loss"], np.array(came["slopes"])


def toy_loss(values: np.ndarray, x: np.ndarray, importance: np.ndarray) -> float:
    n = len(importance)
    w, bias = values[: 2 * n].reshape(n, 2), values[2 * n :]
    back = np.maximum(0, x @ w @ w.T + bias)
    return float((importance * (x - back) ** 2).sum(axis=1).mean())


def coder_loss(values: np.ndarray, h: np.ndarray, penalty: float) -> float:
    table = values.reshape(-1, 4)
    code = np.maximum(0, h @ table[:, :2].T + table[:, 2])
    back = code @ np.stack([np.cos(table[:, 3]), np.sin(table[:, 3])], axis=1)
    return float((((h - back) ** 2).sum(axis=1) + penalty * code.sum(axis=1)).mean())


def central(loss, values: np.ndarray) -> np.ndarray:
    shifts = 1e-6 * np.eye(len(values))
    return np.array([(loss(values + s) - loss(values - s)) / 2e-6 for s in shifts])


@pytest.mark.browser
def test_the_slopes_of_both_losses_are_those_of_central_differences(open_page):
    page, rng = open_page(""), np.random.default_rng(3)
    values, x = rng.normal(size=12), rng.uniform(size=(9, 4)) * (rng.uniform(size=(9, 4)) < 0.6)
    importance = np.array([1.0, 0.8, 0.5, 0.3])
    loss, slopes = in_page(
        page,
        {"values": values.tolist(), "batch": x.tolist(), "importance": importance.tolist()},
    )
    assert loss == pytest.approx(toy_loss(values, x, importance))
    assert slopes == pytest.approx(central(lambda v: toy_loss(v, x, importance), values), abs=1e-6)
    codes, h = rng.normal(size=12), rng.normal(size=(9, 2))
    loss, slopes = in_page(page, {"values": codes.tolist(), "batch": h.tolist(), "penalty": 0.2})
    assert loss == pytest.approx(coder_loss(codes, h, 0.2))
    assert slopes == pytest.approx(central(lambda v: coder_loss(v, h, 0.2), codes), abs=1e-6)


def shown(page: Any, name: str) -> str:
    return page.locator(f'.figure-readout [data-name="{name}"] b').inner_text()


def set_slider(page: Any, name: str, value: float) -> None:
    page.locator(f"input.du-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def pixels(page: Any, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = superposition_figure().html
    assert "http" not in page
    assert page == superposition_figure().html
    assert page != superposition_figure(features=4).html
    assert repr(superposition_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(
    "arguments", [{"features": 1}, {"features": 8}, {"sparsity": 0.42}, {"importance": 0.4}]
)
def test_what_cannot_be_shown_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        superposition_figure(**arguments)


@pytest.mark.browser
def test_dense_features_get_a_dimension_each_and_sparse_ones_share(open_page):
    page = open_page(superposition_figure().html)
    kept = []
    for stop in range(len(SHARES)):
        set_slider(page, "sparsity", stop)
        kept.append(int(shown(page, "features kept").split()[0]))
    assert kept[0] == 2 and kept[-1] == 5
    assert kept == sorted(kept)
    assert shown(page, "found by the autoencoder") == "5 of 5"
    assert "5 features share two dimensions" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_what_is_much_less_important_is_given_up(open_page):
    page = open_page(superposition_figure(sparsity=0.8, importance=1.0).html)
    assert shown(page, "features kept") == "5 of 5"
    set_slider(page, "importance", 0.5)
    assert int(shown(page, "features kept").split()[0]) < 5
    assert "feature 5 at (0.00, 0.00)" in page.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(superposition_figure().html)
    before = pixels(page, 0), pixels(page, 1)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert page.locator("output").first.inner_text().startswith("80 %")
    assert (pixels(page, 0), pixels(page, 1)) != before
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").nth(1).inner_text().startswith("1.0 times")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator('[data-name="found by the autoencoder"]').count() == 0
    assert "autoencoder" not in page.inner_text(".figure-message")


@pytest.mark.browser
def test_it_fits_a_phone_and_repaints_with_the_theme(open_page):
    page = open_page(
        superposition_figure().html, 'data-theme="light"', viewport={"width": 360, "height": 800}
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, input").all():
        assert control.bounding_box()["height"] >= 40
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
