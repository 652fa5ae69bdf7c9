"""The clocks of a record: which run, which are paused, and what each has counted.

A clock is its events and nothing else: ``begin``, ``pause``, ``go on`` and ``stop``, and ``alive``,
which a timer on a screen leaves every few minutes. Its events carry its name and a number in their
order, so that neither a second machine nor a computer's time set back puts them in disorder.

A process that was killed stops no clock. So a clock counts from one sign of life to the next: its
own events, and whatever else is recorded while it runs. After too long a silence it is lost; it has
counted as far as its last sign of life.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from descent.study.days import is_on_the_calendar
from descent.study.events import Event
from descent.study.timing.moments import say_moment
from descent.study.timing.spans import Span

RUNNING, PAUSED, STOPPED, LOST = "running", "paused", "stopped", "lost"
BEGIN, PAUSE, GO_ON, STOP, ALIVE = "begin", "pause", "go on", "stop", "alive"
WORK, BREAK = "work", "break"

ALIVE_SECONDS = 300.0
"""How often a timer on a screen leaves a sign of life."""

WATCHED_SILENCE = 900.0
"""After a sign of life of a timer, a silence longer than this means that it was killed or slept."""

SILENCE = 3 * 3600.0
"""Without a timer on a screen, a silence longer than this means that the clock was forgotten."""

LONGEST_STRETCH = 16 * 3600.0
"""Nobody works longer at a stretch: an end further from the beginning is a slip."""

NAMELESS = "nameless "
"""What clocks are called here whose events carry no name; each begins a new one."""

SLACK = 60.0
"""By so many seconds a computer's time may be corrected without a word."""


