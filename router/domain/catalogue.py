"""The catalogue: what OpenRouter lists of its models, and whether a tier may call one without a surprise.

Listed is the price of the provider that OpenRouter prefers. What bounds a bill is the tier's cap, so a model
that is listed above it would find no provider, or cost more than was set aside.
Source: https://openrouter.ai/docs/api-reference/list-available-models
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router.domain.completion import read_name
from router.domain.estimate import CACHE_WRITE_SURCHARGE
from router.domain.ladder import Tier
from router.domain.money import parse_usd, show_usd

VARIANTS = (":nitro", ":floor", ":exacto")
"""Endings that change how a provider is picked; the model is listed without them."""

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens, for prompts of `from_tokens` and more; reasoning is part of the completion."""

    prompt_usd: Decimal
    completion_usd: Decimal
    cache_write_usd: Decimal
    from_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed of one model. `prices` begin with the usual one; what is not told is None or empty."""

    model: str
    prices: tuple[Price, ...]
    fee_usd: Decimal
    """For each call, whatever its length."""
    context_tokens: int | None
    max_tokens: int | None
    efforts: tuple[str, ...]
    must_reason: bool
    leaves_on: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a tier should not name a model, and what would be right."""

    found: str
    remedy: str


def read_catalogue(raw: Any) -> dict[str, Listing]:
    """Read the list of models by their ids; what cannot be read is not in it."""
    entries = raw if isinstance(raw, list) else []
    found = (_listing(entry) for entry in entries if isinstance(entry, dict))
    return {listing.model: listing for listing in found if listing}


def listed(catalogue: Mapping[str, Listing], model: str) -> Listing | None:
    """Find a model as a tier names it."""
    for variant in VARIANTS:
        model = model.removesuffix(variant)
    return catalogue.get(model)


def _listing(entry: dict[str, Any]) -> Listing | None:
    model, pricing = read_name(entry.get("id")), _object(entry.get("pricing"))
    usual = _price(pricing, {})
    if not model or usual is None:
        return None
    reasoning = _object(entry.get("reasoning"))
    efforts = reasoning.get("supported_efforts")
    return Listing(
        model=model,
        prices=(usual, *_overrides(pricing)),
        fee_usd=parse_usd(pricing.get("request")) or Decimal(0),
        context_tokens=_count(entry.get("context_length")),
        max_tokens=_count(_object(entry.get("top_provider")).get("max_completion_tokens")),
        efforts=tuple(read_name(e) for e in efforts) if isinstance(efforts, list) else (),
        must_reason=reasoning.get("mandatory") is True,
        leaves_on=read_name(entry.get("expiration_date"))[:10],
    )


def _overrides(pricing: dict[str, Any]) -> Iterator[Price]:
    """Yield the prices of long prompts, and of certain hours: those count as if they were always due."""
    overrides = pricing.get("overrides")
    for override in overrides if isinstance(overrides, list) else []:
        if isinstance(override, dict) and (price := _price(override, pricing)):
            yield price


def _price(raw: dict[str, Any], otherwise: dict[str, Any]) -> Price | None:
    def per_million(name: str) -> Decimal | None:
        amount = parse_usd(raw.get(name, otherwise.get(name)))
        return None if amount is None else amount * _MILLION

    prompt, completion = per_million("prompt"), per_million("completion")
    if prompt is None or completion is None:
        return None
    return Price(
        prompt_usd=prompt,
        completion_usd=max(completion, per_million("internal_reasoning") or completion),
        cache_write_usd=max(prompt, per_million("input_cache_write") or prompt),
        from_tokens=_count(raw.get("min_prompt_tokens")) or 0,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def flaws(tier: Tier, listing: Listing) -> Iterator[Flaw]:
    """Yield what speaks against calling the model from `tier`."""
    yield from _flaws_of_price(tier, listing)
    yield from _flaws_of_length(tier, listing)
    if listing.must_reason and tier.reasoning_effort == "none":
        yield Flaw("refuses reasoning_effort 'none'", f"set another in tier {tier.name!r}, or none at all")


def _flaws_of_price(tier: Tier, listing: Listing) -> Iterator[Flaw]:
    if any(min(price.prompt_usd, price.completion_usd) < 0 for price in listing.prices):
        yield Flaw("has no price of its own", f"name a model in tier {tier.name!r} that has one")
        return
    if listing.fee_usd > 0:
        fee = f"costs {show_usd(listing.fee_usd)} for each call beside its tokens, which is never set aside"
        yield Flaw(fee, f"take it out of tier {tier.name!r}")
    for price in listing.prices:
        if price.from_tokens <= tier.max_prompt_tokens:
            yield from _flaws_of(price, tier)


def _flaws_of(price: Price, tier: Tier) -> Iterator[Flaw]:
    remedy = f"raise max_price of tier {tier.name!r}, or take the model out of it"
    where = ""
    if price.from_tokens:
        where = f" for prompts of {price.from_tokens:,} tokens and more"
        remedy = f"lower max_prompt_tokens of tier {tier.name!r} below {price.from_tokens:,}, or {remedy}"
    set_aside = CACHE_WRITE_SURCHARGE * tier.max_price_prompt_usd
    if price.prompt_usd > tier.max_price_prompt_usd or price.completion_usd > tier.max_price_completion_usd:
        asked = f"{show_usd(price.prompt_usd)} and {show_usd(price.completion_usd)}"
        caps = f"{show_usd(tier.max_price_prompt_usd)} and {show_usd(tier.max_price_completion_usd)}"
        yield Flaw(f"costs {asked} per million tokens{where}; the caps are {caps}", remedy)
    elif price.cache_write_usd > set_aside:
        asked = f"costs {show_usd(price.cache_write_usd)} per million prompt tokens that it caches{where}"
        yield Flaw(f"{asked}; {show_usd(set_aside)} is set aside", remedy)


def _flaws_of_length(tier: Tier, listing: Listing) -> Iterator[Flaw]:
    longest = tier.max_prompt_tokens + tier.max_tokens
    if listing.context_tokens is not None and listing.context_tokens < longest:
        yield Flaw(
            f"takes {listing.context_tokens:,} tokens; prompt and answer may have {longest:,}",
            f"lower max_prompt_tokens of tier {tier.name!r}",
        )
    if listing.max_tokens is not None and listing.max_tokens < tier.max_tokens:
        yield Flaw(
            f"answers with {listing.max_tokens:,} tokens at most; max_tokens is {tier.max_tokens:,}",
            f"lower max_tokens of tier {tier.name!r}",
        )


def described(tier: Tier, listing: Listing) -> str:
    """Say in a line what a model costs and takes, and what becomes of the tier's reasoning effort."""
    usual = listing.prices[0]
    said = [f"{show_usd(usual.prompt_usd)} and {show_usd(usual.completion_usd)} per million tokens"]
    if listing.context_tokens is not None:
        said.append(f"takes {listing.context_tokens:,} tokens")
    if listing.must_reason:
        said.append("refuses effort none")
    if tier.reasoning_effort and tier.reasoning_effort not in listing.efforts:
        its_own = (
            f"becomes the nearest of {', '.join(listing.efforts)}" if listing.efforts else "is not listed"
        )
        said.append(f"effort {tier.reasoning_effort} {its_own}")
    if listing.leaves_on:
        said.append(f"leaves OpenRouter on {listing.leaves_on}")
    return "; ".join(said)
