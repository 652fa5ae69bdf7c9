"""Writing the record to a file that the learner names."""

from __future__ import annotations

from pathlib import Path

from descent.errors import CourseError
from descent.study.export.lines import json_lines
from descent.study.export.table import csv_text
from descent.study.files import create_whole, write_whole
from descent.study.store import ProgressStore


def export_record(path: Path, *, replace: bool = False, store: ProgressStore | None = None) -> int:
    """Write the whole record to a CSV file for people, or to JSON lines for machines.

    Parameters
    ----------
    path
        The file; its ending, ``.csv`` or ``.jsonl``, says which of the two.
    replace
        Whether a file that is there may be replaced.
    store
        The record; by default the learner's own.

    Returns
    -------
    int
        How many events were written.

    Raises
    ------
    CourseError
        When the ending is another, the file is there, or it cannot be written.
    """
    events = (store or ProgressStore()).events()
    if path.suffix == ".csv":
        text = csv_text(events)
        data = text.encode("utf-8-sig")  # so that spreadsheets read it as UTF-8
    elif path.suffix == ".jsonl":
        data = json_lines(events).encode()
    else:
        raise CourseError(
            f"{path}: the name must end in .csv, a table to read, or in .jsonl, which another "
            "machine can take in (descent record merge)."
        )
    save_new(path, data, replace=replace)
    return len(events)


def save_new(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file, and replace one that is there only where that was asked for.

    Raises
    ------
    CourseError
        When the file is there, or cannot be written.
    """
    if replace:
        write_whole(path, data)
    elif not create_whole(path, data):
        raise CourseError(f"{path} is there already. Give another name, or --replace it.")
