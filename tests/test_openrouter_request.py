"""What is sent to OpenRouter: the body, word for word, the headers, and nothing when there is no time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openrouter import components

from router.adapters.openrouter import OpenRouter
from router.domain.completion import NOTHING_USED, Call, Completion, Finish
from router.errors import Billed, CallFailed, Remedy, SettingsError
from tests.openrouter_wire import (
    CALL,
    END,
    HEAD,
    KEY,
    LAST,
    NOW,
    Caller,
    Loopback,
    a_call,
    chunked,
    loopback,
    sse,
    text,
)

if TYPE_CHECKING:
    import socket

ROOT = Path(__file__).resolve().parent.parent


def sent(call: Call) -> httpx.Request:
    """Make one attempt and return the request that went out."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(
            200, headers={"content-type": "text/event-stream"}, content=sse(text("Hi"), LAST)
        )

    Caller().attempt(httpx.MockTransport(answer), call)
    assert len(seen) == 1
    return seen[0]


def body_of(call: Call) -> dict[str, Any]:
    """Return the body that goes out for `call`."""
    body: dict[str, Any] = json.loads(sent(call).content)
    return body


FULL = a_call(
    reasoning_effort="low",
    metadata={"tier": "economy", "channel": "C1"},
    allow_data_collection=True,
)


def test_the_whole_body() -> None:
    """Every field has the name and the form that OpenRouter expects; prices are plain decimal strings."""
    assert body_of(FULL) == {
        "models": ["openai/gpt-6-luna", "anthropic/claude-haiku-5.5", "mistralai/mistral-small-2603"],
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
        "max_tokens": 800,
        "stream": True,
        "provider": {"max_price": {"prompt": "0.2", "completion": "0.75"}, "data_collection": "allow"},
        "plugins": [{"id": "context-compression", "enabled": False}],
        "reasoning": {"effort": "low"},
        "user": "u-5f2a",
        "session_id": "C1:1700000000.000100",
        "metadata": {"tier": "economy", "channel": "C1"},
    }


def test_one_model_is_sent_as_model() -> None:
    """A chain of one has nothing to fall back to."""
    body = body_of(a_call(models=("openai/gpt-6-luna",)))

    assert (body["model"], "models" in body) == ("openai/gpt-6-luna", False)


def test_what_is_not_asked_for_is_not_sent() -> None:
    """Fields without a value stay out; collecting data is refused unless it was allowed."""
    body = body_of(a_call(user="", session_id=""))

    assert {"reasoning", "user", "session_id", "metadata"}.isdisjoint(body)
    assert body["provider"]["data_collection"] == "deny"


@pytest.mark.parametrize(
    ("price", "written"),
    [("0", "0"), ("1E+1", "10"), ("0.0000001", "0.0000001"), ("2.50", "2.50"), ("1E-7", "0.0000001")],
)
def test_a_price_is_written_without_an_exponent(price: str, written: str) -> None:
    """Whatever form a Decimal has, OpenRouter reads a plain number."""
    max_price = body_of(a_call(max_price_prompt_usd=Decimal(price)))["provider"]["max_price"]

    assert max_price["prompt"] == written


def test_what_is_too_long_for_openrouter_is_cut() -> None:
    """More metadata than is allowed, or a longer session id, does not cost the answer."""
    metadata = {f"{n:02}" + "k" * 80: "v" * 600 for n in range(20)}
    body = body_of(a_call(metadata=metadata, session_id="s" * 300))

    assert len(body["metadata"]) == 16
    assert {(len(name), len(value)) for name, value in body["metadata"].items()} == {(64, 512)}
    assert len(body["session_id"]) == 256


def test_text_that_is_not_unicode_still_goes_out() -> None:
    """Half of an emoji, as a cut message may hold, is replaced and everything else arrives as it was."""
    call = a_call(messages=({"role": "user", "content": "caf\u00e9 \U0001f600 \ud83d"},))

    assert body_of(call)["messages"][0]["content"] == "caf\u00e9 \U0001f600 ?"


@pytest.mark.parametrize("models", [(), ("a/b",) * 4])
def test_a_chain_that_openrouter_refuses_is_not_made(models: tuple[str, ...]) -> None:
    """One to three models make a call."""
    with pytest.raises(ValueError, match="models"):
        a_call(models=models)


