"""What is kept of edited answers between checks."""

from __future__ import annotations

from descent.grading.sources import Source
from descent.grading.suspects import _defined


def test_the_same_text_in_two_modules_means_two_things():
    text = "def scaled(x):\n    return FACTOR * x\n"
    modules = [{"FACTOR": 2}, {"FACTOR": 3}]
    scaled = [_defined(Source("scaled", text, module), text)(10) for module in modules]
    assert scaled == [20, 30]
