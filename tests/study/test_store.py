"""The learner's record: nothing is lost, and nothing that happens to the file fails a check."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from descent.study import store as store_module
from descent.study.store import ProgressStore

CHAPTER = "ladder/01_scalar_regression"


@pytest.fixture(autouse=True)
def nothing_said_yet():
    store_module._already_said.clear()


@pytest.fixture
def store(tmp_path: Path) -> ProgressStore:
    return ProgressStore(tmp_path / "home" / "progress.sqlite3")


def outcomes(store: ProgressStore) -> list[str | None]:
    return [event.outcome for event in store.events(CHAPTER)]


def test_states_follow_what_happened(store):
    store.record_check(CHAPTER, "predict", "not attempted")
    store.record_check(CHAPTER, "predict", "not right yet", mistake="You summed.", seconds=0.1)
    store.record_hint(CHAPTER, "predict")
    store.record_check(CHAPTER, "loss", "correct")
    store.record_check("ladder/02_autograd", "predict", "correct")
    states = store.exercise_states(CHAPTER)
    assert set(states) == {"predict", "loss"}
    assert (states["predict"].tries, states["predict"].done) == (1, False)
    assert store.hints_opened(CHAPTER, "predict") == 1
    assert store.last_mistake(CHAPTER, "predict") == "You summed."
    assert store.last_mistake(CHAPTER, "loss") is None
    store.record_check(CHAPTER, "predict", "correct")
    store.record_check(CHAPTER, "predict", "not right yet")
    assert store.exercise_states(CHAPTER)["predict"].done
    assert store.last_mistake(CHAPTER, "predict") is None


def test_the_home_folder_is_the_one_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "elsewhere"))
    ProgressStore().record_check(CHAPTER, "predict", "correct")
    assert (tmp_path / "elsewhere" / "progress.sqlite3").exists()


def test_reading_makes_no_file(store):
    assert store.exercise_states(CHAPTER) == {}
    assert not store.path.exists()


WRITER = """
import sys
from pathlib import Path
from descent.study.store import ProgressStore
store = ProgressStore(Path(sys.argv[1]))
for number in range(20):
    store.record_check("ladder/01_scalar_regression", f"{sys.argv[2]}-{number}", "correct")
"""


def test_several_kernels_write_at_once_and_nothing_is_lost(store):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(store.path), str(number)])
        for number in range(4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    expected = {f"{writer}-{number}" for writer in range(4) for number in range(20)}
    assert set(store.exercise_states(CHAPTER)) == expected
    assert len(store.events(CHAPTER)) == 80


KILLED = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
for number in range(2000):
    connection.execute(
        "INSERT INTO events VALUES (?, 0, 'check', 'unfinished', 'x', 'correct', ?, 0)",
        (str(number), "long " * 50),
    )
print("writing", flush=True)
time.sleep(60)
"""


