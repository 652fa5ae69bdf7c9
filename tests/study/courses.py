"""A small course written into a temporary folder, for the tests of the study room."""

from __future__ import annotations

import textwrap
from pathlib import Path

import nbformat

HEADER = """\
# ---
# title: {title}
# subtitle: Fit a line, with the gradient worked out by hand
# part: {part}
# hours: 2
# needs: [{needs}]
# teaches: [mean squared error, gradient]
# builds: prediction, mean squared error
# number: recovers w and b to 0.01
# data: synthetic
# run: null
# readings:
#   - {{key: nielsen2015, where: "chapter 1", skip: "the perceptron history"}}
# recall:
#   - {{id: gradient, section: slope, q: "What is a gradient?",
#      a: "The slope: the direction in which the loss grows fastest"}}
# ---
"""


def write_source(
    root: Path,
    chapter_id: str,
    exercises: tuple[str, ...] = ("predict", "loss"),
    needs: str = "",
) -> Path:
    """Write one chapter source with a header and an exercise cell per name."""
    part, _, name = chapter_id.partition("/")
    path = root / "solutions" / part / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    title = name.partition("_")[2].replace("_", " ").capitalize()
    cells = [HEADER.format(title=title, part=part, needs=needs)]
    for exercise in exercises:
        cells.append(
            f'# %% exercise="{exercise}"\ndef {exercise}(w, x):\n'
            "    ### BEGIN SOLUTION\n    return w * x\n    ### END SOLUTION\n"
        )
        cells.append(f'# %% check="{exercise}"\ncheck({exercise})\n')
    path.write_text("\n".join(cells), encoding="utf-8")
    return path


def stub(exercise: str, docstring: str = "Predict y.") -> str:
    """Return the source of a blank exercise cell."""
    return textwrap.dedent(
        f'''\
        def {exercise}(w, x):
            """{docstring}"""
            # YOUR CODE HERE
            raise NotImplementedError()'''
    )


def exercise_cell(exercise: str, source: str | None = None) -> nbformat.NotebookNode:
    """Return an exercise cell with its nbgrader metadata."""
    cell = nbformat.v4.new_code_cell(source or stub(exercise), id=f"exercise-{exercise}")
    cell.metadata["nbgrader"] = {
        "grade": False,
        "grade_id": exercise,
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    return cell


def check_cell(exercise: str, source: str | None = None) -> nbformat.NotebookNode:
    """Return a check cell with its nbgrader metadata."""
    cell = nbformat.v4.new_code_cell(source or f"check({exercise})", id=f"check-{exercise}")
    cell.metadata["nbgrader"] = {
        "grade": True,
        "grade_id": f"check-{exercise}",
        "locked": True,
        "points": 1,
        "schema_version": 3,
        "solution": False,
        "task": False,
    }
    return cell


def prose_cell(name: str, source: str) -> nbformat.NotebookNode:
    """Return a locked prose cell without a grade."""
    return nbformat.v4.new_markdown_cell(source, id=f"prose-{name}")


def code_cell(name: str, source: str) -> nbformat.NotebookNode:
    """Return an ordinary code cell."""
    return nbformat.v4.new_code_cell(source, id=f"code-{name}")


def write_notebook(path: Path, cells: list[nbformat.NotebookNode]) -> Path:
    """Write a notebook of these cells, checked against the notebook schema."""
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"{nbformat.writes(notebook)}\n".encode(errors="backslashreplace"))
    return path


def blank_cells(exercises: tuple[str, ...] = ("predict", "loss")) -> list[nbformat.NotebookNode]:
    """Return the cells of a blank notebook with these exercises."""
    cells = [
        prose_cell("opening", "# One weight\n\nWe fit a line."),
        code_cell("setup", "FOUR = 4"),
    ]
    for exercise in exercises:
        cells += [prose_cell(exercise, f"Write `{exercise}`.")]
        cells += [exercise_cell(exercise), check_cell(exercise)]
    cells += [code_cell("experiment", "steps = 10"), prose_cell("closing", "The end.")]
    return cells


def write_chapter(
    root: Path,
    chapter_id: str,
    exercises: tuple[str, ...] = ("predict", "loss"),
    needs: str = "",
) -> Path:
    """Write a chapter's source and its blank notebook; return the notebook's path."""
    write_source(root, chapter_id, exercises, needs)
    return write_notebook(root / "notebooks" / f"{chapter_id}.ipynb", blank_cells(exercises))
