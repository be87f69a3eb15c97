"""The digest: what a channel's last week came to, in a few lines for the people of that channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from router.domain.budget import Budget, Period, PeriodKind
from router.domain.money import show_usd

MOST_MODELS = 3
"""Named in a digest; a report has them all."""

LONGEST_MODEL = 60
"""Characters of a model's name: it comes from outside."""

WHOSE = {
    PeriodKind.DAY: "Today's budget",
    PeriodKind.WEEK: "This week's budget",
    PeriodKind.MONTH: "This month's budget",
}


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How often a model answered, and what that cost."""

    model: str
    answers: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Digest:
    """A channel's answers from the midnight that begins `since` until now, and its budget now.

    `models` are those of the months (`2026-11`) that this time touches, the dearest first: they are summed up
    by the month alone.
    """

    since: date
    answers: int
    cost_usd: Decimal
    budget: Budget
    period: Period
    months: tuple[str, ...]
    models: tuple[ModelUse, ...]


def digest_headline(digest: Digest) -> str:
    """Say how many answers there were and what they cost. No word in it comes from outside."""
    return f"Since {_day(digest.since)}: {_answers(digest.answers)} for {show_usd(digest.cost_usd)}."


def budget_line(digest: Digest) -> str:
    """Say how the budget of the present period stands. No word in it comes from outside."""
    budget = digest.budget
    return (
        f"{WHOSE[digest.period.kind]}: {show_usd(budget.spent_usd)} of {show_usd(budget.limit_usd)} spent, "
        f"{show_usd(max(budget.remaining_usd, Decimal(0)))} left until {_day(digest.period.renews.date())}."
    )


def models_line(digest: Digest) -> str:
    """Name the models that cost most. Their names come from outside: show this as plain text."""
    shown = [f"{_short(m.model)} ({_answers(m.answers)}, {show_usd(m.cost_usd)})" for m in digest.models]
    more = len(shown) - MOST_MODELS
    rest = [f"{more} more"] if more > 0 else []
    return f"Models in {_months(digest.months)}: {', '.join(shown[:MOST_MODELS] + rest)}."


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"


def _months(months: tuple[str, ...]) -> str:
    return " and ".join(f"{date.fromisoformat(f'{month}-01'):%B}" for month in months)


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count:,} answers"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_MODEL else f"{name[: LONGEST_MODEL - 1]}…"
