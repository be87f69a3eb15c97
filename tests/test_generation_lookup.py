"""Asking OpenRouter what a past call cost: known, not yet known, or no answer that can be read."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openrouter import components

from router.adapters.openrouter import OpenRouter
from router.domain.completion import GenerationCost, Usage
from router.errors import ProviderUnavailable, Unavailable
from tests.openrouter_wire import GENERATION, KEY, Loopback, loopback, replying

if TYPE_CHECKING:
    import socket

RECORD = {
    "id": GENERATION,
    "api_type": "completions",
    "app_id": None,
    "cache_discount": None,
    "cancelled": True,
    "created_at": "2025-11-22T08:26:40.000000+00:00",
    "data_region": "global",
    "external_user": "u-5f2a",
    "finish_reason": "stop",
    "generation_time": 1200,
    "http_referer": None,
    "is_byok": False,
    "latency": 300,
    "model": "openai/gpt-6-luna",
    "moderation_latency": None,
    "native_finish_reason": "stop",
    "native_tokens_cached": 4,
    "native_tokens_completion": 7,
    "native_tokens_completion_images": None,
    "native_tokens_prompt": 20,
    "native_tokens_reasoning": 3,
    "num_fetches": None,
    "num_input_audio_prompt": None,
    "num_media_completion": None,
    "num_media_prompt": None,
    "num_search_results": None,
    "origin": "https://openrouter.ai/",
    "preset_id": None,
    "provider_name": "OpenAI",
    "provider_responses": None,
    "router": None,
    "service_tier": None,
    "streamed": True,
    "tokens_completion": 8,
    "tokens_prompt": 21,
    "total_cost": 0.0000055,
    "upstream_id": None,
    "upstream_inference_cost": 0.0000055,
    "usage": 0.0000055,
    "user_agent": None,
    "web_search_engine": None,
    "workspace_id": None,
}


def looked_up(
    transport: httpx.BaseTransport | None, base_url: str = "https://x.test/api/v1"
) -> GenerationCost | None:
    """Look the generation up over `transport`."""
    openrouter = OpenRouter(base_url, KEY, transport)
    try:
        return openrouter.generation(GENERATION)
    finally:
        openrouter.close()


def recorded(**changes: Any) -> GenerationCost:
    """Look up a record that differs by `changes`."""
    cost = looked_up(replying(200, {"data": {**RECORD, **changes}}))
    assert cost is not None
    return cost


def test_the_record_is_one_that_openrouter_sends() -> None:
    """OpenRouter's own SDK takes the record that these tests use."""
    assert components.GenerationResponse.model_validate({"data": RECORD}).data.total_cost == 0.0000055


def test_a_known_generation() -> None:
    """Cost, model, provider and the tokens that were billed, in the provider's own count."""
    usage = Usage(20, 7, reasoning_tokens=3, cached_tokens=4, cost_usd=Decimal("0.0000055"))

    assert recorded() == GenerationCost(GENERATION, "openai/gpt-6-luna", "OpenAI", usage)


def test_the_question() -> None:
    """One read with the key and the id, which is written so that it cannot mean anything else."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    OpenRouter("https://x.test/api/v1", KEY, httpx.MockTransport(answer)).generation("a&b=c/../d")

    assert str(seen[0].url) == "https://x.test/api/v1/generation?id=a%26b%3Dc%2F..%2Fd"
    assert seen[0].method == "GET"
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_generation_that_is_not_there_yet() -> None:
    """OpenRouter books late: not found means ask again."""
    error = {"error": {"code": 404, "message": "Generation not found"}}

    assert looked_up(replying(404, error)) is None


@pytest.mark.parametrize(("is_byok", "cost_usd"), [(True, "0.21"), (False, "0.01")])
def test_a_provider_that_bills_the_operator_itself(is_byok: bool, cost_usd: str) -> None:
    """With a key of the operator's own the provider's bill comes on top of OpenRouter's fee, else never."""
    cost = recorded(is_byok=is_byok, total_cost=0.01, upstream_inference_cost=0.2)

    assert cost.usage.cost_usd == Decimal(cost_usd)


@pytest.mark.parametrize(
    ("changes", "oddities"),
    [
        ({"total_cost": None}, ("no_cost",)),
        ({"total_cost": -1}, ("negative_cost",)),
        ({"total_cost": 5000}, ("absurd_cost",)),
        ({"total_cost": "free"}, ("unreadable_cost",)),
        ({"is_byok": True, "upstream_inference_cost": None}, ("no_upstream_cost",)),
    ],
)
def test_a_cost_that_cannot_be_right_is_none(changes: dict[str, Any], oddities: tuple[str, ...]) -> None:
    """The record is returned, but its cost is not believed."""
    cost = recorded(**changes)

    assert (cost.usage.cost_usd, cost.oddities) == (None, oddities)


def test_missing_tokens_and_names() -> None:
    """A record that does not say how many, who or which still says how much."""
    cost = recorded(native_tokens_prompt=None, native_tokens_completion=None, model=None, provider_name=None)

    assert (cost.usage.cost_usd, cost.model, cost.provider) == (Decimal("0.0000055"), "", "")
    assert cost.oddities == ("cost_without_tokens",)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error": {"code": 401, "message": "secret"}}),
        (429, {"error": {"code": 429, "message": "secret"}}),
        (500, {"error": {"code": 500, "message": "secret"}}),
        (502, "<html>secret</html>"),
        (302, ""),
        (200, ""),
        (200, "<html>secret</html>"),
        (200, []),
        (200, {"data": None}),
        (200, {"data": ["secret"]}),
        (200, {"data": {**RECORD, "id": "gen-of-someone-else"}}),
        (200, json.dumps({"data": RECORD})[:-2]),
    ],
)
def test_no_answer_that_can_be_read(status: int, body: Any) -> None:
    """Everything else is worth another try later, and says nothing of what came."""
    with pytest.raises(ProviderUnavailable) as caught:
        looked_up(replying(status, body))

    assert str(caught.value) == f"generation: HTTP {status}"
    assert isinstance(caught.value, Unavailable)


def test_nobody_listens() -> None:
    """A connection that cannot be made is worth another try later; the key is not in the error."""
    with pytest.raises(ProviderUnavailable) as caught:
        looked_up(None, "http://127.0.0.1:1/api/v1")

    assert str(caught.value) == "generation: ConnectError"


def test_an_endless_record() -> None:
    """A body beyond all bounds is left, not read."""

    def pour(connection: socket.socket, _: Loopback) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
        while True:
            connection.sendall(b" " * 65536)

    began = time.monotonic()
    with loopback(pour) as server, pytest.raises(ProviderUnavailable):
        looked_up(None, server.url)

    assert time.monotonic() - began < 5
