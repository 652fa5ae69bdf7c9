"""How an answer is judged. This room knows no chapter.

An exercise is declared with :class:`Exercise` by named properties and named mistakes; :func:`judge`
runs an answer through them and returns a :class:`Report`; ``audit`` grades the graders themselves.

What happens where. The author's side: ``exercise`` is the declaration, ``returns`` says what type
comes back, ``sources`` holds a plain right answer, ``draws`` gives a property its inputs,
``expectations`` is what it says of an answer. Running: ``sandbox`` limits and isolates what is run,
``calls`` and ``methods`` hand inputs over and find the learner's line in an error, ``trials``
runs properties and keeps what an answer did; ``judging`` puts it all in order. Explaining:
``values`` and ``differences`` compare and put a difference into words (``claims`` of all numbers,
``places`` of the wrong ones, ``shapes``, and ``plain_differences`` of what is no number, in the
``notation`` of reports); ``diagnosis`` finds the mistake that does the same among the
``suspects``, which are declared or made by the machine's ``edits``, with ``replay`` to see quickly
which are not it; ``questions`` asks the answer itself; ``explaining`` makes a failure of it,
``unjudged`` what is said where the check and not the answer is at fault, and ``report`` shows it.
``audit`` grades the graders, with wrong answers that ``mutants`` makes.
"""

from descent.grading.draws import Draw
from descent.grading.exercise import Exercise, Hint, Mistake, Property
from descent.grading.expectations import expect
from descent.grading.judging import judge
from descent.grading.report import CheckFailed, Report

__all__ = [
    "CheckFailed", "Draw", "Exercise", "Hint", "Mistake", "Property", "Report", "expect", "judge",
]  # fmt: skip
