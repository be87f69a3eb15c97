"""The usage table: records, which never change, and rollups, which are their sums.

    pk                         sk                  in the index by_month: rollup_month  rollup_of
    records#<channel>#<month>  <started_at>#<id>   (not in it)
    rollup#<channel>#<month>   total#all           <month>#total                        <channel>#all
                               model#<model>       <month>#model                        <channel>#<model>
                               user#<user>         <month>#user                         <channel>#<user>
                               day#<day>           <month>#day                          <channel>#<day>
    ratings#<channel>#<month>  <id>#<user>         (not in it; see `ratings`)

A channel's month is one query of the table, the workspace's month one query of the index, whatever the
number of records. Nothing here is hot but the channel's own rows: the workspace's sums are made by reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router.adapters.table import IS_KNOWN, ROW_VERSION, Dynamo, Put, Row, Update, Write, check_version
from router.domain.usage import Bill, Facts, UsageRecord

LATEST = 9_999_999_999.0
"""The last epoch second of ten digits: as text, moments are in order up to there, in the year 2286."""

MONTH_INDEX = "by_month"

_IS_NEW_OR_KNOWN = f"attribute_not_exists(pk) OR {IS_KNOWN}"


@dataclass(frozen=True, slots=True)
class Rollup:
    """The sums of a channel's month for one value of one dimension (`total`, `model`, `user`, `day`).

    `estimated_usd` is the part of `cost_usd` that nobody could confirm.
    """

    channel: str
    month: str
    dimension: str
    value: str
    answers: int
    cost_usd: Decimal
    prompt_tokens: int
    completion_tokens: int
    estimated_usd: Decimal
    good: int = 0
    bad: int = 0
    """How often its answers were called good, and bad; each person once for each answer."""


def usage_writes(table: str, record: UsageRecord) -> list[Write]:
    """Return the writes that record `record` and add it to its rollups, as a part of a transaction."""
    return [Put(table, record_row(record)), *_rollup_updates(table, record)]


def record_row(record: UsageRecord) -> Row:
    """Write a record as a row. It holds lengths, tokens and money, never text."""
    facts, bill = record.facts, record.bill
    return {
        "pk": f"records#{facts.channel}#{facts.month}",
        "sk": f"{facts.started_at:.3f}#{record.reservation_id}",
        "v": ROW_VERSION,
        "reservation_id": record.reservation_id,
        "generation_id": record.generation_id,
        "estimate_usd": record.estimate_usd,
        "overrun_usd": record.overrun_usd,
        "budgets": list(record.budgets),
        **facts_row(facts),
        **_bill_row(bill),
    }


def facts_row(facts: Facts) -> Row:
    """Write what is known before the call as attributes of a row."""
    return {
        "channel": facts.channel,
        "user": facts.user,
        "team": facts.team,
        "message_ts": facts.message_ts,
        "thread_ts": facts.thread_ts,
        "tier_wanted": facts.tier_wanted,
        "tier_given": facts.tier_given,
        "models": list(facts.models),
        "prompt_bound": facts.prompt_bound,
        "max_tokens": facts.max_tokens,
        "started_at": facts.started_at,
        "month": facts.month,
        "day": facts.day,
        "why": facts.why,
    }


def read_facts(row: Row) -> Facts:
    """Read what `facts_row` wrote."""
    return Facts(
        **{name: str(row[name]) for name in _FACTS_TEXTS},
        models=tuple(row["models"]),
        prompt_bound=int(row["prompt_bound"]),
        max_tokens=int(row["max_tokens"]),
        started_at=Decimal(row["started_at"]),
        why=dict(row["why"]),
    )


_FACTS_TEXTS = (
    "channel",
    "user",
    "team",
    "message_ts",
    "thread_ts",
    "tier_wanted",
    "tier_given",
    "month",
    "day",
)


def _bill_row(bill: Bill) -> Row:
    return {
        "cost_usd": bill.cost_usd,
        "model": bill.model,
        "provider": bill.provider,
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
        "reasoning_tokens": bill.reasoning_tokens,
        "cached_tokens": bill.cached_tokens,
        "finish": bill.finish,
        "estimated": bill.estimated,
        "oddities": list(bill.oddities),
    }


def read_bill(row: Row) -> Bill:
    """Read what a record's row says of its bill."""
    return Bill(
        cost_usd=Decimal(row["cost_usd"]),
        model=str(row["model"]),
        provider=str(row["provider"]),
        prompt_tokens=int(row["prompt_tokens"]),
        completion_tokens=int(row["completion_tokens"]),
        reasoning_tokens=int(row["reasoning_tokens"]),
        cached_tokens=int(row["cached_tokens"]),
        finish=str(row["finish"]),
        estimated=bool(row["estimated"]),
        oddities=tuple(row["oddities"]),
    )


