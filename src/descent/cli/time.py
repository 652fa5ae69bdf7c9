"""Commands for the clock: begin, pause and stop it, and see what it has counted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import TIME, app

if TYPE_CHECKING:
    from descent.study.timing.clock import Clock

time_app = typer.Typer(
    help="The clock: begin, pause and stop it; see the hours of the week.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(time_app, name="time", rich_help_panel=TIME)

Watch = Annotated[bool, typer.Option("--watch", help="Stay, and show it going.")]


@time_app.command("begin")
def begin_(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="A chapter, or words: what it is for.", show_default=False),
    ] = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Stop the clock that is on, if one is.")
    ] = False,
    at: Annotated[str, typer.Option(help="When you began, if not now: 09:30.")] = "",
    watch: Watch = False,
) -> None:
    """Begin a clock; without a name, for the chapter you worked at last."""
    from descent.study.timing.aim import aim_of
    from descent.study.timing.setting import begin

    chapter, words = aim_of(" ".join(what or ()))
    _say(begin(chapter, words, switch=switch, at=at))
    if watch:
        _watch()


@time_app.command("pause")
def pause_() -> None:
    """Pause the clock that runs."""
    from descent.study.timing.setting import pause

    _say(pause())


@time_app.command("go-on")
def go_on_(watch: Watch = False) -> None:
    """Let the clock go on: a paused one, or the last one."""
    from descent.study.timing.setting import go_on

    _say(go_on())
    if watch:
        _watch()


@time_app.command("stop")
def stop_(
    at: Annotated[
        str, typer.Option(help="When you ended, if not now: 18:30. Also puts the last one right.")
    ] = "",
) -> None:
    """Stop the clock, or put the end of the last one right."""
    import time

    from descent.study.progress import minutes_text
    from descent.study.store import ProgressStore
    from descent.study.timing.moments import say_moment
    from descent.study.timing.names import clock_name
    from descent.study.timing.setting import stop
    from descent.study.timing.summary import advice, week_words
    from descent.study.timing.worked import time_worked

    clock, now = stop(at), time.time()
    print(
        f"Stopped: {minutes_text(clock.seconds / 60)} for {clock_name(clock)}, from "
        f"{say_moment(clock.begun, now)} to {say_moment(clock.last_sign, now)}."
    )
    for line in advice(clock):
        print(line)
    print(week_words(time_worked(ProgressStore().events(), now), now))


@time_app.command("now")
def now_(watch: Watch = False) -> None:
    """Say whether a clock runs, for what, and how much it has counted."""
    import time

    from descent.study.store import ProgressStore
    from descent.study.timing.setting import current_clock
    from descent.study.timing.summary import week_words
    from descent.study.timing.worked import time_worked

    clock = current_clock()
    _say(clock)
    print(week_words(time_worked(ProgressStore().events(), time.time()), time.time()))
    if watch and clock is not None and clock.is_on:
        _watch()


@time_app.command("log")
def log_(
    weeks: Annotated[int, typer.Option(min=1, help="How many weeks, this one included.")] = 4,
) -> None:
    """Show the clocks of some weeks, and the hours by week and by chapter."""
    import time

    from rich.console import Console

    from descent.study.store import ProgressStore
    from descent.study.timing.summary import as_rich
    from descent.study.timing.worked import time_worked

    worked = time_worked(ProgressStore().events(), time.time())
    if not worked.pieces and not worked.clocks:
        print("Nothing is recorded yet. To begin a clock: descent time begin")
        return
    Console().print(as_rich(worked, time.time(), weeks))


def _say(clock: Clock | None) -> None:
    import time

    from descent.study.timing.summary import advice, clock_words

    print(clock_words(clock, time.time()))
    for line in advice(clock) if clock else ():
        print(line)


def _watch() -> None:
    from rich.console import Console

    from descent.study.timing.timer import watch

    if not sys.stdout.isatty():
        return
    clock = watch(Console())
    if clock is not None:
        _say(clock)
