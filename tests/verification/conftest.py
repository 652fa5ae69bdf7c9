"""A small made-up course, of which every chapter has been verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from descent.authoring.course import Course, load_course
from descent.study.catalog import Chapter
from descent.verification.fingerprints import Fingerprint, fingerprint
from descent.verification.imports import ImportGraph
from descent.verification.plan import Step, what_changed
from descent.verification.records import Record, write_record

CHAPTERS = 16

SOURCE = '''\
# ---
# title: Chapter {number}
# subtitle: A made-up one
# part: toys
# hours: 1
# needs: []
# teaches: [nothing]
# builds: nothing
# number: none
# data: synthetic
# recall:
#   - {{id: what, section: idea, q: "What?", a: "That."}}
# ---

# %% [markdown]
# # Chapter {number}

# %%
from descent import chapter, check, hint, measured
from descent.data import line

# %% exercise="predict"
def predict(w, x):
    """Predict."""
    ### BEGIN SOLUTION
    return w * x
    ### END SOLUTION

# %% check="predict"
check(predict)

# %%
print(measured("speeds"))
'''


@dataclass(frozen=True)
class Toys:
    """The course folder, and what is done with it."""

    root: Path

    def course(self) -> Course:
        return load_course(self.root)

    def source(self, number: int) -> Path:
        return self.root / "solutions" / "toys" / f"{number:02}_toy_{number}.py"

    def exercises(self, number: int) -> Path:
        return self.root / "src" / "descent" / "exercises" / "toys" / f"toy_{number}.py"

    def verified(self, seconds: float = 60.0) -> None:
        """Write every chapter's record, as if all had passed."""
        course, graph = self.course(), ImportGraph()
        for chapter in course.chapters:
            now = fingerprint(course, chapter, graph)
            write_record(self.root, chapter, Record(now, [], seconds))

    def forget_room(self, chapter: Chapter, room: str) -> None:
        """Change a chapter's record as if a room had been another when it was verified."""
        old = fingerprint(self.course(), chapter, ImportGraph())
        before = Fingerprint(old.own, {**old.rooms, room: "another"}, old.versions)
        write_record(self.root, chapter, Record(before, [], 60.0))

    def plan(self, day: int = 1, budget: float = 1e9) -> dict[str, Step]:
        """Return the day's plan by the chapters' numbers."""
        steps = what_changed(self.course(), day, budget)
        return {step.chapter[5:7]: step for step in steps}


@pytest.fixture
def toys(tmp_path: Path) -> Toys:
    course = Toys(tmp_path)
    (tmp_path / "requirements.txt").write_text("numpy==1.0\ntorch==2.0 ; python_version > '3'\n")
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "book" / "results" / "speeds.json").write_text("[1]")
    for number in range(1, CHAPTERS + 1):
        for path, text in (
            (course.source(number), SOURCE.format(number=number)),
            (course.exercises(number), "from descent.grading import Exercise\n"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return course


@pytest.fixture
def edit() -> Callable[[Path], None]:
    """Return a function that changes a file a little."""

    def change(path: Path) -> None:
        path.write_text(path.read_text() + "\n# changed\n")

    return change
