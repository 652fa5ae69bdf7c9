"""What is read from a chapter source: roles, places and ids."""

from __future__ import annotations

import pytest

from descent.authoring.course import load_course
from descent.authoring.problems import AuthoringError
from descent.authoring.source import ChapterSource, read_source


def read(course) -> ChapterSource:
    chapter = load_course(course.root).chapters[0]
    return read_source(chapter, "chapter.py")


def ids_by_text(course) -> dict[str, str]:
    return {cell.text: cell.id for cell in read(course).cells}


def test_cells_have_roles_names_and_places(course):
    cells = read(course).cells
    roles = [(cell.role, cell.name) for cell in cells]
    assert roles == [
        ("prose", None),
        ("code", None),
        ("exercise", "predict"),
        ("check", "predict"),
        ("prose", None),
        ("exercise", "Line"),
        ("check", "Line"),
        ("code", None),
    ]
    lines = course.source.read_text().splitlines()
    assert all(lines[cell.line - 1].startswith("# %%") for cell in cells)
    assert cells[2].label.startswith("cell 3 (exercise 'predict', line ")


def test_ids_are_all_different(course):
    course.add_cells("# %%\nprint(1)\n\n# %%\nprint(1)\n\n# %% [markdown]\n# ## A model\n")
    ids = [cell.id for cell in read(course).cells]
    assert len(set(ids)) == len(ids)


def test_a_new_cell_changes_no_id_outside_its_section(course):
    before = ids_by_text(course)
    course.edit(
        course.source, '# %% tags=["setup"]', '# %% [markdown]\n# New.\n\n# %% tags=["setup"]'
    )
    after = ids_by_text(course)
    assert {text: after[text] for text in before} == before


def test_the_same_cell_of_two_chapters_has_two_ids(course):
    course.write("solutions/toys/02_again.py", course.source.read_text())
    first, second = load_course(course.root).chapters
    ids = [{c.id for c in read_source(chapter, "f").cells} for chapter in (first, second)]
    assert not ids[0] & ids[1]


def test_text_before_the_first_cell_is_refused(course):
    course.edit(course.source, "# ---\n\n# %% [markdown]", "# ---\nlost = 1\n\n# %% [markdown]")
    with pytest.raises(AuthoringError, match="chapter.py: text stands between"):
        read(course)


def test_a_raw_cell_is_refused(course):
    course.add_cells("# %% [raw]\n# text\n")
    with pytest.raises(AuthoringError, match=r"cell 9 \(line \d+\): a cell is markdown or code"):
        read(course)
