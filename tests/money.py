"""Builders: budgets, reservations, bills and messages, each with what its story is not about left out."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from router.adapters.ledger import Reservation
from router.domain.budget import BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.domain.message import ChannelId, Message, Ts, UserId
from router.domain.usage import Bill, Facts

CHANNEL = "C0GENERAL1"
MONTH = "2026-11"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
LEASE_S = 190.0

BudgetName = tuple[BudgetKind, str, str]


def usd(amount: str | int | Decimal) -> Decimal:
    """Write dollars."""
    return Decimal(amount)


def budget_of(
    limit: str = "1.00", name: str = CHANNEL, kind: BudgetKind = BudgetKind.CHANNEL
) -> BudgetPeriod:
    """Name a budget of this month."""
    return BudgetPeriod(kind, name, NOW, UTC, Limit(usd(limit), PeriodKind.MONTH))


def on_channel(name: str = CHANNEL) -> BudgetName:
    """Name a channel's budget as a reservation does."""
    return (BudgetKind.CHANNEL, name, MONTH)


def reservation_of(
    amount: str = "0.10", *, channel: str = CHANNEL, budgets: tuple[BudgetName, ...] = (), **changes: Any
) -> Reservation:
    """Make a reservation of its own on the channel's budget; `changes` replace any other field."""
    fields: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "owner": "worker-1",
        "amount_usd": usd(amount),
        "budgets": budgets or (on_channel(channel),),
        "lease_until": NOW + LEASE_S,
        "facts": facts_of(channel=channel),
    }
    return Reservation(**(fields | changes))


def facts_of(**changes: Any) -> Facts:
    """Make what is known before a call."""
    fields: dict[str, Any] = {
        "channel": CHANNEL,
        "user": "U0ADA00001",
        "team": "T0TEAM0001",
        "message_ts": "1795348800.000100",
        "thread_ts": "1795348800.000100",
        "tier_wanted": "standard",
        "tier_given": "standard",
        "models": ("openai/gpt-6.1-terra", "google/gemini-3.8-flash"),
        "prompt_bound": 1200,
        "max_tokens": 2500,
        "started_at": Decimal("1795348800.125"),
        "month": MONTH,
        "day": "2026-11-22",
        "why": {"policy": "bands", "length": "20", "band": "economy", "left": "1.00"},
    }
    return Facts(**(fields | changes))


def bill_of(cost: str = "0.04", **changes: Any) -> Bill:
    """Make a bill."""
    fields: dict[str, Any] = {
        "cost_usd": usd(cost),
        "model": "openai/gpt-6.1-terra",
        "provider": "OpenAI",
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
        "finish": "stop",
    }
    return Bill(**(fields | changes))


def message_of(text: str = "Who are you?", *, channel: str = CHANNEL, is_direct: bool = False) -> Message:
    """Make a message that mentions us."""
    return Message(
        channel=ChannelId(channel),
        ts=Ts("1795348800.000100"),
        thread=Ts("1795348800.000100"),
        user=UserId("U0ADA00001"),
        text=text,
        team="T0TEAM0001",
        author_team="T0TEAM0001",
        is_direct=is_direct,
        mentions_us=True,
        our_user=UserId("U0PENNY001"),
        files=(),
    )
