"""The local DynamoDB without a network: requests go straight into it, or fail on their way.

It is the same DynamoDB as behind `aws`, and every request is held against DynamoDB's own rules as there.
"""

from __future__ import annotations

import functools
import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError
from ministack.services import dynamodb

from playground.aws import REGION
from playground.aws_json import content_of, headers_for
from router.adapters.table import CONFLICT_TRIES, Dynamo
from tests.dynamodb_rules import checked_session, violations

NOWHERE = "http://near.test"
TRANSACT = "TransactWriteItems"
OPERATIONS = {
    name.lower().replace("_", ""): name
    for name in (TRANSACT, "BatchGetItem", "GetItem", "PutItem", "UpdateItem", "Query")
}

_one_at_a_time = threading.Lock()
"""As behind a network, where it has one thread."""


def ask(operation: str, **request: Any) -> dict[str, Any]:
    """Ask it; raises AwsRefused."""
    return content_of(*answered(operation, json.dumps(request).encode()))


def answered(operation: str, body: bytes) -> tuple[int, bytes]:
    """Let it handle a request; it waits for nothing, so its coroutine ends at once."""
    headers = headers_for("dynamodb", operation)
    with _one_at_a_time:
        try:
            dynamodb.handle_request("POST", "/", headers, body, {}).send(None)
        except StopIteration as ended:
            status, _, answer = ended.value[:3]
            return status, answer if isinstance(answer, bytes) else answer.encode()
    raise AssertionError("it waits for something")


@functools.cache
def near_dynamo() -> Dynamo:
    """Make what talks to it through the SDK, all but the socket."""
    with checked_session(before_send=_send):
        return Dynamo(NOWHERE, REGION)


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


class FaultyClient:
    """Stands in for the SDK, which is too slow for thousands of steps; `inject` lets transactions fail."""

    def __init__(self) -> None:
        self._faults: deque[Fault] = deque()

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
        status, answer = answered(operation, json.dumps(request).encode())
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


def _send(request: AWSRequest, **_: Any) -> AWSResponse:
    """Answer what the SDK is about to send."""
    target = request.headers["X-Amz-Target"]
    operation = (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]
    status, body = answered(operation, request.body)
    return AWSResponse(NOWHERE, status, {}, _Raw(body))


class _Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self._body
