"""Messages that are hardly one, and messages whose place is gone: a clear answer each."""

from __future__ import annotations

import pytest

from tests.scenarios.world import ADAS_DM, GENERAL, World, footer_of, journal, said


@pytest.mark.parametrize("text", ["@penny", "  @penny  ", "@penny @penny"])
def test_nothing_but_a_mention(world: World, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Penny says how to ask, without a model and at no cost."""
    (reply,) = world.ask(text)

    assert said(reply).startswith("Hello!")
    assert "nothing charged" in footer_of(reply)
    assert world.openrouter.calls == []
    assert journal(capsys.readouterr().out)[-1]["outcome"] == "nothing_asked"


def test_nothing_but_a_mention_in_a_thread(world: World) -> None:
    """There it means: look at this thread."""
    root = world.say("Is 7 a prime?")

    (reply,) = world.ask("@penny", thread=root, user="grace")

    assert said(reply) == "Forty-two."
    assert [m["content"] for m in world.bodies()[0]["messages"][1:]] == [
        "U0ADA00001: Is 7 a prime?",
        "U0GRACE001: (mentions you without a word: say what helps this thread most)",
    ]


def test_as_long_as_slack_allows(world: World) -> None:
    """Forty thousand characters are answered, within the prompt's bound."""
    (reply,) = world.ask("x" * 40_000, channel=ADAS_DM)

    assert said(reply) == "Forty-two."
    world.check_books()


def test_the_message_was_deleted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A message that is gone has no thread to answer in: the outcome says so, the books are right."""
    ts = world.say("@penny hello")
    world.slack.delete_message(GENERAL, ts)

    world.work()

    assert journal(capsys.readouterr().out)[-1]["outcome"] == "undeliverable"
    assert world.open_reservations() == []
    assert world.jobs_left() == 0
    world.check_books()


def test_the_root_of_the_thread_was_deleted(world: World) -> None:
    """The thread goes on under what Slack leaves of its root."""
    root = world.say("lunch?")
    asked = world.say("@penny where?", thread=root)
    world.slack.delete_message(GENERAL, root)

    world.work()

    (reply,) = world.replies(asked)
    assert said(reply) == "Forty-two."


def test_a_reply_under_a_digest(world: World) -> None:
    """A post of ours that began a thread does not make it ours: people talk about a digest by themselves."""
    message = world.slack.new_message(world.slack.directory.channel(GENERAL), None)
    message.text, message.metadata = "Since Monday: 7 answers.", {"event_type": "penny_digest"}
    world.slack.board.post(message)

    assert world.ask("so few?", thread=message.ts) == []
    assert world.openrouter.calls == []
    assert len(world.ask("@penny so few?", thread=message.ts)) == 1


def test_the_messages_tab_offers_first_questions(world: World) -> None:
    """Who opens it is offered what the operator wrote; the home tab gets nothing."""
    world.slack.open_home("ada", tab="home")
    world.slack.open_home("grace", tab="messages")
    world.delivery.run_due()

    world.work()

    (prompts,) = world.slack.prompts.values()
    assert prompts[0]["title"] == "Summarise a text"
    assert world.jobs_left() == 0
