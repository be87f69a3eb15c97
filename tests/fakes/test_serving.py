"""A served app starts at once, ends at once, and can cut its own connections."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from playground.clock import ManualClock
from playground.serving import cut_connection, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def _hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _endless(_request: Request) -> StreamingResponse:
    async def beats() -> AsyncIterator[str]:
        while True:
            yield "beat\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(beats())


async def _parts(_request: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            yield part
            await asyncio.sleep(0)

    return StreamingResponse(parts())


async def _cut(scope: Any, _receive: Any, _send: Any) -> None:
    await cut_connection(scope)


def _app() -> Starlette:
    app = Starlette(routes=[Route("/hello", _hello), Route("/endless", _endless), Route("/parts", _parts)])
    app.mount("/cut", _cut)
    return app


def test_starts_within_a_breath() -> None:
    """A test can afford a server of its own."""
    began = time.monotonic()
    with serve(_app()) as served:
        assert httpx.get(f"{served.url}/hello").text == "hello"
    assert time.monotonic() - began < 1.0


def test_small_writes_leave_at_once() -> None:
    """No write waits for the acknowledgement of the one before, which takes 40 ms each time."""
    with serve(_app()) as served, httpx.Client() as client:
        began = time.monotonic()
        for _ in range(50):
            assert client.get(f"{served.url}/parts").text == "abc"
        assert time.monotonic() - began < 1.5


def test_a_client_sees_the_end_of_the_server_as_a_broken_stream() -> None:
    """The server does not wait for clients that are still reading."""
    with httpx.Client() as client:
        server = serve(_app())
        served = server.__enter__()
        with client.stream("GET", f"{served.url}/endless") as response:
            lines = response.iter_lines()
            assert next(lines) == "beat"
            began = time.monotonic()
            server.__exit__(None, None, None)
            assert time.monotonic() - began < 1.0
            with pytest.raises(httpx.TransportError):
                for _ in lines:
                    pass


def test_cut_before_headers() -> None:
    """A cut connection looks to the client as if the other side died."""
    with serve(_app()) as served, pytest.raises(httpx.TransportError):
        httpx.get(f"{served.url}/cut/")


def test_an_app_that_does_not_start_is_told() -> None:
    """A broken start is the caller's error at once, not a time-out later."""

    @contextlib.asynccontextmanager
    async def broken(_app: Starlette) -> AsyncIterator[None]:
        raise ValueError("no")
        yield

    with pytest.raises(RuntimeError, match="did not start"), serve(Starlette(lifespan=broken)):
        pass


def test_port_is_free_again_and_a_taken_one_is_refused() -> None:
    """The same port can be served twice in a row, but not twice at once."""
    with serve(_app()) as first:
        port = first.port
        with pytest.raises(OSError, match="in use"), serve(_app(), port):
            pass
    with serve(_app(), port) as again:
        assert httpx.get(f"{again.url}/hello").status_code == 200


def test_time_moves_only_by_hand() -> None:
    """A manual clock stands still until it is advanced, and never runs backward."""
    clock = ManualClock(start=100.0)
    clock.advance(2.5)
    assert clock.now() == 102.5
    with pytest.raises(ValueError, match="forward only"):
        clock.advance(-1)
