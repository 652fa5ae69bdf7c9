"""Commands for the learner's record: export it, merge another, print it, find it, delete it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from descent.cli.app import TIME, app, short_path

record_app = typer.Typer(
    help="Your record: take it along, merge another machine's, print it, delete it.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(record_app, name="record", rich_help_panel=TIME)

Replace = Annotated[bool, typer.Option("--replace", help="Replace the file if it is there.")]


@record_app.command()
def export(
    file: Annotated[
        Path, typer.Argument(help="FILE.csv, a table to read; or FILE.jsonl, to merge elsewhere.")
    ],
    replace: Replace = False,
) -> None:
    """Write the whole record to a file: a table for people, or JSON lines for machines."""
    from descent.study.export.saving import export_record

    count = export_record(file, replace=replace)
    print(f"Wrote {count} {'entry' if count == 1 else 'entries'} to {short_path(file)}.")


@record_app.command()
def merge(
    file: Annotated[
        Path,
        typer.Argument(help="A .jsonl file, or another machine's progress.sqlite3."),
    ],
) -> None:
    """Add another machine's record, or one that a page of the book saved, to yours."""
    from descent.study.export.merging import merge_record

    merged = merge_record(file)
    print(f"{merged.new} new, {merged.known} known already.")
    if merged.passed_over:
        shown = ", ".join(map(str, merged.passed_over[:8]))
        more = " and more" if len(merged.passed_over) > 8 else ""
        lines = "line" if len(merged.passed_over) == 1 else "lines"
        print(
            f"{len(merged.passed_over)} passed over, because they are no entries of a record: "
            f"{lines} {shown}{more}."
        )


@record_app.command()
def report(
    file: Annotated[Path, typer.Argument(help="Where to write the page.")] = Path(
        "descent-report.html"
    ),
    replace: Replace = False,
) -> None:
    """Write one page about your work, to read or to print."""
    from descent.study.export.report import write_report

    write_report(file, replace=replace)
    print(f"Wrote {short_path(file)}. Open it in a browser to read or to print it.")


@record_app.command()
def where() -> None:
    """Say which files hold your record, and what else the course keeps about you."""
    from descent.study.export.holdings import holdings, waiting
    from descent.study.paths import home_folder
    from descent.study.store import ProgressStore

    print(f"Folder: {home_folder()}")
    store = ProgressStore()
    found = holdings()
    for holding in found:
        names = ", ".join(path.name for path in holding.paths)
        print(f"  {holding.what}: {names} ({max(1, round(holding.size / 1024))} kB)")
    if not found:
        print("  Nothing is kept yet.")
    print(f"Entries: {len(store.events())}, of which {waiting(store)} wait to be written.")
    print(
        "Nothing is sent anywhere. Book pages opened from disk keep their own entries in that "
        "browser until you save them to a file and merge it: descent record merge FILE"
    )


@record_app.command()
def delete(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete all that the course keeps about you. Your notebooks in work/ stay."""
    from descent.study.export.deleting import delete_record
    from descent.study.export.holdings import holdings
    from descent.study.paths import home_folder

    found = holdings()
    if not found:
        print(f"Nothing is kept in {home_folder()}.")
        return
    print(f"In {home_folder()}:")
    for holding in found:
        print(f"  {holding.what}: {', '.join(path.name for path in holding.paths)}")
    if not yes:
        typer.confirm("Delete all of this? It cannot be brought back", abort=True)
    deleted = delete_record()
    print(f"Deleted: {', '.join(path.name for path in deleted.paths)}.")
    if deleted.others:
        names = ", ".join(path.name for path in deleted.others)
        print(f"Left alone, because they are not the course's: {names}.")
    print(
        "Your notebooks in work/ stay, and their backups with them. Book pages opened from disk "
        "keep entries in their browser: delete that page's data there."
    )