def test_a_killed_writer_leaves_a_readable_store(store):
    store.record_check(CHAPTER, "predict", "correct")
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(store.path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
    assert store.path.with_name("progress.sqlite3-journal").exists()
    writer.send_signal(signal.SIGKILL)
    writer.wait(timeout=10)
    writer.stdout.close()
    store.record_check(CHAPTER, "loss", "correct")
    assert set(store.exercise_states(CHAPTER)) == {"predict", "loss"}
    assert store.events("unfinished") == []


def test_a_locked_store_puts_records_beside_it_and_merges_them_later(store, capsys):
    store.record_check(CHAPTER, "predict", "not right yet")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store.record_check(CHAPTER, "predict", "correct")
    store.record_check(CHAPTER, "predict", "correct")
    assert store.pending.path.exists()
    assert outcomes(store) == ["correct", "correct"]  # what the lock hides comes back below
    other.execute("ROLLBACK")
    other.close()
    said = capsys.readouterr().err
    assert said.count(str(store.pending.path)) == 1
    assert "locked" in said
    store.record_check(CHAPTER, "loss", "correct")
    assert not store.pending.path.exists()
    assert outcomes(store) == ["not right yet", "correct", "correct", "correct"]


def fill_the_disk(monkeypatch) -> None:
    """Make every SQLite file unable to grow, as on a full disk."""
    real = sqlite3.connect

    def connect(*arguments, **options):
        connection = real(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)


def test_a_full_disk_keeps_the_record_beside_the_store(store, monkeypatch, capsys):
    for _ in range(40):
        store.record_check(CHAPTER, "predict", "not right yet", mistake="long " * 50)
    before = len(store.events())
    with monkeypatch.context() as patch:
        fill_the_disk(patch)
        for _ in range(40):
            store.record_check(CHAPTER, "predict", "correct", mistake="long " * 50)
        assert store.pending.path.exists()
        assert len(store.events()) == before + 40
    assert "full" in capsys.readouterr().err
    store.record_check(CHAPTER, "loss", "correct")
    assert len(store.events()) == before + 41
    assert not store.pending.path.exists()


def test_nowhere_to_write_keeps_the_record_in_memory(store, monkeypatch, capsys):
    store.path.parent.parent.mkdir(exist_ok=True)
    store.path.parent.write_text("a file where the folder should be")
    store.record_check(CHAPTER, "predict", "correct")
    assert store.exercise_states(CHAPTER)["predict"].done
    assert "until this kernel" in capsys.readouterr().err
    store.path.parent.unlink()
    store.record_check(CHAPTER, "loss", "correct")
    fresh = ProgressStore(store.path)
    assert set(fresh.exercise_states(CHAPTER)) == {"predict", "loss"}
    assert not fresh.pending.in_memory


def test_a_read_only_store_is_read_and_left_alone(capsys):
    folder = Path(tempfile.mkdtemp(prefix="descent-test-"))
    store = ProgressStore(folder / "progress.sqlite3")
    store.record_check(CHAPTER, "predict", "correct")
    store.path.chmod(0o444)
    folder.chmod(0o777)
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(65534)  # root may write anything
        store.record_check(CHAPTER, "loss", "correct")
        assert set(store.exercise_states(CHAPTER)) == {"predict", "loss"}
        assert "readonly" in capsys.readouterr().err
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_newer_store_is_not_touched(store, capsys):
    store.record_check(CHAPTER, "predict", "correct")
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = store.path.read_bytes()
    store.record_check(CHAPTER, "loss", "correct")
    assert store.path.read_bytes() == before
    assert set(store.exercise_states(CHAPTER)) == {"loss"}
    assert "newer version" in capsys.readouterr().err


def test_a_file_that_is_no_store_is_moved_to_a_backup(store, capsys):
    store.path.parent.mkdir()
    store.path.write_bytes(b"not a database at all, but long enough to look at" * 100)
    store.record_check(CHAPTER, "predict", "correct")
    (backup,) = store.path.parent.glob("progress-corrupt-*")
    assert backup.read_bytes().startswith(b"not a database")
    assert str(backup) in capsys.readouterr().err
    assert ProgressStore(store.path).exercise_states(CHAPTER)["predict"].done


def test_what_can_be_read_of_a_corrupt_store_is_kept(store, capsys):
    store.record_check(CHAPTER, "exercise", "correct")
    events = [
        store_module._new_event("check", CHAPTER, f"exercise-{number}", "correct", "long " * 20)
        for number in range(299)
    ]
    with contextlib.closing(store_module._connect(store.path)) as connection:
        store_module._insert(connection, events)
    data = bytearray(store.path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 8 * 4096] = b"\xff" * (8 * 4096)
    store.path.write_bytes(data)
    assert 0 < len(store.events()) < 300
    assert "were saved" in capsys.readouterr().err
    store.record_check(CHAPTER, "another", "correct")
    assert store.exercise_states(CHAPTER)["another"].done


def test_a_line_cut_short_does_not_hide_the_others(store):
    store.pending.append(vars(store_module._new_event("check", CHAPTER, "predict", "correct")))
    with store.pending.path.open("a") as file:
        file.write('{"uid": "cut sho')
    store.pending.append(vars(store_module._new_event("check", CHAPTER, "loss", "correct")))
    store.pending.append({"uid": "x", "kind": {}, "at": "never"})
    assert set(store.exercise_states(CHAPTER)) == {"predict", "loss"}
    store.record_check(CHAPTER, "step", "correct")
    assert len(store.events()) == 3


def test_a_record_merged_twice_counts_once(store):
    event = store_module._new_event("check", CHAPTER, "predict", "correct")
    line = json.dumps(vars(event))
    for _ in range(2):
        store.path.parent.mkdir(exist_ok=True)
        store.pending.path.write_text(f"{line}\n{line}\n")
        store.record_hint(CHAPTER, "predict")
    assert outcomes(store).count("correct") == 1


def test_a_record_appended_while_others_are_merged_is_kept(store):
    store.pending.append({"uid": "first"})
    taken = []

    def take(records):
        taken.extend(record["uid"] for record in records)
        if len(taken) == 1:  # another kernel writes between the reading and the removal
            store.pending.append({"uid": "second"})

    store.pending.drain(take)
    left = [record["uid"] for record in store.pending.read()]
    assert set(taken + left) == {"first", "second"}
    assert "second" in taken
