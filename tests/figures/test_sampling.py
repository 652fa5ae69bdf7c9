"""Sampling with temperature, top-k and top-p, as a reader handles it in a browser."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from descent.figures import sampling_figure

WORDS = [f"w{i}" for i in range(30)]
CONTEXTS = ["to be or", "the king is"]


def logits(seed: int = 0) -> np.ndarray:
    """Two distributions over thirty words, with two decimals as the figure keeps them."""
    return np.random.default_rng(seed).normal(scale=2.0, size=(2, 30)).round(2)


def expected(values: np.ndarray, temperature: float = 1.0, k: int = 30, p: float = 1.0) -> dict:
    """What is kept and drawn from, by word, and the mass kept."""
    heated = np.exp(values / temperature)
    heated /= heated.sum()
    order = np.argsort(-heated)[:k]
    before = np.concatenate([[0.0], np.cumsum(heated[order])[:-1]]) / heated[order].sum()
    kept = order[before < max(p, 1e-9)] if p < 1 else order
    mass = heated[kept].sum()
    return {"mass": mass, "by word": {WORDS[i]: heated[i] / mass for i in kept}}


def set_slider(page, name: str, value: float, which: int = 0) -> None:
    page.locator(f"input.dm-{name}").nth(which).evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }",
        str(value),
    )


def rows(page) -> list[tuple[str, float, bool, int]]:
    """For each row its word, the percentage to draw from, whether it is cut, the count."""
    found = []
    for row in page.locator(".dm-row").all():
        percent = row.locator(".dm-number").inner_text().replace("%", "").strip()
        count = row.locator(".dm-count").inner_text().replace("\u202f", "")
        word, cut = row.locator(".dm-word").inner_text(), "dm-cut" in row.get_attribute("class")
        found.append((word, 0.05 if "<" in percent else float(percent), cut, int(count or 0)))
    return found


def assert_shows(page, wanted: dict) -> None:
    """The page's bars, cuts and numbers are those of `expected`."""
    for word, percent, cut, _ in rows(page)[:-1]:
        assert cut == (word not in wanted["by word"])
        assert percent == pytest.approx(100 * wanted["by word"].get(word, 0.0), abs=0.51)
    message = page.inner_text(".figure-message")
    assert f"Kept: {len(wanted['by word'])} of 30 words" in message
    entropy = -sum(q * math.log(q) for q in wanted["by word"].values())
    assert float(re.search(r"Entropy (\S+) nats", message)[1]) == pytest.approx(entropy, abs=6e-3)


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = sampling_figure(WORDS, logits(), CONTEXTS).html
    assert "http" not in page
    assert page == sampling_figure(WORDS, logits(), CONTEXTS).html
    assert page != sampling_figure(WORDS, logits(1), CONTEXTS).html


def test_a_tensor_that_waits_for_a_gradient_is_accepted():
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(logits(), requires_grad=True)
    expected_page = sampling_figure(WORDS, logits(), CONTEXTS).html
    assert sampling_figure(WORDS, tensor, CONTEXTS).html == expected_page


@pytest.mark.parametrize(
    ("words", "values", "contexts", "start"),
    [
        (WORDS[:9], logits(), CONTEXTS, 0),
        (WORDS, logits()[0], CONTEXTS, 0),
        (WORDS, logits(), CONTEXTS[:1], 0),
        (WORDS, logits() * np.nan, CONTEXTS, 0),
        (WORDS, logits(), CONTEXTS, 2),
        (WORDS[:1], logits()[:, :1], CONTEXTS, 0),
        (WORDS, logits()[:0], [], 0),
    ],
)
def test_what_cannot_be_drawn_is_refused(words, values, contexts, start):
    with pytest.raises(ValueError, match="must"):
        sampling_figure(words, values, contexts, start)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("temperature", "k", "p"),
    [(1.0, 30, 1.0), (0.5, 30, 1.0), (2.0, 30, 0.9), (1.0, 5, 1.0), (1.5, 10, 0.6), (1.0, 30, 0.0)],
)
def test_the_sliders_act_in_order_on_the_probabilities(open_page, temperature, k, p):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS).html)
    set_slider(page, "temperature", temperature)
    set_slider(page, "k", {5: 3, 10: 4, 30: 6 + 1}[k])
    set_slider(page, "p", p)
    wanted = expected(logits()[0], temperature, k, p)
    assert_shows(page, wanted)
    said = re.search(r"with (\S+) % of", page.inner_text(".figure-message"))
    assert float(said[1]) == pytest.approx(100 * wanted["mass"], abs=0.51)


