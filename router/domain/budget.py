"""A budget: a limit in dollars for a channel, user or workspace, renewed each period.

Keeps the arithmetic of periods in the operator's time zone. The rows and their conditions are the
ledger's; this module never decides whether a reservation is admitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
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


def period_named(key: str, zone: tzinfo) -> Period:
    """Find the period that has this key in `zone`; raises ValueError when none has."""
    if "W" in key:
        return period_at(PeriodKind.WEEK, _noon(date.fromisoformat(key), zone), zone)
    kind, day = (PeriodKind.MONTH, f"{key}-01") if len(key) == _MONTH_KEY else (PeriodKind.DAY, key)
    return period_at(kind, _noon(date.fromisoformat(day), zone), zone)


_MONTH_KEY = len("2026-11")


def _noon(day: date, zone: tzinfo) -> float:
    """Return a moment that is in `day` whatever its clocks do at night."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp()


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


WORKSPACE_ID = "all"
"""Of the workspace's one budget: whatever this Penny spends, in whichever workspace of an organisation."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in each period of a kind: the two belong together and change together."""

    amount_usd: Decimal
    per: PeriodKind


@dataclass(frozen=True, slots=True)
class BudgetPeriod:
    """Names one budget in whichever period holds `moment`, with the limit that the file gives it.

    A limit that was set wins over the file's, with its own kind of period. None: the file has no limit for
    it, so it applies only where one was set.
    """

    kind: BudgetKind
    id: str
    moment: float
    zone: tzinfo
    limit: Limit | None

    def period(self, per: PeriodKind) -> Period:
        """Return the period of this kind."""
        return period_at(per, self.moment, self.zone)


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
    alerted: int = 0
    """Up to which per cent of its limit people were told."""

    @property
    def row(self) -> tuple[BudgetKind, str, str]:
        """Its row's name."""
        return (self.kind, self.id, self.period_key)

    @property
    def unspent_usd(self) -> Decimal:
        """What would remain if every open reservation were released."""
        return self.limit_usd - self.spent_usd
