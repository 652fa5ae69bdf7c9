"""The catalog: what it reads from the headers, and what it says about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from descent.study import catalog
from descent.study.catalog import CatalogError, HeaderError, find_chapter, load_catalog, read_header


def test_chapters_come_in_the_order_of_the_course(course, courses):
    courses.write_source(course, "ladder/10_resnet")
    assert [chapter.id for chapter in load_catalog()] == [
        "ladder/01_scalar_regression",
        "ladder/02_autograd",
        "ladder/10_resnet",
        "research/1_transformers",
    ]


def test_a_chapter_knows_its_header_exercises_and_files(course):
    chapter = load_catalog()[0]
    assert (chapter.title, chapter.number, chapter.slug) == (
        "Scalar regression",
        1,
        "scalar_regression",
    )
    assert chapter.exercises == ("predict", "loss")
    assert chapter.hours == 2
    assert chapter.run is None
    assert chapter.number_to_match == "recovers w and b to 0.01"
    assert chapter.readings[0].skip == "the perceptron history"
    assert chapter.recall[0].question == "What is a gradient?"
    assert chapter.notebook == course / "notebooks/ladder/01_scalar_regression.ipynb"
    assert chapter.solution == course / "solutions/ladder/01_scalar_regression.ipynb"
    assert load_catalog()[1].needs == ("ladder/01_scalar_regression",)


def test_an_edited_source_is_read_again(course, courses):
    assert load_catalog()[0].exercises == ("predict", "loss")
    courses.write_source(course, "ladder/01_scalar_regression", ("predict", "loss", "step"))
    assert load_catalog()[0].exercises == ("predict", "loss", "step")


def test_the_parts_after_the_ladder_sort_number_and_read_well(root, courses):
    for chapter_id in (
        "own_part/1_extra",
        "capstone/1_supervised",
        "reinforcement/4_alphago_zero",
        "encounter/2_text",
        "foundations/2_calculus",
        "research/10_more",
        "research/3_training_at_scale",
        "ladder/13_causal_transformer",
    ):
        courses.write_source(root, chapter_id)
    shown = [(chapter.heading, chapter.reference) for chapter in load_catalog()]
    assert shown == [
        ("13 · Causal transformer", "rung 13"),
        ("R3 · Training at scale", "Research 3"),
        ("R10 · More", "Research 10"),
        ("F2 · Calculus", "Foundations 2"),
        ("E2 · Text", "Encounter 2"),
        ("RL4 · Alphago zero", "Reinforcement 4"),
        ("C1 · Supervised", "Capstone 1"),
        ("Own part 1 · Extra", "Own part 1"),
    ]


@pytest.mark.parametrize("name", ["R1", "r1", "Research 1", "research/1", "research/01"])
def test_a_chapter_of_another_part_is_found_by_its_number(course, name):
    assert find_chapter(name).id == "research/1_transformers"


@pytest.mark.parametrize("name", ["1", "01", "rung 1", "ladder/1"])
def test_a_number_without_a_part_is_a_rung(course, name):
    assert find_chapter(name).id == "ladder/01_scalar_regression"


@pytest.mark.parametrize(
    "name",
    [
        "ladder/02_autograd",
        "ladder/02",
        "ladder/2",
        "02",
        "autograd",
        "ladder/autograd",
        "autog",
        "work/ladder/02_autograd.ipynb",
        "solutions/ladder/02_autograd.py",
    ],
)
def test_a_chapter_is_found_by_any_of_its_names(course, name):
    assert find_chapter(name).id == "ladder/02_autograd"


def test_an_unknown_chapter_is_answered_with_near_names(course):
    with pytest.raises(CatalogError, match=r"no chapter 'autogard'.*ladder/02_autograd"):
        find_chapter("autogard")


def test_a_name_that_means_two_chapters_lists_both(course):
    with pytest.raises(CatalogError, match="ladder/01_scalar_regression, ladder/02_autograd"):
        find_chapter("ladder/0")


def test_two_chapters_with_one_number_are_refused(course, courses):
    courses.write_source(course, "ladder/02_gradients")
    with pytest.raises(CatalogError, match=r"ladder/02_\w+ and ladder/02_\w+ have the same number"):
        load_catalog()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# title: Step\n", "", "field 'title' is missing"),
        ("# hours: 2\n", "# hours: two\n", "field 'hours' must be a number"),
        ("# needs: []\n", "# needs: [rung one]\n", "'rung one' is not one"),
        ("# data: synthetic\n", "# data: synthetic\n# colour: red\n", "'colour' is not a header"),
        ("# part: ladder\n", "# part: research\n", "field 'part' says 'research'"),
        ("# teaches: [mean", "# teaches: [[mean", "the header is not YAML"),
        ("section: slope, q:", "section: slope, question:", "field 'recall'.*entry 1 is not"),
        ("\n# ---\n", "\n", "not closed"),
        ("# ---\n#", "#", "the first line must be"),
    ],
)
def test_a_wrong_header_is_named_with_its_file_and_field(root, courses, old, new, complaint):
    path = courses.write_source(root, "ladder/03_step")
    text = path.read_text()
    changed = text[::-1].replace(old[::-1], new[::-1], 1)[::-1] if "\n# ---" in old else None
    path.write_text(changed or text.replace(old, new, 1))
    assert path.read_text() != text
    with pytest.raises(HeaderError, match=rf"03_step\.py.*{complaint}"):
        catalog.read_chapter(path)


def test_a_missing_source_is_a_header_error(root):
    with pytest.raises(HeaderError, match="cannot be read"):
        read_header(root / "solutions/ladder/01_none.py")


def test_the_course_is_found_from_a_folder_inside_it(course, monkeypatch):
    from descent.study import paths

    monkeypatch.delenv("DESCENT_COURSE")
    monkeypatch.setattr(paths, "__file__", "/nowhere/src/descent/study/paths.py")
    monkeypatch.chdir(course / "notebooks" / "ladder")
    assert paths.course_root() == course


def test_a_course_folder_without_chapters_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path))
    with pytest.raises(catalog.CourseNotFound, match="DESCENT_COURSE"):
        catalog.course_root()