@pytest.mark.browser
def test_temperature_zero_is_greedy(open_page):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS).html)
    set_slider(page, "temperature", 0)
    best = WORDS[int(logits()[0].argmax())]
    assert rows(page)[0][:3] == (best, 100.0, False)
    page.get_by_text("draw 100", exact=True).click()
    assert [count for *_, count in rows(page)] == [100, *[0] * (len(rows(page)) - 1)]


@pytest.mark.browser
def test_another_context_shows_its_own_words(open_page):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS, start=1).html)
    assert_shows(page, expected(logits()[1]))
    page.select_option(".dm-context", index=0)
    assert_shows(page, expected(logits()[0]))


@pytest.mark.browser
def test_draws_come_from_what_is_kept_and_settle_on_it(open_page):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS).html)
    set_slider(page, "p", 0.8)
    page.get_by_text("draw 1", exact=True).click()
    assert sum(count for *_, count in rows(page)) == 1
    for _ in range(4):
        page.get_by_text("draw 1000", exact=True).click()
    wanted = expected(logits()[0], p=0.8)["by word"]
    statistic = 0.0
    for word, _, cut, count in rows(page)[:-1]:
        assert count == 0 if cut else count > 0
        if not cut:
            statistic += (count - 4001 * wanted[word]) ** 2 / (4001 * wanted[word])
    assert sum(count for *_, count in rows(page)) == 4001
    assert statistic < 3 * len(wanted) + 10  # the page always draws the same words
    assert "4\u202f001 drawn" in page.inner_text(".dm-drawn-text")


@pytest.mark.browser
def test_counts_go_when_the_distribution_changes_or_is_cleared(open_page):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS).html)
    for change in (
        lambda: set_slider(page, "temperature", 1.3),
        lambda: page.select_option(".dm-context", index=1),
        lambda: page.get_by_text("clear", exact=True).click(),
    ):
        page.get_by_text("draw 100", exact=True).click()
        assert sum(count for *_, count in rows(page)) == 100
        change()
        assert sum(count for *_, count in rows(page)) == 0
        assert "nothing drawn" in page.inner_text(".dm-drawn-text")


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(sampling_figure(WORDS, logits(), CONTEXTS).html)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert_shows(page, expected(logits()[1]))
    page.keyboard.press("Tab")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert_shows(page, expected(logits()[1], temperature=0.8))
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert sum(count for *_, count in rows(page)) == 1


@pytest.mark.browser
def test_it_fits_a_phone_and_answers_a_tap(open_page):
    long_words = ["incomprehensibility" + word for word in WORDS]
    long_contexts = [text * 9 for text in CONTEXTS]
    page = open_page(
        sampling_figure(long_words, logits(), long_contexts).html,
        viewport={"width": 360, "height": 800},
        has_touch=True,
    )
    page.get_by_text("draw 100", exact=True).tap()
    assert sum(count for *_, count in rows(page)) == 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, select, input").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_two_on_a_page_are_two(open_page):
    same = sampling_figure(WORDS, logits(), CONTEXTS).html
    page = open_page(same + same)
    before = page.locator(".figure-message").all_inner_texts()
    set_slider(page, "p", 0.5, which=1)
    after = page.locator(".figure-message").all_inner_texts()
    assert before[0] == before[1] == after[0] != after[1]
