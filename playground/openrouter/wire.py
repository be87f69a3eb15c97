"""The wire: JSON and Server-Sent Events as OpenRouter writes them, on one connection.

Amounts are written as JSON numbers with all of their digits. A connection knows when its client has left,
and can be cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from playground.serving import cut_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

PROCESSING = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"

_MARK = secrets.token_hex(8)
_MARKED = re.compile(rf'"{_MARK}([^"]*)"')


def to_json(value: Any) -> bytes:
    """Write JSON as UTF-8; a Decimal becomes a number without exponent or idle zeros."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_marked)
    return _MARKED.sub(r"\1", text).encode()


def event(value: Any) -> bytes:
    """Write one data event."""
    return b"data: " + to_json(value) + b"\n\n"


def _marked(value: Any) -> str:
    """Mark a number for `to_json`: the json module itself writes no Decimals."""
    if isinstance(value, Decimal):
        return f"{_MARK}{value.normalize():f}"
    raise TypeError(f"{type(value).__name__} has no place in JSON")


class ClientLeft(Exception):  # noqa: N818 - reads as the state it names
    """The client closed the connection before the reply was complete."""


class Connection:
    """One reply in the making."""

    def __init__(self, scope: Any, receive: Any, send: Any) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._left = asyncio.Event()

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Notice, while the block runs, when the client leaves."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()

    async def start(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Send status line and headers."""
        raw = [(name.lower().encode(), value.encode()) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes, piece_bytes: int | None = None) -> None:
        """Send data now, at most `piece_bytes` of it at once. Raises ClientLeft."""
        size = piece_bytes or max(1, len(data))
        for at in range(0, len(data), size):
            await self.pause(0)
            body = data[at : at + size]
            await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Send the rest and end the reply."""
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def pause(self, seconds: float) -> None:
        """Wait. Raises ClientLeft as soon as the client has left."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), seconds)
        else:
            await asyncio.sleep(0)
        if self._left.is_set():
            raise ClientLeft

    async def stall(self, comment_every_s: float | None = None) -> None:
        """Say nothing more, or only comments, until the client leaves. Raises ClientLeft."""
        while comment_every_s is not None:
            await self.write(PROCESSING)
            await self.pause(comment_every_s)
        await self._left.wait()
        raise ClientLeft

    async def cut(self) -> None:
        """Drop the connection; what was written before still arrives."""
        await cut_connection(self._scope)
