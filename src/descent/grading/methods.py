"""A class's own methods, watched for a while: of each outermost call somebody is told.

For that time the class holds wrapped methods; its bases are left as they are. What a method calls
of its own object is no outermost call, nor is what a generator or a property of the class calls.
"""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import is_
from types import FunctionType
from typing import Any, Protocol

_ALSO = ("__call__", "__getitem__", "__len__", "__iter__", "__next__", "__contains__")
"""The methods without a public name that a person calls, each in its own notation."""

_MISSING: Any = object()


class Watcher(Protocol):
    """Who is told of the calls."""

    def begin(
        self, instance: Any, method: Method, positional: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """A call begins; what is returned is handed to `end`."""

    def end(self, begun: Any, returned: Any) -> None:
        """It came to its end and gave this. Not told of a call that raised."""


class Method:
    """A method as it is called: its name, and its parameters after the object."""

    def __init__(self, name: str, function: FunctionType) -> None:
        self.name, self.function = name, function

    @functools.cached_property
    def parameters(self) -> list[str]:
        """Found out when it is first called."""
        return parameters_of(self.function)[1:]


class Busy:
    """The threads that are inside a call already: what they call there is not outermost."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.over = False

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While the block runs, calls of this thread are not told."""
        thread = threading.get_ident()
        added = thread not in self.threads
        self.threads.add(thread)
        try:
            yield
        finally:
            if added:
                self.threads.discard(thread)


_parameters: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], list[str]]] = {}
"""By the identity of a function or class, and what its signature comes from."""


def parameters_of(answer: Callable[..., Any]) -> list[str]:
    """The names of the parameters that take positional arguments, in order."""
    comes_from = _signature_comes_from(answer)
    reference, before, names = _parameters.get(id(answer), (None, (), []))
    if reference is not None and reference() is answer and all(map(is_, before, comes_from)):
        return names
    names = _parameters_of(answer)
    if comes_from:
        forget = functools.partial(_forget, _parameters, id(answer))
        _parameters[id(answer)] = weakref.ref(answer, forget), comes_from, names
    return names


def _signature_comes_from(answer: Callable[..., Any]) -> tuple[Any, ...]:
    """Of a plain function or class; empty for anything whose signature may change otherwise."""
    if type(answer) is FunctionType and not vars(answer):
        return (answer.__code__,)
    if type(answer) is type and "__signature__" not in vars(answer):
        return tuple([type.__getattribute__(answer, name) for name in ("__init__", "__new__")])
    return ()


