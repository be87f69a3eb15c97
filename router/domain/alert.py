"""Alerts: which threshold a budget has crossed, when its money will be gone, and the words for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from router.domain.budget import Budget, BudgetKind, Period
from router.domain.money import show_usd
from router.domain.notices import who_can_raise

USED_UP = 100
"""Per cent. Said also of a budget whose last cents buy no answer any more."""


def crossed(budget: Budget, thresholds: tuple[int, ...]) -> int:
    """Return the highest of `thresholds` (per cent of the limit) that is spent; 0 if none is."""
    if budget.spent_usd <= 0:
        return 0
    reached = (t for t in thresholds if budget.spent_usd * 100 >= budget.limit_usd * t)
    return max(reached, default=0)


def still_crossed(budget: Budget, limit_usd: Decimal) -> int:
    """Return up to which per cent of a new limit nobody needs to be told again."""
    if limit_usd <= 0:
        return budget.alerted
    return max(0, min(budget.alerted, int(budget.spent_usd * 100 // limit_usd)))


def gone_on(budget: Budget, period: Period, now: float) -> datetime | None:
    """Return when the limit is spent at the pace of this period so far; None: not before it renews."""
    if budget.spent_usd <= 0:
        return None
    elapsed = timedelta(seconds=max(1, int(now - period.starts.timestamp())))
    microseconds = elapsed // timedelta(microseconds=1) * budget.limit_usd / budget.spent_usd
    if microseconds >= (period.renews - period.starts) // timedelta(microseconds=1):
        return None
    gone = period.starts.astimezone(UTC) + timedelta(microseconds=int(microseconds))
    return gone.astimezone(period.starts.tzinfo) if gone < period.renews else None


def alert_words(
    budget: Budget, period: Period, threshold: int, now: float, admins: tuple[str, ...] = ()
) -> str:
    """Say what is spent of a budget, what is left and for how long."""
    used = f"{_who(budget)} has used"
    of = f"of {show_usd(budget.limit_usd)} per {period.kind}"
    renews = f"It renews on {_day(period.renews)}"
    if threshold >= USED_UP:
        return f"{used} up the budget {of}: {show_usd(budget.spent_usd)}. {renews}. {who_can_raise(admins)}"
    left_usd = max(budget.remaining_usd, Decimal(0))
    gone = gone_on(budget, period, now)
    pace = f"is used up on {_day(gone)}" if gone else "lasts until then"
    return (
        f"{used} {threshold} % of the budget {of}: {show_usd(budget.spent_usd)}, {show_usd(left_usd)} left. "
        f"{renews}; at this pace it {pace}."
    )


def _who(budget: Budget) -> str:
    if budget.kind is BudgetKind.USER:
        return f"<@{budget.id}>"
    if budget.kind is BudgetKind.WORKSPACE:
        return "The workspace"
    return "This direct message" if budget.id.startswith("D") else "This channel"


def _day(day: datetime) -> str:
    return f"{day:%A}, {day.day} {day:%B}"
