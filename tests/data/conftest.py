"""A cache of its own for every test, and no memory of earlier failures."""

from __future__ import annotations

import pytest

from descent.data import fetch, offline


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DESCENT_DATA", raising=False)
    monkeypatch.delenv("DESCENT_OFFLINE", raising=False)
    monkeypatch.setattr(fetch, "_failures", {})
    monkeypatch.setattr(offline, "_warned_about", set())
