"""Doing one call of an answer again with another one: a quick way to see that the two differ."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from descent.grading.calls import Call
from descent.grading.known_state import seed_everything
from descent.grading.sandbox import guarded
from descent.grading.values import TooLarge, independent_copy, same, to_array

SECONDS = 0.05
"""Time for one call; where the answer itself takes longer, nothing is replayed."""

_NOTHING = object()


class Replay:
    """A call with the arguments as they were, for whoever is to do the same.

    `is_telling` says whether it gave numbers, texts or lists of them, and gives the same again:
    only then does another result tell two answers apart.
    """

    def __init__(self, answer: Callable[..., Any], call: Call | None) -> None:
        self.call = call
        self.is_telling = (
            not isinstance(answer, type)
            and call is not None
            and call.finished
            and _is_comparable(call.returned)
            and self.agrees(answer)
        )

    def agrees(self, answer: Callable[..., Any]) -> bool:
        """Whether an answer gives what the call gave."""
        assert self.call is not None
        found = guarded(lambda: self._again(answer), _NOTHING, SECONDS)
        return found is not _NOTHING and same(found, self.call.returned)

    def _again(self, answer: Callable[..., Any]) -> Any:
        assert self.call is not None
        seed_everything(0)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_grad_enabled(True)  # whatever the last one left
        positional = map(independent_copy, self.call.positional)
        keywords = {name: independent_copy(value) for name, value in self.call.keywords.items()}
        return answer(*positional, **keywords)


def _is_comparable(value: Any) -> bool:
    if isinstance(value, TooLarge):
        return False
    return to_array(value) is not None or isinstance(value, str | bytes | list | tuple | dict)
