"""While an answer is written its message, thread or channel goes away: no word and no cent is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import handler
from playground.openrouter import Call, traps
from tests.scenarios.world import ADAS_DM, GENERAL, World, footer_of, journal, said

COUNTING = " ".join(f"w{n:03}" for n in range(80))


def answer_and(world: World, act: Callable[[], object], *, streams: bool = True) -> None:
    """Let the model count, and `act` once its first words stand in Slack; it goes on afterwards."""
    shown = "chat.startStream" if streams else "chat.postMessage"

    def once_shown(_call: Call) -> None:
        until = time.monotonic() + 10
        while not any(call.status == 200 and not call.error for call in world.slack.calls_of(shown)):
            assert time.monotonic() < until, "no text came"
            time.sleep(0.005)
        act()

    world.slack.refuse_streams = not streams
    world.openrouter.answer = COUNTING
    world.openrouter.script(traps.after_tokens(40, once_shown))


def errors_of(world: World, *methods: str) -> set[str]:
    """Return what Slack refused these methods with."""
    return {call.error for method in methods for call in world.slack.calls_of(method)} - {""}


def test_a_stream_older_than_five_minutes(world: World) -> None:
    """Slack ends the stream by itself: the same message is finished by an edit, and no character is lost."""
    answer_and(world, lambda: world.clock.advance(301))

    (reply,) = world.ask("@penny count")

    assert "message_not_in_streaming_state" in errors_of(world, "chat.appendStream", "chat.stopStream")
    assert said(reply) == COUNTING
    assert footer_of(reply)
    assert world.slack.sessions[GENERAL, reply.thread] == "active"
    world.check_books()


@pytest.mark.parametrize("streams", [True, False])
def test_our_reply_is_deleted(world: World, *, streams: bool) -> None:
    """Someone takes the growing reply down: it is posted anew, from its beginning."""

    def take_it_down() -> None:
        (growing,) = world.replies(asked[0])
        world.slack.delete_message(GENERAL, growing.ts)

    answer_and(world, take_it_down, streams=streams)
    asked = [world.say("@penny count")]

    world.work()

    (reply,) = world.replies(asked[0])
    assert "message_not_found" in errors_of(world, "chat.appendStream", "chat.stopStream", "chat.update")
    assert said(reply) == COUNTING
    assert footer_of(reply)
    world.check_books()


@pytest.mark.parametrize("channel", [GENERAL, ADAS_DM])
def test_the_question_is_deleted(world: World, channel: str) -> None:
    """The root of the thread goes while it is answered: the thread goes on under what Slack leaves of it."""
    answer_and(world, lambda: world.slack.delete_message(channel, asked[0]))
    asked = [world.say("@penny count", channel=channel)]

    world.work()

    (reply,) = world.replies(asked[0], channel=channel)
    assert said(reply) == COUNTING
    world.check_books()


def test_who_asked_is_deactivated(world: World) -> None:
    """The answer was paid for, and stands for the others in the channel."""
    answer_and(world, lambda: world.slack.deactivate_user("grace"))

    (reply,) = world.ask("@penny count", user="grace")

    assert said(reply) == COUNTING
    world.check_books()


@pytest.mark.parametrize(
    ("gone", "streams"), [("archived", True), ("archived", False), ("removed", True), ("revoked", True)]
)
def test_nothing_can_be_posted_any_more(
    world: World, gone: str, capsys: pytest.CaptureFixture[str], *, streams: bool
) -> None:
    """Archived, taken out, token revoked: no more is generated, what was is settled, the outcome says so."""
    happens = {
        "archived": lambda: world.slack.archive(GENERAL),
        "removed": lambda: world.slack.remove_bot(GENERAL),
        "revoked": world.slack.revoke_token,
    }
    answer_and(world, happens[gone], streams=streams)

    world.say("@penny count")
    world.work()

    assert journal(capsys.readouterr().out)[-1]["outcome"] == "undeliverable"
    assert world.jobs_left() == 0
    world.openrouter.wait_until_idle()
    world.age_leases()
    handler.reconcile({}, None)
    assert world.open_reservations() == []
    assert world.spent_usd() == world.openrouter.billed_usd > 0
    world.check_books()
