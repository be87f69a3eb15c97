"""Updating: another version is deployed while one message is being answered and one waits behind it."""

from __future__ import annotations

import threading

from deploy.e2e.outside import ANSWER, ANSWERED_WITHIN_S, footer_of
from deploy.e2e.steps import expect, wait_until
from deploy.e2e.world import World
from playground.openrouter import traps

LIMIT, NEW_LIMIT = "channel_usd = 5 ", "channel_usd = 6 "
"""What the new version changes: an operator raises the channels' limit, which every footer shows."""

HELD_AT_MOST_S = 100.0
"""Below an answer's deadline; a deployment takes a few seconds, on a busy machine half a minute."""


def loses_no_message(world: World) -> str:
    """Hold an answer in its midst, deploy, let go: both messages are answered once, by old and by new."""
    calls = world.outside.billed_calls
    is_streaming, may_end = threading.Event(), threading.Event()

    def hold(_call: object) -> None:
        is_streaming.set()
        may_end.wait(HELD_AT_MOST_S)

    world.outside.openrouter.script(traps.after_tokens(1, hold))
    try:
        first = world.outside.ask("a question that is being answered while a new version is deployed")
        wait_until(is_streaming.is_set, "an answer that has begun", ANSWERED_WITHIN_S)
        second = world.outside.ask("and one that waits behind it", thread=first)
        world.project.change("config.toml", LIMIT, NEW_LIMIT)
        world.stage.serverless("deploy")
    finally:
        may_end.set()
    tables = world.stage.resources("AWS::DynamoDB::Table")
    expect(len(tables) == 2, "both tables still in the stack", tables)  # noqa: PLR2004 - as many
    by_old = world.outside.answer(first)
    by_new = world.outside.answer(first, after=second)
    replies = world.outside.replies(first)
    expect(len(replies) == 2, "two replies in the thread", [m.visible_text for m in replies])  # noqa: PLR2004 - one each
    expect(by_old.visible_text.startswith(ANSWER), f"the whole answer, {ANSWER}", by_old.visible_text)
    expect("of $5.00" in footer_of(by_old), "the first by the old version", footer_of(by_old))
    expect("of $6.00" in footer_of(by_new), "the second by the new version", footer_of(by_new))
    made = world.outside.billed_calls - calls
    expect(made == 2, "two billed calls", made)  # noqa: PLR2004 - one each
    return f"old: {footer_of(by_old)}; new: {footer_of(by_new)}"
