"""Commands for the 24-hour weekend: its plan, its timer, its log, and the morning after."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import TIME, app, short_path
from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.study.sprint.weekend import Weekend

sprint_app = typer.Typer(
    help="The 24-hour weekend: its plan, its timer, its log.", add_completion=False
)
app.add_typer(sprint_app, name="sprint", rich_help_panel=TIME)

Watch = Annotated[bool, typer.Option(help="Stay and show it going, where there is a terminal.")]


@sprint_app.callback(invoke_without_command=True)
def sprint_(
    context: typer.Context,
    begin: Annotated[str, typer.Option("--from", help="The plan from this time on: 09:30.")] = "",
    full: Annotated[bool, typer.Option("--full", help="Also what to do, and why.")] = False,
) -> None:
    """Show the plan hour by hour; or how the sprint stands, while a day of it lasts."""
    if context.invoked_subcommand is not None:
        return
    import time

    from rich.console import Console

    from descent.study.sprint.acting import weekend_now
    from descent.study.sprint.in_words import plan_as_rich, weekend_words
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore
    from descent.study.timing.moments import first_after

    plan = load_plan()
    weekend = weekend_now(plan, ProgressStore())
    if weekend is not None and weekend.has_day_left and not begin and not full:
        print("\n".join(weekend_words(weekend)))
        if weekend.current is None:
            print("To go on: descent sprint go-on. The whole plan: descent sprint --full")
        return
    shown = plan_as_rich(plan, first_after(begin or "10:00", time.time()), full)
    Console(highlight=False).print(shown, crop=False)  # an address stays whole


@sprint_app.command("begin")
def begin_(
    anew: Annotated[
        bool, typer.Option("--anew", help="A new sprint, from its first hour.")
    ] = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="Stop another clock that is on.")
    ] = False,
    watch: Watch = True,
) -> None:
    """Begin the sprint, its second day, or what comes next today."""
    from descent.study.sprint.acting import begin
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore

    _show(begin(load_plan(), ProgressStore(), anew=anew, switch=switch), watch)


@sprint_app.command("next")
def next_(watch: Watch = True) -> None:
    """End the block or break under way as done, and begin what comes after it."""
    from descent.study.sprint.acting import next_block

    _act(next_block, watch)


@sprint_app.command("break")
def break_(watch: Watch = True) -> None:
    """Take a break that the plan does not have."""
    from descent.study.sprint.acting import take_break

    _act(take_break, watch)


@sprint_app.command("pause")
def pause_() -> None:
    """Pause the clock: what passes until go-on is neither work nor a break."""
    from descent.study.sprint.acting import pause

    _act(pause, watch=False)


@sprint_app.command("go-on")
def go_on_(watch: Watch = True) -> None:
    """Go on after a pause, a break, a stop or a crash."""
    from descent.study.sprint.acting import go_on

    _act(go_on, watch)


@sprint_app.command("stop")
def stop_(
    at: Annotated[str, typer.Option(help="When you stopped, if not now: 21:30.")] = "",
) -> None:
    """Stop for the night, or for good."""
    from descent.study.sprint.acting import stop
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore

    _show(stop(load_plan(), ProgressStore(), at), watch=False)
    print("To see the day: descent sprint log. In the morning: descent sprint explain")


@sprint_app.command("watch")
def watch_() -> None:
    """Show the sprint going. Ctrl-C ends the showing, not the clock."""
    from descent.study.sprint.acting import weekend_now
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore

    weekend = weekend_now(load_plan(), ProgressStore())
    if weekend is None:
        raise CourseError("No sprint was begun yet. To begin one: descent sprint begin")
    _show(weekend, watch=True)


@sprint_app.command("log")
def log_(
    chart: Annotated[
        Path | None, typer.Option(help="Also draw it, beside the published one: FILE.svg.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the file.")] = False,
) -> None:
    """Show your log beside the one that the sprint's source published."""
    from rich.console import Console

    from descent.study.export.saving import save_new
    from descent.study.sprint.acting import weekend_now
    from descent.study.sprint.chart import svg_file
    from descent.study.sprint.in_words import log_as_rich
    from descent.study.sprint.log import own_log, published_log
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore

    weekend = weekend_now(load_plan(), ProgressStore())
    groups = [("Yours", own_log(weekend))] if weekend is not None else []
    groups.append(("The source's", published_log()))
    Console().print(log_as_rich(groups))
    if chart is not None:
        save_new(chart, svg_file(groups).encode(), replace=replace)
        print(f"Drew {short_path(chart)}.")


@sprint_app.command("explain")
def explain_(
    exercise: Annotated[
        str, typer.Argument(help="first_day or second_day; without it, both are listed.")
    ] = "",
) -> None:
    """Explain what you learned, in writing, the morning after; then compare with a rubric."""
    from descent.cli.written import answer_in_terminal, list_written
    from descent.study.sprint.plan import load_plan
    from descent.study.written.drafts import find_written

    plan = load_plan()
    if exercise:
        answer_in_terminal(plan, find_written(plan, exercise))
    else:
        list_written(plan)


def _act(act: object, watch: bool) -> None:
    from descent.study.sprint.plan import load_plan
    from descent.study.store import ProgressStore

    assert callable(act)
    _show(act(load_plan(), ProgressStore()), watch)


def _show(weekend: Weekend, watch: bool) -> None:
    from rich.console import Console

    from descent.study.sprint.acting import weekend_now
    from descent.study.sprint.in_words import weekend_words
    from descent.study.sprint.live import watch_sprint
    from descent.study.store import ProgressStore

    print("\n".join(weekend_words(weekend)))
    if watch and weekend.current is not None and sys.stdout.isatty():
        watch_sprint(Console(), weekend.plan, ProgressStore())
        after = weekend_now(weekend.plan, ProgressStore())
        if after is not None:
            print("\n".join(weekend_words(after)))
