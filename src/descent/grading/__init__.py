"""How an answer is judged. This room knows no chapter.

An exercise is declared with :class:`Exercise` by named properties and named mistakes; :func:`judge`
runs an answer through them and returns a :class:`Report`; ``audit`` grades the graders themselves.

What happens where: ``exercise`` is the declaration, ``draws`` gives a property its inputs,
``expectations`` is what it says of an answer, ``values`` and ``differences`` compare and put a
difference into words (``claims`` of all numbers, ``places`` of the wrong ones, ``shapes``, and
``plain_differences`` of what is no number, in the ``notation`` of reports); ``returns`` is what
type an answer returns; ``sandbox`` limits and isolates what is run, ``calls`` hands inputs over and
finds the learner's line in an error (``methods`` watches those of a class, of which
``small_copies`` are kept), ``trials`` runs properties and keeps what an answer did;
``diagnosis`` finds the declared mistake that did the same, ``questions`` ask an answer that none
explains where it goes wrong, ``judging`` puts it all in order, and ``report`` shows it.
``unjudged`` is what is said where the check and not the answer is at fault.
``mutants`` makes wrong answers by machine, for ``audit``.
"""

from descent.grading.draws import Draw
from descent.grading.exercise import Exercise, Hint, Mistake, Property
from descent.grading.expectations import expect
from descent.grading.judging import judge
from descent.grading.report import CheckFailed, Report

__all__ = [
    "CheckFailed", "Draw", "Exercise", "Hint", "Mistake", "Property", "Report", "expect", "judge",
]  # fmt: skip
