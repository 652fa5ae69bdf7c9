"""The built book, for the tests that read its pages as files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def strict_build() -> subprocess.CompletedProcess[str]:
    """Return the finished strict build: its exit status and everything it said."""
    command = [sys.executable, str(ROOT / "tests" / "book" / "strict_build.py")]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.fixture(scope="session")
def html(strict_build: subprocess.CompletedProcess[str]) -> Path:
    """Return the folder of the built pages, whether or not the build had warnings."""
    return ROOT / "_build" / "strict" / "_build" / "html"
