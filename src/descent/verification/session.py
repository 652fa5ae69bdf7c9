"""The pytest plugin of ``make test``: how the work is shared out, and which chapters passed.

Loaded with ``-p descent.verification.session``. At the end of the session it prints the score of
the graders, and writes what concerns chapters to the file that :data:`REPORT_VARIABLE` names.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

REPORT_VARIABLE = "DESCENT_VERIFICATION_REPORT"

SCORE = "grader score"
"""The property by which a test of graders hands over a chapter's scores."""

ALONE = "tests/course/"
"""Where each test is a chapter, and goes to whichever process is free."""


@dataclass
class Tested:
    """What one session found out about chapters, by words that test names contain.

    Attributes
    ----------
    passed, failed : list of str
        Names of tests.
    scores : dict
        The audit's scores by chapter.
    seconds : dict
        How long each test took, set-up and tear-down included, by its name.
    """

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    scores: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    __test__ = False  # for pytest, which takes the name for that of a test

    @classmethod
    def read(cls, path: Path) -> Tested:
        """Read what a session wrote; nothing where it wrote nothing, as when it was killed."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def passed_whole(self, chapter_id: str) -> bool:
        """Say whether a chapter's audit, both its notebooks and no other test of it failed."""
        if any(chapter_id in name for name in self.failed) or chapter_id not in self.scores:
            return False
        page = f"solutions/{chapter_id}.ipynb"
        blank = "test_blank_notebooks"
        names = [name for name in self.passed if chapter_id in name]
        return any(page in n for n in names) and any(blank in n for n in names)

    def seconds_of(self, chapter_id: str) -> float:
        """Return how long the tests of a chapter took."""
        return sum(took for name, took in self.seconds.items() if chapter_id in name)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Keep each file (and notebook) in one process, but share out the chapters of the course."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrChapter(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            alone = nodeid.startswith(ALONE)
            return nodeid if alone else str(super()._split_scope(nodeid))

    if config.getoption("dist") != "loadfile":
        return None
    return ByFileOrChapter(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the score of the graders, whichever process graded which chapter; write the report."""
    tested = _tested(terminalreporter.stats)
    if tested.scores:
        _print_scores(terminalreporter, tested.scores)
    if path := os.environ.get(REPORT_VARIABLE):
        Path(path).write_text(json.dumps(vars(tested)), encoding="utf-8")


def _tested(stats: dict[str, list[Any]]) -> Tested:
    tested = Tested()
    seconds: dict[str, float] = defaultdict(float)
    reports = [one for found in stats.values() for one in found if hasattr(one, "nodeid")]
    for report in reports:
        seconds[report.nodeid] += getattr(report, "duration", 0.0)
        for name, value in getattr(report, "user_properties", ()):
            if name == SCORE:
                tested.scores[value["chapter"]] = value["scores"]
    tested.failed = [r.nodeid for kind in ("failed", "error") for r in stats.get(kind, [])]
    tested.passed = [r.nodeid for r in stats.get("passed", [])]
    tested.seconds = dict(seconds)
    return tested


def _print_scores(reporter: Any, by_chapter: dict[str, list[dict[str, Any]]]) -> None:
    from descent.authoring.chapter_audit import summary
    from descent.grading.audit import Score

    reporter.section("the graders graded")
    everything = []
    for chapter, kept in sorted(by_chapter.items()):
        scores = [Score(**one) for one in kept]
        everything += scores
        reporter.write_line(f"{chapter}: {summary(scores)}")
    reporter.write_line(summary(everything))
