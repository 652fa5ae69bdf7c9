"""A learner's notebook, run before anything is written: every exercise says "not attempted"."""

from __future__ import annotations

import pytest

from descent.study.catalog import Chapter, load_catalog
from descent.study.headless import check_notebook
from descent.verification.plan import Depth, planned


@pytest.mark.parametrize("chapter", planned(Depth.WHOLE, load_catalog()), ids=lambda c: c.id)
def test_every_exercise_is_not_attempted(chapter: Chapter) -> None:
    report = check_notebook(chapter.notebook, cell_seconds=600)
    assert report.problems == ()
    outcomes = {result.exercise: result.outcome for result in report.results}
    assert outcomes == dict.fromkeys(chapter.exercises, "not attempted")
