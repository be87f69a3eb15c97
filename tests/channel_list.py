"""A Slack that knows one method, `conversations.list`, in pages and with Slack's refusals."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from playground.serving import serve

TOKEN = "xoxb-a-token"
LIMIT_BELOW = 1000
"""What https://docs.slack.dev/reference/methods/conversations.list asks for."""


@dataclass
class ChannelList:
    """Its channels, how many it puts on a page, and how it misbehaves, if it shall."""

    channels: list[Any]
    page: int = 2
    refusal: str = ""
    retry_after_s: int = 0
    always_goes_on: bool = False
    never_answers: bool = False
    oddly: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    asked: threading.Event = field(default_factory=threading.Event)
    calls: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: Request) -> JSONResponse:
        """Answer one call."""
        arguments = dict(request.query_params)
        self.calls.append(arguments)
        self.asked.set()
        if self.never_answers:
            await asyncio.Event().wait()
        if self.retry_after_s:
            return JSONResponse({"ok": False}, 429, {"Retry-After": str(self.retry_after_s)})
        if code := self.refusal or self._flaw(request, arguments):
            return JSONResponse({"ok": False, "error": code})
        start = int(arguments.get("cursor", "0"))
        after = start if self.always_goes_on else start + self.page
        more = {"next_cursor": str(after) if after < len(self.channels) else ""}
        page = {"channels": self.channels[start : start + self.page], "response_metadata": more}
        return JSONResponse({"ok": True} | page | self.oddly)

    def _flaw(self, request: Request, arguments: dict[str, str]) -> str:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return "invalid_auth"
        if not 1 <= int(arguments.get("limit", "100")) < LIMIT_BELOW:
            return "invalid_limit"
        types = set(arguments.get("types", "public_channel").split(","))
        return "" if types <= {"public_channel", "private_channel", "mpim", "im"} else "invalid_types"


@contextlib.contextmanager
def channel_list(*channels: Any, **how: Any) -> Iterator[ChannelList]:
    """Serve these channels while the block runs."""
    slack = ChannelList(list(channels), **how)
    app = Starlette(routes=[Route("/api/conversations.list", slack.answer, methods=["GET", "POST"])])
    with serve(app) as served:
        slack.url = f"{served.url}/api/"
        yield slack
