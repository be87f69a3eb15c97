"""The scripted OpenRouter, over plain HTTP: its replies, its bills, its limits, and each way to fail."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import pytest

from playground.clock import ManualClock
from playground.openrouter import (
    Behaviour,
    Call,
    Outcome,
    Reply,
    ScriptedOpenRouter,
    UsageShape,
    refusals,
    tokens,
    traps,
)
from playground.serving import serve

TLS = ssl.create_default_context()  # made once: nothing here uses it, and it takes a client 30 ms to make

NOW = 1_794_355_200.0  # 2026-11-11
NEW_YEAR = 1_798_761_600.0  # 2027-01-01

LUNA = "openai/gpt-6-luna"  # 0.10 / 0.50, thinks only when asked, aborts stop its bill
HAIKU = "anthropic/claude-haiku-5.5"
GEMINI = "google/gemini-3.8-flash"  # must think; aborts do not stop its bill
FREE = "google/gemma-4-31b-it:free"

TEN = "zero one two three four five six seven eight nine"  # ten tokens


@dataclass
class Client:
    """What a well-behaved client does."""

    http: httpx.Client
    url: str

    def ask(self, text: str = "Why?", **fields: Any) -> httpx.Response:
        """Ask and read the whole reply."""
        return self.http.post("/chat/completions", json=body(text, **fields))

    def stream(self, text: str = "Why?", **fields: Any) -> Heard:
        """Ask for a stream and read it as far as it goes."""
        heard = Heard()
        asked = body(text, stream=True, **fields)
        try:
            with self.http.stream("POST", "/chat/completions", json=asked) as response:
                heard.status, heard.headers = response.status_code, response.headers
                for line in response.iter_lines():
                    heard.lines.append(line)
        except httpx.TransportError as e:
            heard.broken = e
        return heard

    def generation(self, generation_id: str) -> httpx.Response:
        """Look a generation up."""
        return self.http.get("/generation", params={"id": generation_id})


@dataclass
class Heard:
    """What arrived of a stream."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    lines: list[str] = field(default_factory=list)
    broken: httpx.TransportError | None = None

    @property
    def data(self) -> list[str]:
        """The data of each event."""
        return [line.removeprefix("data: ") for line in self.lines if line.startswith("data: ")]

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The events that are JSON."""
        return [json.loads(data, parse_float=Decimal) for data in self.data if data != "[DONE]"]

    @property
    def text(self) -> str:
        """The answer's text."""
        return self._joined("content")

    @property
    def thinking(self) -> str:
        """The thoughts."""
        return self._joined("reasoning")

    def _joined(self, name: str) -> str:
        return "".join(c["choices"][0]["delta"].get(name) or "" for c in self.chunks if c["choices"])

    @property
    def usage(self) -> dict[str, Any]:
        """The usage event's usage; empty if it did not come."""
        found: list[dict[str, Any]] = [c["usage"] for c in self.chunks if "usage" in c]
        return found[0] if found else {}


def body(text: str = "Why?", **fields: Any) -> dict[str, Any]:
    """Make a request's body; a field that is None is left out."""
    whole = {"model": LUNA, "messages": [{"role": "user", "content": text}], "max_tokens": 500} | fields
    return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture
def clock() -> ManualClock:
    """Stand in November 2026."""
    return ManualClock(NOW)


@pytest.fixture
def fake(clock: ManualClock) -> ScriptedOpenRouter:
    """Make an OpenRouter whose models say ten words."""
    return ScriptedOpenRouter(clock, answer=TEN)


@pytest.fixture
def client(fake: ScriptedOpenRouter) -> Iterator[Client]:
    """Connect to it."""
    with serve(fake.app) as served:
        url = f"{served.url}/api/v1"
        headers = {"Authorization": "Bearer sk-or-playground"}
        with httpx.Client(base_url=url, headers=headers, verify=TLS) as http:
            yield Client(http, url)


def only(fake: ScriptedOpenRouter) -> Call:
    """Return the one call there was, when it has ended."""
    assert fake.wait_until_idle()
    (call,) = fake.calls
    return call


# answers


def test_a_stream_is_made_as_openrouter_makes_it(client: Client) -> None:
    """Comments, a role, text, the reason to end, the usage, and the end mark, in this order."""
    heard = client.stream()
    first, *rest = heard.chunks
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert heard.lines[0] == ": OPENROUTER PROCESSING"
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert heard.text == TEN
    assert [c["choices"][0]["finish_reason"] for c in rest[-2:]] == ["stop", "stop"]
    assert rest[-1]["choices"][0]["delta"] == {}
    assert heard.data[-1] == "[DONE]"
    assert {(c["id"], c["model"], c["object"]) for c in heard.chunks} == {
        (heard.headers["x-generation-id"], LUNA, "chat.completion.chunk")
    }


def test_a_stream_has_no_carriage_returns(client: Client) -> None:
    """Lines end in LF alone."""
    assert b"\r" not in client.ask(stream=True).content


