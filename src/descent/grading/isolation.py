"""All that shields a check from the notebook around it, and the notebook from the check."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from descent.grading.known_state import every_setting, known_state
from descent.grading.originals import OriginalsInPlace, listed
from descent.grading.sandbox import Printed, captured_output, memory_limit, nobody_typing


@dataclass(frozen=True)
class Isolation:
    """What the block's code printed, and what the notebook around it had changed, in sentences."""

    printed: Printed
    notes: tuple[str, ...]


@contextlib.contextmanager
def isolated() -> Iterator[Isolation]:
    """Run the block with the libraries' own functions, in a known state, with all put back after.

    What it prints is collected, what it displays dropped; memory has a limit, and nothing can be
    typed. The limit of time is set around each call that needs one, with `time_limit`.
    """
    with (
        OriginalsInPlace() as originals, known_state(every_setting()) as off, memory_limit(),
        captured_output() as printed, nobody_typing(),
    ):  # fmt: skip
        notes = []
        if originals.replaced:
            notes.append(
                f"Your notebook has replaced {listed(originals.replaced)}. This check used what "
                "the library brings; your own cells do not. To undo it, restart the kernel or run "
                "`import descent; descent.put_back()`."
            )
        if off:
            notes.append(
                f"Your notebook has changed how the libraries work: {', '.join(off)}. This check "
                "ran without that; your own cells do not."
            )
        yield Isolation(printed, tuple(notes))
