"""Reserving: choose a tier, fit the call to the money, and set that money aside.

Tells two refusals apart: *exhausted* (not even the cheapest useful answer fits into what is not spent) and
*busy* (it would fit, but others have reserved the money at this moment).
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from router.adapters.ledger import Ledger, Reservation, Short
from router.config import Config
from router.domain.budget import WORKSPACE_ID, Budget, BudgetKind, BudgetPeriod, Period, period_named
from router.domain.choice import Offer, Question, Terms, Unread, Wanted, fit
from router.domain.ladder import Tier
from router.domain.message import Message
from router.domain.thread import Prompt
from router.domain.usage import Facts, month_and_day
from router.domain.weight import weigh
from router.domain.wish import read_wish

BUSY_WAIT_S = 6.0
"""How long a message waits for what others have reserved; a cheap answer takes about as long."""

LONGEST_NAP_S = 1.0
"""Between two looks at a busy budget, with full jitter, so that those who wait do not meet again."""


@dataclass(frozen=True, slots=True)
class Funded:
    """The money is set aside. `budgets` are those it was set aside on, as they stood just before."""

    reservation: Reservation
    offer: Offer
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class Exhausted:
    """What is not spent of this budget bears not even the cheapest useful answer, until `period` is over."""

    budget: Budget
    period: Period


@dataclass(frozen=True, slots=True)
class Busy:
    """It would fit but for what others have reserved, and waiting did not help."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The budgets as they stood at `moment`: its periods, month and day are those of the call."""

    moment: float
    budgets: tuple[Budget, ...]