def test_the_older_usage_event_has_no_choices(client: Client, fake: ScriptedOpenRouter) -> None:
    """Both shapes of the usage event can be had, for all calls or for one."""
    fake.usage_shape = UsageShape.NO_CHOICES
    assert client.stream().chunks[-1]["choices"] == []
    fake.script(traps.usage_shaped(UsageShape.EMPTY_DELTA))
    assert client.stream().chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_whole_answer_comes_in_one_document(client: Client) -> None:
    """Without stream the same answer and usage come as one JSON document."""
    reply = client.ask()
    document = reply.json()
    assert document["choices"][0]["message"]["content"] == TEN
    assert document["choices"][0]["finish_reason"] == "stop"
    assert document["id"] == reply.headers["x-generation-id"]
    assert document["usage"]["completion_tokens"] == 10


def test_max_tokens_ends_the_answer(client: Client) -> None:
    """An answer is cut at max_tokens and says so."""
    document = client.ask(max_tokens=4).json()
    assert document["choices"][0]["message"]["content"] == "zero one two three"
    assert document["choices"][0]["finish_reason"] == "length"
    assert document["usage"]["completion_tokens"] == 4


def test_a_mandatory_thinker_thinks_within_max_tokens(client: Client) -> None:
    """Thoughts come first, count as completion tokens, and may leave nothing for the answer."""
    heard = client.stream(model=GEMINI, reasoning={"effort": "low"})
    thought = heard.usage["completion_tokens_details"]["reasoning_tokens"]
    assert thought > 0
    assert heard.usage["completion_tokens"] == thought + 10
    assert heard.thinking
    assert heard.text == TEN
    cut = client.stream(model=GEMINI, reasoning={"effort": "low"}, max_tokens=thought)
    assert cut.text == ""
    assert cut.chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert cut.usage["cost"] > 0


def test_thoughts_can_be_hidden_but_not_saved(client: Client) -> None:
    """`reasoning.exclude` hides thoughts; they are billed all the same."""
    heard = client.stream(model=GEMINI, reasoning={"effort": "low", "exclude": True})
    assert heard.thinking == ""
    assert heard.usage["completion_tokens_details"]["reasoning_tokens"] > 0


def test_more_effort_is_more_thinking(client: Client) -> None:
    """Efforts are told apart, one that a model lacks becomes its nearest, and none is none."""

    def thoughts(**fields: Any) -> int:
        usage = client.ask(**fields).json()["usage"]
        return int(usage["completion_tokens_details"]["reasoning_tokens"])

    asked = [thoughts(reasoning={"effort": e}, max_tokens=9000) for e in ("none", "low", "medium", "max")]
    assert asked == sorted(set(asked))
    assert thoughts() == 0
    assert thoughts(reasoning={"effort": "minimal"}) == thoughts(reasoning={"effort": "none"})
    assert thoughts(model=GEMINI, reasoning={"effort": "minimal"}) == asked[1]


def test_the_scripted_answer_depends_on_question_and_model(client: Client, fake: ScriptedOpenRouter) -> None:
    """It names the model, takes up the question, and is the same for the same input."""
    fake.answer = None

    def answer(text: str, model: str = LUNA) -> str:
        return str(client.ask(text, model=model, max_tokens=9000).json()["choices"][0]["message"]["content"])

    one = answer("How do we compare PostgreSQL with SQLite?")
    assert one == answer("How do we compare PostgreSQL with SQLite?")
    assert "GPT-6 Luna" in one
    assert "PostgreSQL" in one
    assert "|---|" in one
    assert "```" in answer("Write a Python function that sorts")
    assert answer("How do we compare PostgreSQL with SQLite?", HAIKU) != one
    assert len(answer("Tell me a long story").encode()) > 12_000
    assert len(answer("hello")) < 100


def test_an_answer_can_be_made_from_the_body(client: Client, fake: ScriptedOpenRouter) -> None:
    """A test may answer with a function of the request, or script one answer."""
    fake.answer = lambda request: request["messages"][-1]["content"].upper()
    fake.script(traps.says("Only this once."))
    assert client.stream("why?").text == "Only this once."
    assert client.stream("why?").text == "WHY?"


def test_answers_can_be_paced(client: Client, fake: ScriptedOpenRouter) -> None:
    """The first token waits, and the others come one after the other."""
    paced = ScriptedOpenRouter(first_token_s=0.05, tokens_per_s=200, answer=TEN)
    with serve(paced.app) as served:
        began = time.monotonic()
        reply = httpx.post(
            f"{served.url}/api/v1/chat/completions",
            json=body(stream=True),
            headers={"Authorization": "Bearer sk-or-playground"},
        )
    assert reply.text.endswith("data: [DONE]\n\n")
    assert time.monotonic() - began >= 0.1
    assert fake.calls == []
    assert client.stream().text == TEN


# bills


