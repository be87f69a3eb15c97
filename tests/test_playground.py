"""The playground as a newcomer starts it: one command, a question, an answer, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[1]
START_WITHIN_S = 60.0
ANSWER_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def playground() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the playground on a free port; yields its process and address."""
    environment = {k: v for k, v in os.environ.items() if k != "OPENROUTER_API_KEY"}
    process = subprocess.Popen(
        [sys.executable, "-m", "playground", "--port", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    address = next(line.strip() for line in lines if line.startswith("http"))
    yield process, address
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(20)
    process.stdout.close()


def _soon(look: Callable[[], Any]) -> Any:
    give_up = time.monotonic() + ANSWER_WITHIN_S
    while not (seen := look()):
        assert time.monotonic() < give_up, "nothing to be seen"
        time.sleep(0.1)
    return seen


def test_a_question_is_answered_and_accounted_for(playground: tuple[subprocess.Popen[str], str]) -> None:
    """A message in the default channel is answered in its thread, with the usage record in the ledger."""
    _, address = playground
    with httpx.Client(base_url=address) as page:
        health = page.get("/api/health").json()
        assert health["ok"]
        channel = health["default_channel"]
        question = {"channel": channel, "user": "ada", "text": "What is a ledger?"}
        posted = page.post("/api/messages", json=question).json()
        assert posted["ok"]

        def finished() -> Any:
            thread = page.get(f"/api/threads/{channel}/{posted['ts']}").json()["messages"]
            return [m for m in thread if m["bot"] and not m["streaming"] and " left" in str(m["blocks"])]

        (reply,) = _soon(finished)
        ledger = page.get("/api/ledger").json()

    assert reply["text"]
    assert [r["state"] for r in ledger["reservations"]] == ["settled"]
    assert ledger["budgets"][0]["spent_usd"] == ledger["usage"][0]["cost_usd"] != "0"


def test_the_page_is_served(playground: tuple[subprocess.Popen[str], str]) -> None:
    """The address shows the page."""
    _, address = playground

    assert "<title>" in httpx.get(address).text


def test_a_taken_port_is_told(playground: tuple[subprocess.Popen[str], str]) -> None:
    """A second playground on the same port ends with the reason and what to do."""
    _, address = playground
    port = address.rpartition(":")[2]

    second = subprocess.run(
        [sys.executable, "-m", "playground", "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=START_WITHIN_S,
        check=False,
    )

    assert second.returncode == 1
    assert f"cannot serve on port {port}" in second.stderr
    assert "PORT=" in second.stderr


def test_ctrl_c_leaves_no_process_behind(playground: tuple[subprocess.Popen[str], str]) -> None:
    """After Ctrl-C nothing of it runs any more, and nothing of it is left in its folder but the journal."""
    process, _ = playground
    process.send_signal(signal.SIGINT)

    assert process.wait(20) == 0
    _soon(lambda: not _members_of(process.pid))
    assert not (ROOT / ".playground" / "env").exists()


def _members_of(session: int) -> list[int]:
    """Return the processes of a session (Linux; elsewhere those of its group)."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(session)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(pid) for pid in listed.stdout.split()]
