"""The arguments of a call, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from descent.grading.questions.snapshots import snapshot

MOST_CASES = 5


FEWEST = 3
"""So many different cases have to agree before anything is said."""


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


MODE, ASKS = ".mode", ".asks"
"""In the snapshot of a network: its modes, and which parameters ask for gradients."""


Said = tuple[str, str]
"""What a sentence is about (of two about the same, one is said), and the sentence."""


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
