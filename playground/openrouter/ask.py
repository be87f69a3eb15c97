"""Ask: the body of a chat completion, read and held against the limits that OpenRouter checks by itself.

Most of these limits are documented at https://openrouter.ai/docs/api-reference/chat-completion; the cap of
three models is not, but enforced. Raises Refused with the reply that says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from playground.openrouter import refusals, tokens
from playground.openrouter.prices import EFFORTS, base_id
from playground.openrouter.refusals import Refused

MOST_MODELS = 3
MOST_METADATA = 16
LONGEST_METADATA_KEY = 64
LONGEST_METADATA_VALUE = 512
LONGEST_SESSION_ID = 256
LEAST_THINKING_BUDGET = 1024
"""Anthropic's least `reasoning.max_tokens`; it must also leave room for the answer."""

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})

OPTIONAL_PARAMETERS = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "tools",
        "tool_choice",
        "response_format",
        "reasoning",
    }
)
"""What `provider.require_parameters` looks at."""


@dataclass(frozen=True, slots=True)
class MaxPrice:
    """The dearest acceptable prices; tokens in USD per million, the fee per request in USD."""

    prompt: Decimal | None = None
    completion: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a call asks for. `effort` None leaves it to the model; `max_tokens` None is the model's most."""

    body: dict[str, Any]
    models: tuple[str, ...]
    messages: list[dict[str, Any]]
    prompt_tokens: int
    max_tokens: int | None
    stream: bool
    effort: str | None
    thinking_budget: int | None
    hides_thinking: bool
    max_price: MaxPrice
    denies_training: bool
    required_parameters: frozenset[str]
    opts_into_cache: bool

    @property
    def has_images(self) -> bool:
        """Whether a message holds an image."""
        return any(tokens.image_urls(m.get("content")) for m in self.messages)


def read_ask(raw: bytes, headers: dict[str, str], known: Container[str]) -> Ask:
    """Read a request. `known` are the ids of the models that exist, without dynamic variants."""
    body = _object(raw)
    models = _models(body, known)
    messages = _messages(body)
    _check_labels(body, headers)
    effort, budget = _reasoning(body)
    provider = _optional(body, "provider", dict, "object") or {}
    return Ask(
        body=body,
        models=models,
        messages=messages,
        prompt_tokens=tokens.prompt_tokens(messages),
        max_tokens=_positive(body, "max_tokens") or _positive(body, "max_completion_tokens"),
        stream=bool(_optional(body, "stream", bool, "boolean")),
        effort=effort,
        thinking_budget=budget,
        hides_thinking=bool((body.get("reasoning") or {}).get("exclude")),
        max_price=_max_price(provider),
        denies_training=provider.get("data_collection") == "deny",
        required_parameters=_required(provider, body),
        opts_into_cache="cache_control" in body or any(map(_is_cached, messages)),
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise Refused(refusals.malformed((), "object")) from e
    if not isinstance(body, dict):
        raise Refused(refusals.malformed((), "object"))
    return body


def _optional(body: dict[str, Any], name: str, kind: type | tuple[type, ...], expected: str) -> Any:
    """Return a field that may be absent or null, or else must be of this kind."""
    value = body.get(name)
    if value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
        return value
    raise Refused(refusals.malformed((name,), expected))


def _models(body: dict[str, Any], known: Container[str]) -> tuple[str, ...]:
    model = _optional(body, "model", str, "string")
    fallbacks = _optional(body, "models", list, "array") or []
    if any(not isinstance(m, str) for m in fallbacks):
        raise Refused(refusals.malformed(("models",), "array of strings"))
    if len(fallbacks) > MOST_MODELS:
        raise Refused(refusals.bad_request(f"'models' array must have {MOST_MODELS} items or fewer."))
    wanted = tuple(dict.fromkeys([model, *fallbacks] if model else fallbacks))
    if not wanted:
        raise Refused(refusals.bad_request("No models provided"))
    for model_id in wanted:
        if base_id(model_id) not in known:
            raise Refused(refusals.unknown_model(model_id))
    return wanted


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = _optional(body, "messages", list, "array")
    if not messages:
        raise Refused(refusals.bad_request('Input required: specify "prompt" or "messages"'))
    for at, message in enumerate(messages):
        if not isinstance(message, dict):
            raise Refused(refusals.malformed(("messages", at), "object"))
        if message.get("role") not in ROLES:
            raise Refused(refusals.malformed(("messages", at, "role"), " | ".join(sorted(ROLES))))
        if not isinstance(message.get("content"), str | list | None):
            raise Refused(refusals.malformed(("messages", at, "content"), "string | array"))
    return list(messages)


def _is_cached(message: dict[str, Any]) -> bool:
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return any(isinstance(part, dict) and "cache_control" in part for part in (message, *parts))


def _check_labels(body: dict[str, Any], headers: dict[str, str]) -> None:
    """Check what only labels the call: user, session, metadata."""
    _optional(body, "user", str, "string")
    session = _optional(body, "session_id", str, "string") or headers.get("x-session-id", "")
    if len(session) > LONGEST_SESSION_ID:
        raise Refused(refusals.bad_request(f"session_id must be {LONGEST_SESSION_ID} characters or fewer"))
    metadata = _optional(body, "metadata", dict, "object") or {}
    if len(metadata) > MOST_METADATA:
        raise Refused(refusals.bad_request(f"metadata must have {MOST_METADATA} pairs or fewer"))
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise Refused(refusals.malformed(("metadata", key), "string"))
        if len(key) > LONGEST_METADATA_KEY or len(value) > LONGEST_METADATA_VALUE:
            raise Refused(refusals.bad_request(f"metadata key or value is too long: {key[:80]}"))


def _positive(body: dict[str, Any], name: str) -> int | None:
    value: int | None = _optional(body, name, int, "integer")
    if value is not None and value < 1:
        raise Refused(refusals.bad_request(f"{name} must be at least 1"))
    return value


def _reasoning(body: dict[str, Any]) -> tuple[str | None, int | None]:
    """Return effort and thinking budget; "none" stands for every way of switching it off."""
    reasoning = _optional(body, "reasoning", dict, "object") or {}
    effort = reasoning.get("effort") or body.get("reasoning_effort")
    budget = _positive(reasoning, "max_tokens")
    if effort is not None and effort not in EFFORTS:
        raise Refused(refusals.malformed(("reasoning", "effort"), " | ".join(EFFORTS)))
    if effort is not None and budget is not None:
        raise Refused(
            refusals.bad_request('Only one of "reasoning.effort" and "reasoning.max_tokens" may be given')
        )
    if effort is None and reasoning.get("enabled") is False:
        return "none", None
    if effort is None and (reasoning.get("enabled") or budget is not None):
        return "medium", budget
    return effort, budget


def _max_price(provider: dict[str, Any]) -> MaxPrice:
    given = _optional(provider, "max_price", dict, "object") or {}
    return MaxPrice(prompt=_price(given, "prompt"), completion=_price(given, "completion"))


def _price(given: dict[str, Any], name: str) -> Decimal | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        price = Decimal(str(value))
    except InvalidOperation as e:
        raise Refused(refusals.malformed(("provider", "max_price", name), "number")) from e
    if isinstance(value, bool) or not price.is_finite() or price < 0:
        raise Refused(refusals.malformed(("provider", "max_price", name), "number"))
    return price


def _required(provider: dict[str, Any], body: dict[str, Any]) -> frozenset[str]:
    if provider.get("require_parameters") is not True:
        return frozenset()
    return frozenset(name for name in OPTIONAL_PARAMETERS if body.get(name) is not None)
