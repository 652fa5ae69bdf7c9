"""A transformer that trains in the page: its arithmetic against torch's, and in use."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
import torch

from descent.figures import induction_figure
from descent.figures.induction import HELD_OUT, ONE_LAYER, SETTINGS

SMALL = {
    "batch": 3,
    "heads": 2,
    "layers": 2,
    "length": 11,
    "periods": [3, 5],
    "symbols": 7,
    "width": 8,
}
# mulberry32, as in interactive.js
GENERATOR = """(seed) => { let state = seed >>> 0; return () => {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}; }"""


def in_page(page: Any, body: str, argument: Any) -> Any:
    """Runs `body` beside the figure's model and `given`, and brings back what it returns."""
    model = files("descent.figures").joinpath("induction_model.js").read_text("utf-8")
    script = f"""given => {{
      const generator = {GENERATOR};
      const {{ inductionModel, repeats }} = ({model.rstrip()})({{ generator }});
      {body}
    }}"""
    return page.evaluate(script, argument)


BACKWARD = """
  const { settings, off } = given, model = inductionModel(settings, 4);
  const data = repeats(generator(8), settings.batch, settings);
  for (const [l, h] of off) model.on[l][h] = false;
  const named = (views) =>
    Object.fromEntries(Object.entries(views).map(([name, view]) => [name, Array.from(view)]));
  const before = named(model.state.weights);
  const loss = model.backward(data);
  return { loss, shapes: model.state.shapes, weights: before, slopes: named(model.state.grads),
    tokens: Array.from(data.tokens),
    looks: model.looks(data).map((layer) => layer.map((look) => Array.from(look))) };
"""


