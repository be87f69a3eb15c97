"""The `bands` policy: a tier by the message's length, one step down when the budget runs low.

The rule that fits on a napkin. It does not pace: a busy first week is paid for by the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from router.domain.budget import Budget
from router.domain.choice import Policy, Question, Wanted
from router.domain.ladder import Ladder

_SHOWN = Decimal("0.0001")
"""How finely a share is told; rounded down, so that what is below a threshold also reads as below it."""


@dataclass(frozen=True, slots=True)
class Band:
    """Messages of up to `up_to` characters (None: any length) get the tier of this name."""

    up_to: int | None
    tier: str


def bands_policy(bands: tuple[Band, ...], step_down_below: Decimal) -> Policy:
    """Make the policy. `bands` rise in length and end with an open one.

    Below the share `step_down_below` left of any budget that applies, the tier is one rung lower.
    """

    def wanted(question: Question, budgets: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        band = next(b for b in bands if b.up_to is None or question.length <= b.up_to)
        tier = ladder.named(band.tier)
        left = min((share_left(b) for b in budgets), default=Decimal(1))
        why = {
            "policy": "bands",
            "length": str(question.length),
            "band": band.tier,
            "left": f"{left.quantize(_SHOWN, rounding=ROUND_FLOOR)}",
        }
        if left >= step_down_below:
            return Wanted(tier, why)
        return Wanted(ladder.one_below(tier), why | {"step_down_below": f"{step_down_below}"})

    return wanted


def share_left(budget: Budget) -> Decimal:
    """Return what remains of the limit, 0 to 1; nothing remains of a limit of zero."""
    if budget.limit_usd <= 0:
        return Decimal(0)
    return max(Decimal(0), budget.remaining_usd) / budget.limit_usd
