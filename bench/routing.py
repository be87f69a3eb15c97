"""Routing: what each policy makes of the same months of traffic and of money, measured against hindsight.

The paced policy is production's own, fed with the counters that production keeps.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bench.hindsight import hindsight, mean_scores
from bench.months import SCENARIOS, SHARES, Month, month_of
from bench.play import Played, play
from bench.result import Result, Value
from bench.rivals import always, bands_50_20, linear_floor, top_50_20_floor
from bench.workload import BadData, Workload, generated_workload, read_workload
from router.domain.choice import Policy
from router.domain.pacing import Pace, paced_policy

Say = Callable[[str], None]

LEARNING = ("paced", "top_50_20_floor", "linear_floor")
"""Policies that look at what was counted so far."""

PACED, HINDSIGHT, BOTTOM = "paced", "hindsight", "always_bottom"

TELL_EVERY_S = 5.0
RESAMPLES = 1000
"""Of the months, for the interval: enough for two digits."""
INTERVAL = (0.025, 0.975)

MOST_MONTHS_WITH_REFUSAL = 2.0
"""In percent of those that could be financed."""

MOST_SEEDS, MOST_MESSAGES, MOST_WRONG = 1000, 100_000, 100
"""A slip of the keyboard should not run for days."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One month under every policy."""

    month: Month
    played: dict[str, Played]

    @property
    def could_be_financed(self) -> bool:
        """Whether the cheapest tier alone would have answered everything."""
        return not self.played[BOTTOM].refused


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--data", type=Path, help="results by prompt: CSV, packed or not (generated)")
    made.add_argument(
        "--pool", type=_pool, default={}, help="economy=MODEL,premium=MODEL,… of the data (all)"
    )
    made.add_argument("--seeds", type=_seeds, default=range(1), help="of the months, such as 10-17 (0)")
    made.add_argument("--scenario", choices=SCENARIOS, action="append", help="only this one (all)")
    made.add_argument("--messages", type=_messages, default=2400, help="in a usual month (2400)")
    made.add_argument(
        "--forecast",
        type=_factor,
        default=1.0,
        help="the month before had so many times as many; 0: there was none (1)",
    )
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Play all months under all policies; ends with exit code 2 for data that cannot be used."""
    try:
        workload = read_workload(options.data, options.pool) if options.data else generated_workload()
    except BadData as error:
        parser().error(str(error))
    tiers = ", ".join(tier.name for tier in workload.ladder.tiers)
    say(f"{len(workload.tasks)} prompts; tiers, dearest first: {tiers}")
    outcomes = list(_played(options, workload, say))
    rows = {policy: _row(policy, outcomes) for policy in outcomes[0].played}
    return Result("routing", tuple(rows.values()), _notes(options, outcomes), tuple(_broken(rows)))


def _policies(workload: Workload) -> dict[str, Policy]:
    return {
        PACED: paced_policy(Pace()),
        "always_top": always(0),
        BOTTOM: always(-1),
        "bands_50_20": bands_50_20(workload),
        "top_50_20_floor": top_50_20_floor(),
        "linear_floor": linear_floor(),
    }


def _played(options: argparse.Namespace, workload: Workload, say: Say) -> Iterator[Outcome]:
    policies, means = _policies(workload), mean_scores(workload)
    cases = list(itertools.product(options.scenario or SCENARIOS, options.seeds, SHARES))
    tell_at = time.monotonic() + TELL_EVERY_S
    for count, (scenario, seed, share) in enumerate(cases):
        month = month_of(workload, scenario, share, seed, options.messages, options.forecast)
        played = {
            name: play(month, workload, policy, learns=name in LEARNING) for name, policy in policies.items()
        }
        yield Outcome(month, played | {HINDSIGHT: hindsight(month, workload, means)})
        if time.monotonic() >= tell_at:
            say(f"{count + 1} of {len(cases)} months")
            tell_at = time.monotonic() + TELL_EVERY_S


# what came of it


def _row(policy: str, outcomes: Sequence[Outcome]) -> dict[str, Value]:
    gains = _gains(policy, outcomes)
    played = [outcome.played[policy] for outcome in outcomes]
    limits = [outcome.month.limit_usd for outcome in outcomes]
    unused = [1 - one.spent_usd / limit for one, limit in zip(played, limits, strict=True) if limit]
    messages = sum(len(outcome.month.arrivals) for outcome in outcomes)
    financed = [outcome.played[policy] for outcome in outcomes if outcome.could_be_financed]
    over = [max(Decimal(0), one.spent_usd - limit) for one, limit in zip(played, limits, strict=True)]
    return {
        "policy": policy,
        "gain_recovered": _gain(gains),
        "gain_interval": _interval(gains),
        "unused_percent": _percent(sum(unused), len(unused)),
        "refused_percent": _percent(sum(one.refused for one in played), messages),
        "months_with_refusal_percent": _percent(sum(one.refused > 0 for one in financed), len(financed)),
        "overspend_usd": sum(over, Decimal(0)),
    }


def _gains(policy: str, outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return for each month what the policy gained over the cheapest tier, and what hindsight did."""
    least = [outcome.played[BOTTOM].quality for outcome in outcomes]
    gained = [outcome.played[policy].quality for outcome in outcomes]
    possible = [outcome.played[HINDSIGHT].quality for outcome in outcomes]
    return [(a - c, b - c) for a, b, c in zip(gained, possible, least, strict=True)]