def test_the_bill_follows_the_price_list(client: Client, fake: ScriptedOpenRouter) -> None:
    """Cost is tokens times price, to the last digit, in the reply and in the books."""
    reply = client.ask("Why is the sky blue?")
    usage = json.loads(reply.text, parse_float=Decimal)["usage"]
    prompt = usage["prompt_tokens"]
    assert prompt == tokens.count("Why is the sky blue?") + tokens.PER_MESSAGE + tokens.PER_REQUEST
    assert usage["cost"] == (prompt * Decimal("0.1") + 10 * Decimal("0.5")) / 1_000_000
    assert f'"cost":{usage["cost"].normalize():f}' in reply.text
    assert only(fake).cost_usd == usage["cost"] == fake.billed_usd


@pytest.mark.parametrize(
    "text", ["", "x", "a b" * 50, "語" * 40, "🧮" * 9, "12345678" * 20, "\n \t" * 30, "ﷺ é"]
)
def test_tokens_never_outnumber_bytes(text: str) -> None:
    """The counter stays below the bytes of a text, and loses none of it."""
    assert "".join(tokens.split(text)) == text
    assert tokens.count(text) == len(tokens.split(text)) <= len(text.encode())


def test_free_models_cost_nothing(client: Client, fake: ScriptedOpenRouter) -> None:
    """A `:free` model bills zero."""
    assert client.ask(model=FREE).json()["usage"]["cost"] == 0
    assert fake.billed_usd == 0


def test_cache_writes_are_billed_where_they_happen(client: Client) -> None:
    """From 1024 tokens on, OpenAI's models write the cache unasked, Anthropic's when asked, at 1.25 times."""
    long = "word " * 2000

    def written(**fields: Any) -> tuple[int, Decimal]:
        usage = json.loads(client.ask(long, **fields).text, parse_float=Decimal)["usage"]
        prompt_usd = usage["cost_details"]["upstream_inference_prompt_cost"]
        price = prompt_usd / usage["prompt_tokens"] * 1_000_000
        return usage["prompt_tokens_details"]["cache_write_tokens"], price

    assert written()[0] > 1024
    assert written()[1] == Decimal("0.125")
    assert written(model=HAIKU) == (0, Decimal("0.1"))
    assert written(model=HAIKU, cache_control={"type": "ephemeral"})[1] == Decimal("0.125")
    assert client.ask().json()["usage"]["prompt_tokens_details"]["cache_write_tokens"] == 0


def test_a_long_prompt_climbs_the_price_step(client: Client) -> None:
    """Above a step all tokens cost more, not only those above it."""

    def prices(words: int) -> tuple[Decimal, Decimal]:
        reply = client.ask("w " * words, model=HAIKU)
        usage = json.loads(reply.text, parse_float=Decimal)["usage"]
        details = usage["cost_details"]
        prompt = details["upstream_inference_prompt_cost"] / usage["prompt_tokens"]
        completion = details["upstream_inference_completions_cost"] / usage["completion_tokens"]
        return prompt * 1_000_000, completion * 1_000_000

    assert prices(99_000) == (Decimal("0.1"), Decimal("0.5"))
    assert prices(101_000) == (Decimal("0.5"), Decimal("2.5"))


def test_an_announced_price_comes_on_its_day(client: Client, clock: ManualClock) -> None:
    """A price that doubles with the new year leaves a max_price that it fitted before."""
    cap = {"max_price": {"prompt": "1.25", "completion": "6.25"}}
    assert client.ask(model=GEMINI, provider=cap).status_code == 200
    clock.advance(NEW_YEAR - NOW)
    assert client.ask(model=GEMINI, provider=cap).status_code == 404


@pytest.mark.parametrize("cap", ["0.09", 0.09])
def test_max_price_is_honoured(client: Client, fake: ScriptedOpenRouter, cap: Any) -> None:
    """Dearer models are passed over, and if none is left the call is refused and costs nothing."""
    refused = client.ask(provider={"max_price": {"prompt": cap}})
    assert refused.status_code == 404
    assert refused.json()["error"]["availability"]["code"] == "constraint_filtered"
    assert not only(fake).billed
    passed = client.ask(models=[GEMINI, HAIKU], model=None, provider={"max_price": {"completion": "0.5"}})
    assert passed.json()["model"] == HAIKU


# what the account and the catalogue say


def test_a_generation_turns_up_late(client: Client, clock: ManualClock) -> None:
    """GET /generation knows a finished call only after the delay, and then its cost."""
    reply = client.ask(user="u-1", session_id="C1:1")
    generation_id = reply.headers["x-generation-id"]
    assert client.generation(generation_id).status_code == 404
    clock.advance(20)
    found = client.generation(generation_id).json()["data"]
    assert found["total_cost"] == reply.json()["usage"]["cost"]
    assert (found["native_tokens_completion"], found["finish_reason"]) == (10, "stop")
    assert (found["external_user"], found["session_id"], found["cancelled"]) == ("u-1", "C1:1", False)


