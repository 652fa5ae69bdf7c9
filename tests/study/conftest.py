"""A small course and a home of its own for each test."""

from __future__ import annotations

import importlib.util
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
