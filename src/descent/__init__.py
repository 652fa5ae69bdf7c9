"""Descent: an interactive deep-learning course, from one weight to GPT-2.

A notebook needs four names, ``from descent import chapter, check, hint, progress``; later
chapters also ``mine``, which fetches an earlier answer, ``run``, which trains, and ``recorded``,
which shows what others' training gave. They come from :mod:`descent.notebook` on first use, so that
``import descent`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descent.notebook import chapter, check, hint, mine, progress, put_back, recorded, run

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "chapter",
    "check",
    "hint",
    "mine",
    "progress",
    "put_back",
    "recorded",
    "run",
]

_IN_NOTEBOOK = frozenset(
    {"chapter", "check", "hint", "mine", "progress", "put_back", "recorded", "run"}
)


def __getattr__(name: str) -> Any:
    """Fetch one of the notebook's names from :mod:`descent.notebook`."""
    if name in _IN_NOTEBOOK:
        return getattr(import_module("descent.notebook"), name)
    raise AttributeError(f"module 'descent' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names for tab completion, the lazy ones included."""
    return sorted(set(globals()) | _IN_NOTEBOOK)
