"""A served app: an ASGI app on a loopback port, run by uvicorn in a thread of its own.

Leaving the `with` block ends it within milliseconds, open streams included. An app may cut the connection
it is answering on; see `cut_connection`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 10.0
"""Far above the few milliseconds that a start takes; only a broken app reaches it."""

KEEP_ALIVE_S = 75
"""Longer than clients keep idle connections, so that none is closed just as a client uses it again."""

_CUT = "playground.cut_connection"

ASGIApp = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Served:
    """Where the app can be reached; `url` has no trailing slash."""

    url: str
    port: int


@contextlib.contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[Served]:
    """Serve `app` on 127.0.0.1 while the block runs; port 0 picks a free one.

    The app's lifespan is run, as Starlette apps have it. Raises OSError when the port is taken and
    RuntimeError when the app does not start.
    """
    with _listen(port) as listener:
        server = _Server(app)
        thread = threading.Thread(target=server.run_until_stopped, args=(listener,), daemon=True)
        thread.start()
        try:
            if not server.is_up():
                raise RuntimeError("the app did not start")
            bound = listener.getsockname()[1]
            yield Served(url=f"http://{LOOPBACK}:{bound}", port=bound)
        finally:
            server.stop()
            thread.join()


async def cut_connection(scope: dict[str, Any]) -> None:
    """Drop the connection that `scope` came in on, whatever was sent so far; the app then just returns."""
    cut = scope.get("extensions", {}).get(_CUT)
    if cut is None:
        raise RuntimeError("only an app that serve() runs can cut its connections")
    cut()
    await asyncio.sleep(0)  # lets the server notice before the app returns


def _listen(port: int) -> socket.socket:
    # Only sockets that name TCP as their protocol get TCP_NODELAY from asyncio; without it, each small
    # write of a stream would wait 40 ms for the client's acknowledgement of the one before.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener


class _Server(uvicorn.Server):
    """uvicorn that waits for a signal instead of polling for one, and does not wait for its clients."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                self._with_cut,
                interface="asgi3",
                proxy_headers=False,
                http="httptools",
                ws="none",
                loop="asyncio",
                lifespan="on",
                log_config=None,
                log_level="error",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                server_header=False,
                date_header=False,
            )
        )
        self._up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def run_until_stopped(self, listener: socket.socket) -> None:
        try:
            with contextlib.suppress(SystemExit):  # how uvicorn says that the app did not start
                self.run(sockets=[listener])
        finally:
            self._up.set()

    def is_up(self) -> bool:
        """Wait for the start; whether it worked."""
        return self._up.wait(START_TIMEOUT_S) and self.started

    def stop(self) -> None:
        self.should_exit = True
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stop.set)

    async def main_loop(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._up.set()
        if not self.should_exit:
            await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature; the servers close their sockets
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # connections learn that they are lost before their apps are cancelled
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    async def _with_cut(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            client = scope["client"]
            scope.setdefault("extensions", {})[_CUT] = lambda: self._cut(client)
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self.should_exit:
                raise

    def _cut(self, client: tuple[str, int]) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport.get_extra_info("peername") == client:
                connection.transport.abort()
