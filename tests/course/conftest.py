"""The whole course: every chapter that has a source."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def separate_records(tmp_path, monkeypatch) -> None:
    """Keep the results of these runs out of everybody's progress."""
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path))
