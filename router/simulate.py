"""Simulate: a month of usage records replayed under another policy, ladder or budget.

Records hold lengths and tokens, never words, and that is enough. An answer that another tier would have given
is taken to be as long as that tier's usually are, and to cost as much below the price caps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from router.adapters.usage import UsageTable, read_bill, read_facts
from router.config import Config
from router.domain.budget import Budget, BudgetKind, PeriodKind, period_at
from router.domain.choice import Offer, Question, fit
from router.domain.experience import Experience, experience
from router.domain.ladder import Tier
from router.domain.money import parse_usd
from router.domain.tally import NOTHING_COUNTED, OPENED_ON, Tally, additions, read_tally
from router.domain.usage import Bill, Facts

TELL_EVERY_S = 2.0

Tell = Callable[[str], None]


@dataclass(slots=True)
class TierUse:
    """How often a tier answered and what that cost: as it was, and as it would have been."""

    answers: int = 0
    cost_usd: Decimal = Decimal(0)
    would_answer: int = 0
    would_cost_usd: Decimal = Decimal(0)


@dataclass(slots=True)
class Replay:
    """What came of a month. `ran_out` says when the first answer would have been refused, by channel."""

    channel: str
    month: str
    tiers: dict[str, TierUse]
    refused: int = 0
    ran_out: dict[str, datetime] = field(default_factory=dict)

    @property
    def total(self) -> TierUse:
        """Sum up all tiers."""
        total = TierUse()
        for use in self.tiers.values():
            total.answers += use.answers
            total.cost_usd += use.cost_usd
            total.would_answer += use.would_answer
            total.would_cost_usd += use.would_cost_usd
        return total

    @property
    def answers(self) -> int:
        """How many answers were replayed."""
        return sum(use.answers for use in self.tiers.values())


def replay_month(
    usage: UsageTable,
    config: Config,
    channel: str,
    month: str,
    limit_usd: Decimal | None,
    tell: Tell,
    tell_every_s: float = TELL_EVERY_S,
) -> Replay:
    """Replay a month of `channel`, or of every channel when it is empty; one query for each.

    `limit_usd` replaces the limits of `config`. Messages that were refused left no record, so they are not
    replayed. `tell` is told now and then how far it is.
    """
    replay = Replay(channel, month, {tier.name: TierUse() for tier in config.ladder.tiers})
    channels = [channel] if channel else sorted(r.channel for r in usage.workspace_month(month, "total"))
    tell_at = time.monotonic() + tell_every_s
    for place, one in enumerate(channels, 1):
        till = Till(config, one, limit_usd, _volume_before(usage, one, month))
        for row in usage.records(one, month):
            _add(replay, read_facts(row), read_bill(row), till)
            if time.monotonic() >= tell_at:
                tell(f"{replay.answers:,} answers replayed, channel {place:,} of {len(channels):,}")
                tell_at = time.monotonic() + tell_every_s
    return replay


def _add(replay: Replay, facts: Facts, bill: Bill, till: Till) -> None:
    """Replay one call, and add it up beside what it was."""
    was = replay.tiers.setdefault(facts.tier_given, TierUse())
    was.answers += 1
    was.cost_usd += bill.cost_usd
    given = till.answer(facts, bill)
    if given is None:
        replay.refused += 1
        replay.ran_out.setdefault(facts.channel, till.local(facts))
        return
    tier, cost_usd = given
    would = replay.tiers[tier.name]
    would.would_answer += 1
    would.would_cost_usd += cost_usd


def _volume_before(usage: UsageTable, channel: str, month: str) -> Tally:
    """Return what the month before tells of a channel's volume: its messages by weekday."""
    year, number = map(int, month.split("-"))
    before = f"{year - (number == 1)}-{(number - 2) % 12 + 1:02}"
    days = [rollup for rollup in usage.channel_month(channel, before) if rollup.dimension == "day"]
    messages = [0] * 7
    for rollup in days:
        messages[date.fromisoformat(rollup.value).weekday()] += rollup.answers
    opened = min((date.fromisoformat(rollup.value) for rollup in days), default=None)
    return Tally(before, opened, tuple(messages))


