"""The real plan, a small course, and a record of a learner's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from descent.study.sprint.plan import Plan, load_plan
from descent.study.store import ProgressStore

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def plan(course: Path) -> Plan:
    """The plan of the course, which stands in the small course too."""
    (course / "book").mkdir()
    for name in ("sprint.yml", "sprint-log.yml"):
        shutil.copy(ROOT / "book" / name, course / "book" / name)
    return load_plan(course)


@pytest.fixture
def store(course: Path, tmp_path: Path) -> ProgressStore:
    """An empty record."""
    return ProgressStore(tmp_path / "home" / "progress.sqlite3")
