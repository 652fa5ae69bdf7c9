"""A record of a learner's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from descent.study.store import ProgressStore


@pytest.fixture
def store(course: Path, tmp_path: Path) -> ProgressStore:
    """An empty record, of a course of three chapters."""
    return ProgressStore(tmp_path / "home" / "progress.sqlite3")
