"""OpenRouter on the wire: builders for what it sends, and a loopback server that sends it byte by byte."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx

from router.adapters.openrouter import OpenRouter
from router.domain.completion import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from router.domain.completion import Completion

KEY = "sk-or-v1-a-key-that-must-never-be-seen"
GENERATION = "gen-1763800000-AbCdEfGhIjKlMnOpQrSt"
NOW = 1_763_800_000.0

CALL = Call(
    models=("openai/gpt-6-luna", "anthropic/claude-haiku-5.5", "mistralai/mistral-small-2603"),
    messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}),
    max_tokens=800,
    max_price_prompt_usd=Decimal("0.2"),
    max_price_completion_usd=Decimal("0.75"),
    user="u-5f2a",
    session_id="C1:1700000000.000100",
)

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 7,
    "total_tokens": 27,
    "cost": 0.0000055,
    "is_byok": False,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "cost_details": {"upstream_inference_cost": 0.0000055},
}


def a_call(**changes: Any) -> Call:
    """Make a call like any other but for `changes`."""
    return replace(CALL, **changes)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **top: Any) -> dict[str, Any]:
    """Make one event of a stream; `top` adds fields beside `choices`."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish, "native_finish_reason": finish}
    head = {"id": GENERATION, "object": "chat.completion.chunk", "created": int(NOW)}
    return {**head, "model": "openai/gpt-6-luna", "provider": "OpenAI", "choices": [choice], **top}


def text(content: str) -> dict[str, Any]:
    """Make an event with a piece of text."""
    return chunk({"role": "assistant", "content": content})


def error_event(code: Any, message: str = "it broke", **metadata: Any) -> dict[str, Any]:
    """Make the event of an error within a stream."""
    error = {"code": code, "message": message, "metadata": metadata}
    return chunk({"content": ""}, finish="error", error=error)


LAST = chunk({"content": "", "role": "assistant"}, finish="stop", usage=USAGE)
"""The event before [DONE]: usage, and a choice that repeats the finish reason."""


def sse(*events: dict[str, Any] | str, done: bool = True) -> bytes:
    """Write events as OpenRouter does; a string is sent as it is."""
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def streaming(*parts: bytes, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    """Answer every call with a stream that arrives in `parts`."""
    head = {"content-type": "text/event-stream; charset=utf-8", "x-generation-id": GENERATION}
    return httpx.MockTransport(
        lambda _: httpx.Response(200, headers={**head, **(headers or {})}, content=iter(parts))
    )


def replying(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    """Answer every call with `body`, as JSON unless it is text."""
    content = body if isinstance(body, str) else json.dumps(body)
    kind = "text/html" if isinstance(body, str) else "application/json"
    return httpx.MockTransport(
        lambda _: httpx.Response(status, headers={"content-type": kind, **(headers or {})}, content=content)
    )


@dataclass
class Caller:
    """A caller that keeps what it hears; `stop_after` texts it wants no more."""

    stop_after: int = 1_000_000
    generations: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    thoughts: int = 0

    def attempt(
        self,
        transport: httpx.BaseTransport | None,
        call: Call = CALL,
        base_url: str = "https://openrouter.test/api/v1",
        seconds: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> Completion:
        """Make one attempt over `transport`, with `seconds` until the deadline."""
        openrouter = OpenRouter(base_url, KEY, transport)
        try:
            return openrouter.attempt(
                call,
                clock() + seconds,
                clock,
                self.generations.append,
                self.texts.append,
                lambda: len(self.texts) >= self.stop_after,
                self._think,
            )
        finally:
            openrouter.close()

    def _think(self) -> None:
        self.thoughts += 1


HEAD = (
    f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Generation-Id: {GENERATION}\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
).encode()
END = b"0\r\n\r\n"


def chunked(data: bytes) -> bytes:
    """Frame `data` as one chunk of HTTP/1.1."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class Loopback:
    """What a loopback server saw."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextmanager
def loopback(script: Callable[[socket.socket, Loopback], None]) -> Iterator[Loopback]:
    """Serve on 127.0.0.1: each request is read whole, then `script` writes what it likes."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = Loopback(url=f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1")

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.connections += 1
            threading.Thread(target=_converse, args=(connection, script, seen), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(2)


def _converse(
    connection: socket.socket, script: Callable[[socket.socket, Loopback], None], seen: Loopback
) -> None:
    with connection:
        connection.settimeout(5)
        while request := _read_request(connection):
            seen.requests.append(request)
            try:
                script(connection, seen)
            except OSError:
                seen.hung_up.set()
                return
        seen.hung_up.set()


def _read_request(connection: socket.socket) -> bytes:
    request = b""
    try:
        while b"\r\n\r\n" not in request:
            if not (more := connection.recv(65536)):
                return b""
            request += more
        head, _, body = request.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while lengths and len(body) < int(lengths[0].split(b":")[1]):
            body += connection.recv(65536)
    except OSError:
        return b""
    return head + b"\r\n\r\n" + body
