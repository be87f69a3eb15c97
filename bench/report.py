"""Report: a channel's month from its rollups, beside reading its records and scanning the table.

What must hold: all three come to the same sums, and the report makes the same requests and reads about the
same bytes at any number of records.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config

from bench.hooks import hooked
from bench.options import Say, some, with_aws
from bench.result import Result, Value
from bench.surroundings import local_aws, new_stack
from bench.tables import Row, all_pages
from playground.aws import LocalAws
from playground.stack import StackNames
from router.adapters.table import ROW_VERSION, Dynamo
from router.adapters.usage import UsageTable, record_row, usage_writes
from router.domain.usage import Bill, Facts, UsageRecord
from router.report import make_report

NUMBERS = (1_000, 10_000, 100_000)
CHANNEL, MONTH = "C0GENERAL1", "2026-11"
BEGAN = Decimal(1793491200)
"""The first of that month."""

USERS, DAYS = 20, 30
MODELS = ("openai/gpt-6-luna", "openai/gpt-6.1-terra", "anthropic/claude-sonnet-5.5", "google/gemini-4-argon")
"""So many rollups there are, and no more, whatever the number of records."""

SAME_BYTES = 1.1
"""Longer numbers take a few bytes more: what a million answers cost has more digits than what one costs."""

NOTES = (
    """The records are of one channel and one month, and nothing else is in the table: a scan of a real one
reads every channel and month. They were written in batches, the rollups as sums of them; the last record was
settled by Penny's own writes upon both.""",
    "bytes are those of DynamoDB's answers. Seconds include reading and adding up in Python.",
)

Sums = dict[str, Decimal]
"""Dollars by model."""

_ZERO = Decimal(0)
_PATIENT = Config(read_timeout=120)  # a page of a large table takes the local AWS seconds


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = with_aws(argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]))
    made.add_argument(
        "--records", type=some, nargs="+", default=NUMBERS, help="in the month (1000 10000 100000)"
    )
    made.add_argument("--seed", type=int, default=1, help="of what was asked and what it cost (1)")
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Fill a table for each number, and read it in three ways."""
    rows: list[dict[str, Value]] = []
    broken: list[str] = []
    with local_aws(options.aws) as aws:
        for count in sorted(options.records):
            names = new_stack(aws)
            began = time.monotonic()
            fill(aws, names, count, options.seed)
            say(f"{count} records written in {time.monotonic() - began:.1f} s")
            found = [_read(policy, aws, names, count) for policy in WAYS]
            rows += [row for row, _ in found]
            if any(sums != found[0][1] for _, sums in found):
                broken.append(f"all ways come to the same sums: at {count} records they do not")
    return Result("report", tuple(rows), NOTES, (*broken, *_growth(rows)))


def _growth(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    ours = [row for row in rows if row["policy"] == "penny"]
    if len({row["requests"] for row in ours}) > 1:
        yield "a report makes the same requests at any number of records"
    if max(row["bytes"] for row in ours) > SAME_BYTES * min(row["bytes"] for row in ours):
        yield "a report reads the same bytes at any number of records"


# filling


def records(count: int, seed: int) -> Iterator[UsageRecord]:
    """Make up so many settled calls of a month, in the order of time."""
    lots = random.Random(seed)  # noqa: S311 - made up, not a secret
    for number in range(count):
        place = number * DAYS // count
        facts = Facts(
            channel=CHANNEL,
            user=f"U{lots.randrange(USERS):09}",
            team="T0TEAM0001",
            message_ts=f"{BEGAN + place * 86400}.{number:06}",
            thread_ts=f"{BEGAN + place * 86400}.{number:06}",
            tier_wanted="standard",
            tier_given="standard",
            models=MODELS[:3],
            prompt_bound=1200,
            max_tokens=2500,
            started_at=BEGAN + place * 86400 + Decimal(number % 86400),
            month=MONTH,
            day=f"{MONTH}-{place + 1:02}",
            why={"policy": "bands", "length": "600", "band": "standard", "left": "0.9812"},
        )
        tokens = lots.randrange(20, 2000)
        bill = Bill(
            cost_usd=Decimal(tokens) * Decimal("0.0000061"),
            model=lots.choice(MODELS),
            provider="Provider",
            prompt_tokens=300,
            completion_tokens=tokens,
            reasoning_tokens=0,
            cached_tokens=0,
            finish="stop",
        )
        yield UsageRecord(f"{number:032x}", f"gen-{number:026}", facts, bill, Decimal("0.02"))


def fill(aws: LocalAws, names: StackNames, count: int, seed: int) -> None:
    """Write records and their rollups as settlements would leave them; the last one is settled."""
    made = records(count, seed)
    rollups: dict[tuple[str, str], Row] = {}
    with hooked():
        dynamodb = boto3.Session(region_name=aws.region).resource("dynamodb", endpoint_url=aws.url)
        with dynamodb.Table(names.usage_table).batch_writer() as batch:
            for record in islice(made, count - 1):
                batch.put_item(record_row(record))
                _add(rollups, record)
            for row in rollups.values():
                batch.put_item(row)
        (last,) = made
        Dynamo(aws.url, aws.region).transact(usage_writes(names.usage_table, last))


def _add(rollups: dict[tuple[str, str], Row], record: UsageRecord) -> None:
    """Add a record to the rows of its rollups."""
    facts, bill = record.facts, record.bill
    for dimension, value in record.rollup_keys().items():
        row = rollups.setdefault(
            (dimension, value),
            {
                "pk": f"rollup#{facts.channel}#{facts.month}",
                "sk": f"{dimension}#{value}",
                "v": ROW_VERSION,
                "rollup_month": f"{facts.month}#{dimension}",
                "rollup_of": f"{facts.channel}#{value}",
                "answers": 0,
                "cost_usd": _ZERO,
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "estimated_usd": _ZERO,
            },
        )
        row["answers"] += 1
        row["cost_usd"] += bill.cost_usd
        row["prompt_tokens"] += bill.prompt_tokens
        row["completion_tokens"] += bill.completion_tokens


# reading


@dataclass
class Meter:
    """Counts requests, and the bytes of their answers."""

    requests: int = 0
    bytes: int = 0

    def note(self, http_response: Any, **_: Any) -> None:
        """Take botocore's event of an answer."""
        self.requests += 1
        self.bytes += len(http_response.content)


