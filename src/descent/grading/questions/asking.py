"""Calling a wrong answer, and a right one, with one set of arguments after another."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from descent.grading.calls import Call
from descent.grading.methods import parameters_of
from descent.grading.questions.calling import Caller
from descent.grading.questions.cases import (
    MOST_CASES,
    ORDINALS,
    Aspect,
    Case,
    Key,
    Result,
)
from descent.grading.questions.changes import (
    is_numeric,
    is_scalar,
    other_gradients,
    other_mode,
    other_numbers,
    other_seed,
    other_value,
    other_weights,
    tensors_of,
    with_numbers,
)
from descent.grading.questions.snapshots import alike, is_module, is_random
from descent.grading.values import to_array


class Asking(Caller):
    """An answer that failed at a call, a right one where there is one, and the call's arguments.

    Attributes
    ----------
    cases : list of Case
        The call itself, and the same with other numbers, where the answer is wrong (and runs).
    knows : bool
        Whether there is a right answer to compare with.
    by_effects : bool
        What came back is right; what was changed is not.
    part : int or None
        Of several results, the one that all further questions are about.
    """

    def __init__(
        self,
        answer: Callable[..., Any],
        right: Callable[..., Any] | None,
        call: Call,
        seed: int,
        seconds: float,
    ) -> None:
        super().__init__(answer, right, call, seed, seconds)
        self.rng = np.random.default_rng(seed)
        self.first = Case(_arguments_of(call))
        self.by_effects = False
        self.part: int | None = None
        self.knows = right is not None and self._right_is_of_use()
        self.cases: list[Case] = []
        self._others: dict[Any, Case | None] = {}

    def _right_is_of_use(self) -> bool:
        right = self.right(self.first)
        if right.error is not None:
            return False
        mine = self.answer(self.first)
        if mine.object != right.object:
            return False  # other names for its parts: no telling what corresponds
        if mine.error is None and alike(mine.value, right.value):
            self.by_effects = not alike(mine.effects, right.effects) and bool(right.effects)
        return True

    def compared(self, result: Result, without: Key | None = None) -> Any:
        """The part of a result that tells right from wrong."""
        if self.by_effects:
            return {key: part for key, part in result.effects.items() if key != without}
        if self.part is not None and isinstance(result.value, tuple):
            return result.value[self.part] if self.part < len(result.value) else None
        return result.value

    @property
    def yours(self) -> str:
        """What is compared, as the subject of a sentence."""
        if self.by_effects:
            changed = [key for key in self.right(self.first).effects if isinstance(key, Key)]
            names = " and ".join(f"`{self.name(key)}`" for key in changed)
            return f"What you leave in {names or 'the object'}"
        return f"Your {self.which}result"

    @property
    def which(self) -> str:
        """Of several results, the one that is meant, with a space after it."""
        return "" if self.part is None else f"{ORDINALS[self.part]} "

    def name(self, key: Key) -> str:
        """An argument's name, as a right answer has it where the call tells none."""
        if not key.name.startswith("argument ") or self._who["right"] is None:
            return key.name
        place = int(key.name.removeprefix("argument ")) - 1
        names = parameters_of(self._who["right"])
        return names[place] if place < len(names) else key.name

    def same(self, one: Result, two: Result, without: Key | None = None) -> bool:
        """Whether two results agree but for rounding."""
        if one.error is not None or two.error is not None:
            return False
        return alike(self.compared(one, without), self.compared(two, without))

    def agree(self, case: Case) -> bool:
        """Whether the answer gives what is right, and changes what is right."""
        mine, right = self.answer(case), self.right(case)
        return alike(mine.value, right.value) and alike(mine.effects, right.effects)

    def identical(self, one: Result, two: Result, without: Key | None = None) -> bool:
        """Whether two results agree in every digit."""
        return alike(self.compared(one, without), self.compared(two, without), rtol=0.0)

    def is_right(self, case: Case) -> bool:
        """Whether the answer gives what is right there."""
        return self.same(self.answer(case), self.right(case))

    def find_cases(self, wrong: bool = True) -> None:
        """Look for other numbers, with which the answer is wrong too."""
        self.cases = [self.first]
        for _ in range(2 * MOST_CASES):
            if len(self.cases) == MOST_CASES:
                break
            changes = self._other_arguments()
            case = Case({**self.first.arguments, **changes}, len(self.cases))
            if not changes and self._call.method is None:
                continue
            if any(alike(case.before, other.before, 0.0) for other in self.cases) and changes:
                continue
            if self.answer(case).error is None and (
                not self.knows
                or (self.right(case).error is None and not (wrong and self.is_right(case)))
            ):
                self.cases.append(case)

    def _other_arguments(self) -> dict[Key, Any]:
        """Arrays and plain fractions change together; sizes, switches and texts stay."""
        changes: dict[Key, Any] = {}
        for key, value in self.first.arguments.items():
            is_fraction = isinstance(value, float | np.floating) and value not in (0.0, 1.0)
            other = None
            if isinstance(value, int | np.integer) and not isinstance(value, bool):
                if self.rng.random() < 0.5 and value > 0:
                    low = 1 if value < 3 else value - 2
                    other = type(value)(self.rng.integers(low, value + 4))
            elif is_fraction or (is_numeric(value) and not is_scalar(value)):
                other = quietly(other_numbers, self._with_gradients(value), self.rng)
            elif is_module(value):
                other = quietly(other_weights, self._with_gradients(value), self.rng)
            elif isinstance(value, str | list | tuple | dict) and (
                not _holds_text(value) or self.rng.random() < 0.5
            ):
                other = quietly(other_value, value, self.rng)
            if other is not None:
                changes[key] = other
        return changes

    def _with_gradients(self, value: Any) -> Any:
        """With other gradients, where it has some."""
        tensors = quietly(tensors_of, value) or []
        if all(tensor.grad is None for tensor in tensors):
            return value
        other = quietly(other_gradients, value, self.rng)
        return value if other is None else other

    def aspects(self) -> list[Aspect]:
        """What can be changed by itself."""
        found = []
        for key, value in self.first.arguments.items():
            label = f"`{self.name(key)}`"
            if is_random(value):
                found.append(Aspect(key, label, other_seed, "seed"))
            elif is_module(value):
                found.append(Aspect(key, f"the weights of {label}", other_weights, "weights"))
                found.append(Aspect(key, f"the mode of {label}", other_mode, "mode"))
                gradients = f"the gradients in {label}"
                found.append(Aspect(key, gradients, other_gradients, "gradients"))
            elif is_numeric(value):
                found.append(Aspect(key, f"the numbers in {label}", other_value, "numbers"))
                if quietly(tensors_of, value):
                    gradients = f"the gradients in {label}"
                    found.append(Aspect(key, gradients, other_gradients, "gradients"))
            elif value is not None and not callable(value):
                found.append(Aspect(key, label, other_value, "value"))
        return found

    def changed(self, aspect: Aspect, most: int = MOST_CASES) -> Iterator[tuple[Case, Case]]:
        """Cases, and each with something else for this aspect, all different."""
        seen: list[Any] = []
        for i in range(2 * most):
            case = self.cases[i % len(self.cases)]
            other = quietly(aspect.other, case.arguments[aspect.key], self.rng)
            if other is None:
                continue
            case_after = case.but({aspect.key: other})
            after, before = case_after.before[aspect.key], case.before[aspect.key]
            if alike(after, before, rtol=0.0):
                continue
            told = i % len(self.cases), after
            if any(told[0] == old[0] and alike(told[1], old[1], rtol=0.0) for old in seen):
                continue
            seen.append(told)
            yield case, case_after
            if len(seen) == most:
                return

    def scaled(self, case: Case, keys: tuple[Key, ...], factor: float) -> Case | None:
        """The case with arguments multiplied; asked for twice, it is one and the same."""
        return self._moved(case, keys, ("scaled", factor), lambda numbers: numbers * factor)

    def shifted(self, case: Case, keys: tuple[Key, ...], shift: float) -> Case | None:
        """The case with a number added to arguments."""
        return self._moved(case, keys, ("shifted", shift), lambda numbers: numbers + shift)

    def _moved(
        self,
        case: Case,
        keys: tuple[Key, ...],
        how: tuple[str, float],
        move: Callable[[Any], Any],
    ) -> Case | None:
        place = id(case), keys, how
        if place not in self._others:
            changes = {key: quietly(_moved_value, case.arguments[key], move) for key in keys}
            missing = any(other is None for other in changes.values())
            self._others[place] = None if missing else case.but(changes)
        return self._others[place]

    def default(self, key: Key) -> Any:
        """The usual value of a parameter, or the class that `inspect` has for none."""
        if key.of_object or self._call.method is None:
            for function in self._who.values():
                with contextlib.suppress(TypeError, ValueError):
                    if function is not None:
                        parameter = inspect.signature(function).parameters.get(self.name(key))
                        if parameter is not None and parameter.default is not parameter.empty:
                            return parameter.default
        return inspect.Parameter.empty


def quietly(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns, or None where a value does not let itself be copied or changed."""
    try:
        return work(*arguments)
    except Exception:
        return None


def _moved_value(value: Any, move: Callable[[Any], Any]) -> Any:
    if is_scalar(value):
        return type(value)(move(value))
    numbers = to_array(value)
    return None if numbers is None else with_numbers(value, move(numbers))


def _holds_text(value: Any) -> bool:
    if isinstance(value, str):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return any(
        isinstance(part, str) or (isinstance(part, list | tuple | dict) and _holds_text(part))
        for part in parts
    )


def _arguments_of(call: Call) -> dict[Key, Any]:
    made = call.made.arguments if call.made is not None else {}
    return {
        **{Key(name, of_object=True): value for name, value in made.items()},
        **{Key(name): value for name, value in call.arguments.items()},
    }
