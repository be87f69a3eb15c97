"""The `paced` policy: the best tier that the budget can bear for a message and still last until it renews.

The allowance is what remains, less a floor that is kept back for cheap answers, over the messages still to
come. A tier is given when its usual cost for this very prompt is within a few allowances: more for a
message that seems hard, less for one that seems easy. Constant time, and nothing to keep but a tally.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal

from router.domain.budget import Budget
from router.domain.choice import Policy, Question, Wanted
from router.domain.estimate import prompt_cost_bound_usd
from router.domain.forecast import forecast
from router.domain.ladder import Ladder, Tier

WISHED = Decimal(4)
"""Weight of a message whose tier was asked for by name: what a wish may cost beyond the usual, at most."""

LARGEST_SHARE = Decimal("0.05")
"""Of the limit, at most, is kept back for the largest of cheap answers: it needs that only for a moment, but
without it the last days of a period would refuse a long thread."""

_SHOWN = Context(prec=3)
"""So many digits of an amount explain a choice."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers of the policy.

    `reach` allowances may go into one message of weight 1; most cost less, so that the mean is about one. The
    floor keeps back `floor` times what the messages to come would cost in the cheapest tier, and that of
    `burst` busy days more, as long as a day is left. `safety` times the forecast is planned for. A working
    day has `messages_a_day` in a channel of which nothing is known. Inside a thread the tier changes only
    where that is clear by the factor `stickiness`.
    """

    reach: Decimal = Decimal(3)
    floor: Decimal = Decimal(1)
    burst: Decimal = Decimal(4)
    safety: Decimal = Decimal("1.3")
    messages_a_day: int = 10
    stickiness: Decimal = Decimal("1.5")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one message may cost on one budget, and the numbers that say so.

    `to_come` are the messages that are planned for, this one among them.
    """

    usd: Decimal
    left_usd: Decimal
    floor_usd: Decimal
    to_come: Decimal


Rung = tuple[Tier, Decimal]
"""A tier of the ladder, and what it usually costs for the message."""


def paced_policy(pace: Pace) -> Policy:
    """Make the policy. Of several budgets, the first of which is the channel's, the poorest decides."""

    def wanted(question: Question, budgets: tuple[Budget, ...], ladder: Ladder) -> Wanted:
        known = budgets[0].known
        bounds = [question.prompt_bound(tier) for tier in ladder.tiers]
        costs = [
            known.usual_usd(tier, known.prompt_tokens(bound))
            for tier, bound in zip(ladder.tiers, bounds, strict=True)
        ]
        least = costs.index(min(costs))
        cheapest = ladder.tiers[least]
        cheap_usd = known.usual_usd(cheapest, known.typical_tokens(bounds[least]))
        largest_usd = prompt_cost_bound_usd(cheapest, cheapest.max_prompt_tokens)
        allowances = [_allowance(pace, question, budget, cheap_usd, largest_usd) for budget in budgets]
        allowance = min(allowances, key=lambda one: one.usd)
        rungs = _asked_for(question, list(zip(ladder.tiers, costs, strict=True)))
        weight: Decimal = max(WISHED, question.weight) if question.wish else question.weight
        reach_usd = pace.reach * allowance.usd * weight
        place = _within_reach(pace, question, rungs, reach_usd)
        return Wanted(rungs[place][0], _why(question, allowance, reach_usd, rungs[: place + 1]))

    return wanted


def _allowance(
    pace: Pace, question: Question, budget: Budget, cheap_usd: Decimal, largest_usd: Decimal
) -> Allowance:
    """Plan a budget. The floor is for the cheap answers to come, and for the largest there may be."""
    tally, before = budget.known.tally, budget.known.before
    to_come, a_day = forecast(question.at, budget.period_key, tally, before, pace.messages_a_day)
    after = pace.safety * round(100 * to_come) / 100
    burst = pace.burst * min(after, Decimal(round(a_day)))
    floor_usd = (pace.floor * after + burst) * cheap_usd + min(largest_usd, LARGEST_SHARE * budget.limit_usd)
    planned = 1 + after
    usd = (budget.remaining_usd - floor_usd) / planned
    return Allowance(usd, budget.remaining_usd, floor_usd, planned)


def _within_reach(pace: Pace, question: Question, rungs: list[Rung], reach_usd: Decimal) -> int:
    """Return the place of the best tier whose usual cost is within reach; else of the cheapest."""
    is_better, better_usd, same_usd = False, reach_usd, reach_usd
    if question.last_tier and not question.wish:  # a thread keeps its tier, unless another is clearly right
        is_better = any(tier.name == question.last_tier for tier, _ in rungs)
        better_usd = reach_usd / pace.stickiness
        same_usd = reach_usd * pace.stickiness if is_better else reach_usd
    for place, (tier, cost_usd) in enumerate(rungs):
        is_better = is_better and tier.name != question.last_tier
        if cost_usd <= (better_usd if is_better else same_usd):
            return place
    return min(range(len(rungs)), key=lambda place: rungs[place][1])


def _asked_for(question: Question, rungs: list[Rung]) -> list[Rung]:
    """Leave out what is better than the wish, and what cannot take all that is to be sent."""
    if question.wish:
        rungs = rungs[[tier.name for tier, _ in rungs].index(question.wish) :]
    return [rung for rung in rungs if question.takes(rung[0])] or rungs


def _why(question: Question, allowance: Allowance, reach_usd: Decimal, rungs: list[Rung]) -> dict[str, str]:
    """Return the numbers that decided, as records keep them. `rungs` end with the one that is given."""
    shown = _SHOWN.plus
    why = {
        "policy": "paced",
        "length": str(question.length),
        "weight": str(question.weight),
        "usual_usd": str(shown(rungs[-1][1])),
        "reach_usd": str(shown(reach_usd)),
        "allowance_usd": str(shown(allowance.usd)),
        "left_usd": str(shown(allowance.left_usd)),
        "floor_usd": str(shown(allowance.floor_usd)),
        "to_come": str(round(allowance.to_come)),
    }
    if len(rungs) > 1:
        better, cost_usd = rungs[-2]
        why |= {"better": better.name, "better_usd": str(shown(cost_usd))}
    if question.signs:
        why["signs"] = ", ".join(question.signs)
    if question.wish:
        why["wish"] = question.wish
    if question.last_tier:
        why["last_tier"] = question.last_tier
    return why
