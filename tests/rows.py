"""Rows of a local table, as only a test may see and touch them: whole tables, and any attribute.

The local DynamoDB is asked without the SDK, which takes longer to read an answer than the table to give it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from playground.aws_json import call
from router.adapters.attributes import read, written

Row = dict[str, Any]

Ask = Callable[..., Row]
"""Gives a local DynamoDB an operation and the members of its request; returns those of the answer."""

ZERO = Decimal(0)


def over_http(url: str) -> Ask:
    """Ask the local DynamoDB at `url`."""
    return functools.partial(call, url, "dynamodb")


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one table."""

    ask: Ask
    table: str

    def __iter__(self) -> Iterator[Row]:
        """Read the whole table."""
        return self._scanned()

    def of_index(self, index: str) -> Iterator[Row]:
        """Read a whole index."""
        return self._scanned(IndexName=index)

    def put(self, row: Row, **attributes: Any) -> None:
        """Write a row as it stands, whatever it was; `attributes` replace those of `row`."""
        self._call("PutItem", Item=written(row | attributes))

    def delete(self, row: Row) -> None:
        """Delete a row."""
        self._call("DeleteItem", Key=_key(row))

    def change(self, row: Row, **attributes: Any) -> None:
        """Set attributes of a row, and leave all others."""
        self._call(
            "UpdateItem",
            Key=_key(row),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues=written({f":{name}": value for name, value in attributes.items()}),
        )

    def _scanned(self, **request: Any) -> Iterator[Row]:
        while True:
            page = self._call("Scan", **request)
            yield from map(read, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _call(self, operation: str, **request: Any) -> Row:
        return self.ask(operation, TableName=self.table, **request)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows by their keys."""
    return sorted(rows, key=lambda row: (row["pk"], row["sk"]))


def beginning(rows: Iterable[Row], prefix: str) -> list[Row]:
    """Return the rows whose partition key begins with `prefix`."""
    return [row for row in rows if row["pk"].startswith(prefix)]


def sum_of(rows: Iterable[Row], name: str) -> Decimal:
    """Add up one attribute."""
    return sum((row[name] for row in rows), ZERO)


def _key(row: Row) -> Row:
    return written({name: row[name] for name in ("pk", "sk")})
