"""In a thread that Penny is part of, a follow-up needs no mention; elsewhere she keeps out."""

from __future__ import annotations

import pytest

from tests.scenarios.world import GENERAL, World, journal, said


def test_follow_up_in_our_thread_is_answered(world: World) -> None:
    """Anyone's next message in the thread is answered, with the thread as context, each author told apart."""
    thread = world.say("@penny name a prime")
    world.work()

    (reply,) = world.ask("and a larger one?", user="grace", thread=thread)

    assert said(reply) == "Forty-two."
    contents = [m["content"] for m in world.bodies()[-1]["messages"][1:]]
    assert contents == ["U0ADA00001: name a prime", "Forty-two.", "U0GRACE001: and a larger one?"]


def test_talk_in_other_threads_is_left_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A thread without Penny costs a look at the thread and nothing else."""
    thread = world.say("lunch?")

    assert world.ask("sure", user="grace", thread=thread) == []

    assert world.openrouter.calls == []
    assert world.rows("") == []
    assert journal(capsys.readouterr().out)[-1]["outcome"] == "not_for_us"


def test_a_message_to_someone_else_in_our_thread_is_left_alone(world: World) -> None:
    """Who mentions a colleague talks to the colleague."""
    thread = world.say("@penny name a prime")
    world.work()

    assert world.ask("<@U0GRACE001> is that right?", thread=thread) == []
    assert len(world.openrouter.calls) == 1


def test_a_thread_of_several_pages(world: World) -> None:
    """Slack shows a thread oldest first, a thousand posts at a time: the newest ones reach the model."""
    root = world.slack.post_as_user(GENERAL, "ada", "post 0")
    for n in range(1, 1010):
        world.slack.post_as_user(GENERAL, "ada", f"post {n}", root)
    for unheard in world.delivery.pending:
        world.delivery.drop(unheard)

    world.ask("@penny and now?", thread=root, user="grace")

    contents = [message["content"] for message in world.bodies()[0]["messages"]]
    assert contents[-2:] == ["U0ADA00001: post 1009", "U0GRACE001: and now?"]
    assert len(contents) == 1012
    assert len(world.slack.calls_of("conversations.replies")) == 2
