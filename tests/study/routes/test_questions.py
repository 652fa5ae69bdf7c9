"""What now, what for, and what supplies what somebody is stuck on."""

from __future__ import annotations

import pytest

from descent.errors import CourseError
from descent.study.events import new_event
from descent.study.paths import course_root
from descent.study.routes import load_map
from descent.study.routes.names import find_anything, find_goal, find_route
from descent.study.routes.questions import purpose, startable, supplies
from descent.study.routes.standing import standings
from descent.study.routes.terms import read_terms


def find(name, here=None):
    course = load_map()
    return course, find_anything(course, read_terms(course_root()), name, here)


def ready(*events, known=()):
    course = load_map()
    found = startable(course, standings(course, events, known))
    return {one.chapter.id: ([s.heading for s in one.sections], one.begun) for one in found}


def test_a_beginner_can_start_what_needs_nothing(small):
    assert ready() == {"ladder/01_line": (["The data"], False)}


def test_what_was_begun_comes_first_and_what_opens_by_it_follows(small):
    known = ["ladder/01_line#data", "ladder/01_line#fit"]
    found = ready(new_event("start", "ladder/02_slopes", ""), known=known)
    assert list(found) == ["ladder/02_slopes", "ladder/01_line"]
    assert found["ladder/02_slopes"] == (["Tensors"], True)
    assert found["ladder/01_line"] == (["Which way is down?", "A look aside"], False)


def test_every_section_that_can_be_started_has_all_its_needs_done():
    course = load_map()
    standing = standings(course, (), known=["ladder/01", "ladder/02", "foundations/1"])
    for item in startable(course, standing):
        for section in item.sections:
            assert all(standing[need.id].state == "done" for need in course.needs(section))


def test_a_section_tells_what_needs_it_and_what_needs_that(small):
    course, found = find("slope")
    answer = purpose(course, found.sections)
    assert [section.id for section in answer.direct] == ["ladder/02_slopes#backward"]
    assert [chapter.id for chapter in answer.further] == [
        "research/1_attention",
        "research/2_agents",
    ]


def test_a_chapter_tells_what_it_makes_easier(small):
    course, found = find("02")
    assert [one.id for one in purpose(course, found.sections).helped] == ["research/2_agents"]


def test_the_last_chapter_is_an_end_in_itself(small):
    course, found = find("research/2")
    answer = purpose(course, found.sections)
    assert not (answer.direct or answer.further or answer.helped)


def test_who_is_stuck_is_sent_to_the_nearest_sections_first(small):
    course, found = find("gradients")
    assert [(one.section.id, one.distance) for one in supplies(course, found.sections)] == [
        ("ladder/02_slopes#backward", 0),
        ("ladder/02_slopes#tensors", 1),
        ("ladder/01_line#slope", 1),
        ("ladder/01_line#fit", 2),
        ("ladder/01_line#data", 2),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "page"),
    [
        ("ladder/01", "chapter", "solutions/ladder/01_line.html#the-data"),
        ("01#slope", "section", "solutions/ladder/01_line.html#which-way-is-down"),
        ("bonus", "exercise", "solutions/ladder/01_line.html#a-look-aside"),
        ("ladder/01#bonus", "exercise", "solutions/ladder/01_line.html#a-look-aside"),
        ("slopes", "chapter", "solutions/ladder/02_slopes.html#tensors"),
        ("Gradients", "word", "solutions/ladder/01_line.html#which-way-is-down"),
        ("induction head", "word", None),
    ],
)
def test_names_mean_chapters_sections_exercises_and_words(small, name, kind, page):
    _, found = find(name)
    assert (found.kind, found.places[0].page) == (kind, page)


def test_an_exercise_in_many_chapters_is_the_one_of_the_chapter_the_learner_is_in(small, write):
    for number in range(3, 8):
        write(small, f"ladder/0{number}_more{number}", (("one", "One", "", ("train",)),))
    with pytest.raises(CourseError, match="stands in several chapters.*ladder/03#train"):
        find("train")
    _, found = find("train", here="ladder/05_more5")
    assert [section.id for section in found.sections] == ["ladder/05_more5#one"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gradeint", "Near to it: .*gradient"),
        ("xyzzy", "no chapter, section, exercise or word"),
        ("ladder/01#nothing", "has no section 'nothing'. There are: data, fit, slope, extra"),
        ("research/1#mask", "planned as a whole"),
        ("", "Nothing here is called"),
    ],
)
def test_a_name_that_means_nothing_gets_near_names(small, name, says):
    with pytest.raises(CourseError, match=says):
        find(name)


@pytest.mark.parametrize("name", ["R1", "Research 1", "research/1", "attention", "research/01"])
def test_a_goal_is_found_like_a_chapter_whether_it_is_written_or_not(small, name):
    assert find_goal(load_map(), name).id == "research/1_attention"


def test_a_goal_or_a_route_that_is_not_there_gets_near_names(small):
    with pytest.raises(CourseError, match="Did you mean research/1_attention"):
        find_goal(load_map(), "reserch/1_atention")
    with pytest.raises(CourseError, match="There are: short, backwards"):
        find_route(load_map(), "long")
