"""How an exercise is declared: its properties, the mistakes people make, its hints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from descent.grading.differences import SYMPTOMS
from descent.grading.draws import Draw

PropertyFunction = Callable[[Any, Draw], None]
Answer = TypeVar("Answer", bound=Callable[..., Any])


@dataclass(frozen=True)
class Property:
    """Something that holds of every right answer, tried on several draws."""

    name: str
    run: PropertyFunction
    trials: int


@dataclass(frozen=True)
class Mistake:
    """A whole wrong answer that people really give, and what to tell them."""

    name: str
    message: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Hint:
    """One step of the ladder; with `when`, the step to open first after that symptom."""

    text: str
    when: str | None = None


@dataclass
class Exercise:
    """One graded item of a chapter.

    Parameters
    ----------
    name : str
        The name of the function or class that the learner writes.
    minutes : int
        How long a learner needs, reading included.
    difficulty : int
        1 (warm-up), 2 (core) or 3 (a whole piece from a specification).
    changes : tuple of str
        Parameters that the answer is meant to change in place. Every other input is handed over
        as a copy, and changing one is a failure.
    seconds : float
        Time limit of one property, all its trials together.
    """

    name: str
    minutes: int
    difficulty: int
    changes: tuple[str, ...] = ()
    seconds: float = 5.0
    properties: list[Property] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    equivalents: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.difficulty not in (1, 2, 3):
            raise ValueError(f"{self.name}: difficulty is 1, 2 or 3, not {self.difficulty}")

    def property(
        self, name: str, trials: int = 5
    ) -> Callable[[PropertyFunction], PropertyFunction]:
        """Declare a property. It is called with the answer and a `Draw`, smallest first."""
        if any(prop.name == name for prop in self.properties):
            raise ValueError(f"{self.name}: two properties are called {name!r}")

        def declare(run: PropertyFunction) -> PropertyFunction:
            self.properties.append(Property(name, run, trials))
            return run

        return declare

    def mistake(self, message: str) -> Callable[[Answer], Answer]:
        """Declare a wrong answer (a function or class with the exercise's interface)."""

        def declare(answer: Answer) -> Answer:
            self.mistakes.append(Mistake(answer.__name__, message, answer))
            return answer

        return declare

    def hint(self, text: str, when: str | None = None) -> None:
        """Add a hint: general ones in order, or one for a symptom, a property or a mistake."""
        self.hints.append(Hint(text, when))

    def equivalent(self, mutant: str, because: str) -> None:
        """Say why a syntax-tree mutant of the reference (as the audit prints it) is not wrong."""
        self.equivalents[mutant] = because

    def unknown_hint_keys(self) -> list[str]:
        """The `when` of every hint that nothing can ever match."""
        keys = {*SYMPTOMS, *(p.name for p in self.properties), *(m.name for m in self.mistakes)}
        return [hint.when for hint in self.hints if hint.when and hint.when not in keys]
