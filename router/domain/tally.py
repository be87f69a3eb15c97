"""A tally: what was counted in one period of a budget, from which the paced policy learns.

Counters alone, as many as there are weekdays and tiers: the settlement adds to them without reading them, and
they do not grow with the messages. Where they are kept is the ledger's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from router.domain.usage import Bill, Facts

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As `date.weekday` numbers them."""

OPENED_ON = "opened_on"
"""Beside the counters: the day on which the period was opened, so its first message's."""

_OF_WEEKDAY = tuple(f"messages#{day}" for day in WEEKDAYS)
_OF_TIER = ("answers#", "prompt_bound#", "prompt_tokens#", "completion_tokens#")
_COST = "cost_usd#"


@dataclass(frozen=True, slots=True)
class Answers:
    """Sums over the answers that one tier gave: what was sent, what came back and what it cost."""

    answers: int = 0
    prompt_bound: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: Answers) -> Answers:
        return Answers(
            self.answers + other.answers,
            self.prompt_bound + other.prompt_bound,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class Tally:
    """The counters of one period: messages by weekday (Monday first), answers by tier."""

    period_key: str = ""
    opened: date | None = None
    messages: tuple[int, ...] = (0,) * len(WEEKDAYS)
    answers: Mapping[str, Answers] = field(default_factory=dict)


NOTHING_COUNTED = Tally()


def additions(facts: Facts, bill: Bill) -> dict[str, int | Decimal]:
    """Return what one settled call adds to a tally, by the names of its counters.

    A call whose bill nobody knows, or that gave no answer, counts as a message and teaches nothing of costs.
    """
    adds: dict[str, int | Decimal] = {_OF_WEEKDAY[date.fromisoformat(facts.day).weekday()]: 1}
    if bill.estimated or not bill.prompt_tokens:
        return adds
    sums = (1, facts.prompt_bound, bill.prompt_tokens, bill.completion_tokens)
    adds |= {name + facts.tier_given: add for name, add in zip(_OF_TIER, sums, strict=True)}
    return adds | {_COST + facts.tier_given: bill.cost_usd}


def read_tally(period_key: str, row: Mapping[str, object]) -> Tally:
    """Read the counters among what else `row` holds; one that is not there, or is no number, is zero."""
    opened = row.get(OPENED_ON)
    return Tally(
        period_key=period_key,
        opened=date.fromisoformat(opened) if isinstance(opened, str) else None,
        messages=tuple([_count(row.get(name, 0)) for name in _OF_WEEKDAY]),
        answers={
            name[len(_COST) :]: _answers(row, name[len(_COST) :]) for name in row if name.startswith(_COST)
        },
    )


def _answers(row: Mapping[str, object], tier: str) -> Answers:
    cost_usd = row[_COST + tier]
    answers, bound, prompt, completion = (_count(row.get(name + tier, 0)) for name in _OF_TIER)
    return Answers(
        answers, bound, prompt, completion, cost_usd if isinstance(cost_usd, Decimal) else Decimal(0)
    )


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | Decimal) else 0
