"""The ``descent`` command: a thin layer over the rooms below, each imported when it is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.runs.folder import RunFolder
    from descent.study.headless import HeadlessReport

app = typer.Typer(
    help="Descent: a deep-learning course you fill in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ChapterName = Annotated[
    str, typer.Argument(help="A chapter: 3, R3, ladder/03, or its name.", show_default=False)
]
RunId = Annotated[
    str, typer.Argument(help="A run, or the beginning of its name; the newest when none is named.")
]
SomeChapters = Annotated[
    list[str] | None, typer.Argument(help="Chapters; all when none is named.", show_default=False)
]


def main() -> None:
    """Run the command; what goes wrong in a way that was foreseen is one line, no traceback."""
    try:
        app()
    except CourseError as error:
        print(f"descent: {error}", file=sys.stderr)
        sys.exit(1)


@app.command("open")
def open_(
    chapter: ChapterName,
    browser: Annotated[bool, typer.Option(help="Open a browser if there is one.")] = True,
) -> None:
    """Open your copy of a chapter; the first time, it is made."""
    from descent.study.lab import lab_address, open_in_browser
    from descent.study.store import ProgressStore
    from descent.study.workbook import open_chapter

    opened = open_chapter(chapter)
    ProgressStore().record_start(opened.chapter.id)
    print(f"{'Made' if opened.created else 'Yours:'} {_short_path(opened.path)}")
    address = lab_address(opened.path)
    if address is None:
        print("JupyterLab is not running. To start it: make start")
        return
    print(address)
    if browser:
        open_in_browser(address)


@app.command()
def refresh(
    chapter: Annotated[
        str | None, typer.Argument(help="A chapter; all when none is named.", show_default=False)
    ] = None,
) -> None:
    """Bring changes of the course into your copies. Your code stays, and a backup is kept."""
    from descent.study.workbook import refresh as refresh_copies

    results = refresh_copies(chapter)
    for result in results:
        print(f"{result.chapter.id}: {'brought up to date' if result.changed else 'unchanged'}")
        for line in result.lines:
            print(f"  {line}")
        if result.backup:
            print(f"  Your copy as it was: {_short_path(result.backup)}")
            print("  If it is open in JupyterLab: File, Reload Notebook from Disk.")
    if not results:
        print("You have no copies yet. The first: descent open ladder/01")
    if any(result.lines and not result.changed for result in results):
        raise typer.Exit(1)


@app.command()
def reset(
    chapter: ChapterName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Begin a chapter again with the blank notebook. A backup of yours is kept."""
    from descent.study.catalog import find_chapter
    from descent.study.workbook import reset as reset_copy

    found = find_chapter(chapter)
    if not yes:
        typer.confirm(f"Put the blank notebook in place of your copy of {found.id}?", abort=True)
    backup = reset_copy(found.id)
    print(f"{found.id} is blank again.")
    if backup:
        print(f"Your copy as it was: {_short_path(backup)}")


@app.command()
def progress() -> None:
    """Show what is done, what was tried, the minutes spent, and what opens next."""
    from descent.study.progress import show_progress

    show_progress()


@app.command()
def check(
    notebooks: Annotated[
        list[str], typer.Argument(help="Notebook files, or chapters, for your copies of them.")
    ],
    record: Annotated[
        bool, typer.Option("--record", help="Add the results to your progress.")
    ] = False,
    seconds: Annotated[float, typer.Option(help="Time limit of one cell.")] = 120.0,
) -> None:
    """Run notebooks without JupyterLab and print what their checks answer."""
    from descent.study.headless import check_notebook

    all_correct = True
    for name in notebooks:
        try:
            report = check_notebook(_notebook_path(name), cell_seconds=seconds, record=record)
        except CourseError as error:
            print(f"descent: {error}", file=sys.stderr)
            all_correct = False
            continue
        _print_report(report)
        all_correct &= report.all_correct
    raise typer.Exit(0 if all_correct else 1)


@app.command()
def build(
    chapters: SomeChapters = None,
    execute: Annotated[bool, typer.Option(help="Run the pages whose code changed.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Run every page.")] = False,
) -> None:
    """Make the notebooks and the lists of chapters from the chapter sources."""
    from descent.authoring import AuthoringError, broken_limits, build_chapters
    from descent.study.paths import course_root

    root, only = course_root(), chapters or None
    build_chapters(root, only, execute=execute, force=force)
    if problems := broken_limits(root, only, unfinished=True):
        raise AuthoringError(problems)


@app.command("check-chapters")
def check_chapters() -> None:
    """Say which generated files are not what their sources make, and which limits are broken."""
    from descent.authoring import broken_limits, stale_files
    from descent.study.paths import course_root

    wrong = [*stale_files(course_root()), *broken_limits(course_root())]
    for sentence in wrong:
        print(sentence)
    print(f"{len(wrong)} to put right." if wrong else "Every generated file is fresh.")
    raise typer.Exit(1 if wrong else 0)


