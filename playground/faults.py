"""The fault proxy: stands before DynamoDB and does what a local one never does of itself.

Requests pass untouched until a fault waits for their operation. Whether the table changed is part of each
fault: `timeout_after_commit` alone lets the request through and keeps its answer back.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import httpx

from playground.serving import cut_connection, serve

ANY_OPERATION = "*"

TARGET_HEADER = "x-amz-target"
"""Names the operation: `DynamoDB_20120810.PutItem`."""

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
"""Headers that belong to one connection or that the server writes anew."""

UPSTREAM_TIMEOUT_S = 10.0
"""A local DynamoDB answers in milliseconds."""


class Fault(StrEnum):
    """What goes wrong with one request."""

    CONFLICT = "conflict"
    """Another transaction has the row at this moment; nothing is written."""
    THROTTLE = "throttle"
    """The table takes no more at this moment; nothing is written."""
    THROTTLED_ITEM = "throttled_item"
    """One row takes no more at this moment; nothing is written."""
    IN_PROGRESS = "in_progress"
    """The transaction of this token is still being worked on; nothing is written by this request."""
    UNPROCESSED = "unprocessed"
    """A batch read returns none of its keys."""
    TIMEOUT_AFTER_COMMIT = "timeout_after_commit"
    """The request is carried out, and its answer never comes."""
    TIMEOUT_BEFORE = "timeout_before"
    """The request never arrives."""
    INTERNAL_ERROR = "internal_error"
    """HTTP 500; nothing is written."""
    ACCESS_DENIED = "access_denied"
    """The role lacks a permission."""


ERRORS = {
    Fault.CONFLICT: (400, "TransactionConflictException", "Transaction is ongoing for the item"),
    Fault.THROTTLE: (400, "ProvisionedThroughputExceededException", "The table's throughput is exceeded"),
    Fault.THROTTLED_ITEM: (400, "ThrottlingException", "The rate of requests is too high"),
    Fault.IN_PROGRESS: (400, "TransactionInProgressException", "The transaction is already in progress"),
    Fault.INTERNAL_ERROR: (500, "InternalServerError", "The request could not be processed"),
    Fault.ACCESS_DENIED: (400, "AccessDeniedException", "The user is not authorized to perform this"),
}
"""Status, code and message, as on
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html."""

CANCELS_BECAUSE = {Fault.CONFLICT: "TransactionConflict", Fault.THROTTLED_ITEM: "ThrottlingError"}
"""What a transaction is told otherwise: as the reason of one of its items. See
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""


@dataclass
class FaultProxy:
    """A DynamoDB at `url` that is the one at `target_url`, but for the faults that wait.

    `seen` counts the requests of each operation, those with a fault included. `by_chance` is asked about each
    request for which no fault waits, `heard` is told of each that was answered; both must return at once.
    """

    target_url: str
    port: int = 0
    by_chance: Callable[[str], Fault | None] = field(default=lambda _operation: None)
    heard: Callable[[str], object] = field(default=lambda _operation: None)
    url: str = field(default="", init=False)
    seen: Counter[str] = field(default_factory=Counter, init=False)
    _waiting: list[tuple[str, Fault]] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _running: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)
    _upstream: httpx.AsyncClient | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        """Start on 127.0.0.1; port 0 picks a free one."""
        self.url = self._running.enter_context(serve(self._app, self.port)).url
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._running.close()

    def inject(self, operation: str, fault: Fault | str, times: int = 1) -> None:
        """Let `fault` happen to the next `times` requests of `operation` (`TransactWriteItems`; "*" is any).

        Faults wait in the order in which they were injected.
        """
        with self._lock:
            self._waiting += [(operation, Fault(fault))] * times

    @property
    def waiting(self) -> int:
        """How many faults still wait for their request."""
        with self._lock:
            return len(self._waiting)

    def clear(self) -> None:
        """Forget the faults that still wait."""
        with self._lock:
            self._waiting.clear()

    def _take(self, operation: str) -> Fault | None:
        with self._lock:
            self.seen[operation] += 1
            for place, (wanted, fault) in enumerate(self._waiting):
                if wanted in (operation, ANY_OPERATION):
                    del self._waiting[place]
                    return fault
        return self.by_chance(operation)

    async def _app(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._pass_on_or_fail(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """Hold the connections to the target open as long as the server runs."""
        await receive()
        async with httpx.AsyncClient(base_url=self.target_url, timeout=UPSTREAM_TIMEOUT_S) as upstream:
            self._upstream = upstream
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass_on_or_fail(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        body = await _body(receive)
        if body is None:
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        operation = dict(headers).get(TARGET_HEADER, "").partition(".")[2]
        fault = self._take(operation)
        if fault is Fault.TIMEOUT_BEFORE:
            await cut_connection(scope)
        elif fault is None or fault is Fault.TIMEOUT_AFTER_COMMIT:
            answer = await self._pass_on(scope, headers, body)
            self.heard(operation)
            await (_answer(send, answer) if fault is None else cut_connection(scope))
        else:
            await _answer(send, refusal(fault, operation, json.loads(body)))

    async def _pass_on(
        self, scope: dict[str, Any], headers: list[tuple[str, str]], body: bytes
    ) -> httpx.Response:
        if self._upstream is None:  # pragma: no cover - the server takes no request before it has started
            raise RuntimeError("the proxy has not started")
        path = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        return await self._upstream.request(
            scope["method"], path.decode("ascii"), headers=headers, content=body
        )


def refusal(fault: Fault, operation: str, request: dict[str, Any]) -> httpx.Response:
    """Say what DynamoDB says of `fault`."""
    if fault is Fault.UNPROCESSED:
        status, body = 200, {"Responses": {}, "UnprocessedKeys": request.get("RequestItems", {})}
    elif operation == "TransactWriteItems" and fault in CANCELS_BECAUSE:
        status, body = 400, _cancelled(CANCELS_BECAUSE[fault], len(request["TransactItems"]))
    else:
        status, code, message = ERRORS[fault]
        body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message}
    headers = {"content-type": "application/x-amz-json-1.0"}
    return httpx.Response(status, headers=headers, content=json.dumps(body).encode())


def _cancelled(code: str, items: int) -> dict[str, Any]:
    """Cancel a transaction because of its first item."""
    codes = [code, *["None"] * (items - 1)]
    return {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": f"Transaction cancelled, please refer cancellation reasons for specific reasons {codes}",
        "CancellationReasons": [{"Code": code} for code in codes],
    }


async def _body(receive: Any) -> bytes | None:
    """Return the whole body; None when the client died before it had sent all of it."""
    chunks: list[bytes] = []
    is_whole = False
    while not is_whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        is_whole = not message.get("more_body", False)
    return b"".join(chunks)


async def _answer(send: Any, answer: httpx.Response) -> None:
    headers = [*_kept(answer), (b"content-length", str(len(answer.content)).encode())]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})


def _kept(answer: httpx.Response) -> Iterator[tuple[bytes, bytes]]:
    for name, value in answer.headers.raw:
        if name.decode("latin-1").lower() not in HOP_BY_HOP:
            yield name.lower(), value
