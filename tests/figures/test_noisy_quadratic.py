"""SGD on a noisy quadratic, as a reader handles it in a browser."""

from __future__ import annotations

import numpy as np
import pytest

from descent.figures import noisy_quadratic_figure

RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NEVER = {"never": np.inf, "none": np.inf}


def number(text: str) -> float:
    text = text.replace("\u202f", "").replace("−", "-")
    if " × 10" in text:
        head, power = text.split(" × 10")
        return float(head) * 10.0 ** int(power.translate(RAISED))
    return NEVER[text] if text in NEVER else float(text)


def shown(page, which: int = 0) -> dict[str, float]:
    parts = page.locator(".figure-readout").nth(which).locator("span").all()
    return {
        part.get_attribute("data-name"): number(part.locator("b").inner_text()) for part in parts
    }


def steps_to(target: float, batch: int, rate: float, dimensions: int, longest: int = 20_000):
    """The first step at the target, one step of the recurrence after the other."""
    h = 1 / np.arange(1, dimensions + 1)
    square = np.ones(dimensions)
    for step in range(1, longest):
        square = (1 - rate * h) ** 2 * square + rate**2 * h / batch
        if 0.5 * (h * square).sum() <= target:
            return step
    return np.inf


def floor(batch: int, rate: float, dimensions: int) -> float:
    """Where E θ² does not change from one step to the next."""
    h = 1 / np.arange(1, dimensions + 1)
    return float(0.5 * (h * (rate**2 * h / batch) / (1 - (1 - rate * h) ** 2)).sum())


def set_slider(page, name: str, stop: float) -> None:
    page.locator(f"input.dn-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", stop
    )


def set_rate(page, rate: float) -> float:
    """To the stop nearest to the rate; returns the rate of that stop."""
    stop = round(40 * np.log10(rate)) + 160
    set_slider(page, "rate", stop)
    return float(10 ** (stop / 40 - 4))


def pixels(page, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = noisy_quadratic_figure().html
    assert "http" not in page
    assert page == noisy_quadratic_figure().html
    assert page != noisy_quadratic_figure(batch=32).html
    assert repr(noisy_quadratic_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(
    "arguments",
    [
        {"dimensions": 1},
        {"target": 0.0},
        {"target": 10.0},
        {"batch": 3},
        {"batch": 2**17},
        {"rate": 0.0},
        {"rate": 3.0},
        {"rate": float("nan")},
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        noisy_quadratic_figure(**arguments)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("batch", "rate"), [(16, 0.05), (64, 0.3), (1024, 1.0), (65536, 1.9), (1, 1.0)]
)
def test_the_numbers_are_those_of_the_recurrence(open_page, batch, rate):
    page = open_page(noisy_quadratic_figure(50, 0.02, 2).html)
    before = pixels(page, 0), pixels(page, 1)
    set_slider(page, "batch", np.log2(batch))
    rate = set_rate(page, rate)
    now = shown(page)
    steps = steps_to(0.02, batch, rate, 50)
    assert now["steps to the target"] == steps
    assert now["examples"] == steps * batch
    assert now["noise floor"] == pytest.approx(floor(batch, rate, 50), rel=6e-3)
    assert pixels(page, 0) != before[0] and pixels(page, 1) != before[1]


@pytest.mark.browser
@pytest.mark.parametrize("batch", [32, 4096])
def test_the_marked_rate_is_the_best_of_all_stops(open_page, batch):
    page = open_page(noisy_quadratic_figure(20, 0.02, batch).html)
    rates = 10 ** (np.arange(60, 173) / 40 - 4)
    steps = [steps_to(0.02, batch, rate, 20, longest=5000) for rate in rates]
    now = shown(page)
    assert now["its steps"] == min(steps)
    assert now["best rate"] == pytest.approx(rates[int(np.argmin(steps))], rel=6e-3)
    page.get_by_role("button", name="Take the best rate").click()
    assert shown(page)["steps to the target"] == min(steps)
    assert "the fewest at this batch" in page.inner_text(".figure-message")
    assert page.get_by_role("button", name="Take the best rate").is_disabled()


@pytest.mark.browser
def test_twice_the_batch_halves_the_steps_until_it_does_not(open_page):
    page = open_page(noisy_quadratic_figure().html)
    steps = []
    for power in (2, 3, 14, 15):
        set_slider(page, "batch", power)
        steps.append(shown(page)["its steps"])
    assert steps[0] / steps[1] == pytest.approx(2.0, abs=0.15)
    assert steps[2] / steps[3] == pytest.approx(1.0, abs=0.15)


@pytest.mark.browser
def test_an_unstable_rate_is_said_in_words(open_page):
    page = open_page(noisy_quadratic_figure().html)
    message = page.locator(".figure-message")
    assert message.get_attribute("data-kind") == ""
    set_rate(page, 1.99)
    assert "Unstable" not in message.inner_text()
    rate = set_rate(page, 2.1)
    assert f"1 − η = −{rate - 1:.2f}" in message.inner_text()
    assert "Unstable" in message.inner_text() and message.get_attribute("data-kind") == "warning"
    assert shown(page)["noise floor"] == shown(page)["steps to the target"] == np.inf
    assert "Unstable" in page.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.browser
def test_a_floor_above_the_target_and_a_slow_rate_are_said_in_words(open_page):
    page = open_page(noisy_quadratic_figure(batch=1).html)
    set_rate(page, 1.0)
    assert "noise floor" in page.inner_text(".figure-message")
    set_rate(page, 1e-4)
    assert "Too slow" in page.inner_text(".figure-message")


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(noisy_quadratic_figure().html)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.locator("output").nth(0).inner_text() == "32"
    page.keyboard.press("Tab")
    rate = page.locator("output").nth(1).inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("output").nth(1).inner_text() != rate
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert shown(page)["steps to the target"] == shown(page)["its steps"]


@pytest.mark.browser
def test_it_fits_a_phone_and_answers_a_tap(open_page):
    page = open_page(
        noisy_quadratic_figure().html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    page.locator("canvas").nth(1).tap(position={"x": 120, "y": 60})
    assert float(page.locator("output").nth(1).inner_text()) < 0.01
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, input").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_two_on_a_page_are_two_and_repaint_with_the_theme(open_page):
    same = noisy_quadratic_figure().html
    page = open_page(same + same, 'data-theme="light"')
    set_slider(page, "batch", 8)
    assert shown(page, 0)["its steps"] < shown(page, 1)["its steps"]
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
