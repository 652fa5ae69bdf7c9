"""A mixture going to noise and back, as a reader handles it in a browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

from descent.figures import diffusion_figure
from descent.figures.diffusion import CENTRES, WEIGHTS, cosine_levels

SPREAD, STEPS = 0.18, 100


def log_density(point: np.ndarray, kept: float) -> float:
    variance = kept * SPREAD**2 + 1 - kept
    gaps = point - np.sqrt(kept) * np.array(CENTRES)
    parts = np.array(WEIGHTS) * np.exp(-(gaps**2).sum(axis=1) / (2 * variance)) / variance
    return float(np.log(parts.sum()))


def score(point: np.ndarray, kept: float) -> np.ndarray:
    """The slope of the log density, by differences."""
    shifts = 1e-5 * np.eye(2)
    return np.array(
        [(log_density(point + s, kept) - log_density(point - s, kept)) / 2e-5 for s in shifts]
    )


def guess(point: np.ndarray, kept: float) -> np.ndarray:
    """The mean of x₀ given the point, from the score (Tweedie)."""
    return (point + (1 - kept) * score(point, kept)) / np.sqrt(kept)


def flow(point: np.ndarray, level: int) -> np.ndarray:
    kept = cosine_levels(STEPS)
    for t in range(level, 0, -1):
        mean = guess(point, kept[t])
        noise = -np.sqrt(1 - kept[t]) * score(point, kept[t])
        point = np.sqrt(kept[t - 1]) * mean + np.sqrt(1 - kept[t - 1]) * noise
    return point


def shown(page, which: int = 0) -> dict[str, np.ndarray]:
    found = {}
    for part in page.locator(".figure-readout").nth(which).locator("span").all():
        text = part.locator("b").inner_text().replace("−", "-")
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
        found[part.get_attribute("data-name")] = np.array(numbers)
    return found


def set_level(page, level: int) -> None:
    page.locator("input").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", level
    )


def pixels(page, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = diffusion_figure().html
    assert "http" not in page
    assert page == diffusion_figure().html
    assert page != diffusion_figure(spread=0.2).html
    assert repr(diffusion_figure()).startswith("<interactive figure")


def test_the_levels_fall_from_one_nearly_to_nothing():
    kept = np.array(cosine_levels(50))
    assert kept[0] == 1 and len(kept) == 51
    assert (np.diff(kept) < 0).all() and 0 < kept[-1] < 1e-4
    assert (kept[1:] / kept[:-1] >= 0.00099).all()


@pytest.mark.parametrize(
    "arguments",
    [
        {"centres": [1.0, 2.0, 3.0]},
        {"centres": [[0.0, 0.0]] * 5, "weights": [0.2] * 5},
        {"centres": [[3.0, 0.0]], "weights": [1.0]},
        {"centres": [[float("nan"), 0.0]], "weights": [1.0]},
        {"weights": [0.5, 0.5]},
        {"weights": [0.5, 0.5, 0.5]},
        {"weights": [1.0, 0.5, -0.5]},
        {"spread": 0.0},
        {"steps": 5},
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        diffusion_figure(**arguments)


@pytest.mark.browser
@pytest.mark.parametrize("level", [1, 30, 75, 99])
def test_the_probe_reads_the_score_the_mean_and_the_end_of_the_flow(open_page, level):
    page = open_page(diffusion_figure().html)
    set_level(page, level)
    canvas = page.locator("canvas").nth(1)
    canvas.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    point, kept = np.array([0.8, -0.1]), cosine_levels(STEPS)[level]
    now = shown(page)
    assert now["probe"] == pytest.approx(point)
    assert now["ᾱ"] == pytest.approx(kept, abs=1e-3)
    assert now["score"] == pytest.approx(score(point, kept), abs=6e-3)
    assert now["mean of x₀"] == pytest.approx(guess(point, kept), abs=6e-3)
    assert now["flow ends at"] == pytest.approx(flow(point, level), abs=7e-3)


@pytest.mark.browser
def test_the_noise_level_moves_points_and_arrows(open_page):
    page = open_page(diffusion_figure().html)
    seen = set()
    for level, words in ((0, "The data: no noise"), (40, "times each point"), (100, "All noise")):
        set_level(page, level)
        assert words in page.inner_text(".figure-message")
        assert f"level {level} of 100" in page.locator("canvas").first.get_attribute("aria-label")
        seen |= {pixels(page, 0), pixels(page, 1)}
    assert len(seen) == 6


@pytest.mark.browser
@pytest.mark.parametrize("way", [0, 1])
def test_noise_goes_back_to_the_weights_of_the_mixture(open_page, way):
    page = open_page(diffusion_figure(steps=10 if way == 0 else 100).html, reduced_motion="reduce")
    page.select_option("select", index=way)
    page.get_by_role("button", name="Back from noise").click()
    said = page.inner_text(".figure-message")
    assert said.startswith("Back at the data")
    ended = [int(number) for number in re.findall(r"\d+", said.split("%")[0])]
    assert ended == pytest.approx([50, 30, 20], abs=10)  # 300 points: a standard error of 3


@pytest.mark.browser
def test_it_plays_pauses_and_comes_back_to_the_data(open_page):
    page = open_page(diffusion_figure(steps=20).html)
    before = pixels(page)
    page.get_by_role("button", name="Back from noise").click()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Back from noise").click()
    page.get_by_text("Back at the data").wait_for()
    assert page.locator("output").inner_text() == "0 of 20"
    arrived = pixels(page)
    page.get_by_role("button", name="Data again").click()
    assert pixels(page) != arrived
    set_level(page, 6)
    assert pixels(page) == before
    assert page.get_by_role("button", name="Data again").is_disabled()


@pytest.mark.browser
def test_who_asks_for_less_motion_gets_the_end_at_once(open_page):
    page = open_page(diffusion_figure().html, reduced_motion="reduce")
    page.get_by_role("button", name="Back from noise").click()
    assert page.locator("output").inner_text() == "0 of 100"
    assert page.get_by_role("button", name="Pause").count() == 0


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(diffusion_figure(steps=10).html, reduced_motion="reduce")
    page.keyboard.press("Tab")
    before = shown(page)["probe"]
    page.keyboard.press("ArrowRight")
    assert shown(page)["probe"] == pytest.approx(before + [0.1, 0.0])
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").inner_text() == "4 of 10"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert "Back at the data" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_it_fits_a_phone_and_answers_a_tap(open_page):
    page = open_page(
        diffusion_figure().html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    page.locator("canvas").nth(1).tap(position={"x": 80, "y": 60})
    assert shown(page)["probe"][0] < -1.5 and shown(page)["probe"][1] > 1.5
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, select, input").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_two_on_a_page_are_two_and_repaint_with_the_theme(open_page):
    same = diffusion_figure().html
    page = open_page(same + same, 'data-theme="light"')
    set_level(page, 5)
    assert page.locator("output").all_inner_texts() == ["5 of 100", "30 of 100"]
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
