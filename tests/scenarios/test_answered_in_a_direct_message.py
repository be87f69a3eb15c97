"""A direct message is answered without a mention, and is metered like everything else."""

from __future__ import annotations

from tests.scenarios.world import ADAS_DM, World, footer_of, said


def test_answered_in_the_thread_of_the_message(world: World) -> None:
    """The answer stands under the message, paid from the direct message's own budget of one dollar."""
    (reply,) = world.ask("What is six times seven?", channel=ADAS_DM)

    assert said(reply) == "Forty-two."
    assert footer_of(reply).endswith(" of $1.00 left")
    assert world.budget(ADAS_DM)["spent_usd"] == world.openrouter.billed_usd > 0
    world.check_books()


def test_a_follow_up_sees_what_was_said_before(world: World) -> None:
    """A second message in the thread carries the first question and answer as its context."""
    thread = world.say("Remember the word swordfish.", channel=ADAS_DM)
    world.work()

    world.ask("Which word?", channel=ADAS_DM, thread=thread)

    roles = [(m["role"], "swordfish" in m["content"]) for m in world.bodies()[-1]["messages"]]
    assert roles == [("system", False), ("user", True), ("assistant", False), ("user", False)]


def test_in_a_group_of_direct_messages(world: World) -> None:
    """Several people talk there as in a channel: who mentions Penny is answered, and nobody else."""
    group = world.slack.directory.group_message(["U0ADA00001", "U0GRACE001"]).id

    assert world.ask("Shall we ask?", channel=group) == []
    (reply,) = world.ask("@penny what is six times seven?", channel=group, user="grace")

    assert said(reply) == "Forty-two."
    assert len(world.records()) == 1
    world.check_books()
