"""The account: what OpenRouter says of our key, and whether it still pays for anything.

Source: https://openrouter.ai/docs/api/api-reference/api-keys/get-current-key
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router.domain.completion import read_name
from router.domain.money import parse_usd, show_usd


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """How our key stands. Amounts are None where OpenRouter sets no limit.

    `budget_left_usd` is what a budget of the account's own leaves. `told_at` is by OpenRouter's clock.
    """

    limit_usd: Decimal | None
    left_usd: Decimal | None
    resets: str
    budget_left_usd: Decimal | None
    has_bought_credits: bool
    expires_on: str
    told_at: float | None = None

    @property
    def flaw(self) -> str:
        """Why no model can be paid with it; empty if one can."""
        if self.left_usd is not None and self.left_usd <= 0:
            return "the key's limit is used up"
        if self.budget_left_usd is not None and self.budget_left_usd <= 0:
            return "a budget of the OpenRouter account is used up"
        return "" if self.has_bought_credits else "the account has never bought credits"

    def described(self) -> str:
        """Say in a line what is left of it."""
        if self.limit_usd is None or self.left_usd is None:
            said = "no limit of its own"
        else:
            said = f"{show_usd(max(self.left_usd, Decimal(0)))} of {show_usd(self.limit_usd)} left"
        said += f", {self.resets}" if self.resets else ""
        return f"{said}, ends on {self.expires_on}" if self.expires_on else said


def read_key(raw: Any, told_at: float | None) -> KeyStanding | None:
    """Read the `data` of GET /key; None if it is none."""
    if not isinstance(raw, dict) or not {"limit", "usage"} & set(raw):
        return None
    budget = raw.get("effective_budget")
    return KeyStanding(
        limit_usd=parse_usd(raw.get("limit")),
        left_usd=parse_usd(raw.get("limit_remaining")),
        resets=read_name(raw.get("limit_reset")),
        budget_left_usd=parse_usd(budget.get("remaining_usd")) if isinstance(budget, dict) else None,
        has_bought_credits=raw.get("is_free_tier") is not True,
        expires_on=read_name(raw.get("expires_at"))[:10],
        told_at=told_at,
    )
