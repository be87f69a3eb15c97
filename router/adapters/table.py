"""DynamoDB, and the only file that imports the AWS SDK: rows as plain dicts, failures as Penny's errors.

It is botocore; what boto3 puts on top is of no use here and would make a cold start a tenth longer. Writes
wait for conflicts to pass. Leaves keys, conditions and their meaning to the files that own rows.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader
from botocore.session import get_session

from router.adapters.attributes import read, written
from router.adapters.sigv4 import Credentials
from router.errors import TableUnavailable

Row = dict[str, Any]
Key = dict[str, str]
_T = TypeVar("_T")

_CONFIG = BotoConfig(
    connect_timeout=1.0,
    read_timeout=2.0,  # a healthy call takes milliseconds; a thread should not be silent for longer
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    user_agent="penny",  # the SDK puts its own together anew for each request
)

ROW_VERSION = 1
"""Of the layout of all rows; a release that changes what an attribute means raises it."""

IS_KNOWN = "v <= :v"
"""The clause that the row is there and no newer release wrote it, when `:v` is ROW_VERSION."""

CONFLICT_TRIES = 12
"""Tries of one write against conflicts. With full jitter up to 0.25 s that is about 1.2 s, in which a
channel's row takes a hundred other writes; who still loses is told that the table is unavailable."""

CONFLICT_WAIT_S = 0.02
"""First upper bound of the jittered wait; it doubles to LONGEST_WAIT_S."""

LONGEST_WAIT_S = 0.25

