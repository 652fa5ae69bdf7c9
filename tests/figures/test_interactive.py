"""What every interactive figure does."""

from __future__ import annotations

import numpy as np
import pytest

from descent.figures import (
    attention_map_figure,
    clipping_figure,
    convolution_figure,
    diffusion_figure,
    frontier_figure,
    induction_figure,
    loss_surface_figure,
    noisy_quadratic_figure,
    overoptimisation_figure,
    perturbation_figure,
    pipeline_figure,
    ring_figure,
    sampling_figure,
    superposition_figure,
)

FIGURES = {
    "attention map": attention_map_figure(
        ["the", "king"], np.tril(np.ones((1, 1, 2, 2))) / [[1], [2]]
    ),
    "clipping": clipping_figure(),
    "convolution": convolution_figure(),
    "diffusion": diffusion_figure(),
    "frontier": frontier_figure(),
    "induction": induction_figure(),
    "loss surface": loss_surface_figure(),
    "noisy quadratic": noisy_quadratic_figure(),
    "overoptimisation": overoptimisation_figure(),
    "perturbation": perturbation_figure(),
    "pipeline": pipeline_figure(),
    "ring": ring_figure([[[[0]]], [[[0]]]]),
    "sampling": sampling_figure(["be", "not"], [[1.0, 0.0]], ["to be or not to"]),
    "superposition": superposition_figure(),
}


@pytest.mark.browser
@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(
    ("html", "body", "system", "dark"),
    [
        ("", "", "light", False),
        ("", "", "dark", True),
        ('data-theme="dark"', "", "light", True),
        ('data-theme="light"', "", "dark", False),
        ("", 'data-jp-theme-light="false"', "light", True),
        ("", 'data-jp-theme-light="true"', "dark", False),
    ],
)
def test_it_follows_the_theme(open_page, name, html, body, system, dark):
    page = open_page(FIGURES[name].html, html, body, color_scheme=system)
    paper = page.eval_on_selector(".descent-figure", "e => getComputedStyle(e).backgroundColor")
    assert paper == ("rgb(22, 25, 31)" if dark else "rgb(255, 255, 255)")


LOOK = """figure => [figure, ...figure.querySelectorAll("*")].map((node) => {
  const style = getComputedStyle(node);
  return ["color", "backgroundColor", "width", "height", "margin", "padding", "border", "fontSize",
    "cursor", "display"].map((name) => style[name]).join(" ");
})"""


@pytest.mark.browser
@pytest.mark.parametrize("name", FIGURES)
def test_it_looks_the_same_beside_all_others(open_page, name):
    alone = open_page(FIGURES[name].html)
    together = open_page(FIGURES[name].html + "".join(figure.html for figure in FIGURES.values()))
    looks = [page.locator(".descent-figure").first.evaluate(LOOK) for page in (alone, together)]
    assert looks[0] == looks[1]
