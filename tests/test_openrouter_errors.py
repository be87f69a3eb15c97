"""Every error of OpenRouter has one answer; nothing it sends upsets the reading, nothing it says leaks."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.adapters.openrouter_errors import (
    TABLE,
    TRANSPORT_TABLE,
    classify,
    classify_event,
    classify_transport,
    priced,
)
from router.domain.completion import Usage
from router.errors import Billed, CallFailed, Remedy
from tests.openrouter_wire import CALL, KEY, NOW, chunk, error_event

MIDNIGHT = 1_763_856_000.0
"""The next 00:00 UTC after NOW."""


def said(code: Any, message: str = "it broke", **metadata: Any) -> dict[str, Any]:
    """Make the error object of a reply."""
    return {"code": code, "message": message, "metadata": {"provider_name": None, **metadata}}


def unavailable(status: int, code: str, **more: Any) -> dict[str, Any]:
    """Make an error with OpenRouter's availability object."""
    return {**said(status), "availability": {"code": code, "retryable": False, **more}}


def reply(status: int, error: Any = None, headers: dict[str, str] | None = None) -> CallFailed:
    """Classify a reply of JSON whose `error` is an object, or of anything else as it is."""
    body = json.dumps({"error": error, "user_id": "user_2x7DNy"}) if isinstance(error, dict) else error or ""
    return classify(status, headers or {}, body, NOW, CALL.models)


MEANING = {
    "context_length": (Remedy.LARGER_WINDOW, Billed.NO),
    "invalid_model": (Remedy.DROP_MODEL, Billed.NO),
    "reasoning_mandatory": (Remedy.FALLBACK, Billed.NO),
    "in_flight_budget": (Remedy.WAIT, Billed.NO),
    "free_tier_daily": (Remedy.FALLBACK, Billed.NO),
    "afford_fewer": (Remedy.SHRINK, Billed.NO),
    "too_dear": (Remedy.FALLBACK, Billed.NO),
    "budget_wall": (Remedy.STOP_OPERATOR, Billed.NO),
    "no_credits": (Remedy.STOP_OPERATOR, Billed.NO),
    "bad_key": (Remedy.STOP_OPERATOR, Billed.NO),
    "moderation": (Remedy.STOP_REFUSED, Billed.NO),
    "guardrail": (Remedy.STOP_REFUSED, Billed.NO),
    "not_for_us": (Remedy.FALLBACK, Billed.NO),
    "over_max_price": (Remedy.FALLBACK, Billed.NO),
    "model_retired": (Remedy.FALLBACK, Billed.NO),
    "privacy_restricted": (Remedy.FALLBACK, Billed.NO),
    "no_endpoints": (Remedy.FALLBACK, Billed.NO),
    "busy": (Remedy.WAIT, Billed.NO),
    "rate_limited": (Remedy.FALLBACK, Billed.NO),
    "timed_out": (Remedy.FALLBACK, Billed.UNKNOWN),
    "provider_failed": (Remedy.RETRY, Billed.NO),
    "gateway_failed": (Remedy.FALLBACK, Billed.UNKNOWN),
    "too_large": (Remedy.STOP_REFUSED, Billed.NO),
    "unprocessable": (Remedy.STOP_REFUSED, Billed.NO),
    "provider_refused": (Remedy.FALLBACK, Billed.NO),
    "bad_request": (Remedy.STOP_REFUSED, Billed.NO),
    "redirected": (Remedy.STOP_OPERATOR, Billed.NO),
    "unnamed_error": (Remedy.FALLBACK, Billed.NO),
    "unreadable_reply": (Remedy.FALLBACK, Billed.UNKNOWN),
}

AFFORD = (
    "This request requires more credits, or fewer max_tokens. You requested up to 800 tokens, but can only"
)
IN_FLIGHT = "This request would exceed your available credits given your current in-flight requests."
INVALID = "is not a valid model ID"
MANDATORY = "Reasoning is mandatory for this endpoint and cannot be disabled."
PROVIDER = "Provider returned error"
TOO_LONG = (
    "This endpoint's maximum context length is 131072 tokens. However, you requested about 138956 tokens"
)

