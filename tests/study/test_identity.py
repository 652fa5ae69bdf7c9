"""Which cell of a learner's notebook is which cell of the course, whatever a tool left of it."""

from __future__ import annotations

import uuid

import nbformat
import pytest

from descent.study.identity import recognise
from descent.study.marks import is_check, is_exercise, marks_of, name_of

ANSWER = "def predict(w, x):\n    return w * x"


@pytest.fixture
def blank(courses):
    return nbformat.v4.new_notebook(cells=courses.blank_cells())


@pytest.fixture
def mine(courses):
    """A learner's notebook: one answer, and a cell of their own."""
    cells = courses.blank_cells()
    cells[3].source = ANSWER
    cells.insert(5, nbformat.v4.new_code_cell("predict(1, 2)"))
    return nbformat.v4.new_notebook(cells=cells)


def new_ids(notebook):
    for cell in notebook.cells:
        cell.id = uuid.uuid4().hex[:8]


def no_metadata(notebook):
    for cell in notebook.cells:
        cell.metadata = {}


def both(notebook):
    new_ids(notebook)
    no_metadata(notebook)


@pytest.mark.parametrize("loss", [new_ids, no_metadata, both])
def test_cells_are_known_when_ids_or_metadata_are_lost(blank, mine, loss):
    own = mine.cells[5]
    loss(mine)
    found = recognise(mine, blank)
    cells = [cell for cell in found.notebook.cells if cell.source != own.source]
    assert [cell.id for cell in cells] == [cell.id for cell in blank.cells]
    assert list(map(marks_of, cells)) == list(map(marks_of, blank.cells))
    assert cells[3].source == ANSWER
    assert {"predict", "check-predict", "loss", "check-loss"} <= set(found.healed)
    assert found.doubles == []


def test_a_whole_notebook_is_left_as_it_is(blank, mine):
    found = recognise(mine, blank)
    assert found.notebook == mine
    assert (found.healed, found.doubles) == ([], [])


def test_a_renamed_cell_gets_its_name_back(blank, mine):
    mine.cells[3].metadata.nbgrader.grade_id = "forecast"
    found = recognise(mine, blank)
    assert name_of(found.notebook.cells[3]) == "predict"
    assert found.healed == ["predict"]


def test_the_other_half_of_a_cell_is_no_second_exercise(blank, mine):
    half = nbformat.from_dict({**mine.cells[3], "id": "half", "source": "predict(2, 3)"})
    mine.cells.insert(4, half)
    found = recognise(mine, blank)
    assert found.doubles == ["predict"]
    assert [cell.source for cell in found.notebook.cells if is_exercise(cell)][0] == ANSWER
    assert "nbgrader" not in found.notebook.cells[4].metadata
    assert found.notebook.cells[4].source == "predict(2, 3)"


@pytest.mark.parametrize("odd", [None, "yes", 3, ["predict"], {"grade_id": ["predict"]}, {}])
def test_odd_metadata_is_no_mark(blank, mine, odd):
    for cell in mine.cells:
        cell.metadata["nbgrader"] = odd
        assert not is_exercise(cell) and not is_check(cell) and name_of(cell) is None
    found = recognise(mine, blank)
    assert [name_of(cell) for cell in found.notebook.cells if name_of(cell)] == [
        name_of(cell) for cell in blank.cells if name_of(cell)
    ]
