"""Run a book page in a kernel of this environment, and keep of its outputs what will not vary."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from descent.authoring.problems import AuthoringError
from descent.authoring.source import ChapterSource
from descent.authoring.written import FOR_PROGRAMS
from descent.figures.style import OFFLINE_MARK
from descent.study.kernel import KernelOfThisPython

CELL_SECONDS = 600

_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_CELL_FILE = re.compile(r"[^\s\"']*ipykernel_\d+[/\\]\d+\.py")
_WIDGET = "application/vnd.jupyter.widget-view+json"
_WIDGET_NOTE = "*Here is a tool to use with your own hands. It works in JupyterLab.*"


def execute(notebook: NotebookNode, source: ChapterSource, root: Path) -> None:
    """Execute a book page in place.

    The kernel works in an empty folder and keeps its progress records in another, so that nothing
    a chapter does reaches the author's own files, and no answer of theirs reaches the page;
    ``DESCENT_COURSE`` names the course.

    Parameters
    ----------
    notebook
        The page, which gets its outputs.
    source
        The chapter it was made from, to name a cell that fails.
    root
        The course folder.

    Raises
    ------
    AuthoringError
        When a cell raises, takes longer than ten minutes or kills the kernel, or when the page
        would not show the real data.
    """
    current: list[str] = []

    def remember(cell: NotebookNode, cell_index: int) -> None:
        current[:] = [cell.id]

    with tempfile.TemporaryDirectory(prefix="descent-chapter-") as folder:
        here, home = Path(folder, "chapter"), Path(folder, "home")
        here.mkdir()
        home.mkdir()
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_manager_class=KernelOfThisPython,
            resources={"metadata": {"path": str(here)}},
            coalesce_streams=True,
            record_timing=False,
            store_widget_state=False,
            on_cell_start=remember,
        )
        saved_metadata = dict(notebook.metadata)
        try:
            client.execute(env=_environment(home, root))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            cell = next(cell for cell in source.cells if cell.id == current[0])
            raise AuthoringError(source.problem(cell, _reason(error))) from error
        # The kernel adds its exact version.
        notebook.metadata = NotebookNode(saved_metadata)
        _normalise(notebook, {str(here): ".", str(home): "home", **_places(root)})
    if _shows_offline_default(notebook):
        raise AuthoringError(
            f"{source.file}: the page would show the offline default in place of the real data. "
            "Name a folder that holds the data in DESCENT_DATA, or run this with a network."
        )


def _shows_offline_default(notebook: NotebookNode) -> bool:
    """Whether an output says that an embedded default stood in for real data."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return any(
        OFFLINE_MARK in str(holder[key]) for output in outputs for holder, key in _texts(output)
    )


def _environment(home: Path, root: Path) -> dict[str, str]:
    return os.environ | {
        "DESCENT_HOME": str(home),
        "DESCENT_WORK": str(home / "work"),
        "DESCENT_COURSE": str(root),
        "PYTHONHASHSEED": "0",
        # The author's own choice of a backend must not cost the page its pictures.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _reason(error: Exception) -> str:
    if isinstance(error, CellExecutionError):
        lines = [line.strip() for line in error.evalue.splitlines() if line.strip()]
        return f"raised {error.ename}{': ' + lines[0] if lines else ''}"
    if isinstance(error, CellTimeoutError):
        return f"took longer than {CELL_SECONDS} seconds"
    return "ended the kernel"


def _places(root: Path) -> dict[str, str]:
    """Return the folders of this machine that must not appear in the book, and what to say."""
    shared = filter(None, os.environ.get("DESCENT_DATA", "").split(os.pathsep))
    return {folder.rstrip(os.sep): "data" for folder in shared} | {str(root): "."}


def _normalise(notebook: NotebookNode, places: dict[str, str]) -> None:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for holder, key in _texts(output):
                holder[key] = _plain(holder[key], places)


def _texts(output: NotebookNode) -> Iterator[tuple[Any, Any]]:
    """Yield where the texts of one output lie: a container and the key in it."""
    if output.output_type == "stream":
        yield output, "text"
    elif output.output_type == "error":
        yield output, "evalue"
        yield from ((output.traceback, place) for place in range(len(output.traceback)))
    else:
        if _WIDGET in output.data:
            # Without a kernel its view is empty.
            output.data = NotebookNode({"text/markdown": _WIDGET_NOTE})
        for kind in [kind for kind in output.data if kind.startswith(FOR_PROGRAMS)]:
            del output.data[kind]
        yield from ((output.data, kind) for kind in output.data if kind.startswith("text/"))


def _plain(text: str, places: dict[str, str]) -> str:
    text = _ADDRESS.sub("at 0x0", _CELL_FILE.sub("this cell", text))
    for folder, name in places.items():
        text = text.replace(folder, name)
    return text
