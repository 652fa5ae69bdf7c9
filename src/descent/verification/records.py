"""What was verified as a whole: one small file a chapter, written by the verification itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from descent.study.catalog import Chapter
from descent.study.files import write_whole
from descent.verification.fingerprints import Fingerprint

FOLDER = Path("tests/verified")
"""Where the records are, below the course's folder."""


@dataclass(frozen=True)
class Record:
    """A chapter that passed as a whole.

    Attributes
    ----------
    fingerprint
        What it rested on.
    scores
        Its graders' audit: for each exercise the mistakes and mutants, and how many were killed.
    seconds
        Of processor time that its verification took, as far as it was measured by the tests.
    """

    fingerprint: Fingerprint
    scores: list[dict[str, Any]]
    seconds: float


def record_file(root: Path, chapter: Chapter) -> Path:
    """Return where a chapter's record is, or would be."""
    return root / FOLDER / chapter.part / f"{chapter.name}.json"


def read_record(root: Path, chapter: Chapter) -> Record | None:
    """Return a chapter's record; None where there is none, or nothing that can be read."""
    try:
        kept = json.loads(record_file(root, chapter).read_text(encoding="utf-8"))
        return Record(Fingerprint(**kept["fingerprint"]), kept["scores"], float(kept["seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the chapter is verified again, and the record with it


def write_record(root: Path, chapter: Chapter, record: Record) -> bool:
    """Keep a record; return whether it says anything new.

    The seconds alone are nothing new: they differ from day to day, and would make every
    verification a change to commit.
    """
    old = read_record(root, chapter)
    if old and (old.fingerprint, old.scores) == (record.fingerprint, record.scores):
        return False
    path = record_file(root, chapter)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n").encode())
    return True


def orphaned_records(root: Path, chapters: list[Chapter]) -> list[Path]:
    """Return the records of chapters that are no more."""
    known = {record_file(root, chapter) for chapter in chapters}
    return [path for path in sorted((root / FOLDER).glob("*/*.json")) if path not in known]
