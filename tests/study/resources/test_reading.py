"""Reading the file of resources: every mistake in it is named, with the resource it is in."""

from __future__ import annotations

import datetime

import pytest

from descent.errors import CourseError
from descent.study.resources import ResourceError, hours_text, read_library


def test_a_file_is_read_in_its_order(library):
    assert [resource.id for resource in library.resources] == ["first_book", "short_talk", "a_tool"]
    assert [resource.id for resource in library.named_by("001")] == ["first_book", "short_talk"]
    assert library.sources["000"].title == "the list"


def test_hours_say_whether_they_are_an_estimate(library):
    assert [hours_text(r) for r in library.resources] == ["about 20 h", "45 min", None]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: book", "kind: film", "first_book: 'kind' is 'film'; it must be one of: book, "),
        ("level: basics", "level: hard", "short_talk: 'level' is 'hard'"),
        ("use: tools", "use: toys", "a_tool: 'use' is 'toys'; it must be one of: start, tools"),
        ("url_from: known", "url_from: memory", "short_talk: 'url_from' is 'memory'"),
        ("hours: 20", "hours: soon", "first_book: 'hours' must be a number above zero"),
        ("hours: 20", "hours: 0", "first_book: 'hours' must be a number above zero"),
        ("hours_from: seed", "hours_from: me", "'hours_from' can only be 'seed'"),
        ('skip_from: "000"', 'skip_from: "009"', "'skip_from' must be one of the documents"),
        ('"001": Watch', '"009": Watch', "short_talk: 'said' names '009'; the documents are"),
        ('"001": Watch', "1: Watch", "short_talk: 'said' names 1; the documents are"),
        ("[ladder/13_causal_transformer]", "[rung 13]", "must be a list of chapter ids"),
        ("url: https://example.org/tool", "url: example.org", "a_tool: 'url' must be an address"),
        ("title: A Tool", "title: ''", "a_tool: 'title' must be a text that is not empty"),
        ("    author: Bob\n", "", "a_tool: 'author' is missing."),
        ("author: Bob", "writer: Bob", "a_tool: 'writer' is not a field of a resource."),
        ("id: a_tool", "id: A-Tool", "an id has small letters"),
        ("id: a_tool", "id: short_talk", "two resources are called short_talk"),
        ("  - id: a_tool\n    title", "  - title", "resource 3 has no id"),
        ("author: Bob", "author: Bob\n    dead: 2026-01-02", "'dead' and 'archive' go together"),
        ("uses:", "groups:", "has the fields 'seeds', 'uses' and 'resources'"),
        ("resources:\n", "resources: [\n", "is not YAML"),
    ],
)
def test_a_mistake_is_named(file, old, new, words):
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ResourceError) as caught:
        read_library(file, "book/resources.yml")
    assert str(caught.value).startswith("book/resources.yml: ") and words in str(caught.value)


def test_all_mistakes_are_named_at_once(file):
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("kind: book", "kind: film").replace("use: tools", "use: toys"))
    with pytest.raises(ResourceError) as caught:
        read_library(file)
    assert len(caught.value.problems) == 2


def test_a_missing_file_is_an_error_of_the_course(tmp_path):
    with pytest.raises(CourseError, match="cannot be read"):
        read_library(tmp_path / "resources.yml")


def test_a_dead_address_has_a_day_and_an_archive(file):
    text = file.read_text(encoding="utf-8")
    marks = "    dead: 2026-01-02\n    archive: https://web.archive.org/web/2020*/https://a.org\n"
    file.write_text(text + marks, encoding="utf-8")
    tool = read_library(file).resources[-1]
    assert tool.dead == datetime.date(2026, 1, 2) and tool.archive.endswith("*/https://a.org")
