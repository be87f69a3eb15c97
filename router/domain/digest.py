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
    """How often a model answered, what that cost, and how often people called an answer good, or bad."""

    model: str
    answers: int
    cost_usd: Decimal
    good: int = 0
    bad: int = 0


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
    gone: date | None = None
    """The day on which the budget is used up at its pace so far; None: not before it renews."""
    saved_usd: Decimal = Decimal(0)
    best_tier: str = ""
    """What less it cost than this tier always would have, at its price caps."""


def digest_headline(digest: Digest) -> str:
    """Say how many answers there were, what they cost and saved. No word in it comes from outside."""
    said = f"Since {_day(digest.since)}: {_answers(digest.answers)} for {show_usd(digest.cost_usd)}"
    if digest.saved_usd <= 0:
        return f"{said}."
    return f"{said}, {show_usd(digest.saved_usd)} less than always {digest.best_tier} at its price caps."


def budget_line(digest: Digest) -> str:
    """Say how the budget of the present period stands. No word in it comes from outside."""
    budget = digest.budget
    pace = f"; at this pace it is used up on {_day(digest.gone)}" if digest.gone else ""
    return (
        f"{WHOSE[digest.period.kind]}: {show_usd(budget.spent_usd)} of {show_usd(budget.limit_usd)} spent, "
        f"{show_usd(max(budget.remaining_usd, Decimal(0)))} left until "
        f"{_day(digest.period.renews.date())}{pace}."
    )


def models_line(digest: Digest) -> str:
    """Name the models that cost most, and what people thought of their answers.

    Their names come from outside: show this as plain text.
    """
    shown = [
        f"{_short(m.model)} ({_answers(m.answers)}, {show_usd(m.cost_usd)}{_rating(m)})"
        for m in digest.models
    ]
    more = len(shown) - MOST_MODELS
    rest = [f"{more} more"] if more > 0 else []
    return f"Models in {_months(digest.months)}: {', '.join(shown[:MOST_MODELS] + rest)}."


def _rating(use: ModelUse) -> str:
    return f", {use.good} good, {use.bad} bad" if use.good or use.bad else ""


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"


def _months(months: tuple[str, ...]) -> str:
    return " and ".join(f"{date.fromisoformat(f'{month}-01'):%B}" for month in months)


def _answers(count: int) -> str:
    return "1 answer" if count == 1 else f"{count:,} answers"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_MODEL else f"{name[: LONGEST_MODEL - 1]}…"
