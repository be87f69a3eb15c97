"""Refusals: every reply by which OpenRouter does not answer, with the body that it really sends.

The statuses, limit sources and availability codes are those of
https://openrouter.ai/docs/api-reference/errors; each function is one of them. None is billed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.openrouter.wire import to_json

JSON = "application/json"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON


class Refused(Exception):  # noqa: N818 - reads as the outcome it is
    """OpenRouter will not do this; `reply` says why."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body.decode())
        self.reply = reply


def error(
    status: int,
    message: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    availability: Mapping[str, Any] | None = None,
    http_status: int | None = None,
) -> Reply:
    """Make any error reply; `http_status` differs from the code inside only for errors within a 200."""
    inner: dict[str, Any] = {"message": message, "code": status}
    if metadata is not None:
        inner["metadata"] = dict(metadata)
    if availability is not None:
        inner["availability"] = dict(availability)
    fields = tuple((headers or {}).items())
    return Reply(http_status or status, to_json({"error": inner, "user_id": "user_playground"}), fields)


# 400


def bad_request(message: str) -> Reply:
    """400: the request cannot work as it is."""
    return error(400, message, metadata={"error_type": "invalid_request"})


def malformed(path: tuple[str | int, ...], expected: str) -> Reply:
    """400 as OpenRouter's schema check words it: no `error.code`, the problem as JSON inside a string."""
    issue = {"code": "invalid_type", "expected": expected, "path": list(path), "message": "Invalid input"}
    return Reply(
        400, to_json({"success": False, "error": {"name": "ZodError", "message": json.dumps([issue])}})
    )


def unknown_model(model_id: str) -> Reply:
    """400: one id of the request, wherever it stands, names no model."""
    return bad_request(f"{model_id} is not a valid model ID")


def reasoning_mandatory() -> Reply:
    """400: the model cannot be asked not to think."""
    return bad_request("Reasoning is mandatory for this endpoint and cannot be disabled.")


def context_exceeded(context: int, prompt_tokens: int, completion_tokens: int) -> Reply:
    """400: prompt and the longest answer together do not fit the model."""
    total = prompt_tokens + completion_tokens
    return error(
        400,
        f"This endpoint's maximum context length is {context} tokens. However, you requested about {total} "
        f"tokens ({prompt_tokens} of text input, {completion_tokens} in the output). Please reduce the "
        "length of either one.",
        metadata={"error_type": "context_length_exceeded"},
    )


# 401, 402, 403


def no_key() -> Reply:
    """401: no key was sent."""
    return error(401, "No auth credentials found", metadata={"error_type": "authentication"})


def bad_key() -> Reply:
    """401: the key is unknown or disabled."""
    return error(401, "User not found.", metadata={"error_type": "authentication"})


def out_of_credits() -> Reply:
    """402: the account's credits are gone."""
    return _unpaid("Insufficient credits. Add more at https://openrouter.ai/settings/credits", "credits")


def can_only_afford(requested: int, affordable: int) -> Reply:
    """402: the credits would pay for a shorter answer."""
    return _unpaid(
        f"This request requires more credits, or fewer max_tokens. You requested up to {requested} tokens, "
        f"but can only afford {affordable}. To increase, visit https://openrouter.ai/settings/credits and "
        "add more credits",
        "credits",
    )


def key_limit_reached() -> Reply:
    """402: this key's own limit is reached."""
    return _unpaid("Key limit exceeded. Manage it at https://openrouter.ai/settings/keys", "key_limit")


def in_flight_budget(retry_after_s: int) -> Reply:
    """402 that passes: a low balance is reserved by calls that are under way."""
    return error(
        402,
        "Too many requests in flight for the remaining balance.",
        metadata={
            "error_type": "payment_required",
            "limit_source": "openrouter_in_flight_budget",
            "retry_after_seconds": retry_after_s,
        },
        headers={"Retry-After": str(retry_after_s)},
    )


def moderated(reasons: tuple[str, ...] = ("violence",), flagged: str = "…", model: str = "") -> Reply:
    """403: the model's moderation flagged the input."""
    metadata = {"error_type": "content_policy_violation", "reasons": list(reasons), "flagged_input": flagged}
    return error(
        403,
        f'{model or "This model"} requires moderation. Your input was flagged for "{reasons[0]}".',
        metadata={**metadata, "provider_name": "OpenAI", "model_slug": model},
    )


def guardrail_blocked(patterns: tuple[str, ...] = ("credit card",)) -> Reply:
    """403: a content guardrail of the account blocked the input."""
    return error(
        403,
        "Request blocked by a guardrail",
        metadata={"error_type": "permission_denied", "reason": "guardrail_block", "patterns": list(patterns)},
    )


def region_blocked() -> Reply:
    """403: the provider does not serve this region."""
    return error(
        403,
        "Country, region, or territory not supported",
        metadata={"error_type": "permission_denied", "reason": "unsupported_region"},
    )