def _gain(months: Sequence[tuple[float, float]]) -> float | None:
    """Return what was gained in all months, as a share of what could have been."""
    possible = sum(one for _, one in months)
    return round(sum(one for one, _ in months) / possible, 3) if possible else None


def _interval(months: Sequence[tuple[float, float]]) -> tuple[float, ...] | None:
    """Return between what the gain lies when months are drawn anew, as many as there are."""
    lots = random.Random("bootstrap")  # noqa: S311 - chance that can be repeated, not a secret
    drawn = (_gain(lots.choices(months, k=len(months))) for _ in range(RESAMPLES))
    gains = sorted(gain for gain in drawn if gain is not None)
    return tuple(gains[int(share * len(gains))] for share in INTERVAL) if gains else None


def _percent(part: Decimal | float, whole: int) -> float | None:
    return round(100 * float(part) / whole, 3) if whole else None


def _notes(options: argparse.Namespace, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    financed = sum(outcome.could_be_financed for outcome in outcomes)
    of = options.data.name if options.data else "a generated workload"
    return (
        f"{len(outcomes)} months of traffic, made by chance, with prompts and results of {of}.",
        f"Months with a refusal are counted among the {financed} that the cheapest tier could finance.",
    )


def _broken(rows: Mapping[str, Mapping[str, Value]]) -> Iterator[str]:
    paced = rows[PACED]
    if paced["overspend_usd"]:
        yield f"paced spends no more than its budget, not {paced['overspend_usd']} dollars"
    refusing = paced["months_with_refusal_percent"]
    if isinstance(refusing, float) and refusing >= MOST_MONTHS_WITH_REFUSAL:
        yield f"paced refuses in less than {MOST_MONTHS_WITH_REFUSAL} % of the months, not in {refusing} %"
    for rival in ("bands_50_20", "top_50_20_floor"):
        gain, other = paced["gain_recovered"], rows[rival]["gain_recovered"]
        if isinstance(gain, float) and isinstance(other, float) and gain <= other:
            yield f"paced gains more than {rival}: {gain} and {other}"


# options


def _pool(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    pool = {tier.strip(): model.strip() for tier, _, model in pairs}
    if len(pool) < len(pairs) or not all(tier and model for tier, model in pool.items()):
        raise argparse.ArgumentTypeError(f"{text!r} is no pool; write economy=MODEL,premium=MODEL")
    return pool


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = range(0)
    if not 1 <= len(seeds) <= MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"{text!r} names no seeds; write 7, or 0-7 ({MOST_SEEDS} at most)")
    return seeds


def _messages(text: str) -> int:
    return round(_between(text, 1, MOST_MESSAGES))


def _factor(text: str) -> float:
    return _between(text, 0, MOST_WRONG)


def _between(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"write a number from {least:g} to {most:g}")
    return number
