"""Fresh tables for a test in either local DynamoDB, and the books that must balance after every story.

Each has its own blind spots (one takes arithmetic in conditions, the other forgets tokens), so stories run in
both, and every request is held against DynamoDB's own rules.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore import handlers
from botocore.session import get_session
from moto import mock_aws

from playground.aws import REGION
from playground.stack import SAME_IN_CREATE_TABLE, read_stack
from router.adapters.claims import Claims
from router.adapters.ledger import Ledger
from router.adapters.table import Dynamo
from router.adapters.usage import UsageTable
from router.domain.tally import OPENED_ON
from tests.dynamodb_rules import check_call

BACKENDS = ("moto", "ministack")
"""What reads and writes the tables itself is told in both; what uses that, in the latter alone."""

in_both = pytest.mark.parametrize("tables", BACKENDS, indirect=True)
"""Marks such a story where most others of its file use it only."""

ZERO = Decimal(0)

Row = dict[str, Any]

_numbers = itertools.count(1)
_DESERIALIZE = TypeDeserializer().deserialize
_SERIALIZE = TypeSerializer().serialize


@dataclass(frozen=True, slots=True)
class Tables:
    """One pair of tables, what works on them, and a look at their rows that bypasses it."""

    dynamo: Dynamo
    state: str
    usage: str
    client: Any

    def ledger(self, clock: Callable[[], float] = time.time) -> Ledger:
        """Make a ledger."""
        return Ledger(self.dynamo, self.state, self.usage, clock=clock)

    def claims(self) -> Claims:
        """Make the claims."""
        return Claims(self.dynamo, self.state)

    def usage_table(self) -> UsageTable:
        """Make the reader of the usage table."""
        return UsageTable(self.dynamo, self.usage)

    def rows(self, prefix: str = "") -> list[Row]:
        """Return the rows of both tables whose partition key begins with `prefix`, in the order of keys."""
        found = [*self._scanned(self.state), *self._scanned(self.usage)]
        return in_order(r for r in found if r["pk"].startswith(prefix))

    def row(self, prefix: str) -> Row:
        """Return the only row whose partition key begins with `prefix`."""
        (row,) = self.rows(prefix)
        return row

    def write(self, row: Row, **attributes: Any) -> None:
        """Write a row as it stands, whatever it was; `attributes` replace those of `row`."""
        table = self.usage if row["pk"].startswith(("records#", "rollup#", "ratings#")) else self.state
        self.client.put_item(
            TableName=table, Item={name: _SERIALIZE(value) for name, value in (row | attributes).items()}
        )

    def check_books(self) -> None:
        """Assert that budgets, reservations, records, rollups and their index agree to the last digit."""
        rows = self.rows()
        reservations = {row["id"]: row for row in beginning(rows, "reservation#")}
        records = beginning(rows, "records#")
        for row in beginning(rows, "budget#"):
            name = "#".join([row["sk"], *row["pk"].split("#")[1:]])
            held = [r for r in reservations.values() if name in r["budgets"] and r["state"] == "open"]
            paid = [r for r in records if name in reservations[r["reservation_id"]]["budgets"]]
            assert row["remaining_usd"] == row["limit_usd"] - row["spent_usd"] - row["reserved_usd"]
            assert row["reserved_usd"] == sum_of(held, "amount_usd")
            assert row["spent_usd"] == sum_of(paid, "cost_usd")
            if OPENED_ON in row:  # or it was opened before there were tallies
                assert sum(n for name, n in row.items() if name.startswith("messages#")) == len(paid)
        self._check_rollups(records, beginning(rows, "rollup#"))

    def _check_rollups(self, records: list[Row], rollups: list[Row]) -> None:
        for record in records:
            for dimension in ("total", "model", "user", "day"):
                summed = [r for r in records if r["pk"] == record["pk"]]
                sums = [r for r in rollups if r["pk"] == record["pk"].replace("records#", "rollup#")]
                sums = [r for r in sums if r["sk"].startswith(f"{dimension}#")]
                assert sum_of(sums, "answers") == len(summed)
                for name in ("cost_usd", "prompt_tokens", "completion_tokens"):
                    assert sum_of(sums, name) == sum_of(summed, name)
        indexed = self._scanned(self.usage, IndexName="by_month") if rollups else ()
        assert in_order(indexed) == rollups
        assert records or not rollups

    def _scanned(self, table: str, **more: str) -> Iterator[Row]:
        for page in self.client.get_paginator("scan").paginate(TableName=table, **more):
            yield from (plain(item) for item in page["Items"])


def tables_for(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Make tables in the DynamoDB that a fixture's parameter may name; afterwards the books must balance."""
    with contextlib.ExitStack() as stack:
        url = ""
        if getattr(request, "param", "ministack") == "moto":
            stack.enter_context(mock_aws())
        else:
            url = request.getfixturevalue("aws").url
        tables = fresh_tables(url)
        yield tables
        tables.check_books()


def fresh_tables(url: str, dynamo: Dynamo | None = None, client: Any = None) -> Tables:
    """Make tables that no other test knows, as serverless.yml defines them; clients stand in for `url`."""
    if not (dynamo and client):
        own_dynamo, client = checked_clients(url)
        dynamo = dynamo or own_dynamo
    names = {"StateTable": _name("state"), "UsageTable": _name("usage")}
    for resource, name in names.items():
        definition = _resources()[resource]["Properties"] | {"TableName": name}
        client.create_table(**{key: definition[key] for key in SAME_IN_CREATE_TABLE})
    return Tables(dynamo, names["StateTable"], names["UsageTable"], client)


@functools.cache
def checked_clients(url: str) -> tuple[Dynamo, Any]:
    """Make what talks to the DynamoDB at `url`, once: each client takes a while to make."""
    with checked_session():
        return Dynamo(url, REGION), get_session().create_client("dynamodb", REGION, endpoint_url=url or None)


@contextlib.contextmanager
def checked_session(**hooks: Callable[..., Any]) -> Iterator[None]:
    """Let clients that are made in this block check every request, and call `hooks` (`before_call=`)."""
    ours = {"before-call": check_call} | {event.replace("_", "-"): hook for event, hook in hooks.items()}
    all_hooks = [*handlers.BUILTIN_HANDLERS, *((f"{event}.dynamodb", hook) for event, hook in ours.items())]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setattr(handlers, "BUILTIN_HANDLERS", all_hooks)
        yield


def plain(item: Row) -> Row:
    """Read an item as Python's own types."""
    return {name: _DESERIALIZE(value) for name, value in item.items()}


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows by their keys."""
    return sorted(rows, key=lambda row: (row["pk"], row["sk"]))


def beginning(rows: list[Row], prefix: str) -> list[Row]:
    """Return the rows whose partition key begins with `prefix`."""
    return [row for row in rows if row["pk"].startswith(prefix)]


def sum_of(rows: list[Row], name: str) -> Decimal:
    """Add up one attribute."""
    return sum((row[name] for row in rows), ZERO)


@functools.cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = read_stack("test")["resources"]["Resources"]
    return resources


def _name(table: str) -> str:
    """Name a table; test processes may share one DynamoDB."""
    return f"{table}-{os.getpid()}-{next(_numbers)}"