def test_some_generations_never_turn_up(client: Client, fake: ScriptedOpenRouter, clock: ManualClock) -> None:
    """Free models', refused and unknown ones stay unknown."""
    fake.script(refusals.internal_error(), model=LUNA)
    ids = [
        client.ask(model=FREE).headers["x-generation-id"],
        client.ask().headers["x-generation-id"],
        "gen-1-x",
    ]
    clock.advance(3600)
    assert [client.generation(i).status_code for i in ids] == [404, 404, 404]
    assert client.http.get("/generation").status_code == 400


def test_the_catalogue_lists_prices_as_strings(client: Client) -> None:
    """GET /models needs no key and gives prices in USD per token, with their steps."""
    reply = httpx.get(f"{client.url}/models")
    entries = {entry["id"]: entry for entry in reply.json()["data"]}
    luna = entries[LUNA]
    assert reply.headers["cache-control"].endswith("max-age=120")
    assert luna["pricing"]["prompt"] == "0.0000001"
    assert luna["pricing"]["input_cache_write"] == "0.000000125"
    assert luna["pricing"]["overrides"][0]["min_prompt_tokens"] == 272_001
    assert luna["context_length"] == 1_050_000
    assert entries[GEMINI]["reasoning"]["mandatory"] is True
    assert reply.json()["total_count"] == len(entries) == 20


def test_key_and_credits_count_what_was_billed(client: Client, fake: ScriptedOpenRouter) -> None:
    """Spending shows in GET /key and GET /credits, which need the key."""
    client.ask()
    assert client.http.get("/key").json()["data"]["usage"] == float(fake.billed_usd)
    assert client.http.get("/credits").json()["data"]["total_usage"] == float(fake.billed_usd)
    assert httpx.get(f"{client.url}/key").status_code == 401


# limits


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer sk-or-other"}]
)
def test_a_call_needs_a_known_key(client: Client, headers: dict[str, str]) -> None:
    """A missing, malformed or unknown key is 401."""
    reply = httpx.post(f"{client.url}/chat/completions", json=body(), headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, 401)
    assert reply.headers["x-generation-id"].startswith("gen-")


FOUR = [LUNA, HAIKU, GEMINI, FREE]
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "four models": ({"models": FOUR, "model": None}, "'models' array must have 3 items or fewer."),
    "unknown model": ({"model": "openai/gpt-2"}, "openai/gpt-2 is not a valid model ID"),
    "unknown fallback": ({"models": [LUNA, "x/y"], "model": None}, "x/y is not a valid model ID"),
    "no model": ({"model": None}, "No models provided"),
    "no messages": ({"messages": []}, 'Input required: specify "prompt" or "messages"'),
    "effort and budget": ({"reasoning": {"effort": "low", "max_tokens": 2000}}, "Only one of"),
    "none on a thinker": ({"model": GEMINI, "reasoning": {"effort": "none"}}, "Reasoning is mandatory"),
    "off on a thinker": ({"model": GEMINI, "reasoning": {"enabled": False}}, "Reasoning is mandatory"),
    "small budget": (
        {"model": HAIKU, "reasoning": {"max_tokens": 1000}, "max_tokens": 5000},
        "at least 1024",
    ),
    "budget over max": ({"model": HAIKU, "reasoning": {"max_tokens": 2000}}, "below max_tokens"),
    "17 pairs": ({"metadata": {str(n): "" for n in range(17)}}, "16 pairs or fewer"),
    "long key": ({"metadata": {"k" * 65: ""}}, "too long"),
    "long value": ({"metadata": {"k": "v" * 513}}, "too long"),
    "long session": ({"session_id": "s" * 257}, "256 characters or fewer"),
    "no tokens": ({"max_tokens": 0}, "max_tokens must be at least 1"),
    "long prompt": (
        {"model": "openai/gpt-oss-120b", "messages": [{"role": "user", "content": "w " * 131_000}]},
        "This endpoint's maximum context length is 131072 tokens.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_with_400(client: Client, fake: ScriptedOpenRouter, case: str) -> None:
    """Each limit answers with its own words, bills nothing, and leaves the script untouched."""
    fields, words = REFUSED[case]
    fake.script(traps.says("next"))
    reply = client.ask(**fields)
    assert reply.status_code == 400
    assert words in reply.json()["error"]["message"]
    assert (only(fake).outcome, only(fake).billed) == (Outcome.REFUSED, False)


BROKEN = {
    "no JSON": b"{",
    "no UTF-8": b'{"model": "\xff"}',
    "no object": b"[]",
    "too deep": b"[" * 100_000,
    "model is a number": json.dumps(body(model=5)).encode(),
    "models is a string": json.dumps(body(models="x")).encode(),
    "float max_tokens": json.dumps(body(max_tokens=1.5)).encode(),
    "true max_tokens": json.dumps(body(max_tokens=True)).encode(),
    "unknown role": json.dumps(body(messages=[{"role": "bot", "content": ""}])).encode(),
    "number content": json.dumps(body(messages=[{"role": "user", "content": 5}])).encode(),
    "message is text": json.dumps(body(messages=["hi"])).encode(),
    "number in metadata": json.dumps(body(metadata={"k": 1})).encode(),
    "unknown effort": json.dumps(body(reasoning={"effort": "lots"})).encode(),
    "price is no number": json.dumps(body(provider={"max_price": {"prompt": "cheap"}})).encode(),
    "price is NaN": json.dumps(body(provider={"max_price": {"prompt": "NaN"}})).encode(),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_has_the_wrong_shape_is_refused_by_the_schema(client: Client, case: str) -> None:
    """A body of the wrong shape is 400 without `error.code`, in the schema checker's own form."""
    reply = client.http.post("/chat/completions", content=BROKEN[case])
    assert reply.status_code == 400
    assert reply.json()["success"] is False
    assert reply.json()["error"]["name"] == "ZodError"
    assert json.loads(reply.json()["error"]["message"])[0]["path"] is not None


def test_a_retired_model_is_unknown(client: Client, fake: ScriptedOpenRouter) -> None:
    """An id that is taken down makes the whole call fail until the client drops it."""
    fake.retire(HAIKU)
    assert "is not a valid model ID" in client.ask(models=[LUNA, HAIKU]).json()["error"]["message"]
    assert client.ask(models=[LUNA]).status_code == 200


def test_endpoints_are_filtered_by_what_a_call_needs(client: Client) -> None:
    """Images, data policy, required parameters and a huge max_tokens each leave models out, with a 404."""
    image = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}
    ]
    blind = "openai/gpt-oss-120b"
    required = {"require_parameters": True}
    assert "image input" in client.ask(model=blind, messages=image).json()["error"]["message"]
    assert client.ask(models=[blind, LUNA], model=None, messages=image).json()["model"] == LUNA
    private = client.ask(model=FREE, provider={"data_collection": "deny"})
    assert private.json()["error"]["availability"]["code"] == "privacy_restricted"
    assert client.ask(provider=required).status_code == 200
    assert client.ask(provider=required, max_tokens=None, max_completion_tokens=50).status_code == 404
    assert client.ask(max_tokens=128_001).status_code == 404


