"""The built book, for the tests that read its pages as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from descent.serving.book import Build, build_book, html_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def strict_build() -> Build:
    """Build the book strictly, unless what is there was made from the same sources."""
    (ROOT / "_build").mkdir(exist_ok=True)
    with FileLock(ROOT / "_build" / "tests.lock"):
        return build_book(ROOT)


@pytest.fixture(scope="session")
def html(strict_build: Build) -> Path:
    """Return the folder of the built pages, whether or not the build had warnings."""
    return html_folder(ROOT)