REPLIES: list[tuple[str, int, Any, dict[str, str]]] = [
    ("context_length", 400, said(400, TOO_LONG), {}),
    (
        "context_length",
        400,
        said(400, PROVIDER, raw="prompt is too long: 200001 tokens > 200000 maximum"),
        {},
    ),
    ("context_length", 400, said(400, error_type="context_length_exceeded"), {}),
    ("invalid_model", 400, said(400, f"{CALL.models[1]} {INVALID}"), {}),
    ("model_retired", 400, said(400, f"someone/elses-model {INVALID}"), {}),
    ("reasoning_mandatory", 400, said(400, MANDATORY), {}),
    ("too_dear", 400, said(400, error_type="token_limit_exceeded"), {}),
    ("bad_request", 400, said(400, "'models' array must have 3 items or fewer."), {}),
    ("bad_request", 400, '{"success":false,"error":{"name":"ZodError","message":"[{}]"}}', {}),
    ("provider_refused", 400, said(400, PROVIDER, provider_name="Google AI Studio", raw="{}"), {}),
    ("provider_refused", 400, said(400, provider_code="invalid_argument"), {}),
    ("moderation", 400, said(400, error_type="content_policy_violation"), {}),
    ("bad_key", 401, said(401, "User not found."), {}),
    ("provider_refused", 401, said(401, PROVIDER, provider_name="Azure"), {}),
    ("afford_fewer", 402, said(402, f"{AFFORD} afford 3919. To increase, visit…"), {}),
    ("no_credits", 402, said(402, f"{AFFORD} afford 0. To increase, visit…"), {}),
    ("no_credits", 402, said(402, "Insufficient credits", limit_source="openrouter_credits"), {}),
    ("provider_refused", 402, said(402, PROVIDER, provider_name="Novita"), {}),
    ("in_flight_budget", 402, said(402, IN_FLIGHT, limit_source="openrouter_in_flight_budget"), {}),
    ("in_flight_budget", 402, said(402, IN_FLIGHT, reason="in_flight_budget_exhausted"), {}),
    ("too_dear", 402, said(402, limit_source="openrouter_credits", reason="weight_exceeds_budget"), {}),
    ("too_dear", 402, said(402, "Prompt tokens limit exceeded: 230799 > 91442. To increase, visit…"), {}),
    ("budget_wall", 402, said(402, limit_source="openrouter_key_limit"), {}),
    ("budget_wall", 403, said(403, limit_source="openrouter_key_limit"), {}),
    ("budget_wall", 403, said(403, limit_source="openrouter_guardrail_budget", limit_usd=10), {}),
    ("budget_wall", 403, said(403, limit_source="openrouter_workspace_budget", spend_usd=10), {}),
    ("budget_wall", 403, said(403, "Key limit exceeded (total limit). Manage it using https://…"), {}),
    ("budget_wall", 403, said(403, "API key budget limit exceeded (daily limit)"), {}),
    ("moderation", 403, said(403, reasons=["violence"], flagged_input="…", provider_name="OpenAI"), {}),
    ("guardrail", 403, said(403, "Request blocked: prompt injection patterns detected"), {}),
    ("guardrail", 403, said(403, patterns=["ignore all previous instructions"]), {}),
    ("not_for_us", 403, said(403, failed_routing_step="Gate Free Endpoints by Agentic Harness"), {}),
    ("not_for_us", 403, unavailable(403, "region_restricted"), {}),
    ("no_endpoints", 404, said(404, "No endpoints found"), {}),
    ("no_endpoints", 404, unavailable(404, "no_endpoints"), {}),
    ("no_endpoints", 404, unavailable(404, "constraint_filtered"), {}),
    ("over_max_price", 404, said(404, failed_routing_step="Filter by Max Price"), {}),
    ("model_retired", 404, unavailable(404, "model_deprecated"), {}),
    ("model_retired", 404, unavailable(404, "free_variant_ended"), {}),
    ("privacy_restricted", 404, unavailable(404, "privacy_restricted"), {}),
    ("timed_out", 408, said(408, "Timed out"), {}),
    ("timed_out", 499, "", {}),
    ("timed_out", 504, said(504, error_type="timeout"), {}),
    ("timed_out", 524, "<html>A timeout occurred", {}),
    ("too_large", 413, said(413), {}),
    ("unprocessable", 422, said(422, provider_name="Together"), {}),
    ("free_tier_daily", 429, said(429, limit_source="openrouter_free_tier_daily"), {}),
    ("free_tier_daily", 429, said("429", "Rate limit exceeded: free-models-per-day-high-balance."), {}),
    ("busy", 429, said(429, limit_source="upstream_provider_shared_pool", retry_after_seconds=30), {}),
    ("busy", 429, unavailable(429, "capacity_exhausted", retry_after=40), {}),
    ("busy", 503, said(503), {"Retry-After": "7"}),
    ("rate_limited", 429, said(429, "Rate limit exceeded"), {}),
    ("provider_failed", 500, said(500, error_type="server"), {}),
    ("provider_failed", 502, said(502, provider_name="DeepInfra"), {}),
    ("provider_failed", 503, said(503), {}),
    ("provider_failed", 529, said(529, "Overloaded"), {}),
    ("gateway_failed", 502, "<html>Bad gateway</html>", {}),
    ("gateway_failed", 502, '{"error":"upstream"}', {}),
    ("gateway_failed", 503, "", {"Retry-After": "7"}),
    ("redirected", 301, "", {"Location": "https://example.org"}),
    ("provider_failed", 200, said(502), {}),
    ("provider_failed", 200, '\n\n {"choices":[{"error":{"code":502},"finish_reason":"error"}]}', {}),
    ("unreadable_reply", 200, "<html>", {}),
    ("unreadable_reply", 204, "", {}),
]


