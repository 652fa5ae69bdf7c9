"""The learner's copies: made once, never overwritten, brought up to date without a line lost."""

from __future__ import annotations

import json
import os

import nbformat
import pytest

from descent.errors import CourseError
from descent.study import workbook
from descent.study.workbook import open_chapter, refresh, reset

ANSWER = "def predict(w, x):\n    return w * x  # mine"


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    grades = [
        cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata
    ]
    assert len(set(grades)) == len(grades)
    return notebook


def cells_by_id(path):
    return {cell.id: cell for cell in read(path).cells}


def edit(path, changes):
    """Change cells of a notebook as a learner would: text by id, None to delete."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if changes.get(cell.id, "") is not None]
    for cell in notebook.cells:
        cell.source = changes.get(cell.id, cell.source)
    nbformat.write(notebook, path)


def insert_after(path, cell_id, new):
    notebook = nbformat.read(path, as_version=4)
    place = [cell.id for cell in notebook.cells].index(cell_id)
    notebook.cells.insert(place + 1, new)
    path.write_text(nbformat.v4.writes(notebook))  # as an editor would: ids are not looked at


@pytest.fixture
def mine(course):
    """The path of a learner's copy of the first chapter."""
    return open_chapter("ladder/01").path


@pytest.fixture
def blank(course):
    return course / "notebooks/ladder/01_scalar_regression.ipynb"


def test_opening_copies_the_notebook_once(course, blank):
    opened = open_chapter("ladder/01")
    assert opened.created and opened.path == course / "work/ladder/01_scalar_regression.ipynb"
    assert opened.path.read_bytes() == blank.read_bytes()
    edit(opened.path, {"exercise-predict": ANSWER})
    mine = opened.path.read_bytes()
    again = open_chapter("scalar_regression")
    assert not again.created and again.path.read_bytes() == mine


def test_opening_a_chapter_that_is_not_built_says_what_to_do(course, courses):
    courses.write_source(course, "ladder/03_vector_regression")
    with pytest.raises(CourseError, match="make chapters"):
        open_chapter("ladder/03")


def test_refresh_changes_nothing_when_the_course_did_not_change(mine):
    edit(mine, {"exercise-predict": ANSWER})
    before = mine.read_bytes()
    (result,) = refresh()
    assert not result.changed and mine.read_bytes() == before


def test_refresh_keeps_answers_and_brings_the_rest_up_to_date(course, courses, mine, blank):
    edit(mine, {"exercise-predict": ANSWER})
    insert_after(mine, "check-predict", nbformat.v4.new_code_cell("print('my experiment')"))
    insert_after(mine, "prose-closing", nbformat.v4.new_markdown_cell("My last thought."))
    before = mine.read_bytes()

    new_stub = courses.stub("predict", "Predict y; w and x are floats.")
    edit(
        blank,
        {
            "prose-opening": "# One weight\n\nWe fit a straight line.",
            "exercise-predict": new_stub,
            "exercise-loss": courses.stub("loss", "The mean of the squares."),
            "check-predict": "check(predict)  # better",
            "code-experiment": None,
        },
    )
    insert_after(blank, "check-loss", courses.exercise_cell("step"))
    insert_after(blank, "exercise-step", courses.check_cell("step"))

    (result,) = refresh("ladder/01")
    cells = cells_by_id(mine)
    assert cells["exercise-predict"].source == ANSWER
    assert cells["prose-opening"].source.endswith("We fit a straight line.")
    assert "mean of the squares" in cells["exercise-loss"].source
    assert cells["check-predict"].source == "check(predict)  # better"
    assert "code-experiment" not in cells
    assert cells["exercise-step"].metadata.nbgrader.grade_id == "step"
    assert cells["check-step"].metadata.nbgrader.locked

    sources = [cell.source for cell in read(mine).cells]
    place = sources.index(ANSWER)
    shown = read(mine).cells[place + 1]
    assert shown.cell_type == "markdown" and new_stub in shown.source  # it never runs
    assert "The course changed this cell" in shown.source
    assert "print('my experiment')" in sources
    assert "My last thought." in sources
    order = [cell.id for cell in read(mine).cells]
    assert order.index("check-loss") < order.index("exercise-step") < order.index("check-step")
    assert result.backup is not None and result.backup.read_bytes() == before
    assert result.backup.is_relative_to(course / "work/.backups")
    assert any("'predict'" in line for line in result.lines)

    again = mine.read_bytes()
    assert not refresh("ladder/01")[0].changed and mine.read_bytes() == again