class Till:
    """One channel's budget in a replay: it chooses, pays and counts as production does."""

    def __init__(self, config: Config, channel: str, limit_usd: Decimal | None, before: Tally) -> None:
        self._config = config
        self._channel = channel
        usual_usd = config.budget.direct_message_usd if channel.startswith("D") else config.budget.channel_usd
        self._limit_usd = usual_usd if limit_usd is None else limit_usd
        self._spent_usd = Decimal(0)
        self._period_key = ""
        self._before = before
        self._row: dict[str, object] = {}
        self._true_row: dict[str, object] = {}
        self._last_tiers: dict[str, str] = {}

    def local(self, facts: Facts) -> datetime:
        """Return when a call began, by the operator's clock."""
        return datetime.fromtimestamp(float(facts.started_at), self._config.budget.zone)

    def answer(self, facts: Facts, bill: Bill) -> tuple[Tier, Decimal] | None:
        """Answer a message anew: the tier, and what that costs; None when the money bears no answer."""
        at = self.local(facts)
        self._renew(at)
        known = experience(read_tally(self._period_key, self._row), self._before)
        offer = self._offer(facts, at, known)
        learned = experience(read_tally(facts.month, self._true_row), NOTHING_COUNTED)
        if self._is_known(facts):
            _count(self._true_row, facts, bill)
        if offer is None:
            return None
        again = _billed_again(offer, facts, bill, learned)
        self._spent_usd += again.cost_usd
        self._last_tiers[facts.thread_ts] = offer.tier.name
        _count(self._row, replace(facts, tier_given=offer.tier.name), again)
        return offer.tier, again.cost_usd

    def _is_known(self, facts: Facts) -> bool:
        """Whether the tier that answered is on this ladder with the same models: it teaches of costs."""
        tiers = self._config.ladder.tiers
        return any(t.name == facts.tier_given and set(t.models) == set(facts.models) for t in tiers)

    def _renew(self, at: datetime) -> None:
        """Begin another period when it is time."""
        budget = self._config.budget
        key = period_at(budget.period, at.timestamp(), budget.zone).key
        if key == self._period_key:
            return
        if self._period_key:
            self._before = read_tally(self._period_key, self._row)
        elif budget.period is not PeriodKind.MONTH:
            self._before = NOTHING_COUNTED  # the month before does not tell of a week or a day
        self._period_key, self._spent_usd, self._row = key, Decimal(0), {OPENED_ON: f"{at:%Y-%m-%d}"}

    def _offer(self, facts: Facts, at: datetime, known: Experience) -> Offer | None:
        left_usd, ladder = self._limit_usd - self._spent_usd, self._config.ladder
        budget = Budget(
            kind=BudgetKind.CHANNEL,
            id=self._channel,
            period_key=self._period_key,
            limit_usd=self._limit_usd,
            spent_usd=self._spent_usd,
            reserved_usd=Decimal(0),
            remaining_usd=left_usd,
            known=known,
        )

        def bound(tier: Tier) -> int:
            return min(facts.prompt_bound, tier.max_prompt_tokens)

        longest = max(map(bound, ladder.tiers))
        wish = facts.why.get("wish", "")
        question = Question(
            length=_whole(facts.why.get("length")),
            at=at,
            prompt_bound=bound,
            takes=lambda tier: bound(tier) == longest,
            weight=_weight(facts.why.get("weight")),
            last_tier=self._last_tiers.get(facts.thread_ts, ""),
            wish=wish if wish in [tier.name for tier in ladder.tiers] else "",
        )
        wanted = self._config.policy(question, (budget,), ladder)
        return fit(ladder, wanted.tier, bound, max(Decimal(0), left_usd), self._config.useful_tokens)


def _billed_again(offer: Offer, facts: Facts, bill: Bill, learned: Experience) -> Bill:
    """Bill an answer of another tier as such answers usually are, and one of the same as it was."""
    tier = offer.tier
    if tier.name == facts.tier_given and set(tier.models) == set(facts.models):
        return bill
    prompt_tokens = min(bill.prompt_tokens, offer.prompt_tokens) or learned.prompt_tokens(offer.prompt_tokens)
    return replace(
        bill,
        cost_usd=min(learned.usual_usd(tier, prompt_tokens), offer.estimate_usd),
        prompt_tokens=prompt_tokens,
        completion_tokens=min(learned.usual_answer(tier), offer.max_tokens),
        estimated=False,
    )


def _count(row: dict[str, object], facts: Facts, bill: Bill) -> None:
    for name, more in additions(facts, bill).items():
        row[name] = row.get(name, 0) + more  # type: ignore[operator] # numbers, all of them


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _weight(text: str | None) -> Decimal:
    """Read how hard a message seemed; the policy of its time may not have asked."""
    weight = parse_usd(text)
    return Decimal(1) if weight is None else weight
