"""The ``descent`` command: a thin layer over the rooms below, each imported when it is needed.

``app`` is the command; each of the other files adds what belongs to one occasion.
"""

from __future__ import annotations

import sys

# Whoever asks for help reads the groups in this order.
# isort: off
from descent.cli import (
    learning,
    plan,
    resources,
    review,
    predictions,
    written,
    time,
    sprint,
    record,
    running,
    authoring,
)

# isort: on
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
