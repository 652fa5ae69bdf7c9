"""The hashes of everything a chapter rests on."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from descent.authoring.course import Course
from descent.authoring.declared import exercises_files
from descent.authoring.freshness import measurements_read
from descent.authoring.source import ChapterSource, read_source
from descent.authoring.written import recorded_runs
from descent.runs.results.records import results_of
from descent.study.catalog import Chapter
from descent.verification.imports import ENGINE, PACKAGE, ImportGraph

COMPUTING = ("jax", "jaxlib", "matplotlib", "numpy", "optax", "scikit-learn", "scipy", "torch")
"""The locked packages whose versions decide what a chapter computes."""

LOCK = "requirements.txt"


@dataclass(frozen=True)
class Fingerprint:
    """What a chapter rests on, as hashes by name.

    Attributes
    ----------
    own : dict
        Its source, its exercises, the measurements and results it shows.
    rooms : dict
        For each room of the package, the modules of it that the chapter reaches.
    versions : dict
        The versions of :data:`COMPUTING`. Python's own is not among them: a record holds for
        every Python that the course supports.
    """

    own: dict[str, str]
    rooms: dict[str, str]
    versions: dict[str, str]


def fingerprint(course: Course, chapter: Chapter, graph: ImportGraph) -> Fingerprint:
    """Hash what a chapter rests on.

    Raises
    ------
    AuthoringError
        When the chapter's source cannot be read.
    """
    source = read_source(chapter, course.name_of(chapter.source))
    return Fingerprint(_own(course, source), _rooms(source, graph), _versions(course.root))


def _own(course: Course, source: ChapterSource) -> dict[str, str]:
    results = course.root / "book" / "results"
    files = [source.chapter.source, *exercises_files(course.root, source.chapter)]
    files += [results / f"{name}.json" for name in measurements_read(source)]
    own = {course.name_of(path): _digest([path]) for path in files}
    for run in recorded_runs(source):
        shown = results_of(run, course.root)
        own[f"the results of {run.name}"] = hashlib.sha256(shown.encode()).hexdigest()[:16]
    return own


def _rooms(source: ChapterSource, graph: ImportGraph) -> dict[str, str]:
    code = "\n".join(cell.text for cell in source.cells if cell.role != "prose")
    exercises = f"{PACKAGE}.exercises.{source.chapter.part}.{source.chapter.slug}"
    own = graph.modules_below(exercises)
    reached = graph.reached_from({*graph.imported_by_code(code), exercises, *own, *ENGINE}) - own
    by_room: dict[str, list[Path]] = defaultdict(list)
    for module in sorted(reached):
        name = module.split(".")
        by_room[name[1] if len(name) > 1 else PACKAGE].append(graph.file_of(module))
    return {room: _digest(_with_companions(files)) for room, files in sorted(by_room.items())}


def _with_companions(files: Iterable[Path]) -> list[Path]:
    """Add what lies beside the modules and is not Python: scripts, style sheets, profiles."""
    found = set(files)
    for folder in {path.parent for path in found}:
        beside = [path for path in folder.iterdir() if path.is_file() or _is_plain(path)]
        for path in beside:
            below = path.rglob("*") if path.is_dir() else [path]
            found |= {p for p in below if p.is_file() and p.suffix not in (".py", ".pyc")}
    return sorted(found)


def _is_plain(folder: Path) -> bool:
    return folder.name != "__pycache__" and not (folder / "__init__.py").exists()


def _versions(root: Path) -> dict[str, str]:
    locked = dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", (root / LOCK).read_text("utf-8")))
    return {name: locked[name] for name in COMPUTING if name in locked}


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        data = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]
