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
from programs import PATIENCE

from descent.locks import only_one
from descent.study import store as store_module
from descent.study.events import new_event
from descent.study.pending import PendingFile
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


WRITERS = """
import os, sys
from pathlib import Path
from descent.study import store as store_module
store_module.BUSY_SECONDS = 0.01
store, children = store_module.ProgressStore(Path(sys.argv[1])), []
for writer in range(8):
    children.append(os.fork())
    if children[-1] == 0:
        for number in range(20):
            store.record_check("ladder/01_scalar_regression", f"{writer}-{number}", "correct")
        os._exit(0)
assert not any(os.waitpid(child, 0)[1] for child in children)
"""


def run_to_its_end(script: str, argument: Path) -> None:
    """Run a script that forks; end all of it, also when it fails."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(argument)], start_new_session=True
    )
    try:
        assert process.wait(timeout=PATIENCE) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_several_kernels_write_at_once_and_nothing_is_lost(store):
    run_to_its_end(WRITERS, store.path)
    expected = {f"{writer}-{number}" for writer in range(8) for number in range(20)}
    assert set(store.exercise_states(CHAPTER)) == expected
    assert len(store.events(CHAPTER)) == 160


KILLED = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
for number in range(2000):
    connection.execute(
        "INSERT INTO events VALUES (?, 0, 'check', 'unfinished', 'x', 'correct', ?, 0, NULL)",
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
    try:
        assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        assert store.path.with_name("progress.sqlite3-journal").exists()
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    store.record_check(CHAPTER, "loss", "correct")
    assert set(store.exercise_states(CHAPTER)) == {"predict", "loss"}
    assert store.events("unfinished") == []


def test_a_locked_store_puts_records_beside_it_and_merges_them_later(store, monkeypatch, capsys):
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.01)
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


def damage_the_middle(store, pages=1) -> None:
    """Overwrite pages in the middle of the file."""
    data = bytearray(store.path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + pages * 4096] = b"\xff" * (pages * 4096)
    store.path.write_bytes(data)


@pytest.fixture
def long_store(store):
    """A store of 300 entries, on some thirty pages."""
    events = [
        new_event("check", CHAPTER, f"exercise-{number}", "correct", "long " * 20)
        for number in range(300)
    ]
    store.path.parent.mkdir()
    with contextlib.closing(store_module._connect(store.path)) as connection:
        store_module._bring_up_to_date(connection)
        store_module._insert(connection, events)
    return store


def test_all_that_can_be_read_of_a_damaged_store_is_kept(long_store, capsys):
    damage_the_middle(long_store)
    states = long_store.exercise_states(CHAPTER)
    assert 250 < len(states) <= 300
    assert {"exercise-0", "exercise-299"} <= set(states)  # before the damage, and after it
    said = capsys.readouterr().err
    assert f"{len(states)} entries of it were saved" in said
    (backup,) = long_store.path.parent.glob("progress-corrupt-*")
    assert str(backup) in said


def test_a_damaged_store_takes_no_more_records_and_loses_none(long_store):
    damage_the_middle(long_store)
    for number in range(5):  # nothing is read in between
        long_store.record_check(CHAPTER, f"later-{number}", "correct")
    (backup,) = long_store.path.parent.glob("progress-corrupt-*")
    with contextlib.closing(sqlite3.connect(backup)) as connection:
        query = "SELECT count(*) FROM events NOT INDEXED WHERE rowid > 300"
        assert connection.execute(query).fetchone() == (0,)
    later = {f"later-{number}" for number in range(5)}
    assert later < set(long_store.exercise_states(CHAPTER))


def test_a_repair_that_is_broken_off_loses_nothing(long_store, monkeypatch):
    damage_the_middle(long_store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            long_store.record_check(CHAPTER, "later", "correct")
    again = ProgressStore(long_store.path).exercise_states(CHAPTER)
    assert {"exercise-0", "exercise-299", "later"} <= set(again)


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_repair_waits_for_its_turn_however_the_lock_is_dated(long_store, capsys):
    damage_the_middle(long_store)
    lock = long_store.path.with_name("progress.sqlite3.repair")
    lock.write_bytes(b"")
    os.utime(lock, (4e9, 4e9))  # left by a process that was killed, before the clock was set back
    with only_one(lock):
        long_store.record_check(CHAPTER, "later", "correct")
        assert "later" in long_store.exercise_states(CHAPTER)
        assert not list(long_store.path.parent.glob("progress-corrupt-*"))
        assert str(long_store.pending.path) in capsys.readouterr().err
    long_store.record_check(CHAPTER, "latest", "correct")
    assert list(long_store.path.parent.glob("progress-corrupt-*"))
    assert {"later", "latest", "exercise-299"} <= set(long_store.exercise_states(CHAPTER))


def test_what_is_written_to_a_file_that_was_just_put_away_is_written_again(store, monkeypatch):
    store.record_check(CHAPTER, "predict", "correct")
    real = store_module._insert

    def put_away_then_insert(connection, events):
        monkeypatch.setattr(store_module, "_insert", real)
        os.replace(store.path, store.path.with_name("backup.sqlite3"))
        real(connection, events)

    monkeypatch.setattr(store_module, "_insert", put_away_then_insert)
    store.record_check(CHAPTER, "loss", "correct")
    assert set(store.exercise_states(CHAPTER)) == {"loss"}


def test_a_text_that_cannot_be_written_fails_no_check(store):
    store.record_check(CHAPTER, "predict", "not right yet", mistake="half a character: \ud83d")
    assert store.last_mistake(CHAPTER, "predict") == "half a character: \ufffd"


def test_half_a_character_in_a_name_or_a_text_is_marked_and_kept(store):
    store.record("clock", "", "caf\udce9", said="\ud83d", parts=["\udce9"])
    (event,) = store.events()
    assert event.exercise == "caf\ufffd"
    assert event.data == {"said": "\ufffd", "parts": ["\ufffd"]}


def test_a_line_cut_short_does_not_hide_the_others(store):
    store.pending.append(vars(new_event("check", CHAPTER, "predict", "correct")))
    with store.pending.path.open("a") as file:
        file.write('{"uid": "cut sho')
    store.pending.append(vars(new_event("check", CHAPTER, "loss", "correct")))
    store.pending.append({"uid": "x", "kind": {}, "at": "never"})
    assert set(store.exercise_states(CHAPTER)) == {"predict", "loss"}
    store.record_check(CHAPTER, "step", "correct")
    assert len(store.events()) == 3


def test_a_record_merged_twice_counts_once(store):
    event = new_event("check", CHAPTER, "predict", "correct")
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
    assert [record["uid"] for record in store.pending.read()] == ["second"]
    store.pending.drain(take)
    assert taken == ["first", "second"]
    assert store.pending.read() == []


def test_records_that_a_killed_process_was_merging_are_merged_by_the_next(store, monkeypatch):
    store.pending.append({"uid": "first"})
    with pytest.raises(KeyboardInterrupt):
        store.pending.drain(interrupt)
    store.pending.append({"uid": "second"})
    assert {record["uid"] for record in store.pending.read()} == {"first", "second"}
    taken = []
    store.pending.drain(taken.extend)
    assert {record["uid"] for record in taken} == {"first", "second"}
    assert not list(store.path.parent.iterdir())


MANY_WRITERS = """
import json, os, sys
from pathlib import Path
from descent.study.pending import PendingFile
folder, writers = Path(sys.argv[1]), 16
pending, children = PendingFile(folder / "pending.jsonl"), []
for writer in range(writers):
    children.append(os.fork())
    if children[-1] == 0:
        taken = set()
        for number in range(100):
            pending.append({"uid": f"{writer}-{number}"})
            if writer % 4 == 0:
                pending.drain(lambda found: taken.update(record["uid"] for record in found))
        (folder / f"taken-{writer}").write_text(json.dumps(sorted(taken)))
        os._exit(0)
