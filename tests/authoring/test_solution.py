"""The book page: what is in view and what is folded."""

from __future__ import annotations

import pytest
from myst_nb.core.config import NbParserConfig

from descent.authoring import build_chapters


@pytest.fixture
def cells(course, cells_of):
    build_chapters(course.root, execute=False, report=lambda line: None)
    return cells_of(course.page)


def around(cells, start):
    """Return the code cell that begins with ``start`` and the cell before it."""
    place = next(
        i for i, c in enumerate(cells) if c.cell_type == "code" and c.source.startswith(start)
    )
    return cells[place - 1], cells[place]


def test_the_task_stands_before_its_solution(cells):
    task, solution = around(cells, "def predict")
    assert task.cell_type == "markdown"
    assert "`predict`: about 5 minutes; difficulty 1 of 3" in task.source
    stub = task.source.split("```python\n")[1].split("\n```")[0]
    assert stub.endswith("    # Your code goes here.\n    raise NotImplementedError")
    assert "return w * x" in solution.source
    assert "return w * x" not in task.source


def test_the_solution_is_folded_behind_its_own_prompt(cells):
    _, solution = around(cells, "class Line")
    assert solution.metadata["tags"] == ["hide-input"]
    problems = []
    settings = NbParserConfig()
    for field, says in (("show", "Solution"), ("hide", "Hide the solution")):
        found = settings.get_cell_level_config(
            f"code_prompt_{field}", solution.metadata, lambda *problem: problems.append(problem)
        )
        assert found == says
    assert not problems


def test_hints_are_folded_and_say_when(cells):
    task, _ = around(cells, "def predict")
    assert (
        '<details class="hint"><summary>Hint 1</summary>\n\nMultiply.\n\n</details>' in task.source
    )
    assert "<summary>Hint when the sign is wrong</summary>" in task.source


def test_an_authors_own_tags_are_kept(course, cells_of):
    course.edit(course.source, '# %% exercise="Line"', '# %% exercise="Line" tags=["export"]')
    build_chapters(course.root, execute=False, report=lambda line: None)
    _, solution = around(cells_of(course.page), "class Line")
    assert solution.metadata["tags"] == ["export", "hide-input"]


def test_the_first_lines_lead_into_the_lab(cells):
    link = '<a class="open-in-lab" data-notebook="work/toys/01_one_weight.ipynb" href="#">'
    assert f"{link}Open in JupyterLab</a>" in cells[0].source
    assert "`descent open toys/01`" in cells[0].source


def test_citations_stay_for_the_book_to_resolve(cells):
    assert "{cite:t}`nielsen2015`" in cells[1].source
    assert cells[-2].source.startswith("## Readings\n\n- {cite:t}`nielsen2015`, chapter 1.")
    assert cells[-1].source.startswith("## Recall")
