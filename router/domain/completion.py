"""A completion: one call to a model, what came of it and what it cost.

Keeps the promise that money is read exactly and nothing absurd is believed: a cost that cannot be right
is no cost, with an oddity that says so. How a call travels and what its errors mean is the adapters' matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from router.domain.ladder import MAX_MODELS
from router.domain.money import parse_usd

if TYPE_CHECKING:
    from collections.abc import Mapping

ABSURD_COST_USD = Decimal(1000)
"""Far above any call: at 20 USD per million completion tokens it would take fifty million of them."""

MOST_TOKENS = 1_000_000_000
"""A count above it is no count: the largest context windows hold a few million tokens."""

LONGEST_NAME = 200
"""Model and provider names are far shorter; a longer one is cut before it reaches a table or a footer."""


class Finish(StrEnum):
    """Why a completion ended."""

    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"
    """An error came after text had been shown."""
    CUT = "cut"
    """The connection ended before the model did."""
    DEADLINE = "deadline"
    STOPPED = "stopped"
    """Our caller asked for it."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a model.

    `models` stand in fallback order, one to three. The prices are caps in USD per million tokens. `user` is a
    hash. `metadata` is shown on OpenRouter's pages, so it must not say more than they may know.
    """

    models: tuple[str, ...]
    messages: tuple[Mapping[str, Any], ...]
    max_tokens: int
    max_price_prompt_usd: Decimal
    max_price_completion_usd: Decimal
    reasoning_effort: str | None = None
    user: str = ""
    session_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    allow_data_collection: bool = False

    def __post_init__(self) -> None:
        """Refuse what OpenRouter would refuse, before it costs a round trip."""
        if not 1 <= len(self.models) <= MAX_MODELS:
            raise ValueError(f"models: one to {MAX_MODELS}, not {len(self.models)}")
        if self.max_tokens < 1:
            raise ValueError(f"max_tokens: at least 1, not {self.max_tokens}")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, as the provider counts. `cost_usd` is None when it was not given or cannot be right."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: Decimal | None = None


NOTHING_USED = Usage(cost_usd=Decimal(0))
"""The usage of a call that was never sent."""


@dataclass(frozen=True, slots=True)
class Completion:
    """How a call ended. Its text was handed out as it came.

    `generation_id`, `model` and `provider` are empty when unknown; `usage` is None when unknown.
    `oddities` are short codes for what was wrong in the reply.
    """

    generation_id: str
    model: str
    provider: str
    finish: Finish
    usage: Usage | None
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenerationCost:
    """What OpenRouter's records say of a past call."""

    generation_id: str
    model: str
    provider: str
    usage: Usage
    oddities: tuple[str, ...] = ()


def exact_json(text: str) -> Any:
    """Read JSON with every number exact; None when it is not JSON that can be read."""
    try:
        return json.loads(text, parse_float=_exact, parse_constant=_exact)
    except (ValueError, RecursionError):
        return None


def _exact(number: str) -> Decimal:
    try:
        return Decimal(number)
    except InvalidOperation:  # an exponent beyond all bounds
        return Decimal("NaN")


def read_usage(raw: Any) -> tuple[Usage | None, tuple[str, ...]]:
    """Read a reply's `usage`, with the oddities found in it; None when there is none.

    With a key of the operator's own at the provider (`is_byok`), `cost` is OpenRouter's fee alone and the
    provider's bill comes on top: https://openrouter.ai/docs/use-cases/usage-accounting.
    """
    if not isinstance(raw, dict):
        return None, ()
    reader = _Reader(raw)
    prompt = _Reader(raw.get("prompt_tokens_details"), reader.oddities)
    completion = _Reader(raw.get("completion_tokens_details"), reader.oddities)
    bill = _Reader(raw.get("cost_details"), reader.oddities)
    usage = Usage(
        prompt_tokens=reader.tokens("prompt_tokens"),
        completion_tokens=reader.tokens("completion_tokens"),
        reasoning_tokens=completion.tokens("reasoning_tokens"),
        cached_tokens=prompt.tokens("cached_tokens"),
        cache_write_tokens=prompt.tokens("cache_write_tokens"),
        cost_usd=_cost_usd(reader, "cost", bill),
    )
    return usage, _oddities(reader, usage)


def read_generation(raw: Any) -> GenerationCost | None:
    """Read a record of https://openrouter.ai/docs/api-reference/get-a-generation; None if it is none."""
    if not isinstance(raw, dict):
        return None
    reader = _Reader(raw)
    usage = Usage(
        prompt_tokens=reader.tokens("native_tokens_prompt"),
        completion_tokens=reader.tokens("native_tokens_completion"),
        reasoning_tokens=reader.tokens("native_tokens_reasoning"),
        cached_tokens=reader.tokens("native_tokens_cached"),
        cost_usd=_cost_usd(reader, "total_cost", reader),
    )
    return GenerationCost(
        generation_id=read_name(raw.get("id")),
        model=read_name(raw.get("model")),
        provider=read_name(raw.get("provider_name")),
        usage=usage,
        oddities=_oddities(reader, usage),
    )


def read_name(value: Any) -> str:
    """Read the name of a model or a provider; empty unless it is printable text, and never long."""
    return value[:LONGEST_NAME] if isinstance(value, str) and value.isprintable() else ""


class _Reader:
    """Reads fields of one JSON object and keeps what was odd about them."""

    def __init__(self, raw: Any, oddities: list[str] | None = None) -> None:
        self.raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        self.oddities = [] if oddities is None else oddities

    def tokens(self, name: str) -> int:
        value = self.raw.get(name)
        if value is None:
            return 0
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
            return value
        self.oddities.append("bad_token_count")
        return 0

    def amount_usd(self, name: str, when_missing: str) -> Decimal | None:
        value = self.raw.get(name)
        amount = parse_usd(value)
        if amount is not None and 0 <= amount <= ABSURD_COST_USD:
            return amount.copy_abs()  # there is a minus zero
        self.oddities.append(_wrong_with(value, amount, when_missing))
        return None


def _wrong_with(value: Any, amount: Decimal | None, when_missing: str) -> str:
    if value is None:
        return when_missing
    if amount is None:
        return "unreadable_cost"
    return "negative_cost" if amount < 0 else "absurd_cost"


def _cost_usd(reader: _Reader, name: str, bill: _Reader) -> Decimal | None:
    cost = reader.amount_usd(name, "no_cost")
    if cost is None or reader.raw.get("is_byok") is not True:
        return cost
    upstream = bill.amount_usd("upstream_inference_cost", "no_upstream_cost")
    return None if upstream is None else cost + upstream


def _oddities(reader: _Reader, usage: Usage) -> tuple[str, ...]:
    if usage.cost_usd and not (usage.prompt_tokens or usage.completion_tokens):
        reader.oddities.append("cost_without_tokens")
    return tuple(dict.fromkeys(reader.oddities))
