"""Stop: what was generated stays and is paid for, and no more is generated."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from playground.openrouter import traps
from router.slack.blocks import STOP
from tests.scenarios.world import GENERAL, World, footer_of, said, values_of

TEN = "One two three four five six seven eight nine ten."


@contextmanager
def at_work(world: World, record: dict[str, Any]) -> Iterator[None]:
    """Let a worker work on a job beside the block, and wait for it at its end."""
    done: list[bool] = []
    worker = threading.Thread(target=lambda: done.append(world.run(record)))
    worker.start()
    yield
    worker.join(20)
    assert done == [True]


def wait_for_text(world: World, thread: str) -> None:
    """Wait until the first words stand in the thread."""
    until = time.monotonic() + 10
    while not any(reply.visible_text for reply in world.replies(thread)):
        assert time.monotonic() < until, "no text came"
        time.sleep(0.02)


def a_stalled_answer(world: World) -> tuple[str, dict[str, Any]]:
    """Ask what a model begins to answer and then only keeps the line alive."""
    world.openrouter.answer = TEN
    world.openrouter.script(traps.stall_after(4, comment_every_s=0.05))
    thread = world.say("@penny count to ten")
    (record,) = world.receive_jobs()
    return thread, record


def test_slacks_own_button(world: World) -> None:
    """Slack ends the stream; its event reaches a worker whose model says nothing just now."""
    thread, record = a_stalled_answer(world)
    with at_work(world, record):
        wait_for_text(world, thread)
        world.slack.press_stop(world.replies(thread)[0].ts)
        world.delivery.run_due()
        world.work()

    check_stopped(world, thread)


def wait_for_session(world: World, thread: str) -> None:
    """Wait until Slack shows that we are at work in a thread, with its button to stop us."""
    until = time.monotonic() + 10
    while world.slack.sessions.get((GENERAL, thread)) != "processing":
        assert time.monotonic() < until, "nothing could be stopped"
        time.sleep(0.02)


def test_before_the_first_word(world: World) -> None:
    """A model that thinks for longer than a moment can be stopped before it says anything."""
    world.openrouter.script(traps.stall_after(0, comment_every_s=0.05))
    thread = world.say("@penny think hard")
    (record,) = world.receive_jobs()
    with at_work(world, record):
        wait_for_session(world, thread)
        assert world.replies(thread) == []
        world.slack.press_stop(thread)
        world.delivery.run_due()
        world.work()

    (reply,) = world.replies(thread)
    assert said(reply) == "_Stopped before the first word._"
    assert "cost pending" in footer_of(reply)
    assert world.slack.sessions[GENERAL, thread] == "active"
    assert len(world.openrouter.calls) == 1
    world.check_books()


def test_no_session_is_left_open(world: World) -> None:
    """After an answer that took its time and did not end as a stream, Slack says no more that we work."""
    world.slack.refuse_streams = True
    world.openrouter.script(traps.on_request(lambda _: wait_for_session(world, asked[0])))
    asked = [world.say("@penny think hard")]

    world.work()

    assert said(world.replies(asked[0])[0]) == "Forty-two."
    assert world.slack.sessions[GENERAL, asked[0]] == "active"


@pytest.mark.parametrize("user", ["grace", "ada"])
def test_our_button_where_slack_has_none(world: World, user: str) -> None:
    """A reply by post and edit carries a button while it grows; who asked may press it, and an admin."""
    world.slack.refuse_streams = True
    world.openrouter.answer = TEN
    world.openrouter.script(traps.stall_after(4, comment_every_s=0.05))
    thread = world.say("@penny count to ten", user="grace")
    (record,) = world.receive_jobs()
    with at_work(world, record):
        wait_for_text(world, thread)
        world.press(world.replies(thread)[0], STOP, user=user)
        world.work()

    check_stopped(world, thread)
    assert values_of(world.replies(thread)[0], STOP) == []


def test_somebody_else_may_not(world: World) -> None:
    """Another member who presses is told that it is not theirs, and the answer goes on."""
    world.slack.refuse_streams = True
    thread, record = a_stalled_answer(world)
    with at_work(world, record):
        wait_for_text(world, thread)
        (reply,) = world.replies(thread)
        world.press(reply, STOP, user="linus")
        world.work()
        assert "Only who asked" in world.whispers("U0LINUS001")[0]
        world.press(reply, STOP)
        world.work()

    check_stopped(world, thread)


def test_pressed_when_all_is_said(world: World) -> None:
    """A press that comes too late is told so, also when the claim is long gone."""
    world.slack.refuse_streams = True
    thread, record = a_stalled_answer(world)
    with at_work(world, record):
        wait_for_text(world, thread)
        (reply,) = world.replies(thread)
        press = world.slack.block_action(reply.channel, reply.ts, STOP)
        world.press(reply, STOP)
        world.work()
    world.slack.board.send(press)
    world.delivery.run_due()
    world.work()

    assert "nothing to stop" in world.whispers()[0]


def test_a_stop_in_a_follow_up(world: World) -> None:
    """Slack's event names the thread alone; the message that is being answered is found."""
    thread = world.say("@penny hello")
    world.work()
    world.openrouter.answer = TEN
    world.openrouter.script(traps.stall_after(4, comment_every_s=0.05))
    asked = world.say("and now count to ten", thread=thread)
    (record,) = world.receive_jobs()
    with at_work(world, record):
        wait_for_text(world, asked)
        while len(world.replies(thread)) == 1:
            time.sleep(0.02)
        world.slack.board.send(world.slack.stop_event("general", thread, "ada"))
        world.delivery.run_due()
        world.work()

    assert "stopped" in footer_of(world.replies(thread)[-1])


def check_stopped(world: World, thread: str) -> None:
    """Assert that what came stays, that it says so, and that it is settled as soon as its cost is known."""
    (reply,) = world.replies(thread)
    assert said(reply).startswith("One two")
    assert "ten" not in said(reply)
    assert "stopped" in footer_of(reply)
    assert "cost pending" in footer_of(reply)
    world.reconcile()
    assert world.spent_usd() == world.openrouter.billed_usd > 0
    assert world.open_reservations() == []
    world.check_books()