@pytest.mark.parametrize(("code", "status", "error", "headers"), REPLIES)
def test_a_reply_means(code: str, status: int, error: Any, headers: dict[str, str]) -> None:
    """Each error reply that OpenRouter documents, or was seen to send, is told apart from the others."""
    failure = reply(status, error, headers)

    assert (failure.code, failure.remedy, failure.billed) == (code, *MEANING[code])


EVENTS = [
    ("context_length", error_event(400, error_type="context_length_exceeded")),
    ("moderation", error_event(400, error_type="refusal")),
    ("bad_key", error_event(None, error_type="authentication")),
    ("no_credits", error_event(402)),
    ("privacy_restricted", error_event(404, availability={"code": "privacy_restricted"})),
    ("rate_limited", error_event(429, "Rate limit exceeded", error_type="rate_limit_exceeded")),
    ("timed_out", error_event(504)),
    ("timed_out", error_event("timeout", error_type="timeout")),
    ("provider_failed", error_event(502, "Provider disconnected")),
    ("provider_failed", error_event("502")),
    ("provider_failed", error_event("server_error", error_type="server")),
    ("unnamed_error", error_event("server_error", "Provider disconnected unexpectedly")),
    ("unnamed_error", chunk(finish="error")),
    ("unnamed_error", {"choices": [{"error": "it broke"}]}),
    ("unreadable_reply", {"error": "it broke"}),
]


@pytest.mark.parametrize(("code", "event"), EVENTS)
def test_an_event_means(code: str, event: dict[str, Any]) -> None:
    """An error within a stream is judged by its code, else by its type; HTTP has said 200 before."""
    failure = classify_event(event, NOW, CALL.models)

    assert (failure.code, failure.remedy, failure.billed) == (code, *MEANING[code])


def test_no_row_is_dead() -> None:
    """Every row of the table is the answer to an error that exists."""
    assert {row.code for row in TABLE} == {code for code, *_ in (*REPLIES, *EVENTS)} == set(MEANING)


