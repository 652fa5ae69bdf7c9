"""Make the two lock files from the dependencies declared in pyproject.toml.

Run with ``make lock``, on the oldest Python the course supports. The locks name no package index,
no local folder and no local build of torch, so that they install anywhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_PYTHON = (3, 11)
RUN_LOCK = "requirements.txt"
TEST_LOCK = "requirements-test.txt"

# Only pip is left out: a virtual environment has its own. (By default pip-tools leaves out
# setuptools as well, which torch needs.)
OPTIONS = [
    "--quiet",
    "--unsafe-package=pip",
    "--strip-extras",
    "--no-emit-find-links",
    "--no-emit-index-url",
    "--no-emit-trusted-host",
    "--no-emit-options",
    "--newline=lf",
]

# "torch==2.13.0+cpu" exists only where that build is offered; the pin is the version alone.
LOCAL_LABEL = re.compile(r"^([\w.\[\]-]+==[\w.]+)\+[\w.]+", re.MULTILINE)


def compile_lock(output: str, *options: str) -> None:
    """Write the lock ``output`` with pip-compile, then remove what is true of this machine only."""
    path = ROOT / output
    environment = {**os.environ, "CUSTOM_COMPILE_COMMAND": "make lock"}
    command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *options]
    command += ["--output-file", output, "pyproject.toml"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    path.write_text(LOCAL_LABEL.sub(r"\1", path.read_text("utf-8")), "utf-8")
    print(f"{output}: {path.read_text('utf-8').count('==')} packages")


def main() -> int:
    """Write both locks; the second one keeps to the versions of the first."""
    if sys.version_info[:2] != OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        print(
            f"make lock runs on Python {wanted}, the oldest one supported: "
            f"DESCENT_PYTHON=python{wanted} make lock, in a fresh .venv"
        )
        return 1
    # The build tools of the editable install are locked too: installing it then needs no index.
    compile_lock(RUN_LOCK, "--build-deps-for=editable", *sys.argv[1:])
    compile_lock(
        TEST_LOCK,
        "--extra=test",
        "--build-deps-for=editable",
        f"--constraint={RUN_LOCK}",
        *sys.argv[1:],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