def test_a_second_change_of_the_course_is_shown_too(courses, mine, blank):
    edit(mine, {"exercise-predict": ANSWER})
    for docstring in ("First.", "Second."):
        edit(blank, {"exercise-predict": courses.stub("predict", docstring)})
        refresh()
    text = "\n".join(cell.source for cell in read(mine).cells)
    assert text.count("# mine") == 1 and "First." in text and "Second." in text


def test_an_answer_survives_when_the_course_drops_its_exercise(mine, blank):
    edit(mine, {"exercise-loss": "def loss(w, x):\n    return 0"})
    edit(blank, {"exercise-loss": None, "check-loss": None, "prose-loss": None})
    (result,) = refresh()
    cells = cells_by_id(mine)
    assert cells["exercise-loss"].source.endswith("return 0")
    assert "nbgrader" not in cells["exercise-loss"].metadata
    assert "check-loss" not in cells and "prose-loss" not in cells
    assert any("'loss'" in line for line in result.lines)


def test_what_the_learner_wrote_in_the_prose_stays(mine, blank):
    edit(mine, {"prose-predict": "I predict that it falls."})
    edit(blank, {"prose-predict": "Write `predict` now.", "prose-closing": "The very end."})
    refresh()
    cells = cells_by_id(mine)
    assert cells["prose-predict"].source == "I predict that it falls."
    assert cells["prose-closing"].source == "The very end."
    assert any("Write `predict` now." in cell.source for cell in cells.values())


def test_a_deleted_or_edited_check_comes_back_and_a_deleted_text_does_not(mine, blank):
    edit(mine, {"check-predict": None, "check-loss": "# check(loss)", "prose-closing": None})
    edit(blank, {"prose-opening": "# Anew"})
    refresh()
    cells = cells_by_id(mine)
    assert cells["check-predict"].source == "check(predict)"
    assert cells["check-loss"].source == "check(loss)"
    assert "prose-closing" not in cells


def test_both_adding_a_cell_in_one_place_keeps_both(courses, mine, blank):
    insert_after(mine, "check-loss", nbformat.v4.new_code_cell("my_note = 1"))
    insert_after(blank, "check-loss", courses.code_cell("extra", "course_note = 2"))
    refresh()
    sources = [cell.source for cell in read(mine).cells]
    assert sources.count("my_note = 1") == 1 and sources.count("course_note = 2") == 1


def test_a_copied_exercise_cell_keeps_its_text_and_not_its_grade(courses, mine, blank):
    insert_after(mine, "exercise-predict", courses.exercise_cell("predict", "# an old try"))
    edit(blank, {"prose-opening": "# Anew"})
    refresh()
    marked = [cell.source for cell in read(mine).cells if "nbgrader" in cell.metadata]
    assert "# an old try" in [cell.source for cell in read(mine).cells]
    assert "# an old try" not in marked


def test_outputs_of_unchanged_cells_stay(mine, blank):
    notebook = nbformat.read(mine, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "code-experiment")
    cell.outputs = [nbformat.v4.new_output("stream", text="ten\n")]
    cell.execution_count = 3
    nbformat.write(notebook, mine)
    edit(blank, {"prose-opening": "# Anew"})
    refresh()
    assert cells_by_id(mine)["code-experiment"].outputs[0].text == "ten\n"


