"""Hindsight: what could have been had, knowing all of a month's messages and what each costs in each tier.

Of quality it knows what a policy may know, the mean score of each tier. So it shows what money well spread is
worth, not what it would be to guess who needs the better answer.
"""

from __future__ import annotations

from decimal import Decimal

from bench.months import Arrival, Month, cost_usd
from bench.play import Played
from bench.workload import Workload

NOTHING = -1
"""The place below the ladder: no answer."""

Step = tuple[Decimal, int, int, int]
"""Its price for a whole point of score, the message, the places on the ladder before and after."""


def hindsight(month: Month, workload: Workload, means: tuple[Decimal, ...]) -> Played:
    """Play a month by the one price of quality that spends its money best.

    Steps up, from no answer at all, are taken in the order of what they gain for a dollar, while they fit.
    """
    places = [NOTHING] * len(month.arrivals)
    steps: list[Step] = []
    for message, arrival in enumerate(month.arrivals):
        costs = [cost_usd(workload, arrival, place) for place in range(len(means))]
        steps += [(price, message, below, above) for price, below, above in _steps(costs, means)]
    spent_usd = Decimal(0)
    for _, message, below, above in sorted(steps):
        more_usd = _cost(workload, month.arrivals[message], above) - _cost(
            workload, month.arrivals[message], below
        )
        if places[message] == below and spent_usd + more_usd <= month.limit_usd:
            places[message] = above
            spent_usd += more_usd
    answered = [(arrival, place) for arrival, place in zip(month.arrivals, places, strict=True) if place >= 0]
    quality = sum(arrival.task.scores[place] for arrival, place in answered)
    return Played(quality, spent_usd, len(places) - len(answered))


def mean_scores(workload: Workload) -> tuple[Decimal, ...]:
    """Return the mean score of each tier, in the ladder's order."""
    tasks = workload.tasks
    return tuple(
        Decimal(sum(task.scores[place] for task in tasks) / len(tasks))
        for place in range(len(workload.ladder.tiers))
    )


def _steps(costs: list[Decimal], means: tuple[Decimal, ...]) -> list[tuple[Decimal, int, int]]:
    """Return the steps that are worth their price for some price of quality, cheapest points first."""
    steps: list[tuple[Decimal, int, int]] = []
    place, cost, mean = NOTHING, Decimal(0), Decimal(0)
    while True:
        better = [((costs[k] - cost) / (means[k] - mean), k) for k in range(len(means)) if means[k] > mean]
        if not better:
            return steps
        price, above = min(better)
        steps.append((price, place, above))
        place, cost, mean = above, costs[above], means[above]


def _cost(workload: Workload, arrival: Arrival, place: int) -> Decimal:
    return cost_usd(workload, arrival, place) if place >= 0 else Decimal(0)
