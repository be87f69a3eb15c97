"""The ladder: tiers, best first, each with its models, its price cap and its answer cap."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

MAX_MODELS = 3
"""OpenRouter refuses a longer `models` array with 400."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A rung. Prices are caps in USD per million tokens; `models` stand in fallback order.

    `max_prompt_tokens` keeps prompts below the length at which providers charge a higher price.
    """

    name: str
    models: tuple[str, ...]
    max_price_prompt_usd: Decimal
    max_price_completion_usd: Decimal
    max_tokens: int
    max_prompt_tokens: int
    reasoning_effort: str | None = None
    sees_images: bool = False
    """Whether every model of it takes images."""

    @property
    def is_free(self) -> bool:
        """Whether a call can cost nothing at all."""
        return not (self.max_price_prompt_usd or self.max_price_completion_usd)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rungs, best first. Never empty."""

    tiers: tuple[Tier, ...]

    def named(self, name: str) -> Tier:
        """Find a tier by name; KeyError when there is none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise KeyError(name)

    def from_tier_down(self, tier: Tier) -> tuple[Tier, ...]:
        """Return `tier` and every rung below it, in the order of stepping down."""
        return self.tiers[self.tiers.index(tier) :]

    def one_above(self, tier: Tier) -> Tier | None:
        """Return the next rung up; None above the best."""
        at = self.tiers.index(tier)
        return self.tiers[at - 1] if at else None

    def nearest(self, tier: Tier, allowed: Ladder) -> Tier:
        """Return `tier`, or the rung of `allowed` (a stretch of this ladder) that is nearest to it."""
        at = self.tiers.index(tier)
        return min(allowed.tiers, key=lambda rung: abs(self.tiers.index(rung) - at))

    def one_below(self, tier: Tier) -> Tier:
        """Return the next rung down, or the lowest itself."""
        rungs = self.from_tier_down(tier)
        return rungs[min(1, len(rungs) - 1)]
