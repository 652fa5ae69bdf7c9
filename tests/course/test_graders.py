"""Every grader that the plan names is graded: see `descent.grading.audit`."""

from __future__ import annotations

import pytest

from descent.authoring.chapter_audit import audit_chapter
from descent.grading.audit import Depth as AuditDepth
from descent.grading.audit import Score
from descent.study.catalog import Chapter, load_catalog
from descent.verification.plan import Depth, planned
from descent.verification.session import SCORE


def scores_of(chapter: Chapter, depth: AuditDepth, record_property) -> list[Score]:
    scores = audit_chapter(chapter, depth)
    assert scores, "a chapter without graded exercises"
    if depth is AuditDepth.WHOLE:
        kept = [score.as_json() for score in scores]
        record_property(SCORE, {"chapter": chapter.id, "scores": kept})
    return scores


def expect_sound(scores: list[Score]) -> None:
    """Fail for what is wrong, and then skip, by name, for what this machine cannot grade."""
    faults = [f"{score.exercise}: {fault}" for score in scores for fault in score.faults]
    assert not faults, "\n".join(faults)
    not_graded = [f"{score.exercise} NOT GRADED. {score.not_graded}" for score in scores
                  if score.not_graded]  # fmt: skip
    if not_graded:
        pytest.skip(" ".join(not_graded))


@pytest.mark.parametrize("chapter", planned(Depth.WHOLE, load_catalog()), ids=lambda c: c.id)
def test_graders_reject_every_mistake_by_name_and_every_mutant(chapter, record_property) -> None:
    expect_sound(scores_of(chapter, AuditDepth.WHOLE, record_property))


@pytest.mark.parametrize("chapter", planned(Depth.LIGHT, load_catalog()), ids=lambda c: c.id)
def test_graders_pass_the_reference_and_name_every_mistake(chapter, record_property) -> None:
    expect_sound(scores_of(chapter, AuditDepth.LIGHT, record_property))
