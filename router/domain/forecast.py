"""The forecast: how many messages a budget has still to answer before it renews.

Learns a channel's volume and its week from the tallies of this period and of the one before; where they are
silent, a working week and a usual volume are taken. It is the expectation of a Poisson process whose rate has
a Gamma prior: what was seen counts more, the longer it was watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import mul

from router.domain.tally import Tally

WORKING_WEEK = (1.0, 1.0, 1.0, 1.0, 1.0, 0.15, 0.15)
"""How much of a working day each weekday is, until a channel shows another rhythm."""

RHYTHM_MESSAGES = 20
"""Messages on one weekday after which their own count weighs as much as the working week."""

PRIOR_SHARE = 4 / 30
"""Of a period: watched for so long, it weighs as much as what was known before."""

OFFICE_OPENS, OFFICE_HOURS, OFFICE_SHARE = 8, 10, 0.9
"""From that hour, for so many, this share of a day's messages comes, evenly; the rest comes at any hour."""

_DAYS = 7


@dataclass(frozen=True, slots=True)
class Forecast:
    """The messages to the end of the period, and on a working day."""

    to_come: float
    a_day: float


def forecast(at: datetime, period_key: str, tally: Tally, before: Tally, a_day: float) -> Forecast:
    """Forecast the messages from `at` (local time) on.

    `before` is the tally of the period before; `a_day` is the volume of a working day where neither tells.
    Raises ValueError for a key that names no period.
    """
    first, days = span(period_key)
    today = min(max(at.toordinal(), first), first + days - 1)
    knows_before = any(before.messages)
    begins = first if knows_before or tally.opened is None else max(first, tally.opened.toordinal())
    seen: list[float] = list(_weekdays(begins, today - begins))
    left: list[float] = list(_weekdays(today + 1, first + days - today - 1))
    weekday, gone = (today - 1) % _DAYS, _part_of_day(at.hour + at.minute / 60)
    seen[weekday] += gone
    left[weekday] += 1 - gone
    earlier = _watched(before) if knows_before else _NO_DAYS
    work_seen, work_left, work_earlier = _work(tally.messages, before.messages, seen, left, earlier)
    prior_work = PRIOR_SHARE * (work_seen + work_left)
    prior = sum(before.messages) / work_earlier if knows_before else a_day
    rate = (sum(tally.messages) + prior_work * prior) / (work_seen + prior_work)
    return Forecast(rate * work_left, rate)


_NO_DAYS = (0,) * _DAYS


def _watched(before: Tally) -> Sequence[float]:
    """Count the weekdays of an earlier period from its first message on."""
    first, days = span(before.period_key)
    begins = max(first, before.opened.toordinal()) if before.opened else first
    return _weekdays(begins, max(1, first + days - begins))


def _work(
    counts: Sequence[int],
    counts_before: Sequence[int],
    seen: Sequence[float],
    left: Sequence[float],
    earlier: Sequence[float],
) -> tuple[float, float, float]:
    """Weigh the weekdays seen, left and of the period before, in working days.

    A weekday weighs what it does in a working week, corrected by what was counted on it.
    """
    watched = sum(map(mul, WORKING_WEEK, seen)) + sum(map(mul, WORKING_WEEK, earlier))
    rate = (sum(counts) + sum(counts_before)) / max(watched, 1.0)
    of_seen = of_left = of_earlier = 0.0
    for usual, n, n_before, s, d, e in zip(
        WORKING_WEEK, counts, counts_before, seen, left, earlier, strict=True
    ):
        weight = usual * (n + n_before + RHYTHM_MESSAGES) / (rate * usual * (s + e) + RHYTHM_MESSAGES)
        of_seen += weight * s
        of_left += weight * d
        of_earlier += weight * e
    return of_seen, of_left, of_earlier


def _part_of_day(hour: float) -> float:
    """Return the share of a day's messages that has usually come by this hour."""
    office = min(max(hour - OFFICE_OPENS, 0), OFFICE_HOURS) / OFFICE_HOURS
    return OFFICE_SHARE * office + (1 - OFFICE_SHARE) * hour / 24


@lru_cache(maxsize=256)
def span(period_key: str) -> tuple[int, int]:
    """Return the ordinal of a period's first day and the number of its days; see `Period.key`."""
    if "W" in period_key:
        year, week = period_key.split("-W")
        return date.fromisocalendar(int(year), int(week), 1).toordinal(), _DAYS
    if period_key.count("-") > 1:
        return date.fromisoformat(period_key).toordinal(), 1
    first = date.fromisoformat(f"{period_key}-01")
    after = (first + timedelta(days=31)).replace(day=1)
    return first.toordinal(), (after - first).days


@lru_cache(maxsize=512)
def _weekdays(first: int, days: int) -> tuple[int, ...]:
    """Count the weekdays, Monday first, among `days` days from the ordinal `first` on."""
    weeks, rest = divmod(days, _DAYS)
    begins = (first - 1) % _DAYS  # the first of all days was a Monday
    return tuple(weeks + ((day - begins) % _DAYS < rest) for day in range(_DAYS))
