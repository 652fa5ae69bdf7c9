"""How a sprint stands, read from the record alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descent.study.events import Event
from descent.study.sprint.plan import Block, Plan
from descent.study.sprint.schedule import DAY_SECONDS, Schedule, lay_out
from descent.study.timing.clock import Clock, read_clocks


@dataclass(frozen=True)
class Weekend:
    """A sprint under way, or over.

    Attributes
    ----------
    id
        Its name in the record.
    plan
        The plan it goes by.
    clocks
        Its clocks, in the order in which they were begun: blocks, and breaks that nobody planned.
    now
        The time it was read at, in seconds since 1970 (UTC).
    """

    id: str
    plan: Plan
    clocks: tuple[Clock, ...]
    now: float

    @property
    def current(self) -> Clock | None:
        """The clock that runs or is paused; None between two."""
        return next((clock for clock in reversed(self.clocks) if clock.is_on), None)

    @property
    def block(self) -> Block | None:
        """The block that was begun last and is not done; a break of one's own interrupts it."""
        for clock in reversed(self.clocks):
            block = self.plan.block(clock.block)
            if block is not None:
                return None if block.id in self.done else block
        return None

    @property
    def day(self) -> int:
        """Which day of the plan is under way, or was last, from 0."""
        days = (self.plan.day_of(clock.block) for clock in self.clocks)
        return max((day for day in days if day is not None), default=0)

    @property
    def done(self) -> frozenset[str]:
        """The ids of the blocks that are done."""
        return frozenset(clock.block for clock in self.clocks if clock.finished)

    @property
    def spent(self) -> dict[str, float]:
        """The seconds that each block has had."""
        spent: dict[str, float] = {}
        for clock in self.clocks:
            if clock.block:
                spent[clock.block] = spent.get(clock.block, 0.0) + clock.seconds
        return spent

    def began(self, day: int) -> float | None:
        """Return when a day of the plan began, in seconds since 1970 (UTC), or None."""
        begun = [clock.begun for clock in self.clocks if self.plan.day_of(clock.block) == day]
        return min(begun, default=None)

    @property
    def waiting(self) -> tuple[Block, ...]:
        """The blocks of the day under way that are not done and not passed over, in order."""
        blocks = self.plan.days[self.day].blocks
        places = {block.id: place for place, block in enumerate(blocks)}
        reached = max((places.get(clock.block, 0) for clock in self.clocks), default=0)
        return tuple(block for block in blocks[reached:] if block.id not in self.done)

    @property
    def missed(self) -> tuple[Block, ...]:
        """The blocks of earlier days that were never begun, rests left out."""
        begun = {clock.block for clock in self.clocks}
        earlier = (block for day in self.plan.days[: self.day] for block in day.blocks)
        return tuple(block for block in earlier if not block.is_rest and block.id not in begun)

    @property
    def schedule(self) -> Schedule:
        """The rest of the day, from now on."""
        began = self.began(self.day)
        end = (self.now if began is None else began) + DAY_SECONDS
        return lay_out(self.waiting, self.now, end, self.spent)

    @property
    def has_day_left(self) -> bool:
        """Whether a clock is on, or blocks are left in the twelve hours of the day."""
        began = self.began(self.day)
        is_in_time = began is not None and self.now < began + DAY_SECONDS
        return self.current is not None or (is_in_time and bool(self.schedule.slots))


def read_weekend(events: Iterable[Event], plan: Plan, now: float) -> Weekend | None:
    """Read the latest sprint of a record; None where there was none.

    Parameters
    ----------
    events
        The whole record.
    plan
        The plan it goes by.
    now
        The time, in seconds since 1970 (UTC).
    """
    clocks = [clock for clock in read_clocks(events, now) if clock.sprint]
    if not clocks:
        return None
    name = clocks[-1].sprint
    return Weekend(name, plan, tuple(clock for clock in clocks if clock.sprint == name), now)
