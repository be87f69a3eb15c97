"""Calling: one answer from the models, with the retries and fallbacks that its reservation covers.

Keeps the promise that nothing is called which the money set aside does not cover, and that a call whose
bill nobody knows is never quietly repeated. What an error means is decided by the table of errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from router.adapters.openrouter import OpenRouter
from router.domain.completion import Call, Completion
from router.domain.estimate import worst_case_usd
from router.domain.ladder import Ladder, Tier
from router.domain.thread import Prompt
from router.errors import Billed, CallFailed, Remedy

LONGEST_WAIT_S = 10.0
"""A provider that wants to be left alone for longer than this is left for another."""

RETRY_WAIT_S = 0.5
"""Before the same models are asked again: most 5xx pass in a moment."""

MOST_ATTEMPTS = 12
"""Over all tiers: three tiers, each tried, retried, and tried again without each of two models."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be called: the reserved tier's call, and the prompts of the tiers it may fall back to."""

    tier: Tier
    call: Call
    reserved_usd: Decimal
    useful_tokens: int
    deadline: float
    """In epoch seconds."""
    prompt_for: Callable[[Tier], Prompt]
    lowest: Tier | None = None
    """How far down it may fall back; None: to the end of the ladder."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Who wants to know what, while the model answers."""

    on_generation: Callable[[str], None]
    on_text: Callable[[str], None]
    should_stop: Callable[[], bool]


class Caller:
    """Calls models through OpenRouter."""

    def __init__(
        self,
        openrouter: OpenRouter,
        ladder: Ladder,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._openrouter = openrouter
        self._ladder = ladder
        self._clock = clock
        self._sleep = sleep

    def call(self, errand: Errand, listening: Listening) -> tuple[Tier, Completion]:
        """Return the completion and the tier that gave it.

        Raises CallFailed with the last failure when no attempt is left, or at once when a failed attempt may
        have been billed: then the reservation stands for that attempt and covers no other.
        """
        tier, call, retried = errand.tier, errand.call, False
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return tier, self._attempt(call, errand, listening)
            except CallFailed as failed:
                if failed.billed is not Billed.NO or self._is_late(errand) or attempt == MOST_ATTEMPTS:
                    raise
                again = None if retried else self._again(call, failed, errand)
                if failed.remedy is Remedy.DROP_MODEL:
                    again = _without(call, failed.model)
                elif again:
                    retried = True
                if again is None:
                    below = self._below(tier, errand) if _may_fall_back(failed) else None
                    if below is None:
                        raise
                    tier, retried = below, False
                    again = self._on(tier, errand)
                call = again
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _attempt(self, call: Call, errand: Errand, listening: Listening) -> Completion:
        return self._openrouter.attempt(
            call,
            deadline=errand.deadline,
            clock=self._clock,
            on_generation=listening.on_generation,
            on_text=listening.on_text,
            should_stop=listening.should_stop,
        )

    def _is_late(self, errand: Errand) -> bool:
        return self._clock() >= errand.deadline

    def _again(self, call: Call, failed: CallFailed, errand: Errand) -> Call | None:
        """Return the call for one more try in the same tier, after the wait it needs; None: not here."""
        if failed.remedy is Remedy.SHRINK:
            tokens = min(call.max_tokens, failed.affordable_tokens or 0)
            return replace(call, max_tokens=tokens) if tokens >= errand.useful_tokens else None
        if failed.remedy is Remedy.RETRY:
            wait_s = failed.retry_after_s or RETRY_WAIT_S
        elif failed.remedy is Remedy.WAIT and failed.retry_after_s is not None:
            wait_s = failed.retry_after_s
        else:
            return None
        if wait_s > min(LONGEST_WAIT_S, errand.deadline - self._clock()):
            return None
        self._sleep(wait_s)
        return call

    def _below(self, tier: Tier, errand: Errand) -> Tier | None:
        """Return the next tier down that the reservation covers; rather one that reads more of the files."""
        rungs = self._ladder.from_tier_down(tier)
        if errand.lowest in rungs:
            rungs = rungs[: rungs.index(errand.lowest) + 1]
        covered = [rung for rung in rungs[1:] if self._is_covered(rung, errand)]
        return min(covered, key=lambda rung: len(errand.prompt_for(rung).unread), default=None)

    def _is_covered(self, tier: Tier, errand: Errand) -> bool:
        tokens = min(tier.max_tokens, errand.call.max_tokens)
        return worst_case_usd(tier, errand.prompt_for(tier).tokens, tokens) <= errand.reserved_usd

    def _on(self, tier: Tier, errand: Errand) -> Call:
        return replace(
            errand.call,
            models=tier.models,
            messages=errand.prompt_for(tier).messages,
            max_tokens=min(tier.max_tokens, errand.call.max_tokens),
            max_price_prompt_usd=tier.max_price_prompt_usd,
            max_price_completion_usd=tier.max_price_completion_usd,
            reasoning_effort=tier.reasoning_effort,
            metadata={**errand.call.metadata, "tier": tier.name},
        )


def _without(call: Call, model: str) -> Call | None:
    models = tuple(m for m in call.models if m != model)
    return replace(call, models=models) if models and models != call.models else None


def _may_fall_back(failed: CallFailed) -> bool:
    return failed.remedy not in (Remedy.STOP_OPERATOR, Remedy.STOP_REFUSED)