def _from_rollups(aws: LocalAws, names: StackNames) -> Callable[[], Sums]:
    usage = UsageTable(Dynamo(aws.url, aws.region), names.usage_table)
    return lambda: {line.name: line.cost_usd for line in make_report(usage, CHANNEL, MONTH, "model").lines}


def _from_records(aws: LocalAws, names: StackNames) -> Callable[[], Sums]:
    of_the_month = Key("pk").eq(f"records#{CHANNEL}#{MONTH}")
    query = partial(_table(aws, names).query, KeyConditionExpression=of_the_month)
    return lambda: _sums(all_pages(query))


def _from_a_scan(aws: LocalAws, names: StackNames) -> Callable[[], Sums]:
    scan = _table(aws, names).scan
    return lambda: _sums(row for row in all_pages(scan) if row["pk"] == f"records#{CHANNEL}#{MONTH}")


def _table(aws: LocalAws, names: StackNames) -> Any:
    session = boto3.Session(region_name=aws.region)
    return session.resource("dynamodb", endpoint_url=aws.url, config=_PATIENT).Table(names.usage_table)


def _sums(rows: Iterable[Row]) -> Sums:
    sums: Sums = defaultdict(Decimal)
    for row in rows:
        sums[row["model"]] += row["cost_usd"]
    return sums


WAYS: Mapping[str, Callable[[LocalAws, StackNames], Callable[[], Sums]]] = {
    "penny": _from_rollups,
    "query-records": _from_records,
    "scan": _from_a_scan,
}
"""By the policy's name; ours first."""


def _read(policy: str, aws: LocalAws, names: StackNames, count: int) -> tuple[dict[str, Value], Sums]:
    """Read in one way, over a connection that is open."""
    meter = Meter()
    with hooked(after_call=meter.note):
        read = WAYS[policy](aws, names)
    if policy == "penny":
        read()  # opens the connection, which matters to a short report alone
    meter.requests = meter.bytes = 0
    began = time.monotonic()
    sums = read()
    seconds = round(time.monotonic() - began, 4)
    row: dict[str, Value] = {"policy": policy, "records": count, "requests": meter.requests}
    return row | {"bytes": meter.bytes, "seconds": seconds}, sums
