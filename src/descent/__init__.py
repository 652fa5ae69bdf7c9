"""Descent: an interactive deep-learning course, from one weight to GPT-2.

A notebook needs ``chapter``, ``check``, ``hint`` and ``progress``; ``commit`` and ``outcome`` for
what is to be said before it is seen, ``recall`` and ``write`` for what is to be remembered and put
into words. ``clock`` and ``sprint`` keep the time. ``label_samples`` and ``blind_rating`` show
texts to be judged by hand, ``labels`` and ``rated`` return what was judged. Later chapters also
need ``mine``, which fetches an earlier answer; ``run``, which trains; ``recorded``, which shows
what others' training gave; and ``measured``, which returns what was measured beforehand. The last
rungs need a model that is already there (``GPT``, ``sample``), and processes that talk (``Link``,
``alone``, ``in_turns``, ``in_processes``). ``triton``, with its language ``tl``, is None where it
has no build.

A notebook imports from here, from :mod:`descent.data` and from :mod:`descent.figures`, and from
nothing deeper. Each name comes from its module on first use, so that ``import descent`` costs
nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descent.models.gpt import GPT, sample
    from descent.notebook import chapter, check, hint, mine, progress, put_back
    from descent.notebook_runs import recorded, run
    from descent.notebook_study import clock, commit, outcome, recall, sprint, write
    from descent.runs.launching.notebook_processes import in_processes
    from descent.study.labelling.labels import label_samples, labels
    from descent.study.labelling.rating import blind_rating, rated
    from descent.study.measurements import measured
    from descent.training.links import Link, alone, in_turns
    from descent.training.triton_language import tl, triton

__version__ = "0.1.0"

__all__ = [
    "GPT",
    "Link",
    "__version__",
    "alone",
    "blind_rating",
    "chapter",
    "check",
    "clock",
    "commit",
    "hint",
    "in_processes",
    "in_turns",
    "label_samples",
    "labels",
    "measured",
    "mine",
    "outcome",
    "progress",
    "put_back",
    "rated",
    "recall",
    "recorded",
    "run",
    "sample",
    "sprint",
    "tl",
    "triton",
    "write",
]

MODULES = {
    "GPT": "models.gpt",
    "Link": "training.links",
    "alone": "training.links",
    "blind_rating": "study.labelling.rating",
    "chapter": "notebook",
    "check": "notebook",
    "clock": "notebook_study",
    "commit": "notebook_study",
    "hint": "notebook",
    "in_processes": "runs.launching.notebook_processes",
    "in_turns": "training.links",
    "label_samples": "study.labelling.labels",
    "labels": "study.labelling.labels",
    "measured": "study.measurements",
    "mine": "notebook",
    "outcome": "notebook_study",
    "progress": "notebook",
    "put_back": "notebook",
    "rated": "study.labelling.rating",
    "recall": "notebook_study",
    "recorded": "notebook_runs",
    "run": "notebook_runs",
    "sample": "models.gpt",
    "sprint": "notebook_study",
    "tl": "training.triton_language",
    "triton": "training.triton_language",
    "write": "notebook_study",
}


def __getattr__(name: str) -> Any:
    """Fetch one of the public names from its module."""
    if name in MODULES:
        return getattr(import_module(f"descent.{MODULES[name]}"), name)
    raise AttributeError(f"module 'descent' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names for tab completion, the lazy ones included."""
    return sorted(set(globals()) | set(__all__))