assert not any(os.waitpid(child, 0)[1] for child in children)
"""


def test_many_writers_lose_nothing_while_others_merge(tmp_path):
    run_to_its_end(MANY_WRITERS, tmp_path)
    waiting = PendingFile(tmp_path / "pending.jsonl").read()
    found = {record["uid"] for record in waiting}
    for path in tmp_path.glob("taken-*"):
        found |= set(json.loads(path.read_text()))
    assert len(found) == 1600


def test_a_check_that_could_not_grade_changes_nothing(store) -> None:
    store.record_check(CHAPTER, "predict", "not right yet", mistake="You summed.")
    store.record_check(CHAPTER, "predict", "could not grade")
    state = store.exercise_states(CHAPTER)["predict"]
    assert (state.tries, state.outcome, state.last_mistake) == (1, "not right yet", "You summed.")
    store.record_check(CHAPTER, "predict", "correct")
    store.record_check(CHAPTER, "predict", "could not grade")
    state = store.exercise_states(CHAPTER)["predict"]
    assert state.done and (state.tries, state.outcome) == (2, "correct")
    store.record_check(CHAPTER, "loss", "could not grade")
    assert "loss" not in store.exercise_states(CHAPTER)


FIRST_LAYOUT = """
CREATE TABLE events (
    uid TEXT PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, chapter TEXT NOT NULL,
    exercise TEXT NOT NULL, outcome TEXT, mistake TEXT, seconds REAL NOT NULL
);
INSERT INTO events
VALUES ('a', 1.0, 'check', 'ladder/01_scalar_regression', 'loss', 'correct', NULL, 0.1);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old_store(store) -> ProgressStore:
    """A record in the layout of the course's first version."""
    store.path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        connection.executescript(FIRST_LAYOUT)
    return store


