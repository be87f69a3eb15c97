"""Periods: days, weeks and months of the operator's time zone, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.budget import Period, PeriodKind, period_at, period_named
from tests.domain.rungs import a_budget

DAY, WEEK, MONTH = PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",  # midnight is skipped in spring and never comes back twice in autumn
    "America/Santiago",
    "Asia/Beirut",
    "America/Havana",  # the first hour of a day comes twice
    "Atlantic/Azores",
    "America/Sao_Paulo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
)

moments = st.integers(
    int(datetime(2012, 1, 1, tzinfo=UTC).timestamp()), int(datetime(2037, 12, 31, tzinfo=UTC).timestamp())
)


def at(text: str, zone: str = "UTC", kind: PeriodKind = DAY, fold: int = 0) -> Period:
    """Find the period of a local time such as `2026-03-29 12:00`."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return period_at(kind, local.timestamp(), ZoneInfo(zone))


def hours(period: Period) -> float:
    """Measure how long a period lasts; between moments, not between readings of a clock."""
    return (period.renews.astimezone(UTC) - period.starts.astimezone(UTC)) / timedelta(hours=1)


def local(moment: datetime) -> str:
    """Write a moment as its zone's clocks show it."""
    return f"{moment:%Y-%m-%d %H:%M}"


@given(kind=st.sampled_from(PeriodKind), moment=moments, zone=st.sampled_from(ZONES))
def test_every_moment_is_in_one_period(kind: PeriodKind, moment: int, zone: str) -> None:
    """Periods follow each other without a gap, and each keeps its key from its first moment to its last."""
    tz = ZoneInfo(zone)
    period = period_at(kind, moment, tz)
    starts, renews = period.starts.timestamp(), period.renews.timestamp()
    assert starts <= moment < renews
    assert period_at(kind, starts, tz) == period
    assert period_at(kind, renews - 1, tz) == period
    following = period_at(kind, renews, tz)
    assert following.starts == period.renews
    assert following.key > period.key
    assert period_at(kind, starts - 1, tz).renews == period.starts


@given(kind=st.sampled_from(PeriodKind), moment=moments, zone=st.sampled_from(ZONES))
def test_a_period_is_known_by_its_key(kind: PeriodKind, moment: int, zone: str) -> None:
    """Whoever has only the row of a budget knows when its period began and when it renews."""
    period = period_at(kind, moment, ZoneInfo(zone))
    assert period_named(period.key, ZoneInfo(zone)) == period


