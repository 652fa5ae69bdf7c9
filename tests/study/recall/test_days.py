"""A learner's days turn at 04:00 by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from descent.study.recall.days import date_of, day_of


def moment(zone: str, *when: int) -> float:
    """Seconds since 1970 of a time on the wall in a zone."""
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()


def the_date(at: float) -> date:
    day = day_of(at)
    assert day is not None
    return date_of(day)


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"])
def test_an_evening_lasts_until_four_in_the_morning(zone, name):
    zone(name)
    assert the_date(moment(name, 2027, 1, 10, 3, 59)) == date(2027, 1, 9)
    assert the_date(moment(name, 2027, 1, 10, 4, 0)) == date(2027, 1, 10)
    assert the_date(moment(name, 2027, 1, 10, 23, 59)) == date(2027, 1, 10)


@pytest.mark.parametrize("changes", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_day_turns_at_four_on_the_wall_when_summer_time_begins_or_ends(zone, changes):
    name = "Europe/Berlin"
    zone(name)
    place = changes.year, changes.month, changes.day
    assert the_date(moment(name, *place, 3, 59)) == date_of(day_of(moment(name, *place, 12)) - 1)
    assert the_date(moment(name, *place, 4, 0)) == changes


def test_no_day_is_passed_over_or_comes_twice_in_a_year_with_summer_time(zone):
    zone("America/New_York")
    start = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    days = [day_of(at) for at in range(start, start + 366 * 86_400, 900)]
    steps = {after - before for before, after in zip(days, days[1:], strict=False)}
    assert steps == {0, 1}


def test_a_day_is_that_of_where_the_learner_is_now(zone):
    evening = moment("Asia/Tokyo", 2027, 5, 4, 19, 0)
    zone("Asia/Tokyo")
    assert the_date(evening) == date(2027, 5, 4)
    zone("America/Los_Angeles")
    assert the_date(evening) == date(2027, 5, 3)


@pytest.mark.parametrize("at", [1e18, -1e18, float("inf"), float("nan")])
def test_a_moment_beyond_every_calendar_has_no_day(at):
    assert day_of(at) is None
