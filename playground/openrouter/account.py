"""Account: what OpenRouter says of its key and its credits; spending is the only thing that moves."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

CREDITS_USD = Decimal(100)
"""What the account has been filled with. Nothing is refused when it is gone: that is the script's part."""

FREE_CALLS_PER_DAY = 1000
"""With ten credits bought or more (https://openrouter.ai/docs/api-reference/limits)."""


def credits_entry(billed_usd: Decimal) -> dict[str, Any]:
    """Write the account as GET /credits does."""
    return {"total_credits": CREDITS_USD, "total_usage": billed_usd}


def key_entry(billed_usd: Decimal) -> dict[str, Any]:
    """Write the key as GET /key does; it has no limit, and was made today."""
    return {
        "label": "sk-or-v1-play...ground",
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "include_byok_in_limit": False,
        "usage": billed_usd,
        "usage_daily": billed_usd,
        "usage_weekly": billed_usd,
        "usage_monthly": billed_usd,
        "byok_usage": 0,
        "byok_usage_daily": 0,
        "byok_usage_weekly": 0,
        "byok_usage_monthly": 0,
        "budgets": [],
        "effective_budget": None,
        "allowed_data_regions": ["global"],
        "free_model_daily_requests": {
            "limit": FREE_CALLS_PER_DAY,
            "used": 0,
            "remaining": FREE_CALLS_PER_DAY,
        },
        "is_free_tier": False,
        "is_management_key": False,
        "is_provisioning_key": False,
        "creator_user_id": None,
        "organization_id": None,
        "workspace_id": None,
        "expires_at": None,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated; carries no limit."},
    }
