"""One change of a definition, and what it makes the answer behave like."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from descent.grading.edits.code import Splice

_RESULT = re.compile(r"\bthe (first|second|third|fourth|fifth|sixth|seventh) result\b")
_NAME = re.compile(r"`[^`]*`")


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
        text = f"It behaves as if {self.clause}" + (f": {self.hint}" if self.hint else "")
        return text if text.endswith("?") else f"{text}."

    @property
    def likeness(self) -> tuple[str, str]:
        """What it has in common with the same slip in another place."""
        return self.kind, _NAME.sub("·", _RESULT.sub("·", self.clause))


def both(one: Change, two: Change) -> Change:
    """Two changes together."""
    kind = one.kind if one.kind == two.kind else f"{one.kind}, {two.kind}"
    return Change(kind, _joined([one, two]), [*one.splices, *two.splices])


def everywhere(changes: Iterable[Change]) -> Iterator[Change]:
    """Each sort of slip made in every place where it can be: whoever slips once slips again."""
    alike: dict[tuple[str, str], list[Change]] = defaultdict(list)
    for change in changes:
        alike[change.likeness].append(change)
    for group in alike.values():
        apart = _apart(group)
        if len(apart) > 1:
            splices = [splice for change in apart for splice in change.splices]
            yield Change(apart[0].kind, _joined(apart), splices, apart[0].hint)


def _apart(group: list[Change]) -> list[Change]:
    """Those of a group that do not overlap with one before."""
    chosen: list[Change] = []
    taken: list[Splice] = []
    for change in group:
        if not any(a[0] < b[1] and b[0] < a[1] for a in change.splices for b in taken):
            chosen.append(change)
            taken += change.splices
    return chosen


def _joined(changes: list[Change]) -> str:
    clauses = list(dict.fromkeys(change.clause for change in changes))
    many = "both results" if len(clauses) == 2 else "all results"
    if len(clauses) > 1 and len({_RESULT.sub(many, clause) for clause in clauses}) == 1:
        return _RESULT.sub(many, clauses[0])
    if len(clauses) == 1:
        return f"{clauses[0]}, and so in {'both' if len(changes) == 2 else 'all'} places"
    if len(clauses) == 2:
        return f"{clauses[0]}, and as if {clauses[1]}"
    return f"{clauses[0]}, and likewise in the other places"
