"""The storm: a DynamoDB that fails by chance, in a process of its own, fast enough for five hundred at once.

Its faults and their words are the fault proxy's; it does no more with a request than to find its operation.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

from bench.weather import Weather
from playground.faults import Fault, refusal

WAITS = 1024
"""Connections that may wait to be taken: all of a burst connect at once."""

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OPERATION = re.compile(rb"\r\nx-amz-target: *DynamoDB_20120810\.(\w+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Storm:
    """Where the DynamoDB is, and how it fails; never, if there is nobody to ask."""

    url: str
    _asked: Connection | None = None

    def struck(self) -> Counter[Fault]:
        """Count the faults so far."""
        if self._asked is None:
            return Counter()
        self._asked.send(None)
        counted: Counter[Fault] = self._asked.recv()
        return counted


@contextlib.contextmanager
def storm(target_url: str, seed: int) -> Iterator[Storm]:
    """Let the DynamoDB at `target_url` fail by chance while the block runs."""
    forking = multiprocessing.get_context("forkserver")
    ours, theirs = forking.Pipe()
    process = forking.Process(target=_serve, args=(target_url, seed, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Storm(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def _serve(target_url: str, seed: int, asked: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    with contextlib.suppress(EOFError):
        asyncio.run(_Proxy(target_url, Weather(seed)).run(asked))


class _Proxy:
    """One connection to the target for each of a client's."""

    def __init__(self, target_url: str, weather: Weather) -> None:
        target = urlsplit(target_url)
        self._host, self._port = target.hostname, target.port
        self._weather = weather
        self._serving: set[asyncio.Task[None]] = set()
        """The event loop itself holds its tasks weakly."""

    async def run(self, asked: Connection) -> None:
        """Serve until nobody is left to ask for the count."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, backlog=WAITS)
        async with server:
            asked.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            while True:
                await asyncio.to_thread(asked.recv)
                asked.send(self._weather.struck)

    def _take(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve_client(client, answers))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve_client(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            target, requests = await asyncio.open_connection(self._host, self._port)
            try:
                while await self._pass_on_or_fail(client, answers, target, requests):
                    pass
            finally:
                requests.close()
        answers.close()

    async def _pass_on_or_fail(
        self,
        client: asyncio.StreamReader,
        answers: asyncio.StreamWriter,
        target: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
    ) -> bool:
        """Serve one request; whether there may be another on this connection."""
        head, body = await _read(client)
        found = _OPERATION.search(head)
        operation = found[1].decode() if found else ""
        fault = self._weather.strike(operation)
        if fault is None or fault is Fault.TIMEOUT_AFTER_COMMIT:
            requests.write(head + body)
            answer = b"".join(await _read(target))
            if fault:
                return False
        else:
            answer = _written(fault, operation, body)
        answers.write(answer)
        await answers.drain()
        return not _CLOSES.search(head)


async def _read(stream: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read one message of HTTP with a length; raises IncompleteReadError at the end."""
    head = await stream.readuntil(_END)
    length = _LENGTH.search(head)
    return head, await stream.readexactly(int(length[1])) if length else b""


def _written(fault: Fault, operation: str, body: bytes) -> bytes:
    said = refusal(fault, operation, json.loads(body))
    head = f"HTTP/1.1 {said.status_code} Bad\r\ncontent-type: application/x-amz-json-1.0\r\n"
    return f"{head}content-length: {len(said.content)}\r\n\r\n".encode() + said.content
