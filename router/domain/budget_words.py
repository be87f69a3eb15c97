"""How a budget stands, in words and as a bar, for people in Slack."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from router.domain.alert import gone_on
from router.domain.budget import Budget, Period
from router.domain.money import show_usd

BAR = 20
"""Characters of a whole bar: they fit a line on a telephone."""

SPENT, RESERVED, LEFT = "█", "▒", "░"


def bar(budget: Budget) -> str:
    """Draw what is spent, reserved and left; what is not nothing is seen, what is overdrawn fills it."""
    spent = _cells(budget.spent_usd, budget.limit_usd, BAR)
    reserved = _cells(budget.reserved_usd, budget.limit_usd, BAR - spent)
    return SPENT * spent + RESERVED * reserved + LEFT * (BAR - spent - reserved)


def _cells(part_usd: Decimal, of_usd: Decimal, room: int) -> int:
    if part_usd <= 0:
        return 0
    if of_usd <= 0:
        return room
    return min(room, max(1, int(BAR * part_usd / of_usd)))


def share(part_usd: Decimal, of_usd: Decimal, width: int) -> str:
    """Draw a part of the largest one, without the rest of the bar."""
    cells = int(width * part_usd / of_usd) if of_usd > 0 else 0
    return SPENT * min(width, max(1 if part_usd > 0 else 0, cells))


def standing_words(budget: Budget, period: Period, now: float) -> str:
    """Say what is spent, reserved and left, when it renews and whether it lasts until then."""
    parts = [f"{show_usd(budget.spent_usd)} of {show_usd(budget.limit_usd)} per {period.kind} spent"]
    parts += [f"{show_usd(budget.reserved_usd)} reserved"] if budget.reserved_usd else []
    parts.append(f"{show_usd(max(budget.remaining_usd, Decimal(0)))} left")
    return f"{', '.join(parts)}. {renewal_words(budget, period, now)}"


def renewal_words(budget: Budget, period: Period, now: float) -> str:
    """Say when a budget renews, and what is to be expected until then."""
    return f"Renews on {day_words(period.renews)}{_forecast(budget, period, now)}."


def _forecast(budget: Budget, period: Period, now: float) -> str:
    if budget.spent_usd <= 0 or budget.remaining_usd <= 0:
        return "" if budget.remaining_usd > 0 else "; nothing is left until then"
    gone = gone_on(budget, period, now)
    return f"; at this pace it is used up on {day_words(gone)}" if gone else "; at this pace it lasts"


def day_words(day: datetime) -> str:
    """Name a day."""
    return f"{day:%A}, {day.day} {day:%B}"
