"""The map: the whole curriculum, and a chapter that is taken from its source once there is one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from docutils.nodes import make_id
from myst_parser.mdit_to_docutils.base import default_slugify

from descent.study.anchors import anchor_of, page_anchor
from descent.study.paths import course_root
from descent.study.routes import course_data, load_map
from descent.study.routes.page_sections import page_headings
from descent.study.routes.problems import course_problems
from descent.study.routes.terms import read_terms


def test_the_course_has_all_its_chapters_and_each_says_what_it_is_for():
    chapters = load_map().chapters
    assert Counter(chapter.part for chapter in chapters) == {
        "ladder": 17,
        "research": 9,
        "foundations": 5,
        "encounter": 3,
        "reinforcement": 5,
        "capstone": 2,
    }
    assert all(chapter.purpose and chapter.hours > 0 for chapter in chapters)
    assert all(chapter.stands or chapter.resource for chapter in chapters)


def test_the_map_of_the_course_has_no_problems():
    assert course_problems(load_map()) == []


def test_the_research_route_is_in_the_order_of_importance():
    route = next(route for route in load_map().routes if route.id == "research")
    numbers = [int(name.split("/")[1].split("_")[0]) for name in route.chapters]
    assert numbers == [1, 6, 2, 7, 4, 8, 9, 3, 5]


def test_what_helps_is_what_the_source_says_and_is_no_need():
    course = load_map()
    for number, helped in ((1, (2, 3, 8, 9)), (6, (7,))):
        helper = course.chapter(f"research/{number}")
        for other in helped:
            chapter = course.chapter(f"research/{other}")
            assert helper.id in chapter.helped_by
            assert helper not in course.chapter_needs(chapter)


def test_there_are_six_routes():
    names = {route.id for route in load_map().routes}
    assert names == {"sprint", "ladder", "research", "blended", "reinforcement", "backwards"}


def test_a_chapter_comes_after_all_that_it_needs():
    course = load_map()
    order = [chapter.id for chapter in course.in_order]
    for chapter in course.chapters:
        for need in course.chapter_needs(chapter):
            assert order.index(need.id) < order.index(chapter.id)


def test_a_chapter_is_taken_from_its_source_the_day_it_exists(small, write):
    before = load_map().chapter("research/1")
    assert (before.title, before.hours, before.stands) == ("Attention", 10, False)
    assert before.page is None and before.resource.url == "https://example.org/paper"
    write(
        small,
        "research/1_attention",
        (("mask", "The mask", "ladder/02#tensors", ("causal_mask",)),),
        needs="ladder/02_slopes",
        hours=3,
    )
    course = load_map()
    after = course.chapter("research/1")
    assert (after.title, after.hours, after.stands) == ("Attention", 3, True)
    assert after.resource is None and after.purpose == "models of language"
    (section,) = course.sections_of(after)
    assert section.page == "solutions/research/1_attention.html#the-mask"
    assert [need.id for need in course.needs(section)] == ["ladder/02_slopes#tensors"]


def test_a_source_under_another_name_answers_to_the_entry_with_its_number(small, write):
    write(small, "research/01_looking", (("mask", "The mask", "", ("causal_mask",)),))
    course = load_map()
    assert [chapter.id for chapter in course.chapters if chapter.part == "research"] == [
        "research/01_looking",
        "research/2_agents",
    ]
    agents = course.sections_of(course.chapter("research/2"))[0]
    assert [need.id for need in course.needs(agents)] == ["research/01_looking#mask"]


def test_a_chapter_without_declared_sections_is_one_section(course, courses):
    map_ = load_map()
    (whole,) = map_.sections_of(map_.chapter("ladder/01"))
    assert whole.is_whole and whole.minutes == 120
    assert whole.exercises == ("predict", "loss")


def test_a_section_has_the_exercises_between_its_heading_and_the_next(small):
    course = load_map()
    found = {section.id: section.exercises for section in course.sections}
    assert found["ladder/01_line#data"] == ()
    assert found["ladder/01_line#fit"] == ("predict", "loss")
    assert found["ladder/02_slopes#afterwards"] == ()


def test_a_section_with_longer_exercises_gets_more_of_the_hours(small):
    course = load_map()
    minutes = {section.id: section.minutes for section in course.sections}
    assert minutes["ladder/01_line#fit"] > minutes["ladder/01_line#slope"]
    assert minutes["ladder/01_line#slope"] > minutes["ladder/01_line#data"] > 0


def test_links_end_in_what_the_book_makes_of_a_heading():
    for chapter in load_map().chapters:
        if chapter.chapter is None:
            continue
        for heading in page_headings(chapter.chapter.source):
            if not set("$*`") & set(heading):
                assert anchor_of(heading) == default_slugify(heading)
                assert page_anchor(heading) == make_id(heading)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("How sure is 1.88?", "how-sure-is-1-88"),
        ("Somebody else's weights", "somebody-else-s-weights"),
        ("Why $\\sqrt{d}$, and *why* `softmax`", "why-sqrt-d-and-why-softmax"),
        ("Newton–Schulz, naïvely", "newtonschulz-naively"),
    ],
)
def test_a_link_to_a_page_ends_in_the_id_of_its_heading(heading, anchor):
    assert page_anchor(heading) == anchor


def test_the_index_of_terms_leads_to_headings_of_the_pages():
    course = load_map()
    terms = read_terms(course_root())
    assert len(terms) > 100
    for term in terms:
        for place in term.places:
            source = course.chapter(place.chapter_id).chapter.source
            anchors = {anchor_of(heading) for heading in page_headings(source)}
            assert not place.anchor or place.anchor in anchors, term


def test_the_data_for_pages_is_json_under_full_ids(small):
    data = course_data()
    assert json.loads(json.dumps(data)) == data
    chapters = {chapter["id"]: chapter for chapter in data["chapters"]}
    sections = {section["id"]: section for section in data["sections"]}
    assert chapters["research/1_attention"]["needs"] == ["ladder/02_slopes#backward"]
    assert chapters["research/1_attention"]["needs_chapters"] == ["ladder/02_slopes"]
    assert chapters["ladder/01_line"]["page"] == "solutions/ladder/01_line.html"
    backward = sections["ladder/02_slopes#backward"]
    assert backward["needs"] == ["ladder/02_slopes#tensors", "ladder/01_line#slope"]
    assert backward["anchor"] == "backwards" and backward["for"] == "what backward is for"
    assert data["routes"][0]["hours"] == {"research/1_attention": 2}


def test_every_id_in_the_data_of_the_course_is_in_it():
    data = course_data()
    chapters = {chapter["id"] for chapter in data["chapters"]}
    known = chapters | {section["id"] for section in data["sections"]}
    for one in (*data["chapters"], *data["sections"]):
        assert set(one["needs"]) <= known
    for chapter in data["chapters"]:
        assert set(chapter["helped_by"]) | set(chapter["needs_chapters"]) <= chapters
        assert chapter["page"] is None or Path(chapter["page"]).suffix == ".html"
    for route in data["routes"]:
        assert set(route["chapters"]) <= chapters
