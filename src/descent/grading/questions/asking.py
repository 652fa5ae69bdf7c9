"""Calling a wrong answer, and a right one, with one set of arguments after another."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import thread_time  # bound here, whatever an answer does to `time`
from typing import Any, NamedTuple

import numpy as np

from descent.grading.calls import Call
from descent.grading.known_state import seed_everything
from descent.grading.methods import parameters_of
from descent.grading.questions.changes import (
    copy_of,
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
from descent.grading.questions.snapshots import alike, is_module, is_random, snapshot
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.values import is_tensor, to_array, type_name

MOST_CASES = 5
FEWEST = 3
"""So many different cases have to agree before anything is said."""

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

MODE, ASKS = ".mode", ".asks"
"""In the snapshot of a network: its modes, and which parameters ask for gradients."""

MOST_YIELDED = 100
"""Of a generator that an answer returns, so many values are taken."""


class Enough(Exception):
    """The time for questions is over."""


class Key(NamedTuple):
    """An argument: of the call, or of the call that made the object."""

    name: str
    of_object: bool = False


@dataclass
class Result:
    """What one call came to.

    `effects` are the arguments that it changed, and the object whose method it was; `left` is what
    else it left behind: modes of networks, the state of generators, whether gradients are recorded.
    `traits` tell, for every part of what came back, its dtype, whether it hangs on a graph, and the
    arguments with which it shares memory.
    """

    value: Any = None
    effects: dict[Any, Any] = field(default_factory=dict)
    left: dict[Any, Any] = field(default_factory=dict)
    traits: tuple[tuple[str, bool, tuple[str, ...]], ...] = ()
    slopes: dict[Key, Any] | None = None
    object: tuple[tuple[str, tuple[int, ...]], ...] = ()
    error: str | None = None


class Case:
    """Arguments, and what they give: asked for once. Objects get other parameters by its number."""

    def __init__(self, arguments: dict[Key, Any], number: int = 0) -> None:
        self.arguments, self.number = arguments, number
        self.results: dict[tuple[str, int], Result] = {}
        self._before: dict[Key, Any] | None = None

    def but(self, changes: dict[Key, Any]) -> Case:
        """The same with other values for these."""
        return Case({**self.arguments, **changes}, self.number)

    @property
    def before(self) -> dict[Key, Any]:
        """What the arguments hold."""
        if self._before is None:
            self._before = {key: snapshot(value) for key, value in self.arguments.items()}
        return self._before


@dataclass(frozen=True)
class Aspect:
    """Something about an argument that can be changed by itself, and how it is called."""

    key: Key
    label: str
    other: Callable[[Any, np.random.Generator], Any]
    kind: str


class Asking:
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
        self._who = {"answer": answer, "right": right}
        self._call, self.seed, self._seconds = call, seed, seconds
        self._started = thread_time()
        self.rng = np.random.default_rng(seed)
        self.first = Case(_arguments_of(call))
        self.by_effects = False
        self.part: int | None = None
        self.knows = right is not None and self._right_is_of_use()
        self.cases: list[Case] = []
        self._others: dict[Any, Case | None] = {}

    # ------------------------------------------------------------------------------- asking

    def answer(self, case: Case, again: int = 0) -> Result:
        """What the answer gives; `again` seeds the global generators otherwise."""
        return self._ask("answer", case, again)

    def right(self, case: Case, again: int = 0) -> Result:
        """What is right."""
        return self._ask("right", case, again)

    def _ask(self, who: str, case: Case, again: int) -> Result:
        key = who, again
        if key not in case.results:
            case.results[key] = self.run(who, case, again)
        return case.results[key]

    def slopes(self, who: str, case: Case) -> dict[Key, Any] | None:
        """The gradient of a weighted sum of the result, at every argument that can have one.

        None where there is none at all, and for an argument from which no way leads there.
        """
        result = self.run(who, case, slopes=True)
        return None if result.error is not None else result.slopes

    def run(self, who: str, case: Case, again: int = 0, slopes: bool = False) -> Result:
        """The same without looking up whether it was done before."""
        left = self._seconds - (thread_time() - self._started)
        if left <= 0:
            raise Enough
        function = self._who[who]
        assert function is not None
        limit = None
        case.before  # noqa: B018  (made here, outside the time limit of the answer)
        try:
            with _as_at_the_beginning(), time_limit(max(left, 0.02)) as limit:
                arguments = {key: copy_of(value) for key, value in case.arguments.items()}
                seed_everything((self.seed + 7919 * again) % 2**32)
                if slopes:
                    return Result(slopes=self._slopes(function, arguments, case.number))
                return self._result(function, arguments, case)
        except KeyboardInterrupt:
            raise
        except OutOfTime as late:
            if late.is_of(limit):
                raise Enough from None
            raise
        except BaseException as error:
            return Result(error=type_name(error))

    def _result(
        self, function: Callable[..., Any], arguments: dict[Key, Any], case: Case
    ) -> Result:
        made, made_before, value = self._called(function, arguments, case.number)
        before, result = case.before, Result()
        if inspect.isgenerator(value) or hasattr(value, "__next__"):
            value = list(itertools.islice(value, MOST_YIELDED))
        torch = sys.modules.get("torch")
        if torch is not None:
            result.left["recording"] = torch.is_grad_enabled()
        result.value = snapshot(value, gradients=False)
        result.traits = _traits(value, arguments)
        for key, argument in arguments.items():
            after = snapshot(argument)
            if is_random(argument):
                result.left[key] = after
                continue
            old = before[key]
            if is_module(argument):
                for part in (MODE, ASKS):
                    result.left[key, part] = after.pop(part)
                old = {name: part for name, part in old.items() if name not in (MODE, ASKS)}
            if not alike(after, old, rtol=0.0):
                result.effects[key] = after
        if made is not None:
            result.object = tuple([(name, np.shape(part)) for name, part in made_before.items()])
            changed = {
                name: part
                for name, part in _held_by(made).items()
                if name not in made_before or not alike(part, made_before[name], 0.0)
            }
            if changed:
                result.effects["object"] = changed
        return result

    def _slopes(
        self, function: Callable[..., Any], arguments: dict[Key, Any], number: int
    ) -> dict[Key, Any] | None:
        torch = sys.modules.get("torch")
        leaves = {
            key: value
            for key, value in arguments.items()
            if is_tensor(value) and value.is_leaf and value.is_floating_point()
        }
        if torch is None or not leaves:
            return None
        for leaf in leaves.values():
            leaf.requires_grad_()
        _, _, value = self._called(function, arguments, number)
        parts = value if isinstance(value, list | tuple) else [value]
        parts = [part for part in parts if is_tensor(part) and part.is_floating_point()]
        total: Any = 0
        for part in parts:
            weights = torch.arange(1, part.numel() + 1, dtype=part.dtype).reshape(part.shape)
            total = total + (weights.cos() * part).sum()
        if not is_tensor(total):
            return None
        if not total.requires_grad:
            return dict.fromkeys(leaves)
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        return {key: snapshot(slope) for key, slope in zip(leaves, found, strict=True)}

    def _called(
        self, function: Callable[..., Any], arguments: dict[Key, Any], number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """The object, if there is one, what it held before the call, and what came back."""
        call = self._call
        own = {key.name: value for key, value in arguments.items() if not key.of_object}
        positional, keywords = _split(own, call)
        if call.method is None:
            return None, {}, function(*positional, **keywords)
        assert call.made is not None
        given = {key.name: value for key, value in arguments.items() if key.of_object}
        made_positional, made_keywords = _split(given, call.made)
        made = function(*made_positional, **made_keywords)
        if is_module(made):
            _fill(made, self.seed + number)
            made.train(not call.evaluating)
        method = made if call.method == "forward" else getattr(made, call.method)
        before = _held_by(made)
        return made, before, method(*positional, **keywords)

    # ------------------------------------------------------------------- what is compared

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

    def identical(self, one: Result, two: Result, without: Key | None = None) -> bool:
        """Whether two results agree in every digit."""
        return alike(self.compared(one, without), self.compared(two, without), rtol=0.0)

    def is_right(self, case: Case) -> bool:
        """Whether the answer gives what is right there."""
        return self.same(self.answer(case), self.right(case))

    # ------------------------------------------------------------------------------- cases

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
            elif isinstance(value, list | tuple | dict) and not _holds_text(value):
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


@contextlib.contextmanager
def _as_at_the_beginning() -> Iterator[None]:
    """Quickly put back what an answer may leave behind: more is put back after all questions."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    recording, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    try:
        torch.set_grad_enabled(True)
        yield
    finally:
        torch.set_grad_enabled(recording)
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)


