"""Two messages in one thread are answered in order, also with many workers; other threads do not wait."""

from __future__ import annotations

import threading

from playground.openrouter import traps
from tests.scenarios.world import World, said


def test_in_order(world: World) -> None:
    """The queue gives out the second when the first is answered."""
    thread = world.say("@penny first")
    world.say("@penny second", thread=thread)

    assert len(world.receive_jobs()) == 1, "the second waits for the first"


def test_the_second_sees_the_first_answer(world: World) -> None:
    """With many workers at once, the second still has the first's answer in its context."""
    thread = world.say("@penny first")
    world.say("@penny second", thread=thread)

    world.work(workers=4)

    contents = [[m["content"] for m in body["messages"][1:]] for body in world.bodies()]
    assert contents == [
        ["U0ADA00001: first"],
        ["U0ADA00001: first", "Forty-two.", "U0ADA00001: second"],
    ]


def test_other_threads_do_not_wait(world: World) -> None:
    """Five questions in five threads are with the model at the same time."""
    together = threading.Barrier(5)
    world.openrouter.script(traps.on_request(lambda _call: together.wait(10)), times=5)
    threads = [world.say(f"@penny question {n}") for n in range(5)]

    world.work(workers=5)

    assert [said(m) for ts in threads for m in world.replies(ts)] == ["Forty-two."] * 5
    world.check_books()
