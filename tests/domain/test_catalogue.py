"""The catalogue: lists are read whatever is in them, and what a tier cannot bear is found."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from playground.openrouter.catalogue import models_page
from playground.openrouter.prices import price_list
from router.config import load_config
from router.domain.catalogue import described, flaws, listed, read_catalogue
from router.domain.ladder import Tier
from router.settings import CONFIG_BESIDE_HANDLER

NOW = 1_795_348_800.0

TIER = Tier(
    name="standard",
    models=("vendor/model",),
    max_price_prompt_usd=Decimal(2),
    max_price_completion_usd=Decimal(10),
    max_tokens=1000,
    max_prompt_tokens=90_000,
    reasoning_effort="low",
)

ENTRY: dict[str, Any] = {
    "id": "vendor/model",
    "pricing": {"prompt": "0.000002", "completion": "0.00001"},
    "context_length": 200_000,
    "top_provider": {"max_completion_tokens": 8000},
    "reasoning": {"mandatory": False, "supported_efforts": ["none", "low", "high"]},
}


def entry(pricing: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Make an entry of the list that differs by these."""
    return ENTRY | {"pricing": ENTRY["pricing"] | (pricing or {})} | changes


def found(raw: Any, tier: Tier = TIER) -> list[str]:
    """Return what speaks against a model."""
    (listing,) = read_catalogue([raw]).values()
    return [flaw.found for flaw in flaws(tier, listing)]


def test_a_model_at_its_cap() -> None:
    """A model that costs just what the tier bears is fine."""
    assert found(ENTRY) == []


def test_the_shipped_ladder_is_fine_by_the_price_list() -> None:
    """Every model of config.toml is listed and within its tier, in the playground's dated list."""
    catalogue = read_catalogue(models_page(price_list().values(), NOW)["data"])

    for tier in load_config(CONFIG_BESIDE_HANDLER).ladder.tiers:
        for model in tier.models:
            listing = listed(catalogue, model)
            assert listing is not None
            assert list(flaws(tier, listing)) == []


@pytest.mark.parametrize(
    ("pricing", "told"),
    [
        ({"prompt": "0.0000021"}, "costs $2.10 and $10.00 per million tokens; the caps are $2.00 and $10.00"),
        ({"completion": "0.0000101"}, "costs $2.00 and $10.10"),
        ({"internal_reasoning": "0.00002"}, "costs $2.00 and $20.00"),
        ({"input_cache_write": "0.0000026"}, "costs $2.60 per million prompt tokens that it caches"),
        ({"prompt": "-1", "completion": "-1"}, "has no price of its own"),
        ({"request": "0.01"}, "costs $0.010 for each call"),
        ({"overrides": [{"min_prompt_tokens": 90_000, "prompt": "0.000004"}]}, "prompts of 90,000 tokens"),
        ({"overrides": [{"utc_start": "08:00", "completion": "0.00002"}]}, "costs $2.00 and $20.00"),
    ],
)
def test_a_price_that_the_tier_cannot_bear(pricing: dict[str, Any], told: str) -> None:
    """Prompt, completion, thinking, caching, fees, steps and dear hours: each must fit what is set aside."""
    (said,) = found(entry(pricing))

    assert told in said


@pytest.mark.parametrize(
    "pricing",
    [
        {"input_cache_write": "0.0000025"},
        {"request": "0"},
        {"overrides": [{"min_prompt_tokens": 90_001, "prompt": "0.000004", "completion": "0.00004"}]},
        {"overrides": [{"min_prompt_tokens": 1, "prompt": "0.000001"}]},
        {"overrides": None},
        {"overrides": [7, {}, {"prompt": "?"}]},
    ],
)
def test_a_price_that_the_tier_bears(pricing: dict[str, Any]) -> None:
    """Caching within its surcharge and steps out of reach are no flaws; nonsense is passed over."""
    assert found(entry(pricing)) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"context_length": 90_999}, "takes 90,999 tokens; prompt and answer may have 91,000"),
        ({"top_provider": {"max_completion_tokens": 999}}, "answers with 999 tokens at most"),
    ],
)
def test_a_model_that_is_too_short(changes: dict[str, Any], told: str) -> None:
    """The longest prompt and answer have to fit."""
    (said,) = found(entry(**changes))

    assert told in said


@pytest.mark.parametrize("unknown", [None, 0, -5, "many", True, 1.5])
def test_a_length_that_is_not_told(unknown: Any) -> None:
    """Where OpenRouter does not say, nothing is held against the model."""
    raw = entry(context_length=unknown, top_provider={"max_completion_tokens": unknown})

    assert found(raw) == []


def test_an_effort_that_is_refused() -> None:
    """A model that has to reason refuses to be told not to."""
    tier = replace(TIER, reasoning_effort="none")
    raw = entry(reasoning={"mandatory": True, "supported_efforts": ["low"]})

    assert found(raw, tier) == ["refuses reasoning_effort 'none'"]
    assert found(raw) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "$2.00 and $10.00 per million tokens; takes 200,000 tokens"),
        ({"reasoning": {"mandatory": True, "supported_efforts": ["low"]}}, "; refuses effort none"),
        (
            {"reasoning": {"supported_efforts": ["none", "high"]}},
            "; effort low becomes the nearest of none, high",
        ),
        ({"reasoning": None}, "; effort low is not listed"),
        ({"expiration_date": "2027-01-01T00:00:00Z"}, "; leaves OpenRouter on 2027-01-01"),
    ],
)
def test_a_model_in_a_line(changes: dict[str, Any], told: str) -> None:
    """Price, length, and what one should know of its reasoning and its end."""
    (listing,) = read_catalogue([entry(**changes)]).values()

    assert described(TIER, listing).endswith(told)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        {},
        "models",
        [None, 7, [], "vendor/model"],
        [{"id": "vendor/model"}],
        [entry({"prompt": None})],
        [entry({"prompt": "NaN"})],
        [entry({"completion": True})],
        [entry(id=7)],
        [entry(id="")],
        [entry(id="vendor/\x1b[2J")],
        [ENTRY | {"pricing": "free"}],
    ],
)
def test_what_is_no_entry_is_not_listed(raw: Any) -> None:
    """A list of anything is read; what names no model or no price is as good as not there."""
    entries = [e for e in raw if isinstance(e, dict)] if isinstance(raw, list) else raw

    assert read_catalogue(raw) == read_catalogue(entries) == {}


def test_a_variant_is_listed_as_its_model() -> None:
    """`:nitro` and the like choose a provider, `:free` is a model of its own."""
    catalogue = read_catalogue([ENTRY])

    assert listed(catalogue, "vendor/model:nitro") is catalogue["vendor/model"]
    assert listed(catalogue, "vendor/model:free") is None
