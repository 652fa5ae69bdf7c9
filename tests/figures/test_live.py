"""The live plot: in a notebook, in a terminal, and with numbers that cannot be drawn."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from programs import PATIENCE

from descent.figures import LivePlot, live


@pytest.fixture
def notebook(monkeypatch):
    """Pretends to be a kernel; returns the pictures shown: one list a display."""
    import IPython.display

    shown: list[list[bytes]] = []

    def display(picture, display_id):
        assert display_id
        shown.append([picture.data])
        return SimpleNamespace(update=lambda later: shown[-1].append(later.data))

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    return shown


def test_a_notebook_gets_one_figure_that_changes(notebook):
    plot = LivePlot("step", "loss", every=0.0, logy=True)
    plot.update(0, loss=1.0)
    plot._next = 0.0
    plot.update(1, loss=0.5, test=0.6)
    plot.close()
    plot.close()
    assert len(notebook) == 1 and len(notebook[0]) == 3
    assert all(picture.startswith(b"\x89PNG") for picture in notebook[0])
    assert len(set(notebook[0])) >= 2


def test_drawing_is_rare_when_steps_are_fast(notebook):
    plot = LivePlot("step", "loss", every=60.0)
    for step in range(5_000):
        plot.update(step, loss=1 / (step + 1))
    plot.close()
    assert len(notebook[0]) == 2, "the first and the final picture only"
    assert len(plot.curves["loss"][0]) == 5_000


def test_the_figure_has_labels_and_all_points():
    plot = LivePlot("step", "mean squared error", title="Falls")
    for step in range(3):
        plot.update(step, loss=torch.tensor(2.0 - step, requires_grad=True), test=np.float32(1))
    ax = plot.figure().axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "mean squared error")
    assert ax.get_lines()[0].get_ydata().tolist() == [2.0, 1.0, 0.0]
    assert {text.get_text() for text in ax.texts} == {"loss", "test"}


@pytest.mark.parametrize("logy", [True, False])
def test_numbers_that_cannot_be_drawn_stop_nothing(notebook, logy, capsys):
    plot = LivePlot("step", "loss", logy=logy, every=0.0)
    for step, value in enumerate([float("nan"), float("inf"), -1.0, 0.0, 1e300, None, 10**400]):
        plot._next = 0.0
        plot.update(step, loss=value)
    plot.close()
    assert len(notebook[0]) == 8
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_few_lines_ending_with_the_last(monkeypatch, capsys):
    monkeypatch.setattr(live, "in_notebook", lambda: False)
    with LivePlot("step", "loss") as plot:
        for step in range(1000):
            plot.update(step, loss=1 / (step + 1))
    lines = capsys.readouterr().out.splitlines()
    assert 2 <= len(lines) <= 10
    assert lines[0] == "step 0  loss 1" and lines[-1] == "step 999  loss 0.001"


def test_training_that_is_interrupted_leaves_what_was_reached(notebook):
    with pytest.raises(KeyboardInterrupt), LivePlot("step", "loss", every=60.0) as plot:
        plot.update(0, loss=1.0)
        plot.update(1, loss=0.5)
        raise KeyboardInterrupt
    assert len(notebook[0]) == 2


def test_a_display_that_breaks_does_not_stop_training(notebook, monkeypatch, capsys):
    def broken(*args, **kwargs):
        raise RuntimeError("no renderer")

    monkeypatch.setattr(LivePlot, "_png", broken)
    plot = LivePlot("step", "loss", every=0.0)
    plot.update(0, loss=1.0)
    plot.close()
    assert "The live plot stopped: no renderer" in capsys.readouterr().err


def test_nothing_was_measured(notebook, capsys):
    LivePlot("step", "loss").close()
    assert notebook == [] and capsys.readouterr().out == ""


def test_an_executed_notebook_holds_one_final_picture(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    code = (
        "from descent.figures import LivePlot\n"
        "live = LivePlot('step', 'loss', every=0.0)\n"
        "for step in range(40): live.update(step, loss=1 / (step + 1))\n"
        "live.close()"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": sys.executable}
    nbclient.NotebookClient(notebook, timeout=PATIENCE).execute()
    outputs = notebook.cells[0].outputs
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(outputs) == len(pictures) == 1
