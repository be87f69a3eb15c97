"""A worker is killed: the redelivery answers, one reply is seen, and both calls are accounted for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import handler
from playground.openrouter import Call, traps
from tests.scenarios.world import GENERAL, World, said

ROOT = Path(__file__).parents[2]
WORKER = textwrap.dedent(
    """
    import json, sys
    import handler
    record = json.loads(sys.stdin.read())
    print("ready", flush=True)
    handler.answer({"Records": [record]}, None)
    """
)


def _start_worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        cwd=ROOT,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def _run_and_die(world: World, record: dict[str, object], hook_at: str) -> None:
    """Work on a record in a process that is killed when OpenRouter got its call, or after three words."""
    worker = _start_worker()

    def kill(_call: Call) -> None:
        if hook_at == "mid-answer":
            _wait_for_a_post(world)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    trap = traps.on_request(kill) if hook_at == "call" else traps.after_tokens(3, kill)
    world.openrouter.script(trap)
    worker.communicate(json.dumps(record).encode(), timeout=30)
    assert worker.returncode == -signal.SIGKILL


def _wait_for_a_post(world: World) -> None:
    _wait_until(lambda: world.slack.calls_of("chat.startStream") and world.rows("message#")[0].get("replies"))


def _wait_until(look: Callable[[], Any]) -> None:
    assert _comes_about(look), "what the worker was to do before it died did not come about"


def _comes_about(look: Callable[[], Any], within: int = 1000) -> bool:
    """Look so many times, fifty in a second."""
    for _ in range(within):
        if look():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("moment", ["call", "mid-answer"])
def test_the_redelivery_answers(world: World, moment: str) -> None:
    """The half-written reply is finished in place; the dead worker's call is settled later."""
    world.openrouter.answer = "One two three four five six seven eight nine ten."
    ts = world.say("@penny count to ten")
    (record,) = world.receive_jobs()
    _run_and_die(world, record, moment)
    assert len(world.open_reservations()) == 1

    assert not world.run(record), "the dead worker's lease still runs"
    world.age_leases()
    assert world.run(record)

    assert [said(m) for m in world.replies(ts)] == ["One two three four five six seven eight nine ten."]
    assert not any(m.is_streaming for m in world.replies(ts))
    assert world.slack.sessions[GENERAL, ts] == "active"
    assert len(world.openrouter.calls) == 2
    assert len(world.records()) == 1
    world.openrouter.wait_until_idle()

    handler.reconcile({}, None)

    assert world.open_reservations() == []
    assert len(world.records()) == 2
    world.check_books()
    assert world.spent_usd() >= world.openrouter.billed_usd


def test_who_dies_before_the_last_words_leaves_no_half_a_reply(world: World) -> None:
    """The bill is settled, the last words never came: the redelivery answers anew, in the same place."""
    world.openrouter.answer = "One two three four five six seven eight nine ten."
    ts = world.say("@penny count to ten")
    (record,) = world.receive_jobs()
    worker = _start_worker()

    def hold_the_last_words(_call: Call) -> None:
        _wait_for_a_post(world)
        world.slack.fail_next("chat.stopStream", cut=True)  # the words on their way die with the worker
        world.slack.faults.set_latency(0.5, "chat.stopStream")

    world.openrouter.script(traps.after_tokens(3, hold_the_last_words))
    threading.Thread(target=_kill_once_settled, args=(world, worker)).start()
    worker.communicate(json.dumps(record).encode(), timeout=30)
    assert worker.returncode == -signal.SIGKILL
    if not _comes_about(lambda: world.slack.calls_of("chat.stopStream"), within=60):
        world.slack.faults.take("chat.stopStream")  # it died even before it sent them
    (half,) = world.replies(ts)
    assert half.is_streaming
    world.slack.faults.set_latency(0, "chat.stopStream")

    assert not world.run(record), "the dead worker's lease still runs"
    world.age_leases()
    assert world.run(record)

    assert [said(m) for m in world.replies(ts)] == ["One two three four five six seven eight nine ten."]
    assert not any(m.is_streaming for m in world.replies(ts))
    assert len(world.openrouter.calls) == len(world.records()) == 2
    assert world.open_reservations() == []
    world.check_books()
    assert world.spent_usd() == world.openrouter.billed_usd


def _kill_once_settled(world: World, worker: subprocess.Popen[bytes]) -> None:
    _wait_until(world.records)
    worker.send_signal(signal.SIGKILL)


def test_who_dies_after_the_answer_does_not_answer_twice(world: World) -> None:
    """The answer stands, only its claim was not ended: the redelivery sees that and pays nothing."""
    ts = world.say("@penny hello")
    (record,) = world.receive_jobs()
    world.run(record)
    row = world.rows("message#")[0]
    world.state.change(row, phase="claimed", lease_until=0)

    assert world.run(record)

    assert len(world.replies(ts)) == len(world.openrouter.calls) == 1
    assert world.budget(GENERAL)["spent_usd"] == world.openrouter.billed_usd


def test_who_was_only_taken_for_dead_settles_nothing_twice(world: World) -> None:
    """The reconciler takes the estimate for the charge while the worker still writes: that it stays."""

    def take_for_dead(_call: Call) -> None:
        world.age_leases()
        handler.reconcile({}, None)

    world.openrouter.answer = "One two three four five six seven eight nine ten."
    world.openrouter.script(traps.after_tokens(3, take_for_dead))

    (reply,) = world.ask("@penny count to ten")

    assert said(reply) == "One two three four five six seven eight nine ten."
    (record,) = world.records()
    assert record["estimated"]
    assert world.spent_usd() == record["estimate_usd"] >= world.openrouter.billed_usd
    assert world.open_reservations() == []
    world.check_books()
