"""Whoever answers for a budget hears in time that it runs out: once, and in the right place."""

from __future__ import annotations

import pytest

from tests.scenarios.conftest import Configure
from tests.scenarios.world import GENERAL, World, journal

GRACE = "U0GRACE001"


def posts(world: World, channel: str) -> list[str]:
    """Return what Penny posted in a channel outside of threads."""
    found = world.slack.board.store.in_channel(channel)
    return [m.visible_text for m in found if m.author == world.slack.directory.bot and m.is_root]


def test_told_once_where_it_belongs(
    world: World, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    """The channel hears of its own budget, the person named in the config of the workspace's."""
    limits = "[budget]\nworkspace_usd = 0.0015"
    configure(
        ("channel_usd = 5 ", "channel_usd = 0.0015 "),
        ("[budget]", limits),
        ("alerts = [50, 80, 100]", "alerts = [1]"),
        ("notify = []", f'notify = ["{GRACE}"]'),
    )

    world.ask("@penny hello")
    world.ask("@penny hello again")

    (of_channel,) = posts(world, GENERAL)
    (of_workspace,) = posts(world, world.slack.directory.direct_message(GRACE).id)
    assert of_channel.startswith("This channel has used 1 % of the budget of $0.0015 per month: $0.0000")
    assert of_workspace.startswith("The workspace has used 1 %")
    lines = [line for line in journal(capsys.readouterr().out) if line["at"] == "alert"]
    assert [line["outcome"] for line in lines] == ["posted", "posted"]


def test_a_refusal_is_the_last_alert(world: World, configure: Configure) -> None:
    """A budget that bears no answer any more is used up, and its channel hears it once."""
    configure(("channel_usd = 5 ", "channel_usd = 0.0001 "))

    world.ask("@penny hello")
    world.ask("@penny hello again")

    (told,) = posts(world, GENERAL)
    assert told.startswith("This channel has used up the budget of $0.00010 per month")
