"""What pages without a kernel are given: the script of the course, and its map."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from descent.authoring import AuthoringError, build_chapters, stale_files
from descent.authoring.course_map import course_map

CURRICULUM = """\
toys/01_one_weight:
  for: "lines"
toys/2_two_weights:
  title: "Two <weights>"
  hours: 4
  needs: [toys/01]
  helped_by: [toys/03_more]
  for: "planes"
  resource: {title: "A book", url: null, read: "all of it", skip: "nothing"}
"""


def build(course):
    return build_chapters(course.root, execute=False, report=lambda line: None)


def told(course) -> dict:
    """Return what the script tells a page."""
    script = (course.root / "book" / "assets" / "course-data.js").read_text(encoding="utf-8")
    found = re.fullmatch(r"// .*\nwindow\.DESCENT_COURSE = (\{.*\});\n", script, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_script_has_chapters_and_cards(course):
    build(course)
    data = told(course)
    (chapter,) = data["chapters"]
    assert chapter["id"] == "toys/01_one_weight"
    assert chapter["page"] == "solutions/toys/01_one_weight.html"
    assert data["cards"][0]["chapter"] == chapter["id"]
    assert "\\(w\\)" in data["cards"][0]["q_html"]
    assert "Nielsen, 2015" in data["cards"][0]["a_html"]


def test_unwritten_chapters_come_from_the_curriculum(course):
    course.write("book/curriculum.yml", CURRICULUM)
    build(course)
    first, second = told(course)["chapters"]
    assert (first["purpose"], first["stands"]) == ("lines", True)
    assert (second["needs"], second["stands"], second["page"]) == ([first["id"]], False, None)
    assert second["resource"]["title"] == "A book"


def test_a_changed_curriculum_makes_the_script_stale(course):
    build(course)
    course.write("book/curriculum.yml", CURRICULUM)
    stale = [line.partition(" ")[0] for line in stale_files(course.root)]
    assert "book/assets/course-data.js" in stale


def test_a_slip_in_the_curriculum_is_the_authors_and_names_the_place(course):
    course.write("book/curriculum.yml", "toys/01_one_weight: {to: nothing}\n")
    with pytest.raises(AuthoringError, match=r"curriculum\.yml: toys/01_one_weight"):
        build(course)


def test_no_text_of_a_card_can_end_the_script(course):
    course.edit(course.source, 'q: "What is $w$?"', 'q: "What is `</script>`?"')
    build(course)
    script = (course.root / "book" / "assets" / "course-data.js").read_text(encoding="utf-8")
    assert "</script>" not in script
    assert told(course)["cards"][0]["q"] == "What is `</script>`?"


def test_the_map_is_made_for_a_course_with_the_planners_page(course):
    course.write("book/curriculum.yml", CURRICULUM)
    build(course)
    drawn = course.root / "book" / "course-map.html"
    assert not drawn.exists()
    course.write("book/plan.md", "# Your way\n")
    build(course)
    assert drawn.read_text(encoding="utf-8") == course_map(told(course)["chapters"])


def test_the_map_and_its_list_have_the_same_links(course):
    course.write("book/curriculum.yml", CURRICULUM)
    build(course)
    html = course_map(told(course)["chapters"])
    drawing, _, listed = html.partition("</svg>\n<details")
    drawn = re.findall(r'<a class="stop[^"]*" href="([^"]*)" data-chapter="([^"]*)"', drawing)
    assert drawn == [
        ("../solutions/toys/01_one_weight.html", "toys/01_one_weight"),
        ("#map-toys/2_two_weights", "toys/2_two_weights"),
    ]
    assert re.findall(r'<a href="([^"]*)" data-chapter="([^"]*)"', listed) == drawn
    assert "Two &lt;weights&gt;" in listed
    assert "4 hours. Needs Toys 1. Not written yet." in listed


def test_new_pages_are_listed_when_their_files_are_there(course):
    build(course)
    course.write("book/resources.md", "# Resources\n")
    course.write("book/plan.md", "# Your way\n")
    build(course)
    toc = yaml.safe_load((course.root / "_toc.yml").read_text(encoding="utf-8"))
    parts = {p["caption"]: [c["file"] for c in p["chapters"]] for p in toc["parts"]}
    assert parts["Your way"] == ["book/plan"]
    assert parts["To look things up"] == ["book/resources", "book/terms", "book/bibliography"]