def _parameters_of(answer: Callable[..., Any]) -> list[str]:
    try:
        return [
            name
            for name, parameter in inspect.signature(answer).parameters.items()
            if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        return []


def _forget(known: dict[int, Any], key: int, _: object) -> None:
    known.pop(key, None)


@contextmanager
def methods_watched(
    kind: type, watcher: Watcher, busy: Busy, libraries: tuple[str, ...], package: str
) -> Iterator[None]:
    """While the block runs, tell `watcher` of every outermost call of a method of `kind`.

    Parameters
    ----------
    kind : type
        A class that is a library's own is left alone.
    watcher : Watcher
        An exception of its own is swallowed: the call goes on as if nobody watched.
    busy : Busy
        Is over when the block ends: wrapped methods that somebody kept are then plain.
    libraries, package : folders
        Classes of files in the first, and not in the second, are a library's.
    """
    found, codes = _looked_at(kind, libraries, package)
    before = {name: vars(kind).get(name, _MISSING) for name in found}
    limit = sys.getrecursionlimit()
    try:
        if found:
            sys.setrecursionlimit(
                2 * limit
            )  # a recursive method has two frames for each of its own
        for name, method in found.items():
            type.__setattr__(kind, name, _wrapped(method, watcher, busy, codes))
        yield
    finally:
        # A time limit may strike here once; from then on it spares this package.
        try:
            _put_back(kind, before, busy)
        finally:
            _put_back(kind, before, busy)
            if found and sys.getrecursionlimit() == 2 * limit:
                sys.setrecursionlimit(limit)


def _put_back(kind: type, before: dict[str, Any], busy: Busy) -> None:
    busy.over = True
    for name, original in before.items():
        if not hasattr(vars(kind).get(name), "_descent_watches"):
            continue  # back already, or the answer put something else there itself
        if original is _MISSING:
            type.__delattr__(kind, name)
        else:
            type.__setattr__(kind, name, original)


def _wrapped(method: Method, watcher: Watcher, busy: Busy, codes: set[int]) -> Callable[..., Any]:
    function, threads = method.function, busy.threads
    this_thread, frame_of = threading.get_ident, sys._getframe

    @functools.wraps(function)
    def watched(self: Any, /, *positional: Any, **keywords: Any) -> Any:
        thread = this_thread()
        if busy.over or thread in threads or (codes and id(frame_of(1).f_code) in codes):
            return function(self, *positional, **keywords)
        begun = None
        threads.add(thread)
        try:
            try:
                begun = watcher.begin(self, method, positional, keywords)
            except Exception:  # whatever an argument of the learner's does when it is looked at
                begun = None
            returned = function(self, *positional, **keywords)
            if begun is not None:
                with suppress(Exception):
                    watcher.end(begun, returned)
            return returned
        finally:
            threads.discard(thread)

    watched._descent_watches = True  # type: ignore[attr-defined]
    return watched


_Look = tuple[dict[str, Method], set[int]]

_looks: dict[int, tuple[weakref.ref[type], _Look]] = {}
"""What was found in each class, by its identity: a class is judged in many trials."""


def _looked_at(kind: type, libraries: tuple[str, ...], package: str) -> _Look:
    """The methods to watch, and the codes that run when no watched call is under way."""
    reference, look = _looks.get(id(kind), (None, ({}, set())))
    if reference is not None and reference() is kind and _is_as_it_was(kind, look):
        return look
    of_library = functools.partial(_is_of_library, libraries=libraries, package=package)
    if of_library(kind):
        return {}, set()
    found = {name: Method(name, f) for name, f in _own_methods(kind, of_library).items()}
    look = found, _codes_that_go_on_by_themselves(kind, of_library)
    _looks[id(kind)] = weakref.ref(kind, functools.partial(_forget, _looks, id(kind))), look
    return look


def _is_as_it_was(kind: type, look: _Look) -> bool:
    """Notebooks put new methods into old classes. One that was not there is not watched."""
    return all(
        type.__getattribute__(kind, name) is method.function for name, method in look[0].items()
    )


def _own_methods(kind: type, of_library: Callable[[type], bool]) -> dict[str, FunctionType]:
    """The methods to watch, by name: those that no library wrote, and a `forward` from anywhere."""
    found: dict[str, FunctionType] = {}
    before: list[Mapping[str, Any]] = []
    for base in type.mro(kind):
        there = vars(base)
        for name in ("forward",) if of_library(base) else tuple(there):
            if name.startswith("_") and name not in _ALSO:
                continue
            hidden = any(name in other for other in before)
            if not hidden and type(there.get(name)) is FunctionType:
                found[name] = there[name]
        before.append(there)
    # Of a module without a `forward` of its own, torch's says what is missing.
    if "forward" in found and found["forward"].__name__ == "_forward_unimplemented":
        del found["forward"]
    return found


def _is_of_library(kind: type, libraries: tuple[str, ...], package: str) -> bool:
    name = vars(kind).get("__module__")
    if not isinstance(name, str):
        return False
    if name in sys.builtin_module_names:
        return True
    path = getattr(sys.modules.get(name), "__file__", None)
    return isinstance(path, str) and path.startswith(libraries) and not path.startswith(package)


def _codes_that_go_on_by_themselves(kind: type, of_library: Callable[[type], bool]) -> set[int]:
    """Of generators and properties: they run when no watched call is under way."""
    parts: list[Any] = []
    for base in type.mro(kind):
        for value in () if of_library(base) else vars(base).values():
            function = getattr(value, "__func__", value)
            if isinstance(value, property):
                parts.append(value.fget)
            elif type(value) is functools.cached_property:
                parts.append(value.func)
            elif type(function) is FunctionType and inspect.isgeneratorfunction(function):
                parts.append(function)
    return {id(part.__code__) for part in parts if type(part) is FunctionType}
