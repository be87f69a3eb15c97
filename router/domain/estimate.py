"""The estimate: the worst that one call can be billed, before it is made.

An upper bound holds for every tokenizer whose tokens span at least one byte of the text or of its NFKC
form; no tokenizer is asked, since those of today's models are not published.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from router.domain.ladder import Tier
from router.domain.money import LEDGER_STEP_USD, to_ledger_usd

CACHE_WRITE_SURCHARGE = Decimal("1.25")
"""Some providers bill the prompt a quarter dearer when they write it to their cache, unasked:
https://openrouter.ai/docs/features/prompt-caching."""

TOKENS_PER_REQUEST = 256
"""Room for what a model's chat template adds once; the longest known system preamble takes 76."""

TOKENS_PER_MESSAGE = 16
"""Room for what a chat template adds around each message."""

TOKENS_PER_IMAGE = 5_000
"""Bounds an image of up to 1,024 pixels: about 1,400 by its area
(https://docs.claude.com/en/docs/build-with-claude/vision), 2,500 by its patches and the largest factor
(https://platform.openai.com/docs/guides/images-vision); twice the dearest, since formulas change."""

_MILLION = Decimal(1_000_000)


def text_token_bound(text: str) -> int:
    """Bound the tokens of `text` from above: its UTF-8 bytes, or those of its NFKC form, and one."""
    plain = len(text.encode("utf-8", "surrogatepass"))
    if text.isascii():
        return plain + 1
    return max(plain, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass"))) + 1


def prompt_token_bound(messages: Iterable[Mapping[str, Any]]) -> int:
    """Bound the prompt tokens of a request from above. `messages` are chat messages of texts and images."""
    return TOKENS_PER_REQUEST + sum(TOKENS_PER_MESSAGE + content_token_bound(m["content"]) for m in messages)


def content_token_bound(content: str | list[dict[str, Any]]) -> int:
    """Bound the tokens of a chat message's content: a text, or a list of texts and images."""
    if isinstance(content, str):
        return text_token_bound(content)
    return sum(
        text_token_bound(part["text"]) if part["type"] == "text" else TOKENS_PER_IMAGE for part in content
    )


def prompt_cost_bound_usd(tier: Tier, prompt_tokens: int) -> Decimal:
    """Bound what `prompt_tokens` can cost under the tier's price cap."""
    return CACHE_WRITE_SURCHARGE * tier.max_price_prompt_usd * prompt_tokens / _MILLION


def worst_case_usd(tier: Tier, prompt_tokens: int, max_tokens: int) -> Decimal:
    """Bound what a call can be billed; reasoning tokens are completion tokens and inside `max_tokens`."""
    completion = tier.max_price_completion_usd * max_tokens / _MILLION
    return to_ledger_usd(prompt_cost_bound_usd(tier, prompt_tokens) + completion)


def affordable_tokens(tier: Tier, prompt_tokens: int, money_usd: Decimal) -> int:
    """Return the largest `max_tokens`, up to the tier's own, that `money_usd` covers; 0 if none."""
    payable = money_usd.quantize(LEDGER_STEP_USD, rounding=ROUND_FLOOR)  # a worst case is on that step
    left = payable - prompt_cost_bound_usd(tier, prompt_tokens)
    if left < 0:
        return 0
    if not tier.max_price_completion_usd:
        return tier.max_tokens
    return min(tier.max_tokens, int(left * _MILLION // tier.max_price_completion_usd))
