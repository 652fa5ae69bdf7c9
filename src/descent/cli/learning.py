"""Commands for working through the chapters: open, bring up to date, check, see the progress."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from descent.cli.app import LEARN, ChapterName, app, short_path
from descent.errors import CourseError

if TYPE_CHECKING:
    from descent.study.headless import HeadlessReport


@app.command("open", rich_help_panel=LEARN)
def open_(
    chapter: ChapterName,
    browser: Annotated[bool, typer.Option(help="Open a browser if there is one.")] = True,
) -> None:
    """Open your copy of a chapter; the first time, it is made."""
    from descent.cli.chapters import chapter_named
    from descent.study.lab import lab_address, open_in_browser
    from descent.study.store import ProgressStore
    from descent.study.workbook import open_chapter

    opened = open_chapter(chapter_named(chapter).id)
    ProgressStore().record_start(opened.chapter.id)
    print(f"{'Made' if opened.created else 'Yours:'} {short_path(opened.path)}")
    address = lab_address(opened.path)
    if address is None:
        print("JupyterLab is not running. To start it: make start")
        return
    print(address)
    if browser:
        open_in_browser(address)


@app.command(rich_help_panel=LEARN)
def refresh(
    chapter: Annotated[
        str | None, typer.Argument(help="A chapter; all when none is named.", show_default=False)
    ] = None,
) -> None:
    """Bring changes of the course into your copies. Your code stays, and a backup is kept."""
    from descent.cli.chapters import chapter_named
    from descent.study.workbook import refresh as refresh_copies

    results = refresh_copies(chapter_named(chapter).id if chapter else None)
    for result in results:
        print(f"{result.chapter.id}: {'brought up to date' if result.changed else 'unchanged'}")
        for line in result.lines:
            print(f"  {line}")
        if result.backup:
            print(f"  Your copy as it was: {short_path(result.backup)}")
            print("  If it is open in JupyterLab: File, Reload Notebook from Disk.")
    if not results:
        print("You have no copies yet. The first: descent open ladder/01")
    if any(result.lines and not result.changed for result in results):
        raise typer.Exit(1)


@app.command(rich_help_panel=LEARN)
def reset(
    chapter: ChapterName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Begin a chapter again with the blank notebook. A backup of yours is kept."""
    from descent.cli.chapters import chapter_named
    from descent.study.workbook import reset as reset_copy

    found = chapter_named(chapter)
    if not yes:
        typer.confirm(f"Put the blank notebook in place of your copy of {found.id}?", abort=True)
    backup = reset_copy(found.id)
    print(f"{found.id} is blank again.")
    if backup:
        print(f"Your copy as it was: {short_path(backup)}")


@app.command(rich_help_panel=LEARN)
def progress() -> None:
    """Show what is done, what was tried, the minutes spent, and what opens next."""
    from descent.study.progress import show_progress

    show_progress()


@app.command(rich_help_panel=LEARN)
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


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    rich_help_panel=LEARN,
)
def start(context: typer.Context) -> None:
    """Serve JupyterLab and the book, and open a browser where there is one."""
    from descent.serving.start import main as serve

    raise typer.Exit(serve(context.args))


def _notebook_path(name: str) -> Path:
    """Take a file as it is; anything else that is not a file name is a chapter's."""
    path = Path(name)
    if path.exists() or path.suffix:
        return path
    from descent.cli.chapters import chapter_named
    from descent.study.workbook import work_copy

    chapter = chapter_named(name)
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
        print(short_path(report.path))
        Console().print(table)
    if report.problems:
        print(f"descent: {report.path}: {'; '.join(report.problems)}.", file=sys.stderr)
    for note in report.notes:
        print(f"descent: {report.path}: {note}.", file=sys.stderr)
