"""The time a learner worked: what their clocks counted, and what their checks show besides."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from descent.study.days import beginning_of, day_of, is_on_the_calendar, week_of
from descent.study.events import Event
from descent.study.timing.clock import Clock, read_clocks
from descent.study.timing.spans import Piece, Span, without_overlap
from descent.study.working_time import estimated_stretches

_ESTIMATE, _PAUSE, _WORK_IN_A_PAUSE, _CLOCK = range(4)


@dataclass(frozen=True)
class Worked:
    """The time worked, in pieces of which no two overlap.

    Attributes
    ----------
    pieces
        Each with its chapter and what it was for, in the order of time.
    clocks
        The clocks of the record.
    """

    pieces: tuple[Piece, ...]
    clocks: tuple[Clock, ...]

    def hours_in_week(self, week: date) -> float:
        """Return the hours worked in the week of a Monday."""
        return self.weeks().get(week, 0.0)

    def hours_in_day(self, day: date) -> float:
        """Return the hours worked in a day, which begins at 04:00."""
        return self.days().get(day, 0.0)

    def hours_by_chapter(self) -> dict[str, float]:
        """Return the hours given to each chapter; under "" those given to none."""
        hours: dict[str, float] = {}
        for piece in self.pieces:
            hours[piece.chapter] = hours.get(piece.chapter, 0.0) + piece.seconds / 3600
        return hours

    def weeks(self) -> dict[date, float]:
        """Return the hours of every week from the first worked in to the last, by its Monday."""
        days = self.days()
        if not days:
            return {}
        first, last = (day - timedelta(days=day.weekday()) for day in (min(days), max(days)))
        weeks = {first + timedelta(days=7 * n): 0.0 for n in range((last - first).days // 7 + 1)}
        for day, hours in days.items():
            weeks[day - timedelta(days=day.weekday())] += hours
        return weeks

    def days(self) -> dict[date, float]:
        """Return the hours of every day that was worked on, in order."""
        hours: dict[date, float] = {}
        for piece in self.pieces:
            start, day = piece.start, day_of(piece.start)
            while start < piece.end:
                turn = beginning_of(day + timedelta(days=1))
                hours[day] = hours.get(day, 0.0) + (min(turn, piece.end) - start) / 3600
                start, day = turn, day + timedelta(days=1)
        return hours


def time_worked(events: Iterable[Event], now: float) -> Worked:
    """Work out the time worked from a record.

    A minute counts once, however many clocks, kernels and machines saw it. A clock's word goes
    before an estimate, and of two clocks the later's. An estimate counts what lies between two
    records that are near each other; a pause of a clock is taken out of it, unless both records
    were made during the pause.

    Parameters
    ----------
    events
        The whole record.
    now
        The time, in seconds since 1970 (UTC).
    """
    events = [event for event in events if is_on_the_calendar(event.at)]
    clocks = read_clocks(events, now)
    pauses = sorted(_pauses(clocks), key=lambda pause: pause.start)
    past = [event for event in events if event.at <= now]  # a computer's time may have been ahead
    pieces = [*_clock_pieces(clocks), *pauses, *_estimates(past, pauses)]
    worked = [piece for piece in without_overlap(pieces) if piece.works]
    return Worked(tuple(worked), tuple(clocks))


def recent_time(events: Iterable[Event], now: float) -> Worked:
    """Work out the time worked this week, without going through the years before.

    What is of the day before the week is there as well: a clock may have begun on it.
    """
    recent = beginning_of(week_of(now)) - 86400.0
    return time_worked([event for event in events if event.at >= recent], now)


def hours_this_week(events: Iterable[Event], now: float) -> float:
    """Return the hours worked since Monday, 04:00."""
    return recent_time(events, now).hours_in_week(week_of(now))


def _clock_pieces(clocks: Iterable[Clock]) -> Iterable[Piece]:
    for clock in clocks:
        if clock.works:
            for span in clock.spans:
                rank = (_CLOCK, clock.begun)
                yield Piece(span.start, span.end, clock.chapter, clock.what, rank)


def _pauses(clocks: Iterable[Clock]) -> Iterable[Piece]:
    for clock in clocks:
        for span in (*clock.pauses, *(() if clock.works else clock.spans)):
            yield Piece(span.start, span.end, rank=(_PAUSE,), works=False)


def _estimates(events: Iterable[Event], pauses: Sequence[Piece]) -> Iterable[Piece]:
    starts = [pause.start for pause in pauses]
    for start, end, event in estimated_stretches(events):
        piece = Piece(start, end, event.chapter, event.exercise, (_ESTIMATE,))
        place = bisect_right(starts, start) - 1
        inside = place >= 0 and _holds(pauses[place], piece)
        yield replace(piece, rank=(_WORK_IN_A_PAUSE,)) if inside else piece


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start < inner.start and inner.end < outer.end
