"""The ``descent`` command: a thin layer over the rooms below, each imported when it is needed.

``app`` is the command; each of the other files adds what belongs to one occasion.
"""

from __future__ import annotations

import sys

from descent.cli import (
    authoring,
    learning,
    plan,
    predictions,
    record,
    resources,
    review,
    running,
    sprint,
    time,
    written,
)
from descent.cli.app import app
from descent.errors import CourseError

__all__ = [
    "app",
    "authoring",
    "learning",
    "main",
    "plan",
    "predictions",
    "record",
    "resources",
    "review",
    "running",
    "sprint",
    "time",
    "written",
]


def main() -> None:
    """Run the command; what goes wrong in a way that was foreseen is one line, no traceback."""
    try:
        app()
    except CourseError as error:
        print(f"descent: {error}", file=sys.stderr)
        sys.exit(1)
