"""Reconcile: settle what workers left open, by what OpenRouter's records say.

A reservation past its lease belongs to a worker that died, or to a call whose bill nobody knew. The true
cost replaces the estimate when OpenRouter tells it. What it does not tell within the grace time stays as
the charge, marked as estimated: the doubt goes against spending, always.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from router.adapters.ledger import Ledger, Reservation
from router.adapters.openrouter import OpenRouter
from router.alerting import Alerting
from router.domain.completion import GenerationCost
from router.domain.usage import Bill
from router.errors import PennyError, ProviderUnavailable, TableUnavailable
from router.journal import write_line

GRACE_S = 3600.0
"""After the lease. OpenRouter shows most generations within two minutes, interrupted ones later."""


_ZERO = Decimal(0)


OUTAGE_GRACE_S = 24 * 3600.0
"""After the lease, while OpenRouter gives no answer at all: an outage or a key that has to be renewed says
nothing about the bill, so the money stays set aside for a day before it is taken for spent."""


class Ending(StrEnum):
    """What became of a reservation."""

    SETTLED = "settled"
    ESTIMATED = "estimated"
    WAITING = "waiting"
    UNSETTLED = "unsettled"
    """The table did not take it; the next run tries again."""
    ENDED_BEFORE = "ended_before"
    """Its worker was slow, not dead, and settled it in the meantime."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was done, or with `dry_run` would be done, about one reservation."""

    reservation: Reservation
    ending: Ending
    cost_usd: Decimal | None


def reconcile(
    ledger: Ledger,
    openrouter: OpenRouter,
    *,
    seconds: float = float("inf"),
    dry_run: bool = False,
    clock: Callable[[], float] = time.time,
) -> Iterator[Reconciled]:
    """Yield what was done about each open reservation past its lease, oldest first, for `seconds` at most."""
    give_up = clock() + seconds
    for reservation in ledger.open_past_lease(clock()):
        if clock() >= give_up:
            return
        done = _reconcile(ledger, openrouter, reservation, clock(), dry_run=dry_run)
        _log(done, dry_run=dry_run)
        yield done


def _reconcile(
    ledger: Ledger, openrouter: OpenRouter, reservation: Reservation, now: float, *, dry_run: bool
) -> Reconciled:
    grace_s, ending = GRACE_S, Ending.SETTLED
    try:
        bill = _bill(_look_up(openrouter, reservation.generation_id))
    except ProviderUnavailable:
        bill, grace_s = None, OUTAGE_GRACE_S
    if bill is None:
        if now < reservation.lease_until + grace_s:
            return Reconciled(reservation, Ending.WAITING, None)
        bill, ending = _estimate(reservation), Ending.ESTIMATED
    try:
        if not dry_run and not ledger.settle(reservation, bill):
            return Reconciled(reservation, Ending.ENDED_BEFORE, None)
    except TableUnavailable:
        return Reconciled(reservation, Ending.UNSETTLED, None)  # it must not hold up those behind it
    return Reconciled(reservation, ending, bill.cost_usd)


def _look_up(openrouter: OpenRouter, generation_id: str) -> GenerationCost | None:
    return openrouter.generation(generation_id) if generation_id else None


def _bill(cost: GenerationCost | None) -> Bill | None:
    if cost is None or cost.usage.cost_usd is None:
        return None
    return Bill(
        cost_usd=cost.usage.cost_usd,
        model=cost.model,
        provider=cost.provider,
        prompt_tokens=cost.usage.prompt_tokens,
        completion_tokens=cost.usage.completion_tokens,
        reasoning_tokens=cost.usage.reasoning_tokens,
        cached_tokens=cost.usage.cached_tokens,
        finish="reconciled",
        oddities=cost.oddities,
    )


def _estimate(reservation: Reservation) -> Bill:
    """Keep what was set aside as the charge: no one can say what was billed."""
    return Bill(
        cost_usd=reservation.amount_usd,
        model=reservation.facts.models[0] if reservation.facts.models else "",
        provider="",
        prompt_tokens=0,
        completion_tokens=0,
        reasoning_tokens=0,
        cached_tokens=0,
        finish="unknown",
        estimated=True,
    )


def _log(done: Reconciled, *, dry_run: bool) -> None:
    overrun_usd = (done.cost_usd or _ZERO) - done.reservation.amount_usd
    write_line(
        "reconcile",
        f"would_be_{done.ending}" if dry_run else done.ending,
        reservation=done.reservation.id,
        channel=done.reservation.facts.channel,
        estimate_usd=done.reservation.amount_usd,
        cost_usd=done.cost_usd,
        overrun_usd=overrun_usd if overrun_usd > 0 else None,
    )


STOP_BEFORE_S = 15.0
"""Before Lambda stops us: a look-up and a settlement take no longer."""


def reconcile_all(
    ledger: Ledger,
    openrouter: OpenRouter,
    seconds_left: float,
    alerting: Callable[[], Alerting] | None = None,
) -> dict[str, int]:
    """Reconcile for as long as there is time; returns how many reservations ended in which way.

    With `alerting`, whoever should know hears what budgets have crossed, also what dead workers left untold.
    Raises TableUnavailable at the end when the table did not take a settlement, so that someone hears of it.
    """
    done = list(reconcile(ledger, openrouter, seconds=seconds_left - STOP_BEFORE_S))
    if alerting:
        tell_crossed(alerting, done)
    counts = Counter(str(one.ending) for one in done)
    if counts[Ending.UNSETTLED]:
        raise TableUnavailable(f"reservations that could not be settled: {counts[Ending.UNSETTLED]}")
    return dict(counts)


def tell_crossed(alerting: Callable[[], Alerting], done: Iterable[Reconciled]) -> None:
    """Tell of what was crossed by what was done, and what dead workers left untold.

    That this cannot be done (no token, no Slack) is a line in the journal: the money is settled.
    """
    ended = (one.reservation for one in done if one.ending in (Ending.SETTLED, Ending.ESTIMATED))
    charged = {budget for reservation in ended for budget in reservation.budgets}
    try:
        alerting().look(tuple(sorted(charged)))
        alerting().post_left()
    except PennyError as error:
        write_line("alert", "not_looked", reason=str(error))
