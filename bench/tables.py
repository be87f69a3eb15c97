"""The tables, as only a yardstick may see and touch them: read as a whole, and with leases that run out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError

from playground.stack import StackNames
from router.adapters.claims import claim_key

Row = dict[str, Any]

LONG_AGO_S = 5400
"""An hour and a half: longer ago than any lease and than the reconciler's grace."""


class Tables:
    """Both tables of the stack at `endpoint_url`."""

    def __init__(self, endpoint_url: str, names: StackNames) -> None:
        dynamodb = boto3.resource("dynamodb", endpoint_url=endpoint_url)
        self._state = dynamodb.Table(names.state_table)
        self._usage = dynamodb.Table(names.usage_table)

    def rows(self, prefix: str) -> list[Row]:
        """Return the rows of both tables whose partition key begins with `prefix`."""
        rows = [*all_pages(self._state.scan), *all_pages(self._usage.scan)]
        return [row for row in rows if row["pk"].startswith(prefix)]

    def open_reservations(self) -> list[Row]:
        """Return the reservations that have not ended."""
        return [row for row in self.rows("reservation#") if row["state"] == "open"]

    def end_lease_of_claim(self, channel: str, ts: str, job: str) -> None:
        """Let the lease of a message's claim run out, if `job` holds it."""
        try:
            self._state.update_item(
                Key=claim_key(channel, ts),
                UpdateExpression="SET lease_until = :past",
                ConditionExpression="job = :job AND phase = :claimed",
                ExpressionAttributeValues={":past": _long_ago(), ":job": job, ":claimed": "claimed"},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    def end_leases_of_reservations(self) -> None:
        """Let the lease of every open reservation run out."""
        for row in self.open_reservations():
            self._state.update_item(
                Key={"pk": row["pk"], "sk": row["sk"]},
                UpdateExpression="SET lease_until = :past",
                ExpressionAttributeValues={":past": _long_ago()},
            )


def all_pages(read: Callable[..., Row]) -> Iterator[Row]:
    """Yield all rows that a scan or a query of boto3's reads, page by page."""
    page = read()
    while True:
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        page = read(ExclusiveStartKey=page["LastEvaluatedKey"])


def _long_ago() -> int:
    return int(time.time()) - LONG_AGO_S
