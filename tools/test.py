"""``make test``: every step, in order, and at the end which of them failed.

The cheap steps come first and do not stop the rest; all that needs Python to run is one pytest
session at the end: unit tests, the grader graded, every solution notebook, the book in a browser.
Arguments go to pytest, which then is the only step.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
SCRIPTS = Path(PYTHON).parent

# A chapter's code is written to be read: no annotation on every helper, names used again from cell
# to cell, and no assertion before each use of a gradient that may be None for all mypy knows. Nor
# does mypy know of buffers, or of the memory formats that `Module.to` takes.
READABLE = ["--allow-untyped-defs", "--allow-incomplete-defs", "--allow-redefinition"]
UNASSERTED = ("union-attr", "operator", "index", "arg-type", "attr-defined", "type-var")
UNKNOWN = ("var-annotated", "has-type", "call-overload")
READABLE += [f"--disable-error-code={code}" for code in UNASSERTED + UNKNOWN]

STEPS = {
    "lint": [PYTHON, "-m", "ruff", "check", "."],
    "format": [PYTHON, "-m", "ruff", "format", "--check", "."],
    "types": [PYTHON, "-m", "mypy"],
    "types of the chapters": [PYTHON, "-m", "mypy", *READABLE, "solutions"],
    "imports": [str(SCRIPTS / "lint-imports")],
    "chapters fresh": [PYTHON, "-m", "descent", "check-chapters"],
    "book": [PYTHON, "-m", "descent.serving.book"],
}

# nbval's own cell timeout is 2000 s. It finds notebooks only inside the rootdir, and under xdist a
# notebook must stay in one process, hence loadfile. Notebooks among the tests are material.
PYTEST = [PYTHON, "-m", "pytest", "-n", "2", "--dist", "loadfile"]
NOTEBOOKS = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120"]
EVERYTHING = ["tests", "solutions", "--ignore-glob=tests/*.ipynb"]


def environment(home: str) -> dict[str, str]:
    """Return the tests' environment: records of their own, no browser window, two quiet cores."""
    own = {**os.environ, "DESCENT_HOME": home, "DESCENT_NO_BROWSER": "1", "PYTHONUTF8": "1"}
    own["DESCENT_WORK"] = os.path.join(home, "work")  # the chapters' own numbers, not the tester's
    own.setdefault("OMP_NUM_THREADS", "1")
    own["PATH"] = os.pathsep.join([str(SCRIPTS), own.get("PATH", "")])
    return own


def run(name: str, command: list[str], variables: dict[str, str]) -> bool:
    """Run one step, say how long it took, and return whether it passed."""
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    passed = subprocess.run(command, cwd=ROOT, env=variables).returncode == 0
    if name != "tests":  # pytest's own closing line stays the last one
        verdict = "passed" if passed else "FAILED"
        print(f"== {name}: {verdict}, {time.monotonic() - began:.0f} s", flush=True)
    return passed


def main(arguments: list[str]) -> int:
    """Run every step; return 0 only if all passed."""
    session = [*PYTEST, *NOTEBOOKS, *(arguments or EVERYTHING)]
    steps = {} if arguments else STEPS
    with tempfile.TemporaryDirectory(prefix="descent-") as home:
        variables = environment(home)
        failed = [name for name, command in steps.items() if not run(name, command, variables)]
        if failed:
            print(f"\nFailed before the tests: {', '.join(failed)}", flush=True)
        if not run("tests", session, variables):
            failed.append("tests")
    if failed:
        print(f"\nmake test: failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
