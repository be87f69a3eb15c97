"""Live: a workspace's changes as Server-Sent Events, from the moment of connecting on."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playground.slack.board import Change
    from playground.slack.workspace import Workspace

TICK_S = 1.0
"""How often an idle connection looks at the clock, so that a status that has run out disappears; each time it
also sends a comment, by which a connection that is gone is noticed."""

BACKLOG = 1000
"""Changes that a reader may lag behind; one that is slower is cut off and connects anew."""


async def live_changes(workspace: Workspace, tick_s: float = TICK_S) -> AsyncIterator[str]:
    """Yield changes as they happen, and comments while nothing does."""
    loop = asyncio.get_running_loop()
    changes: asyncio.Queue[Change] = asyncio.Queue()

    def take_note(change: Change) -> None:
        loop.call_soon_threadsafe(changes.put_nowait, change)

    unsubscribe = workspace.subscribe(take_note)
    try:
        yield ": connected\n\n"
        while changes.qsize() < BACKLOG:
            try:
                change = await asyncio.wait_for(changes.get(), tick_s)
            except TimeoutError:
                workspace.board.let_time_pass()
                yield ": keepalive\n\n"
            else:
                yield f"event: {change.kind}\ndata: {json.dumps(change.data, ensure_ascii=False)}\n\n"
    finally:
        unsubscribe()
