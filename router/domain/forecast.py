"""The forecast: how many messages a budget has still to answer before it renews.

Learns a channel's volume and its week from the tallies of this period and of the one before; where they are
silent, a working week and a usual volume are taken. It is the expectation of a Poisson process whose rate has
a Gamma prior: what was seen counts more, the longer it was watched.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import add, mul

from router.domain.tally import Tally

WORKING_WEEK = (1.0, 1.0, 1.0, 1.0, 1.0, 0.15, 0.15)
"""How much of a working day each weekday is, until a channel shows another rhythm."""

RHYTHM_MESSAGES = 20
"""Messages on one weekday after which their own count weighs as much as the working week."""

PRIOR_SHARE = 4 / 30
"""Of a period: watched for so long, it weighs as much as what was known before."""

OFFICE_OPENS, OFFICE_HOURS, OFFICE_SHARE = 8, 10, 0.9
"""From that hour, for so many, this share of a day's messages comes, evenly; the rest comes at any hour."""

_A_WEEK = 7

Days = tuple[float, ...]
"""How many days there are of each weekday, Monday first."""

_NO_DAYS: Days = (0,) * _A_WEEK


def forecast(at: datetime, period_key: str, tally: Tally, before: Tally, a_day: float) -> tuple[float, float]:
    """Forecast the messages from `at` (local time) to the end of the period, and those of a working day.

    `before` is the tally of the period before; `a_day` is the volume of a working day where neither tells.
    Raises ValueError for a key that names no period.
    """
    count, count_before = sum(tally.messages), sum(before.messages)
    opened = tally.opened.toordinal() if tally.opened and not count_before else 0
    weekday, days_seen, days_left = _days(period_key, at.toordinal(), opened)
    seen, left = list(days_seen), list(days_left)
    gone = _part_of_day(at.hour, at.minute)
    seen[weekday] += gone
    left[weekday] += 1 - gone
    earlier = _watched(before.period_key, before.opened) if count_before else _NO_DAYS
    watched = sum(map(mul, WORKING_WEEK, map(add, seen, earlier)))
    usual_rate = (count + count_before) / max(watched, 1.0)
    work_seen = work_left = work_earlier = 0.0
    for usual, n, n_before, s, d, e in zip(
        WORKING_WEEK, tally.messages, before.messages, seen, left, earlier, strict=True
    ):
        expected = usual_rate * usual * (s + e)
        weight = usual * (n + n_before + RHYTHM_MESSAGES) / (expected + RHYTHM_MESSAGES)
        work_seen += weight * s
        work_left += weight * d
        work_earlier += weight * e
    prior_work = PRIOR_SHARE * (work_seen + work_left)
    prior_rate = count_before / work_earlier if count_before else a_day
    rate = (count + prior_work * prior_rate) / (work_seen + prior_work)
    return rate * work_left, rate


@lru_cache(maxsize=24 * 60)
def _part_of_day(hour: int, minute: int) -> float:
    """Return the share of a day's messages that has usually come by this time."""
    hours = hour + minute / 60
    office = min(max(hours - OFFICE_OPENS, 0), OFFICE_HOURS) / OFFICE_HOURS
    return OFFICE_SHARE * office + (1 - OFFICE_SHARE) * hours / 24


@lru_cache(maxsize=256)
def span(period_key: str) -> tuple[int, int]:
    """Return the ordinal of a period's first day and the number of its days; see `Period.key`."""
    if "W" in period_key:
        year, week = period_key.split("-W")
        return date.fromisocalendar(int(year), int(week), 1).toordinal(), _A_WEEK
    if period_key.count("-") > 1:
        return date.fromisoformat(period_key).toordinal(), 1
    first = date.fromisoformat(f"{period_key}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return first.toordinal(), (after - first).days


@lru_cache(maxsize=1024)
def _days(period_key: str, today: int, opened: int) -> tuple[int, Days, Days]:
    """Return the weekday of today, and which are before and after it in the period.

    Before a new channel's first message (`opened`; 0: not new) silence means nothing: those days are out.
    """
    first, days = span(period_key)
    today = min(max(today, first), first + days - 1)
    begins = max(first, min(opened, today))
    return (today - 1) % _A_WEEK, _weekdays(begins, today), _weekdays(today + 1, first + days)


@lru_cache(maxsize=256)
def _watched(period_key: str, opened: date | None) -> Days:
    """Count the weekdays of an earlier period from its first message on."""
    first, days = span(period_key)
    begins = max(first, opened.toordinal()) if opened else first
    return _weekdays(min(begins, first + days - 1), first + days)


def _weekdays(begins: int, ends: int) -> Days:
    """Count the weekdays, Monday first, from one ordinal to before another."""
    days = range(begins, ends)
    return tuple(sum((day - 1) % _A_WEEK == weekday for day in days) for weekday in range(_A_WEEK))
