"""The wrong answers that a failing one is compared with, at one seed.

First those that the exercise declares, then the machine's own edits of a right answer: of the plain
one that the exercise declares, and of the chapter's reference where it is there. Each is defined
when it is first wanted, and its trials are kept, so that whoever judges many answers at one seed
runs it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from descent.grading.edits import Edit, edits_of, pairs_of
from descent.grading.exercise import Exercise, Mistake
from descent.grading.sandbox import guarded
from descent.grading.sources import Source
from descent.grading.trials import Behaviour

LEAST_SECONDS = 0.1
"""An edit may work at least so long on one property."""

PATIENCE = 5
"""How many times as long as the answer's own trial an edit may work: an endless one is not
waited for."""

MOST_PAIRS = 300
"""So many pairs of edits are tried."""

Reference = Callable[[], Source | None]
"""Gives the chapter's own answer, or None where it is not there. Called only after a failure."""


def no_reference() -> Source | None:
    """For an exercise without a chapter."""
    return None


@dataclass(frozen=True)
class Suspect:
    """A wrong answer that is known: what to tell whoever gives it, and what it does."""

    message: str
    behaviour: Behaviour
    mistake: Mistake | None = None


class Suspects:
    """The wrong answers known of an exercise, run at one seed.

    Parameters
    ----------
    exercise : Exercise
    seed : int
        Fixes the draws.
    reference : callable
        See `Reference`.
    """

    def __init__(self, exercise: Exercise, seed: int, reference: Reference = no_reference) -> None:
        self.exercise, self.seed = exercise, seed
        self._reference = reference
        self._declared: dict[str, Suspect] = {}
        self._edited: dict[str, Suspect | None] = {}
        self._left_out: Mistake | None = None

    def without(self, mistake: Mistake) -> Suspects:
        """The other declared mistakes alone, for an answer that is not known."""
        others = Suspects(self.exercise, self.seed, self._reference)
        others._declared, others._left_out = self._declared, mistake
        return others

    def declared(self) -> Iterator[Suspect]:
        """The exercise's own mistakes, in their order."""
        for mistake in self.exercise.mistakes:
            if mistake.name not in self._declared:
                behaviour = Behaviour(self.exercise, mistake.answer, self.seed)
                self._declared[mistake.name] = Suspect(mistake.message, behaviour, mistake)
            if mistake is not self._left_out:
                yield self._declared[mistake.name]

    def edited(self, seconds: float, pairs_too: bool) -> Iterator[Suspect]:
        """The machine's edits, then pairs of them; `seconds` is what the answer's trial took."""
        if self._left_out is not None or self.exercise.compiled:
            return
        for make in (edits_of, _pairs) if pairs_too else (edits_of,):
            for source in self.sources():
                yield from self._made(source, make(source), max(LEAST_SECONDS, PATIENCE * seconds))

    def right(self) -> Callable[..., Any] | None:
        """A right answer, where there is one."""
        for source in self.sources():
            return _defined(source, source.text)
        return None

    def sources(self) -> Iterator[Source]:
        """The right answers there are, as text."""
        if self.exercise.plain is not None:
            yield self.exercise.plain
        reference = self._reference()
        if reference is not None:
            yield reference

    def _made(self, source: Source, edits: Iterable[Edit], seconds: float) -> Iterator[Suspect]:
        for edit in edits:
            if edit.text not in self._edited:
                answer = _defined(source, edit.text)
                behaviour = Behaviour(self.exercise, answer, self.seed, seconds)
                self._edited[edit.text] = answer and Suspect(edit.words, behaviour)
            suspect = self._edited[edit.text]
            if suspect is not None:
                yield suspect


def _pairs(source: Source) -> Iterator[Edit]:
    return pairs_of(source, MOST_PAIRS)


_known: dict[tuple[int, str, str], Any] = {}
"""What was defined in this process, by name and text: a learner checks the same exercise often."""


def _defined(source: Source, text: str) -> Any:
    """The answer that a text makes, None where it does not even define one."""
    key = id(source.namespace), source.name, text  # another module may say the same of other names
    if key not in _known:
        _known[key] = guarded(lambda: source.define(text, f"<{source.name}, edited>"), None)
    return _known[key]
