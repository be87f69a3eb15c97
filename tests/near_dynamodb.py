"""The local DynamoDB without a network: requests go straight into it as JSON, or fail on their way.

For stories of thousands of steps, for which a socket and an SDK are too slow. It is the same DynamoDB as
behind `aws`, and every request is held against DynamoDB's own rules as there.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from botocore.session import get_session
from ministack.services import dynamodb

from playground.aws import REGION
from router.adapters.table import CONFLICT_TRIES, Dynamo
from tests.dynamodb_rules import violations
from tests.tables import Tables, checked_session, fresh_tables

NOWHERE = "http://near.test"
TRANSACT = "TransactWriteItems"
OPERATIONS = {
    name.lower().replace("_", ""): name
    for name in (TRANSACT, "BatchGetItem", "GetItem", "PutItem", "UpdateItem", "Query")
}


class Fault(StrEnum):
    """What can happen to a transaction on its way."""

    CONFLICT = "conflict"
    """Others write the row; it passes."""
    BUSY = "busy"
    """Others write the row, for longer than anyone waits: nothing is written."""
    REFUSED = "refused"
    """Nothing is written."""
    UNSEEN = "unseen"
    """It is written, and nobody hears of it."""


class NearDynamoDb:
    """Answers every request of the clients that `tables` makes; `inject` lets the next transactions fail."""

    def __init__(self) -> None:
        self._faults: deque[Fault] = deque()
        self._dynamo = Dynamo(sleep=lambda _: None, client=self)
        with checked_session(before_send=_send):
            self._client = get_session().create_client("dynamodb", REGION, endpoint_url=NOWHERE)

    def tables(self) -> Tables:
        """Make fresh tables, with no fault on the way."""
        self.clear()
        return fresh_tables(NOWHERE, self._dynamo, self._client)

    def inject(self, fault: Fault) -> None:
        """Let this fault, and no other, meet the next transaction."""
        times = {Fault.CONFLICT: 2, Fault.BUSY: CONFLICT_TRIES}.get(fault, 1)
        self._faults = deque([fault] * times)

    def clear(self) -> None:
        """Let all go well again."""
        self._faults.clear()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Be a client as the SDK makes them, for the operations that Penny uses."""
        operation = OPERATIONS.get(method.replace("_", ""))
        if operation is None:
            raise AttributeError(method)
        return lambda **request: self._call(operation, request)

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        if operation == TRANSACT:
            request["ClientRequestToken"] = uuid.uuid4().hex
        wrong = violations(operation, request)
        assert not wrong, f"{operation}: DynamoDB would refuse this: {'; '.join(wrong)}"
        fault = self._faults.popleft() if self._faults and operation == TRANSACT else None
        if fault in (Fault.CONFLICT, Fault.BUSY):
            raise _error(operation, "TransactionCanceledException", CancellationReasons=_conflicts(request))
        if fault is Fault.REFUSED:
            raise _error(operation, "AccessDeniedException")
        status, answer = _answered(operation, json.dumps(request).encode())
        if fault is Fault.UNSEEN:
            raise _error(operation, "AccessDeniedException")
        content = json.loads(answer)
        if status != 200:
            raise _error(operation, content.pop("__type").rpartition("#")[2], **content)
        return content


def _conflicts(request: dict[str, Any]) -> list[dict[str, str]]:
    return [{"Code": "TransactionConflict"}, *({"Code": "None"} for _ in request["TransactItems"][1:])]


def _error(operation: str, code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code}, **more}, operation)


def _answered(operation: str, body: bytes) -> tuple[int, bytes]:
    """Let the DynamoDB handle a request; it waits for nothing, so its coroutine ends at once."""
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
    try:
        dynamodb.handle_request("POST", "/", headers, body, {}).send(None)
    except StopIteration as ended:
        status, _, answer = ended.value[:3]
        return status, answer if isinstance(answer, bytes) else answer.encode()
    raise AssertionError("it waits for something")


def _send(request: AWSRequest, **_: Any) -> AWSResponse:
    """Answer a request of the SDK's own client, with which tables are made and looked at."""
    target = request.headers["X-Amz-Target"]
    operation = (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
    return AWSResponse(NOWHERE, *_as_sent(*_answered(operation, request.body)))


def _as_sent(status: int, body: bytes) -> tuple[int, dict[str, str], Any]:
    return status, {}, _Raw(body)


class _Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self._body
