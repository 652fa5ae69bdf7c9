"""A function in real processes: what it returns, and what is said when one of them fails."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch

from descent.errors import CourseError
from descent.runs.launching.notebook_processes import in_processes
from descent.study.answers import answers_from_source

LESSON = '''
import torch
from torch import Tensor

STEP = 10

def talk(link, start: float):
    """Each sends what it has to the right, and keeps what arrives from the left."""
    link.send(torch.full((2, 3), start + STEP * link.rank), (link.rank + 1) % link.size)
    arrived = link.receive((link.rank - 1) % link.size)
    return {"arrived": arrived, "sent": link.sent[0].size}

def fails(link):
    if link.rank == 1:
        raise ArithmeticError("one of us cannot count")
    return link.receive(1)

raise SystemExit("this is not a definition, and so never runs")
'''


@pytest.fixture
def lesson(tmp_path: Path) -> ModuleType:
    path = tmp_path / "lesson.py"
    path.write_text(LESSON, encoding="utf-8")
    return answers_from_source(path, "answers_of_a_file")


def test_processes_exchange_tensors_and_return_by_rank(lesson: ModuleType) -> None:
    found = in_processes(lesson.talk, 2, 0.5)
    assert torch.equal(found[0]["arrived"], torch.full((2, 3), 10.5))
    assert torch.equal(found[1]["arrived"], torch.full((2, 3), 0.5))
    assert found[0]["sent"] == 24


def test_when_one_fails_its_error_is_shown_and_the_others_end(lesson: ModuleType) -> None:
    with pytest.raises(CourseError, match="Process 1 failed(.|\n)*one of us cannot count"):
        in_processes(lesson.fails, 2)
