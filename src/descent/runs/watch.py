"""Looking at runs, following one, and stopping it."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from descent.errors import CourseError
from descent.runs.folder import (
    FAILED,
    STOPPED,
    UNDER_WAY,
    RunFolder,
    all_runs,
    process_lives,
)
from descent.runs.torchrun import SAVING_SECONDS
from descent.training.loop import FINISHED
from descent.training.metrics import Line, last_step, latest

PAUSE = 0.5  # seconds between two looks


@dataclass(frozen=True)
class Look:
    """A run at one moment.

    Attributes
    ----------
    state, reason
        How it stands.
    steps
        How many it is to take.
    lines
        Its metrics so far.
    log
        The last lines its processes printed.
    """

    state: str
    reason: str
    steps: int
    lines: list[Line]
    log: list[str]

    @property
    def step(self) -> int:
        """How far it is."""
        return last_step(self.lines)

    @property
    def words(self) -> str:
        """The latest of each number, in words."""
        return "  ".join(f"{name} {value:.4g}" for name, value in latest(self.lines).items())


def look_at(folder: RunFolder, lines: int = 8) -> Look:
    """Return how a run stands now."""
    status = folder.status()  # first: numbers written before its end are then in the metrics
    steps = folder.settings().steps
    return Look(status.state, status.reason, steps, folder.metrics(), _tail(folder, lines))


def follow(folder: RunFolder) -> Iterator[Look]:
    """Yield looks at a run until it has ended; the last one is of its end."""
    while True:
        look = look_at(folder)
        yield look
        if look.state not in UNDER_WAY:
            return
        time.sleep(PAUSE)


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


def watch_in_notebook(folder: RunFolder) -> None:
    """Show a progress bar, the loss curve and the log in the cell until the run has ended.

    Interrupting the cell ends the watching, not the run.
    """
    from IPython.display import HTML, display

    from descent.figures import LivePlot

    handle = display(HTML(""), display_id=True)
    drawn = 0
    try:
        with LivePlot("step", "loss (nats)", every=1.0) as live:
            for look in follow(folder):
                handle.update(HTML(_as_html(folder, look)))
                for line in look.lines[drawn:]:
                    losses = {name: value for name, value in line.items() if name.endswith("loss")}
                    live.update(line["step"], **losses)
                drawn = len(look.lines)
    except KeyboardInterrupt:
        print(f"{folder.id} goes on. To stop it: descent runs stop {folder.id}")
        return
    print(closing_words(folder, look_at(folder)))


def closing_words(folder: RunFolder, look: Look) -> str:
    """Say how a run ended and what can be done next."""
    lines = [f"{folder.id}: {look.state} at step {look.step} of {look.steps}. {look.words}"]
    if look.reason:
        lines.append(look.reason)
    if look.state != FINISHED:
        lines.append(f"To continue it: descent runs resume {folder.id}")
    if folder.report.exists():
        lines.append(f"Its report: {folder.report}")
    return "\n".join(lines)


def listing() -> list[tuple[RunFolder, Look]]:
    """Return all runs and how they stand, the newest first."""
    return [(folder, look_at(folder, lines=0)) for folder in all_runs()]


def stop_run(folder: RunFolder, seconds: float = SAVING_SECONDS) -> Look:
    """Ask a run to stop, and wait until it has saved.

    Parameters
    ----------
    folder : RunFolder
    seconds : float
        How long to wait at most.

    Raises
    ------
    CourseError
        When it is not under way, or has not ended in this time.
    """
    if folder.status().state not in UNDER_WAY:
        raise CourseError(f"{folder.id} is {folder.status().state}: there is nothing to stop.")
    job = folder.read("launcher.json").get("job")
    if job and not folder.read("program.json"):  # still in the queue: nothing to save
        from descent.runs.slurm import cancel

        cancel(job)
        folder.note_status(STOPPED, "it was taken out of the cluster's queue")
        return look_at(folder)
    until = time.monotonic() + seconds
    asked = False
    while time.monotonic() < until:
        asked = asked or ask_to_stop(folder)  # it may still be starting
        look = look_at(folder)
        if look.state not in UNDER_WAY:
            return look
        time.sleep(PAUSE)
    raise CourseError(f"{folder.id} has not stopped in {seconds:g} s. It may be saving still.")


def ask_to_stop(folder: RunFolder) -> bool:
    """Ask the training program to save and end; return whether it was there to be asked."""
    if not program_lives(folder):
        return False
    if folder.read("program.json").get("host") != socket.gethostname():
        folder.stop_file.touch()  # it looks for this file every second
        return True
    return signal_program(folder)


def signal_program(folder: RunFolder) -> bool:
    """Send SIGTERM to the training program on this machine; return whether it was there."""
    if not program_lives(folder):
        return False
    os.kill(folder.read("program.json")["pid"], signal.SIGTERM)
    return True


def program_lives(folder: RunFolder) -> bool:
    """Say whether the training program's first process is there."""
    return process_lives(folder.read("program.json"))


def _tail(folder: RunFolder, lines: int) -> list[str]:
    if not lines or not folder.log.exists():
        return []
    with folder.log.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
        return log.read().decode(errors="replace").splitlines()[-lines:]


def _as_html(folder: RunFolder, look: Look) -> str:
    from html import escape

    done = 100 * look.step / max(1, look.steps)
    colour = "#D55E00" if look.state == FAILED else "#0072B2"
    name = escape(f"{folder.id}: {look.state}, step {look.step} of {look.steps}")
    log = escape("\n".join(look.log if look.state in (*UNDER_WAY, FAILED) else []))
    return (
        f'<div role="progressbar" aria-valuenow="{done:.0f}" aria-label="{name}"'
        ' style="background:#E5E7EB;border-radius:4px;max-width:40em">'
        f'<div style="width:{done:.1f}%;background:{colour};height:0.8em;border-radius:4px">'
        f"</div></div><div>{name}</div><div>{escape(look.words)}</div>"
        f'<pre style="font-size:85%;max-height:12em;overflow:auto">{log}</pre>'
    )
