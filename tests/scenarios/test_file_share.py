"""A file comes with the mention: the message is answered, and the file that was not read is named."""

from __future__ import annotations

import pytest

from tests.scenarios.world import ADAS_DM, GENERAL, World, footer_of, said

FILES = [{"name": "quarter.pdf", "mimetype": "application/pdf"}]


@pytest.mark.parametrize(("channel", "text"), [(GENERAL, "@penny sum this up"), (ADAS_DM, "sum this up")])
def test_answered_and_named(world: World, channel: str, text: str) -> None:
    """Model and reader both learn which file was not read."""
    (reply,) = world.ask(text, channel=channel, files=FILES)

    assert said(reply).startswith("Forty-two.")
    assert footer_of(reply).endswith("not read: quarter.pdf")
    assert "quarter.pdf" in world.bodies()[0]["messages"][-1]["content"]


def test_named_when_only_the_mention_event_came(world: World) -> None:
    """An `app_mention` lacks its files: the message is looked up."""
    world.delivery.paused = True
    ts = world.say("@penny sum this up", files=FILES)
    for pending in world.delivery.pending:
        if pending.outgoing.content["event"]["type"] == "app_mention":
            assert "files" not in pending.outgoing.content["event"]
            world.delivery.deliver(pending)

    world.work()

    (reply,) = world.replies(ts)
    assert footer_of(reply).endswith("not read: quarter.pdf")


def test_a_file_alone_is_answered(world: World) -> None:
    """A direct message of nothing but a file gets an answer, not silence."""
    (reply,) = world.ask("", channel=ADAS_DM, files=FILES)

    assert "not read: quarter.pdf" in footer_of(reply)
