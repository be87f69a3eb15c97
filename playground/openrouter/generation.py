"""Generation: what a model puts out within max_tokens, and what it costs.

Thinking comes first and counts, so a mandatory thinker with a small max_tokens has no text left. Tokens are
those of `tokens`; a rate holds for the whole prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from playground.openrouter import tokens
from playground.openrouter.prices import CACHE_WRITE_FROM_TOKENS, Model

if TYPE_CHECKING:
    from playground.openrouter.ask import Ask
    from playground.openrouter.behaviour import Behaviour
    from playground.openrouter.routing import Attempt

THINKING_TOKENS = {"none": 0, "minimal": 8, "low": 40, "medium": 160, "high": 480, "xhigh": 960, "max": 1600}
"""How long a scripted model thinks; real ones vary around such figures with the question."""

DEFAULT_EFFORT = "medium"

THOUGHTS = tokens.split(
    "Let me look at what is really being asked here. First I list what is known, then what is missing. "
    "There are two readings; the plainer one fits the rest of the thread better. I check the numbers once "
    "more, drop what is not needed, and put the answer into a clear order.\n"
)


@dataclass(frozen=True, slots=True)
class Bill:
    """What a call costs, in USD."""

    prompt_usd: Decimal
    completion_usd: Decimal

    @property
    def total_usd(self) -> Decimal:
        """Both together."""
        return self.prompt_usd + self.completion_usd


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model would put out if nothing stopped it."""

    model: Model
    prompt_tokens: int
    cache_write_tokens: int
    thinking: tuple[str, ...]
    text: tuple[str, ...]
    finish_reason: str

    @property
    def completion_tokens(self) -> int:
        """All that is put out, thoughts included."""
        return len(self.thinking) + len(self.text)

    def bill(self, completion_tokens: int, now: float) -> Bill:
        """Price the prompt and so many tokens of output."""
        rate = self.model.rate(self.prompt_tokens, now)
        written = max(rate.cache_write_usd or rate.prompt_usd, rate.prompt_usd)
        plain = self.prompt_tokens - self.cache_write_tokens
        return Bill(
            prompt_usd=plain * rate.prompt_usd + self.cache_write_tokens * written,
            completion_usd=completion_tokens * rate.completion_usd,
        )


def generate(ask: Ask, attempt: Attempt, answer: str) -> Generation:
    """Let the attempt's model give `answer`, as far as max_tokens reaches."""
    model, behaviour = attempt.model, attempt.behaviour
    longest = ask.max_tokens or model.max_output
    thinking = tuple(islice(cycle(THOUGHTS), min(longest, _thinking_tokens(ask, model, behaviour))))
    whole = tokens.split(answer)
    text = whole[: longest - len(thinking)]
    finished = "stop" if len(text) == len(whole) else "length"
    return Generation(
        model=model,
        prompt_tokens=ask.prompt_tokens,
        cache_write_tokens=_cache_write_tokens(ask, model),
        thinking=thinking,
        text=text,
        finish_reason=behaviour.finish_reason or finished,
    )


def usage(generation: Generation, bill: Bill, behaviour: Behaviour) -> dict[str, Any]:
    """Return the usage as it is reported for a complete answer."""
    written = generation.prompt_tokens, generation.completion_tokens
    fee = behaviour.byok_fee_usd
    cost = behaviour.charge_usd if behaviour.charge_usd is not None else bill.total_usd
    return {
        "prompt_tokens": written[0],
        "completion_tokens": written[1],
        "total_tokens": sum(written),
        "cost": cost if fee is None else fee,
        "is_byok": fee is not None,
        "cost_details": {
            "upstream_inference_cost": cost,
            "upstream_inference_prompt_cost": bill.prompt_usd,
            "upstream_inference_completions_cost": bill.completion_usd,
        },
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": generation.cache_write_tokens,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": len(generation.thinking),
            "image_tokens": 0,
            "audio_tokens": 0,
        },
        **behaviour.usage,
    }


def _thinking_tokens(ask: Ask, model: Model, behaviour: Behaviour) -> int:
    if behaviour.thinking_tokens is not None:
        return behaviour.thinking_tokens
    effort = ask.effort or (DEFAULT_EFFORT if model.reasoning_mandatory else "none")
    thinking = THINKING_TOKENS[model.nearest_effort(effort)]
    return thinking if ask.thinking_budget is None else min(thinking, ask.thinking_budget)


def _cache_write_tokens(ask: Ask, model: Model) -> int:
    """Return how much of the prompt is written to the cache: all of it or nothing.

    OpenAI's models write without being asked (since GPT-5.6); the others on `cache_control`.
    """
    writes = model.writes_cache_unasked or (
        ask.opts_into_cache and model.rates[0].cache_write_usd is not None
    )
    return ask.prompt_tokens if writes and ask.prompt_tokens >= CACHE_WRITE_FROM_TOKENS else 0
