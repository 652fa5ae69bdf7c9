"""A tiny made-up course in a temporary folder: one chapter, two exercises, no training."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

SOURCE = '''\
# ---
# title: One weight
# subtitle: Fit a line
# part: toys
# hours: 1.5
# needs: []
# teaches: [a line]
# builds: a prediction | and a model
# number: exact
# data: synthetic
# readings:
#   - {key: nielsen2015, where: "chapter 1", skip: "the history"}
# sections:
#   - {id: model, heading: "A model", for: "every later page fits one", needs: []}
# recall:
#   - {id: slope, section: model, transfer: true, q: "What is $w$?",
#      a: "The slope, as {cite:p}`nielsen2015` says."}
# ---

# %% [markdown]
# # One weight
# We follow {cite:t}`nielsen2015` and {cite:p}`vaswani2017,nielsen2015`.

# %% tags=["setup"]
import os

def check(answer):
    print("checked", answer.__name__)

# %% exercise="predict"
def predict(w: float, x: float) -> float:
    """Predict y."""
    ### BEGIN SOLUTION
    return w * x
    ### END SOLUTION

# %% check="predict"
check(predict)

# %% [markdown]
# ## A model

# %% exercise="Line"
class Line:
    """A line with two methods."""

    def __init__(self, w: float) -> None:
        ### BEGIN SOLUTION
        self.w = w
        ### END SOLUTION

    def slope(self) -> float:
        """Return the slope."""
        if True:
            ### BEGIN SOLUTION
            return self.w
            ### END SOLUTION

# %% check="Line"
check(Line)

# %%
print("slope", Line(predict(2.0, 3.0)).slope())
'''

EXERCISES = '''\
"""What toys/01_one_weight is judged by."""
from descent.grading import Exercise

predict = Exercise("predict", minutes=5, difficulty=1)
predict.hint("Multiply.")
predict.hint("Look at the sign of w.", when="sign")
line = Exercise("Line", minutes=15, difficulty=3)
line.hint("Keep w.")
'''

REFERENCES = """\
@book{nielsen2015,
  author = {Nielsen, Michael A.}, title = {Networks}, publisher = {Us}, year = {2015},
  url = {https://example.org/book},
}
@article{vaswani2017,
  author = {Vaswani, Ashish and Shazeer, Noam and van den Oord, Aaron},
  title = {Attention}, journal = {J}, year = {2017},
}
@article{hinton1986,
  author = {van den Oord, A{\\"a}ron and Hinton, Geoffrey},
  title = {Distillation}, journal = {J}, year = {1986},
}
"""

MARKERS = "<!-- chapters:start -->\n<!-- chapters:end -->\n"


@dataclass(frozen=True)
class TinyCourse:
    """The course and its files, easy to change and to read back."""

    root: Path

    @property
    def source(self) -> Path:
        return self.root / "solutions" / "toys" / "01_one_weight.py"

    @property
    def exercises(self) -> Path:
        return self.root / "src" / "descent" / "exercises" / "toys" / "one_weight.py"

    @property
    def learner(self) -> Path:
        return self.root / "notebooks" / "toys" / "01_one_weight.ipynb"

    @property
    def page(self) -> Path:
        return self.root / "solutions" / "toys" / "01_one_weight.ipynb"

    def write(self, path: str, text: str) -> Path:
        """Write a file of the course."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def edit(self, path: Path, old: str, new: str) -> None:
        """Replace text that stands in a file exactly once."""
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_cells(self, cells: str) -> None:
        """Append cells to the chapter source."""
        with self.source.open("a", encoding="utf-8") as file:
            file.write("\n" + textwrap.dedent(cells))

    def generated(self) -> dict[str, bytes]:
        """Return the bytes of everything that is generated."""
        files = [self.learner, self.page]
        files += [
            self.root / name
            for name in (
                "_toc.yml",
                "README.md",
                "book/index.md",
                "book/terms.md",
                "book/assets/course-data.js",
            )
        ]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in files}


@pytest.fixture
def course(tmp_path: Path) -> TinyCourse:
    """Return a course with one chapter, nothing built."""
    tiny = TinyCourse(tmp_path / "course")
    tiny.write("solutions/toys/01_one_weight.py", SOURCE)
    tiny.write("src/descent/exercises/toys/one_weight.py", EXERCISES)
    tiny.write("book/references.bib", REFERENCES)
    tiny.write("book/index.md", f"# Course\n\n{MARKERS}\nAfter the map.\n")
    tiny.write("README.md", f"# Course\n\n{MARKERS}\nAfter the table.\n")
    return tiny


@pytest.fixture
def cells_of():
    """Return a function that reads the cells of a notebook, sources and all."""

    def read(path: Path) -> list[NotebookNode]:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return list(notebook.cells)

    return read
