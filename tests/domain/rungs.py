"""Tiers, ladders and budgets as tests of decisions need them; what does not matter has a plain value."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from router.domain.budget import Budget, BudgetKind
from router.domain.choice import Question
from router.domain.ladder import Ladder, Tier


def a_tier(
    name: str = "standard",
    prompt: str | Decimal = "1.25",
    completion: str | Decimal = "6.25",
    max_tokens: int = 2500,
    max_prompt_tokens: int = 90_000,
) -> Tier:
    """Make a tier; prices are in USD per million tokens."""
    return Tier(
        name=name,
        models=(f"vendor/{name}",),
        max_price_prompt_usd=Decimal(prompt),
        max_price_completion_usd=Decimal(completion),
        max_tokens=max_tokens,
        max_prompt_tokens=max_prompt_tokens,
    )


PREMIUM = a_tier("premium", "2.5", "12.5", 6000)
STANDARD = a_tier()
ECONOMY = a_tier("economy", "0.2", "0.75", 1500)
FREE = a_tier("free", "0", "0", 1500)

LADDER = Ladder((PREMIUM, STANDARD, ECONOMY))


def a_budget(remaining: str | Decimal, limit: str | Decimal = "5", reserved: str | Decimal = "0") -> Budget:
    """Make a channel's budget of which so much remains; what is neither left nor reserved is spent."""
    limit_usd, remaining_usd, reserved_usd = Decimal(limit), Decimal(remaining), Decimal(reserved)
    spent_usd = limit_usd - remaining_usd - reserved_usd
    return Budget(BudgetKind.CHANNEL, "C0001", "2026-11", limit_usd, spent_usd, reserved_usd, remaining_usd)


def a_question(length: int = 200, **changes: Any) -> Question:
    """Make a question of so many characters in the middle of a working day in the middle of a month."""
    fields: dict[str, Any] = {
        "length": length,
        "at": datetime(2026, 11, 16, 12, tzinfo=UTC),
        "prompt_bound": lambda _: 1200,
        "takes": lambda _: True,
    }
    return Question(**(fields | changes))


prices = st.decimals(0, 200, places=6)
"""Prices as config.toml takes them."""

amounts = st.decimals(-1, 50, places=12)
"""Amounts as the ledger keeps them."""

tiers = st.builds(
    a_tier, prompt=prices, completion=prices, max_tokens=st.integers(16, 200_000) | st.integers(16, 40)
)
