"""Every grader of the course is graded: see `descent.grading.audit`."""

from __future__ import annotations

import pytest

from descent.authoring.chapter_audit import audit_chapter, summary
from descent.study.catalog import Chapter, load_catalog


@pytest.mark.parametrize("chapter", load_catalog(), ids=lambda chapter: chapter.id)
def test_graders_reject_every_mistake_by_name_and_every_mutant(
    chapter: Chapter, record_property
) -> None:
    scores = audit_chapter(chapter)
    for place, score in enumerate(scores):
        record_property("grader score", f"{chapter.id} {place} {score.line()}")
    record_property("grader score", f"{chapter.id} sum {summary(scores)}")
    faults = [f"{score.exercise}: {fault}" for score in scores for fault in score.faults]
    assert scores, "a chapter without graded exercises"
    assert not faults, "\n".join(faults)