def test_a_call_without_room_for_an_answer_is_not_made() -> None:
    """A call asks for one token at least."""
    with pytest.raises(ValueError, match="max_tokens"):
        a_call(max_tokens=0)


def assert_nothing_lost(given_value: Any, kept: Any, where: str = "body") -> None:
    """Hold that `kept` says all that `given_value` says."""
    if isinstance(given_value, dict):
        assert isinstance(kept, dict), where
        for name, value in given_value.items():
            assert name in kept, f"{where}.{name}"
            assert_nothing_lost(value, kept[name], f"{where}.{name}")
    elif isinstance(given_value, list):
        assert len(given_value) == len(kept), where
        for n, (one, other) in enumerate(zip(given_value, kept, strict=True)):
            assert_nothing_lost(one, other, f"{where}[{n}]")
    else:
        assert given_value == kept, where


def assert_in_specification(body: dict[str, Any]) -> None:
    """Hold a body to OpenRouter's specification, in the form of its own SDK."""
    kept = components.ChatRequest.model_validate(body).model_dump(by_alias=True, mode="json")
    assert_nothing_lost(body, kept)


def test_a_body_outside_the_specification_is_noticed() -> None:
    """The check can fail: fields that OpenRouter no longer knows, and prices as numbers, are lost."""
    body = body_of(FULL)
    for wrong in ({"transforms": ["middle-out"]}, {"provider": {"max_price": {"prompt": 0.2}}}):
        with pytest.raises(AssertionError):
            assert_in_specification({**body, **wrong})


@given(
    models=st.lists(st.sampled_from(CALL.models), min_size=1, max_size=3),
    max_tokens=st.integers(1, 100_000),
    price=st.decimals(min_value=0, max_value=1000, allow_nan=False),
    effort=st.sampled_from([None, "none", "minimal", "low", "medium", "high"]),
    user=st.text(max_size=20),
    metadata=st.dictionaries(st.text(min_size=1, max_size=70), st.text(max_size=600), max_size=20),
    allow=st.booleans(),
)
def test_every_body_is_in_the_specification(
    models: list[str],
    max_tokens: int,
    price: Decimal,
    effort: str | None,
    user: str,
    metadata: dict[str, str],
    allow: bool,
) -> None:
    """OpenRouter's own SDK takes every body that a call can make, and loses nothing of it."""
    call = a_call(
        models=tuple(models),
        max_tokens=max_tokens,
        max_price_prompt_usd=price,
        max_price_completion_usd=price,
        reasoning_effort=effort,
        user=user,
        metadata=metadata,
        allow_data_collection=allow,
    )

    assert_in_specification(body_of(call))


def test_the_headers() -> None:
    """The key, who is spending, and a reply that is not held back by a compressor."""
    request = sent(CALL)

    assert str(request.url) == "https://openrouter.test/api/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-openrouter-title"] == "Penny"
    assert request.headers["http-referer"].startswith("https://")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"


