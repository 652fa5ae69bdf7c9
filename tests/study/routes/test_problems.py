"""What an author is told of a slip in the map."""

from __future__ import annotations

import pytest

from descent.study.routes import load_map
from descent.study.routes.problems import course_problems
from descent.study.routes.yaml_file import RoutesError


def only_problem():
    (problem,) = course_problems(load_map())
    return problem


def change(root, name, old, new):
    path = root / "book" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_right_map_has_none(small):
    assert course_problems(load_map()) == []


def test_an_unknown_chapter_is_named(small):
    change(small, "curriculum.yml", "needs: [research/1_attention]", "needs: [research/7_none]")
    assert only_problem() == (
        "research/2_agents: needs 'research/7_none', which the course does not have."
    )


def test_an_unknown_section_of_a_written_chapter_is_named(small):
    change(small, "curriculum.yml", "ladder/02_slopes#backward", "ladder/02_slopes#forward")
    assert "needs 'ladder/02_slopes#forward', which the course does not have" in only_problem()


def test_a_section_may_not_need_a_chapter_that_its_own_does_not(small, write):
    write(small, "ladder/03_more", (("one", "One", "ladder/01#data", ()),))
    change(
        small,
        "curriculum.yml",
        "research/1_attention:",
        'ladder/03_more: {for: "more"}\nresearch/1_attention:',
    )
    assert only_problem() == (
        "ladder/03_more#one: needs 'ladder/01#data', but ladder/03_more does not need "
        "ladder/01_line, nor does what it needs. Add it to the header's needs."
    )


def test_a_section_may_not_need_a_later_one_of_its_page(small, write):
    write(small, "ladder/01_line", (("a", "A", "b", ()), ("b", "B", "", ())))
    found = course_problems(load_map())
    assert "ladder/01_line#a: needs 'b', which does not stand before it on the page." in found


def test_chapters_that_need_each_other_are_named_together(small):
    change(small, "curriculum.yml", "needs: [ladder/02_slopes#backward]", "needs: [research/2]")
    assert only_problem() == "research/1_attention, research/2_agents: need each other, in a ring."


def test_a_heading_that_the_page_does_not_have_is_named(small):
    path = small / "solutions/ladder/02_slopes.py"
    path.write_text(path.read_text().replace("# ## What it costs", "# ## What it takes"))
    assert only_problem() == (
        "ladder/02_slopes#afterwards: the page has no heading 'What it costs'."
    )


def test_two_headings_with_one_link_are_told(small):
    path = small / "solutions/ladder/02_slopes.py"
    path.write_text(path.read_text() + "\n# %% [markdown]\n# ### Backwards!\n", encoding="utf-8")
    assert only_problem().startswith(
        "ladder/02_slopes#backward: two headings of the page have one link, '#backwards'."
    )


def test_a_chapter_nobody_gave_a_purpose_is_named(small, write):
    write(small, "ladder/03_more", (("one", "One", "", ()),))
    assert only_problem() == "ladder/03_more: book/curriculum.yml does not say what it is for."


def test_a_route_may_not_put_a_chapter_before_one_it_needs(small):
    change(small, "routes.yml", "[ladder/01_line, research", "[research/2_agents, research")
    assert course_problems(load_map())[0] == (
        "route short: has research/2_agents before research/1_attention, which it needs."
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("hours: 10", "hours: none", "research/1_attention: field 'hours' must be a number"),
        ("hours: 10", "hourz: 10", "'hourz' is not a field"),
        ("title: Agents", "title: ''", "field 'title' must be a text that is not empty"),
        ("ladder/01_line:", "line:", "'line' is not the id of a chapter"),
        ("title: Attention", "title: [", "is not YAML"),
    ],
)
def test_a_wrong_field_is_told_with_its_file_and_place(small, old, new, says):
    change(small, "curriculum.yml", old, new)
    with pytest.raises(RoutesError, match="curriculum.yml") as error:
        load_map()
    assert says in str(error.value)
