"""Grading the grader: the reference passes, the blank is not attempted, every mistake is named,
every mutant dies."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import ModuleType
from typing import Any

from descent.grading.diagnosis import unhurried
from descent.grading.exercise import Exercise
from descent.grading.isolation import isolated
from descent.grading.judging import judge, judge_behaviour
from descent.grading.mutants import Mutant, generic_mutants, source_mutants
from descent.grading.report import CORRECT, NOT_ATTEMPTED
from descent.grading.suspects import Suspects
from descent.grading.trials import Behaviour

MUTANT_SECONDS = 2.0
"""A mutant that works longer on one property is killed by the clock; right answers are quicker."""

LEAST_MUTANT_SECONDS = 0.3
PATIENCE = 20
"""How many times the reference's own time, for all properties, a mutant may work on one of them:
an endless one is not waited for. Never less than `LEAST_MUTANT_SECONDS`."""

FEWEST_MISTAKES = 5

RIGHT_SEEDS = 40
"""On how many seeds a right answer is tried in a whole audit, so that a check which refuses one in
ten of them by bad luck is found out."""

RIGHT_SECONDS = 1.0
"""Processor time after which no further seed of these is begun: a slow check is tried on fewer."""


class Depth(StrEnum):
    """How much an audit tries.

    ``WHOLE`` is every mistake on three seeds, right answers on more, the blank, and every mutant.
    ``LIGHT`` is the reference and every mistake on one seed, and the blank.
    """

    WHOLE = "whole"
    LIGHT = "light"

    @property
    def seeds(self) -> range:
        """The seeds on which the mistakes are tried, and the reference at least."""
        return range(3) if self is Depth.WHOLE else range(1)


@dataclass
class Score:
    """What the audit of one exercise found; `faults` is empty when the grader is sound.

    Attributes
    ----------
    exercise : str
        Its name.
    mistakes : int
        How many are declared.
    misnamed : int
        How many mistakes, each taken out of the declaration in turn and judged as an unknown
        answer, are named as another one; 0 in a light audit.
    guessed : int
        How many of these get a guess.
    mutants, killed : int
        How many showed a difference at all, and how many of these were rejected; 0 in a light
        audit, which makes none.
    survivors : list of str
        Mutants that passed and are not marked equivalent.
    equivalents : list of str
        Mutants that passed and are marked so.
    faults : list of str
        What is wrong with the grader, a sentence each, survivors included.
    not_graded : str
        Why nothing of this was tried: the exercise needs something that this machine has not got.
    """

    exercise: str
    mistakes: int = 0
    misnamed: int = 0
    guessed: int = 0
    mutants: int = 0
    killed: int = 0
    survivors: list[str] = field(default_factory=list)
    equivalents: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    not_graded: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain data; ``Score(**data)`` makes it again."""
        return asdict(self)

    def line(self) -> str:
        """One row of the printed table."""
        if self.not_graded:
            return f"{self.exercise:<28} NOT GRADED HERE. {self.not_graded}"
        return (
            f"{self.exercise:<28} {self.mistakes:>3} named mistakes"
            + (f", left out: {self.misnamed} misnamed, {self.guessed} guessed"
               if self.misnamed or self.guessed else "")
            + (f"   {self.killed}/{self.mutants - len(self.equivalents)} mutants killed"
               if self.mutants else "")
            + (f", {len(self.equivalents)} equivalent" if self.equivalents else "")
            + (f"   FAULTS {len(self.faults)}" if self.faults else "")
        )  # fmt: skip


def audit(
    exercise: Exercise,
    module: ModuleType,
    source: str,
    blank: Any,
    depth: Depth = Depth.WHOLE,
) -> Score:
    """Grade the grader of one exercise.

    Parameters
    ----------
    exercise : Exercise
    module : module
        Holds the reference solution under the exercise's name, and all that it calls.
    source : str
        Source text of the reference's definition, from which syntax-tree mutants are made.
    blank : callable
        The learner's stub.
    depth : Depth
        How much is tried.

    Returns
    -------
    Score
    """
    score = Score(exercise.name, mistakes=len(exercise.mistakes))
    reference = getattr(module, exercise.name)
    _audit_declaration(exercise, score)
    first = judge(exercise, reference, seed=depth.seeds[0])
    if first.unjudged is not None and first.unjudged.not_installed:
        score.not_graded = first.unjudged.reason
        return score
    if exercise.plain is not None:
        plain = exercise.plain.define(exercise.plain.text, f"<{exercise.name}: right>")
        _audit_right(exercise, plain, "the plain right answer", depth, score)
    reference_seconds = _audit_right(exercise, reference, "the reference", depth, score)
    if (outcome := judge(exercise, blank, seed=0).outcome) != NOT_ATTEMPTED:
        score.faults.append(f"the blank stub is {outcome!r}, not {NOT_ATTEMPTED!r}")
    for seed in depth.seeds:
        suspects = Suspects(exercise, seed)
        _audit_mistakes(exercise, suspects, score)
        if seed == 0 and depth is Depth.WHOLE:
            _leave_one_out(exercise, suspects, score)
    if depth is Depth.WHOLE:
        limit = max(LEAST_MUTANT_SECONDS, PATIENCE * reference_seconds)
        _audit_mutants(exercise, module, source, min(limit, MUTANT_SECONDS), score)
    return score