CONDITION = "ConditionalCheckFailed"
CONFLICT = "TransactionConflict"
PASSING_REASONS = frozenset({CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Why a write was refused although nothing stands against it: it may be tried again."""


class ConditionFailed(Exception):  # noqa: N818 - an expected outcome for the callers, who all catch it
    """A write's condition did not hold; `row` is what stands there (empty: nothing)."""

    def __init__(self, row: Row) -> None:
        super().__init__("condition failed")
        self.row = row


class Cancelled(Exception):  # noqa: N818 - as above
    """A transaction was cancelled; one `(reason, row)` for each of its writes, in order."""

    def __init__(self, reasons: list[tuple[str, Row]]) -> None:
        super().__init__(", ".join(reason for reason, _ in reasons))
        self.reasons = reasons

    @property
    def is_passing(self) -> bool:
        """Whether nothing but conflicts and throttling stood against it."""
        return {reason for reason, _ in self.reasons} <= PASSING_REASONS | {"None"}


@dataclass(frozen=True, slots=True)
class Update:
    """One update of one row. `names` and `values` are those of both expressions, with `#` and `:`."""

    table: str
    key: Key
    expression: str
    values: Row = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Put:
    """One put of one row that must not be there yet."""

    table: str
    row: Row


Write = Update | Put


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a table is set up: its keys, the keys of its indexes, and what else is not seen in a row."""

    keys: tuple[str, ...]
    indexes: dict[str, tuple[str, ...]]
    expires_by: str
    """The attribute by which rows expire; empty: none do."""
    can_be_restored: bool
    """To any second of the last weeks (point-in-time recovery)."""
    is_on_demand: bool


def check_version(row: Row) -> None:
    """Refuse a row whose layout a newer release made: raises TableUnavailable, so that its job waits.

    It happens while a deployment is under way, and after one was taken back.
    """
    if row.get("v", 0) > ROW_VERSION:
        raise TableUnavailable(
            f"{row['pk']} {row['sk']}: row version {row['v']}, but this release knows {ROW_VERSION} at most"
        )


class _DynamoDbAlone(Loader):  # type: ignore[misc] # botocore has no types
    """Knows one service: to look for it in the folders of four hundred is a quarter of making a client."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as it is called
        return ["dynamodb"]


def _client(endpoint_url: str, region: str) -> Any:
    session = get_session()
    session.register_component("data_loader", _DynamoDbAlone())
    return session.create_client(
        "dynamodb", endpoint_url=endpoint_url or None, region_name=region or None, config=_CONFIG
    )


class Dynamo:
    """The tables of one AWS account. Thread-safe; made once per container.

    `client` replaces the SDK's.
    """

    def __init__(
        self,
        endpoint_url: str = "",
        region: str = "",
        *,
        sleep: Callable[[float], None] = time.sleep,
        client: Any = None,
    ) -> None:
        self._sleep = sleep
        self._client = client or _client(endpoint_url, region)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, table: str, key: Key, *, consistent: bool = False) -> Row | None:
        """Return a row, or None."""
        answer = self._call(
            self._client.get_item, TableName=table, Key=written(key), ConsistentRead=consistent
        )
        return read(answer["Item"]) if "Item" in answer else None

    def get_many(self, table: str, keys: list[Key], *, consistent: bool = False) -> list[Row]:
        """Return those of `keys` (at most 100) that exist, in no order."""
        wanted = {"Keys": [written(key) for key in keys], "ConsistentRead": consistent}
        answer = self._call(self._client.batch_get_item, RequestItems={table: wanted})
        if answer.get("UnprocessedKeys"):
            raise TableUnavailable("batch_get_item: throttled")
        return [read(row) for row in answer["Responses"].get(table, [])]

    def query(
        self,
        table: str,
        condition: str,
        values: Row,
        *,
        index: str = "",
        names: dict[str, str] | None = None,
        newest: int = 0,
    ) -> Iterator[Row]:
        """Yield the rows of one partition in the order of their sort key, page by page.

        With `newest` the last of them come first, so many in a page, and no more is read than is asked for.
        """
        request: Row = {"TableName": table, "KeyConditionExpression": condition}
        request["ExpressionAttributeValues"] = written(values)
        request |= {"IndexName": index} if index else {}
        request |= {"ExpressionAttributeNames": names} if names else {}
        request |= {"ScanIndexForward": False, "Limit": newest} if newest else {}
        while True:
            page = self._call(self._client.query, **request)
            yield from (read(row) for row in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def update(self, update: Update) -> Row:
        """Apply one update and return the row as it was before (empty: it was not there).

        Raises ConditionFailed with the row that stands there.
        """
        answer = self._write(
            self._client.update_item,
            **_update_fields(update),
            ReturnValues="ALL_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return read(answer.get("Attributes", {}))

    def put(self, put: Put) -> None:
        """Put a row that must not be there yet; raises ConditionFailed when it is."""
        self._write(self._client.put_item, **_put_fields(put), ReturnValuesOnConditionCheckFailure="ALL_OLD")

    def transact(self, writes: list[Write]) -> None:
        """Apply all of `writes` or none; raises Cancelled with the reasons, of which one will not pass.

        A repeated request after a lost answer is recognised by its token, which the SDK makes for each try:
        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
        """
        items = [
            {"Update": _update_fields(w) | _TELL}
            if isinstance(w, Update)
            else {"Put": _put_fields(w) | _TELL}
            for w in writes
        ]
        self._write(self._client.transact_write_items, TransactItems=items)

    def shape(self, table: str) -> TableShape:
        """Describe a table; three calls. Raises TableUnavailable, also when there is no such table."""
        found = self._call(self._client.describe_table, TableName=table)["Table"]
        expiry = self._call(self._client.describe_time_to_live, TableName=table)["TimeToLiveDescription"]
        backups = self._call(self._client.describe_continuous_backups, TableName=table)
        recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        indexes = found.get("GlobalSecondaryIndexes", [])
        return TableShape(
            keys=_keys(found),
            indexes={index["IndexName"]: _keys(index) for index in indexes},
            expires_by=expiry.get("AttributeName", "") if expiry["TimeToLiveStatus"] in _EXPIRING else "",
            can_be_restored=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
            is_on_demand=found.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST",
        )

    def _write(self, method: Callable[..., _T], **request: Any) -> _T:
        """Write, trying again with full jitter while nothing but conflicts and throttling stands against it.

        A try whose outcome was unknown may have been applied; the conditions of the next one decide.
        """
        bound = CONFLICT_WAIT_S
        for _ in range(CONFLICT_TRIES):
            try:
                return self._call(method, **request)
            except Cancelled as cancelled:
                if not cancelled.is_passing:
                    raise
            self._sleep(random.uniform(0, bound))  # noqa: S311 - jitter, not a secret
            bound = min(LONGEST_WAIT_S, bound * 2)
        raise TableUnavailable(f"{method.__name__}: conflicts after {CONFLICT_TRIES} tries")

    def _call(self, method: Callable[..., _T], **request: Any) -> _T:
        try:
            return method(**request)
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise TableUnavailable(f"{method.__name__}: {type(error).__name__}") from error


_EXPIRING = ("ENABLED", "ENABLING")


def _keys(described: Row) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in described["KeySchema"])


def find_credentials(region: str = "") -> tuple[Credentials, str] | None:
    """Find the AWS credentials as other AWS tools do, and where they were found; None: there are none.

    Raises TableUnavailable when there should be some, but they cannot be had (a profile that is not there).
    """
    try:
        session = get_session()
        if region:
            session.set_config_variable("region", region)
        found = session.get_credentials()
        if found is None:
            return None
        keys = found.get_frozen_credentials()
    except BotoCoreError as error:
        raise TableUnavailable(f"credentials: {type(error).__name__}") from error
    return Credentials(keys.access_key, keys.secret_key, keys.token or ""), found.method


_TELL = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def _update_fields(update: Update) -> Row:
    fields: Row = {
        "TableName": update.table,
        "Key": written(update.key),
        "UpdateExpression": update.expression,
    }
    fields |= {"ExpressionAttributeValues": written(update.values)} if update.values else {}
    fields |= {"ExpressionAttributeNames": update.names} if update.names else {}
    return fields | ({"ConditionExpression": update.condition} if update.condition else {})


def _put_fields(put: Put) -> Row:
    return {
        "TableName": put.table,
        "Item": written(put.row),
        "ConditionExpression": "attribute_not_exists(pk)",
    }


def _translated(error: ClientError) -> Exception:
    """Turn a client error into an outcome the callers know, or into TableUnavailable."""
    code = error.response.get("Error", {}).get("Code", "Unknown")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(read(error.response.get("Item", {})))
    if code == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        return Cancelled([(r.get("Code", "None"), read(r.get("Item", {}))) for r in reasons])
    if code in ("TransactionConflictException", "TransactionInProgressException"):
        return Cancelled([(CONFLICT, {})])
    return TableUnavailable(f"{error.operation_name}: {code}")
