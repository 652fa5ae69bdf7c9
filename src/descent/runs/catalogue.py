"""The runs there are."""

from __future__ import annotations

import difflib

from descent.errors import CourseError
from descent.runs.gpt2 import GPT2
from descent.runs.nanogpt import NANOGPT
from descent.runs.run import Run

RUNS: dict[str, Run] = {run.name: run for run in (NANOGPT, GPT2)}


def find_run(name: str) -> Run:
    """Return a run by its name.

    Raises
    ------
    CourseError
        When there is none; the message lists those there are.
    """
    if name in RUNS:
        return RUNS[name]
    raise CourseError(f"There is no run {name!r}. {near(name, list(RUNS))}")


def near(name: str, known: list[str]) -> str:
    """Say which of the known names was probably meant, or list them all."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There {'is' if len(known) == 1 else 'are'} {', '.join(known)}."
