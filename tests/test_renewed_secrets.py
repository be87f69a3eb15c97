"""Who asks SSM for what, and what the clients do when a token or key of theirs is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from router import wiring
from router.adapters.openrouter import OpenRouter
from router.adapters.slack_web import SlackWeb
from router.domain.completion import Completion
from router.errors import CallFailed, Remedy, SecretsUnavailable, SlackRefused
from router.settings import Settings
from router.worker import dispatcher
from tests.loopback_sqs import LoopbackSqs
from tests.openrouter_wire import GENERATION, LAST, NOW, a_call, sse, text

TOKEN, KEY = "/penny/dev/SLACK_BOT_TOKEN", "/penny/dev/OPENROUTER_API_KEY"


@dataclass
class Renewal:
    """What a client asks when its secret was refused, and what it was told was refused."""

    newest: str
    refused: list[str] = field(default_factory=list)

    def __call__(self, refused: str) -> str:
        """Return the newest."""
        self.refused.append(refused)
        return self.newest


@dataclass
class Endpoint:
    """Answers those who come with `good`, and keeps with what each came."""

    good: str
    accept: Callable[[httpx.Request], httpx.Response]
    refuse: Callable[[], httpx.Response]
    seen: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.seen.append(request.headers["authorization"].removeprefix("Bearer "))
        return self.accept(request) if self.seen[-1] == self.good else self.refuse()


# Slack


def slack_at(good: str, code: str = "invalid_auth") -> Endpoint:
    """Make a Slack that knows one token and refuses others with `code`."""
    return Endpoint(
        good,
        lambda request: httpx.Response(200, json={"ok": True, "got": json.loads(request.content)}),
        lambda: httpx.Response(200, json={"ok": False, "error": code}),
    )


def slack_web(slack: Endpoint, renewal: Renewal | None = None) -> SlackWeb:
    """Make a client that starts with the token xoxb-1."""
    return SlackWeb("https://slack.test/api/", "xoxb-1", httpx.MockTransport(slack), renewed=renewal)


@pytest.mark.parametrize(
    "code", ["invalid_auth", "token_revoked", "token_expired", "account_inactive", "not_authed"]
)
def test_a_call_goes_on_with_the_new_token(code: str) -> None:
    """The call that was refused is made once more, the same, and those after it come with the new one."""
    slack, renewal = slack_at("xoxb-2", code), Renewal("xoxb-2")
    web = slack_web(slack, renewal)
    assert web.call("chat.postMessage", text="hello")["got"] == {"text": "hello"}
    web.call("chat.postMessage", text="again")
    assert slack.seen == ["xoxb-1", "xoxb-2", "xoxb-2"]
    assert renewal.refused == ["xoxb-1"]
    web.close()


@pytest.mark.parametrize(("newest", "seen"), [("xoxb-1", ["xoxb-1"]), ("xoxb-3", ["xoxb-1", "xoxb-3"])])
def test_a_token_that_is_no_better_is_refused_as_before(newest: str, seen: list[str]) -> None:
    """There is no third try."""
    slack, renewal = slack_at("xoxb-2"), Renewal(newest)
    web = slack_web(slack, renewal)
    with pytest.raises(SlackRefused, match="invalid_auth"):
        web.call("chat.postMessage", text="hello")
    assert slack.seen == seen
    web.close()


def test_other_refusals_have_nothing_to_do_with_the_token() -> None:
    """A channel that is gone sends no one to SSM."""
    slack, renewal = slack_at("xoxb-2", "channel_not_found"), Renewal("xoxb-2")
    web = slack_web(slack, renewal)
    with pytest.raises(SlackRefused):
        web.call("chat.postMessage", text="hello")
    assert renewal.refused == []
    web.close()


def test_without_a_way_to_renew_a_refusal_is_one() -> None:
    """A token from the environment is the only one there is."""
    slack = slack_at("xoxb-2")
    web = slack_web(slack)
    with pytest.raises(SlackRefused):
        web.call("chat.postMessage", text="hello")
    assert slack.seen == ["xoxb-1"]
    assert "xoxb-1" not in f"{web!r} {vars(web)!r}"
    web.close()


# OpenRouter


def openrouter_at(good: str, status: int = 401) -> Endpoint:
    """Make an OpenRouter that knows one key and refuses others with `status`."""
    stream = {"content-type": "text/event-stream", "x-generation-id": GENERATION}
    return Endpoint(
        good,
        lambda _: httpx.Response(200, headers=stream, content=sse(text("Forty-two."), LAST)),
        lambda: httpx.Response(status, json={"error": {"code": status, "message": "User not found."}}),
    )


def openrouter(endpoint: Endpoint, renewal: Renewal | None = None) -> OpenRouter:
    """Make a client that starts with the key sk-or-1."""
    return OpenRouter("https://openrouter.test/api/v1", "sk-or-1", httpx.MockTransport(endpoint), renewal)


def attempt(client: OpenRouter, heard: list[str]) -> Completion:
    """Make one attempt, and keep its text."""
    return client.attempt(a_call(), NOW + 60, lambda: NOW, lambda _: None, heard.append, lambda: False)


def test_a_model_is_called_with_the_new_key() -> None:
    """Refused, the call cost nothing; it is made once more, and those after it come with the new key."""
    endpoint, renewal, heard = openrouter_at("sk-or-2"), Renewal("sk-or-2"), list[str]()
    client = openrouter(endpoint, renewal)
    assert attempt(client, heard).generation_id == GENERATION
    attempt(client, heard)
    assert heard == ["Forty-two."] * 2
    assert endpoint.seen == ["sk-or-1", "sk-or-2", "sk-or-2"]
    assert renewal.refused == ["sk-or-1"]
    client.close()


@pytest.mark.parametrize(("newest", "seen"), [("sk-or-1", ["sk-or-1"]), ("sk-or-3", ["sk-or-1", "sk-or-3"])])
def test_a_key_that_is_no_better_stops_the_call(newest: str, seen: list[str]) -> None:
    """The operator is needed, as the table of errors says; there is no third try."""
    endpoint, renewal = openrouter_at("sk-or-2"), Renewal(newest)
    client = openrouter(endpoint, renewal)
    with pytest.raises(CallFailed) as failed:
        attempt(client, [])
    assert (failed.value.code, failed.value.remedy) == ("bad_key", Remedy.STOP_OPERATOR)
    assert endpoint.seen == seen
    client.close()


def test_a_bill_is_asked_for_with_the_new_key() -> None:
    """The reconciler outlives a key as well."""
    endpoint, renewal = openrouter_at("sk-or-2"), Renewal("sk-or-2")
    endpoint.accept = lambda _: httpx.Response(404)
    client = openrouter(endpoint, renewal)
    assert client.generation(GENERATION) is None
    assert endpoint.seen == ["sk-or-1", "sk-or-2"]
    client.close()


@pytest.mark.parametrize("status", [402, 403, 429, 500])
def test_other_failures_have_nothing_to_do_with_the_key(status: int) -> None:
    """Empty pockets send no one to SSM."""
    endpoint, renewal = openrouter_at("sk-or-2", status), Renewal("sk-or-2")
    client = openrouter(endpoint, renewal)
    with pytest.raises(CallFailed):
        attempt(client, [])
    assert renewal.refused == []
    client.close()


# Which function asks for which


@pytest.fixture
def settings(sqs: LoopbackSqs) -> Iterator[Settings]:
    """Make the settings of a deployed function, with all three secrets in SSM."""
    names = ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "OPENROUTER_API_KEY")
    sqs.parameters |= {f"/penny/dev/{name}": "a-secret" for name in names}
    yield Settings(
        secrets_prefix="/penny/dev",
        queue_url=sqs.queue_url,
        state_table="state",
        usage_table="usage",
        aws_endpoint_url=sqs.url,
        aws_region="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="a-secret",
    )
    wiring.close()


def test_the_worker_asks_for_its_two_secrets_at_once(sqs: LoopbackSqs, settings: Settings) -> None:
    """Once per container, when it is made."""
    dispatcher(settings)
    dispatcher(settings)
    assert sqs.readings == [[TOKEN, KEY]]


def test_the_reconciler_asks_for_one_key(sqs: LoopbackSqs, settings: Settings) -> None:
    """Its role lets it read no other, and asking for more would be refused as a whole."""
    wiring.openrouter(settings)
    wiring.openrouter(settings)
    assert sqs.readings == [[KEY]]


def test_a_client_without_its_secret_is_not_made(sqs: LoopbackSqs, settings: Settings) -> None:
    """It is when it is asked for again and the secret is there."""
    sqs.parameters.clear()
    with pytest.raises(SecretsUnavailable, match=rf"{KEY}: is not in SSM"):
        wiring.openrouter(settings)
    sqs.parameters[KEY] = "sk-or-1"
    wiring.openrouter(settings)
