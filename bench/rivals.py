"""Rivals: the rules by which others choose a model for a message, as policies of Penny's own form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bench.workload import Workload
from router.domain.bands import share_left
from router.domain.budget import Budget
from router.domain.choice import Policy, Question, Wanted
from router.domain.estimate import worst_case_usd
from router.domain.forecast import forecast, span
from router.domain.ladder import Ladder, Tier
from router.domain.tally import NOTHING_COUNTED

HALF, FIFTH = Decimal("0.5"), Decimal("0.2")
"""Of the budget left: the usual thresholds, one step down and all the way down."""

FLOOR = 2
"""Kept back for cheap answers, in what the messages to come would cost in the cheapest tier."""

A_DAY = 10
"""Messages on a working day of a channel that nothing is known of, as for the paced policy."""


def always(place: int) -> Policy:
    """Want the same tier for every message, by its place on the ladder."""

    def wanted(_: Question, __: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        return Wanted(ladder.tiers[place], {})

    return wanted


def bands_50_20(workload: Workload) -> Policy:
    """Want a tier by the message's length, the longest the dearest; lower when half or a fifth is left."""
    bounds = _quantiles([task.length for task in workload.tasks], len(workload.ladder.tiers))

    def wanted(question: Question, budgets: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        shorter = sum(question.length <= bound for bound in bounds)
        return Wanted(_degraded(ladder, ladder.tiers[shorter], budgets[0]), {})

    return wanted


def top_50_20_floor() -> Policy:
    """Want the best tier; lower when half or a fifth is left, or when it would touch the floor."""

    def wanted(question: Question, budgets: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        tier = _degraded(ladder, ladder.tiers[0], budgets[0])
        return Wanted(_above_floor(question, budgets[0], ladder, tier), {})

    return wanted


def linear_floor() -> Policy:
    """Want the best tier whose usual cost has accrued: the budget comes in evenly over working days."""

    def wanted(question: Question, budgets: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        (budget,) = budgets
        accrued_usd = _elapsed(question, budget) * budget.limit_usd - budget.spent_usd
        known = budget.known
        tier = next(
            (
                tier
                for tier in ladder.tiers
                if known.usual_usd(tier, known.prompt_tokens(question.prompt_bound(tier))) <= accrued_usd
            ),
            ladder.tiers[-1],
        )
        return Wanted(_above_floor(question, budget, ladder, tier), {})

    return wanted


def _degraded(ladder: Ladder, tier: Tier, budget: Budget) -> Tier:
    left = share_left(budget)
    if left >= HALF:
        return tier
    return ladder.one_below(tier) if left >= FIFTH else ladder.tiers[-1]


def _above_floor(question: Question, budget: Budget, ladder: Ladder, tier: Tier) -> Tier:
    """Step down until the worst case leaves the floor alone."""
    known, lowest = budget.known, ladder.tiers[-1]
    to_come, _ = forecast(question.at, budget.period_key, known.tally, known.before, A_DAY)
    cheap_usd = known.usual_usd(lowest, known.typical_tokens(question.prompt_bound(lowest)))
    payable_usd = budget.remaining_usd - FLOOR * round(to_come) * cheap_usd
    rungs = ladder.from_tier_down(tier)
    fitting = (
        rung
        for rung in rungs
        if worst_case_usd(rung, question.prompt_bound(rung), rung.max_tokens) <= payable_usd
    )
    return next(fitting, lowest)


def _elapsed(question: Question, budget: Budget) -> Decimal:
    """Return the share of the period's working time that is over."""
    key = budget.period_key
    begins = datetime.fromordinal(span(key)[0])
    left, _ = forecast(question.at, key, NOTHING_COUNTED, NOTHING_COUNTED, 1)
    whole, _ = forecast(begins, key, NOTHING_COUNTED, NOTHING_COUNTED, 1)
    return 1 - Decimal(left / whole)


def _quantiles(values: Sequence[int], parts: int) -> list[int]:
    ordered = sorted(values)
    return [ordered[len(ordered) * part // parts] for part in range(1, parts)]
