"""A hundred messages at once on the last cents of a budget: spent never passes the limit, all are told."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.scenarios.conftest import Configure
from tests.scenarios.world import World, journal


def test_never_overspent(world: World, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """Some are answered, the others are refused kindly, and the books are right to the last digit."""
    configure(("channel_usd = 5 ", "channel_usd = 0.006 "))
    world.slack.limits.enforced = False  # one channel takes a message a second; that is another story
    world.openrouter.answer = "word " * 150
    threads = [world.say(f"@penny question {n}") for n in range(100)]

    world.work(workers=16)

    world.check_books()
    assert world.open_reservations() == []
    assert all(len(world.replies(ts)) == 1 for ts in threads)
    lines = journal(capsys.readouterr().out)
    outcomes = Counter(line["outcome"] for line in lines if line["at"] == "answer")
    assert outcomes["answered"] == len(world.openrouter.calls) > 10
    assert outcomes["answered"] + outcomes["over_budget"] + outcomes["busy"] == 100
