"""The Web API's door: tokens, bodies, unknown methods, the record of calls, and faults on demand."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from playground.slack.methods.table import METHODS
from tests.slack_wire import ADA_DM, GENERAL, START, TLS, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def anonymous(slack: SlackWire, headers: dict[str, str] | None = None, **form: Any) -> dict[str, Any]:
    """Call auth.test without Penny's token."""
    answer: dict[str, Any] = httpx.post(
        f"{slack.client.base_url}/api/auth.test", data=form, headers=headers, verify=TLS
    ).json()
    return answer


def test_a_token_is_taken_from_the_header_or_the_form(slack: SlackWire) -> None:
    """None, a wrong one and a revoked one are three refusals."""
    assert anonymous(slack)["error"] == "not_authed"
    assert anonymous(slack, token="xoxb-wrong")["error"] == "invalid_auth"
    assert anonymous(slack, {"Authorization": "Basic xoxb-playground"})["error"] == "not_authed"
    assert anonymous(slack, token="xoxb-playground")["ok"]
    assert slack.ok("auth.test")
    slack.workspace.revoke_token()
    assert slack.error("auth.test") == "token_revoked"


def test_an_unknown_method_is_called_that(slack: SlackWire) -> None:
    """With 200, as every refusal."""
    answer = slack.post("chat.postmessage", channel=GENERAL, text="x")
    assert (answer.status_code, answer.json()["error"]) == (200, "unknown_method")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_survives_nonsense(slack: SlackWire, method: str) -> None:
    """No arguments, wrong types and huge strings are refused, never a broken answer."""
    nonsense: list[Any] = [None, 7, True, [], {}, [None], {"a": 1}, "x" * 41_000, "\x00", "[", "{}"]
    places = ["channel", "channel_id", "ts", "thread_ts", "timestamp", "user", "user_id", "users"]
    words = ["text", "markdown_text", "blocks", "chunks", "view", "prompts", "status", "name", "metadata"]
    names = [*places, *words, "limit", "cursor", "latest", "attachments", "loading_messages"]
    slack.workspace.limits.enforced = False
    answers = [slack.post(method)]
    for value in nonsense:
        answers.append(slack.post(method, **dict.fromkeys(names, value)))
        known = {"channel": ADA_DM, "channel_id": ADA_DM, "user": "U0ADA00001", "user_id": "U0ADA00001"}
        answers.append(slack.post(method, **dict.fromkeys(names, value) | known))
    assert {answer.status_code for answer in answers} == {200}
    assert all(isinstance(answer.json()["ok"], bool) for answer in answers)


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"{", "invalid_json"),
        (b"[]", "json_not_object"),
        (b"\xff", "invalid_charset"),
        (b"[" * 100_000, "invalid_json"),
    ],
)
def test_malformed_bodies_are_refused(slack: SlackWire, content: bytes, refusal: str) -> None:
    """Before anything else is looked at."""
    answer = slack.client.post("/api/chat.postMessage", content=content, headers=JSON)
    assert answer.json()["error"] == refusal


def test_a_huge_body_is_refused(slack: SlackWire) -> None:
    """With 413."""
    answer = slack.client.post("/api/chat.postMessage", content=b"x" * 1_000_001, headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (413, "request_payload_too_large")


def test_forms_carry_lists_as_json(slack: SlackWire) -> None:
    """As Slack's own client sends them."""
    blocks = '[{"type": "section", "text": {"type": "mrkdwn", "text": "from a form"}}]'
    ts = slack.read("chat.postMessage", channel=GENERAL, blocks=blocks)["ts"]
    assert slack.workspace.message(GENERAL, ts).visible_text == "from a form"


def test_calls_are_recorded_without_the_token(slack: SlackWire) -> None:
    """Method, arguments, status, error and time of each, refused ones too."""
    slack.read("chat.postMessage", channel=GENERAL, text="x", token="xoxb-playground")
    slack.error("chat.postMessage", channel="C0UNKNOWN1", text="y")
    slack.workspace.fail_next("chat.postMessage", status=503)
    slack.post("chat.postMessage", channel=GENERAL, text="z")
    calls = slack.workspace.calls_of("chat.postMessage")
    assert [(call.status, call.error) for call in calls] == [
        (200, ""),
        (200, "channel_not_found"),
        (503, "internal_error"),
    ]
    assert calls[0].args == {"channel": GENERAL, "text": "x"}
    assert {call.at for call in calls} == {START}


def test_a_call_fails_as_asked_and_then_works(slack: SlackWire) -> None:
    """By an error code, by a status, by a rate limit, as often as asked."""
    slack.workspace.fail_next("chat.postMessage", "fatal_error", times=2)
    slack.workspace.fail_next("chat.postMessage", status=500)
    slack.workspace.fail_next("chat.postMessage", status=429, retry_after=7)
    for _ in range(2):
        assert slack.error("chat.postMessage", channel=GENERAL, text="x") == "fatal_error"
    assert slack.post("chat.postMessage", channel=GENERAL, text="x").status_code == 500
    limited = slack.post("chat.postMessage", channel=GENERAL, text="x")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert slack.ok("chat.postMessage", channel=GENERAL, text="x")
    assert len(slack.events("message")) == 1


def test_a_failure_waits_for_its_method(slack: SlackWire) -> None:
    """Other methods pass, unless any is meant."""
    slack.workspace.fail_next("chat.update", "fatal_error")
    assert slack.ok("chat.postMessage", channel=GENERAL, text="x")
    slack.workspace.fail_next("*", "service_unavailable")
    assert slack.error("auth.test") == "service_unavailable"


def test_a_call_may_take_effect_and_fail_all_the_same(slack: SlackWire) -> None:
    """As when the answer is lost on its way: by a status, or by a connection that breaks."""
    slack.workspace.fail_next("chat.postMessage", status=503, takes_effect=True)
    assert slack.post("chat.postMessage", channel=GENERAL, text="x").status_code == 503
    slack.workspace.fail_next("chat.postMessage", cut=True, takes_effect=True)
    with pytest.raises(httpx.TransportError):
        slack.post("chat.postMessage", channel=GENERAL, text="y")
    assert [event["text"] for event in slack.events("message")] == ["x", "y"]


def test_calls_can_be_slow(slack: SlackWire) -> None:
    """A slow method holds no other up."""
    slack.workspace.faults.set_latency(0.1, "chat.postMessage")
    began = time.monotonic()
    slack.ok("auth.test")
    assert time.monotonic() - began < 0.1
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: slack.post("chat.postMessage", channel=GENERAL, text="x"), range(3)))
    assert 0.1 <= time.monotonic() - began < 0.3 * 3


def test_many_threads_at_once(slack: SlackWire) -> None:
    """Nothing is lost, and no timestamp is given twice."""
    slack.workspace.limits.enforced = False

    def act(number: int) -> str:
        if number % 2:
            return str(slack.ok("chat.postMessage", channel=GENERAL, text="x")["ts"])
        return slack.ask(GENERAL)

    with ThreadPoolExecutor(8) as pool:
        ts = list(pool.map(act, range(80)))
    assert len(set(ts)) == 80
    assert len(slack.read("conversations.history", channel=GENERAL, limit=200)["messages"]) == 80
    assert len(slack.events("message")) == 80
