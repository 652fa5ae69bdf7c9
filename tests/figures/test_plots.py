"""Still figures: what is written on them, and what they refuse."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from descent.figures import (
    COLOURS,
    plot_confusion,
    plot_curves,
    plot_decision_regions,
    show_digits,
    titled,
    use_style,
)
from descent.figures.curves import spread_apart


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def words(figure) -> list[str]:
    """Everything written on the figure, drawn so that it is final."""
    figure.canvas.draw()
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


def test_text_is_large_enough_everywhere():
    use_style()
    use_style()
    for name in ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"):
        assert plt.rcParams[name] >= 10
    assert not plt.rcParams["axes.spines.top"]


def test_colours_differ_in_lightness_too():
    def lightness(colour: str) -> float:
        red, green, blue = matplotlib.colors.to_rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert {"blue", "orange", "green", "red", "purple", "grey"} <= set(COLOURS)
    assert abs(lightness(COLOURS["blue"]) - lightness(COLOURS["orange"])) > 0.2


def test_a_title_names_the_source_only_when_it_is_not_the_real_data():
    assert titled("Digits", "MNIST") == "Digits"
    assert "offline default" in titled("Digits", "scikit-learn digits (offline default)")


def test_curves_carry_their_names_and_are_not_in_a_legend():
    plot_curves({"train": [3, 2, 1], "test": [3.1, 2.2, 1.4]}, "step", "loss (nats)", "Falls")
    ax = plt.gca()
    assert {"train", "test", "step", "loss (nats)", "Falls"} <= set(words(ax.figure))
    assert ax.get_legend() is None


def test_names_of_curves_that_end_together_do_not_overlap():
    plot_curves({f"curve {i}": [1.0, 0.5 + i / 1000] for i in range(5)}, "step", "loss")
    figure = plt.gcf()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in plt.gca().texts]
    boxes.sort(key=lambda box: box.y0)
    assert len(boxes) == 5
    assert all(below.y1 <= above.y0 + 1 for below, above in zip(boxes, boxes[1:], strict=False))
    assert max(box.x1 for box in boxes) <= figure.bbox.x1


def test_curves_take_tensors_other_steps_and_gaps():
    curves = {
        "tensors": [torch.tensor(2.0, requires_grad=True), torch.tensor(1.0)],
        "own steps": (np.array([0, 10]), [4.0, float("nan")]),
        "not positive": [1.0, 0.0, -1.0],
    }
    plot_curves(curves, "step", "loss", logy=True)
    lines = {line.get_label(): line for line in plt.gca().get_lines()}
    assert lines["tensors"].get_ydata().tolist() == [2.0, 1.0]
    assert lines["own steps"].get_xdata().tolist() == [0.0, 10.0]
    assert np.isnan(lines["not positive"].get_ydata()).tolist() == [False, True, True]
    words(plt.gcf())


def test_a_curve_with_the_wrong_number_of_steps_is_refused_by_name():
    with pytest.raises(ValueError, match="'mine': 3 values of x but 2 of y"):
        plot_curves({"mine": ([1, 2, 3], [1.0, 2.0])}, "x", "y")


@pytest.mark.parametrize(
    ("wishes", "placed"),
    [
        ([0.0, 10.0], [0.0, 10.0]),
        ([5.0, 5.0], [4.5, 5.5]),
        ([9.0, 5.0, 5.0], [9.0, 4.5, 5.5]),
        ([0.0, 0.0, 0.0, 1.0], [-1.25, -0.25, 0.75, 1.75]),
        ([], []),
    ],
)
def test_names_move_as_little_as_needed(wishes, placed):
    assert spread_apart(wishes, 1.0) == pytest.approx(placed)


def test_regions_show_what_predict_says():
    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.5, 1.0]])
    plot_decision_regions(lambda p: (p[:, 0] > 0).astype(int), points, np.array([0, 1, 1]))
    mesh = plt.gca().collections[0]
    said = np.asarray(mesh.get_array())
    assert said[:, 0].max() == 0 and said[:, -1].min() == 1
    assert {"class 0", "class 1"} <= set(words(plt.gcf()))


def test_regions_take_tensors():
    points, labels = torch.randn(20, 2), torch.arange(20) % 3
    plot_decision_regions(lambda p: torch.zeros(len(p), dtype=torch.int64), points, labels)
    assert len(plt.gca().collections) == 4


def test_regions_refuse_other_shapes():
    with pytest.raises(ValueError, match=r"wanted \(n, 2\)"):
        plot_decision_regions(lambda p: p[:, 0], np.zeros((4, 3)), np.zeros(4))
    with pytest.raises(ValueError, match="predict returned shape"):
        plot_decision_regions(lambda p: p, np.array([[0.0, 0.0], [1.0, 1.0]]), np.zeros(2))


@pytest.mark.parametrize("shape", [(10, 28, 28), (10, 784)])
def test_digits_are_shown_each_with_its_title(shape):
    show_digits(np.zeros(shape), titles=[f"a {i}" for i in range(10)], columns=4)
    figure = plt.gcf()
    assert sum(bool(ax.images) for ax in figure.axes) == 10 and len(figure.axes) == 12
    assert "a 9" in words(figure)


def test_digits_of_other_shapes_or_with_missing_titles_are_refused():
    with pytest.raises(ValueError, match="10 images but 2 titles"):
        show_digits(np.zeros((10, 28, 28)), titles=["a", "b"])
    with pytest.raises(ValueError, match="wanted"):
        show_digits(np.zeros((10, 783)))


def test_a_confusion_matrix_colours_mistakes_only():
    matrix = np.array([[90, 10, 0], [0, 100, 0], [1, 0, 99]])
    plot_confusion(matrix, ["cat", "dog", "owl"])
    shown = plt.gca().images[0].get_array()
    assert np.ma.getmaskarray(shown).diagonal().all()
    assert shown.max() == pytest.approx(0.1) and plt.gca().images[0].get_clim()[1] == shown.max()
    assert {"cat", "99", "10", "predicted class", "true class"} <= set(words(plt.gcf()))


def test_a_perfect_or_empty_confusion_matrix_is_drawn_and_a_wrong_one_refused():
    plot_confusion(np.eye(3, dtype=int), range(3))
    plot_confusion(np.zeros((2, 2)), "ab")
    words(plt.gcf())
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        plot_confusion(np.zeros((3, 2)), "abc")
