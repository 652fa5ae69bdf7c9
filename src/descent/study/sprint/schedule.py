"""Blocks laid out on the hours that are left; what no longer fits is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from descent.study.sprint.plan import Block

DAY_SECONDS = 12 * 3600.0
"""A day of the sprint ends so long after it began, however late its blocks are."""

LAST_TO_GO = ("explain", "notes")
"""The kinds of blocks that are left out last."""


@dataclass(frozen=True)
class Slot:
    """A block with its hours, in seconds since 1970 (UTC)."""

    block: Block
    start: float
    end: float


@dataclass(frozen=True)
class Schedule:
    """The rest of a day: what is done when, and what no longer fits."""

    slots: tuple[Slot, ...]
    left_out: tuple[Block, ...]


def lay_out(
    blocks: Sequence[Block], now: float, end: float, spent: dict[str, float] | None = None
) -> Schedule:
    """Lay blocks out one after another from now on.

    Where they take longer than there is time, those that give way are left out first, then work and
    rests from the last on, then the rest, until the others fit: a day ends with an explanation and
    notes. The block that is under way stays.

    Parameters
    ----------
    blocks
        What is not done yet, in order; the first may be under way.
    now, end
        The time, and when the day ends, in seconds since 1970 (UTC).
    spent
        The seconds that blocks under way have had already, by id.
    """
    spent = spent or {}
    needs = {
        block.id: max(0.0, 60.0 * block.minutes - spent.get(block.id, 0.0)) for block in blocks
    }
    kept = list(blocks)
    left_out: list[Block] = []
    while kept and sum(needs[block.id] for block in kept) > max(0.0, end - now) + 1.0:
        later = [block for block in kept if block.id not in spent]
        if not later:
            break
        giving = [block for block in later if block.gives_way]
        others = [block for block in later if block.kind not in LAST_TO_GO]
        out = (giving or others or later)[-1]
        kept.remove(out)
        left_out.append(out)
    slots, at = [], now
    for block in kept:
        slots.append(Slot(block, at, at + needs[block.id]))
        at += needs[block.id]
    order = {block.id: place for place, block in enumerate(blocks)}
    return Schedule(tuple(slots), tuple(sorted(left_out, key=lambda block: order[block.id])))