@app.command("new-chapter")
def new_chapter(
    name: Annotated[
        str,
        typer.Argument(help="Part, number and name: foundations/1_linear_algebra.", metavar="NAME"),
    ],
    title: Annotated[str, typer.Option(help="Its title; the name in words if none.")] = "",
) -> None:
    """Make a chapter that builds and passes its audit, for you to overwrite."""
    from descent.authoring import make_chapter
    from descent.study.paths import course_root

    made = make_chapter(course_root(), name, title)
    for file in made.files:
        print(f"Made {file}")
    print(made.next_steps)


@app.command()
def limits(
    chapters: SomeChapters = None,
    lower: Annotated[
        bool, typer.Option("--lower", help="Lower the list of known excesses to what there is.")
    ] = False,
) -> None:
    """Count what a chapter may not exceed: words, long sentences, hints that tell all."""
    from descent.authoring import known_excesses
    from descent.study.paths import course_root

    if lower:
        for line in known_excesses.lower(course_root()):
            print(line)
        return
    for line in known_excesses.count_report(course_root(), chapters or None):
        print(line)


@app.command("grade-the-graders")
def grade_the_graders(
    chapters: SomeChapters = None,
    light: Annotated[
        bool, typer.Option("--light", help="One seed, and no mutants: seconds, not minutes.")
    ] = False,
) -> None:
    """Judge the autograder itself: mistakes named, mutants killed, survivors listed."""
    from descent.authoring.chapter_audit import grade_the_graders as grade
    from descent.grading.audit import Depth

    sound = grade(chapters or (), Depth.LIGHT if light else Depth.WHOLE, print)
    raise typer.Exit(0 if sound else 1)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def start(context: typer.Context) -> None:
    """Serve JupyterLab and the book, and open a browser where there is one."""
    from descent.serving.start import main as serve

    raise typer.Exit(serve(context.args))


@app.command("run")
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


@app.command()
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
app.add_typer(runs, name="runs")


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
    print(_short_path(folder.report) if folder.report.exists() else "It has no report yet.")


@runs.command()
def record(
    run_id: RunId = "",
    label: Annotated[str, typer.Option(help="A word for the machine, such as 2-cores.")] = "here",
    note: Annotated[str, typer.Option(help="What a reader has to know besides.")] = "",
) -> None:
    """Keep the result of a finished run in the book, with hardware, versions and command."""
    from descent.runs.folder.finding import find_folder
    from descent.runs.results.records import write_record
    from descent.study.paths import course_root

    print(_short_path(write_record(course_root(), find_folder(run_id), label, note)))


def _follow(folder: RunFolder, detach: bool = False) -> None:
    """Show a run in the terminal; the exit code is 1 when it failed or was lost."""
    from descent.runs.watching.terminal import watch_in_terminal

    if detach:
        print(f"{folder.id} is under way. To follow it: descent runs watch {folder.id}")
        return
    look = watch_in_terminal(folder)
    raise typer.Exit(1 if look.state in ("failed", "lost") else 0)


def _notebook_path(name: str) -> Path:
    """Take a file as it is; anything else that is not a file name is a chapter's."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    from descent.study.catalog import find_chapter
    from descent.study.workbook import work_copy

    chapter = find_chapter(name)
    copy = work_copy(chapter)
    if not copy.exists():
        raise CourseError(f"You have no copy of {chapter.id} yet: descent open {chapter.id}")
    return copy


def _print_report(report: HeadlessReport) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from descent.grading.report import CORRECT, COULD_NOT_GRADE, NOT_RIGHT, OUTCOME_MARKS

    styles = {CORRECT: "green", NOT_RIGHT: "red", COULD_NOT_GRADE: "blue"}
    table = Table(box=None, pad_edge=False)
    for heading in ("", "Exercise", "Outcome"):
        table.add_column(heading, no_wrap=True, overflow="fold")
    table.add_column("What the check says", overflow="fold")
    for result in report.results:
        mark = OUTCOME_MARKS.get(result.outcome, "!")
        style = styles.get(result.outcome, "" if mark != "!" else "red")
        message = next(iter(result.message.splitlines()), "")
        table.add_row(Text(mark, style), Text(result.exercise), result.outcome, Text(message))
    if report.results:
        print(_short_path(report.path))
        Console().print(table)
    if report.problems:
        print(f"descent: {report.path}: {'; '.join(report.problems)}.", file=sys.stderr)
    for note in report.notes:
        print(f"descent: {report.path}: {note}.", file=sys.stderr)


def _short_path(path: Path) -> str:
    """Write a path from the current folder on, where it is below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
