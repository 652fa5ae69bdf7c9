"""How an exercise is declared: its properties, the mistakes people make, its hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from descent.grading.differences import SYMPTOMS
from descent.grading.draws import Draw
from descent.grading.returns import in_words
from descent.grading.sources import Source

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
    """A whole wrong answer that people really give, and what to tell them.

    `make` defines the answer; it is called when the answer is first wanted.
    """

    name: str
    message: str
    make: Callable[[], Callable[..., Any]]

    @cached_property
    def answer(self) -> Callable[..., Any]:
        """The wrong answer: a function or class with the exercise's interface."""
        return self.make()


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
    compiled : bool
        Whether JAX compiles the answer. An alarm that strikes while it does can end the process,
        so nothing is tried on such an answer that may have to be broken off.
    returns : type, optional
        What a function must return, as an annotation says it: ``float``, ``list[int]``,
        ``tuple[Tensor, Tensor]``, ``str | None``; see `grading.returns`. It is looked at before any
        behaviour is. None where it is not said, and for classes.
    """

    name: str
    minutes: int
    difficulty: int
    changes: tuple[str, ...] = ()
    seconds: float = 5.0
    compiled: bool = False
    returns: Any = None
    properties: list[Property] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    equivalents: dict[str, str] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)
    plain: Source | None = None

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

    def right(self, answer: Answer) -> Answer:
        """Declare a plain right answer, of which `slip` makes wrong ones. One for an exercise.

        It stands on the top level of its module. The audit sees to it that it passes.
        """
        if self.plain is not None:
            raise ValueError(f"{self.name}: a second right answer")
        self.plain = Source.of(answer)
        return answer

    def slip(self, name: str, message: str, edits: Mapping[str, str]) -> None:
        """Declare a mistake as edits of the plain right answer: old text to new text.

        Each old text must stand in the right answer exactly once. For a wrong answer with an idea
        of its own there is `mistake`.
        """
        if self.plain is None:
            raise ValueError(f"{self.name}: slip {name!r} before a right answer")
        plain, file = self.plain, f"<{self.name}: {name}>"
        try:
            text = plain.edited(edits)
        except ValueError as error:
            raise ValueError(f"{self.name}: slip {name!r}: {error}") from None
        self.mistakes.append(Mistake(name, message, lambda: plain.define(text, file)))

    def mistake(self, message: str) -> Callable[[Answer], Answer]:
        """Declare a wrong answer (a function or class with the exercise's interface)."""

        def declare(answer: Answer) -> Answer:
            self.mistakes.append(Mistake(answer.__name__, message, lambda: answer))
            return answer

        return declare

    def hint(self, text: str, when: str | None = None) -> None:
        """Add a hint: general ones in order, or one for a symptom, a property or a mistake."""
        self.hints.append(Hint(text, when))

    def equivalent(self, mutant: str, because: str, everywhere: bool = True) -> None:
        """Say why a syntax-tree mutant of the reference (as the audit prints it) is not wrong.

        `everywhere` is false of one that rounding decides, such as a search that ends at the bottom
        on one processor and beside it on another: being killed is then no fault.
        """
        self.equivalents[mutant] = because
        if not everywhere:
            self.undecided.add(mutant)

    def rows(self) -> list[str]:
        """The lines of a report: what is returned, where that is said, then the properties."""
        first = [] if self.returns is None else [in_words(self.returns)]
        return first + [prop.name for prop in self.properties]

    def unknown_hint_keys(self) -> list[str]:
        """The `when` of every hint that nothing can ever match."""
        keys = {*SYMPTOMS, *self.rows(), *(m.name for m in self.mistakes)}
        return [hint.when for hint in self.hints if hint.when and hint.when not in keys]
