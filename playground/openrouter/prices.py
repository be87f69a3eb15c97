"""The price list: what each model can do and what its tokens cost, from `prices.json`.

Prices are USD per million tokens in the file and in max_price, USD per token everywhere else. The list is
dated; a price that is announced to change changes on its day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

PRICE_LIST = Path(__file__).resolve().parent.parent / "prices.json"

PER_MILLION = Decimal("0.000001")

CACHE_WRITE_FROM_TOKENS = 1024
"""Shorter prompts are not cached (https://openrouter.ai/docs/features/prompt-caching)."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From least to most; an effort that a model lacks is mapped to the nearest one that it has."""

DYNAMIC_VARIANTS = (":nitro", ":floor", ":exacto")
"""Suffixes that only change how a provider is picked; the model is the same."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one token costs, in USD, for prompts of more than `above` tokens."""

    prompt_usd: Decimal
    completion_usd: Decimal
    cache_write_usd: Decimal | None = None
    above: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the list; `rates` rise by `above`, and each of `later` replaces them from its day on."""

    id: str
    name: str
    context: int
    max_output: int
    rates: tuple[Rate, ...]
    later: tuple[tuple[float, Rate], ...]
    writes_cache_unasked: bool
    reasoning_mandatory: bool
    efforts: tuple[str, ...]
    reads_images: bool
    aborts_stop_billing: bool

    @property
    def vendor(self) -> str:
        """What stands before the slash; the list knows one provider for each model, its vendor."""
        return self.id.partition("/")[0]

    @property
    def is_free(self) -> bool:
        """Whether it is a `:free` variant, whose generations are never looked up."""
        return self.id.endswith(":free")

    def rates_at(self, now: float) -> tuple[Rate, ...]:
        """Return the base rate and its steps as they are at `now`."""
        due = [rate for starts, rate in self.later if starts <= now]
        return (due[-1],) if due else self.rates

    def rate(self, prompt_tokens: int, now: float) -> Rate:
        """Return the one rate that a prompt of this length is billed at, all of its tokens alike."""
        return [rate for rate in self.rates_at(now) if prompt_tokens > rate.above or not rate.above][-1]

    def nearest_effort(self, effort: str) -> str:
        """Map an effort to the nearest one that the model has; the lesser of two as near."""
        wanted = EFFORTS.index(effort)
        return min(self.efforts, key=lambda e: (abs(EFFORTS.index(e) - wanted), EFFORTS.index(e)))


@cache
def price_list() -> dict[str, Model]:
    """Return every model of the list by its id, in the list's order."""
    document = json.loads(PRICE_LIST.read_text(encoding="utf-8"))
    return {entry["id"]: _model(entry) for entry in document["models"]}


@cache
def listed_at() -> int:
    """Return the day of the list in epoch seconds; it stands in for the models' unknown birthdays."""
    return int(_midnight(json.loads(PRICE_LIST.read_text(encoding="utf-8"))["as_of"]))


def base_id(model_id: str) -> str:
    """Return the id without a dynamic variant."""
    for variant in DYNAMIC_VARIANTS:
        model_id = model_id.removesuffix(variant)
    return model_id


def _model(entry: dict[str, Any]) -> Model:
    return Model(
        id=entry["id"],
        name=entry["name"],
        context=entry["context"],
        max_output=entry["max_output"],
        rates=(_rate(entry), *(_rate(step) for step in entry.get("steps", ()))),
        later=tuple((_midnight(change["from"]), _rate(change)) for change in entry.get("later", ())),
        writes_cache_unasked=entry.get("writes_cache_unasked", False),
        reasoning_mandatory=entry["reasoning_mandatory"],
        efforts=tuple(entry["efforts"]),
        reads_images=entry["reads_images"],
        aborts_stop_billing=entry["aborts_stop_billing"],
    )


def _rate(entry: dict[str, Any]) -> Rate:
    write = entry.get("cache_write")
    return Rate(
        prompt_usd=Decimal(entry["prompt"]) * PER_MILLION,
        completion_usd=Decimal(entry["completion"]) * PER_MILLION,
        cache_write_usd=None if write is None else Decimal(write) * PER_MILLION,
        above=entry.get("above", 0),
    )


def _midnight(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
