"""A check that nothing can interrupt ends its process, and the next process knows of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from descent.grading.watchdog import ended_checks, watchdog

CHAPTER = "ladder/01_scalar_regression"

PROGRAM = """
import linecache, signal, sys
from pathlib import Path
from descent.grading import watchdog
from descent.grading.sandbox import time_limit

watchdog.SAY_AFTER, watchdog.END_AFTER, watchdog.BEAT = 0.1, 1.5, 0.05
text = sys.argv[2]
linecache.cache["<cell>"] = len(text), None, text.splitlines(keepends=True), "<cell>"
names = {}
exec(compile(text, "<cell>", "exec"), names)
with watchdog.watchdog(Path(sys.argv[1]), "ladder/01_scalar_regression", "predict",
                       names["predict"]), time_limit(0.05):
    names["predict"]()
"""


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    text = f"def predict():\n    {body}\n"
    program = [sys.executable, "-c", PROGRAM, str(folder), text]
    return subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)


def test_an_endless_call_of_compiled_code_ends_and_its_line_is_known(tmp_path) -> None:
    assert run(tmp_path, "return sum(iter(int, 1))").returncode == 1
    (ended,) = ended_checks(tmp_path, CHAPTER)
    assert ended.exercise == "predict" and "def predict" in ended.text
    assert "`return sum(iter(int, 1))`" in ended.words(tmp_path / "predict.py")
    assert list(tmp_path.iterdir()) == [] and ended_checks(tmp_path, CHAPTER) == []


@pytest.mark.skipif(sys.platform == "win32", reason="there the limit needs no signal")
def test_what_cannot_be_stopped_is_said_while_it_runs(tmp_path) -> None:
    body = "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass"
    done = run(tmp_path, body)
    assert done.returncode == 1
    assert "predict is past its time limit" in done.stdout and "while True: pass" in done.stdout


def test_a_process_that_ends_in_any_other_way_is_told_of_too(tmp_path) -> None:
    run(tmp_path, "import os; os._exit(3)")
    (ended,) = ended_checks(tmp_path, CHAPTER)
    words = ended.words(tmp_path / "predict.py")
    assert "ended during your last check of `predict`" in words and "predict.py" in words


def test_a_check_that_ends_leaves_nothing(tmp_path) -> None:
    with watchdog(tmp_path, CHAPTER, "predict"):
        assert len(list(tmp_path.glob(f"{os.getpid()}.*"))) == 2
        assert ended_checks(tmp_path, CHAPTER) == []  # its process is running
    assert list(tmp_path.iterdir()) == []


def test_a_note_of_another_chapter_or_none_at_all_is_left_alone(tmp_path) -> None:
    run(tmp_path, "import os; os._exit(3)")
    (tmp_path / "7.json").write_text("{half a no")
    assert ended_checks(tmp_path, "ladder/02_autograd") == []
    assert ended_checks(tmp_path / "missing", CHAPTER) == []
    assert len(ended_checks(tmp_path, CHAPTER)) == 1


def test_a_folder_that_cannot_be_written_stops_no_check(tmp_path) -> None:
    (tmp_path / "checks").write_text("a file in the way")
    with watchdog(tmp_path / "checks", CHAPTER, "predict"):
        pass