@pytest.mark.parametrize("key", ["", "2026", "2026-13", "2026-W54", "2026-02-30", "limit", "11-2026"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    """No period is guessed at."""
    with pytest.raises(ValueError, match=r"."):
        period_named(key, ZoneInfo("UTC"))


@given(moment=moments, zone=st.sampled_from(ZONES))
def test_days_add_up_to_weeks_and_months(moment: int, zone: str) -> None:
    """The first moments of week and month are first moments of days."""
    for kind in (WEEK, MONTH):
        period = period_at(kind, moment, ZoneInfo(zone))
        for edge in (period.starts, period.renews):
            assert period_at(DAY, edge.timestamp(), ZoneInfo(zone)).starts == edge


@pytest.mark.parametrize(
    ("noon", "zone", "length"),
    [
        ("2026-03-29 12:00", "Europe/Berlin", 23),
        ("2026-10-25 12:00", "Europe/Berlin", 25),
        ("2026-03-08 12:00", "America/New_York", 23),
        ("2026-11-01 12:00", "America/New_York", 25),
        ("2026-10-04 12:00", "Australia/Lord_Howe", 23.5),
        ("2026-04-05 12:00", "Australia/Lord_Howe", 24.5),
        ("2026-10-25 12:00", "UTC", 24),
        ("2026-06-01 12:00", "Europe/Berlin", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(noon: str, zone: str, length: float) -> None:
    """Where clocks change, a day has fewer or more hours and still goes from midnight to midnight."""
    day = at(noon, zone)
    assert hours(day) == length
    assert (local(day.starts)[11:], local(day.renews)[11:]) == ("00:00", "00:00")


@pytest.mark.parametrize(
    ("noon", "zone", "first"),
    [
        ("2026-04-24 12:00", "Africa/Cairo", "2026-04-24 01:00"),
        ("2026-03-29 12:00", "Asia/Beirut", "2026-03-29 01:00"),
        ("2026-09-06 12:00", "America/Santiago", "2026-09-06 01:00"),
        ("2018-11-04 12:00", "America/Sao_Paulo", "2018-11-04 01:00"),
    ],
)
def test_a_day_without_a_midnight_starts_with_its_first_moment(noon: str, zone: str, first: str) -> None:
    """Where clocks jump from midnight to one, the day is an hour shorter and the day before is whole."""
    day = at(noon, zone)
    before = period_at(DAY, day.starts.timestamp() - 1, ZoneInfo(zone))
    assert (local(day.starts), hours(day)) == (first, 23)
    assert (hours(before), before.renews) == (24, day.starts)


def test_a_midnight_that_comes_twice_starts_the_day_once() -> None:
    """In Havana the hour from midnight to one is lived twice; the day starts with the first."""
    first, second = (at("2026-11-01 00:30", "America/Havana", fold=fold) for fold in (0, 1))
    assert first == second
    assert (local(first.starts), first.starts.fold, hours(first)) == ("2026-11-01 00:00", 0, 25)


def test_an_evening_that_comes_twice_is_one_day() -> None:
    """In Cairo the last hour of a Thursday is lived twice, and both belong to it."""
    first, second = (at("2026-10-29 23:30", "Africa/Cairo", fold=fold) for fold in (0, 1))
    assert first == second
    assert (hours(first), local(first.renews)) == (25, "2026-10-30 00:00")


def test_a_day_that_a_country_left_out_is_no_period() -> None:
    """Samoa went from 29 to 31 December 2011 across the date line."""
    eve = at("2011-12-29 12:00", "Pacific/Apia")
    assert (hours(eve), local(eve.renews)) == (24, "2011-12-31 00:00")


@pytest.mark.parametrize(
    ("moment", "key", "first", "renews", "days"),
    [
        ("2026-01-31 23:59", "2026-01", "2026-01-01", "2026-02-01", 31),
        ("2026-02-28 23:59", "2026-02", "2026-02-01", "2026-03-01", 28),
        ("2028-02-29 12:00", "2028-02", "2028-02-01", "2028-03-01", 29),
        ("2000-02-29 12:00", "2000-02", "2000-02-01", "2000-03-01", 29),
        ("2100-02-28 23:59", "2100-02", "2100-02-01", "2100-03-01", 28),
        ("2026-12-31 23:59", "2026-12", "2026-12-01", "2027-01-01", 31),
        ("2027-01-01 00:00", "2027-01", "2027-01-01", "2027-02-01", 31),
        ("2026-04-30 23:59", "2026-04", "2026-04-01", "2026-05-01", 30),
    ],
)
def test_months_end_where_the_calendar_says(
    moment: str, key: str, first: str, renews: str, days: int
) -> None:
    """Long, short and leap months, and the turn of the year."""
    month = at(moment, kind=MONTH)
    assert (month.key, local(month.starts)[:10], local(month.renews)[:10]) == (key, first, renews)
    assert hours(month) == days * 24


@pytest.mark.parametrize(
    ("moment", "key", "monday", "renews"),
    [
        ("2026-11-22 23:59", "2026-W47", "2026-11-16", "2026-11-23"),
        ("2026-12-31 12:00", "2026-W53", "2026-12-28", "2027-01-04"),
        ("2027-01-01 12:00", "2026-W53", "2026-12-28", "2027-01-04"),
        ("2027-01-04 00:00", "2027-W01", "2027-01-04", "2027-01-11"),
        ("2024-12-30 00:00", "2025-W01", "2024-12-30", "2025-01-06"),
        ("2021-01-03 23:59", "2020-W53", "2020-12-28", "2021-01-04"),
        ("2023-01-01 12:00", "2022-W52", "2022-12-26", "2023-01-02"),
        ("2024-02-29 12:00", "2024-W09", "2024-02-26", "2024-03-04"),
    ],
)
def test_weeks_are_iso_weeks(moment: str, key: str, monday: str, renews: str) -> None:
    """A week starts on Monday and belongs to the year that has its Thursday."""
    week = at(moment, kind=WEEK)
    assert (week.key, local(week.starts), local(week.renews)) == (key, f"{monday} 00:00", f"{renews} 00:00")


def test_daylight_saving_changes_the_length_of_week_and_month() -> None:
    """The hour that is lost on a Sunday is lost to its week and month."""
    assert hours(at("2026-03-27 12:00", "Europe/Berlin", WEEK)) == 7 * 24 - 1
    assert hours(at("2026-03-27 12:00", "Europe/Berlin", MONTH)) == 31 * 24 - 1
    assert hours(at("2026-10-27 12:00", "Europe/Berlin", MONTH)) == 31 * 24 + 1


def test_one_moment_is_in_different_periods_of_different_zones() -> None:
    """When Kiritimati is in next month, Honolulu still has more than a day of this one."""
    moment = datetime(2026, 11, 30, 10, 30, tzinfo=UTC).timestamp()
    keys = [period_at(MONTH, moment, ZoneInfo(z)).key for z in ("Pacific/Kiritimati", "Pacific/Honolulu")]
    assert keys == ["2026-12", "2026-11"]


def test_what_is_reserved_is_not_spent() -> None:
    """If every open reservation were released, all but what is spent would remain."""
    budget = a_budget(remaining="1.5", limit="5", reserved="0.5")
    assert (budget.spent_usd, budget.unspent_usd) == (Decimal(3), Decimal(2))
