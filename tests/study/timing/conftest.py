"""A record of a learner's own, and a computer's time that the test sets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from descent.study.store import ProgressStore


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
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is Berlin's, where summer time begins on 29 March 2026."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def hand(zone: None, monkeypatch: pytest.MonkeyPatch) -> Hand:
    """The hand on the clock, at 10:00 on a Monday."""
    hand = Hand(monkeypatch)
    hand.to("2026-03-02 10:00")
    return hand


@pytest.fixture
def store(course: Path, tmp_path: Path) -> ProgressStore:
    """An empty record, of a course of three chapters."""
    return ProgressStore(tmp_path / "home" / "progress.sqlite3")
