"""Following a run in a terminal."""

from __future__ import annotations

from descent.runs.folder import RunFolder
from descent.runs.watching.look import Look, closing_words, follow, look_at


def watch_in_terminal(folder: RunFolder) -> Look:
    """Show a progress bar, the latest numbers and the log until the run has ended.

    Ctrl-C ends the watching, not the run.
    """
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    console = Console()
    look = look_at(folder)
    try:
        with Live(console=console, refresh_per_second=4, transient=True) as live:
            for look in follow(folder):
                head = Table.grid(padding=(0, 1))
                bar = ProgressBar(total=look.steps, completed=look.step, width=40)
                head.add_row(folder.id, bar, f"{look.state}, step {look.step} of {look.steps}")
                log = Text("\n".join(look.log), style="dim")
                live.update(Group(head, Text(look.words), log))
    except KeyboardInterrupt:
        print(f"{folder.id} goes on. To stop it: descent runs stop {folder.id}")
        return look
    print(closing_words(folder, look))
    return look