def test_a_run_cell_that_the_course_dropped_goes(mine, blank):
    notebook = nbformat.read(mine, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "code-experiment")
    cell.outputs = [nbformat.v4.new_output("stream", text="ten\n")]
    nbformat.write(notebook, mine)
    edit(blank, {"code-experiment": None})
    refresh()
    assert "code-experiment" not in cells_by_id(mine)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"cells": [\n<<<<<<< HEAD\n', "Git put two versions into it"),
        ('{"hello": 1}', "not a notebook"),
        ('{"cells": [{}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a valid"),
    ],
)
def test_a_broken_copy_is_refused_and_left_alone(mine, blank, content, complaint):
    mine.write_text(content)
    edit(blank, {"prose-opening": "# Anew"})
    with pytest.raises(CourseError, match=complaint):
        refresh("ladder/01")
    assert mine.read_text() == content
    (result,) = refresh()
    assert not result.changed and complaint in result.lines[0]


def test_a_lost_base_copy_loses_nothing(course, mine, blank):
    edit(mine, {"exercise-predict": ANSWER})
    edit(blank, {"prose-opening": "# Anew"})
    (course / "work/.base/ladder/01_scalar_regression.ipynb").unlink()
    refresh()
    assert cells_by_id(mine)["exercise-predict"].source == ANSWER


def test_a_failed_write_leaves_the_copy_as_it_was(mine, blank, monkeypatch):
    edit(mine, {"exercise-predict": ANSWER})
    edit(blank, {"prose-opening": "# Anew"})
    before = mine.read_bytes()

    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(CourseError, match="No space left"):
        refresh("ladder/01")
    assert mine.read_bytes() == before
    assert not list(mine.parent.glob("*.tmp")) and not list(mine.parent.glob(".*.tmp"))


def test_reset_restores_the_blank_and_keeps_a_backup(mine, blank):
    edit(mine, {"exercise-predict": ANSWER})
    before = mine.read_bytes()
    first = reset("ladder/01")
    assert mine.read_bytes() == blank.read_bytes()
    assert first is not None and first.read_bytes() == before
    second = reset("ladder/01")
    assert second != first and first.read_bytes() == before


@pytest.mark.parametrize("course_changed", [True, False])
def test_ids_and_marks_that_a_tool_took_away_come_back_once(mine, blank, course_changed):
    edit(mine, {"exercise-predict": ANSWER})
    insert_after(mine, "check-predict", nbformat.v4.new_code_cell("print('my experiment')"))
    whole = [cell.source for cell in read(mine).cells]
    strip(mine)
    if course_changed:
        edit(blank, {"prose-closing": "The very end."})
        whole[-1] = "The very end."
    (result,) = refresh()
    assert [cell.source for cell in read(mine).cells] == whole
    cells = cells_by_id(mine)
    assert cells["exercise-predict"].source == ANSWER
    assert cells["exercise-predict"].metadata.nbgrader.solution
    assert cells["check-loss"].metadata.nbgrader.grade_id == "check-loss"
    assert result.changed and any("had lost what marks them" in line for line in result.lines)
    assert any("0 new" in line for line in result.lines)
    (again,) = refresh()
    assert not again.changed and again.lines == []


def strip(path):
    """Take ids and metadata from every cell, as a tool that strips notebooks may."""
    notebook = json.loads(path.read_text())
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    path.write_text(json.dumps(notebook))


def change_type(path, cell_id, cell_type):
    """Press M or R on a cell, as is easily done by accident."""
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["id"] == cell_id:
            cell["cell_type"] = cell_type
            del cell["outputs"], cell["execution_count"]
    path.write_text(json.dumps(notebook))


def test_a_check_that_became_text_is_code_again_and_an_exercise_is_pointed_at(mine):
    change_type(mine, "check-predict", "markdown")
    change_type(mine, "exercise-loss", "raw")
    (result,) = refresh()
    cells = cells_by_id(mine)
    assert cells["check-predict"].cell_type == "code"
    assert cells["exercise-loss"].cell_type == "raw"
    assert any("'loss' is not a code cell" in line and "press Y" in line for line in result.lines)
    (again,) = refresh()
    assert not again.changed and "press Y" in again.lines[0]


