"""One post arrives as `app_mention` and as `message`, in either order: one answer."""

from __future__ import annotations

import pytest

from tests.scenarios.world import GENERAL, World, said


@pytest.mark.parametrize("first", ["app_mention", "message"])
def test_either_twin_will_do(world: World, first: str) -> None:
    """Whichever comes first is answered, the other is a duplicate."""
    world.delivery.paused = True
    ts = world.say("@penny once, please")
    twins = sorted(world.delivery.pending, key=lambda one: one.outgoing.content["event"]["type"] != first)
    assert len(twins) == 2

    for twin in twins:
        world.delivery.deliver(twin)
        world.work()

    assert [said(m) for m in world.replies(ts)] == ["Forty-two."]
    assert len(world.openrouter.calls) == 1


@pytest.mark.parametrize("only", ["app_mention", "message"])
def test_one_twin_alone_is_enough(world: World, only: str) -> None:
    """An app that gets only one of the two events answers all the same."""
    world.delivery.paused = True
    ts = world.slack.post_as_user(GENERAL, "ada", f"<@{world.slack.bot_user}> hello")
    for pending in world.delivery.pending:
        if pending.outgoing.content["event"]["type"] == only:
            world.delivery.deliver(pending)

    world.work()

    assert len(world.replies(ts)) == 1
