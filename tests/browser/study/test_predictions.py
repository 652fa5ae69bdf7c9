"""Predictions: committed to before the outputs open, scored afterwards, all in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"


@pytest.fixture
def page(visit: Callable[..., Any], pages: Path) -> Page:
    """Return the chapter's page, opened from disk by someone who has predicted nothing."""
    return visit((pages / f"solutions/{CHAPTER}.html").as_uri()).page


def box(page: Page, item: str) -> Locator:
    return page.locator(f".descent-predict[data-item={item}]")


def outcome(page: Page, item: str) -> Locator:
    return page.locator(f".descent-outcome[data-item={item}]")


def commit(asked: Locator, answer: str, sure: int) -> None:
    field = asked.get_by_role("textbox")
    if field.count():
        field.fill(answer)
    else:
        asked.get_by_label(answer).check()
    asked.get_by_role("slider").fill(str(sure))
    asked.get_by_role("button", name="Commit").click()


def recorded(page: Page, item: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what the record holds of a prediction."""
    events = page.evaluate("descentRecord.events()")
    return [(event["kind"], event["data"]) for event in events if event["exercise"] == item]


def test_outputs_stay_folded_until_a_prediction_is_made(page: Page) -> None:
    named = page.get_by_role("group", name="After how many steps comes the first NaN?")
    expect(named.get_by_role("button", name="Commit")).to_be_visible()
    assert page.locator(".cell_output:visible").count() == 0
    commit(box(page, "nan_step"), "3", 70)
    expect(page.get_by_text("measured 1")).to_be_visible()
    verdict = outcome(page, "nan_step")
    expect(verdict).to_contain_text("You said 3 steps, 70 % sure. It is 1.")
    expect(verdict).to_contain_text("The second step meets exp of 120.")
    expect(verdict.locator("em")).to_have_text("exp")
    expect(page.get_by_text("measured falls")).to_be_hidden()  # the next one's
    said = box(page, "nan_step").get_by_role("status")
    expect(said).to_have_text("Committed: 3 steps, 70 % sure. The outputs below are open.")
    expect(said).to_be_focused()
    assert recorded(page, "nan_step") == [
        ("predict", {"value": 3, "sure": 0.7}),
        ("outcome", {"value": 1}),
    ]


def test_a_prediction_is_remembered_after_a_reload(page: Page) -> None:
    commit(box(page, "accuracy"), "falls", 90)
    page.reload()
    expect(page.get_by_text("measured falls")).to_be_visible()
    expect(outcome(page, "accuracy")).to_contain_text(
        "What came: falls. That is what you said: falls, 90 % sure."
    )
    expect(box(page, "accuracy").get_by_role("button")).to_have_count(0)
    assert [kind for kind, _ in recorded(page, "accuracy")] == ["predict", "outcome"]


@pytest.mark.parametrize(
    "said, words",
    [
        ("0,05", "That is what you said"),
        ("0.09", "within a factor of 2, so it counts as right"),
        ("2e-1", "You said 0.2, 50 % sure. It is 0.05."),
        ("−0.05", "You said −0.05, 50 % sure. It is 0.05."),
    ],
)
def test_a_number_is_read_as_people_write_it(page: Page, said: str, words: str) -> None:
    expect(box(page, "gap")).to_contain_text("An answer within a factor of 2 counts as right.")
    commit(box(page, "gap"), said, 50)
    expect(outcome(page, "gap")).to_contain_text(words)


def test_what_is_no_number_is_not_committed(page: Page) -> None:
    commit(box(page, "nan_step"), "soon", 60)
    expect(box(page, "nan_step").get_by_role("alert")).to_have_text(
        "Write one number, such as 12 or 0.5."
    )
    commit(box(page, "nan_step"), "1,500", 60)
    expect(box(page, "nan_step").get_by_role("alert")).to_have_text(
        "1,500 can be read in two ways. Write it with a point, or without the comma."
    )
    box(page, "accuracy").get_by_role("button", name="Commit").click()
    expect(box(page, "accuracy").get_by_role("alert")).to_have_text("Choose one of them first.")
    assert page.evaluate("descentRecord.events()") == []
    commit(box(page, "nan_step"), "1 steps", 60)
    expect(outcome(page, "nan_step")).to_contain_text("That is what you said: 1 step, 60 % sure.")


def test_a_prediction_after_a_look_is_kept_and_not_scored(page: Page) -> None:
    page.get_by_text("Open the output without a prediction").first.click()
    expect(outcome(page, "nan_step")).to_be_visible()
    note = "You have seen the outcome already"
    expect(box(page, "nan_step").get_by_role("status")).to_contain_text(note)
    page.reload()
    expect(box(page, "nan_step").get_by_role("status")).to_contain_text(note)
    commit(box(page, "nan_step"), "1", 100)
    expect(box(page, "nan_step").get_by_role("status")).to_have_text(
        "You wrote 1 step after the outcome was known. It is kept, and not scored."
    )
    assert [kind for kind, _ in recorded(page, "nan_step")] == ["outcome", "predict"]
    expect(outcome(page, "nan_step").locator(".descent-verdict")).to_be_hidden()


def test_outputs_that_show_two_outcomes_open_when_both_are_predicted(page: Page) -> None:
    commit(box(page, "left"), "3", 60)
    said = box(page, "left").get_by_role("status")
    expect(said).to_contain_text("and open when that one is made.")
    expect(page.get_by_text("measured 3")).to_be_hidden()
    expect(page.get_by_text("measured 4")).to_be_hidden()
    assert [kind for kind, _ in recorded(page, "left")] == ["predict"]
    page.reload()
    expect(said).to_contain_text("and open when that one is made.")
    commit(box(page, "right"), "3", 60)
    expect(outcome(page, "left")).to_contain_text("That is what you said: 3, 60 % sure.")
    expect(outcome(page, "right")).to_contain_text("You said 3, 60 % sure: within 1, so it counts")
    assert [kind for kind, _ in recorded(page, "right")] == ["predict", "outcome"]


def test_a_look_at_such_outputs_is_a_look_for_both(page: Page) -> None:
    commit(box(page, "left"), "2", 60)
    page.locator("details.hide", has=page.get_by_text("measured 3")).locator("summary").click()
    expect(box(page, "right").get_by_role("status")).to_contain_text("You have seen the outcome")
    expect(outcome(page, "left")).to_contain_text("You said 2, 60 % sure: within 1, so it counts")


def test_a_prediction_of_the_notebook_opens_the_page(page: Page) -> None:
    page.evaluate(
        "(chapter) => descentRecord.add('predict', chapter, 'gap', { value: 0.06, sure: 0.8 })",
        CHAPTER,
    )
    expect(outcome(page, "gap")).to_contain_text("You said 0.06, 80 % sure: within a factor of 2")


def test_all_predictions_stand_in_a_table_and_a_picture(page: Page, pages: Path) -> None:
    commit(box(page, "nan_step"), "3", 70)
    commit(box(page, "accuracy"), "falls", 90)
    page.get_by_text("Open the output without a prediction").first.click()
    expect(outcome(page, "gap")).to_be_visible()
    commit(box(page, "gap"), "0.05", 100)
    page.goto((pages / "book/my-predictions.html").as_uri())
    place = page.locator("#descent-my-predictions")
    expect(place).to_contain_text("Of 2 predictions that count, 1 was right.")
    expect(place).to_contain_text("That is too few to say how well you know what you know")
    rows = place.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("after the outcome; not scored")
    expect(rows.nth(1)).to_contain_text("right")
    expect(rows.nth(2)).to_contain_text("missed")
    expect(rows.nth(2).get_by_role("link")).to_have_attribute(
        "href", f"../solutions/{CHAPTER}.html"
    )
    expect(place.get_by_role("img")).to_have_attribute(
        "aria-label",
        "How often you were right. 70 % to 80 % sure: 0 of 1 right; "
        "90 % to 100 % sure: 1 of 1 right.",
    )


def test_with_no_prediction_the_page_says_where_they_are_made(page: Page, pages: Path) -> None:
    page.goto((pages / "book/my-predictions.html").as_uri())
    expect(page.locator("#descent-my-predictions")).to_contain_text(
        "No prediction of yours counts yet"
    )