def _audit_right(exercise: Exercise, answer: Any, called: str, depth: Depth, score: Score) -> float:
    """A right answer must pass on every seed. Returns the processor time that one seed takes."""
    began, tried = time.thread_time(), 0
    for seed in range(RIGHT_SEEDS) if depth is Depth.WHOLE else depth.seeds:
        if tried >= len(depth.seeds) and time.thread_time() - began > RIGHT_SECONDS:
            break
        report, tried = judge(exercise, answer, seed=seed), tried + 1
        if report.outcome != CORRECT:
            score.faults.append(f"{called} fails (seed {seed}): {report.as_text()}")
            break
    return (time.thread_time() - began) / tried


def _audit_mutants(
    exercise: Exercise, module: ModuleType, source: str, seconds: float, score: Score
) -> None:
    reference = getattr(module, exercise.name)
    mutants = [] if isinstance(reference, type) else generic_mutants(reference)
    made = set()
    for mutant in (*mutants, *_compiled(exercise, module, source)):
        _audit_mutant(exercise, mutant, seconds, score)
        made.add(mutant.name)
    excused = set(score.equivalents) | made & exercise.undecided
    unknown = sorted(set(exercise.equivalents) - excused)
    score.faults += [f"marked equivalent, but killed or not made: {name}" for name in unknown]


def _audit_declaration(exercise: Exercise, score: Score) -> None:
    if len(exercise.mistakes) < FEWEST_MISTAKES:
        score.faults.append(f"fewer than {FEWEST_MISTAKES} named mistakes")
    if not [hint for hint in exercise.hints if hint.when is None]:
        score.faults.append("no general hint")
    messages = [mistake.message for mistake in exercise.mistakes]
    if len(set(messages)) < len(messages):
        score.faults.append("two mistakes share one message")
    score.faults += [f"no check can match a hint's when={key!r}"
                     for key in exercise.unknown_hint_keys()]  # fmt: skip


def _audit_mistakes(exercise: Exercise, suspects: Suspects, score: Score) -> None:
    """Every mistake must be rejected with its own message.

    On the first seed each is run twice, as an answer to be judged and as what is declared: one
    whose two runs differ could never be recognised. On the others one run is both.
    """
    seed = suspects.seed
    for mistake, suspect in zip(exercise.mistakes, suspects.declared(), strict=True):
        answer = suspect.behaviour
        if seed == 0:
            declared, answer = answer, Behaviour(exercise, mistake.answer, seed)
            with isolated():
                declared.run_all()
                answer.run_all()
        with unhurried():
            report = judge_behaviour(answer, suspects, to_the_end=False)
        if answer.stopped_with("NameError"):
            score.faults.append(f"the mistake `{mistake.name}` uses a name that is not there")
        if report.outcome == CORRECT:
            score.faults.append(f"the mistake `{mistake.name}` passes (seed {seed})")
        elif report.message != mistake.message:
            given = report.failure.mistake if report.failure else None
            said = f"named `{given}`" if given else f"not named: {report.message}"
            score.faults.append(f"the mistake `{mistake.name}` is {said} (seed {seed})")


def _leave_one_out(exercise: Exercise, suspects: Suspects, score: Score) -> None:
    """What is said of each mistake by an exercise that does not know it."""
    for mistake, suspect in zip(exercise.mistakes, suspects.declared(), strict=True):
        others = suspects.without(mistake)
        report = judge_behaviour(suspect.behaviour, others, to_the_end=False)
        if report.failure is None or report.failure.message is None:
            continue
        if report.failure.mistake is None:
            score.guessed += 1
            continue
        score.misnamed += 1
        score.faults.append(f"without the mistake `{mistake.name}` it is named "
                            f"`{report.failure.mistake}`")  # fmt: skip


def _compiled(exercise: Exercise, module: ModuleType, source: str) -> Iterable[Mutant]:
    for mutant in source_mutants(source):
        namespace = dict(vars(module))
        try:
            exec(compile(mutant.source, "<mutant>", "exec"), namespace)
        except Exception:  # a change that does not even define is no answer
            continue
        yield Mutant(mutant.name, namespace[exercise.name])


def _audit_mutant(exercise: Exercise, mutant: Mutant, seconds: float, score: Score) -> None:
    is_marked = mutant.name in exercise.equivalents
    # One that is marked should pass, so it has all the time that the exercise gives: no slow
    # machine must stop it.
    limit = None if is_marked else seconds
    report = judge(exercise, mutant.answer, seed=7, seconds=limit, explain=False)
    if not mutant.showed:
        return
    score.mutants += 1
    if report.outcome != CORRECT:
        score.killed += 1
    elif is_marked:
        score.equivalents.append(mutant.name)
    else:
        score.survivors.append(mutant.name)
        score.faults.append(f"survivor: {mutant.name}")
