"""A ring all-reduce, as a reader goes through it in a browser."""

from __future__ import annotations

import pytest

from descent.figures import ring_figure

TWO = [
    [[[0], [0]], [[1], [1]]],
    [[[0], [0, 1]], [[0, 1], [1]]],
    [[[0, 1], [0, 1]], [[0, 1], [0, 1]]],
]


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = ring_figure(TWO).html
    assert "http" not in page
    assert page == ring_figure(TWO).html
    assert page != ring_figure(TWO[:2]).html


@pytest.mark.parametrize(
    "added", [[], TWO[:1], [TWO[0], TWO[1][:1]], [TWO[0], [[[0]], [[1], [1]]]]]
)
def test_what_cannot_be_drawn_is_refused(added):
    with pytest.raises(ValueError, match="must"):
        ring_figure(added)


@pytest.mark.browser
def test_a_step_shows_what_has_arrived(open_page):
    page = open_page(ring_figure(TWO).html)
    assert page.locator(".dr-cell").all_inner_texts() == ["0", "0", "1", "1"]
    page.get_by_role("button", name="Next step").click()
    assert page.locator(".dr-cell").all_inner_texts() == ["0", "0 + 1", "0 + 1", "1"]
    assert page.locator(".dr-fresh").all_inner_texts() == ["0 + 1", "0 + 1"]
    assert "0 gets part 1" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_it_ends_at_the_last_step_and_goes_back_by_keyboard(open_page):
    page = open_page(ring_figure(TWO).html)
    button = page.get_by_role("button", name="Next step")
    button.click()
    button.click()
    assert button.is_disabled()
    assert "Finished: 4 of 4" in page.inner_text(".figure-message")
    page.get_by_role("button", name="Back").press("ArrowLeft")
    assert "step 1 of 2" in page.inner_text(".dr-where")