# the script: refusals

REPLIES: dict[str, tuple[Reply, int, dict[str, Any]]] = {
    "credits": (refusals.out_of_credits(), 402, {"limit_source": "openrouter_credits"}),
    "afford": (refusals.can_only_afford(900, 40), 402, {"limit_source": "openrouter_credits"}),
    "key limit": (refusals.key_limit_reached(), 402, {"limit_source": "openrouter_key_limit"}),
    "in flight": (refusals.in_flight_budget(3), 402, {"limit_source": "openrouter_in_flight_budget"}),
    "moderated": (refusals.moderated(model=LUNA), 403, {"reasons": ["violence"], "model_slug": LUNA}),
    "guardrail": (refusals.guardrail_blocked(), 403, {"reason": "guardrail_block"}),
    "region": (refusals.region_blocked(), 403, {"reason": "unsupported_region"}),
    "harness": (refusals.harness_only(), 403, {"reason": "harness_only"}),
    "budget": (refusals.budget_wall(), 403, {"limit_usd": 10.0, "spend_usd": 10.02}),
    "timeout": (refusals.request_timeout(), 408, {"error_type": "timeout"}),
    "large": (refusals.too_large(), 413, {"error_type": "payload_too_large"}),
    "unprocessable": (refusals.unprocessable(), 422, {"error_type": "unprocessable"}),
    "free tier": (refusals.free_daily_limit(1), 429, {"limit_source": "openrouter_free_tier_daily"}),
    "pool": (refusals.shared_pool_limit(7), 429, {"retry_after_seconds": 7}),
    "closed": (refusals.client_closed(), 499, {}),
    "internal": (refusals.internal_error(), 500, {"error_type": "server"}),
    "provider": (refusals.provider_down(), 502, {"error_type": "provider_unavailable"}),
    "none": (refusals.none_available(), 503, {"error_type": "provider_unavailable"}),
    "gateway": (refusals.gateway_timeout(), 504, {"error_type": "timeout"}),
    "edge": (refusals.edge_timeout(), 524, {"error_type": "timeout"}),
    "overloaded": (refusals.overloaded(), 529, {"error_type": "provider_overloaded"}),
}


@pytest.mark.parametrize("case", REPLIES)
def test_every_error_can_be_scripted(client: Client, fake: ScriptedOpenRouter, case: str) -> None:
    """Each error has its status, code and metadata, is not billed, and is over after one call."""
    reply, status, metadata = REPLIES[case]
    fake.script(reply)
    refused = client.stream()
    error = json.loads(refused.lines[0])["error"]
    assert (refused.status, error["code"]) == (status, status)
    assert metadata.items() <= error.get("metadata", {}).items()
    assert refused.headers["x-generation-id"]
    assert not only(fake).billed
    assert client.stream().text == TEN


