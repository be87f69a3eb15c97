"""The report: what a channel or the workspace spent in a month, by model, user, day or channel.

Reads rollups only, so it costs the same for a thousand usage records and for a million.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal

from router.adapters.usage import Rollup, UsageTable

CHANNEL_WAYS = ("model", "user", "day")
WORKSPACE_WAYS = ("channel", "model", "user", "day")

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
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


@dataclass(frozen=True, slots=True)
class Report:
    """A month of a channel, or of the workspace when `channel` is empty: days in order, all else by cost."""

    channel: str
    month: str
    by: str
    lines: tuple[Line, ...]
    total: Line


def is_month(text: str) -> bool:
    """Whether `text` names a month, like 2026-11."""
    return bool(_MONTH.fullmatch(text))


def make_report(usage: UsageTable, channel: str, month: str, by: str) -> Report:
    """Report a month of `channel`, or of the workspace when `channel` is empty.

    `by` is one of CHANNEL_WAYS or WORKSPACE_WAYS. A month without usage gives a report without lines.
    """
    if channel:
        rollups = [rollup for rollup in usage.channel_month(channel, month) if rollup.dimension == by]
    else:
        rollups = usage.workspace_month(month, "total" if by == "channel" else by)
    return sum_up(rollups, channel, month, by)


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
    )


def _sum_usd(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total
