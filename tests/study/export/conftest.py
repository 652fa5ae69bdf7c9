"""Two machines of one learner."""

from __future__ import annotations

from pathlib import Path

import pytest

from descent.study.store import ProgressStore

ONE = "ladder/01_scalar_regression"


@pytest.fixture
def store(course: Path) -> ProgressStore:
    """The record that the course uses by itself, with something of every kind in it."""
    store = ProgressStore()
    store.record_start(ONE)
    store.record_check(
        ONE,
        "predict",
        "not right yet",
        mistake="=SUM(A1) of \N{GREEK SMALL LETTER PI}",
        seconds=0.2,
    )
    store.record_hint(ONE, "predict")
    store.record_check(ONE, "predict", "correct")
    store.record("review", ONE, "slope", remembered=True, seconds=4.5, where="page")
    store.record("predict", ONE, "steps", value=3, sure=0.7)
    store.record("outcome", ONE, "steps", value=1)
    store.record("write", ONE, "why", text='Because,\n"as they say".')
    store.record("assess", ONE, "why", met=[0, 2])
    store.record("clock", ONE, "", action="begin", clock="a", step=0)
    store.record("plan", "", "", goal="research/7", hours=24)
    store.record("something later versions know", "", "", shape=[1, {"x": None}])
    return store


@pytest.fixture
def other(tmp_path: Path) -> ProgressStore:
    """The record of another machine, empty."""
    return ProgressStore(tmp_path / "elsewhere" / "progress.sqlite3")
