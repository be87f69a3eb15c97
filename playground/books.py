"""The books: what the two tables say, as the page and outside checks see it, and as it changes."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Self

from playground.aws_json import AwsRefused, Json, call
from playground.stack import StackNames
from router.adapters.attributes import read

Row = dict[str, Any]

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})

TOGETHER_S = 0.1
"""What is written within that time is told together."""

LATEST = 200
"""Usage records shown, newest first; the reports know all of them."""


class Books:
    """Reads the tables as a whole, which only a playground may."""

    def __init__(self, endpoint_url: str, names: StackNames) -> None:
        self._dynamodb = partial(call, endpoint_url, "dynamodb")
        self._names = names

    def show(self) -> dict[str, list[Row]]:
        """Return budgets, reservations and usage records; amounts as decimal strings."""
        state = self._all(self._names.state_table)
        records = [row for row in self._all(self._names.usage_table) if row["pk"].startswith("records#")]
        records.sort(key=lambda row: row["started_at"], reverse=True)
        return {
            "budgets": [_budget(row) for row in state if row["pk"].startswith("budget#")],
            "reservations": [_reservation(row) for row in state if row["pk"].startswith("reservation#")],
            "usage": [_plain(row) for row in records[:LATEST]],
        }

    def _all(self, table: str) -> list[Row]:
        rows: list[Row] = []
        request: Json = {"TableName": table}
        while True:
            page = self._dynamodb("Scan", **request)
            rows += map(read, page["Items"])
            if "LastEvaluatedKey" not in page:
                return rows
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


class LiveBooks:
    """Tells of the books whenever they have changed, while it is used as a context manager.

    `note` is called for each operation that the tables have answered; a burst of them is read once, and
    not at all while nobody listens.
    """

    def __init__(
        self, show: Callable[[], Json], tell: Callable[[Json], object], is_heard: Callable[[], bool]
    ) -> None:
        self._show = show
        self._tell = tell
        self._is_heard = is_heard
        self._written = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="live-books", daemon=True)

    def note(self, operation: str) -> None:
        """Take note of an operation; those that only read change nothing."""
        if operation in WRITES:
            self._written.set()

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._stopping = True
        self._written.set()
        self._thread.join()

    def _run(self) -> None:
        while self._written.wait() and not self._stopping:
            time.sleep(TOGETHER_S)
            self._written.clear()
            if self._is_heard():
                with contextlib.suppress(
                    OSError, http.client.HTTPException, AwsRefused
                ):  # the next write is another chance
                    self._tell(self._show())


def _budget(row: Row) -> Row:
    _, kind, name = str(row["pk"]).split("#", 2)
    return {"kind": kind, "id": name, "period": row["sk"]} | _plain(row)


def _reservation(row: Row) -> Row:
    facts = row["facts"]
    return _plain(row) | {"channel": facts["channel"], "tier": facts["tier_given"]}


def _plain(row: Row) -> Row:
    """Return the row without its keys, with numbers as JSON can hold them: amounts exact, as text."""
    return {name: _value(name, value) for name, value in row.items() if name not in ("pk", "sk")}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _value(inner, v) for inner, v in value.items()}
    if isinstance(value, list):
        return [_value("", v) for v in value]
    if not isinstance(value, Decimal):
        return value
    if name.endswith("_usd"):
        return f"{value:f}"
    return int(value) if value == value.to_integral_value() else float(value)
