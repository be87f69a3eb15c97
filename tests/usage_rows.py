"""Usage for tests: records written as the ledger's settlement writes them, rollups and all."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from router.adapters.usage import usage_writes
from router.domain.usage import UsageRecord
from tests.money import CHANNEL, bill_of, facts_of
from tests.tables import Tables


def record_of(
    cost: str = "0.04",
    *,
    channel: str = CHANNEL,
    user: str = "U0ADA00001",
    day: str = "2026-11-22",
    **bill: Any,
) -> UsageRecord:
    """Make the record of one answer; `bill` replaces fields of its bill."""
    facts = facts_of(channel=channel, user=user, day=day, month=day[:7])
    return UsageRecord(uuid.uuid4().hex, "gen-1", facts, bill_of(cost, **bill), Decimal(1))


def write_usage(tables: Tables, *records: UsageRecord) -> None:
    """Write records of different channels in one transaction, which takes 100 writes at most."""
    tables.dynamo.transact([write for record in records for write in usage_writes(tables.usage, record)])


def spend(tables: Tables, cost: str = "0.04", **how: Any) -> None:
    """Write one record; see `record_of`."""
    write_usage(tables, record_of(cost, **how))
