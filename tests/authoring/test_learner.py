"""The learner's notebook: stubs, locks, no outputs, nothing of the solution."""

from __future__ import annotations

import copy
from itertools import pairwise

import nbformat
import pytest

from descent.authoring import build_chapters
from descent.study.merging import merge_notebooks


@pytest.fixture
def cells(course, cells_of):
    build_chapters(course.root, execute=False, report=lambda line: None)
    return cells_of(course.learner)


def graded(cells, grade_id):
    (cell,) = [c for c in cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    return cell


def test_the_stub_keeps_signature_and_docstring(cells):
    assert graded(cells, "predict").source == (
        "def predict(w: float, x: float) -> float:\n"
        '    """Predict y."""\n'
        "    # Your code goes here.\n"
        "    raise NotImplementedError"
    )


def test_each_region_of_a_class_becomes_a_stub(cells):
    assert graded(cells, "Line").source == (
        "class Line:\n"
        '    """A line with two methods."""\n'
        "\n"
        "    def __init__(self, w: float) -> None:\n"
        "        # Your code goes here.\n"
        "        raise NotImplementedError\n"
        "\n"
        "    def slope(self) -> float:\n"
        '        """Return the slope."""\n'
        "        if True:\n"
        "            # Your code goes here.\n"
        "            raise NotImplementedError"
    )


def test_exercise_cells_can_be_edited_but_not_deleted(cells):
    metadata = graded(cells, "predict").metadata
    assert metadata["deletable"] is False
    assert metadata.get("editable", True) is True
    expected = {"schema_version": 3, "solution": True, "grade": False, "locked": False}
    assert expected.items() <= metadata["nbgrader"].items()


def test_check_cells_are_locked_and_worth_the_difficulty(cells):
    for name, points in (("predict", 1), ("Line", 3)):
        cell = graded(cells, f"check-{name}")
        assert cell.source == f"check({name})"
        assert (cell.metadata["deletable"], cell.metadata["editable"]) == (False, False)
        assert cell.metadata["nbgrader"]["points"] == points
        assert cell.metadata["nbgrader"]["locked"] is True


def test_ordinary_cells_have_no_grading_metadata(cells):
    with_metadata = [cell for cell in cells if "nbgrader" in cell.metadata]
    assert len(with_metadata) == 4
    assert any(cell.source.startswith("import os") for cell in cells)


def test_there_are_no_outputs_and_no_solutions(cells, course):
    assert all(not c.outputs and c.execution_count is None for c in cells if c.cell_type == "code")
    text = course.learner.read_text()
    assert "return w * x" not in text and "self.w = w" not in text and "SOLUTION" not in text


def test_the_first_lines_say_the_hours_and_where_to_read(cells):
    title, opening = cells[0].source, cells[1].source
    assert title.startswith(
        "# Toys 1 · One weight\n\n**About 1.5 hours** · Needs no other chapter · "
    )
    assert "[Read it in the book](/book/solutions/toys/01_one_weight.html)" in title
    assert opening.startswith("We follow [Nielsen (2015)](https://example.org/book) and (Vaswani")


def test_what_the_page_says_above_an_exercise_stands_above_it_here_too(course, cells, cells_of):
    above = {
        cell.metadata["nbgrader"]["grade_id"]: before
        for before, cell in pairwise(cells)
        if cell.metadata.get("nbgrader", {}).get("solution")
    }
    assert above["predict"].source == (
        "**Your turn.** `predict`: about 5 minutes; difficulty 1 of 3, a warm-up."
    )
    assert above["Line"].source == (
        "**Your turn.** `Line`: about 15 minutes; difficulty 3 of 3, a whole piece."
    )
    on_the_page = {cell.id: cell.source for cell in cells_of(course.page)}
    for cell in above.values():
        assert on_the_page[cell.id].startswith(cell.source)


def test_the_line_above_an_exercise_reaches_a_copy_made_before_there_was_one(cells):
    new = nbformat.v4.new_notebook(cells=cells)
    old = copy.deepcopy(new)
    old.cells = [cell for cell in old.cells if not cell.source.startswith("**Your turn.**")]
    old.cells[0].source = old.cells[0].source.replace("Toys 1 · ", "")
    mine = copy.deepcopy(old)
    for cell in mine.cells:
        if cell.source.startswith("def predict"):
            cell.source = "def predict(w, x):\n    return w * x"
        elif cell.source.startswith("We follow"):
            cell.source += "\n\nMy own note."
    mine.cells.insert(2, nbformat.v4.new_code_cell("my_own = 1"))
    merge = merge_notebooks(old, mine, new)
    assert (merge.kept, merge.updated, merge.added) == ([], 1, 2)
    sources = [cell.source for cell in merge.notebook.cells]
    place = sources.index("def predict(w, x):\n    return w * x")
    assert sources[place - 1].startswith("**Your turn.** `predict`")
    assert sources[0].startswith("# Toys 1 · One weight")
    assert "my_own = 1" in sources and any(text.endswith("My own note.") for text in sources)


def test_readings_and_recall_close_it(cells):
    readings, recall, cards = (cell.source for cell in cells[-3:])
    assert readings == (
        "## Readings\n\n- [Nielsen (2015)](https://example.org/book), chapter 1. Skip: the history."
    )
    assert recall.startswith("## Recall\n\nSay each answer aloud")
    assert cards == "from descent import recall\n\nrecall()"


def test_no_citation_role_is_left(course, cells):
    assert "{cite" not in course.learner.read_text()


def test_prerequisites_are_links(course, cells_of):
    text = course.source.read_text().replace("One weight", "Again")
    later = text.replace("needs: []", "needs: [toys/01_one_weight]")
    course.write("solutions/toys/02_again.py", later)
    course.write("src/descent/exercises/toys/again.py", course.exercises.read_text())
    other = later.replace("part: toys", "part: deeper")
    course.write("solutions/deeper/01_again.py", other)
    course.write("src/descent/exercises/deeper/again.py", course.exercises.read_text())
    build_chapters(course.root, execute=False, report=lambda line: None)
    near = cells_of(course.root / "notebooks" / "toys" / "02_again.ipynb")
    far = cells_of(course.root / "notebooks" / "deeper" / "01_again.ipynb")
    assert "After [Toys 1 · One weight](01_one_weight.ipynb)" in near[0].source
    assert "After [Toys 1 · One weight](../toys/01_one_weight.ipynb)" in far[0].source
