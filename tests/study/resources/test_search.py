"""Finding a resource: by words in any field, kind, level, hours and chapter."""

from __future__ import annotations

import pytest

from descent.study.resources import ResourceError, find_resources


def ids(library, *arguments, **asked):
    return [resource.id for resource in find_resources(library, *arguments, **asked)]


def test_without_a_question_all_come_in_their_order(library):
    assert ids(library) == ["first_book", "short_talk", "a_tool"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("gorner", ["first_book"]),
        ("GÖRNER network", ["first_book"]),
        ("net", ["first_book"]),
        ("work", []),
        ("twice", ["short_talk"]),
        ("the list", ["first_book", "a_tool"]),
        ("rung 13", ["short_talk"]),
        ("transformer", ["short_talk"]),
        ("?", ["first_book", "short_talk", "a_tool"]),
    ],
)
def test_each_word_begins_a_word_of_some_field(library, words, found):
    assert ids(library, words) == found


def test_a_title_with_the_words_comes_before_a_text_with_them(library):
    assert ids(library, "talk") == ["short_talk"]
    assert ids(library, "book") == ["first_book", "short_talk"]
    assert ids(library, "a") == ["short_talk", "a_tool", "first_book"]


def test_filters_hold_together(library):
    assert ids(library, kind="book") == ["first_book"]
    assert ids(library, level="from-zero") == ids(library, level="from zero") == ["first_book"]
    assert ids(library, kind="book", level="basics") == []


def test_hours_are_the_most_it_may_take_and_leave_out_what_has_none(library):
    assert ids(library, hours=0.75) == ["short_talk"]
    assert ids(library, hours=100) == ["first_book", "short_talk"]


@pytest.mark.parametrize(
    "name",
    ["13", "rung 13", "ladder/13", "ladder/13_causal_transformer", "causal_transformer"],
)
def test_a_chapter_is_found_by_its_names(library, name):
    assert ids(library, chapter=name) == ["short_talk"]


def test_a_chapter_not_written_yet_and_a_whole_part_are_found(library):
    assert ids(library, chapter="R7") == ids(library, chapter="research/7") == ["first_book"]
    assert ids(library, chapter="ladder") == ["first_book", "short_talk"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "film"}, "There is no kind 'film'. There are: book, course"),
        ({"level": "hard"}, "There is no level 'hard'. There are: from zero, basics, advanced."),
        ({"hours": 0.0}, "Give a number above zero"),
        ({"hours": float("nan")}, "Give a number above zero"),
        ({"chapter": "R3"}, "No resource enters the course at 'R3'. They enter at: 1, 13, R7."),
        ({"chapter": ""}, "They enter at"),
    ],
)
def test_what_does_not_exist_is_said_with_what_does(library, asked, words):
    with pytest.raises(ResourceError) as caught:
        find_resources(library, **asked)
    assert words in str(caught.value)
