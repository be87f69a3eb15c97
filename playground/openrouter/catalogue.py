"""Catalogue: the price list as GET /models writes it, prices as strings in USD per token."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from playground.openrouter.prices import Model, Rate, listed_at
from playground.openrouter.routing import SUPPORTED_PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterable


def models_page(models: Iterable[Model], now: float) -> dict[str, Any]:
    """Write the whole list, which always fits one page."""
    entries = [model_entry(model, now) for model in models]
    return {"data": entries, "total_count": len(entries), "links": {"next": None}}


def model_entry(model: Model, now: float) -> dict[str, Any]:
    """Write one model with its prices as they are at `now`."""
    inputs = ["text", "image"] if model.reads_images else ["text"]
    return {
        "id": model.id,
        "canonical_slug": model.id.removesuffix(":free"),
        "name": model.name,
        "created": listed_at(),
        "description": "",
        "context_length": model.context,
        "architecture": {
            "modality": f"{'+'.join(inputs)}->text",
            "input_modalities": inputs,
            "output_modalities": ["text"],
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": _pricing(model.rates_at(now)),
        "top_provider": {
            "context_length": model.context,
            "max_completion_tokens": model.max_output,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": list(SUPPORTED_PARAMETERS),
        "default_parameters": None,
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": None,
        "reasoning": {
            "mandatory": model.reasoning_mandatory,
            "default_enabled": model.reasoning_mandatory,
            "supported_efforts": list(model.efforts),
            "supports_max_tokens": model.vendor == "anthropic",
        },
        "links": {"details": f"/api/v1/models/{model.id}/endpoints"},
    }


def _pricing(rates: tuple[Rate, ...]) -> dict[str, Any]:
    base, *steps = rates
    prices: dict[str, Any] = _tokens(base)
    if steps:
        prices["overrides"] = [{"min_prompt_tokens": s.above + 1, **_tokens(s)} for s in steps]
    return prices


def _tokens(rate: Rate) -> dict[str, str]:
    prices = {"prompt": _text(rate.prompt_usd), "completion": _text(rate.completion_usd)}
    if rate.cache_write_usd is not None:
        prices["input_cache_write"] = _text(rate.cache_write_usd)
    return prices


def _text(price_usd: Decimal) -> str:
    return format(price_usd.normalize(), "f")
