"""The drawn map of the course: order, lines that cross no box, words that fit."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from descent.figures.course_map import Lane, Stop, draw_course_map
from descent.figures.course_map.graph import edges, rows
from descent.figures.course_map.routing import BOX, Plan, lay_out
from descent.study.parts import PARTS
from descent.study.routes import load_map

ASSETS = Path(__file__).resolve().parents[2] / "book" / "assets"
SVG = "{http://www.w3.org/2000/svg}"
LANES = [Lane("Foundations"), Lane("The ladder", ordered=True), Lane("Research")]


def stop(name: str, lane: int, needs: str = "", helps: str = "", title: str = "") -> Stop:
    return Stop(
        id=name,
        lane=lane,
        mark=name.upper(),
        title=title or f"Chapter {name}",
        needs=tuple(needs.split()),
        helps=tuple(helps.split()),
        hours="3 h",
        href=f"{name}.html",
        stands=True,
        says=f"Chapter {name}.",
    )


SMALL = [
    stop("f1", 0),
    stop("f2", 0, "f1 l2"),
    stop("l1", 1, helps="f1"),
    stop("l2", 1, "l1"),
    stop("l3", 1, "l1 l2"),
    stop("l4", 1, "l1"),
    stop("r1", 2, "l3 f2"),
    stop("r2", 2, "l1", "r1"),
]


def the_course() -> list[Stop]:
    """Every chapter of the course, as the book draws it."""
    parts = [part.name for part in PARTS]
    course = load_map()
    return [
        Stop(
            id=chapter.id,
            lane=parts.index(chapter.part),
            mark=chapter.mark,
            title=chapter.title,
            needs=tuple(one.id for one in course.chapter_needs(chapter)),
            helps=tuple(one.id for name in chapter.helped_by if (one := course.chapter(name))),
            hours=f"{chapter.hours:g} h",
            href="#",
            stands=chapter.stands,
            says=chapter.title,
        )
        for chapter in course.chapters
    ]


def lanes_of_the_course() -> list[Lane]:
    return [Lane(part.title, ordered=part.name == "ladder") for part in PARTS]


@pytest.fixture(scope="module", params=["small", "whole"])
def drawn(request: pytest.FixtureRequest) -> tuple[list[Stop], list[Lane], Plan]:
    stops, lanes = SMALL, LANES
    if request.param == "whole":
        stops, lanes = the_course(), lanes_of_the_course()
    return stops, lanes, lay_out(stops, lanes)


def test_a_chapter_stands_below_all_it_needs(drawn):
    stops, _, plan = drawn
    for one in stops:
        for need in one.needs:
            assert plan.boxes[need][1] + BOX[1] < plan.boxes[one.id][1], (need, one.id)


def test_the_rungs_stand_in_their_order():
    placed = rows(SMALL, LANES)
    assert placed["l1"] < placed["l2"] < placed["l3"] < placed["l4"]
    assert rows(SMALL, [Lane(lane.name) for lane in LANES])["l4"] == placed["l2"] + 1


def test_no_two_boxes_touch(drawn):
    _, _, plan = drawn
    for (x, y), (other_x, other_y) in combinations(plan.boxes.values(), 2):
        assert abs(x - other_x) > BOX[0] or abs(y - other_y) > BOX[1]


def test_no_line_crosses_a_box(drawn):
    _, _, plan = drawn
    for line in plan.lines:
        for (x0, y0), (x1, y1) in pairwise(line.points):
            for name, (x, y) in plan.boxes.items():
                inside = (
                    min(x0, x1) < x + BOX[0] - 0.1
                    and max(x0, x1) > x + 0.1
                    and min(y0, y1) < y + BOX[1] - 0.1
                    and max(y0, y1) > y + 0.1
                )
                assert not inside, (line.edge.before.id, line.edge.after.id, name)


def test_lines_of_different_chapters_lie_on_different_tracks(drawn):
    """Lines share an upright stretch when they leave one box, and only then."""
    _, _, plan = drawn
    upright = [
        (line.edge.before.id, x0, min(y0, y1), max(y0, y1))
        for line in plan.lines
        for (x0, y0), (x1, y1) in pairwise(line.points)
        if x0 == x1 and len(line.points) > 3 and (x0, y0) == line.points[1]
    ]
    for (name, x, low, high), (other, other_x, other_low, other_high) in combinations(upright, 2):
        if name != other and x == other_x:
            assert high < other_low or other_high < low, (name, other)


def test_a_need_that_a_chain_of_others_implies_is_not_drawn():
    drawn = {(edge.before.id, edge.after.id): edge.kind for edge in edges(SMALL)}
    assert ("l1", "l3") not in drawn
    assert drawn["l2", "l3"] == "needs"
    assert drawn["f1", "l1"] == "helps"


def test_rings_and_unknown_names_stop_no_drawing():
    ring = [stop("a", 0, "b"), stop("b", 0, "a nowhere"), stop("c", 0, "c", "nobody")]
    svg = ET.fromstring(draw_course_map([Lane("Ring")], ring, "Ring", "A ring."))
    assert len(svg.findall(f"{SVG}a")) == 3


def test_every_chapter_is_a_link_that_says_what_it_is():
    stops = [*SMALL, stop("x", 2, title='<b> & "c"')]
    svg = ET.fromstring(draw_course_map(LANES, stops, "The map", "What it shows."))
    links = {link.get("data-chapter"): link for link in svg.findall(f"{SVG}a")}
    assert list(links) == [one.id for one in stops]
    assert links["r1"].get("href") == "r1.html"
    assert links["r1"].get("aria-label") == "Chapter r1."
    words = "".join(links["x"].find(f"{SVG}text[@class='title']").itertext())
    assert words.replace(" ", "") == '<b>&"c"'
    named = svg.get("aria-labelledby").split()
    assert [svg.find(f"*[@id='{name}']").text for name in named] == ["The map", "What it shows."]


def test_the_same_course_is_drawn_the_same():
    assert draw_course_map(LANES, SMALL, "t", "d") == draw_course_map(LANES, SMALL, "t", "d")


OUTSIDE = """() => [...document.querySelectorAll("a.stop")].filter((stop) => {
  const box = stop.querySelector(".box").getBoundingClientRect();
  const words = [...stop.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
  const overlap = (a, b, room) => a.left < b.right && b.left < a.right
    && a.top < b.bottom - room && b.top < a.bottom - room;
  const [mark, hours, title] = words;
  const leaves = (text) => text.right > box.right - 2 || text.left < box.left
    || text.bottom > box.bottom;
  return words.some(leaves) || overlap(mark, hours, 2) || overlap(mark, title, 4);
}).map((stop) => stop.dataset.chapter)"""
HEADS_OVERLAP = """() => {
  const heads = [...document.querySelectorAll(".lane text")].map((text) =>
    text.getBoundingClientRect());
  return heads.some((a, i) => heads.slice(i + 1).some((b) => a.left < b.right && b.left < a.right));
}"""


def test_no_words_overlap_or_leave_their_box(open_page):
    stops, lanes = the_course(), lanes_of_the_course()
    style = (ASSETS / "descent.css").read_text() + (ASSETS / "plan.css").read_text()
    svg = draw_course_map(lanes, stops, "The map", "What it shows.")
    page = open_page(
        f"<style>{style}</style><div style='width: 900px'>{svg}</div>",
        html='data-theme="light"',
        viewport={"width": 940, "height": 700},
    )
    assert page.locator("a.stop").count() == len(stops)
    assert page.evaluate(OUTSIDE) == []
    assert not page.evaluate(HEADS_OVERLAP)