def test_only_what_was_not_billed_is_repeated() -> None:
    """No row lets the same call be made again while the first may have cost money."""
    for row in (*TABLE, *TRANSPORT_TABLE.values()):
        if row.remedy in (Remedy.RETRY, Remedy.WAIT, Remedy.SHRINK, Remedy.DROP_MODEL):
            assert row.billed is Billed.NO, row.code


HOSTILE: list[Any] = [None, True, -1, 10**400, "x", "9" * 5000, "\ud800", [], {}, [{}], {"code": "x"}]
FIELDS = ("code", "message", "metadata", "availability", "name", "error_type")
METADATA = (
    *(
        "error_type",
        "provider_code",
        "provider_name",
        "raw",
        "limit_source",
        "reason",
        "resets_at",
        "headers",
    ),
    *("retry_after_seconds", "previous_errors", "failed_routing_step", "reasons", "patterns", "availability"),
)
SHAPES = [
    "",
    "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "null",
    "[]",
    '[{"error": {"code": 402}}]',
    '"error"',
    "NaN",
    "[" * 100_000,
    '{"error": ' * 50_000,
    '{"a":"' + "x" * 2_000_000,
    *(json.dumps({"error": value}) for value in HOSTILE),
    *(json.dumps({"choices": value}) for value in HOSTILE),
    *(json.dumps({"error": {field: value}}) for field in FIELDS for value in HOSTILE),
    *(json.dumps({"error": {"metadata": {field: value}}}) for field in METADATA for value in HOSTILE),
    *(json.dumps({"error": {"availability": {"code": value, "retry_after": value}}}) for value in HOSTILE),
    '{"error": {"code": 1e99999999999999999999, "metadata": {"resets_at": NaN}}}',
    '{"error": {"code": 429, "metadata": {"retry_after_seconds": -Infinity}}}',
]
CODES = {row.code for row in TABLE}


def assert_sound(failure: CallFailed) -> None:
    """Hold a failure to what every caller relies on."""
    assert failure.code in CODES
    if failure.remedy in (Remedy.RETRY, Remedy.WAIT):
        assert failure.billed is Billed.NO
    if failure.remedy is Remedy.WAIT:
        assert failure.retry_after_s is not None
    if failure.remedy is Remedy.SHRINK:
        assert (failure.affordable_tokens or 0) >= 16
    if failure.remedy is Remedy.DROP_MODEL:
        assert failure.model in CALL.models
    assert failure.retry_after_s is None or 0 <= failure.retry_after_s <= 86_400
    assert failure.resets_at is None or abs(failure.resets_at - NOW) < 500 * 86_400


def turning_points() -> set[int]:
    """Tell the statuses at which some row begins to hold or holds no longer."""
    return {s for s in range(100, 600) for row in TABLE if (s in row.statuses) != (s - 1 in row.statuses)}


TURNING_POINTS = turning_points()


def test_every_status_has_an_answer() -> None:
    """The table is total: no status is without a row, whether OpenRouter says something with it or not."""
    for shape in (
        "",
        "<html>",
        json.dumps({"error": said("x")}),
        json.dumps({"error": said(None, PROVIDER)}),
    ):
        for status in range(100, 600):
            assert_sound(classify(status, {}, shape, NOW, CALL.models))


@pytest.mark.parametrize(
    ("number", "shape"),
    [*enumerate(SHAPES)],
    ids=lambda value: f"{len(value)}:{value[:40]!r}" if isinstance(value, str) else str(value),
)
def test_every_body_has_an_answer(number: int, shape: str) -> None:
    """No body is without a row, and none can make the table raise.

    Each meets all statuses that a row names and every tenth of the others, not the same as the one before.
    """
    if len(shape) < 10_000:
        statuses = TURNING_POINTS.union(range(100 + number % 10, 600, 10))
    else:
        statuses = {200, 400, 402, 429, 502}
    for status in statuses:
        assert_sound(classify(status, {}, shape, NOW, CALL.models))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FIELDS, *METADATA, "error", "choices"]), inner, max_size=4)
    ),
    max_leaves=12,
)
HEADERS = st.dictionaries(st.sampled_from(["Retry-After", "X-RateLimit-Reset", "x"]), st.text(max_size=30))


