"""OpenRouter's official SDK reads what the scripted OpenRouter says: the contract that keeps the fake honest.

The SDK's models are generated from OpenRouter's own specification. It would retry for an hour by default,
so its retries are off.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from openrouter import OpenRouter, components, errors
from openrouter.utils import BackoffStrategy, RetryConfig

from playground.clock import ManualClock
from playground.openrouter import Reply, ScriptedOpenRouter, UsageShape, refusals, traps
from playground.serving import serve

TLS = ssl.create_default_context()  # made once: nothing here uses it, and it takes a client 30 ms to make

NOW = 1_794_355_200.0
QUESTION: Any = [{"role": "user", "content": "Please compare tea and coffee"}]
NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)

LUNA = "openai/gpt-6-luna"
GEMINI = "google/gemini-3.8-flash"  # thinks before it answers


@pytest.fixture
def clock() -> ManualClock:
    """Stand in November 2026."""
    return ManualClock(NOW)


@pytest.fixture
def fake(clock: ManualClock) -> ScriptedOpenRouter:
    """Make an OpenRouter that answers as in the playground."""
    return ScriptedOpenRouter(clock)


@pytest.fixture
def sdk(fake: ScriptedOpenRouter) -> Iterator[OpenRouter]:
    """Point the SDK at it."""
    with (
        serve(fake.app) as served,
        httpx.Client(verify=TLS, follow_redirects=True) as client,
        OpenRouter(
            api_key="sk-or-playground",
            server_url=f"{served.url}/api/v1",
            retry_config=NO_RETRIES,
            timeout_ms=5000,
            client=client,
            async_client=httpx.AsyncClient(verify=TLS),
        ) as sdk,
    ):
        yield sdk


def stream(sdk: OpenRouter, model: str) -> list[components.ChatStreamChunk]:
    """Ask for a stream and read it."""
    with sdk.chat.send(model=model, messages=QUESTION, max_tokens=900, stream=True) as events:
        return list(events)


def test_a_whole_answer_is_understood(sdk: OpenRouter, fake: ScriptedOpenRouter) -> None:
    """A document with text, thoughts, usage and cost fits the SDK's model."""
    result = sdk.chat.send(model=GEMINI, messages=QUESTION, max_tokens=900)
    message = result.choices[0].message
    assert str(message.content).startswith("**Gemini 3.8 Flash** here.")
    assert message.reasoning
    assert isinstance(result.usage, components.ChatUsage)
    assert Decimal(str(result.usage.cost)) == fake.calls[0].cost_usd
    assert isinstance(result.usage.cost_details, components.CostDetails)


@pytest.mark.parametrize("shape", [UsageShape.EMPTY_DELTA, UsageShape.NO_CHOICES])
def test_a_stream_is_understood(sdk: OpenRouter, fake: ScriptedOpenRouter, shape: UsageShape) -> None:
    """Every chunk of a stream, thoughts and both usage shapes included, fits the SDK's model."""
    fake.usage_shape = shape
    chunks = stream(sdk, GEMINI)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert any(delta.reasoning for delta in deltas)
    assert "".join(str(delta.content or "") for delta in deltas[:-1]).startswith("**Gemini")
    assert isinstance(chunks[-1].usage, components.ChatUsage)
    assert chunks[-1].usage.total_tokens == fake.calls[0].prompt_tokens + fake.calls[0].completion_tokens


def test_an_error_in_a_stream_is_understood(sdk: OpenRouter, fake: ScriptedOpenRouter) -> None:
    """An error event is a chunk with an error, whose code is a number in the specification."""
    fake.script(traps.error_after(8, 502, "gone"))
    last = stream(sdk, LUNA)[-1]
    assert isinstance(last.error, components.ChatStreamChunkError)
    assert (last.error.code, last.error.message) == (502, "gone")
    assert last.choices[0].finish_reason == "error"


ERRORS: dict[str, tuple[Reply, type[errors.OpenRouterError]]] = {
    "400": (refusals.unknown_model("x/y"), errors.BadRequestResponseError),
    "401": (refusals.bad_key(), errors.UnauthorizedResponseError),
    "402": (refusals.can_only_afford(900, 40), errors.PaymentRequiredResponseError),
    "403": (refusals.budget_wall(), errors.ForbiddenResponseError),
    "404": (refusals.unavailable("no_endpoints"), errors.NotFoundResponseError),
    "408": (refusals.request_timeout(), errors.RequestTimeoutResponseError),
    "413": (refusals.too_large(), errors.PayloadTooLargeResponseError),
    "422": (refusals.unprocessable(), errors.UnprocessableEntityResponseError),
    "429": (refusals.shared_pool_limit(3), errors.TooManyRequestsResponseError),
    "500": (refusals.internal_error(), errors.InternalServerResponseError),
    "502": (refusals.provider_down(), errors.BadGatewayResponseError),
    "503": (refusals.none_available(), errors.ServiceUnavailableResponseError),
    "524": (refusals.edge_timeout(), errors.EdgeNetworkTimeoutResponseError),
    "529": (refusals.overloaded(), errors.ProviderOverloadedResponseError),
    # what the specification does not have, or has in another shape, the SDK reports as such
    "499": (refusals.client_closed(), errors.OpenRouterDefaultError),
    "504": (refusals.gateway_timeout(), errors.OpenRouterDefaultError),
    "page": (refusals.bad_gateway_page(), errors.OpenRouterDefaultError),
    "schema": (refusals.malformed(("model",), "string"), errors.ResponseValidationError),
    "in 200": (refusals.error_in_200(), errors.ResponseValidationError),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_are_understood(sdk: OpenRouter, fake: ScriptedOpenRouter, case: str) -> None:
    """Each error reply becomes the SDK's own exception for it."""
    reply, kind = ERRORS[case]
    fake.script(reply)
    with pytest.raises(kind) as caught:
        sdk.chat.send(model=LUNA, messages=QUESTION)
    assert type(caught.value) is kind
    assert caught.value.status_code == reply.status


def test_the_catalogue_is_understood(sdk: OpenRouter) -> None:
    """Every model of the price list fits the SDK's model."""
    page = sdk.models.list()
    assert page is not None
    assert {LUNA, GEMINI} <= {model.id for model in page.result.data}
    assert page.result.total_count == len(page.result.data)


def test_a_generation_is_understood(sdk: OpenRouter, fake: ScriptedOpenRouter, clock: ManualClock) -> None:
    """A generation, when it turns up, fits the SDK's model, and its cost is the bill."""
    answered = sdk.chat.send(model=LUNA, messages=QUESTION, max_tokens=900, session_id="C1:1")
    with pytest.raises(errors.NotFoundResponseError):
        sdk.generations.get_generation(id=answered.id)
    clock.advance(20)
    found = sdk.generations.get_generation(id=answered.id).data
    assert Decimal(str(found.total_cost)) == fake.billed_usd
    assert (found.session_id, found.streamed, found.finish_reason) == ("C1:1", False, "stop")


@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")  # the SDK warns of its own `rate_limit`
def test_key_and_credits_are_understood(sdk: OpenRouter, fake: ScriptedOpenRouter) -> None:
    """What is said of key and account fits the SDK's models."""
    sdk.chat.send(model=LUNA, messages=QUESTION)
    assert Decimal(str(sdk.api_keys.get_current_key_metadata().data.usage)) == fake.billed_usd
    assert Decimal(str(sdk.credits.get_credits().data.total_usage)) == fake.billed_usd
