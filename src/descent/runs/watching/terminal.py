"""Following a run in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from descent.runs.folder import RunFolder
from descent.runs.watching.look import Look, closing_words, follow, look_at

if TYPE_CHECKING:
    from rich.console import RenderableType


def watch_in_terminal(folder: RunFolder) -> Look:
    """Show a progress bar, the latest numbers and the log until the run has ended.

    Ctrl-C ends the watching, not the run.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console()
    look = look_at(folder)
    try:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            for look in follow(folder):
                live.update(_shown(folder, look))
    except KeyboardInterrupt:
        print(f"{folder.id} goes on. To stop it: descent runs stop {folder.id}")
        return look
    print(closing_words(folder, look))
    return look


def _shown(folder: RunFolder, look: Look) -> RenderableType:
    """Put name and state on a line of their own, and the bar below: together they do not fit."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    head = Text(f"{folder.id}  {look.state}, {look.progress}")
    bar = ProgressBar(total=look.steps, completed=look.step, width=60)
    return Group(head, bar, Text(look.words), Text("\n".join(look.log), style="dim"))