@given(status=st.integers(100, 599), headers=HEADERS, body=JSON)
def test_any_json_has_an_answer(status: int, headers: dict[str, str], body: Any) -> None:
    """Whatever JSON and headers come, one sound answer comes out."""
    assert_sound(classify(status, headers, json.dumps(body), NOW, CALL.models))
    if isinstance(body, dict):
        assert_sound(classify_event(body, NOW, CALL.models))


@given(error=st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)), status=st.integers(100, 599))
def test_any_error_object_has_an_answer(error: dict[str, Any], status: int) -> None:
    """Whatever stands in an error's own fields, one sound answer comes out."""
    assert_sound(classify(status, {}, json.dumps({"error": error}), NOW, CALL.models))


def test_no_word_of_the_provider_gets_out() -> None:
    """What a provider or a person wrote is in no field and in no message of the failure."""
    secret = "what Ada wrote"
    metadata = dict.fromkeys(METADATA, secret) | {"flagged_input": secret, "headers": {"Retry-After": secret}}
    for status in range(100, 600):
        failure = reply(status, {**said(status, secret), "metadata": metadata, "name": secret}, {"X": secret})
        assert secret not in f"{failure} {failure!r} {vars(failure)} {failure.args}"


def test_the_longest_of_our_ids_is_dropped() -> None:
    """One id may begin another; the one that is named whole is meant."""
    models = ("openai/gpt-5", "openai/gpt-5-nano", "mistralai/mistral-small-2603")
    body = json.dumps({"error": said(400, "OpenAI/GPT-5-nano is not a valid model ID")})

    assert classify(400, {}, body, NOW, models).model == "openai/gpt-5-nano"


def test_a_402_says_how_many_tokens_it_would_take() -> None:
    """The number is read out of the sentence, with or without thousands' commas."""
    assert reply(402, said(402, f"{AFFORD} afford 3919.")).affordable_tokens == 3919
    assert reply(402, said(402, f"{AFFORD} afford 27,342. To…")).affordable_tokens == 27342
    assert reply(402, said(402, f"{AFFORD} afford 15.")).remedy is Remedy.STOP_OPERATOR


@pytest.mark.parametrize(
    ("headers", "metadata", "seconds"),
    [
        ({"Retry-After": "12"}, {}, 12),
        ({"retry-after": "1.5"}, {}, 1.5),
        ({"Retry-After": format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True)}, {}, 90),
        ({"Retry-After": format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True)}, {}, 0),
        ({}, {"retry_after_seconds": 30}, 30),
        ({}, {"headers": {"Retry-After": "120"}}, 120),
        ({"Retry-After": "12"}, {"headers": {"retry-after": "120"}, "retry_after_seconds": 30}, 12),
        ({"Retry-After": "soon"}, {"retry_after_seconds": 30}, 30),
        ({"Retry-After": "-5"}, {"retry_after_seconds": 30}, 30),
        ({"Retry-After": "99999999"}, {}, 86_400),
        ({"X-RateLimit-Reset": str(int((NOW + 20) * 1000))}, {}, 20),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], metadata: dict[str, Any], seconds: float) -> None:
    """The wait is read wherever OpenRouter puts it: header, date, metadata, repeated headers, reset time."""
    failure = reply(429, said(429, **metadata), headers)

    assert (failure.remedy, failure.retry_after_s) == (Remedy.WAIT, seconds)


def test_a_wait_is_told_only_where_it_helps() -> None:
    """A wait of unknown length has a default; a call that goes elsewhere waits for nothing."""
    in_flight = reply(402, said(402, limit_source="openrouter_in_flight_budget"))
    elsewhere = reply(404, said(404, retry_after_seconds=30))
    again = reply(502, said(502, retry_after_seconds=30))

    assert (in_flight.retry_after_s, elsewhere.retry_after_s, again.retry_after_s) == (5, None, 30)