def _traits(value: Any, arguments: dict[Key, Any]) -> tuple[tuple[str, bool, tuple[str, ...]], ...]:
    parts = value if isinstance(value, list | tuple) and len(value) <= len(ORDINALS) else [value]
    found: list[tuple[str, bool, tuple[str, ...]]] = []
    for part in parts:
        held = to_array(part) if is_tensor(part) or isinstance(part, np.ndarray) else None
        if held is None:
            found.append(("", False, ()))
            continue
        shared = tuple([key.name for key, given in arguments.items() if _shares(held, given)])
        dtype = str(part.dtype).removeprefix("torch.")
        found.append((dtype, bool(getattr(part, "requires_grad", False)), shared))
    return tuple(found)


def _shares(held: np.ndarray, given: Any) -> bool:
    parts = given if isinstance(given, list | tuple) else [given]
    return any(
        np.may_share_memory(held, numbers)
        for part in parts[:MOST_CASES]
        if is_tensor(part) or isinstance(part, np.ndarray)
        if (numbers := to_array(part)) is not None
    )


def _moved_value(value: Any, move: Callable[[Any], Any]) -> Any:
    if is_scalar(value):
        return type(value)(move(value))
    numbers = to_array(value)
    return None if numbers is None else with_numbers(value, move(numbers))


def _holds_text(value: Any) -> bool:
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


def _split(arguments: dict[str, Any], call: Call) -> tuple[list[Any], dict[str, Any]]:
    keywords = {name: value for name, value in arguments.items() if name in call.keywords}
    return [value for name, value in arguments.items() if name not in call.keywords], keywords


def _held_by(made: Any) -> dict[str, Any]:
    held = snapshot(made)
    return held if isinstance(held, dict) else {}


def _fill(module: Any, seed: int) -> None:
    """Random numbers in every parameter, so that nothing is 0 or 1 by luck of the start."""
    torch = sys.modules["torch"]
    generator = torch.Generator().manual_seed(seed % 2**31)
    with torch.no_grad():
        for _, part in sorted(module.named_parameters()):
            if part.is_floating_point():
                part.copy_(0.5 * torch.randn(part.shape, generator=generator))
