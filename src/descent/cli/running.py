"""Commands for real runs: start one, prepare its data, watch, stop, resume and record it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import TRAIN, app, short_path
from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.runs.folder import RunFolder

RunId = Annotated[
    str, typer.Argument(help="A run, or the beginning of its name; the newest when none is named.")
]


@app.command("run", rich_help_panel=TRAIN)
def run_(
    name: Annotated[str, typer.Argument(help="The run, such as nanogpt.", show_default=False)],
    profile: Annotated[
        str,
        typer.Option(
            help="smoke, cpu, gpu, multi-gpu or slurm: for which kind of machine. "
            "Without it, the largest that this one can carry."
        ),
    ] = "",
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A setting that differs: steps=500.")
    ] = None,
    model: Annotated[str, typer.Option(help="ours, or mine: your own answer trains.")] = "ours",
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
) -> None:
    """Train for real, in the background, and follow it."""
    from descent.exercises.run_model import model_text
    from descent.runs.definition.profiles import changes_from
    from descent.runs.launching.start import say_fitting_profile, start_run

    settings = changes_from(changes or [])
    model = settings.pop("model", model)
    if not profile:
        profile = say_fitting_profile(name, settings)
    folder = start_run(name, profile, settings, model_text(name, model))
    _follow(folder, detach)


@app.command(rich_help_panel=TRAIN)
def prepare(
    name: Annotated[str, typer.Argument(help="The run, such as gpt2.", show_default=False)],
    source: Annotated[
        str, typer.Argument(help="Where the data is, if not at its usual place.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option(help="A folder for what is made; the course's own if none.")
    ] = None,
) -> None:
    """Prepare the data that a run needs. Interrupted, it goes on where it was."""
    from descent.runs.definition.catalogue import find_run

    data = find_run(name).data
    if data is None or data.prepare is None:
        raise CourseError(f"The run {name} needs no data that has to be prepared.")
    data.prepare(source, to)


runs = typer.Typer(help="Look at your runs, stop them, let them go on.", add_completion=False)
app.add_typer(runs, name="runs", rich_help_panel=TRAIN)


@runs.callback(invoke_without_command=True)
def runs_(context: typer.Context) -> None:
    """List your runs: state, progress and the latest numbers."""
    if context.invoked_subcommand is None:
        list_()


@runs.command("list")
def list_() -> None:
    """List your runs: state, progress and the latest numbers."""
    from shutil import get_terminal_size

    from descent.runs.watching.look import list_in_words, listing

    looks = listing()
    if looks:
        print(list_in_words(looks, get_terminal_size().columns))
    else:
        print("There are no runs yet. The first: descent run nanogpt --profile smoke")


@runs.command()
def watch(run_id: RunId = "") -> None:
    """Follow a run until it ends. Ctrl-C ends the following, not the run."""
    from descent.runs.folder.finding import find_folder

    _follow(find_folder(run_id))


@runs.command()
def stop(run_id: RunId = "") -> None:
    """Let a run save, and end it. It can be resumed."""
    from descent.runs.folder.finding import find_folder
    from descent.runs.launching.stopping import stop_run
    from descent.runs.watching.look import closing_words, look_at

    folder = find_folder(run_id)
    stop_run(folder)
    print(closing_words(folder, look_at(folder)))


@runs.command()
def resume(
    run_id: RunId = "",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Another number of them; the curve stays the same.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Do not follow it.")] = False,
) -> None:
    """Let a run go on from where it was saved, exactly."""
    from descent.runs.folder.finding import find_folder
    from descent.runs.launching.start import resume_run

    _follow(resume_run(find_folder(run_id), processes), detach)


@runs.command()
def report(run_id: RunId = "") -> None:
    """Print the measured and the published numbers of a run, and where its report is."""
    from descent.runs.folder.finding import find_folder
    from descent.runs.results.report_cells import show_comparison

    folder = find_folder(run_id)
    show_comparison(folder)
    print(short_path(folder.report) if folder.report.exists() else "It has no report yet.")


@runs.command()
def record(
    run_id: RunId = "",
    label: Annotated[str, typer.Option(help="A word for the machine, such as 2-cores.")] = "here",
    note: Annotated[str, typer.Option(help="What a reader has to know besides.")] = "",
    busy: Annotated[
        bool, typer.Option("--busy", help="Other work ran meanwhile: keep no seconds.")
    ] = False,
) -> None:
    """Keep the result of a finished run in the book, with hardware, versions and command."""
    from descent.runs.folder.finding import find_folder
    from descent.runs.results.records import write_record
    from descent.study.paths import course_root

    print(short_path(write_record(course_root(), find_folder(run_id), label, note, busy)))


def _follow(folder: RunFolder, detach: bool = False) -> None:
    """Show a run in the terminal; the exit code is 1 when it failed or was lost."""
    from descent.runs.watching.terminal import watch_in_terminal

    if detach:
        print(f"{folder.id} is under way. To follow it: descent runs watch {folder.id}")
        return
    look = watch_in_terminal(folder)
    raise typer.Exit(1 if look.state in ("failed", "lost") else 0)
