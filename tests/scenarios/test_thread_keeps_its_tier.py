"""A thread keeps the tier that answered in it, and a message may ask for another one by name."""

from __future__ import annotations

from tests.scenarios.world import World


def test_the_next_message_in_a_thread_knows_who_answered(world: World) -> None:
    """The reply itself says which tier it was, so that no further request is needed to know."""
    thread = world.say("@penny economy: what is six times seven?")
    world.work()

    world.ask("and seven times eight?", thread=thread)
    world.ask("thanks!", thread=thread)
    world.ask("use premium: and why is that so?", thread=thread)

    records = sorted(world.records(), key=lambda record: record["started_at"])
    assert [r["why"].get("last_tier", "") for r in records] == ["", "economy", "premium", "economy"]
    assert [r["why"].get("wish", "") for r in records] == ["economy", "", "", "premium"]
    assert [r["tier_given"] for r in records] == ["economy", "premium", "economy", "premium"]
    world.check_books()
