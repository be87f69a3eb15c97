"""Months of synthetic traffic in one channel: when messages come, what they ask and how much thread hangs on.

The month before is made too, as far as a channel's tally tells of it. Prompts are the workload's.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from bench.workload import Task, Workload
from router.domain.tally import WEEKDAYS, Answers, Tally

STARTS = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 30
BEFORE, MONTH = "2026-10", "2026-11"

WEEK = (1.0, 1.1, 1.1, 1.0, 0.8, 0.15, 0.15)
"""How busy the days are, Monday first. It is not what the policies assume, only near to it."""

HOURS = (
    *(0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 1.0, 4.0, 9.0, 10.0, 9.0),
    *(5.0, 8.0, 10.0, 9.0, 7.0, 4.0, 2.0, 1.0, 0.7, 0.5, 0.3, 0.2),
)
"""How busy the hours of a day are, with a lunch break and some who work late."""

SHARES = (0.035, 0.1, 0.3, 0.7)
"""Budgets, as parts of what the usual volume would cost in the dearest tier."""

LONGEST_CONTEXT = 60_000
_SAMPLE = 60
"""Answers of the month before from which costs were learned."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message: when it comes, what it asks, and the tokens of its thread."""

    at: datetime
    task: Task
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one channel: its messages, its limit, and the tally of the month before."""

    scenario: str
    arrivals: tuple[Arrival, ...]
    limit_usd: Decimal
    before: Tally


Shape = Callable[[random.Random], list[float]]
"""How busy each day of a month is, as multiples of a usual one."""


def _steady(_: random.Random) -> list[float]:
    return [1.0] * DAYS


def _uncertain(lots: random.Random) -> list[float]:
    return [lots.lognormvariate(0, 0.6)] * DAYS


def _bursts(lots: random.Random) -> list[float]:
    days = set(lots.sample(range(DAYS), 3))
    return [lots.uniform(3, 8) if day in days else 1.0 for day in range(DAYS)]


def _growth(_: random.Random) -> list[float]:
    return [0.3 + 1.4 * day / (DAYS - 1) for day in range(DAYS)]


def _decay(lots: random.Random) -> list[float]:
    return _growth(lots)[::-1]


def _mixed(lots: random.Random) -> list[float]:
    trend = lots.choice((_steady, _growth, _decay))(lots)
    return [math.prod(day) for day in zip(trend, _uncertain(lots), _bursts(lots), strict=True)]


SCENARIOS: dict[str, Shape] = {
    "steady": _steady,
    "uncertain": _uncertain,
    "bursts": _bursts,
    "growth": _growth,
    "decay": _decay,
    "mixed": _mixed,
}


def month_of(
    workload: Workload, scenario: str, share: float, seed: int, messages: int, forecast: float
) -> Month:
    """Make one month; the same arguments make the same month, whatever `share` is but for its limit.

    `messages` is the usual volume. The month before had `forecast` times that; 0 means that there was none.
    """
    lots = random.Random(f"{scenario} {seed}")  # noqa: S311 - chance that can be repeated, not a secret
    shape = SCENARIOS[scenario](lots)
    a_day = messages / sum(WEEK[_weekday(day)] for day in range(DAYS))
    arrivals = [
        _arrival(lots, workload, day)
        for day in range(DAYS)
        for _ in range(_poisson(lots, a_day * WEEK[_weekday(day)] * shape[day]))
    ]
    arrivals.sort(key=lambda arrival: arrival.at)
    before = _tally_before(lots, workload, a_day * forecast)
    limit = Decimal(f"{share}") * messages * usual_top_usd(workload)
    return Month(scenario, tuple(arrivals), limit.quantize(Decimal("1e-6")), before)


def _weekday(day: int) -> int:
    return (STARTS + timedelta(days=day)).weekday()


def _arrival(lots: random.Random, workload: Workload, day: int) -> Arrival:
    (hour,) = lots.choices(range(24), HOURS)
    at = STARTS + timedelta(days=day, hours=hour, seconds=lots.randrange(3600))
    return Arrival(at, lots.choice(workload.tasks), _context(lots))


def _context(lots: random.Random) -> int:
    """Draw the tokens of a thread: most are short, some long, a few are pastes."""
    kind = lots.random()
    if kind < 0.6:  # noqa: PLR2004 - the shares of three kinds of threads
        tokens = lots.lognormvariate(math.log(80), 1.0)
    elif kind < 0.92:  # noqa: PLR2004 - as above
        tokens = lots.lognormvariate(math.log(900), 0.8)
    else:
        tokens = 2000 * lots.paretovariate(1.3)
    return min(LONGEST_CONTEXT, round(tokens))


def _poisson(lots: random.Random, mean: float) -> int:
    if mean > 50:  # noqa: PLR2004 - from here on the normal distribution is as good
        return max(0, round(lots.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, lots.random()
    while product > limit:
        count, product = count + 1, product * lots.random()
    return count


@lru_cache(maxsize=8)
def usual_top_usd(workload: Workload) -> Decimal:
    """Return what an average message costs in the dearest tier, its thread included."""
    lots = random.Random("context")  # noqa: S311 - chance that can be repeated, not a secret
    context = sum(_context(lots) for _ in range(20_000)) // 20_000
    costs = (cost_usd(workload, Arrival(STARTS, task, context), 0) for task in workload.tasks)
    total = sum(costs, Decimal(0))
    return total / len(workload.tasks)


def cost_usd(workload: Workload, arrival: Arrival, tier: int) -> Decimal:
    """Return what answering a message costs in a tier (its place on the ladder)."""
    prices = workload.ladder.tiers[tier]
    prompt = prices.max_price_prompt_usd * (arrival.task.prompt_tokens + arrival.context_tokens)
    completion = prices.max_price_completion_usd * arrival.task.completion_tokens[tier]
    return (prompt + completion) / 1_000_000


def prompt_bound(arrival: Arrival) -> int:
    """Bound the prompt as production does: by its bytes, with room for what a chat template adds."""
    return 300 + arrival.task.length + 4 * arrival.context_tokens


def _tally_before(lots: random.Random, workload: Workload, a_day: float) -> Tally:
    if not a_day:
        return Tally()
    days = [(STARTS - timedelta(days=back)).weekday() for back in range(1, 32)]
    counts = [
        sum(_poisson(lots, a_day * WEEK[day]) for day in days if day == d) for d in range(len(WEEKDAYS))
    ]
    sample = [_arrival(lots, workload, 0) for _ in range(_SAMPLE)]
    answers = {tier.name: _answers(workload, sample, k) for k, tier in enumerate(workload.ladder.tiers)}
    return Tally(BEFORE, None, tuple(counts), answers)


def _answers(workload: Workload, sample: Sequence[Arrival], tier: int) -> Answers:
    return Answers(
        answers=len(sample),
        prompt_bound=sum(prompt_bound(one) for one in sample),
        prompt_tokens=sum(one.task.prompt_tokens + one.context_tokens for one in sample),
        completion_tokens=sum(one.task.completion_tokens[tier] for one in sample),
        cost_usd=sum((cost_usd(workload, one, tier) for one in sample), Decimal(0)),
    )
