"""The drain: lets somebody else have spent what is left of a budget, by the ledger's own rules.

The money is reserved and settled like any other, with a usage record, so that budgets, rollups and records
still say the same.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from decimal import Decimal

from playground.books import Books
from playground.slack.refusal import Refused
from router.adapters.ledger import Ledger, Reservation, Short
from router.config import load_config
from router.domain.budget import BudgetKind, BudgetPeriod, period_at
from router.domain.usage import Bill, Facts, month_and_day
from router.errors import TableUnavailable
from router.settings import Settings

MODEL = "playground/somebody-else"
LEASE_S = 60.0
"""The settlement follows at once; the reconciler has the rest."""


def drain_through(books: Books, settings: Settings) -> Callable[[str, Decimal], Decimal]:
    """Return what drains a channel's present budget down to an amount; it returns what that has spent.

    Raises Refused where no more than the amount is left.
    """

    def drain(channel: str, leave_usd: Decimal) -> Decimal:
        try:
            period, remaining_usd = _present(books, channel) or _opened(settings, channel)
            spend_usd = _without_zeros(remaining_usd - leave_usd)
            if spend_usd <= 0:
                raise Refused("budget_drained", "There is no more than that left of it.")
            _spend(settings, channel, period, spend_usd)
        except TableUnavailable:
            raise Refused("table_unavailable", "The table fails at the moment: try again.") from None
        return spend_usd

    return drain


def _without_zeros(amount_usd: Decimal) -> Decimal:
    """Write an amount as the local DynamoDB keeps it, or it does not know a repeated transaction again."""
    return Decimal(f"{amount_usd.normalize():f}")


def _present(books: Books, channel: str) -> tuple[str, Decimal] | None:
    """Return the newest period of a channel's budget and what remains in it; None before its first use."""
    periods = [
        (str(one["period"]), Decimal(one["remaining_usd"]))
        for one in books.show()["budgets"]
        if (one["kind"], one["id"]) == (BudgetKind.CHANNEL, channel)
    ]
    return max(periods, default=None)


def _opened(settings: Settings, channel: str) -> tuple[str, Decimal]:
    """Open a channel's budget as its first message would."""
    config = load_config(settings.config_file).budget
    limit_usd = config.direct_message_usd if channel.startswith("D") else config.channel_usd
    period = period_at(config.period, time.time(), config.zone)
    (budget,) = _ledger(settings).budgets((BudgetPeriod(BudgetKind.CHANNEL, channel, period, limit_usd),))
    return budget.period_key, budget.remaining_usd


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
