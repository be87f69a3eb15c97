"""Model output that would call a whole channel calls nobody, however the stream cuts it."""

from __future__ import annotations

from playground.openrouter import traps
from tests.scenarios.world import World, said


def test_nobody_is_pinged(world: World) -> None:
    """Channel, here, everyone and user groups lose their power; links and dates stay intact."""
    world.openrouter.answer = (
        "<!channel> <!here|here> <!everyone> <!subteam^S0TEAM> "
        "<https://example.com|a link> <!date^1700000000^{date}|then>"
    )
    world.openrouter.script(traps.in_pieces(1))

    (reply,) = world.ask("@penny shout")

    assert world.slack.broadcasts == []
    assert "<https://example.com|a link>" in said(reply)
    assert "<!date^1700000000^{date}|then>" in said(reply)
    assert "channel" in said(reply)
