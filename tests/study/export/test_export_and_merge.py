"""Taking a record along: what is written can be read, by people and by another machine."""

from __future__ import annotations

import csv
import io
import json
import sqlite3

import pytest

from descent.errors import CourseError
from descent.study.export.merging import UnreadableRecord, merge_record
from descent.study.export.saving import export_record
from descent.study.store import VERSION

ONE = "ladder/01_scalar_regression"


@pytest.mark.parametrize("how", ["lines", "database"])
def test_another_machine_that_takes_the_record_in_is_in_the_same_state(store, other, tmp_path, how):
    file = tmp_path / "record.jsonl"
    export_record(file, store=store)
    source = file if how == "lines" else store.path
    other.record_check(ONE, "loss", "correct")
    merged = merge_record(source, other)
    assert (merged.new, merged.known, merged.passed_over) == (len(store.events()), 0, ())
    mine = {event.uid: event for event in other.events()}
    assert all(mine[event.uid] == event for event in store.events())
    again = merge_record(source, other)
    assert (again.new, again.known) == (0, len(store.events()))


def test_two_machines_that_take_each_other_in_agree(store, other, tmp_path):
    other.record_check(ONE, "loss", "correct")
    for number, (source, target) in enumerate(((store, other), (other, store))):
        file = tmp_path / f"{number}.jsonl"
        export_record(file, store=source)
        merge_record(file, target)
    assert store.events() == other.events()
    assert store.exercise_states(ONE) == other.exercise_states(ONE)


def test_a_table_has_a_row_an_event_in_local_time_and_runs_no_formula(store, tmp_path):
    file = tmp_path / "record.csv"
    assert export_record(file, store=store) == len(store.events())
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"))))
    assert len(rows) == len(store.events())
    assert rows[1]["What happened"] == "answer checked"
    assert rows[1]["Mistake"].startswith("'=SUM") and "π" in rows[1]["Mistake"]
    review = next(row for row in rows if row["What happened"] == "card reviewed")
    assert (review["Seconds"], review["Details"]) == ("4.5", "remembered: yes; where: page")
    assert {row["What happened"] for row in rows} >= {"clock: begin", "plan chosen"}
    assert all(row["Date"] and row["Time zone"].startswith("UTC") for row in rows)


def test_a_file_that_is_there_is_not_written_over(store, tmp_path):
    file = tmp_path / "thesis.csv"
    file.write_text("years of work")
    with pytest.raises(CourseError, match="is there already"):
        export_record(file, store=store)
    assert file.read_text() == "years of work"
    export_record(file, replace=True, store=store)
    with pytest.raises(CourseError, match=r"\.csv, .*\.jsonl"):
        export_record(tmp_path / "record.xlsx", store=store)


def test_lines_that_are_no_events_are_told_and_passed_over(store, other, tmp_path):
    file = tmp_path / "record.jsonl"
    export_record(file, store=store)
    lines = file.read_text().splitlines()
    lines[2:2] = ["{cut sho", "[1, 2]", '{"uid": "x", "kind": "check"}', ""]
    file.write_text("\ufeff" + "\r\n".join(lines))
    merged = merge_record(file, other)
    assert (merged.new, merged.passed_over) == (len(store.events()), (3, 4, 5))


def test_a_newer_layout_is_refused_and_nothing_is_taken_in(store, other, tmp_path):
    file = tmp_path / "record.jsonl"
    export_record(file, store=store)
    lines = file.read_text().splitlines()
    lines[-1] = json.dumps({**json.loads(lines[-1]), "layout": VERSION + 1})
    file.write_text("\n".join(lines))
    with pytest.raises(UnreadableRecord, match="git pull"):
        merge_record(file, other)
    assert other.events() == []
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(UnreadableRecord, match="git pull"):
        merge_record(store.path, other)
    assert other.events() == []


def test_the_database_of_the_first_layout_is_taken_in(store, other):
    with sqlite3.connect(store.path) as connection:
        connection.execute("ALTER TABLE events DROP COLUMN data")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert merge_record(store.path, other).new == len(other.events())
    assert other.exercise_states(ONE)["predict"].done


def test_what_is_no_record_says_what_would_be_one(store, other, tmp_path):
    for name, content in (
        ("table.csv", b"Date,Time\r\n2026-01-01,10:00\r\n"),
        ("empty.jsonl", b""),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableRecord, match="jsonl"):
            merge_record(tmp_path / name, other)
    (tmp_path / "half.sqlite3").write_bytes(store.path.read_bytes()[:3000])
    with pytest.raises(UnreadableRecord, match="cannot be read"):
        merge_record(tmp_path / "half.sqlite3", other)
    with pytest.raises(UnreadableRecord, match="cannot be read"):
        merge_record(tmp_path / "nowhere.jsonl", other)
