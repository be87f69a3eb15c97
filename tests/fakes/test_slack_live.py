"""Live changes: what an idle or a slow reader gets."""

from __future__ import annotations

import asyncio

from playground.clock import ManualClock
from playground.slack.live import BACKLOG, live_changes
from playground.slack.workspace import Workspace
from tests.slack_wire import ADA_DM, START


def test_a_status_that_runs_out_is_told_though_nobody_calls() -> None:
    """An idle connection looks at the clock itself, and says meanwhile that it is alive."""

    async def read() -> list[str]:
        clock = ManualClock(START)
        workspace = Workspace(clock)
        asked = workspace.post_as_user(ADA_DM, "ada", "why?")
        workspace.board.set_status(ADA_DM, asked, "is thinking…")
        events = live_changes(workspace, tick_s=0.01)
        lines = [await anext(events), await anext(events)]
        clock.advance(120)
        while "event" not in lines[-1]:
            lines.append(await anext(events))
        return lines

    lines = asyncio.run(read())
    assert lines[:2] == [": connected\n\n", ": keepalive\n\n"]
    assert '"status": ""' in lines[-1]


def test_a_reader_that_lags_is_cut_off() -> None:
    """It may connect anew; the workspace keeps nothing for it."""

    async def read() -> int:
        workspace = Workspace(ManualClock(START))
        events = live_changes(workspace)
        await anext(events)
        for _ in range(BACKLOG + 10):
            workspace.board.tell("message", {})
        await asyncio.sleep(0)
        return len([event async for event in events])

    assert asyncio.run(read()) < BACKLOG
