"""A small course with a built book, and a real server for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from descent.serving.book import source_hash


@pytest.fixture(scope="session")
def small_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a course of no chapters whose book is two pages, built already."""
    root = tmp_path_factory.mktemp("course")
    (root / "solutions").mkdir()
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
    course = {"DESCENT_COURSE": str(small_course), "DESCENT_NO_BROWSER": "1"}
    return {**os.environ, **folders, **course, "PYTHONUNBUFFERED": "1"}


class Served:
    """A running ``make start``: what it printed, and the two addresses found in it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            self.printed += line
            if "lab?token=" in line:
                break
        found = re.search(r"(http://127\.0\.0\.1:(\d+)/)lab\?token=(\w+)", self.printed)
        assert found, self.printed
        self.url, self.port, self.token = found[1], int(found[2]), found[3]


@pytest.fixture(scope="session")
def start_course(start_environment: dict[str, str]) -> Iterator[Callable[[Path, int], Served]]:
    """Return a function that starts a course on a port; what it started ends with the tests."""
    started: list[subprocess.Popen[str]] = []

    def start(root: Path, port: int) -> Served:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "descent.serving", "--port", str(port)],
                cwd=root,
                env={**start_environment, "DESCENT_COURSE": str(root)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return Served(started[-1])

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture(scope="session")
def served(small_course: Path, start_course: Callable[[Path, int], Served]) -> Served:
    """Return the running small course."""
    return start_course(small_course, 9470)
