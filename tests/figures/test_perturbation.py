"""Adversarial examples in the plane: the arithmetic against torch, and as a reader handles it."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch

from descent.figures import perturbation_figure

WIDE = 24

# A net with given points: its values, logits, the slopes in each point and in the values.
SLOPES = """given => {
  const { perturbation } = (MODEL)({ generator: () => Math.random });
  let state = 1;
  const net = perturbation.network(() => (state = (state * 16807) % 2147483647) / 2147483647);
  const values = Array.from(net.values), logits = given.map(({ at }) => net.logit(at));
  const points = given.map(({ at, label }) => net.descend(at, label, true));
  return { values, logits, points, slopes: Array.from(net.slopes),
    fgsm: given.map((one) => ["l2", "linf"].map((norm) => perturbation.fgsm(net, one, 0.3, norm))),
    pgd: given.map((one) => ["l2", "linf"].map((norm) => perturbation.pgd(net, one, 0.3, norm))) };
}"""


def unpack(values: torch.Tensor) -> list[torch.Tensor]:
    sizes = [2 * WIDE, WIDE, WIDE * WIDE, WIDE, WIDE, 1]
    w1, b1, w2, b2, w3, b3 = values.split(sizes)
    return [w1.reshape(WIDE, 2), b1, w2.reshape(WIDE, WIDE), b2, w3, b3]


def logits_of(points: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    w1, b1, w2, b2, w3, b3 = unpack(values)
    hidden = torch.relu(torch.relu(points @ w1.T + b1) @ w2.T + b2)
    return hidden @ w3 + b3


@pytest.mark.browser
def test_logits_slopes_and_attacks_are_those_of_torch(open_page):
    rng = np.random.default_rng(2)
    at, label = rng.normal(size=(9, 2)), rng.choice([-1.0, 1.0], size=9)
    given = [{"at": list(p), "label": v} for p, v in zip(at.tolist(), label.tolist(), strict=True)]
    model = files("descent.figures").joinpath("perturbation_model.js").read_text("utf-8").rstrip()
    came = open_page("").evaluate(SLOPES.replace("MODEL", model), given)
    points = torch.tensor(at, requires_grad=True)
    values = torch.tensor(came["values"], dtype=torch.float64, requires_grad=True)
    logits = logits_of(points, values)
    torch.nn.functional.softplus(-torch.tensor(label) * logits).sum().backward()
    slopes = points.grad.numpy()
    assert came["logits"] == pytest.approx(logits.detach().numpy())
    assert np.allclose(came["points"], slopes) and np.abs(slopes).min(axis=0).max() > 0
    assert np.allclose(came["slopes"], values.grad.numpy())
    steps = np.array(came["fgsm"]) - at[:, None]
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    assert np.allclose(steps[:, 0], 0.3 * slopes / lengths)
    assert np.allclose(steps[:, 1], 0.3 * np.sign(slopes))


@pytest.mark.browser
def test_no_place_of_pgd_is_outside_of_the_ball(open_page):
    given = [{"at": [0.3, -0.9], "label": 1.0}, {"at": [-1.4, 0.2], "label": -1.0}]
    model = files("descent.figures").joinpath("perturbation_model.js").read_text("utf-8").rstrip()
    came = open_page("").evaluate(SLOPES.replace("MODEL", model), given)
    for one, (disc, square) in zip(given, came["pgd"], strict=True):
        assert np.linalg.norm(np.array(disc) - one["at"], axis=1).max() <= 0.3 + 1e-9
        assert np.abs(np.array(square) - one["at"]).max() <= 0.3 + 1e-9
        assert np.abs(np.array(square) - one["at"]).max() > 0.29  # and it uses the room


def opened(open_page: Any, html: str | None = None, *arguments: str, **options: Any) -> Any:
    page = open_page(perturbation_figure().html if html is None else html, *arguments, **options)
    page.locator("[data-name=PGD]").last.get_by_text("%").wait_for()
    return page


def shares(page: Any, which: int) -> list[float]:
    texts = page.locator(".figure-readout").nth(which).locator("b").all_inner_texts()
    return [float(text.removesuffix(" %")) for text in texts]


def set_size(page: Any, value: float) -> None:
    page.locator("input.dv-size").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def pixels(page: Any, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = perturbation_figure().html
    assert "http" not in page
    assert page == perturbation_figure().html
    assert page != perturbation_figure(norm="linf").html
    assert repr(perturbation_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(
    "arguments",
    [{"epsilon": -0.1}, {"epsilon": 0.9}, {"norm": "l1"}, {"point": (0.0, 3.0)}, {"point": (0.0,)}],
)
def test_what_cannot_be_shown_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        perturbation_figure(**arguments)


@pytest.mark.browser
def test_one_step_misses_what_many_steps_find(open_page):
    page = opened(open_page)
    said = page.inner_text(".figure-message")
    assert said.startswith("Plain training: FGSM misses")
    assert "PGD finds a way out" in said
    label = page.locator("canvas").first.get_attribute("aria-label")
    assert "FGSM does not leave the class, PGD does." in label


@pytest.mark.browser
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_larger_ball_fools_more_and_training_under_attack_helps(open_page, norm):
    page = opened(open_page, perturbation_figure(norm=norm).html)
    before = [101.0, 101.0]
    for size in (0.0, 0.2, 0.4):
        set_size(page, size)
        for which in (0, 1):
            clean, once, many = shares(page, which)
            assert clean > 85 and many <= once <= clean
            assert (many == clean) == (size == 0)
            assert many < before[which]
            before[which] = many
    assert before[1] > before[0] + 5


@pytest.mark.browser
def test_it_is_worked_by_keyboard_and_pointer(open_page):
    page = opened(open_page)
    canvas = page.locator("canvas").first
    canvas.focus()
    for key in ("ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert "the point (0.32, −0.82)" in canvas.get_attribute("aria-label")
    before = pixels(page, 0), pixels(page, 1)
    page.locator("select").select_option(index=1)
    after = pixels(page, 0), pixels(page, 1)
    assert before[0] != after[0] and before[1] != after[1]
    page.locator("canvas").nth(1).click(position={"x": 60, "y": 20})
    assert "the point (−2." in canvas.get_attribute("aria-label")
    page.locator("input").focus()
    page.keyboard.press("Home")
    assert page.locator("output").inner_text() == "0.00"
    assert page.inner_text(".figure-message").count("neither attack finds a way out") == 2


@pytest.mark.browser
def test_it_fits_a_phone_and_repaints_with_the_theme(open_page):
    page = opened(open_page, None, 'data-theme="light"', viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("select, input").all():
        assert control.bounding_box()["height"] >= 40
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
