"""A usage record: one settled call, immutable, without a word of its text; and what it adds to rollups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")

WORKSPACE_DIMENSIONS = ("total", "model", "user", "day")
"""The ways a month is summed up; each record adds to one rollup of each."""

CHANNEL_WAYS = ("model", "user", "day")
WORKSPACE_WAYS = ("channel", *CHANNEL_WAYS)
"""The ways to report a month, the usual one first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call before it is made: all that its usage record needs beside the bill.

    It is kept on the reservation, so that a settlement can be completed by someone else.
    `started_at` is in epoch seconds; `month` and `day` are those of the operator's time zone then.
    """

    channel: str
    user: str
    team: str
    message_ts: str
    thread_ts: str
    tier_wanted: str
    tier_given: str
    models: tuple[str, ...]
    prompt_bound: int
    max_tokens: int
    started_at: Decimal
    month: str
    day: str
    why: dict[str, str]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call turned out to cost. `estimated`: nobody could say, so the estimate is the charge."""

    cost_usd: Decimal
    model: str
    provider: str
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    finish: str
    estimated: bool = False
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One settled call, and the budgets it was charged to, as `<period>#<kind>#<id>`.

    `overrun_usd` is what was billed above the estimate: recorded, never hidden.
    """

    reservation_id: str
    generation_id: str
    facts: Facts
    bill: Bill
    estimate_usd: Decimal
    budgets: tuple[str, ...] = ()

    @property
    def overrun_usd(self) -> Decimal:
        """Actual above estimate; zero when the estimate held."""
        return max(Decimal(0), self.bill.cost_usd - self.estimate_usd)

    def rollup_keys(self) -> dict[str, str]:
        """Name the rollup of each dimension that this record adds to."""
        return {
            "total": "all",
            "model": self.bill.model or "unknown",
            "user": self.facts.user,
            "day": self.facts.day,
        }


def month_and_day(moment: float, zone: tzinfo) -> tuple[str, str]:
    """Return the month (`2026-11`) and day (`2026-11-22`) of `moment` (epoch seconds) in `zone`."""
    local = datetime.fromtimestamp(moment, zone)
    return f"{local:%Y-%m}", f"{local:%Y-%m-%d}"


def is_month(text: str) -> bool:
    """Whether `text` names a month, like 2026-11."""
    return bool(_MONTH.fullmatch(text))
