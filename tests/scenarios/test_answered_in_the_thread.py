"""A mention in a channel is answered in its thread, with what it cost and what is left."""

from __future__ import annotations

import pytest

from tests.scenarios.world import World, footer_of, journal, said


def test_answered_with_cost_and_what_is_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer stands in the thread, its footer tells the money, and the books agree with OpenRouter."""
    (reply,) = world.ask("@penny what is six times seven?")

    (call,) = world.openrouter.calls
    assert said(reply) == "Forty-two."
    assert footer_of(reply).startswith("anthropic/claude-sonnet-5.5 · $0.000")
    assert footer_of(reply).endswith(" of $5.00 left")
    assert world.spent_usd() == call.cost_usd > 0
    assert world.open_reservations() == []
    world.check_books()
    line = journal(capsys.readouterr().out)[-1]
    assert (line["at"], line["outcome"]) == ("answer", "answered")
    assert "six times" not in str(line)
