"""Predictions, cards and written exercises: in the notebook a call, on the page HTML."""

from __future__ import annotations

import nbformat
import pytest

from descent.authoring import AuthoringError, build_chapters, stale_files
from descent.authoring.source import read_source
from descent.study.catalog import read_chapter

HEADER = """\
# predictions:
#   - {id: last_step, ask: "How large is $w$ at the end?", unit: "m", within: 0.5, because: "`2`."}
#   - {id: sign, ask: "Which way?", choices: ["up", "down"], because: "Up & away."}
# written:
#   - {id: why, ask: "Why \\"so\\"?", rubric: ["names $w$", "says <why>"], answer: "Because."}
# ---

# %% [markdown]
# # One weight
"""
CELLS = """\
# %% predict="last_step"
commit("last_step", ..., sure=...)

# %%
last = 6.0
print("seen", last)

# %% outcome="last_step"
outcome("last_step", last)

# %% recall="model"
recall("model")

# %% predict="sign"
commit("sign", ..., sure=...)

# %% outcome="sign"
outcome("sign", "up")

# %% write="why"
write("why", \"\"\"
\"\"\")
"""


@pytest.fixture
def asking(course):
    """The tiny course with one of everything."""
    course.edit(course.source, "# ---\n\n# %% [markdown]\n# # One weight\n", HEADER)
    setup = "import os\n\ncommit = outcome = recall = write = print\n"
    course.edit(course.source, "import os\n", setup)
    course.add_cells(CELLS)
    return course


def cell_with(path, text: str):
    return next(cell for cell in nbformat.read(path, 4).cells if text in cell.source)


def test_the_notebook_asks_above_the_call(asking):
    build_chapters(asking.root, report=lambda line: None)
    committed = cell_with(asking.learner, 'commit("last_step"')
    assert committed.cell_type == "code"
    assert committed.source.startswith("# How large is $w$ at the end? In m.\n")
    assert "One of: 'up', 'down'." in cell_with(asking.learner, 'commit("sign"').source
    assert cell_with(asking.learner, 'write("why"').source.startswith('# Why "so"?')
    assert cell_with(asking.learner, 'recall("model")').cell_type == "code"


def test_the_page_has_html_that_reads_without_a_script(asking):
    build_chapters(asking.root, report=lambda line: None)
    box = cell_with(asking.page, "descent-predict").source
    assert 'data-chapter="toys/01_one_weight" data-item="last_step" data-kind="number"' in box
    assert 'data-within="0.5"' in box and "because" in box
    area = cell_with(asking.page, "descent-recall").source
    assert "<summary>What is" in area and '<div class="answer">The slope' in area
    written = cell_with(asking.page, "descent-written").source
    assert "<li>says &lt;why&gt;</li>" in written and "Because." in written


def test_what_a_prediction_is_about_is_folded_and_nothing_else(asking):
    build_chapters(asking.root, report=lambda line: None)
    folded = [
        cell.source.split("\n")[0]
        for cell in nbformat.read(asking.page, 4).cells
        if "hide-output" in cell.metadata.get("tags", ())
    ]
    assert folded == ["last = 6.0", 'outcome("last_step", last)', 'outcome("sign", "up")']


def test_cards_whose_section_has_no_place_stand_at_the_foot(asking):
    asking.edit(asking.source, '\n# %% recall="model"\nrecall("model")\n', "")
    build_chapters(asking.root, report=lambda line: None)
    foot = cell_with(asking.page, "## Recall").source
    assert 'data-section=""' in foot and "What is" in foot


def test_new_words_of_a_question_run_no_page_again(asking):
    build_chapters(asking.root, report=lambda line: None)
    asking.edit(asking.source, "How large is $w$ at the end?", "How large is it?")
    assert stale_files(asking.root)
    (chapter, _) = build_chapters(asking.root, report=lambda line: None)
    assert not chapter.executed and not stale_files(asking.root)


def test_a_prediction_changes_the_id_of_no_other_cell(asking):
    def ids() -> dict[str, str]:
        cells = read_source(read_chapter(asking.source, asking.root), "source").cells
        return {cell.text: cell.id for cell in cells}

    before = ids()
    asking.edit(asking.source, '# %% predict="last_step"\ncommit("last_step", ..., sure=...)\n', "")
    asking.edit(asking.source, '# %% recall="model"\nrecall("model")\n', "")
    assert all(before[text] == id_ for text, id_ in ids().items())


MISTAKES = {
    "no outcome": ('# %% outcome="sign"\noutcome("sign", "up")\n', "", "takes one"),
    "not declared": ("{id: sign,", "{id: signs,", "'sign' is not declared"),
    "an answer given": ('commit("sign", ..., sure=...)', 'commit("sign", "up")', "it is commit("),
    "other code": ('outcome("sign", "up")', 'print(); outcome("sign", "up")', "nothing else"),
    "no card": ('recall="model"\nrecall("model")', 'recall="m"\nrecall("m")', "no card has"),
    "no heading": ("# ## A model", "# ## Another", "stands 0 times"),
    "unknown need": ('fits one", needs: []', 'fits one", needs: [toys/09#x]', "which is not there"),
    "unknown section": ("section: model", "section: models", "names the section 'models'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_authors_mistake_is_told(asking, mistake):
    old, new, says = MISTAKES[mistake]
    asking.edit(asking.source, old, new)
    with pytest.raises(AuthoringError) as caught:
        build_chapters(asking.root, execute=False, report=lambda line: None)
    assert any(says in problem for problem in caught.value.problems)


FIELDS = {
    "two ways": ("within: 0.5,", "within: 0.5, factor: 2,", "one of within, factor and choices"),
    "one choice": ('choices: ["up", "down"]', 'choices: ["up"]', "two or more"),
    "no id": ("{id: sign, ask", "{ask", "entry 2 is not"),
    "an id twice": ("{id: sign,", "{id: last_step,", "an id each"),
    "below zero": ("within: 0.5", "within: -1", "a number from 0 on"),
}


@pytest.mark.parametrize("mistake", FIELDS)
def test_a_field_of_the_wrong_kind_is_told(asking, mistake):
    old, new, says = FIELDS[mistake]
    asking.edit(asking.source, old, new)
    with pytest.raises(AuthoringError) as caught:
        build_chapters(asking.root, execute=False, report=lambda line: None)
    assert any(says in problem for problem in caught.value.problems)
