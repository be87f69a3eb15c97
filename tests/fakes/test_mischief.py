"""What one may let go wrong in the playground, through its API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from playground.books import LiveBooks
from playground.clock import ManualClock
from playground.faults import FaultProxy
from playground.mischief import PROVIDER, TABLE, Mischief
from playground.openrouter import ScriptedOpenRouter
from playground.serving import serve
from playground.slack.workspace import Workspace
from playground.workers import Workers
from tests.slack_wire import ADA_DM, GENERAL, START, TLS

QUESTION = {"model": "openai/gpt-6-luna", "messages": [{"role": "user", "content": "why?"}]}


@dataclass(slots=True)
class Troubled:
    """The API and what it breaks; nobody is at work."""

    http: httpx.Client
    slack: Workspace
    openrouter: ScriptedOpenRouter
    table: FaultProxy
    drained: list[tuple[str, Decimal]]

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Ask for something to go wrong."""
        answer: dict[str, Any] = self.http.post(f"/api/mischief/{path}", json=body).json()
        return answer

    def waiting(self) -> dict[str, int]:
        """Return what still waits to go wrong."""
        waiting: dict[str, int] = self.http.get("/api/mischief").json()["waiting"]
        return waiting


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Troubled]:
    """Serve the API."""
    slack, openrouter, drained = Workspace(ManualClock(START)), ScriptedOpenRouter(), []
    workers = Workers({}, 110, 90, tmp_path / "log", "http://127.0.0.1:1")
    table = FaultProxy("http://127.0.0.1:1")

    def drain(channel: str, leave_usd: Decimal) -> Decimal:
        drained.append((channel, leave_usd))
        return Decimal("0.75")

    routes = Mischief(slack, workers, openrouter, table, drain).routes()
    with serve(Starlette(routes=routes)) as served, httpx.Client(base_url=served.url, verify=TLS) as http:
        yield Troubled(http, slack, openrouter, table, drained)


@pytest.mark.parametrize("how", PROVIDER)
def test_the_provider_can_be_made_to_fail(trouble: Troubled, how: str) -> None:
    """In every way that is offered, for as many calls as asked, with words about what follows."""
    told = trouble.post("provider", how=how, times=3)

    assert told["ok"]
    assert PROVIDER[how].title in told["tells"]
    assert trouble.openrouter.scripted == 1


def test_a_failing_provider_fails_the_next_call(trouble: Troubled) -> None:
    """Once, and then it is well again."""
    trouble.post("provider", how="down")
    headers = {"Authorization": "Bearer sk-or-playground"}
    with serve(trouble.openrouter.app) as served, httpx.Client(base_url=served.url, verify=TLS) as http:
        asked = [http.post("/api/v1/chat/completions", json=QUESTION, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in asked] == [502, 200]


@pytest.mark.parametrize("how", TABLE)
def test_the_table_can_be_made_to_fail(trouble: Troubled, how: str) -> None:
    """In every way that is offered; the faults wait for the next transactions."""
    assert trouble.post("table", how=how, times=2)["ok"]
    assert trouble.waiting() == {"provider": 0, "table": 2, "worker": 0}


def test_all_that_waits_can_be_forgotten(trouble: Troubled) -> None:
    """Provider, table and the worker that was to die."""
    trouble.post("provider", how="cut")
    trouble.post("table", how="conflict")
    trouble.post("worker")
    assert trouble.waiting() == {"provider": 1, "table": 1, "worker": 1}
    trouble.post("calm")
    assert trouble.waiting() == {"provider": 0, "table": 0, "worker": 0}


def test_a_budget_is_drained_but_for_an_amount(trouble: Troubled) -> None:
    """All of it, or down to what is asked; the channel goes by id or name."""
    assert "$0.75" in trouble.post("budget", channel=ADA_DM)["tells"]
    assert trouble.post("budget", channel="general", leave_usd="0.05")["ok"]
    assert trouble.drained == [(ADA_DM, Decimal(0)), (GENERAL, Decimal("0.05"))]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("provider", {}, "invalid_input"),
        ("provider", {"how": "explode"}, "invalid_input"),
        ("provider", {"how": "down", "times": 0}, "invalid_input"),
        ("provider", {"how": "down", "times": "3"}, "invalid_input"),
        ("table", {"how": "access_denied"}, "invalid_input"),
        ("table", {"how": "conflict", "times": 101}, "invalid_input"),
        ("table", {"how": "conflict", "operation": 7}, "invalid_input"),
        ("budget", {}, "invalid_input"),
        ("budget", {"channel": "nowhere"}, "channel_not_found"),
        ("budget", {"channel": GENERAL, "leave_usd": "five"}, "invalid_input"),
        ("budget", {"channel": GENERAL, "leave_usd": "-1"}, "invalid_input"),
        ("budget", {"channel": GENERAL, "leave_usd": "NaN"}, "invalid_input"),
    ],
)
def test_nonsense_is_refused(trouble: Troubled, path: str, body: dict[str, Any], code: str) -> None:
    """With a code and plain words, and nothing goes wrong."""
    told = trouble.post(path, **body)

    assert (told["ok"], told["error"]) == (False, code)
    assert " " in told["message"]
    assert sum(trouble.waiting().values()) == 0


def test_books_are_told_once_for_a_burst_of_writes() -> None:
    """Never for what was only read, and only while someone listens."""
    told: list[dict[str, Any]] = []
    heard = threading.Event()

    def tell(books: dict[str, Any]) -> None:
        told.append(books)
        heard.set()

    listeners = ["the page"]
    with LiveBooks(lambda: {"usage": []}, tell, lambda: bool(listeners)) as live:
        live.note("GetItem")
        assert not heard.wait(0.15)
        for _ in range(5):
            live.note("TransactWriteItems")
        assert heard.wait(5)
        listeners.clear()
        heard.clear()
        live.note("PutItem")
        assert not heard.wait(0.2)

    assert told == [{"usage": []}]
