"""Measure what a learner waits for, and print it. Nothing here fails: the numbers are for reading.

Usage: python benchmarks/run.py [--chapters] (with --chapters every chapter is executed too)
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable

from descent.authoring.chapter_audit import references
from descent.exercises.lookup import load_exercises
from descent.grading import judge
from descent.study.catalog import Chapter, course_root, load_catalog

IMPORT_RUNS = 15
CHECK_RUNS = 7


def main() -> None:
    """Print every measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chapters", action="store_true", help="execute every chapter as well")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}")
    measure_import()
    measure_start()
    measure_checks()
    if arguments.chapters:
        measure_chapters()


def measure_import() -> None:
    """`import descent` beside a bare interpreter, alternating, medians."""
    bare, ours = [], []
    for _ in range(IMPORT_RUNS):
        bare.append(_seconds(lambda: _python("pass")))
        ours.append(_seconds(lambda: _python("import descent")))
    extra = statistics.median(ours) - statistics.median(bare)
    print(f"import descent: {1000 * extra:.0f} ms over bare Python (goal ≤ 100 ms)")


def measure_start() -> None:
    """A start when everything is installed and built: from the command to a served page."""
    started = time.perf_counter()
    command = [sys.executable, "tools/environment.py", "-m", "descent.serving", "--no-browser"]
    with subprocess.Popen([*command, "--port", "9777"], cwd=course_root(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:  # fmt: skip
        assert server.stdout is not None
        for line in server.stdout:
            if "/book/" in line:
                urllib.request.urlopen(line.split()[-1]).read()
                break
        seconds = time.perf_counter() - started
        server.send_signal(signal.SIGINT)
    print(f"make start, second time, to a served page: {seconds:.1f} s (goal ≤ 10 s)")


def measure_checks() -> None:
    """A right answer's and a wrong answer's check, exercise by exercise, medians."""
    right_all, slowest = [], (0.0, "")
    for chapter in load_catalog():
        answers = references(chapter)
        for name, exercise in load_exercises(chapter.id).items():
            right = _median(lambda: judge(exercise, answers[name]))  # noqa: B023
            wrong = max(_median(lambda: judge(exercise, mistake.answer), 1)  # noqa: B023
                        for mistake in exercise.mistakes)  # fmt: skip
            right_all.append(right)
            slowest = max(slowest, (right, f"{name} right"), (wrong, f"{name} wrong"))
            print(f"  {chapter.id:<28} {name:<24} right {1000 * right:6.0f} ms   "
                  f"slowest mistake {1000 * wrong:6.0f} ms")  # fmt: skip
    print(f"check: median {1000 * statistics.median(right_all):.0f} ms (goal ≤ 100 ms), "
          f"slowest {slowest[0]:.2f} s, {slowest[1]} (goal ≤ 1 s)")  # fmt: skip


def measure_chapters() -> None:
    """The time each chapter takes from top to bottom, as a plain script."""
    for chapter in load_catalog():
        seconds = _seconds(lambda: _run_chapter(chapter))  # noqa: B023
        print(f"chapter {chapter.id}: {seconds:.0f} s (goal ≤ 60 s)")


def _run_chapter(chapter: Chapter) -> None:
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([sys.executable, str(chapter.source)], cwd=course_root(), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, "MPLBACKEND": "agg", "DESCENT_HOME": home})  # fmt: skip


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _median(work: Callable[[], object], runs: int = CHECK_RUNS) -> float:
    return statistics.median(_seconds(work) for _ in range(runs))


if __name__ == "__main__":
    main()
