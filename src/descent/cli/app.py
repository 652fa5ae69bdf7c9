"""The command itself, to which every file here adds its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Descent: a deep-learning course you fill in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LEARN = "Work through the chapters"
WAY = "Find your way"
REMEMBER = "Remember, predict, explain"
TIME = "Time and record"
TRAIN = "Train for real"
AUTHORS = "Write chapters"
"""What the help of the command is grouped by."""

ChapterName = Annotated[
    str, typer.Argument(help="A chapter: 3, R3, ladder/03, or its name.", show_default=False)
]


def short_path(path: Path) -> str:
    """Write a path from the current folder on, where it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
