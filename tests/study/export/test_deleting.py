"""Deleting the record: nothing of the learner's is left, and nothing else is touched."""

from __future__ import annotations

import os
import shutil

from descent.study.export.deleting import delete_record
from descent.study.export.holdings import holdings, waiting
from descent.study.paths import home_folder, work_folder
from descent.study.store import ProgressStore


def test_nothing_is_left(store):
    home = home_folder()
    shutil.copy(store.path, home / "progress-corrupt-20260101-101010-7.sqlite3")
    (home / "progress.sqlite3-journal").write_bytes(b"")
    (home / "progress.sqlite3.repair").write_bytes(b"")
    store.pending.append({"uid": "waits"})
    (home / f"progress-pending.{'0' * 32}.merging.jsonl").write_text('{"uid": "too"}\n')
    (home / "checks").mkdir()
    (home / "checks" / "predict.py").write_text("def predict(): ...")
    assert waiting(store) == 2
    notebook = work_folder() / "ladder" / "01.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("theirs")
    delete_record()
    assert not home.exists()
    assert holdings() == [] and ProgressStore().events() == []
    assert notebook.read_text() == "theirs"


def test_what_is_not_the_courses_is_left_alone_and_told(store, tmp_path):
    home = home_folder()
    (home / "thesis.txt").write_text("years of work")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    os.symlink(precious, home / "checks")
    deleted = delete_record()
    assert [path.name for path in deleted.others] == ["thesis.txt"]
    assert (precious / "file").exists() and not (home / "checks").exists()


def test_entries_that_wait_in_memory_do_not_come_back(course):
    home = home_folder()
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    store = ProgressStore()
    store.record_hint("ladder/01_scalar_regression", "predict")
    assert store.pending.in_memory
    home.unlink()
    delete_record()
    ProgressStore().record_hint("ladder/01_scalar_regression", "loss")
    assert [event.exercise for event in ProgressStore().events()] == ["loss"]
