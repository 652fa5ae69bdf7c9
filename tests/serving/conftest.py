"""A small course with a built book, and a real server for it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from programs import Program

from descent.serving.addresses import free_port
from descent.serving.book import source_hash

CHAPTERS = {
    "ladder/01_one": ("One <weight> & no more", ""),
    "ladder/02_two": ("Two", "ladder/01_one"),
    "foundations/1_algebra": ("Algebra", "ladder/02_two"),
}
SOURCE = """\
    # ---
    # title: "{title}"
    # subtitle: What is built here
    # part: {part}
    # hours: 2
    # needs: [{needs}]
    # teaches: [something]
    # builds: something
    # number: zero
    # data: none
    # recall: [{{id: why, section: idea, q: "Why?", a: "Because."}}]
    # ---

    # %% exercise="predict"
    # %% exercise="loss"
"""


def write_chapter(root: Path, chapter: str, title: str, needs: str) -> None:
    """Write a chapter's source and its blank notebook."""
    part = chapter.partition("/")[0]
    source = root / "solutions" / f"{chapter}.py"
    source.parent.mkdir(parents=True, exist_ok=True)
    text = textwrap.dedent(SOURCE).format(title=title, part=part, needs=needs)
    source.write_text(text, "utf-8")
    notebook = root / "notebooks" / f"{chapter}.ipynb"
    notebook.parent.mkdir(parents=True, exist_ok=True)
    cell = nbformat.v4.new_markdown_cell(f"# {title}", id="opening")
    notebook.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=[cell])), "utf-8")


@pytest.fixture(scope="session")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a course of three chapters whose book is two pages, built already."""
    root = tmp_path_factory.mktemp("course")
    for chapter, (title, needs) in CHAPTERS.items():
        write_chapter(root, chapter, title, needs)
    (root / "secret.txt").write_text("the exam's answers", "utf-8")
    pages = root / "_build" / "html"
    (pages / "ladder").mkdir(parents=True)
    (pages / "index.html").write_text("<h1>Front page</h1>", "utf-8")
    (pages / "ladder" / "index.html").write_text("<h1>The ladder</h1>", "utf-8")
    stamp = {"sources": source_hash(root), "strict": True}
    (root / "_build" / "book.json").write_text(json.dumps(stamp), "utf-8")
    return root


@pytest.fixture(scope="session")
def start_environment(
    small_course: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return an environment in which Jupyter keeps to temporary folders."""
    own = tmp_path_factory.mktemp("jupyter")
    names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "DESCENT_HOME")
    folders = {name: str(own / name.lower()) for name in names}
    course = {
        "DESCENT_COURSE": str(small_course),
        "DESCENT_WORK": str(small_course / "work"),
        "DESCENT_NO_BROWSER": "1",
    }
    return {**os.environ, **folders, **course, "PYTHONUNBUFFERED": "1"}


class Served:
    """A running ``make start``, and the address and token found in what it printed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        found = program.wait_until_it_says(r"(http://127\.0\.0\.1:(\d+)/)lab\?token=(\w+)\n")
        self.url, self.port, self.token = found[1], int(found[2]), found[3]


@pytest.fixture(scope="session")
def start_course(
    start_environment: dict[str, str],
) -> Iterator[Callable[[Path, int], Served]]:
    """Return a function that starts a course on a port; what it started ends with the tests."""
    with contextlib.ExitStack() as started:

        def start(root: Path, port: int) -> Served:
            command = [sys.executable, "-m", "descent.serving", "--port", str(port)]
            own = {"DESCENT_COURSE": str(root), "DESCENT_WORK": str(root / "work")}
            environment = {**start_environment, **own}
            return Served(started.enter_context(Program(command, root, environment)))

        yield start


@pytest.fixture(scope="session")
def served(small_course: Path, start_course: Callable[[Path, int], Served]) -> Served:
    """Return the running small course."""
    return start_course(small_course, free_port(9470))
