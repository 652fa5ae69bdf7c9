"""A home folder of its own, and a notebook around the tool."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Give the learner an empty home folder."""
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def shell():
    """Let widgets be made and displayed."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
