"""Calling the learner's answer: inputs as copies, changes to them noticed, errors located."""

from __future__ import annotations

import functools
import inspect
import linecache
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any, cast

import numpy as np

from descent.grading.differences import Difference, dimensions_of
from descent.grading.expectations import NOTHING, Record
from descent.grading.methods import Busy, Method, methods_watched, parameters_of
from descent.grading.returns import Kind, wrong_type
from descent.grading.sandbox import guarded
from descent.grading.small_copies import (
    operations_are_watched,
    small_copy,
    weakly,
    without_graph,
)
from descent.grading.values import (
    independent_copy,
    is_tensor,
    is_torch_generator,
    same,
    short,
    to_array,
    worth_keeping,
)

MOST_OF_AN_ERROR = 300
"""Characters of an exception's text that a report keeps."""

MOST_OF_A_PART = 80
"""Characters of each value that an object was made with, in the text of a call of its method."""

FIRST_CALLS, LAST_CALLS = 50, 50
"""So many calls of methods are kept, of those that no observation refers to."""

PACKAGE = str(Path(__file__).resolve().parents[1])
LIBRARIES = tuple({sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")})


@dataclass
class Call:
    """One call of the answer, kept for the message about the smallest failing case.

    Of a class, the call of the class itself, or of a `method` of an object that it `made` (None
    for an object that came about otherwise, such as a copy): the `number`-th on that object, in
    evaluation mode or not.
    """

    name: str
    arguments: Mapping[str, Any]
    positional: tuple[Any, ...]
    keywords: Mapping[str, Any]
    returned: Any = None
    finished: bool = False
    method: str | None = None
    made: Call | None = None
    number: int = 1
    evaluating: bool = False

    def text(self) -> str:
        """The call as one would type it, values shortened."""
        if self.method is None:
            return f"{self.name}({_listed(self.arguments)})"
        made = _listed(self.made.arguments, MOST_OF_A_PART) if self.made else "…"
        which = f"{self.name}({made})" + ".eval()" * self.evaluating
        text = self._on(which)
        return text if self.number == 1 else f"{text}  # call {self.number} of this object"

    def _on(self, which: str) -> str:
        if self.method in ("forward", "__call__"):
            return f"{which}({_listed(self.arguments)})"
        values = list(self.arguments.values())
        if self.method == "__getitem__" and len(values) == 1:
            return f"{which}[{short(values[0])}]"
        if self.method == "__contains__" and len(values) == 1:
            return f"{short(values[0])} in {which}"
        if self.method in ("__len__", "__iter__", "__next__"):
            return f"{self.method.strip('_')}({which})"
        return f"{which}.{self.method}({_listed(self.arguments)})"

    def may_cause(self, error: BaseException) -> bool:
        """Whether `error` may come of this call's having given None.

        Many a method is meant to give nothing, so there the error itself must speak of None.
        """
        of_none = self.method is None or "NoneType" in text_of(error)
        return self.returned is None and of_none


def _listed(arguments: Mapping[str, Any], most: int | None = None) -> str:
    shown = {name: short(value) for name, value in arguments.items()}
    if most is not None:
        shown = {k: v if len(v) <= most else f"{v[: most - 1]}…" for k, v in shown.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items())


FORGOTTEN = Call("…", {}, (), {}, finished=True)
"""Stands for a call of a method in the middle of very many."""


@dataclass
class WatchedAnswer:
    """The learner's function or class as a property sees it.

    Functions get copies of their inputs; what they changed in place is noted in `changed`, and how
    the type of what came back differs from what the exercise says in `mistyped`.
    An instance of a learner's class is handed to the property as it is; while `methods_recorded`
    lasts, the calls of its methods are noted among the `calls`.
    """

    answer: Callable[..., Any]
    name: str
    changes: tuple[str, ...]
    record: Record
    returns: Kind = None
    mistyped: Difference | None = None
    mistyped_call: Call | None = None
    calls: list[Call] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    _busy: Busy = field(default_factory=Busy)
    _made: dict[int, Call] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)
    _of_methods: list[int] = field(default_factory=list)

    @property
    def has_returned(self) -> bool:
        """Whether any call has come to its end."""
        return any(call.finished for call in self.calls)

    def __post_init__(self) -> None:
        # A callable object of the learner's may answer any question about its attributes.
        guarded(self._take_name, None)

    @property
    def _is_class(self) -> bool:
        return issubclass(type(self.answer), type)  # asks nothing of an object of the learner's

    def _take_name(self) -> None:
        functools.update_wrapper(self, self.answer, updated=())
        self._parameters = parameters_of(self.answer)

    def __call__(self, *positional: Any, **keywords: Any) -> Any:
        arguments = named_arguments(self._parameters, positional, keywords)
        kept = {name: independent_copy(value) for name, value in arguments.items()}
        values = tuple(kept.values())[: len(positional)]
        call = Call(self.name, kept, values, {key: kept[key] for key in keywords})
        place = self._note_call(call)
        self.record.dimensions = {**dimensions_of(kept), **self.record.dimensions}
        handed_positional, handed_keywords = self._handed_over(positional, keywords)
        if self._is_class:
            with self._busy.inside():  # what making an object calls of it is its own affair
                returned = self.answer(*handed_positional, **handed_keywords)
            self._made[id(returned)] = call  # it lives as long as the record, which holds it
        else:
            returned = self.answer(*handed_positional, **handed_keywords)
        call.returned, call.finished = worth_keeping(returned), True
        self.record.returned[place] = returned
        if self.returns is not None and self.mistyped is None:
            self.mistyped = wrong_type(returned, self.returns)
            self.mistyped_call = call if self.mistyped else None
        handed = named_arguments(self._parameters, handed_positional, handed_keywords)
        self._note_changes(kept, handed)
        return returned

    def _note_call(self, call: Call) -> int:
        self.calls.append(call)
        self.record.returned.append(NOTHING)
        return len(self.calls) - 1

    @contextmanager
    def methods_recorded(self) -> Iterator[None]:
        """While the block runs, note the calls of a class's methods, from outside, as calls."""
        if not self._is_class:
            yield
            return
        with methods_watched(cast(type, self.answer), self, self._busy, LIBRARIES, PACKAGE):
            yield

    def begin(
        self, instance: Any, method: Method, positional: tuple[Any, ...], keywords: dict[str, Any]
    ) -> int:
        """A call of a method begins; its place among the calls is returned."""
        values = tuple(map(small_copy, positional)) if positional else ()
        named = {name: small_copy(value) for name, value in keywords.items()} if keywords else {}
        key = id(instance)
        number = self._numbers[key] = self._numbers.get(key, 0) + 1
        call = Call(
            self.name,
            named_arguments(method.parameters, values, named),
            values,
            named,
            method=method.name,
            made=self._made.get(key),
            number=number,
            evaluating=getattr(instance, "__dict__", {}).get("training") is False,
        )
        place = self._note_call(call)
        self._of_methods.append(place)
        if number <= 2 and not operations_are_watched():
            self.record.dimensions = {**dimensions_of(call.arguments), **self.record.dimensions}
        if len(self._of_methods) > FIRST_CALLS + LAST_CALLS:
            self._forget(self._of_methods.pop(FIRST_CALLS))
        return place

    def end(self, begun: int, returned: Any) -> None:
        """The call at this place gave this."""
        call = self.calls[begun]
        if call is FORGOTTEN:  # it called back so often from outside
            return
        call.returned, call.finished = without_graph(returned), True
        if returned is not None:  # of the many that give nothing, none is meant
            self.record.returned[begun] = weakly(returned)

    def _forget(self, place: int) -> None:
        if place not in self.record.referred:
            self.calls[place] = FORGOTTEN
            self.record.returned[place] = NOTHING

    def _handed_over(
        self, positional: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        names = list(named_arguments(self._parameters, positional, {}))
        listed = [
            value if name in self.changes or _moves_on(value) else independent_copy(value)
            for name, value in zip(names, positional, strict=True)
        ]
        named = {
            name: value if name in self.changes or _moves_on(value) else independent_copy(value)
            for name, value in keywords.items()
        }
        return listed, named

    def _note_changes(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for name, value in after.items():
            watched = is_tensor(value) or isinstance(value, list) or to_array(value) is not None
            if watched and name not in self.changes and not same(value, before[name], rtol=0.0):
                self.changed.append(name)


def _moves_on(value: Any) -> bool:
    """Whether this is a random generator: it is meant to move on, whatever its parameter's name."""
    return isinstance(value, np.random.Generator) or is_torch_generator(value)


def named_arguments(
    parameters: list[str], positional: tuple[Any, ...] | list[Any], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """Every argument under its parameter's name, one entry for each, in order."""
    extra = [f"argument {i + 1}" for i in range(len(parameters), len(positional))]
    names = (parameters + extra)[: len(positional)]
    return {**dict(zip(names, positional, strict=True)), **keywords}


@dataclass(frozen=True)
class LearnerError:
    """An exception that came out of the learner's code, with their own line."""

    kind: str
    text: str
    function: str
    line_number: int
    line: str
    in_answer: bool

    @property
    def is_stub(self) -> bool:
        """Whether it is the exception that the answer's own unwritten stub raises."""
        return self.in_answer and self.is_unwritten

    @property
    def is_unwritten(self) -> bool:
        """Whether a stub raised it. torch has a NotImplementedError of its own, with a text."""
        raised_here = not self.text or self.line.startswith("raise")
        return self.kind == NotImplementedError.__name__ and raised_here

    def words(self) -> str:
        """The error as a sentence, then the line that raised it."""
        if self.is_unwritten:
            called = "" if self.in_answer else ", which your code calls,"
            return f"`{self.function}`{called} is not written yet."
        where = f" at line {self.line_number}: `{self.line}`" if self.line else ""
        return f"Your code stopped with {self.kind}{where}. {self.text}".rstrip()


def learner_error(error: BaseException, answer: Callable[..., Any]) -> LearnerError | None:
    """`error` as the learner's, or None where their code is not on the way to it.

    On the way means: below a call of the answer, or of a method of its class, and neither in a
    library nor in this package. A declared mistake, which lives in this package, is judged alike.
    """
    own = codes_of(answer)
    home = own[0].co_filename if own else None
    inside = False
    found = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        code, path = frame.f_code, frame.f_code.co_filename
        inside = inside or code in own or code is WatchedAnswer.__call__.__code__
        foreign = path.startswith(LIBRARIES) or path.startswith(("<frozen", PACKAGE))
        if inside and (path == home or not foreign):
            found = code, path, number
    if found is None:
        return None
    code, path, number = found
    line = linecache.getline(path, number).strip()
    return LearnerError(
        type(error).__name__, text_of(error), code.co_name, number, line, code in own
    )


def text_of(error: BaseException) -> str:
    """An exception's text on one line; empty where a learner's own exception class has none."""
    return guarded(lambda: " ".join(str(error)[:MOST_OF_AN_ERROR].split()), "", 0.2)


def codes_of(answer: Any) -> list[CodeType]:
    """The code of a function, or of every method of a class, functions inside them included.

    None where a class attribute of the learner's does not let itself be looked at.
    """
    return guarded(lambda: _codes_of(answer), [])


def _codes_of(answer: Any) -> list[CodeType]:
    parts = vars(answer).values() if isinstance(answer, type) else [answer]
    parts = [getattr(part, "__func__", part) for part in parts]  # class and static methods
    found = [inspect.unwrap(part).__code__ for part in parts if hasattr(part, "__code__")]
    for code in found:  # grows while it is walked: functions inside functions
        found += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return found
