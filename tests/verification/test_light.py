"""A notebook cut down: definitions and checks stay, experiments go, and what is left runs."""

from __future__ import annotations

from nbformat import v4

from descent.authoring.blanking import check_metadata, exercise_metadata
from descent.verification.light import light_notebook


def code(text, **metadata):
    return v4.new_code_cell(text, metadata=metadata)


def cut(*cells) -> str:
    notebook = light_notebook(v4.new_notebook(cells=list(cells)))
    return "\n".join(cell.source for cell in notebook.cells)


def test_graded_cells_stay_as_they_are():
    exercise = "def f(x):\n    # by hand\n    return x"
    text = cut(
        code(exercise, nbgrader=exercise_metadata("f")),
        code("check(f)", nbgrader=check_metadata("f", 1)),
    )
    assert text == f"{exercise}\ncheck(f)"


def test_imports_definitions_constants_and_the_chapters_name_stay():
    text = cut(
        code("import numpy as np\nfrom descent import chapter\nchapter('toys/01')"),
        code("RATES = [0.1, 0.2]\nMOST = max(RATES)\n\ndef helper(n=MOST):\n    return n"),
        code("class Model:\n    pass"),
    )
    for kept in ("import numpy", "chapter('toys/01')", "RATES", "MOST", "def helper", "class Mod"):
        assert kept in text


def test_training_pictures_and_all_that_hangs_on_them_go():
    text = cut(
        code("LOSSES = []\nfor step in range(10**9):\n    LOSSES.append(step)"),
        code("model = train(3)\nbest = model.loss\nplot(best)\nworst = best"),
        code("first = LOSSES[0]"),
    )
    assert text == "LOSSES = []"


def test_a_table_that_an_experiment_fills_is_not_read():
    text = cut(
        code("results = {}\n\ndef sweep(rate):\n    results[rate] = train(rate)"),
        code("RATES = {'low': 0.1}\nLOW = RATES['low']\nAlias = dict[str, float]"),
        code("sweep(LOW)"),
        code("best = results[LOW]"),
        code("lowest = min(results, key=results.get)"),
    )
    assert "LOW = RATES['low']" in text and "Alias = dict[str, float]" in text
    assert "best" not in text and "lowest" not in text and "sweep(LOW)" not in text


def test_a_type_that_an_experiment_reads_may_still_be_written():
    text = cut(
        code("from collections.abc import Callable"),
        code("def run(act: Callable, seen: list) -> None:\n    act(seen)"),
        code("run(print, [])"),
        code("Act = Callable[[list], None]"),
    )
    assert "Act = Callable" in text and "run(print" not in text


def test_prose_and_outputs_go():
    shown = code("X = 1")
    shown.outputs = [v4.new_output("stream", text="1")]
    notebook = light_notebook(v4.new_notebook(cells=[v4.new_markdown_cell("Words"), shown]))
    (cell,) = notebook.cells
    assert cell.outputs == [] and cell.source == "X = 1"
