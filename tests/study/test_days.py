"""A learner's days turn at 04:00 by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from descent.study.days import date_of, day_number, day_of, is_on_the_calendar


def moment(zone: str, *when: int) -> float:
    """Seconds since 1970 of a time on the wall in a zone."""
    return datetime(*when, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"])
def test_an_evening_lasts_until_four_in_the_morning(move_to, name):
    move_to(name)
    assert day_of(moment(name, 2027, 1, 10, 3, 59)) == date(2027, 1, 9)
    assert day_of(moment(name, 2027, 1, 10, 4, 0)) == date(2027, 1, 10)
    assert day_of(moment(name, 2027, 1, 10, 23, 59)) == date(2027, 1, 10)


@pytest.mark.parametrize("changes", [date(2027, 3, 28), date(2027, 10, 31)])
def test_the_day_turns_at_four_on_the_wall_when_summer_time_begins_or_ends(move_to, changes):
    name = "Europe/Berlin"
    move_to(name)
    place = changes.year, changes.month, changes.day
    assert day_of(moment(name, *place, 3, 59)) == date_of(day_number(moment(name, *place, 12)) - 1)
    assert day_of(moment(name, *place, 4, 0)) == changes


def test_no_day_is_passed_over_or_comes_twice_in_a_year_with_summer_time(move_to):
    move_to("America/New_York")
    start = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    days = [day_number(at) for at in range(start, start + 366 * 86_400, 900)]
    steps = {after - before for before, after in zip(days, days[1:], strict=False)}
    assert steps == {0, 1}


def test_a_day_is_that_of_where_the_learner_is_now(move_to):
    evening = moment("Asia/Tokyo", 2027, 5, 4, 19, 0)
    move_to("Asia/Tokyo")
    assert day_of(evening) == date(2027, 5, 4)
    move_to("America/Los_Angeles")
    assert day_of(evening) == date(2027, 5, 3)


@pytest.mark.parametrize("at", [1e18, -1e18, float("inf"), float("nan")])
def test_a_moment_beyond_every_calendar_is_not_on_ours(at):
    assert not is_on_the_calendar(at)