def by_torch(came: dict, off: list[list[int]]) -> tuple[float, dict, list]:
    """Loss, slopes and attention of the first sequence, by torch in double precision."""
    weights = {
        name: torch.tensor(values, dtype=torch.float64)
        .reshape(came["shapes"][name])
        .requires_grad_()
        for name, values in came["weights"].items()
    }
    tokens = torch.tensor(came["tokens"]).reshape(SMALL["batch"], SMALL["length"])
    stream = weights["embed"][tokens] + weights["place"]
    hidden = torch.ones(SMALL["length"], SMALL["length"], dtype=torch.bool).triu(1)
    looks = []
    for layer in range(SMALL["layers"]):
        q, k, v = (
            (stream @ weights[f"{name}{layer}"]).unflatten(-1, (SMALL["heads"], -1)).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(hidden, -torch.inf)
        look = scores.softmax(dim=-1)
        open_heads = torch.tensor(
            [float([layer, head] not in off) for head in range(SMALL["heads"])], dtype=torch.float64
        )
        z = (look @ v) * open_heads[:, None, None]
        stream = stream + z.transpose(1, 2).flatten(-2) @ weights[f"out{layer}"]
        looks.append(look[0].detach().flatten(1).numpy())
    logits = stream @ weights["unembed"]
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    loss.backward()
    return loss.item(), {name: w.grad.numpy().ravel() for name, w in weights.items()}, looks


@pytest.mark.browser
@pytest.mark.parametrize("off", [[], [[0, 1]], [[1, 0], [1, 1]]])
def test_loss_slopes_and_attention_are_those_of_torch(open_page, off):
    came = in_page(open_page(""), BACKWARD, {"settings": SMALL, "off": off})
    loss, slopes, looks = by_torch(came, off)
    assert came["loss"] == pytest.approx(loss, rel=1e-5)
    for name, right in slopes.items():
        assert np.abs(right).max() > 1e-4 or off  # nothing is compared with nothing
        assert np.allclose(came["slopes"][name], right, rtol=1e-3, atol=2e-6), name
    assert np.allclose(came["looks"], looks, atol=1e-5)


@pytest.mark.browser
def test_periods_differ_and_each_sequence_repeats_by_its_own(open_page):
    body = """const data = repeats(generator(5), 200, given);
      return { tokens: Array.from(data.tokens), starts: Array.from(data.starts) };"""
    came = in_page(open_page(""), body, SETTINGS)
    tokens = np.array(came["tokens"]).reshape(200, SETTINGS["length"])
    for row, period in zip(tokens, came["starts"], strict=True):
        assert (row[period:] == row[:-period]).all()
    low, high = SETTINGS["periods"]
    assert sorted(set(came["starts"])) == list(range(low, high + 1))
    assert set(tokens.ravel()) == set(range(SETTINGS["symbols"]))


TRAINED = """
  const { settings, held, seed, steps } = given, model = inductionModel(settings, seed);
  const data = repeats(generator(held.seed), held.count, settings), first = model.measure(data);
  for (let i = 0; i < steps; i++) model.step();
  return { first, last: model.measure(data) };
"""


@pytest.mark.browser
@pytest.mark.parametrize(("layers", "seed"), [(2, 1), (2, 3), (1, 1)])
def test_induction_forms_in_two_layers_and_not_in_one(open_page, layers, seed):
    given = {
        "settings": {**SETTINGS, "layers": layers},
        "held": HELD_OUT,
        "seed": seed,
        "steps": 500,
    }
    came = in_page(open_page(""), TRAINED, given)
    assert came["last"]["again"] < came["first"]["again"] - 0.5
    assert came["last"]["news"] > 0.97 * math.log(SETTINGS["symbols"])  # it cannot be known
    if layers == 2:
        assert np.max(came["last"]["copy"][1]) > 0.5
        assert came["last"]["again"] < ONE_LAYER - 0.5
    else:
        assert np.max(came["last"]["copy"]) < 0.3
        assert ONE_LAYER - 0.05 < came["last"]["again"] < ONE_LAYER + 0.6


def shown(page: Any, name: str, which: int = 0) -> float:
    readout = page.locator(".figure-readout").nth(which)
    return float(readout.locator(f'[data-name="{name}"] b').inner_text().split()[0].strip(","))


def train_to(page: Any, step: int) -> None:
    page.get_by_role("button", name="Train").first.click()
    page.wait_for_function(
        "least => parseInt(document.querySelector('[data-name=step] b').textContent) >= least",
        arg=step,
    )


def pixels(page: Any, which: int = 0) -> str:
    return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = induction_figure().html
    assert "http" not in page
    assert page == induction_figure().html
    assert page != induction_figure(seed=2).html
    assert repr(induction_figure()).startswith("<interactive figure")


@pytest.mark.parametrize("arguments", [{"seed": 0}, {"seed": 6}, {"layers": 3}])
def test_what_cannot_be_shown_is_refused(arguments):
    with pytest.raises(ValueError, match="must"):
        induction_figure(**arguments)


@pytest.mark.browser
def test_it_starts_by_hand_pauses_and_starts_again(open_page):
    page = open_page(induction_figure().html)
    first = [pixels(page, i) for i in range(6)]
    page.wait_for_timeout(200)
    assert shown(page, "step") == 0
    train_to(page, 40)
    page.get_by_role("button", name="Pause").click()
    step, after = shown(page, "step"), [pixels(page, i) for i in range(6)]
    assert all(old != new for old, new in zip(first, after, strict=True))
    page.wait_for_timeout(200)
    assert shown(page, "step") == step
    page.get_by_role("button", name="Start again").click()
    assert shown(page, "step") == 0
    assert [pixels(page, i) for i in range(6)] == first
    page.locator("select").nth(1).select_option("2")
    assert pixels(page, 2) != first[2]


@pytest.mark.browser
def test_an_induction_head_forms_and_the_loss_suffers_without_it(open_page):
    page = open_page(induction_figure().html)
    train_to(page, 480)
    page.get_by_role("button", name="Pause").click()
    assert shown(page, "induction score") > 0.5
    said = page.locator(".figure-message").first
    assert "An induction head has formed: head 2." in said.inner_text()
    before = shown(page, "loss in the repeat")
    for head in ("2.1", "2.2"):
        page.get_by_role("button", name=f"Switch off head {head}").press("Enter")
    assert shown(page, "loss in the repeat") > before + 1
    assert "head 2.2 off the loss in the repeat goes from" in said.inner_text()
    for head in ("2.1", "2.2"):
        page.get_by_role("button", name=f"Switch on head {head}").press(" ")
    assert shown(page, "loss in the repeat") == before


@pytest.mark.browser
def test_a_training_ends_and_says_so(open_page):
    short = induction_figure(layers=1).html.replace(
        "&quot;longest&quot;:1500", "&quot;longest&quot;:30"
    )
    page = open_page(short, reduced_motion="reduce")
    train_to(page, 30)
    assert page.get_by_role("button", name="Train").is_disabled()
    assert "Training has ended" in page.locator(".figure-message").first.inner_text()


@pytest.mark.browser
def test_the_control_has_one_layer(open_page):
    page = open_page(induction_figure(layers=1).html)
    assert page.get_by_role("button", name="Switch off").count() == 2
    page.locator("select").first.select_option("two layers")
    assert page.get_by_role("button", name="Switch off").count() == 4


@pytest.mark.browser
def test_a_symbol_is_chosen_by_key_or_pointer_and_told_in_words(open_page):
    page = open_page(induction_figure().html)
    page.locator("input").focus()
    page.keyboard.press("Home")
    assert page.locator("output").inner_text() == "S, place 1 of 28"
    said = page.locator(".figure-message").nth(1)
    assert "head 1.1 most at S in place 1 (100 %)" in said.inner_text()
    box = page.locator("canvas").nth(2).bounding_box()
    page.locator("canvas").nth(2).click(position={"x": 5, "y": box["height"] - 2})
    assert page.locator("output").inner_text() == "F, place 28 of 28"


@pytest.mark.browser
def test_it_fits_a_phone_and_says_in_words_what_is_drawn(open_page):
    page = open_page(
        induction_figure().html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("button, select, input").all():
        assert control.bounding_box()["height"] >= 40
    assert "A blind guess has 3.18" in page.locator("canvas").first.get_attribute("aria-label")


@pytest.mark.browser
def test_two_on_a_page_are_two_and_repaint_with_the_theme(open_page):
    same = induction_figure().html
    page = open_page(same + same, 'data-theme="light"')
    train_to(page, 20)
    page.get_by_role("button", name="Pause").click()
    assert shown(page, "step", 0) >= 20 and shown(page, "step", 1) == 0
    before = pixels(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function("b => document.querySelector('canvas').toDataURL() !== b", arg=before)