@dataclass(frozen=True)
class Clock:
    """One clock, from its beginning to its end.

    Attributes
    ----------
    id
        Its name.
    chapter, what
        What it is for: a chapter's id, and words.
    state
        ``running``, ``paused``, ``stopped`` or ``lost``.
    begun, last_sign
        When it began, and when it was last heard of, in seconds since 1970 (UTC).
    spans
        What it has counted, up to now where it runs.
    pauses
        When it was paused.
    sprint
        The name of the sprint it belongs to, or empty.
    focus
        ``work`` or ``break``: a break of a sprint is timed, and is no work.
    block, finished
        The block of the sprint's plan that it is for, or empty; and whether that was done then.
    steps
        How many events it has.
    notes
        What the learner must know about its time, in sentences.
    """

    id: str
    chapter: str
    what: str
    state: str
    begun: float
    last_sign: float
    spans: tuple[Span, ...]
    pauses: tuple[Span, ...]
    sprint: str
    focus: str
    block: str
    finished: bool
    steps: int
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How much it has counted."""
        return sum(span.seconds for span in self.spans)

    @property
    def is_on(self) -> bool:
        """Whether it runs or is paused, so that another would be a second one."""
        return self.state in (RUNNING, PAUSED)

    @property
    def works(self) -> bool:
        """Whether what it counts is work."""
        return self.focus != BREAK


def read_clocks(events: Iterable[Event], now: float) -> list[Clock]:
    """Read every clock of a record.

    Parameters
    ----------
    events
        The whole record: whatever happens while a clock runs is a sign of life.
    now
        The time, in seconds since 1970 (UTC).

    Returns
    -------
    list of Clock
        In the order in which they were begun.
    """
    groups: dict[str, list[Event]] = defaultdict(list)
    signs, nameless = [], 0
    for event in sorted(events, key=lambda event: event.at):
        if not is_on_the_calendar(event.at):
            continue
        if event.kind != "clock":
            signs.append(event.at)
        elif event.data.get("clock"):
            groups[str(event.data["clock"])].append(event)
        else:
            nameless += event.data.get("action") == BEGIN
            groups[f"{NAMELESS}{nameless}"].append(event)
    clocks = [_read(name, own, signs, now) for name, own in groups.items()]
    return sorted((clock for clock in clocks if clock), key=lambda clock: (clock.begun, clock.id))


def latest_clock(clocks: Sequence[Clock]) -> Clock | None:
    """Return the clock that a command means: the latest that is on, else the latest."""
    on = [clock for clock in clocks if clock.is_on]
    return max(on or clocks, key=lambda clock: (clock.last_sign, clock.begun), default=None)


def _read(name: str, own: list[Event], signs: Sequence[float], now: float) -> Clock | None:
    ordered = sorted(own, key=lambda event: (_number(event, "step", 0.0), event.at, event.uid))
    begins = (event for event in ordered if event.data.get("action") == BEGIN)
    first = next(begins, None)
    if first is None:
        return None
    reader = _Reader(signs)
    for event in ordered[ordered.index(first) :]:
        reader.take(str(event.data.get("action")), event)
    reader.finish(now)
    sprint = first.data.get("sprint") or ""
    return Clock(
        id=name,
        chapter=first.chapter,
        what=first.exercise,
        state=reader.state,
        begun=_number(first, "when", first.at),
        last_sign=reader.last,
        spans=tuple(reader.spans),
        pauses=tuple(reader.pauses),
        sprint=str(first.data.get("weekend") or sprint) if sprint else "",
        focus=str(first.data.get("focus") or WORK),
        block=str(first.data.get("block") or ""),
        finished=any(event.data.get("finished") is True for event in own),
        steps=len(own),
        notes=tuple(reader.notes),
    )


def _number(event: Event, name: str, otherwise: float) -> float:
    value = event.data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    return float(value) if is_on_the_calendar(value) else otherwise


@dataclass
class _Reader:
    """Goes through one clock's events and adds up what lies between its signs of life."""

    signs: Sequence[float]
    state: str = STOPPED
    last: float = 0.0
    patience: float = SILENCE
    stretch: float = 0.0  # when it was last begun or went on
    may_grow: bool = True  # no pause ended the latest stretch, so a later end can be meant
    spans: list[Span] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take(self, action: str, event: Event) -> None:
        at = _number(event, "when", event.at)
        if action in (BEGIN, GO_ON):
            self._go(at)
            if 0 < event.at - at <= LONGEST_STRETCH:  # begun earlier: saying so is a sign of life
                self._add(Span(at, event.at))
                self.last = event.at
        elif action == STOP and "when" in event.data:
            self._correct(at)
        elif action in (PAUSE, STOP):
            self._halt(at, PAUSED if action == PAUSE else STOPPED)
        elif action == ALIVE and self.state == RUNNING:
            self._hear(at)
            left = event.data.get("watched") is False
            self.patience = SILENCE if left else WATCHED_SILENCE

    def finish(self, now: float) -> None:
        """See what became of a clock that is not stopped."""
        if self.state != RUNNING:
            return
        self._hear_others(now)
        gap = now - self.last
        if gap > self.patience:
            self.state = LOST
            self.notes.append(
                f"It was never stopped. Its last sign of life was at {say_moment(self.last, now)}, "
                "so it counts as far as that."
            )
        elif gap < -SLACK:
            self.notes.append(
                "The computer's time is earlier than this clock's last sign of life "
                f"({say_moment(self.last, now)}): it was set back, or was ahead then."
            )
        else:
            self._count_to(now)

    def _go(self, at: float) -> None:
        was_running = self.state == RUNNING and self._hear(at)
        if self.state == PAUSED and at > self.last:
            self.pauses.append(Span(self.last, at))
        if not was_running:
            self.stretch = at
        self.state, self.last, self.patience, self.may_grow = RUNNING, at, SILENCE, True

    def _halt(self, at: float, state: str) -> None:
        if self.state == RUNNING:
            self._hear_others(at)
            before = self.last
            if not self._count_to(at):
                self.last = before
            self.may_grow = state == STOPPED
        elif self.state == PAUSED and at > self.last:
            self.pauses.append(Span(self.last, at))
        self.state = state

    def _hear(self, at: float) -> bool:
        """Take an event of its own as a sign of life; return whether it was awaited."""
        self._hear_others(at)
        return self._count_to(at)

    def _hear_others(self, to: float) -> None:
        """Count to each other record before a moment, until a silence is too long."""
        for sign in self.signs[bisect_right(self.signs, self.last) : bisect_left(self.signs, to)]:
            if sign - self.last > self.patience:
                return
            self._count_to(sign)

    def _count_to(self, to: float) -> bool:
        """Count what lies between the last sign of life and this one, unless that is absurd."""
        start, self.last = self.last, to
        if to - start > self.patience:
            self.notes.append(
                f"Nothing was heard of it from {say_moment(start)} to {say_moment(to, start)}: "
                "that is not counted."
            )
            return False
        if to < start - SLACK:
            self.notes.append(
                f"The computer's time went back from {say_moment(start, to)} to {say_moment(to)} "
                "while it ran; nothing is counted between."
            )
        elif to > start:
            self._add(Span(start, to))
        return True

    def _add(self, span: Span) -> None:
        if self.spans and self.spans[-1].end == span.start:
            span = Span(self.spans.pop().start, span.end)
        self.spans.append(span)

    def _correct(self, end: float) -> None:
        """Let the latest stretch end when the learner says that it did."""
        end = min(end, self.stretch + LONGEST_STRETCH)
        if self.state == RUNNING:
            self._hear_others(end)
        self.spans = [
            Span(span.start, min(span.end, end)) for span in self.spans if span.start < end
        ]
        reached = max([self.stretch, *(span.end for span in self.spans)])
        if end > reached and self.may_grow:
            self._add(Span(reached, end))
        self.state, self.last = STOPPED, end
        self.notes.clear()