@pytest.mark.parametrize("code", ["no_endpoints", "model_deprecated", "free_variant_ended"])
def test_availability_errors_carry_their_code(client: Client, fake: ScriptedOpenRouter, code: str) -> None:
    """A 404 says in `availability` why nothing is there."""
    fake.script(refusals.unavailable(code, retry_after_s=5))
    availability = client.ask().json()["error"]["availability"]
    assert availability == {"code": code, "retryable": True, "retry_after": 5}


def test_rate_limits_carry_their_headers(client: Client, fake: ScriptedOpenRouter) -> None:
    """Retry-After is in seconds, X-RateLimit-Reset in milliseconds."""
    fake.script(refusals.free_daily_limit(1_794_441_600_000), refusals.shared_pool_limit(7))
    assert client.ask().headers["x-ratelimit-reset"] == "1794441600000"
    assert client.ask().headers["retry-after"] == "7"


def test_replies_that_are_no_plain_errors(client: Client, fake: ScriptedOpenRouter) -> None:
    """A page of HTML, the schema's form, an error in a 200, and anything else one cares to write."""
    page = refusals.bad_gateway_page()
    odd = refusals.error(418, "teapot", metadata={"x": 1}, headers={"X-Tea": "yes"})
    fake.script(page, refusals.malformed(("model",), "string"), refusals.error_in_200(), odd)
    html, zod, hidden, teapot = (client.ask() for _ in range(4))
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html; charset=UTF-8")
    assert (zod.status_code, zod.json()["success"]) == (400, False)
    assert (hidden.status_code, hidden.json()["error"]["code"]) == (200, 502)
    assert (teapot.status_code, teapot.headers["x-tea"]) == (418, "yes")
    assert fake.billed_usd == 0


def test_a_failing_model_falls_back_to_the_next(client: Client, fake: ScriptedOpenRouter) -> None:
    """A model's scripted failure is passed over; the model that answered is named and billed."""
    fake.script(refusals.overloaded(), model=LUNA)
    chain: dict[str, Any] = {"models": [LUNA, HAIKU], "model": None}
    assert client.stream(**chain).chunks[0]["model"] == HAIKU
    assert client.stream(**chain).chunks[0]["model"] == LUNA
    assert [c.model for c in fake.calls] == [HAIKU, LUNA]


def test_when_all_models_fail_the_last_reason_is_told(client: Client, fake: ScriptedOpenRouter) -> None:
    """The script for a model may last; forgetting it ends it."""
    fake.script(refusals.overloaded(), model=LUNA, times=None)
    fake.script(refusals.provider_down(), model=HAIKU, times=2)
    chain: dict[str, Any] = {"models": [LUNA, HAIKU], "model": None}
    assert [client.ask(**chain).status_code for _ in range(4)] == [502, 502, 200, 200]
    assert [c.billed for c in fake.calls] == [False, False, True, True]
    assert client.ask().status_code == 529
    fake.forget_script()
    assert fake.scripted == 0
    assert client.ask().status_code == 200


# the script: streams that go wrong


def test_cut_before_headers_is_billed_unseen(
    client: Client, fake: ScriptedOpenRouter, clock: ManualClock
) -> None:
    """The client learns nothing, not even the id; the account pays, and GET /generation would know."""
    fake.script(traps.cut_before_headers())
    heard = client.stream()
    call = only(fake)
    assert heard.broken
    assert heard.status == 0
    assert (call.outcome, call.billed, call.completion_tokens) == (Outcome.CUT, True, 10)
    clock.advance(20)
    assert client.generation(call.generation_id).json()["data"]["total_cost"] > 0


@pytest.mark.parametrize(("model", "billed_tokens"), [(LUNA, 3), ("mistralai/mistral-large-4-0", 10)])
def test_a_cut_stream_is_billed_as_its_vendor_does(
    client: Client, fake: ScriptedOpenRouter, model: str, billed_tokens: int
) -> None:
    """What came before the cut arrives; vendors that know aborts bill that much, others everything."""
    fake.script(traps.cut_after(3))
    heard = client.stream(model=model)
    call = only(fake)
    assert heard.broken
    assert heard.text == "zero one two"
    assert heard.usage == {}
    assert (call.outcome, call.billed, call.completion_tokens) == (Outcome.CUT, True, billed_tokens)


def test_without_stream_a_cut_reply_is_billed_in_full(client: Client, fake: ScriptedOpenRouter) -> None:
    """The answer existed before its first byte was sent, so the vendor's way with aborts does not matter."""
    fake.script(traps.cut_after(3))
    with pytest.raises(httpx.RemoteProtocolError):
        client.ask()
    assert (only(fake).outcome, only(fake).completion_tokens) == (Outcome.CUT, 10)


def test_a_stream_may_end_in_due_form_without_usage(client: Client, fake: ScriptedOpenRouter) -> None:
    """No [DONE], no usage, no broken connection: only a careful client notices."""
    fake.script(traps.end_after(3))
    heard = client.stream()
    assert heard.broken is None
    assert heard.text == "zero one two"
    assert "[DONE]" not in heard.data
    assert only(fake).completion_tokens == 3


