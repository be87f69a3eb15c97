"""Experience: what a budget's tallies teach of its messages, and what a call usually costs.

The usual cost chooses a tier and never admits a call: what is set aside is the estimate, the worst case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from router.domain.ladder import Tier
from router.domain.tally import NOTHING_COUNTED, Answers, Tally

USUAL_ANSWER = 1 / 6
"""Of a tier's `max_tokens`: how long its answers are, until some were counted."""

USUAL_TOKENS = 0.3
"""Prompt tokens for each that the bound counts, until some were counted: English has a quarter, code more."""

PRIOR_ANSWERS = 3
"""So many counted answers weigh as much as the two above."""

_MILLION = Decimal(1_000_000)
_NONE = Answers()


@dataclass(frozen=True, slots=True)
class Experience:
    """The tally of a period and of the one before, and the sums of both over their answers."""

    tally: Tally = NOTHING_COUNTED
    before: Tally = NOTHING_COUNTED
    answers: Mapping[str, Answers] = field(default_factory=dict)
    total: Answers = _NONE

    def prompt_tokens(self, bound: int) -> int:
        """Expect so many prompt tokens where there are at most `bound`."""
        prior = PRIOR_ANSWERS * bound
        return int(
            bound * (self.total.prompt_tokens + prior * USUAL_TOKENS) / (self.total.prompt_bound + prior or 1)
        )

    def typical_tokens(self, bound: int) -> int:
        """Return the prompt tokens of a typical message; one of `bound` weighs as PRIOR_ANSWERS."""
        prior = PRIOR_ANSWERS * bound * USUAL_TOKENS
        return int((self.total.prompt_tokens + prior) / (self.total.answers + PRIOR_ANSWERS))

    def usual_answer(self, tier: Tier) -> int:
        """Return how many completion tokens an answer in `tier` usually has."""
        return _usual_answer(tier, self.answers.get(tier.name, _NONE))

    def usual_usd(self, tier: Tier, prompt_tokens: int) -> Decimal:
        """Return what a call in `tier` usually costs for a prompt of so many tokens, bound or not.

        Answers are as long as they were, and as much below the price caps as they were.
        """
        known = self.answers.get(tier.name, _NONE)
        completion = _usual_answer(tier, known)
        capped = tier.max_price_prompt_usd * prompt_tokens + tier.max_price_completion_usd * completion
        counted = (
            tier.max_price_prompt_usd * known.prompt_tokens
            + tier.max_price_completion_usd * known.completion_tokens
        )
        return capped * known.cost_usd / counted if counted else capped / _MILLION


def _usual_answer(tier: Tier, known: Answers) -> int:
    prior = PRIOR_ANSWERS * USUAL_ANSWER * tier.max_tokens
    return int((known.completion_tokens + prior) / (known.answers + PRIOR_ANSWERS))


NO_EXPERIENCE = Experience()


def experience(tally: Tally, before: Tally) -> Experience:
    """Put what a period and the one before teach together."""
    answers = dict(before.answers)
    for name, counted in tally.answers.items():
        answers[name] = answers[name] + counted if name in answers else counted
    return Experience(tally, before, answers, sum(answers.values(), _NONE))
