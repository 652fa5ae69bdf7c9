"""What a judgement rests on, kept as it was before a notebook could replace it.

`np.random.seed = 42` where a call was meant, or a `sum` of one's own put into `builtins`, would
make every check fail, or let a wrong answer pass. So the functions of the libraries that judge are
kept at their import. While a check runs they are in their places; what the notebook had put there
is named, and given back afterwards.
"""

from __future__ import annotations

import functools
import os
import sys

# Bound here, so that this module itself works when a notebook has replaced them in `builtins`.
from builtins import (  # noqa: UP029
    all,
    callable,
    delattr,
    dir,
    getattr,
    isinstance,
    map,
    setattr,
    str,
    tuple,
    type,
    vars,
    zip,
)
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from operator import is_
from types import FunctionType, ModuleType
from typing import Any, ParamSpec, TypeVar

from descent.grading.calls import codes_of

P = ParamSpec("P")
T = TypeVar("T")

_SHOWN = {
    "builtins": "", "copy": "copy.", "itertools": "itertools.", "math": "math.",
    "operator": "operator.", "random": "random.",
    "numpy": "np.", "numpy.linalg": "np.linalg.", "numpy.random": "np.random.",
    "torch": "torch.", "torch.autograd": "torch.autograd.", "torch.linalg": "torch.linalg.",
    "torch.nn": "nn.", "torch.nn.functional": "F.", "torch.nn.init": "nn.init.",
    "torch.optim": "torch.optim.", "torch.random": "torch.random.",
    "torch:Tensor": "torch.Tensor.", "torch.nn:Module": "nn.Module.",
    "jax": "jax.", "jax.nn": "jax.nn.", "jax.numpy": "jnp.", "jax.tree": "jax.tree.",
    "optax": "optax.",
}  # fmt: skip
"""The modules (and classes, after a colon) that are kept, and how a person writes them."""

_NOT_KEPT = frozenset(
    {"breakpoint", "display", "exit", "help", "input", "open", "print", "quit", "Storage"}
)
"""Names that Jupyter and torch replace themselves, or that people replace with good reason."""

_MISSING: Any = object()


@dataclass(frozen=True)
class Replacement:
    """A name that no longer means what it meant at import, as a person writes it."""

    shown: str
    owner: Any
    name: str
    original: Any
    now: Any


@dataclass
class _Kept:
    """The functions, classes, numbers and modules of one module, or the methods of one class."""

    shown: str
    owner: Any
    names: tuple[str, ...]
    originals: tuple[Any, ...]

    def replaced(self) -> list[Replacement]:
        now = tuple(map(vars(self.owner).get, self.names, repeat(_MISSING)))
        if all(map(is_, now, self.originals)):
            return []
        pairs = zip(self.originals, now, strict=True)
        self.originals = tuple([new if _wraps(new, old) else old for old, new in pairs])
        return [
            Replacement(self.shown + name, self.owner, name, original, found)
            for name, original, found in zip(self.names, self.originals, now, strict=True)
            if found is not original
        ]


def _wraps(now: Any, original: Any) -> bool:
    """Whether a library has wrapped its own function since, as torch's compiler does."""
    if type(now) is not FunctionType or vars(now).get("__wrapped__") is not original:
        return False
    library = sys.modules.get(str(original.__module__).partition(".")[0])
    home = getattr(library, "__file__", None)
    return home is not None and now.__code__.co_filename.startswith(os.path.dirname(home))


_kept: dict[str, _Kept] = {}
_away: tuple[Replacement, ...] | None = None
"""What a check that is running has put away; None while none is running."""


def keep_originals() -> None:
    """Keep what the libraries loaded by now hold. What is kept already stays as it is."""
    for place, shown in _SHOWN.items():
        if place not in _kept:
            module_name, _, class_name = place.partition(":")
            module = sys.modules.get(module_name)
            if module is not None and not class_name:
                _kept[place] = _of_module(module, shown)
            elif module is not None and class_name in vars(module):
                _kept[place] = _of_class(vars(module)[class_name], shown)


def _of_module(module: ModuleType, shown: str) -> _Kept:
    held = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (callable(value) or isinstance(value, int | float | ModuleType))
        and name not in _NOT_KEPT
    }
    return _Kept(shown, module, tuple(held), tuple(held.values()))


def _of_class(kind: type, shown: str) -> _Kept:
    """Inherited methods too: they are hidden, not replaced, and that shows as a new entry."""
    names = [name for name in dir(kind) if name.startswith("__") or not name.startswith("_")]
    return _Kept(shown, kind, tuple(names), tuple(vars(kind).get(n, _MISSING) for n in names))


def replaced() -> tuple[Replacement, ...]:
    """Whatever is not as it was kept."""
    return tuple([found for kept in _kept.values() for found in kept.replaced()])


def put_back() -> None:
    """Undo what this notebook has replaced in Python's, numpy's, torch's and jax's modules."""
    for found in replaced():
        _put(found, found.original)


def _put(place: Replacement, value: Any) -> None:
    if value is _MISSING:
        delattr(place.owner, place.name)
    else:
        setattr(place.owner, place.name, value)


class OriginalsInPlace:
    """While the block runs, the originals are in their places; afterwards all is as before.

    Inside another such block it finds nothing to do. A class, because `contextlib` needs the very
    builtins that may have been replaced.
    """

    def __init__(self) -> None:
        self.replaced: tuple[Replacement, ...] = ()
        """What the notebook had replaced when the outermost block began."""
        self._outermost = False

    def __enter__(self) -> OriginalsInPlace:
        global _away
        keep_originals()
        if _away is None:
            self._outermost = True
            _away = replaced()
            put_back()
        self.replaced = _away
        return self

    def __exit__(self, *_: object) -> None:
        global _away
        if not self._outermost:
            return
        put_back()
        for found in self.replaced:
            _put(found, found.now)
        _away = None


def with_originals(work: Callable[P, T]) -> Callable[P, T]:
    """`work` as a function that runs with the originals in their places."""

    @functools.wraps(work)
    def run(*positional: P.args, **keywords: P.kwargs) -> T:
        with OriginalsInPlace():
            return work(*positional, **keywords)

    return run


def hidden_builtins(answer: Any, names: Mapping[str, Any]) -> list[str]:
    """The builtins that an answer uses by names to which its notebook gives plain values."""
    used = {name for code in codes_of(answer) for name in code.co_names}
    used &= vars(sys.modules["builtins"]).keys() & names.keys()
    return sorted(name for name in used if not callable(names[name]))


def listed(places: tuple[Replacement, ...]) -> str:
    """The names, as code, in a sentence: the first few, then how many more."""
    names = [f"`{place.shown}`" for place in places]
    if len(names) > 4:
        names = [*names[:3], f"{len(names) - 3} others"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


keep_originals()
