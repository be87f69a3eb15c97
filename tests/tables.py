"""Fresh tables for a test in either local DynamoDB, and the books that must balance after every story.

Each has its own blind spots (one takes arithmetic in conditions, the other forgets tokens), so some stories
run in both, and every request is held against DynamoDB's own rules and moto's parsers.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from moto import mock_aws
from moto.core.models import botocore_stubber

from playground.aws import REGION
from playground.aws_json import content_of, headers_for
from playground.stack import SAME_IN_CREATE_TABLE, read_stack
from router.adapters.claims import Claims
from router.adapters.ledger import Ledger
from router.adapters.table import Dynamo
from router.adapters.usage import UsageTable
from router.domain.tally import OPENED_ON
from tests import near_dynamodb
from tests.dynamodb_rules import checked_session
from tests.rows import Ask, Row, Rows, beginning, in_order, over_http, sum_of

BACKENDS = ("moto", "ministack")
in_both = pytest.mark.parametrize("tables", BACKENDS, indirect=True)
"""Marks a story that is told in both: at least one for each kind of row, and those on which money hangs. The
others are told in the latter alone."""

MOTOS_URL = f"https://dynamodb.{REGION}.amazonaws.com/"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Tables:
    """One pair of tables, what works on them, and a look at their rows that bypasses it."""

    dynamo: Dynamo
    state: str
    usage: str
    ask: Ask

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
        found = [*Rows(self.ask, self.state), *Rows(self.ask, self.usage)]
        return in_order(beginning(found, prefix))

    def row(self, prefix: str) -> Row:
        """Return the only row whose partition key begins with `prefix`."""
        (row,) = self.rows(prefix)
        return row

    def write(self, row: Row, **attributes: Any) -> None:
        """Write a row as it stands, whatever it was; `attributes` replace those of `row`."""
        self._table_of(row).put(row, **attributes)

    def delete(self, row: Row) -> None:
        """Delete a row."""
        self._table_of(row).delete(row)

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
        assert in_order(self.indexed()) == rollups
        assert records or not rollups

    def indexed(self) -> Iterator[Row]:
        """Read all that the usage table's index holds."""
        return Rows(self.ask, self.usage).of_index("by_month")

    def _table_of(self, row: Row) -> Rows:
        of_usage = row["pk"].startswith(("records#", "rollup#", "ratings#"))
        return Rows(self.ask, self.usage if of_usage else self.state)


def tables_for(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Make tables in the DynamoDB that a fixture's parameter may name; afterwards the books must balance."""
    with contextlib.ExitStack() as stack:
        if getattr(request, "param", "ministack") == "moto":
            stack.enter_context(mock_aws())
            tables = make_tables(_checked_dynamo(""), _ask_moto)
        else:
            tables = make_tables(near_dynamodb.near_dynamo(), near_dynamodb.ask)
        yield tables
        tables.check_books()


def fresh_tables(url: str, dynamo: Dynamo | None = None) -> Tables:
    """Make tables in the local AWS at `url`, for stories that need it: of several processes or threads.

    `dynamo` reaches them in another way.
    """
    return make_tables(dynamo or _checked_dynamo(url), over_http(url))


def make_tables(dynamo: Dynamo, ask: Ask) -> Tables:
    """Make tables that no other test knows, as serverless.yml defines them."""
    names = {"StateTable": _name("state"), "UsageTable": _name("usage")}
    for resource, name in names.items():
        definition = _resources()[resource]["Properties"] | {"TableName": name}
        ask("CreateTable", **{key: definition[key] for key in SAME_IN_CREATE_TABLE})
    return Tables(dynamo, names["StateTable"], names["UsageTable"], ask)


@functools.cache
def _checked_dynamo(url: str) -> Dynamo:
    """Make what talks to the DynamoDB at `url`, once: it takes a while to make."""
    with checked_session():
        return Dynamo(url, REGION)


def _ask_moto(operation: str, **request: Any) -> Row:
    headers, body = headers_for("dynamodb", operation), json.dumps(request).encode()
    answered = botocore_stubber.process_request(
        AWSPreparedRequest("POST", MOTOS_URL, headers, body, stream_output=False)
    )
    assert answered is not None
    status, _, answer = answered
    return content_of(status, answer if isinstance(answer, bytes) else answer.encode())


@functools.cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = read_stack("test")["resources"]["Resources"]
    return resources


def _name(table: str) -> str:
    """Name a table; test processes may share one DynamoDB."""
    return f"{table}-{os.getpid()}-{next(_numbers)}"
