"""Build the book with Jupyter Book, strictly, and only when something in it changed.

``python -m descent.serving.book`` is ``make book``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from descent.errors import CourseError
from descent.locks import in_turn
from descent.serving.book_progress import BookProgress
from descent.study.paths import course_root

COLOUR_CODE = re.compile("\x1b\\[[0-9;]*m")  # Sphinx writes them even where no terminal is


@dataclass(frozen=True)
class Build:
    """What came of asking for the book.

    Parameters
    ----------
    strict
        Whether the book was built without a single warning.
    done
        Whether anything was built; False when the book was up to date.
    message
        One line for the reader.
    """

    strict: bool
    done: bool
    message: str


def build_folder(root: Path) -> Path:
    """Return the folder that holds all that is built."""
    return root / "_build"


def html_folder(root: Path) -> Path:
    """Return the folder of the book's pages."""
    return build_folder(root) / "html"


def log_file(root: Path) -> Path:
    """Return the file with the last build's whole output."""
    return build_folder(root) / "book.log"


def book_sources(root: Path) -> Iterator[Path]:
    """Yield every file the book is made from, in a fixed order."""
    for name in ("_config.yml", "_toc.yml", "README.md", "requirements.txt"):
        if (root / name).is_file():
            yield root / name
    yield from sorted(p for p in (root / "book").rglob("*") if p.is_file())
    yield from sorted((root / "solutions").rglob("*.ipynb"))


def source_hash(root: Path) -> str:
    """Return a hash of the names and contents of all the book is made from."""
    # The extension of the build that is the course's own; others are pinned in requirements.txt.
    digest = hashlib.sha256(Path(__file__).with_name("search_data.py").read_bytes())
    for path in book_sources(root):
        if "__pycache__" in path.parts or ".ipynb_checkpoints" in path.parts:
            continue
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_book(root: Path, force: bool = False) -> Build:
    """Build the book if it is not up to date.

    The pages are made beside the present ones and take their place when they are complete: an
    interrupted build leaves the book as it was, and a server can go on serving it.

    Parameters
    ----------
    root
        The course's folder.
    force
        Build even when nothing changed.

    Returns
    -------
    Build
        A build with warnings is not strict, but its pages are there to be read.
    """
    build_folder(root).mkdir(parents=True, exist_ok=True)
    with in_turn(build_folder(root) / "book.lock", _say_another_builds):
        present = None if force else _present_build(root)  # another program may have just built it
        return present or _build_anew(root)


def _say_another_builds() -> None:
    print("Another command is building the book; waiting for it ...", flush=True)


def _present_build(root: Path) -> Build | None:
    """Return what there is to say of the book there is, or None when it must be built."""
    stamp = _read_stamp(root)
    if stamp.get("sources") != source_hash(root) or not _has_pages(html_folder(root)):
        return None
    strict = bool(stamp.get("strict"))
    return Build(strict, False, "The book is up to date." if strict else _with_warnings(root))


def _build_anew(root: Path) -> Build:
    sources = source_hash(root)
    fresh = build_folder(root) / "in-progress"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    strict = _run_jupyter_book(root, fresh) == 0
    pages = fresh / "_build" / "html"
    if not _has_pages(pages):
        kept = "the last one stays" if _has_pages(html_folder(root)) else "there is none to read"
        log = log_file(root).relative_to(root)
        return Build(False, True, f"The book could not be built ({kept}); the reason is in {log}.")
    shutil.rmtree(html_folder(root), ignore_errors=True)
    pages.rename(html_folder(root))
    shutil.rmtree(fresh, ignore_errors=True)
    _stamp_file(root).write_text(json.dumps({"sources": sources, "strict": strict}), "utf-8")
    return Build(strict, True, "The book is built." if strict else _with_warnings(root))


def _run_jupyter_book(root: Path, output: Path) -> int:
    # An incremental build can hide a failure, hence --all; -n also reports links to nothing.
    # Jupyter Book has no "python -m" form.
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
    command += [str(root), "-W", "-n", "--keep-going", "--all", "--path-output", str(output)]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with (
        BookProgress() as progress,
        log_file(root).open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as sphinx,
    ):
        assert sphinx.stdout is not None
        for line in sphinx.stdout:
            plain = COLOUR_CODE.sub("", line)
            log.write(plain)
            progress.hear(plain)
    return sphinx.returncode


def _has_pages(folder: Path) -> bool:
    return (folder / "index.html").is_file()


def _stamp_file(root: Path) -> Path:
    return build_folder(root) / "book.json"


def _read_stamp(root: Path) -> dict[str, object]:
    try:
        stamp = json.loads(_stamp_file(root).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _with_warnings(root: Path) -> str:
    log = log_file(root).relative_to(root)
    return f"The book is built, but with warnings, which count as errors; they are in {log}."


def _complaints(root: Path) -> str:
    lines = log_file(root).read_text("utf-8", errors="replace").splitlines()
    found = [line for line in lines if "WARNING" in line or "ERROR" in line]
    return "\n".join(found or lines[-20:])


def main() -> int:
    """Build the book from scratch; on failure show the warnings and errors."""
    try:
        root = course_root()
    except CourseError as error:
        print(f"descent: {error}", file=sys.stderr)
        return 1
    build = build_book(root, force=True)
    if not build.strict:
        print(_complaints(root))
    print(build.message)
    print(f"Open {html_folder(root) / 'index.html'}")
    return 0 if build.strict else 1


if __name__ == "__main__":
    sys.exit(main())
