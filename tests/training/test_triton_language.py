"""Triton where it has a build: in its interpreter without a GPU, and missed in words."""

from __future__ import annotations

import pytest
import torch

from descent.exercises.references import reference_answer, reference_module
from descent.exercises.research.training_at_scale import adam_kernel
from descent.grading.audit import Depth, audit
from descent.grading.judging import judge
from descent.grading.report import COULD_NOT_GRADE, NOT_ATTEMPTED
from descent.study.catalog import find_chapter
from descent.training import triton_language
from descent.training.triton_language import NO_TRITON, tl, triton

CHAPTER = "research/03_training_at_scale"


def double(values, count, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(values + at, mask=at < count, other=0.0)
    tl.store(values + at, 2 * x, mask=at < count)


@pytest.mark.skipif(triton is None, reason="Triton has no build here")
@pytest.mark.skipif(torch.cuda.is_available(), reason="compiled, not interpreted")
def test_a_kernel_runs_without_a_gpu() -> None:
    values = torch.arange(7.0)
    triton.jit(double)[(2,)](values, 7, BLOCK=4)
    assert values.tolist() == [0, 2, 4, 6, 8, 10, 12]


def test_without_triton_a_kernel_cannot_be_judged_and_it_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import importlib

    module = importlib.import_module("descent.exercises.research.training_at_scale.adam_kernel")
    monkeypatch.setattr(module, "triton", None)
    report = judge(adam_kernel, reference_answer(CHAPTER, "adam_kernel"), seed=0)
    assert report.outcome == COULD_NOT_GRADE
    assert report.unjudged is not None and NO_TRITON in str(report.unjudged)
    assert report.unjudged.not_installed
    assert triton_language.NO_TRITON == NO_TRITON

    def stub(*_: object, BLOCK: int = 1) -> None:  # noqa: N803
        raise NotImplementedError

    assert judge(adam_kernel, stub, seed=0).outcome == NOT_ATTEMPTED
    score = audit(adam_kernel, reference_module(find_chapter(CHAPTER)), "", stub, Depth.LIGHT)
    assert NO_TRITON in score.not_graded and "NOT GRADED HERE" in score.line()
    assert score.faults == []