def test_a_key_that_was_pasted_with_its_line_end_works() -> None:
    """White space around a key is not part of it."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(404)

    assert (
        OpenRouter("https://openrouter.test/api/v1", f" {KEY}\n", httpx.MockTransport(answer)).generation("x")
        is None
    )
    assert seen == [f"Bearer {KEY}"]


@pytest.mark.parametrize("key", ["", "  ", "sk-or\r\nX-Evil: 1", "sk-or-\u2026", "sk\x00or"])
def test_what_cannot_be_a_key_stops_the_start(key: str) -> None:
    """A key that no header can carry is refused when it is read, without being shown."""
    with pytest.raises(SettingsError) as refused:
        OpenRouter("https://openrouter.test/api/v1", key)

    assert "OPENROUTER_API_KEY" in str(refused.value)
    assert "sk" not in str(refused.value)


def test_nothing_shows_the_key() -> None:
    """Neither the client nor what fails in it can be printed with the key."""
    openrouter = OpenRouter("https://openrouter.test/api/v1", KEY)

    assert KEY not in f"{openrouter!r} {vars(openrouter)!r}"
    openrouter.close()


def unreachable(_: httpx.Request) -> httpx.Response:
    """Fail the test: nothing may be sent."""
    raise AssertionError("sent")


def test_without_time_nothing_is_sent() -> None:
    """A call whose deadline has passed costs nothing, and says so."""
    completion = Caller().attempt(httpx.MockTransport(unreachable), seconds=0, clock=lambda: NOW)

    assert completion == Completion("", "", "", Finish.DEADLINE, NOTHING_USED)


def test_when_stopped_before_nothing_is_sent() -> None:
    """A call that was stopped before it went out costs nothing, and says so."""
    completion = Caller(stop_after=0).attempt(httpx.MockTransport(unreachable))

    assert completion == Completion("", "", "", Finish.STOPPED, NOTHING_USED)


@pytest.mark.parametrize(
    ("broken", "code", "remedy", "billed"),
    [
        (httpx.ConnectError, "no_connection", Remedy.RETRY, Billed.NO),
        (httpx.ConnectTimeout, "no_connection", Remedy.RETRY, Billed.NO),
        (httpx.WriteTimeout, "send_failed", Remedy.RETRY, Billed.NO),
        (httpx.ReadError, "no_reply", Remedy.FALLBACK, Billed.UNKNOWN),
        (httpx.RemoteProtocolError, "no_reply", Remedy.FALLBACK, Billed.UNKNOWN),
        (httpx.ReadTimeout, "no_reply", Remedy.FALLBACK, Billed.UNKNOWN),
        (httpx.LocalProtocolError, "cannot_send", Remedy.STOP_OPERATOR, Billed.NO),
    ],
)
def test_a_broken_connection(
    broken: type[httpx.RequestError], code: str, remedy: Remedy, billed: Billed
) -> None:
    """What breaks before sending is safe to repeat, what breaks after it is unknown; httpx leaves no text."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise broken(f"near Bearer {KEY}")

    with pytest.raises(CallFailed) as caught:
        Caller().attempt(httpx.MockTransport(fail))

    failure = caught.value
    assert (failure.code, failure.remedy, failure.billed) == (code, remedy, billed)
    assert failure.__cause__ is failure.__context__ is None
    assert KEY not in f"{failure} {failure!r}"


def test_nobody_listens() -> None:
    """A real refused connection is one of those that nothing was sent over."""
    with pytest.raises(CallFailed) as caught:
        Caller().attempt(None, base_url="http://127.0.0.1:1/api/v1")

    assert (caught.value.code, caught.value.billed) == ("no_connection", Billed.NO)


def test_silence_until_the_deadline() -> None:
    """A server that takes the request and is silent is waited for until the deadline; the cost is unknown."""

    def stay_silent(connection: socket.socket, _: Loopback) -> None:
        connection.recv(1)

    began = time.monotonic()
    with loopback(stay_silent) as server:
        completion = Caller().attempt(None, base_url=server.url, seconds=0.2)

    assert time.monotonic() - began < 2
    assert completion == Completion("", "", "", Finish.DEADLINE, None)
    assert len(server.requests) == 1


def test_a_server_that_hangs_up_after_the_request() -> None:
    """The request was sent and no headers came: it may have been billed."""

    def hang_up(connection: socket.socket, _: Loopback) -> None:
        connection.close()

    with loopback(hang_up) as server, pytest.raises(CallFailed) as caught:
        Caller().attempt(None, base_url=server.url)

    assert (caught.value.code, caught.value.billed) == ("no_reply", Billed.UNKNOWN)


def test_two_calls_use_one_connection() -> None:
    """The connection is kept alive: a call that was read to its end leaves it to the next."""

    def answer(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(HEAD + chunked(sse(text("Hi"), LAST)))
        connection.sendall(END)

    with loopback(answer) as server:
        openrouter = OpenRouter(server.url, KEY)
        for _ in range(3):
            completion = openrouter.attempt(
                CALL, NOW + 5, lambda: NOW, lambda _: None, lambda _: None, lambda: False
            )
            assert completion.finish is Finish.STOP
        openrouter.close()

    assert (len(server.requests), server.connections) == (3, 1)


def test_importing_costs_no_more_than_httpx() -> None:
    """The client loads httpx and, beyond it, only Penny's own modules and a few of Python's."""
    program = (
        "import sys, httpx; before = set(sys.modules); import router.adapters.openrouter;"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert set(done.stdout.split()) - sys.stdlib_module_names == {"router"}