class Reserving:
    """Reserves money for messages, on every budget that applies to them."""

    def __init__(
        self,
        ledger: Ledger,
        config: Config,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger = ledger
        self._config = config
        self._clock = clock
        self._sleep = sleep

    def periods(self, message: Message) -> tuple[BudgetPeriod, ...]:
        """Name the budgets that may apply to `message`, in their present period: those with a limit do."""
        of, now = self._config.budget.of, self._clock()
        return (
            of(BudgetKind.CHANNEL, message.channel, now),
            of(BudgetKind.USER, message.user, now),
            of(BudgetKind.WORKSPACE, WORKSPACE_ID, now),
        )

    def budgets(self, periods: tuple[BudgetPeriod, ...]) -> tuple[Budget, ...]:
        """Look at the budgets; see `Ledger.budgets`."""
        return self._ledger.budgets(periods)

    def reserve(
        self,
        message: Message,
        periods: tuple[BudgetPeriod, ...],
        budgets: tuple[Budget, ...],
        prompt_of: Callable[[Tier], Prompt],
        owner: str,
        lease_s: float,
        terms: Terms | None = None,
    ) -> Funded | Exhausted | Busy:
        """Reserve money for the best answer that the budgets bear, waiting a little for a busy one.

        `budgets` are a first look and may be stale: the database decides, and what it says is looked at then.
        Without `terms` the whole ladder may be used.
        """
        ladder = self._config.ladder
        terms = terms or Terms(ladder)
        wish = read_wish(message.text, terms.allowed, self._config.wishes)
        question = self._question(message, prompt_of, wish.tier)
        unread = _unread(prompt_of)
        wanted = terms.wanted(self._config.policy, question, budgets, ladder, unread)
        give_up = self._clock() + BUSY_WAIT_S
        look, is_fresh = _Look(periods[0].moment, budgets), False
        while True:
            offer = self._fit(terms, wanted.tier, prompt_of, min(b.remaining_usd for b in look.budgets))
            if offer:
                reservation = self._reservation(message, wanted, offer, look, owner, lease_s)
                reservation = _with_model(reservation, wish.model)
                answer = self._ledger.reserve(reservation)
                if not isinstance(answer, Short):
                    return Funded(reservation, offer, look.budgets)
            elif is_fresh:
                exhausted = self._exhausted(terms, wanted.tier, prompt_of, look.budgets)
                if exhausted:
                    return exhausted
            if is_fresh:  # it would fit, or did until someone was faster
                if self._clock() >= give_up:
                    return Busy()
                self._sleep(random.uniform(0, LONGEST_NAP_S))  # noqa: S311 - jitter, not a secret
            look, is_fresh = self._look_again(message), True

    def _look_again(self, message: Message) -> _Look:
        """Look at the budgets as they stand now: since the last look a period may have turned, too."""
        periods = self.periods(message)
        return _Look(periods[0].moment, self._ledger.budgets(periods, consistent=True))

    def _question(self, message: Message, prompt_of: Callable[[Tier], Prompt], wish: str) -> Question:
        prompts = [prompt_of(tier) for tier in self._config.ladder.tiers]
        longest = max(prompt.tokens for prompt in prompts)
        has_files = bool(prompts[0].unread)
        weight = weigh(message.text, has_files=has_files, heeded=self._config.wishes)
        return Question(
            length=len(message.text),
            at=datetime.fromtimestamp(self._clock(), self._config.budget.zone),
            prompt_bound=lambda tier: prompt_of(tier).tokens,
            takes=lambda tier: prompt_of(tier).tokens == longest,  # less would leave something out
            weight=weight.value,
            signs=weight.signs,
            last_tier=prompts[0].last_tier,
            wish=wish,
        )

    def _fit(
        self, terms: Terms, wanted: Tier, prompt_of: Callable[[Tier], Prompt], money_usd: Decimal
    ) -> Offer | None:
        """Fit a call into `money_usd`; below zero (an overrun, a lowered limit) a free model still fits."""
        money_usd = max(Decimal(0), money_usd)
        if terms.at_most_usd is not None:
            money_usd = min(money_usd, terms.at_most_usd)
        useful = self._config.useful_tokens
        tokens, unread = (lambda tier: prompt_of(tier).tokens), _unread(prompt_of)
        return fit(terms.allowed, wanted, tokens, money_usd, useful, unread)

    def _exhausted(
        self,
        terms: Terms,
        wanted: Tier,
        prompt_of: Callable[[Tier], Prompt],
        budgets: tuple[Budget, ...],
    ) -> Exhausted | None:
        """Return the budget that is used up, of several the one that renews last; None if none is."""
        zone = self._config.budget.zone
        found = [
            Exhausted(budget, period_named(budget.period_key, zone))
            for budget in budgets
            if self._fit(terms, wanted, prompt_of, budget.unspent_usd) is None
        ]
        return max(found, key=lambda one: one.period.renews, default=None)

    def _reservation(
        self,
        message: Message,
        wanted: Wanted,
        offer: Offer,
        look: _Look,
        owner: str,
        lease_s: float,
    ) -> Reservation:
        now = self._clock()
        month, day = month_and_day(look.moment, self._config.budget.zone)
        facts = Facts(
            channel=message.channel,
            user=message.user,
            team=message.team,
            message_ts=message.ts,
            thread_ts=message.thread,
            tier_wanted=wanted.tier.name,
            tier_given=offer.tier.name,
            models=offer.tier.models,
            prompt_bound=offer.prompt_tokens,
            max_tokens=offer.max_tokens,
            started_at=Decimal(f"{now:.3f}"),
            month=month,
            day=day,
            why=wanted.why,
        )
        return Reservation(
            id=uuid.uuid4().hex,
            owner=owner,
            amount_usd=offer.estimate_usd,
            budgets=tuple((b.kind, b.id, b.period_key) for b in look.budgets),
            lease_until=now + lease_s,
            facts=facts,
        )


def _with_model(reservation: Reservation, model: str) -> Reservation:
    """Put the model that was asked for first, where the tier that is given has it."""
    models = reservation.facts.models
    if model not in models:
        return reservation
    first = (model, *(other for other in models if other != model))
    return replace(reservation, facts=replace(reservation.facts, models=first))


def _unread(prompt_of: Callable[[Tier], Prompt]) -> Unread:
    return lambda tier: len(prompt_of(tier).unread)