def _rollup_updates(table: str, record: UsageRecord) -> Iterator[Update]:
    channel, month, bill = record.facts.channel, record.facts.month, record.bill
    for dimension, value in record.rollup_keys().items():
        yield Update(
            table,
            {"pk": f"rollup#{channel}#{month}", "sk": f"{dimension}#{value}"},
            "SET rollup_month = :month, rollup_of = :of, v = :v ADD answers :one, cost_usd :cost,"
            " prompt_tokens :prompt, completion_tokens :completion, estimated_usd :estimated",
            {
                ":month": f"{month}#{dimension}",
                ":of": f"{channel}#{value}",
                ":v": ROW_VERSION,
                ":one": 1,
                ":cost": bill.cost_usd,
                ":prompt": bill.prompt_tokens,
                ":completion": bill.completion_tokens,
                ":estimated": bill.cost_usd if bill.estimated else Decimal(0),
            },
            condition=_IS_NEW_OR_KNOWN,
        )


def rating_update(table: str, place: tuple[str, str], rollup: tuple[str, str], counts: Row) -> Update:
    """Return the write that adds ratings to a rollup, also before the first bill made it.

    `place` is channel and month, `rollup` dimension and value; `counts` has `good` and `bad`.
    """
    (channel, month), (dimension, value) = place, rollup
    sums = ("answers", "cost_usd", "prompt_tokens", "completion_tokens", "estimated_usd")
    return Update(
        table,
        {"pk": f"rollup#{channel}#{month}", "sk": f"{dimension}#{value}"},
        "SET rollup_month = :month, rollup_of = :of, v = :v ADD good :good, bad :bad, "
        + ", ".join(f"{name} :zero" for name in sums),
        {
            ":month": f"{month}#{dimension}",
            ":of": f"{channel}#{value}",
            ":v": ROW_VERSION,
            ":good": counts["good"],
            ":bad": counts["bad"],
            ":zero": Decimal(0),
        },
        condition=_IS_NEW_OR_KNOWN,
    )


class UsageTable:
    """Reads the usage table; writing is a part of the ledger's settlement."""

    def __init__(self, dynamo: Dynamo, table: str) -> None:
        self._dynamo = dynamo
        self._table = table

    def channel_month(self, channel: str, month: str) -> list[Rollup]:
        """Return all rollups of a channel's month, from one query."""
        rows = self._dynamo.query(self._table, "pk = :pk", {":pk": f"rollup#{channel}#{month}"})
        return [_rollup(row) for row in rows]

    def workspace_month(self, month: str, dimension: str) -> list[Rollup]:
        """Return every channel's rollups of one dimension in a month, from one query of the index."""
        rows = self._dynamo.query(
            self._table,
            "rollup_month = :month",
            {":month": f"{month}#{dimension}"},
            index=MONTH_INDEX,
        )
        return [_rollup(row) for row in rows]

    def record(self, channel: str, month: str, started_at: str, reservation_id: str) -> Row | None:
        """Return the row of one record, by the names that are under its answer; None when there is none."""
        key = {"pk": f"records#{channel}#{month}", "sk": f"{started_at}#{reservation_id}"}
        row = self._dynamo.get(self._table, key)
        if row is not None:
            check_version(row)
        return row

    def latest(self, channel: str, month: str) -> Row | None:
        """Return the row of a channel's last record of a month; None when there is none."""
        pk = {":pk": f"records#{channel}#{month}"}
        row = next(self._dynamo.query(self._table, "pk = :pk", pk, newest=1), None)
        if row is not None:
            check_version(row)
        return row

    def records(self, channel: str, month: str, *, since: float = 0, until: float = LATEST) -> Iterator[Row]:
        """Yield the rows of a channel's month of records, oldest first; those of `since` to `until` alone."""
        values = {
            ":pk": f"records#{channel}#{month}",
            ":since": f"{since:014.3f}",
            ":until": f"{until:014.3f}",
        }
        for row in self._dynamo.query(self._table, "pk = :pk AND sk BETWEEN :since AND :until", values):
            check_version(row)
            yield row


def _rollup(row: dict[str, Any]) -> Rollup:
    check_version(row)
    dimension, _, value = str(row["sk"]).partition("#")
    _, channel, month = str(row["pk"]).split("#")
    return Rollup(
        channel=channel,
        month=month,
        dimension=dimension,
        value=value,
        answers=int(row["answers"]),
        cost_usd=Decimal(row["cost_usd"]),
        prompt_tokens=int(row["prompt_tokens"]),
        completion_tokens=int(row["completion_tokens"]),
        estimated_usd=Decimal(row["estimated_usd"]),
        good=int(row.get("good", 0)),
        bad=int(row.get("bad", 0)),
    )
