"""Doing a call again with other arguments: what comes back, what is changed, what is left."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from time import thread_time  # bound here, whatever an answer does to `time`
from typing import Any

import numpy as np

from descent.grading.calls import Call
from descent.grading.known_state import seed_everything
from descent.grading.questions.cases import (
    ASKS,
    MODE,
    MOST_CASES,
    ORDINALS,
    Case,
    Enough,
    Key,
    Result,
)
from descent.grading.questions.changes import (
    copy_of,
)
from descent.grading.questions.snapshots import alike, is_module, is_random, snapshot
from descent.grading.sandbox import OutOfTime, time_limit
from descent.grading.values import is_tensor, to_array, type_name

MOST_YIELDED = 100
"""Of a generator that an answer returns, so many values are taken."""


class Caller:
    """A wrong answer and a right one, and how they are called.

    Parameters
    ----------
    answer, right : callable
        The second may be None; then it is not called.
    call : Call
        The arguments' names, and which of them are positional.
    seed : int
        Of the global generators at the start of each call.
    seconds : float
        Of work; after that `Enough` is raised.
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
                after, old = _without_leftovers(after, old)
            if not alike(after, old, rtol=0.0):
                result.effects[key] = after
        if made is not None:
            result.object = tuple(
                [
                    (name, np.shape(part))
                    for name, part in sorted(made_before.items())
                    if name not in (MODE, ASKS)
                ]
            )
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


def _split(arguments: dict[str, Any], call: Call) -> tuple[list[Any], dict[str, Any]]:
    keywords = {name: value for name, value in arguments.items() if name in call.keywords}
    return [value for name, value in arguments.items() if name not in call.keywords], keywords


def _without_leftovers(
    after: dict[str, Any], before: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A network's numbers alone where these have changed: what is left in its gradients after a
    training is nobody's concern."""
    numbers, old = ({k: _numbers(v) for k, v in held.items()} for held in (after, before))
    return (after, before) if alike(numbers, old, 0.0) else (numbers, old)


def _numbers(value: Any) -> Any:
    return value[""] if isinstance(value, dict) and "" in value else value


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
