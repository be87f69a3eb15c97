"""In a thread that Penny is part of, a follow-up needs no mention; elsewhere she keeps out."""

from __future__ import annotations

import time

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


def test_a_thread_that_cannot_be_read(world: World) -> None:
    """While Slack does not show it, the job waits; in the end nobody's thread gets a word of ours."""
    root = world.say("lunch?")
    world.say("at noon", thread=root, user="grace")
    (record,) = world.receive_jobs()
    for receives in ("1", "2", "3"):
        world.slack.fail_next("conversations.replies", status=500)
        record["attributes"]["ApproximateReceiveCount"] = receives
        assert world.run(record) is (receives == "3")

    assert world.replies(root) == []
    assert len(world.dead_letters()) == 1


def test_a_thread_that_may_be_read_later(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Where Slack says how long it wants to be left alone, the job waits for so long."""
    thread = world.say("@penny name a prime")
    world.work()
    world.say("another?", thread=thread)
    world.slack.fail_next("conversations.replies", status=429, retry_after=1)
    (record,) = world.receive_jobs()

    assert not world.run(record)
    assert "rate limited for 1 s" in journal(capsys.readouterr().out)[-1]["reason"]
    until = time.monotonic() + 8
    while not (again := world.receive_jobs()):
        assert time.monotonic() < until, "sooner than after any other failure"
        time.sleep(0.1)

    assert world.run(again[0])
    assert len(world.replies(thread)) == 2


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
