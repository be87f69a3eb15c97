"""A month played under a policy: each message is chosen for, fitted, paid and counted as in production."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bench.months import MONTH, Arrival, Month, cost_usd, prompt_bound
from bench.workload import Workload
from router.domain.budget import Budget, BudgetKind
from router.domain.choice import Policy, Question, fit
from router.domain.experience import NO_EXPERIENCE, experience
from router.domain.tally import additions, read_tally
from router.domain.usage import Bill, Facts

CHANNEL = "C0SIMULATED"

NEVER_SHORTER = 10**9
"""Answers are as long as they are: a tier that cannot be paid for its longest one is left for a lower one."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a month: the sum of the scores, what was spent, and how many messages got no answer."""

    quality: float
    spent_usd: Decimal
    refused: int


def play(month: Month, workload: Workload, policy: Policy, *, learns: bool = True) -> Played:
    """Play a month. Calls follow one another, so that nothing is reserved when a choice is made.

    What a policy that does not learn never looks at is left out: that is quicker.
    """
    limit_usd, spent_usd, quality, refused = month.limit_usd, Decimal(0), 0.0, 0
    row: dict[str, object] = {}
    for arrival in month.arrivals:
        known = experience(read_tally(MONTH, row), month.before) if learns else NO_EXPERIENCE
        left_usd = limit_usd - spent_usd
        budget = Budget(BudgetKind.CHANNEL, CHANNEL, MONTH, limit_usd, spent_usd, Decimal(0), left_usd, known)
        place = _given(arrival, workload, policy, budget)
        if place is None:
            refused += 1
            continue
        paid_usd = cost_usd(workload, arrival, place)
        spent_usd += paid_usd
        quality += arrival.task.scores[place]
        if learns:
            _count(row, arrival, workload, place, paid_usd)
    return Played(quality, spent_usd, refused)


def _given(arrival: Arrival, workload: Workload, policy: Policy, budget: Budget) -> int | None:
    """Return the place on the ladder of the tier that answers; None when the money bears no answer."""
    bound = prompt_bound(arrival)
    question = Question(
        arrival.task.length, arrival.at, lambda _: bound, lambda _: True, weight=arrival.task.weight
    )
    wanted = policy(question, (budget,), workload.ladder)
    offer = fit(workload.ladder, wanted.tier, lambda _: bound, budget.remaining_usd, NEVER_SHORTER)
    return workload.ladder.tiers.index(offer.tier) if offer else None


def _count(
    row: dict[str, object], arrival: Arrival, workload: Workload, place: int, paid_usd: Decimal
) -> None:
    """Add a call to the counters, as its settlement does."""
    tier, task = workload.ladder.tiers[place], arrival.task
    facts = Facts(
        channel=CHANNEL,
        user="",
        team="",
        message_ts="",
        thread_ts="",
        tier_wanted=tier.name,
        tier_given=tier.name,
        models=tier.models,
        prompt_bound=prompt_bound(arrival),
        max_tokens=tier.max_tokens,
        started_at=Decimal(0),
        month=MONTH,
        day=f"{arrival.at:%Y-%m-%d}",
        why={},
    )
    bill = Bill(
        cost_usd=paid_usd,
        model=tier.name,
        provider="",
        prompt_tokens=task.prompt_tokens + arrival.context_tokens,
        completion_tokens=task.completion_tokens[place],
        reasoning_tokens=0,
        cached_tokens=0,
        finish="stop",
    )
    for name, more in additions(facts, bill).items():
        row[name] = row.get(name, 0) + more  # type: ignore[operator] # numbers, all of them
