"""An attention map, as a reader handles it in a browser."""

from __future__ import annotations

import numpy as np
import pytest

from descent.figures import attention_map_figure

WORDS = ["the", "king", "is", "<unk>"]


def weights(layers: int = 2, heads: int = 2, seed: int = 0) -> np.ndarray:
    """Causal rows that differ from head to head."""
    scores = np.random.default_rng(seed).normal(size=(layers, heads, 4, 4))
    allowed = np.exp(scores) * np.tril(np.ones((4, 4)))
    return allowed / allowed.sum(axis=-1, keepdims=True)


def shares(page) -> list[int]:
    texts = page.locator(".da-share").all_inner_texts()
    return [int(text.replace("%", "").strip() or 0) for text in texts]


def percents(row: np.ndarray) -> list[int]:
    return [round(100 * float(weight)) for weight in row.round(3)]


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = attention_map_figure(WORDS, weights()).html
    assert "http" not in page
    assert page == attention_map_figure(WORDS, weights()).html
    assert page != attention_map_figure(WORDS, weights(seed=1)).html


@pytest.mark.parametrize(
    ("words", "values", "start"),
    [
        (WORDS[:3], weights(), None),
        (WORDS, weights()[0], None),
        (WORDS, weights() * 2, None),
        (WORDS, -weights(), None),
        (WORDS, weights() * np.nan, None),
        (WORDS, weights(), 4),
    ],
)
def test_what_cannot_be_drawn_is_refused(words, values, start):
    with pytest.raises(ValueError, match="must"):
        attention_map_figure(words, values, start)


@pytest.mark.browser
def test_pointing_at_a_word_shows_where_it_looks(open_page):
    values = weights()
    page = open_page(attention_map_figure(WORDS, values).html)
    assert shares(page) == pytest.approx(percents(values[0, 0, 3]), abs=1)
    page.locator(".da-word").nth(1).hover()
    assert shares(page) == pytest.approx(percents(values[0, 0, 1]), abs=1)
    assert "“king” looks at" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_the_head_is_chosen_and_the_word_kept(open_page):
    values = weights()
    page = open_page(attention_map_figure(WORDS, values).html)
    page.locator(".da-word").nth(2).click()
    page.locator(".da-head").nth(3).click()
    assert shares(page) == pytest.approx(percents(values[1, 1, 2]), abs=1)
    assert "Layer 2, head 2: “is”" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    values = weights(layers=1, heads=1)
    page = open_page(attention_map_figure(WORDS, values, start=0).html)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert shares(page) == pytest.approx(percents(values[0, 0, 2]), abs=1)


@pytest.mark.browser
def test_it_fits_a_phone_and_answers_a_tap(open_page):
    values = weights(heads=4)
    page = open_page(
        attention_map_figure(WORDS, values).html,
        viewport={"width": 360, "height": 800},
        has_touch=True,
    )
    page.locator(".da-word").nth(0).tap()
    assert shares(page) == [100, 0, 0, 0]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for button in page.locator("button").all():
        assert button.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_two_on_a_page_are_two(open_page):
    same = attention_map_figure(WORDS, weights()).html
    page = open_page(same + same)
    assert page.locator(".da-word").count() == 8
    page.locator(".da-word").nth(0).click()
    assert page.locator(".figure-message").nth(0).inner_text() != (
        page.locator(".figure-message").nth(1).inner_text()
    )