def test_the_mark_on_a_second_cell_goes_and_its_text_stays(courses, mine):
    insert_after(mine, "exercise-predict", courses.exercise_cell("predict", "# the other half"))
    (result,) = refresh()
    halves = [cell for cell in read(mine).cells if cell.source == "# the other half"]
    assert len(halves) == 1 and "nbgrader" not in halves[0].metadata
    assert any("second cell was marked 'predict'" in line for line in result.lines)


def test_a_byte_order_mark_goes(mine):
    mine.write_bytes(b"\xef\xbb\xbf" + mine.read_bytes())
    (result,) = refresh()
    assert result.changed and mine.read_bytes().startswith(b"{")
    assert any("byte-order mark" in line for line in result.lines)
    assert not refresh()[0].changed


def test_what_jupyterlab_writes_into_a_copy_is_no_reason_to_change_it(mine):
    notebook = nbformat.read(mine, as_version=4)
    notebook.metadata.kernelspec.display_name = "Python 3 (ipykernel)"
    notebook.cells[1].execution_count = 3
    notebook.cells[1].metadata.collapsed = False
    nbformat.write(notebook, mine)
    before = mine.read_bytes()
    assert not refresh()[0].changed and mine.read_bytes() == before


def test_what_is_saved_while_a_copy_is_brought_up_to_date_is_kept(mine, blank, monkeypatch):
    edit(blank, {"prose-opening": "# Anew"})
    real = workbook.keep_backup

    def saved_meanwhile(path, content, folder):
        monkeypatch.setattr(workbook, "keep_backup", real)
        edit(mine, {"exercise-predict": ANSWER})
        return real(path, content, folder)

    monkeypatch.setattr(workbook, "keep_backup", saved_meanwhile)
    refresh("ladder/01")
    cells = cells_by_id(mine)
    assert cells["exercise-predict"].source == ANSWER
    assert cells["prose-opening"].source == "# Anew"


def test_what_a_killed_refresh_left_goes_with_the_next(course, mine):
    left = [
        folder / ".01_scalar_regression.ipynb.ab12cd_8.tmp"
        for folder in (mine.parent, course / "work/.base/ladder")
    ]
    for path in left:
        path.write_text("half")
        os.utime(path, (1e9, 1e9))
    refresh()
    assert not any(path.exists() for path in left) and mine.exists()


def test_a_folder_in_place_of_a_copy_is_moved_to_the_backups(course, mine, blank):
    mine.unlink()
    mine.mkdir()
    (mine / "notes.txt").write_text("mine too")
    with pytest.raises(CourseError, match="is a folder.*descent reset ladder/01"):
        open_chapter("ladder/01")
    with pytest.raises(CourseError, match="is a folder"):
        refresh("ladder/01")
    backup = reset("ladder/01")
    assert backup is not None and (backup / "notes.txt").read_text() == "mine too"
    assert mine.read_bytes() == blank.read_bytes()


def test_a_file_in_place_of_a_folder_is_named(course, mine):
    mine.unlink()
    mine.parent.rmdir()
    mine.parent.write_text("a file")
    for command in (open_chapter, reset):
        with pytest.raises(CourseError, match="work/ladder is a file, not a folder"):
            command("ladder/01")
    assert mine.parent.read_text() == "a file"


def test_a_link_to_nothing_is_named(tmp_path, mine):
    mine.unlink()
    mine.symlink_to(tmp_path / "gone.ipynb")
    with pytest.raises(CourseError, match=r"is a link to .*gone\.ipynb, which is not there"):
        open_chapter("ladder/01")


def test_a_reset_that_cannot_write_leaves_a_folder_where_it_was(mine, monkeypatch):
    mine.unlink()
    mine.mkdir()

    def refuse(*_):
        raise CourseError("No space left")

    monkeypatch.setattr(workbook, "write_whole", refuse)
    with pytest.raises(CourseError, match="No space left"):
        reset("ladder/01")
    assert mine.is_dir()


def test_reset_works_on_a_broken_copy(mine, blank):
    mine.write_text("<<<<<<<")
    backup = reset("ladder/01")
    assert backup is not None and backup.read_text() == "<<<<<<<"
    assert mine.read_bytes() == blank.read_bytes()
