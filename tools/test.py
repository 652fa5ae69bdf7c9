"""``make test``: every step, in order, and at the end which of them failed.

    tools/test.py                      what changed, and a rotating part of the rest
    tools/test.py --all                every chapter as a whole
    tools/test.py --chapter ladder/04  what concerns one chapter
    tools/test.py -- -k mnist          pytest alone, with these arguments

The code itself is always checked and tested. How deeply each chapter is verified is planned first,
and printed with the reason: see `descent.verification`. A chapter that passes as a whole gets its
record written anew.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from descent.authoring.course import Course, load_course
from descent.authoring.problems import AuthoringError
from descent.errors import CourseError
from descent.study.catalog import Chapter
from descent.verification.fingerprints import Fingerprint, fingerprint
from descent.verification.imports import ImportGraph
from descent.verification.light import FOLDER as LIGHT
from descent.verification.light import write_light_notebook
from descent.verification.plan import (
    PLAN_VARIABLE,
    Depth,
    Step,
    everything,
    only,
    what_changed,
    write_plan,
)
from descent.verification.records import Record, orphaned_records, write_record
from descent.verification.session import REPORT_VARIABLE, Tested

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent

LINT = [PYTHON, "-m", "ruff", "check", "."]
FRESH = [PYTHON, "-m", "descent", "check-chapters"]

# Two at a time, one from each list: most of them keep one core busy.
LANES = (
    {
        "types": [PYTHON, "-m", "mypy"],
        "lint": LINT,
        "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
        "imports": [str(SCRIPTS / "lint-imports")],
    },
    {
        "chapters fresh": FRESH,
        "book": [PYTHON, "-m", "descent.serving.book"],
    },
)

# nbval's own cell timeout is 2000 s. Ten minutes stop a cell that hangs, on the busiest machine; no
# right cell is near it. nbval finds notebooks only inside the rootdir, and under xdist a notebook
# must stay in one process, hence loadfile. Notebooks among the tests are material.
PYTEST = [PYTHON, "-m", "pytest", "-p", "descent.verification.session"]
SHARED_OUT = ["-n", "2", "--dist", "loadfile"]
NOTEBOOKS = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]
NO_MATERIAL = "--ignore-glob=tests/*.ipynb"
OF_CHAPTERS = ["tests/course", "tests/browser/test_pages.py"]
WITHOUT_BROWSER = ["tests/course"]


def environment(home: Path) -> dict[str, str]:
    """Return the tests' environment: records of their own, no browser window, two quiet cores."""
    own = {**os.environ, "DESCENT_HOME": str(home), "DESCENT_NO_BROWSER": "1", "PYTHONUTF8": "1"}
    own["DESCENT_WORK"] = str(home / "work")  # the chapters' own numbers, not the tester's
    own[PLAN_VARIABLE], own[REPORT_VARIABLE] = str(home / "plan.json"), str(home / "tested.json")
    own.setdefault("OMP_NUM_THREADS", "1")
    own["PATH"] = os.pathsep.join([str(SCRIPTS), own.get("PATH", "")])
    return own


# --- the steps before the tests -----------------------------------------------------------------


