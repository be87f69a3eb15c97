"""The drain: lets somebody else have spent what is left of a budget, by the ledger's own rules.

The money is reserved and settled like any other, with a usage record, so that budgets, rollups and records
still say the same.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from decimal import Decimal

from playground.slack.refusal import Refused
from router.adapters.ledger import Ledger, Reservation, Short
from router.config import load_config
from router.domain.budget import Budget, BudgetKind
from router.domain.usage import Bill, Facts, month_and_day
from router.errors import TableUnavailable
from router.settings import Settings

MODEL = "playground/somebody-else"
LEASE_S = 60.0
"""The settlement follows at once; the reconciler has the rest."""


def drain_through(settings: Settings) -> Callable[[str, Decimal], Decimal]:
    """Return what drains a channel's present budget down to an amount; it returns what that has spent.

    Raises Refused where no more than the amount is left.
    """

    def drain(channel: str, leave_usd: Decimal) -> Decimal:
        try:
            budget = _budget(settings, channel)
            spend_usd = _without_zeros(budget.remaining_usd - leave_usd)
            if spend_usd <= 0:
                raise Refused("budget_drained", "There is no more than that left of it.")
            _spend(settings, channel, budget.period_key, spend_usd)
        except TableUnavailable:
            raise Refused("table_unavailable", "The table fails at the moment: try again.") from None
        return spend_usd

    return drain


def _without_zeros(amount_usd: Decimal) -> Decimal:
    """Write an amount as the local DynamoDB keeps it, or it does not know a repeated transaction again."""
    return Decimal(f"{amount_usd.normalize():f}")


def _budget(settings: Settings, channel: str) -> Budget:
    """Look at a channel's budget as its next message would."""
    named = load_config(settings.config_file).budget.of(BudgetKind.CHANNEL, channel, time.time())
    (budget,) = _ledger(settings).budgets((named,), consistent=True)
    return budget


def _ledger(settings: Settings) -> Ledger:
    from router import wiring  # noqa: PLC0415 - it loads all of Penny, which a start need not wait for

    return wiring.ledger(settings)


def _spend(settings: Settings, channel: str, period: str, amount_usd: Decimal) -> None:
    ledger, now = _ledger(settings), time.time()
    reservation = Reservation(
        id=f"drain-{uuid.uuid4().hex[:12]}",
        owner="playground",
        amount_usd=amount_usd,
        budgets=((BudgetKind.CHANNEL, channel, period),),
        lease_until=now + LEASE_S,
        facts=_facts(settings, channel, now),
    )
    if isinstance(ledger.reserve(reservation), Short):
        raise Refused("budget_busy", "The budget is changing at this very moment: try again.")
    ledger.settle(reservation, Bill(amount_usd, MODEL, "playground", 0, 0, 0, 0, "stop"))


def _facts(settings: Settings, channel: str, now: float) -> Facts:
    month, day = month_and_day(now, load_config(settings.config_file).budget.zone)
    return Facts(
        channel=channel,
        user="",
        team="",
        message_ts="",
        thread_ts="",
        tier_wanted="playground",
        tier_given="playground",
        models=(MODEL,),
        prompt_bound=0,
        max_tokens=0,
        started_at=Decimal(int(now)),
        month=month,
        day=day,
        why={},
    )
