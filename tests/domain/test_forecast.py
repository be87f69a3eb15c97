"""The forecast: from a working week and a usual volume to what a channel has shown of itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.forecast import forecast, span
from router.domain.tally import Tally

MONTH, BEFORE = "2026-11", "2026-10"
NEVER = Tally()
USUAL = 10


def to_come(at: datetime, tally: Tally = NEVER, before: Tally = NEVER, key: str = MONTH) -> float:
    """Forecast with the usual volume for a channel that nothing is known of."""
    return forecast(at, key, tally, before, USUAL)[0]


def days_of(key: str, until: date | None = None) -> list[date]:
    """Return the days of a period, before `until` if that is given."""
    first, days = span(key)
    dates = [date.fromordinal(first + day) for day in range(days)]
    return [day for day in dates if until is None or day < until]


def counted(key: str, week: tuple[int, ...], until: date | None = None, opened: date | None = None) -> Tally:
    """Tally a channel that has so many messages on each weekday, Monday first."""
    days = [d.weekday() for d in days_of(key, until) if opened is None or d >= opened]
    return Tally(key, opened, tuple(week[d] * days.count(d) for d in range(7)))


def truly_left(week: tuple[int, ...], at: datetime) -> int:
    """Count what comes from midnight of `at` on."""
    return sum(week[day.weekday()] for day in days_of(MONTH) if day >= at.date())


WEEKS = {
    "office": (40, 44, 44, 40, 32, 6, 6),
    "every day alike": (30,) * 7,
    "rests on Friday and Saturday": (40, 40, 40, 40, 0, 0, 40),
    "weekends alone": (0, 0, 0, 0, 0, 50, 50),
    "few": (1, 0, 0, 1, 0, 0, 0),
    "crowded": (1400, 1400, 1400, 1400, 1400, 100, 100),
}


@pytest.mark.parametrize("week", WEEKS.values(), ids=WEEKS)
@pytest.mark.parametrize("day", [1, 2, 9, 16, 24, 29])
def test_a_channel_that_stays_as_it_was_is_foreseen(week: tuple[int, ...], day: int) -> None:
    """From the first day on, whatever its week is like, since the month before told."""
    at = datetime(2026, 11, day)  # noqa: DTZ001 - local time, of whatever zone
    tally, before = counted(MONTH, week, at.date()), counted(BEFORE, week)

    assert to_come(at, tally, before) == pytest.approx(truly_left(week, at), rel=0.25, abs=2)


def test_nothing_known_is_a_usual_working_month() -> None:
    """November 2026 has 21 working days and nine of rest."""
    assert to_come(datetime(2026, 11, 1)) == pytest.approx(USUAL * (21 + 9 * 0.15))  # noqa: DTZ001


@pytest.mark.parametrize("factor", [1 / 3, 3])
def test_a_wrong_memory_is_forgotten_within_a_week(factor: float) -> None:
    """A channel with three times as much, or a third, is known as that after a few working days."""
    now, was = (tuple(round(n * f) for n in WEEKS["office"]) for f in (1, factor))
    at = datetime(2026, 11, 11)  # noqa: DTZ001

    found = to_come(at, counted(MONTH, now, at.date()), counted(BEFORE, was))

    assert 1 / 2 < found / truly_left(now, at) < 2


def test_a_channel_that_is_new_is_not_taken_for_a_silent_one() -> None:
    """Days before its first message say nothing, in this period and in the one before."""
    at, week = datetime(2026, 11, 16), WEEKS["office"]  # noqa: DTZ001
    of_today, silent = (to_come(at, Tally(MONTH, opened)) for opened in (at.date(), date(2026, 11, 1)))
    assert of_today == pytest.approx(USUAL * (11 + 4 * 0.15))
    assert silent < of_today / 3

    half = counted(BEFORE, week, opened=date(2026, 10, 19))
    start = datetime(2026, 11, 1)  # noqa: DTZ001
    assert to_come(start, NEVER, half) == pytest.approx(truly_left(week, start), rel=0.15)


def test_a_burst_on_the_first_day_is_not_the_whole_truth() -> None:
    """Eight times a usual Monday raises the forecast, by far not eight times."""
    before = counted(BEFORE, WEEKS["office"])
    morning_after = datetime(2026, 11, 3)  # noqa: DTZ001
    calm, burst = (
        to_come(morning_after, Tally(MONTH, None, (monday, 0, 0, 0, 0, 0, 6)), before) for monday in (40, 320)
    )
    assert 1.2 < burst / calm < 4


@pytest.mark.parametrize(
    ("key", "before", "at"),
    [
        ("2026-W47", "2026-W46", datetime(2026, 11, 16)),  # noqa: DTZ001
        ("2026-11-16", "2026-11-15", datetime(2026, 11, 16)),  # noqa: DTZ001
        ("2026-W53", "2026-W52", datetime(2027, 1, 1)),  # noqa: DTZ001
    ],
)
def test_weeks_and_days_are_periods_too(key: str, before: str, at: datetime) -> None:
    """A week has what is left of its weekdays; of a Sunday one cannot see a Monday but by its weight."""
    left = sum(WEEKS["office"][day.weekday()] for day in days_of(key) if day >= at.date())
    tally = counted(key, WEEKS["office"], at.date())

    assert to_come(at, tally, counted(before, WEEKS["office"]), key) == pytest.approx(left, rel=0.25)


@pytest.mark.parametrize("key", ["", "2026", "2026-13", "2026-11-31", "2026-W60", "month"])
def test_what_is_no_period_is_an_error(key: str) -> None:
    """A key that names no days has no forecast."""
    with pytest.raises(ValueError, match=r".+"):
        to_come(datetime(2026, 11, 1), key=key)  # noqa: DTZ001


counts = st.tuples(*[st.integers(0, 5000)] * 7)
moments = st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 1) - timedelta(seconds=1))  # noqa: DTZ001


@given(moments, moments, counts, counts)
def test_less_is_to_come_as_time_goes_by(
    one: datetime, other: datetime, now: Sequence[int], was: Sequence[int]
) -> None:
    """With nothing new, every hour takes something away; what is to come is never less than nothing."""
    earlier, later = sorted((one, other))
    tally, before = Tally(MONTH, None, tuple(now)), Tally(BEFORE, None, tuple(was))

    assert 0 <= to_come(later, tally, before) <= to_come(earlier, tally, before) * 1.0001


@given(moments, counts, st.integers(0, 6))
def test_one_message_more_never_lowers_the_forecast_much(
    at: datetime, now: tuple[int, ...], day: int
) -> None:
    """It may move the week a little, and raises the volume."""
    more = tuple(n + (d == day) for d, n in enumerate(now))

    assert to_come(at, Tally(MONTH, None, more)) >= to_come(at, Tally(MONTH, None, now)) * 0.9 - 1
