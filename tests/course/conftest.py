"""The whole course: every chapter that has a source, and the score of its graders."""

from __future__ import annotations

from typing import Any

import pytest

SCORE = "grader score"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of scores, whichever process graded which chapter."""
    scores = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == SCORE
    ]
    if scores:
        terminalreporter.section("the graders graded")
        for line in sorted(scores):
            terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def separate_records(tmp_path, monkeypatch) -> None:
    """Keep the results of these runs out of everybody's progress."""
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path))
