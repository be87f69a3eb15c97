"""The report: what a channel or the workspace spent in a month, by model, user, day or channel.

Reads rollups only, so it costs the same for a thousand usage records and for a million.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal

from router.adapters.usage import Rollup, UsageTable
from router.domain.ladder import Tier

_MILLION = Decimal(1_000_000)
_EXACT = Context(prec=60)
"""DynamoDB keeps 38 digits of an amount, more than Decimal's own 28; this holds the sum of many of them."""


@dataclass(frozen=True, slots=True)
class Line:
    """The sums of one model, user, day or channel. `estimated_usd` is what of the cost nobody confirmed."""

    name: str
    answers: int
    cost_usd: Decimal
    estimated_usd: Decimal
    prompt_tokens: int
    completion_tokens: int
    good: int = 0
    bad: int = 0
    """How often answers were called good, and bad: of models, and of a channel's total."""


@dataclass(frozen=True, slots=True)
class Report:
    """A month of a channel, or of the workspace when `channel` is empty: days in order, all else by cost.

    An empty `month` says that it is no month, but some days.
    """

    channel: str
    month: str
    by: str
    lines: tuple[Line, ...]
    total: Line
    user: str = ""
    """Whose messages alone are counted; empty: everyone's."""


@dataclass(frozen=True, slots=True)
class Savings:
    """What the same tokens would have cost in the best tier, at its price caps, and what was saved."""

    tier: str
    cost_usd: Decimal
    saved_usd: Decimal


def savings_of(total: Line, tier: Tier) -> Savings:
    """Compare with always taking `tier`; what nobody confirmed has no tokens and counts on both sides.

    It is a comparison of prices: another model writes other tokens, and few calls reach their price cap.
    """
    prompt = tier.max_price_prompt_usd * total.prompt_tokens
    completion = tier.max_price_completion_usd * total.completion_tokens
    cost_usd = _EXACT.add((prompt + completion) / _MILLION, total.estimated_usd)
    return Savings(tier.name, cost_usd, cost_usd - total.cost_usd)


def make_report(usage: UsageTable, channel: str, month: str, by: str) -> Report:
    """Report a month of `channel`, or of the workspace when `channel` is empty.

    `by` is one of CHANNEL_WAYS or WORKSPACE_WAYS. A month without usage gives a report without lines.
    """
    if channel:
        rollups = [rollup for rollup in usage.channel_month(channel, month) if rollup.dimension == by]
    else:
        rollups = usage.workspace_month(month, "total" if by == "channel" else by)
    return sum_up(rollups, channel, month, by)


def days_report(usage: UsageTable, channel: str, since: date, until: date) -> Report:
    """Report a channel's days from `since` to `until`, both included; a query for each month of them."""
    months = sorted({f"{since:%Y-%m}", f"{until:%Y-%m}"})
    days = (one for month in months for one in usage.channel_month(channel, month) if one.dimension == "day")
    return sum_up((day for day in days if f"{since}" <= day.value <= f"{until}"), channel, "", "day")


def user_report(usage: UsageTable, user: str, month: str) -> Report:
    """Report a month of one user, by channel; it reads a row for each user and channel of the month."""
    rollups = (rollup for rollup in usage.workspace_month(month, "user") if rollup.value == user)
    return replace(sum_up(rollups, "", month, "channel"), user=user)


def sum_up(rollups: Iterable[Rollup], channel: str, month: str, by: str) -> Report:
    """Sum up rollups of one month that are all of one dimension, those of several channels under one name."""
    rollups = tuple(rollups)
    named: dict[str, list[Rollup]] = {}
    for rollup in rollups:
        named.setdefault(rollup.channel if by == "channel" else rollup.value, []).append(rollup)
    lines = [_line(name, group) for name, group in named.items()]
    lines.sort(key=lambda line: line.name if by == "day" else (-line.cost_usd, line.name))
    return Report(channel, month, by, tuple(lines), _line("total", rollups))


def _line(name: str, rollups: Iterable[Rollup]) -> Line:
    rollups = tuple(rollups)
    return Line(
        name=name,
        answers=sum(r.answers for r in rollups),
        cost_usd=_sum_usd(r.cost_usd for r in rollups),
        estimated_usd=_sum_usd(r.estimated_usd for r in rollups),
        prompt_tokens=sum(r.prompt_tokens for r in rollups),
        completion_tokens=sum(r.completion_tokens for r in rollups),
        good=sum(r.good for r in rollups),
        bad=sum(r.bad for r in rollups),
    )


def _sum_usd(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total
