"""A small book with the planner's page, built by the real thing, of a course made up for it."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from descent.authoring.course_map import course_map
from descent.serving.book import build_book, html_folder

ROOT = Path(__file__).resolve().parents[3]
ONE, TWO, THREE = "ladder/01_one", "ladder/02_two", "ladder/03_three"
FIRST, GOAL = "foundations/1_first", "research/1_goal"
TOC = """\
format: jb-book
root: book/index
parts:
  - caption: All
    chapters:
      - file: book/plan
"""


def chapter(place: int, name: str, mark: str, title: str, **fields: Any) -> dict[str, Any]:
    """Return a chapter as the planner's page is told of it; ten hours unless something is said."""
    stands = name.startswith("ladder")
    made = {
        "id": name,
        "mark": mark,
        "title": title,
        "part": name.partition("/")[0],
        "hours": 10.0,
        "order": place,
        "stands": stands,
        "needs": [],
        "helped_by": [],
        "purpose": f"what comes after {title}",
        "teaches": [],
        "exercises": [],
        "page": f"solutions/{name}.html" if stands else None,
        "resource": None,
    }
    made |= fields
    return made | {"needs_chapters": [need.partition("#")[0] for need in made["needs"]]}


def section(name: str, heading: str, needs: list[str], exercises: list[str]) -> dict[str, Any]:
    """Return a section of two hours."""
    return {
        "id": name,
        "chapter": name.partition("#")[0],
        "heading": heading,
        "anchor": heading.lower().replace(" ", "-"),
        "for": f"{heading} is used later",
        "needs": needs,
        "minutes": 120.0,
        "exercises": exercises,
    }


FORMER = {"ladder/07_pair": TWO, f"{TWO}/incline": f"{TWO}/slope"}
BOOK = {"title": "A big book", "url": "https://e.org/b", "read": "chapter 1", "skip": "the rest"}
COURSE = {
    "chapters": [
        chapter(0, ONE, "1", "One weight", hours=2.0, exercises=["fit"]),
        chapter(1, TWO, "2", "Two weights", hours=6.0, needs=[ONE], teaches=["broadcasting"]),
        chapter(2, THREE, "3", "Three weights", needs=[TWO]),
        chapter(
            4, GOAL, "R1", "The goal", needs=[f"{TWO}#slope"], helped_by=[FIRST], resource=BOOK
        ),
        chapter(3, FIRST, "F1", "First things", resource={**BOOK, "url": None}),
    ],
    "sections": [
        section(f"{TWO}#shape", "The shape", [ONE], ["shape"]),
        section(f"{TWO}#slope", "The slope", [f"{TWO}#shape"], ["slope", "step"]),
        section(f"{TWO}#aside", "An aside", [f"{TWO}#shape"], ["aside"]),
    ],
    "routes": [
        {
            "id": "short",
            "title": "The short route",
            "for": "you are in a hurry",
            "from": "somewhere",
            "chapters": [ONE, GOAL],
            "hours": {GOAL: 3.0},
            "stops": [{"after": ONE, "with": "a line"}],
        },
        {"id": "backwards", "title": "Backwards", "for": "you know", "from": "", "chapters": [],
         "hours": {}, "stops": []},
    ],
}  # fmt: skip


def write_course(root: Path) -> None:
    """Write the sources of the small book: the real page, style and scripts, and this course."""
    for folder in ("assets", "templates"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    for name in ("_config.yml", "book/plan.md", "book/references.bib"):
        shutil.copy(ROOT / name, root / name)
    data = f"window.DESCENT_COURSE = {json.dumps(COURSE)};\n"
    former = f"window.DESCENT_FORMER_IDS = {json.dumps(FORMER)};\n"
    (root / "book" / "assets" / "course-data.js").write_text(data, "utf-8")
    (root / "book" / "assets" / "former-ids.js").write_text(former, "utf-8")
    (root / "book" / "course-map.html").write_text(course_map(COURSE["chapters"]), "utf-8")
    (root / "book" / "index.md").write_text("# Descent\n\nA small book.\n", "utf-8")
    (root / "_toc.yml").write_text(TOC, "utf-8")


@pytest.fixture(scope="session")
def build_small_book(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that builds the small book the first time it is called."""

    @functools.cache
    def build() -> Path:
        root = tmp_path_factory.mktemp("planned")
        write_course(root)
        built = build_book(root)
        assert built.strict, (root / "_build" / "book.log").read_text("utf-8")
        return html_folder(root)

    return build


@pytest.fixture(scope="module")
def plan_page(browser: Browser, build_small_book: Callable[[], Path]) -> str:
    """Return the address of the planner's page; without a browser it is not built."""
    return (build_small_book() / "book" / "plan.html").as_uri()