STALLS: dict[str, tuple[Behaviour, bool]] = {
    "before headers": (traps.stall_before_headers(), False),
    "after three tokens": (traps.stall_after(3), True),
}


@pytest.mark.parametrize("case", STALLS)
def test_a_stalled_reply_waits_for_the_client_to_leave(
    client: Client, fake: ScriptedOpenRouter, case: str
) -> None:
    """A silent OpenRouter is left by the client's own time-out, and what was sent is billed."""
    behaviour, billed = STALLS[case]
    fake.script(behaviour)
    client.http.timeout = httpx.Timeout(0.1)
    assert isinstance(client.stream().broken, httpx.ReadTimeout)
    assert (only(fake).outcome, only(fake).billed) == (Outcome.ABANDONED, billed)


def test_comments_can_hold_a_stalled_stream_open(client: Client, fake: ScriptedOpenRouter) -> None:
    """With comments coming no read ever times out; a client needs a deadline of its own."""
    fake.script(traps.stall_after(3, comment_every_s=0.02))
    client.http.timeout = httpx.Timeout(0.5)
    with client.http.stream("POST", "/chat/completions", json=body(stream=True)) as response:
        comments = 0
        for line in response.iter_lines():
            comments += line.startswith(":")
            if comments > 5:
                break
    assert (only(fake).outcome, only(fake).completion_tokens) == (Outcome.ABANDONED, 3)


@pytest.mark.parametrize("code", [502, "provider_error"])
def test_an_error_may_come_after_the_first_words(
    client: Client, fake: ScriptedOpenRouter, code: int | str
) -> None:
    """HTTP says 200 and an event says error, its code a number or a string; nothing is billed."""
    fake.script(traps.error_after(3, code))
    heard = client.stream()
    last = heard.chunks[-1]
    assert (heard.status, heard.text) == (200, "zero one two")
    assert last["error"]["code"] == code
    assert last["choices"][0]["finish_reason"] == "error"
    assert (only(fake).outcome, only(fake).billed) == (Outcome.FAILED, False)


def test_an_error_may_be_the_first_event(client: Client, fake: ScriptedOpenRouter) -> None:
    """Nothing comes before it but comments, even of a model that thinks."""
    fake.script(traps.error_first(429))
    heard = client.stream(model=GEMINI)
    assert [c.get("error", {}).get("code") for c in heard.chunks] == [429]
    assert not only(fake).billed


def test_an_error_may_hide_in_a_choice(client: Client, fake: ScriptedOpenRouter) -> None:
    """Without stream, HTTP says 200, and the choice says error."""
    fake.script(traps.error_in_choice())
    choice = client.ask().json()["choices"][0]
    assert (choice["finish_reason"], choice["error"]["code"]) == ("error", 502)
    assert not only(fake).billed


def test_nothing_but_thoughts(client: Client, fake: ScriptedOpenRouter) -> None:
    """An empty answer that ends with "length" is billed."""
    fake.script(traps.only_thinks(30))
    heard = client.stream()
    assert heard.text == ""
    assert heard.chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert heard.usage["completion_tokens"] == 30
    assert only(fake).billed


def test_thinking_and_ending_can_be_scripted(client: Client, fake: ScriptedOpenRouter) -> None:
    """A model may think although nobody asked, and end for a reason of its own."""
    fake.script(traps.thinks(12) | traps.finishes_with("content_filter"))
    document = client.ask().json()
    assert document["usage"]["completion_tokens_details"]["reasoning_tokens"] == 12
    assert document["choices"][0]["finish_reason"] == "content_filter"


def test_usage_may_be_missing(client: Client, fake: ScriptedOpenRouter) -> None:
    """The stream ends properly, the cost is not told, and billed all the same."""
    fake.script(traps.no_usage(), times=2)
    heard = client.stream()
    assert heard.usage == {}
    assert heard.data[-1] == "[DONE]"
    assert "usage" not in client.ask().json()
    assert all(call.billed for call in fake.calls)


LIES: dict[str, tuple[Behaviour, dict[str, Any]]] = {
    "negative": (traps.negative_cost(), {"cost": Decimal("-0.01")}),
    "no number": (traps.nan_cost(), {"cost": "NaN"}),
    "huge": (traps.huge_cost(), {"cost": 10**12}),
    "for nothing": (traps.cost_without_tokens(), {"cost": Decimal("0.5"), "total_tokens": 0}),
    "null": (traps.usage_reported(cost=None), {"cost": None}),
}


@pytest.mark.parametrize("case", LIES)
def test_usage_may_be_absurd(client: Client, fake: ScriptedOpenRouter, case: str) -> None:
    """What is reported can be anything; what is billed stays what the price list says."""
    behaviour, reported = LIES[case]
    fake.script(behaviour)
    assert reported.items() <= client.stream().usage.items()
    assert Decimal(0) < only(fake).cost_usd < Decimal("0.001")