@pytest.mark.parametrize(
    ("headers", "metadata"),
    [
        ({"X-RateLimit-Reset": str(int(MIDNIGHT * 1000))}, {}),
        ({}, {"headers": {"X-RateLimit-Reset": str(int(MIDNIGHT * 1000))}}),
        ({}, {"resets_at": "2025-11-23T00:00:00Z"}),
        ({}, {"resets_at": "2025-11-23T01:00:00+01:00"}),
        ({}, {"resets_at": MIDNIGHT}),
    ],
)
def test_when_a_limit_renews(headers: dict[str, str], metadata: dict[str, Any]) -> None:
    """The moment is read as epoch ms from a header or as a date from the error, and told in epoch seconds."""
    failure = reply(429, said(429, limit_source="openrouter_free_tier_daily", **metadata), headers)

    assert (failure.code, failure.resets_at) == ("free_tier_daily", MIDNIGHT)


def test_a_renewal_without_a_zone_is_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenRouter counts in UTC, wherever we run."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        failure = reply(403, said(403, limit_source="openrouter_key_limit", resets_at="2025-11-23T00:00:00"))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert failure.resets_at == MIDNIGHT


@pytest.mark.parametrize(
    "moment", ["never", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "", 1, 1e300]
)
def test_a_renewal_out_of_all_bounds_is_none(moment: Any) -> None:
    """A date that cannot be right is not shown to anyone."""
    assert reply(403, said(403, limit_source="openrouter_key_limit", resets_at=moment)).resets_at is None


def all_below(parent: type[Exception]) -> set[type[Exception]]:
    """Return every class below `parent`."""
    return {child for direct in parent.__subclasses__() for child in {direct, *all_below(direct)}}


CONCRETE = {c for c in all_below(httpx.RequestError) if c.__module__ == "httpx" and not c.__subclasses__()}


@pytest.mark.parametrize("broken", sorted(CONCRETE, key=str))
def test_every_exception_of_httpx_has_a_row_of_its_own(broken: type[httpx.RequestError]) -> None:
    """The transport table names every way in which httpx can fail, and none that does not exist."""
    row = TRANSPORT_TABLE[broken.__name__]

    failure = classify_transport(broken(f"Illegal header value {KEY}"))

    assert (failure.code, failure.remedy, failure.billed) == (row.code, row.remedy, row.billed)
    assert KEY not in f"{failure!r}"
    assert set(TRANSPORT_TABLE) == {c.__name__ for c in CONCRETE}


@pytest.mark.parametrize("broken", sorted(all_below(httpx.RequestError) - CONCRETE, key=str))
def test_an_exception_that_is_not_named_may_have_cost_money(broken: type[httpx.RequestError]) -> None:
    """A class between the named ones, or a new one, is answered with caution."""
    failure = classify_transport(broken("x"))

    assert (failure.remedy, failure.billed) == (Remedy.FALLBACK, Billed.UNKNOWN)


FAILED = classify_event(error_event(502), NOW)


@pytest.mark.parametrize(
    ("usage", "remedy", "billed", "cost_usd"),
    [
        (None, Remedy.RETRY, Billed.NO, None),
        (Usage(prompt_tokens=5, cost_usd=Decimal(0)), Remedy.RETRY, Billed.NO, None),
        (Usage(), Remedy.RETRY, Billed.NO, None),
        (Usage(prompt_tokens=5), Remedy.FALLBACK, Billed.UNKNOWN, None),
        (Usage(prompt_tokens=5, cost_usd=Decimal("0.1")), Remedy.FALLBACK, Billed.YES, Decimal("0.1")),
    ],
)
def test_usage_overrules_the_table(
    usage: Usage | None, remedy: Remedy, billed: Billed, cost_usd: Decimal | None
) -> None:
    """A failed stream that states a cost was billed, whatever the row says, and is not just repeated."""
    failure = priced(FAILED, usage)

    assert (failure.remedy, failure.billed, failure.cost_usd) == (remedy, billed, cost_usd)
