"""Alerts: that each threshold of a budget is told once in a period, to each who should know, whoever dies.

    (nothing) ──mark──▶ posting ──end──▶ posted, refused, given_up
                         ▲  │
                         └──┘ lease runs out: the reconciler takes it and posts

What was told stands in the budget's own row, and its condition decides which of many settlements tells it.
The rows of alerts are made in the same transaction; while they are posting, the index of open reservations
has them too, so that none is forgotten. One that was posted by a worker that died before it could say so is
posted again: twice is better than never.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.adapters.ledger import OPEN_INDEX, budget_key
from router.adapters.table import (
    CONDITION,
    IS_KNOWN,
    ROW_VERSION,
    Cancelled,
    ConditionFailed,
    Dynamo,
    Key,
    Put,
    Row,
    Update,
    Write,
    check_version,
)
from router.domain.budget import Budget, BudgetKind
from router.errors import TableUnavailable

LEASE_S = 120.0
"""Longer than a post takes, with all that an answer may still have to do before it."""

KEPT_S = 60 * 24 * 3600
"""How long one can look up what became of an alert."""

OPEN_ALERT = "alert"
"""What alerts have in the index where reservations have `open`."""

IS_NOT_TOLD = "(attribute_not_exists(alerted) OR alerted < :threshold)"
IS_SAME_LIMIT = "limit_usd = :limit"


class Phase(StrEnum):
    """How far an alert is."""

    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    """Slack said no: the channel is archived, the person is gone."""
    GIVEN_UP = "given_up"
    """Slack could not be reached for a day."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One threshold (per cent) of a budget in a period, to be told in one channel or to one user.

    `began_at` and `lease_until` are in epoch seconds: afterwards whoever posts it is taken for dead.
    """

    kind: BudgetKind
    id: str
    period_key: str
    threshold: int
    to: str
    name: str
    began_at: int
    lease_until: int


def alert_key(alert: Alert) -> Key:
    """Name the row of an alert."""
    return {
        "pk": f"alert#{alert.kind}#{alert.id}",
        "sk": f"{alert.period_key}#{alert.threshold:03}#{alert.name}",
    }


class Alerts:
    """The alerts in the state table."""

    def __init__(self, dynamo: Dynamo, state_table: str) -> None:
        self._dynamo = dynamo
        self._table = state_table

    def mark(self, budget: Budget, threshold: int, to: tuple[str, ...], now: float) -> list[Alert]:
        """Take it upon us to tell that `budget` has crossed `threshold`; nothing if it was told before.

        Nothing either when the limit has moved since `budget` was read: whoever looks next decides anew.
        """
        alerts = [
            Alert(
                *(budget.kind, budget.id, budget.period_key, threshold, receiver),
                name=uuid.uuid4().hex,
                began_at=int(now),
                lease_until=int(now + LEASE_S),
            )
            for receiver in to
        ]
        writes: list[Write] = [self._told(budget, threshold)]
        writes += [Put(self._table, _alert_row(alert)) for alert in alerts]
        try:
            self._dynamo.transact(writes)
        except Cancelled as cancelled:
            reason, row = cancelled.reasons[0]
            if reason != CONDITION:
                raise TableUnavailable(f"mark of an alert: {cancelled}") from cancelled
            check_version(row)
            return []
        return alerts

    def _told(self, budget: Budget, threshold: int) -> Update:
        return Update(
            self._table,
            budget_key(budget.kind, budget.id, budget.period_key),
            "SET alerted = :threshold",
            {":threshold": threshold, ":limit": budget.limit_usd, ":v": ROW_VERSION},
            condition=f"{IS_KNOWN} AND {IS_NOT_TOLD} AND {IS_SAME_LIMIT}",
        )

    def left(self, now: float) -> Iterator[Alert]:
        """Yield the alerts whose lease ran out before they were posted, the oldest first; no scan."""
        rows = self._dynamo.query(
            self._table,
            "#open = :open AND lease_until < :now",
            {":open": OPEN_ALERT, ":now": int(now)},
            index=OPEN_INDEX,
            names={"#open": "open"},
        )
        for row in rows:
            if row.get("v", 0) <= ROW_VERSION:  # a newer release posts its own
                yield _alert(row)

    def take(self, alert: Alert, now: float) -> bool:
        """Take over the posting of an alert that was left; False when someone else did, or it has ended."""
        update = Update(
            self._table,
            alert_key(alert),
            "SET lease_until = :until",
            {":until": int(now + LEASE_S), ":read": alert.lease_until, ":open": OPEN_ALERT},
            {"#open": "open"},
            "#open = :open AND lease_until = :read",
        )
        return self._applied(update)

    def end(self, alert: Alert, phase: Phase, now: float, reason: str = "") -> None:
        """Say what became of an alert; a second time changes nothing."""
        update = Update(
            self._table,
            alert_key(alert),
            "SET phase = :phase, reason = :reason, expires_at = :end REMOVE #open",
            {":phase": phase.value, ":reason": reason, ":end": int(now + KEPT_S), ":open": OPEN_ALERT},
            {"#open": "open"},
            "#open = :open",
        )
        self._applied(update)

    def _applied(self, update: Update) -> bool:
        try:
            self._dynamo.update(update)
        except ConditionFailed:
            return False
        return True


def _alert_row(alert: Alert) -> Row:
    return alert_key(alert) | {
        "v": ROW_VERSION,
        "open": OPEN_ALERT,
        "lease_until": alert.lease_until,
        "phase": Phase.POSTING.value,
        "kind": alert.kind.value,
        "id": alert.id,
        "period_key": alert.period_key,
        "threshold": alert.threshold,
        "to": alert.to,
        "name": alert.name,
        "began_at": alert.began_at,
    }


def _alert(row: Row) -> Alert:
    return Alert(
        kind=BudgetKind(row["kind"]),
        id=str(row["id"]),
        period_key=str(row["period_key"]),
        threshold=int(Decimal(row["threshold"])),
        to=str(row["to"]),
        name=str(row["name"]),
        began_at=int(row["began_at"]),
        lease_until=int(row["lease_until"]),
    )
