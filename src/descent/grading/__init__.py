"""How an answer is judged. This room knows no chapter.

An exercise is declared with `Exercise` by named properties and named mistakes; `judge` runs an
answer through them and returns a `Report`; `audit` grades the graders themselves.
"""

from descent.grading.draws import Draw
from descent.grading.exercise import Exercise, Hint, Mistake, Property
from descent.grading.expectations import expect
from descent.grading.judging import judge
from descent.grading.report import CheckFailed, Report

__all__ = [
    "CheckFailed", "Draw", "Exercise", "Hint", "Mistake", "Property", "Report", "expect", "judge",
]  # fmt: skip
