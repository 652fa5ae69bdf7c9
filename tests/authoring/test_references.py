"""Links from chapter to chapter: they lead to one, under its own number."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError, build_chapters
from descent.authoring.course import load_course
from descent.authoring.references import reference_problems
from descent.authoring.source import read_source


@pytest.fixture
def problems_with(course):
    """Return a function that writes a sentence into the chapter and lists what is wrong with it."""
    for chapter_id in ("ladder/13_causal", "research/3_scale"):
        part = chapter_id.split("/")[0]
        text = course.source.read_text().replace("part: toys", f"part: {part}")
        course.write(f"solutions/{chapter_id}.py", text)

    def problems(sentence: str) -> list[str]:
        course.add_cells(f"# %% [markdown]\n# {sentence}\n")
        whole = load_course(course.root)
        chapter = whole.find("toys/01_one_weight")
        return list(reference_problems(read_source(chapter, "01_one_weight.py"), whole))

    return problems


@pytest.mark.parametrize(
    "sentence",
    [
        "See [rung 13](../ladder/13_causal.ipynb), [Rung 13](../ladder/13_causal.ipynb#mask).",
        "See [Research 3](../research/3_scale.ipynb) and [the mask](../ladder/13_causal.ipynb).",
        "See [Toys 1](01_one_weight.ipynb), [a page](https://example.org/7.html), [4](#four).",
    ],
)
def test_right_references_are_left_alone(problems_with, sentence):
    assert problems_with(sentence) == []


@pytest.mark.parametrize(
    ("sentence", "complaint"),
    [
        (
            "[rung 12](../ladder/13_causal.ipynb)",
            "calls ladder/13_causal 'rung 12'; it is 'rung 13'",
        ),
        ("[rung 3](../research/3_scale.ipynb)", "'rung 3'; it is 'Research 3'"),
        ("[13](../ladder/13_causal.ipynb)", "'13'; it is 'rung 13'"),
        ("[rung 13](13_causal.ipynb)", "leads to '13_causal.ipynb', which is no chapter"),
    ],
)
def test_a_wrong_number_or_no_chapter_is_named(problems_with, sentence, complaint):
    (problem,) = problems_with(sentence)
    assert complaint in problem and problem.startswith("01_one_weight.py, cell 9 (line ")


def test_building_refuses_a_wrong_number(course):
    course.add_cells("# %% [markdown]\n# [rung 12](01_one_weight.ipynb)\n")
    with pytest.raises(AuthoringError, match="it is 'Toys 1'"):
        build_chapters(course.root, execute=False, report=lambda line: None)
