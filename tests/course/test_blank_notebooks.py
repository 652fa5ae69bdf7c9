"""A learner's notebook, run before anything is written: every exercise says "not attempted"."""

from __future__ import annotations

import pytest

from descent.study.catalog import Chapter, load_catalog
from descent.study.headless import check_notebook


@pytest.mark.parametrize("chapter", load_catalog(), ids=lambda chapter: chapter.id)
def test_every_exercise_is_not_attempted(chapter: Chapter) -> None:
    report = check_notebook(chapter.notebook)
    assert report.problems == ()
    outcomes = {result.exercise: result.outcome for result in report.results}
    assert outcomes == dict.fromkeys(chapter.exercises, "not attempted")
