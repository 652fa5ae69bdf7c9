"""The drawing pad: what it makes of a drawing, what it says, and that it can be drawn on."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import torch

from descent.figures import digit_pad
from descent.figures.drawing import centre_like_mnist


def bar(top: int, left: int, tall: int = 60, wide: int = 12) -> np.ndarray:
    drawing = np.zeros((112, 112))
    drawing[top : top + tall, left : left + wide] = 1.0
    return drawing


def ink(drawing: np.ndarray) -> memoryview:
    return memoryview(np.rint(255 * drawing).astype(np.uint8).tobytes())


def test_a_drawing_is_scaled_to_the_box_and_centred_by_mass():
    picture = centre_like_mnist(bar(5, 70))
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    assert picture.shape == (28, 28)
    assert (len(rows), len(columns)) == (20, 4)
    assert (rows[0], columns[0]) == (4, 12)
    assert picture.max() == pytest.approx(1.0)


def test_where_it_was_drawn_and_how_large_does_not_matter():
    here = centre_like_mnist(bar(5, 70))
    assert np.allclose(here, centre_like_mnist(bar(50, 2)))
    assert np.allclose(here, centre_like_mnist(bar(5, 10, tall=100, wide=20)))


def test_the_centre_of_mass_is_in_the_middle_not_that_of_the_box():
    drawing = bar(10, 10, tall=80, wide=80)
    drawing[40:, 10:90] *= 0.5  # heavy above, light below
    picture = centre_like_mnist(drawing)
    rows = (picture.sum(axis=1) * (np.arange(28) + 0.5)).sum() / picture.sum()
    assert rows == pytest.approx(14.0, abs=0.5)


@pytest.mark.parametrize("drawing", [np.zeros((112, 112)), np.full((112, 112), 0.01)])
def test_an_empty_drawing_stays_empty(drawing):
    assert not centre_like_mnist(drawing).any()


def test_a_single_dot_and_a_full_pad_are_pictures_too():
    dot = np.zeros((112, 112))
    dot[3, 7] = 1
    assert centre_like_mnist(dot).max() == 1
    assert centre_like_mnist(np.ones((112, 112))).sum() == pytest.approx(400)


def test_the_network_is_asked_and_its_answer_shown():
    asked = []

    def predict(picture):
        asked.append(picture)
        return torch.softmax(torch.arange(10.0), dim=0)[None]

    pad = digit_pad(predict)
    pad.set_state({"ink": ink(bar(20, 50))})
    assert asked[0].shape == (1, 28, 28) and asked[0].min() >= 0 and asked[0].max() <= 1
    assert int(np.argmax(pad.probabilities)) == 9 and sum(pad.probabilities) == pytest.approx(1)
    assert np.frombuffer(pad.seen, np.uint8).reshape(28, 28).max() == 255
    pad.set_state({"ink": ink(np.zeros((112, 112)))})
    assert pad.probabilities == [] and len(asked) == 1


@pytest.mark.parametrize(
    ("predict", "says"),
    [
        (lambda picture: 1 / 0, "ZeroDivisionError"),
        (lambda picture: np.ones(9) / 9, "10 finite probabilities"),
        (lambda picture: np.full(10, np.nan), "10 finite probabilities"),
        (lambda picture: np.arange(10.0), "softmax"),
    ],
)
def test_a_network_that_fails_is_reported_on_the_pad(predict, says):
    pad = digit_pad(predict)
    pad.set_state({"ink": ink(bar(20, 50))})
    assert says in pad.message and pad.probabilities == []


def test_a_page_without_a_kernel_says_where_it_works():
    data, _ = digit_pad(lambda picture: np.ones(10) / 10)._repr_mimebundle_()
    assert "JupyterLab" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


STAGE = """
<style>{css}</style><div id="here"></div>
<script type="module">
{script}
window.sent = [];
const state = {{ seen: null, probabilities: [], message: "" }}, heard = {{}};
window.tell = (values) => {{
  Object.assign(state, values);
  for (const name of Object.keys(values)) (heard["change:" + name] || []).forEach((f) => f());
}};
const model = {{
  get: (name) => state[name],
  set: (name, value) => {{ state[name] = value; }},
  save_changes: () => window.sent.push(Array.from(new Uint8Array(state.ink.buffer))),
  on: (name, f) => (heard[name] = heard[name] || []).push(f),
  off: () => {{}},
}};
widget.render({{ model, el: document.getElementById("here") }});
</script>
"""


@pytest.mark.browser
@pytest.mark.parametrize("touch", [False, True])
def test_a_stroke_is_sent_and_the_answer_drawn(open_page, touch):
    folder = files("descent.figures")
    script = folder.joinpath("drawing.js").read_text().replace("export default", "const widget =")
    css = folder.joinpath("drawing.css").read_text()
    page = open_page(STAGE.format(css=css, script=script), has_touch=touch)
    edge = page.locator(".dp-canvas").bounding_box()
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + 40
    if touch:
        page.touchscreen.tap(x, y)
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + 120, steps=6)
        page.mouse.up()
    page.wait_for_function("window.sent.length > 0")
    page.wait_for_timeout(300)
    drawing = np.array(page.evaluate("window.sent.at(-1)")).reshape(112, 112) / 255
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    assert columns.mean() == pytest.approx(56, abs=2)
    assert (rows[-1] - rows[0] > 55) != touch
    page.evaluate("window.tell({probabilities: [0, 0.9, 0, 0, 0, 0, 0, 0.1, 0, 0]})")
    assert page.inner_text(".dp-best .dp-digit") == "1"
    assert "90 %" in page.inner_text(".dp-best")
    page.click(".dp-clear")
    page.wait_for_function("window.sent.at(-1).every((value) => value === 0)")
