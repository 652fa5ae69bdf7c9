"""A small course, a home of its own for each test, and a time that the test sets."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def courses() -> ModuleType:
    """The helpers that write small courses."""
    spec = importlib.util.spec_from_file_location("courses", Path(__file__).with_name("courses.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty course, with an empty home beside it."""
    folder = tmp_path / "course"
    (folder / "solutions").mkdir(parents=True)
    monkeypatch.setenv("DESCENT_COURSE", str(folder))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DESCENT_WORK", raising=False)
    return folder


@pytest.fixture
def course(root: Path, courses: ModuleType) -> Path:
    """A course of three chapters, the later ones needing the first."""
    courses.write_chapter(root, "ladder/01_scalar_regression")
    courses.write_chapter(root, "ladder/02_autograd", ("descend",), "ladder/01_scalar_regression")
    courses.write_chapter(root, "research/1_transformers", ("mask",), "ladder/02_autograd")
    return root


class Hand:
    """Sets the time that the course sees."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "time", lambda: self.now)

    def to(self, text: str) -> float:
        """Set the local time: ``2026-03-02 10:05``."""
        self.now = datetime.fromisoformat(text).timestamp()
        return self.now

    def on(self, minutes: float) -> float:
        """Let minutes pass."""
        self.now += 60 * minutes
        return self.now


@pytest.fixture
def move_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the local time zone by its name; at first it is UTC."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    move("UTC")
    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def zone(move_to: Callable[[str], None]) -> None:
    """Local time is Berlin's, where summer time begins on 29 March 2026."""
    move_to("Europe/Berlin")


@pytest.fixture
def hand(zone: None, monkeypatch: pytest.MonkeyPatch) -> Hand:
    """The hand on the clock, at 10:00 on a Monday."""
    hand = Hand(monkeypatch)
    hand.to("2026-03-02 10:00")
    return hand
