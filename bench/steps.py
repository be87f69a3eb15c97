"""The steps of a worker process at the wire, and its death at one of them.

A step is a request to a table that is about to leave or whose answer has come, or a request to OpenRouter,
its headers or a piece of its body. So a death falls before, between or after any two things that are done.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import httpx


class Steps:
    """Counts the steps of this process, and kills it as the one numbered `dies_at` is reached (0: never)."""

    def __init__(self, dies_at: int) -> None:
        self._dies_at = dies_at
        self._taken = 0
        self._lock = threading.Lock()

    def reach(self, **_: Any) -> None:
        """Take a step; takes botocore's events as they come."""
        with self._lock:
            self._taken += 1
            if self._taken == self._dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def transport(self) -> httpx.BaseTransport:
        """Return a transport whose requests count."""
        return _Watched(self)


class _Watched(httpx.HTTPTransport):
    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._steps.reach()
        response = super().handle_request(request)
        self._steps.reach()
        body = response.stream
        if isinstance(body, httpx.SyncByteStream):
            response.stream = _WatchedBody(body, self._steps)
        return response


class _WatchedBody(httpx.SyncByteStream):
    def __init__(self, body: httpx.SyncByteStream, steps: Steps) -> None:
        self._body = body
        self._steps = steps

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            self._steps.reach()
            yield chunk

    def close(self) -> None:
        self._body.close()
