"""Build the book strictly, apart from the reader's own build, unless nothing changed since.

    python tests/book/strict_build.py

Prints what the build said and exits with its status. The built pages are in HTML.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "_build" / "strict"
HTML = OUTPUT / "_build" / "html"
STAMP = OUTPUT / "inputs.sha256"
COMMAND = ["jupyter_book", "build", ".", "-W", "-n", "--keep-going", "--all"]
TOOLS = ("jupyter-book", "myst-nb", "sphinx", "sphinx-book-theme", "sphinxcontrib-bibtex")


def fingerprint() -> str:
    """Return the hash of everything the pages are made from."""
    digest = hashlib.sha256(" ".join(version(tool) for tool in TOOLS).encode())
    sources = [ROOT / "_config.yml", ROOT / "_toc.yml"]
    sources += sorted(path for path in (ROOT / "book").rglob("*") if path.is_file())
    sources += sorted((ROOT / "solutions").rglob("*.ipynb"))
    for path in sources:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build() -> int:
    """Build, and remember what was built if it was built without a warning."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with FileLock(OUTPUT / "lock"):
        wanted = fingerprint()
        if STAMP.exists() and STAMP.read_text() == wanted and (HTML / "search.html").exists():
            print("The book is built already.")
            return 0
        STAMP.unlink(missing_ok=True)
        command = [sys.executable, "-m", *COMMAND, "--path-output", str(OUTPUT)]
        status = subprocess.run(command, cwd=ROOT, stderr=subprocess.STDOUT, check=False).returncode
        if status == 0:
            STAMP.write_text(wanted)
        return status


if __name__ == "__main__":
    sys.exit(build())