def test_a_record_of_the_first_layout_is_read_without_changing_it(old_store):
    before = old_store.path.read_bytes()
    assert outcomes(old_store) == ["correct"]
    assert old_store.path.read_bytes() == before


def test_a_record_of_the_first_layout_takes_new_kinds_and_keeps_the_old(old_store):
    old_store.record("review", CHAPTER, "slopes", remembered=True, seconds=4.5)
    first, second = old_store.events()
    assert (first.outcome, first.data) == ("correct", {})
    assert (second.kind, second.exercise) == ("review", "slopes")
    assert second.data == {"remembered": True, "seconds": 4.5}


def test_two_records_merged_are_their_union(store, tmp_path):
    other = ProgressStore(tmp_path / "other" / "progress.sqlite3")
    store.record("review", CHAPTER, "slopes", remembered=True)
    other.record("predict", CHAPTER, "steps", value=3, sure=0.7)
    theirs = [dict(vars(event)) for event in other.events()]
    assert store.merge([*theirs, {"uid": "no event"}, {**theirs[0], "data": "no object"}]) == 1
    assert store.merge(theirs) == 0
    assert [event.kind for event in store.events()] == ["review", "predict"]
    assert store.events()[1].data == {"value": 3, "sure": 0.7}


def test_what_waits_beside_a_locked_store_keeps_its_data(store, monkeypatch):
    store.record_start(CHAPTER)
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.01)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.record("write", CHAPTER, "why", text="Weil ‚exp‘ überläuft: 88,7")
        other.execute("ROLLBACK")
    store.record_start(CHAPTER)
    kept = [event for event in store.events() if event.kind == "write"]
    assert kept[0].data == {"text": "Weil ‚exp‘ überläuft: 88,7"}


def test_what_was_renamed_keeps_its_history(store, tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "book").mkdir()
    names = tmp_path / "book" / "former_ids.yml"
    names.write_text(
        "ladder/01_scalar: ladder/01_scalar_regression\n"
        "ladder/01_scalar_regression/slope: ladder/01_scalar_regression/slopes\n"
        "ladder/01_scalar_regression/slopes: ladder/01_scalar_regression/gradient\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path))
    store.record_check("ladder/01_scalar", "slope", "correct")
    store.record_check("ladder/99_unknown", "other", "correct")
    store.record("review", CHAPTER, "prediction:slope", remembered=True)
    assert [(event.chapter, event.exercise) for event in store.events()] == [
        (CHAPTER, "gradient"),
        ("ladder/99_unknown", "other"),
        (CHAPTER, "prediction:gradient"),
    ]


def test_a_file_of_names_that_is_no_yaml_keeps_nobody_from_their_record(
    store, tmp_path, monkeypatch
):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "former_ids.yml").write_text("ladder/01: [", encoding="utf-8")
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path))
    store.record_check(CHAPTER, "loss", "correct")
    assert outcomes(store) == ["correct"]