def run_lanes(lanes: Iterable[dict[str, list[str]]], variables: dict[str, str]) -> list[str]:
    """Run the steps of each lane in order, the lanes beside each other; return which failed."""
    failed: list[str] = []
    threads = [
        threading.Thread(target=_run_steps, args=(lane, variables, failed)) for lane in lanes
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def _run_steps(steps: dict[str, list[str]], variables: dict[str, str], failed: list[str]) -> None:
    for name, command in steps.items():
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        passed = done.returncode == 0
        verdict = "passed" if passed else "FAILED"
        # In one piece, so that the lanes' outputs do not mix.
        text = f"\n== {name}: {verdict}, {time.monotonic() - began:.0f} s\n{done.stdout.rstrip()}"
        print(text, flush=True)
        if not passed:
            failed.append(name)


# --- the chapters -------------------------------------------------------------------------------


def make_plan(course: Course, arguments: argparse.Namespace) -> list[Step]:
    """Decide each chapter's depth."""
    if arguments.all:
        return everything(course)
    if arguments.chapter:
        return only(course, course.select([arguments.chapter]))
    return what_changed(course, datetime.date.today().toordinal())


def show_plan(plan: list[Step]) -> None:
    """Print for each chapter how deeply it is verified, and why."""
    print("\n== how deeply each chapter is verified, and why", flush=True)
    width = max((len(step.chapter) for step in plan), default=0)
    for step in plan:
        print(f"{step.chapter:<{width}}  {step.depth:<7}  {step.reason}", flush=True)


def notebooks_to_run(course: Course, plan: list[Step]) -> list[str]:
    """Return the notebooks for nbval: pages as they are, or cut down to what is light."""
    paths = []
    for step in plan:
        chapter = course.find(step.chapter)
        assert chapter is not None
        if step.depth is Depth.WHOLE:
            paths.append(chapter.solution)
        elif step.depth is Depth.LIGHT:
            cut = ROOT / LIGHT / f"{chapter.id}.ipynb"
            write_light_notebook(chapter.solution, cut)
            paths.append(cut)
    return [course.name_of(path) for path in paths if path.is_file()]


def fingerprints(course: Course, plan: list[Step]) -> dict[str, Fingerprint]:
    """Return what the chapters that are verified as a whole rest on, before they are."""
    graph = ImportGraph()
    return {
        chapter.id: fingerprint(course, chapter, graph)
        for chapter in chapters_at(course, plan, Depth.WHOLE)
    }


def chapters_at(course: Course, plan: list[Step], depth: Depth) -> list[Chapter]:
    """Return the chapters that the plan verifies at a depth."""
    chosen = {step.chapter for step in plan if step.depth is depth}
    return [chapter for chapter in course.chapters if chapter.id in chosen]


def keep_records(course: Course, before: dict[str, Fingerprint], tested: Tested) -> None:
    """Write the record of each chapter that passed as a whole, and say which are new."""
    written = []
    for chapter_id, rested_on in before.items():
        chapter = course.find(chapter_id)
        if chapter is None or not tested.passed_whole(chapter_id):
            continue
        scores, seconds = tested.scores[chapter_id], tested.seconds_of(chapter_id)
        if write_record(course.root, chapter, Record(rested_on, scores, round(seconds))):
            written.append(chapter_id)
    for orphan in orphaned_records(course.root, list(course.chapters)):
        orphan.unlink()
        written.append(f"{course.name_of(orphan)} (deleted)")
    if written:
        print(f"\nRecords of what was verified, to commit: {', '.join(written)}", flush=True)


# --- everything together ------------------------------------------------------------------------


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line; what stands after ``--`` is for pytest."""
    parser = argparse.ArgumentParser(description="Verify the course.")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--all", action="store_true", help="every chapter as a whole")
    depth.add_argument("--chapter", default="", help="what concerns one chapter")
    parser.add_argument("--chapters-only", action="store_true", help="nothing of the code, no book")
    parser.add_argument(
        "pytest", nargs="*", help="arguments for pytest, which then is all that runs"
    )
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Run every step; return 0 only if all passed."""
    arguments = parse(words)
    with tempfile.TemporaryDirectory(prefix="descent-") as folder:
        variables = environment(Path(folder))
        if arguments.pytest:
            del variables[PLAN_VARIABLE]
            session = [*PYTEST, *SHARED_OUT, *NOTEBOOKS, *arguments.pytest]
            return subprocess.run(session, cwd=ROOT, env=variables).returncode
        try:
            return verify(arguments, variables)
        except (AuthoringError, CourseError) as error:
            print(f"make test: {error}")
            return 1


def verify(arguments: argparse.Namespace, variables: dict[str, str]) -> int:
    """Run the steps, the tests and the planned chapters; keep the records of what passed."""
    course = load_course(ROOT)
    plan = make_plan(course, arguments)
    show_plan(plan)
    write_plan(Path(variables[PLAN_VARIABLE]), plan)
    before = fingerprints(course, plan)
    lanes: tuple[dict[str, list[str]], ...] = LANES
    places = ["tests"]
    if arguments.chapters_only:
        lanes, places = ({"chapters fresh": FRESH},), WITHOUT_BROWSER
    elif arguments.chapter:
        lanes, places = ({"chapters fresh": FRESH, "lint": LINT},), OF_CHAPTERS
    failed = run_lanes(lanes, variables)
    if failed:
        print(f"\nFailed before the tests: {', '.join(failed)}", flush=True)
    session = [*PYTEST, *SHARED_OUT, *NOTEBOOKS, NO_MATERIAL, *places]
    print("\n== tests", flush=True)
    tests = subprocess.run([*session, *notebooks_to_run(course, plan)], cwd=ROOT, env=variables)
    if tests.returncode:
        failed.append("tests")
    # A page that is stale, or a book that warns, may be any chapter's fault.
    if not failed or failed == ["tests"]:
        keep_records(course, before, Tested.read(Path(variables[REPORT_VARIABLE])))
    if failed:
        print(f"\nmake test: failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