def test_a_call_may_really_cost_more(client: Client, fake: ScriptedOpenRouter, clock: ManualClock) -> None:
    """A charge that no price list explains is reported, billed and kept."""
    fake.script(traps.charged(Decimal("1.5")))
    assert client.stream().usage["cost"] == Decimal("1.5")
    assert only(fake).cost_usd == Decimal("1.5")
    clock.advance(20)
    assert client.generation(only(fake).generation_id).json()["data"]["total_cost"] == 1.5


def test_byok_splits_fee_and_bill(client: Client, fake: ScriptedOpenRouter) -> None:
    """With an own provider key `cost` is the fee alone, and the books hold both."""
    fake.script(traps.byok(Decimal("0.0001")))
    usage = client.stream().usage
    upstream = usage["cost_details"]["upstream_inference_cost"]
    assert (usage["is_byok"], usage["cost"]) == (True, Decimal("0.0001"))
    assert only(fake).cost_usd == upstream + Decimal("0.0001")


def test_many_comments(client: Client, fake: ScriptedOpenRouter) -> None:
    """Thousands of comments may come before the first event; without stream, blank lines."""
    fake.script(traps.keepalives(5000), times=2)
    heard = client.stream()
    assert sum(line.startswith(":") for line in heard.lines) == 5000
    assert heard.text == TEN
    whole = client.ask()
    assert whole.text.startswith("\n" * 5000)
    assert whole.json()["choices"][0]["message"]["content"] == TEN


def test_a_line_may_be_broken_json(client: Client, fake: ScriptedOpenRouter) -> None:
    """One data line is half a document; the stream goes on after it."""
    fake.script(traps.malformed_after(3))
    heard = client.stream()
    broken = [data for data in heard.data if not (data.endswith("}") or data == "[DONE]")]
    assert len(broken) == 1
    heard.lines.remove(f"data: {broken[0]}")
    assert heard.text == TEN


def test_characters_may_be_split(client: Client, fake: ScriptedOpenRouter) -> None:
    """Written byte by byte, a reply splits characters over reads, and is whole in the end."""
    fake.script(traps.in_pieces(1) | traps.says("¿🧮 日本?"))
    with client.http.stream("POST", "/chat/completions", json=body(stream=True)) as response:
        pieces = list(response.iter_raw())
    assert any(_is_cut_character(piece) for piece in pieces)
    assert "¿🧮 日本?" in b"".join(pieces).decode()


def _is_cut_character(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return True
    return False


# the script: hooks


def test_hooks_run_in_the_midst_of_a_call(client: Client, fake: ScriptedOpenRouter) -> None:
    """One sees the call when it has been read, one when so many tokens are out, and the stream waits."""
    seen: list[tuple[str, Outcome]] = []

    def note(name: str) -> Callable[[Call], None]:
        return lambda call: seen.append((name, call.outcome))

    fake.script(traps.on_request(note("read")) | traps.after_tokens(3, note("three")) | traps.cut_after(5))
    assert client.stream().text == "zero one two three four"
    assert seen == [("read", Outcome.OPEN), ("three", Outcome.OPEN)]
    assert only(fake).completion_tokens == 5


def test_a_hook_may_block(client: Client, fake: ScriptedOpenRouter) -> None:
    """While one call waits in its hook, others are answered."""
    go_on = threading.Event()
    fake.script(traps.after_tokens(3, lambda _call: go_on.wait(5)))
    heard: list[str] = []
    waiting = threading.Thread(target=lambda: heard.append(client.stream().text))
    waiting.start()
    assert fake.wait_for_calls(1)
    assert httpx.post(
        f"{client.url}/chat/completions", json=body(), headers={"Authorization": "Bearer sk-or-playground"}
    ).is_success
    assert heard == []
    go_on.set()
    waiting.join(5)
    assert heard == [TEN]


def test_a_client_that_leaves_is_billed_for_what_was_sent(client: Client, fake: ScriptedOpenRouter) -> None:
    """A client that dies mid-answer shows as abandoned, with a bill, also in GET /generation."""
    fake.script(traps.stall_after(4))
    with client.http.stream("POST", "/chat/completions", json=body(stream=True)) as response:
        for line in response.iter_lines():
            if "three" in line:
                break
    call = only(fake)
    assert (call.outcome, call.completion_tokens, call.billed) == (Outcome.ABANDONED, 4, True)


def test_the_books_keep_each_call(client: Client, fake: ScriptedOpenRouter) -> None:
    """Body, headers, id, cost and outcome of every call can be looked at."""
    reply = client.ask("Why?", session_id="C1:1")
    call = only(fake)
    assert call.body == body("Why?", session_id="C1:1")
    assert call.headers["content-type"] == "application/json"
    assert call.generation_id == reply.headers["x-generation-id"]
    assert call.generation_id.startswith(f"gen-{int(NOW)}-")
    assert (call.status, call.outcome, call.model, call.streamed) == (200, Outcome.ANSWERED, LUNA, False)