def harness_only() -> Reply:
    """403: this free model answers only calls from named coding tools."""
    return error(
        403,
        "This free model is only available from supported harnesses",
        metadata={"error_type": "permission_denied", "reason": "harness_only"},
    )


def budget_wall(
    source: str = "openrouter_guardrail_budget",
    limit_usd: str = "10",
    spend_usd: str = "10.02",
    resets_at: str | None = "2026-12-01T00:00:00Z",
) -> Reply:
    """403: a budget kept at OpenRouter is used up.

    `source` may also be `openrouter_workspace_budget` or `openrouter_key_limit`.
    """
    metadata = {"error_type": "permission_denied", "limit_source": source, "resets_at": resets_at}
    spent = {"limit_usd": float(limit_usd), "spend_usd": float(spend_usd)}
    return error(403, "Budget limit exceeded", metadata=metadata | spent)


# 404


def unavailable(code: str, message: str = "", retry_after_s: int | None = None) -> Reply:
    """404: no endpoint serves this.

    `code` is no_endpoints, model_deprecated, privacy_restricted, constraint_filtered or free_variant_ended.
    """
    availability = {"code": code, "retryable": retry_after_s is not None, "retry_after": retry_after_s}
    return error(
        404,
        message or "No endpoints found that can serve this request.",
        metadata={"error_type": "not_found"},
        availability=availability,
    )


def no_such_generation(generation_id: str) -> Reply:
    """404 of GET /generation: unknown, or not yet known."""
    return error(404, f"Generation {generation_id} not found")


# 408, 413, 422


def request_timeout() -> Reply:
    """408: OpenRouter gave up waiting."""
    return error(408, "Request timed out", metadata={"error_type": "timeout"})


def too_large() -> Reply:
    """413: the body is too large."""
    return error(413, "Payload too large", metadata={"error_type": "payload_too_large"})


def unprocessable() -> Reply:
    """422: understood, and refused by the provider."""
    return error(422, "Unprocessable request", metadata={"error_type": "unprocessable"})


# 429


def free_daily_limit(resets_at_ms: int) -> Reply:
    """429: the account's free calls of this day are used up; the reset is in epoch milliseconds."""
    headers = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(resets_at_ms),
    }
    return error(
        429,
        "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
        metadata={
            "error_type": "rate_limit_exceeded",
            "limit_source": "openrouter_free_tier_daily",
            "headers": headers,
        },
        headers=headers,
    )


def shared_pool_limit(retry_after_s: int | None = None, model: str = "The model") -> Reply:
    """429: the provider's capacity for all of OpenRouter is used up for the moment."""
    metadata = {
        "error_type": "rate_limit_exceeded",
        "limit_source": "upstream_provider_shared_pool",
        "raw": f"{model} is temporarily rate-limited upstream",
        "retry_after_seconds": retry_after_s,
    }
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    known = {name: value for name, value in metadata.items() if value is not None}
    return error(429, "Provider returned error", metadata=known, headers=headers)


# 499 and above


def client_closed() -> Reply:
    """499: OpenRouter believes that the client hung up."""
    return error(499, "Client closed request")


def internal_error() -> Reply:
    """500: masked."""
    return error(500, "Internal Server Error", metadata={"error_type": "server"})


def provider_down() -> Reply:
    """502: the provider failed."""
    return error(
        502,
        "Provider returned error",
        metadata={"error_type": "provider_unavailable", "provider_name": "OpenAI", "raw": "upstream failed"},
    )


def bad_gateway_page() -> Reply:
    """502 from the edge: a page, no JSON."""
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    return Reply(502, page, media_type=HTML)


def none_available(retry_after_s: int | None = None) -> Reply:
    """503: no provider is up."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return error(
        503, "No available provider", metadata={"error_type": "provider_unavailable"}, headers=headers
    )


def gateway_timeout() -> Reply:
    """504: the provider did not answer in time."""
    return error(504, "Gateway timeout", metadata={"error_type": "timeout"})


def edge_timeout() -> Reply:
    """524: the edge did not hear from OpenRouter in time."""
    return error(524, "A timeout occurred", metadata={"error_type": "timeout"})


def overloaded() -> Reply:
    """529: the provider is overloaded."""
    return error(529, "Provider overloaded", metadata={"error_type": "provider_overloaded"})


# inside a 200


def error_in_200(code: int = 502, message: str = "Provider returned error") -> Reply:
    """HTTP 200 whose body is only an error."""
    return error(code, message, metadata={"error_type": "provider_unavailable"}, http_status=200)


def _unpaid(message: str, source: str) -> Reply:
    return error(
        402, message, metadata={"error_type": "payment_required", "limit_source": f"openrouter_{source}"}
    )
