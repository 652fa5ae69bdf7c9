"""The page of resources: made from the file, checked fresh, readable as it stands."""

from __future__ import annotations

import pytest
import yaml

from descent.authoring import AuthoringError, build_chapters, stale_files

RESOURCES = """\
seeds:
  "000": {title: the list, kind: post}
  "001": {title: the plan, kind: post}
uses: {start: To begin, tools: Tools}
resources:
  - id: first_book
    title: First [Book]
    author: Ann
    kind: book
    level: from zero
    hours: 20
    use: start
    best_for: a first_network*
    skip: chapter 4
    skip_from: "000"
    chapters: [toys/01_one_weight, research/7_alignment]
    said:
      "000": Clear.
      "001": Begin here.
    url: https://example.org/book
    url_from: seed
"""
DEAD = """\
    dead: 2026-01-02
    archive: https://web.archive.org/web/2020*/https://example.org/book
"""


@pytest.fixture
def listed(course):
    course.write("book/resources.yml", RESOURCES)
    return course


def build(course):
    return build_chapters(course.root, execute=False, report=lambda line: None)


def page(course) -> str:
    return (course.root / "book" / "resources.md").read_text(encoding="utf-8")


def test_a_course_without_resources_has_no_page_of_them(course):
    build(course)
    assert not (course.root / "book" / "resources.md").exists()


def test_the_page_is_listed_among_what_is_looked_up(listed):
    build(listed)
    toc = yaml.safe_load((listed.root / "_toc.yml").read_text(encoding="utf-8"))
    assert [c["file"] for c in toc["parts"][-1]["chapters"]] == [
        "book/resources",
        "book/terms",
        "book/bibliography",
    ]


def test_an_entry_says_all_that_is_known(listed):
    build(listed)
    text = page(listed)
    assert "the list and the plan.\nThey send their readers to 1 books" in text
    assert (
        "## To begin\n\n::::{div} resource on-one-weight on-alignment\n:name: first_book\n" in text
        and "## Tools" not in text
    )
    for part in (
        "[**First \\[Book\\]**](<https://example.org/book>), Ann\n",
        "[book]{.kind} · [from zero]{.level} · [about 20 h]{.hours .minutes-1200}\n",
        "**Best for** a first\\_network\\*.\n",
        "**Skip** chapter 4 (after the list).\n",
        "- *The list:* Clear.\n- *The plan:* Begin here.\n",
    ):
        assert part in text


def test_a_chapter_that_stands_is_a_link_and_another_a_name(listed):
    build(listed)
    link = "[Toys 1](../solutions/toys/01_one_weight.ipynb)"
    assert f"[Enters at {link}, Research 7]{{.chapters}}" in page(listed)
    assert 'data-chapters="[&quot;Research 7&quot;, &quot;Toys 1&quot;]"' in page(listed)


def test_a_dead_address_gives_way_to_its_archive(listed):
    listed.write("book/resources.yml", RESOURCES + DEAD)
    build(listed)
    archive = "https://web.archive.org/web/2020*/https://example.org/book"
    assert (
        f"**First \\[Book\\]** ([archive](<{archive}>); its own address was gone on 2026-01-02)"
        in page(listed)
    )


def test_a_page_changed_by_hand_is_stale(listed):
    build(listed)
    assert stale_files(listed.root) == [
        line for line in stale_files(listed.root) if "resources" not in line
    ]
    listed.write("book/resources.md", "mine\n")
    assert any(line.startswith("book/resources.md ") for line in stale_files(listed.root))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: book", "kind: film", "book/resources.yml: first_book: 'kind' is 'film'"),
        ("01_one_weight", "01_two_weights", "toys/01_two_weights is called toys/01_one_weight"),
    ],
)
def test_a_mistake_is_an_authors_mistake_and_the_other_lists_are_checked(listed, old, new, words):
    listed.write("book/resources.yml", RESOURCES.replace(old, new))
    with pytest.raises(AuthoringError) as caught:
        build(listed)
    assert words in str(caught.value)
    assert any(words in line for line in stale_files(listed.root))
