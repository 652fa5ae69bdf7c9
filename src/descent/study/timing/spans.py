"""Stretches of time, and what becomes of them where they overlap."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Span:
    """A stretch of time, from ``start`` to ``end``, in seconds since 1970 (UTC)."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True)
class Piece(Span):
    """A stretch of time, what it was given to, and how much it counts where two overlap.

    Attributes
    ----------
    chapter, item
        What it was given to; both may be empty.
    rank
        Of two pieces that overlap the one of the higher rank has the time.
    works
        Whether it is time worked. A pause is a piece that is not.
    """

    chapter: str = ""
    item: str = ""
    rank: tuple[float, ...] = ()
    works: bool = True


def without_overlap(pieces: Iterable[Piece]) -> list[Piece]:
    """Cut pieces so that no moment is in two of them; the higher rank keeps it.

    Returns
    -------
    list of Piece
        In the order of time. Neighbours that were cut from one piece are one again.
    """
    waiting = sorted((piece for piece in pieces if piece.end > piece.start), key=_start)
    moments = sorted({moment for piece in waiting for moment in (piece.start, piece.end)})
    cut: list[Piece] = []
    origins: list[int] = []
    active: list[tuple[tuple[float, ...], int, Piece]] = []
    number = 0
    for start, end in zip(moments, moments[1:], strict=False):
        while number < len(waiting) and waiting[number].start <= start:
            piece = waiting[number]
            heapq.heappush(active, (tuple(-value for value in piece.rank), number, piece))
            number += 1
        while active and active[0][2].end <= start:
            heapq.heappop(active)
        if not active:
            continue
        _, origin, piece = active[0]
        if cut and origins[-1] == origin and cut[-1].end == start:
            cut[-1] = replace(cut[-1], end=end)
        else:
            cut.append(replace(piece, start=start, end=end))
            origins.append(origin)
    return cut


def _start(piece: Piece) -> float:
    return piece.start
