"""One change of a definition, and what it makes the answer behave like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from descent.grading.edits.code import Splice


@dataclass(frozen=True)
class Change:
    """Splices of a text, with what the result behaves like.

    Attributes
    ----------
    kind : str
        Of which sort it is.
    clause : str
        Follows "It behaves as if".
    splices : sequence of splices
    hint : str
        Where to look, in a few words; follows a colon.
    """

    kind: str
    clause: str
    splices: Sequence[Splice]
    hint: str = ""

    @property
    def words(self) -> str:
        """The whole sentence."""
        return f"It behaves as if {self.clause}" + (f": {self.hint}" if self.hint else ".")


def words_of_two(one: Change, two: Change) -> str:
    """What an answer behaves like that has both changes."""
    if one.clause == two.clause:
        return f"It behaves as if, in two places, {one.clause}."
    return f"It behaves as if {one.clause}, and as if {two.clause}."
