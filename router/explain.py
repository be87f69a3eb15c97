"""Explain: why an answer came from its tier, told from its usage record.

The same for the command line and for Slack. It reads one record or one day of them, never a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from router.adapters.table import Row
from router.adapters.usage import UsageTable
from router.domain.usage import month_and_day
from router.domain.why import told

WITHIN_S = 24 * 3600
"""A message is answered within a day of being posted: jobs and dead letters do not wait longer."""

ANSWERED_WITHIN_S = 900
"""A reply is posted this long after its call began, at most: the deadline and its closing, with a margin."""

MONTHS_BACK_S = 31 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Explained:
    """One answer and its reason. `why` are the numbers behind `sentence`; `at` is in epoch seconds."""

    channel: str
    message_ts: str
    at: Decimal
    tier_wanted: str
    tier_given: str
    model: str
    cost_usd: Decimal
    why: dict[str, str]

    @property
    def sentence(self) -> str:
        """Say why, in one sentence."""
        return told(self.why, self.tier_wanted, self.tier_given)


def explain_last(usage: UsageTable, channel: str, now: float, zone: tzinfo) -> Explained | None:
    """Explain the newest answer of a channel; None when there was none this month or the last."""
    for moment in (now, now - MONTHS_BACK_S):
        row = usage.latest(channel, month_and_day(moment, zone)[0])
        if row:
            return _explained(row)
    return None


def explain_message(usage: UsageTable, channel: str, ts: str, zone: tzinfo) -> Explained | None:
    """Explain the answer to the message `ts`, or the answer that was posted as `ts`; None: there is none."""
    posted = float(ts)
    began, ended = posted - ANSWERED_WITHIN_S, posted + WITHIN_S
    months = sorted({month_and_day(moment, zone)[0] for moment in (began, ended)})
    rows = [row for month in months for row in usage.records(channel, month, since=began, until=ended)]
    of_message = [row for row in rows if row["message_ts"] == ts]
    of_reply = [row for row in rows if row["started_at"] <= posted]
    found = of_message or of_reply
    return _explained(found[-1]) if found else None


def _explained(row: Row) -> Explained:
    return Explained(
        channel=str(row["channel"]),
        message_ts=str(row["message_ts"]),
        at=Decimal(row["started_at"]),
        tier_wanted=str(row["tier_wanted"]),
        tier_given=str(row["tier_given"]),
        model=str(row["model"]),
        cost_usd=Decimal(row["cost_usd"]),
        why=dict(row["why"]),
    )
