"""The choice: which tier a message should have, and what of it the money can bear.

A policy says which tier is wanted; `fit` walks down from there until the worst case fits. Both are pure:
the same numbers give the same choice, so that a choice can be explained and replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from router.domain.budget import Budget
from router.domain.estimate import affordable_tokens, worst_case_usd
from router.domain.ladder import Ladder, Tier


@dataclass(frozen=True, slots=True)
class Question:
    """What a policy may know of a message: lengths and signs, never words.

    `length` is in characters, `at` is local time. `prompt_bound` bounds the prompt tokens that a tier would
    be sent, `takes` says whether that is all there is to send. `weight` is how hard the message seems by its
    length and `signs`, 1 being usual. `last_tier` answered before in this thread, `wish` is a tier that was
    asked for by name; both may be empty.
    """

    length: int
    at: datetime
    prompt_bound: Callable[[Tier], int]
    takes: Callable[[Tier], bool]
    weight: Decimal = Decimal(1)
    signs: tuple[str, ...] = ()
    last_tier: str = ""
    wish: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tier that a policy wants, and the numbers that decided, by name."""

    tier: Tier
    why: dict[str, str]


Policy = Callable[[Question, tuple[Budget, ...], Ladder], Wanted]
"""Says which tier a message should have, given the budgets that apply to it."""

Unread = Callable[[Tier], int]
"""Says how many of the message's files a tier would not be shown: not all tiers see images."""


def _reads_all(_tier: Tier) -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a message is answered: by which rungs, and at most for how much.

    `tier` is the one it must have, when someone asked for it; else the policy chooses.
    """

    allowed: Ladder
    tier: Tier | None = None
    at_most_usd: Decimal | None = None

    def wanted(
        self,
        policy: Policy,
        question: Question,
        budgets: tuple[Budget, ...],
        ladder: Ladder,
        unread: Unread = _reads_all,
    ) -> Wanted:
        """Return the tier that was asked for, or the allowed one that is nearest to what the policy wants.

        Where that would not read all files of the message, the nearest one that reads more of them, the lower
        one of two.
        """
        if self.tier:
            return Wanted(self.tier, {"policy": "again", "length": str(question.length)})
        wanted = policy(question, budgets, ladder)
        tier, why = ladder.nearest(wanted.tier, self.allowed), wanted.why
        if tier is not wanted.tier:
            why = why | {"not_allowed_here": wanted.tier.name}
        reader = self._reader(tier, ladder, unread)
        return Wanted(reader, why if reader is tier else why | {"reads_fewer_files": tier.name})

    def _reader(self, tier: Tier, ladder: Ladder, unread: Unread) -> Tier:
        if not unread(tier):
            return tier
        at = ladder.tiers.index(tier)
        places = {rung: ladder.tiers.index(rung) for rung in self.allowed.tiers}
        return min(places, key=lambda rung: (unread(rung), abs(places[rung] - at), -places[rung]))


@dataclass(frozen=True, slots=True)
class Offer:
    """A call that the money covers: `estimate_usd` is the worst it can be billed."""

    tier: Tier
    prompt_tokens: int
    max_tokens: int
    estimate_usd: Decimal


def fit(
    ladder: Ladder,
    wanted: Tier,
    prompt_tokens: Callable[[Tier], int],
    money_usd: Decimal,
    useful_tokens: int,
    unread: Unread = _reads_all,
) -> Offer | None:
    """Fit a call into `money_usd`: first fewer `max_tokens`, then a lower tier; None if nothing fits.

    An answer is not cut below `useful_tokens` (or the tier's own cap, if that is lower). Of the tiers that
    fit, the first one that reads the most files is taken.
    """
    best: tuple[int, Offer] | None = None
    for tier in ladder.from_tier_down(wanted):
        bound = prompt_tokens(tier)
        tokens = affordable_tokens(tier, bound, money_usd)
        if tokens < min(useful_tokens, tier.max_tokens):
            continue
        missed = unread(tier)
        if best is None or missed < best[0]:
            best = missed, Offer(tier, bound, tokens, worst_case_usd(tier, bound, tokens))
        if not missed:
            break
    return best[1] if best else None
