"""A budget: a limit in dollars for a channel, user or workspace, renewed each period.

Keeps the arithmetic of periods in the operator's time zone. The rows and their conditions are the
ledger's; this module never decides whether a reservation is admitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum

from router.domain.experience import NO_EXPERIENCE, Experience


class PeriodKind(StrEnum):
    """How often a budget renews."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """One day, ISO week or month of a time zone; `renews` is the first moment of the next."""

    kind: PeriodKind
    key: str
    starts: datetime
    renews: datetime

    @property
    def key_before(self) -> str:
        """Name the period before."""
        return _key(self.kind, self.starts - timedelta(hours=12))  # by the clock on the wall: the noon before


def period_at(kind: PeriodKind, moment: float, zone: tzinfo) -> Period:
    """Find the period that holds `moment` (epoch seconds).

    Periods begin at local midnight, so a day may have 23 or 25 hours.
    """
    local = datetime.fromtimestamp(moment, zone)
    key = _key(kind, local)
    if kind is PeriodKind.DAY:
        return Period(kind, key, _midnight(local, 0), _midnight(local, 1))
    if kind is PeriodKind.WEEK:
        weekday = local.isoweekday()
        return Period(kind, key, _midnight(local, 1 - weekday), _midnight(local, 8 - weekday))
    first = local.replace(day=1)
    next_first = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return Period(kind, key, _midnight(first, 0), _midnight(next_first, 0))


def _key(kind: PeriodKind, local: datetime) -> str:
    if kind is PeriodKind.WEEK:
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02}"
    return f"{local:%Y-%m-%d}" if kind is PeriodKind.DAY else f"{local:%Y-%m}"


def _midnight(local: datetime, days: int) -> datetime:
    """Local midnight `days` after the day of `local`, as an unambiguous moment."""
    day = local.date() + timedelta(days=days)
    return (
        datetime(day.year, day.month, day.day, tzinfo=local.tzinfo).astimezone(UTC).astimezone(local.tzinfo)
    )


class BudgetKind(StrEnum):
    """Whom a budget is for. A direct message is a channel."""

    CHANNEL = "channel"
    USER = "user"
    WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class BudgetPeriod:
    """Names one budget in one period, with the limit that applies if the period is not open yet."""

    kind: BudgetKind
    id: str
    period: Period
    limit_usd: Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """What the table says of a budget in a period: `remaining = limit - spent - reserved`, always.

    `known` is what its answers taught so far: it helps to choose, and says nothing about the money.
    """

    kind: BudgetKind
    id: str
    period_key: str
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal
    known: Experience = field(default=NO_EXPERIENCE, compare=False)

    @property
    def unspent_usd(self) -> Decimal:
        """What would remain if every open reservation were released."""
        return self.limit_usd - self.spent_usd
