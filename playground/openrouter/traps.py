"""Traps: the ways in which a reply that has begun, or should have, goes wrong; and hooks to act in its midst.

Token counts are tokens of the answer's text as `tokens.split` cuts it. What a trap bills: a cut or stalled
stream bills what was generated until then where the vendor supports aborts and the whole answer where it
does not, an error nothing, a lie about usage the truth. Combine traps with `|`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from playground.openrouter.behaviour import Behaviour, Break, Hook, Stop, UsageShape

# before the headers


def cut_before_headers(*, billed: bool = True) -> Behaviour:
    """Drop the connection without a byte; the model answered all the same, unless not `billed`."""
    return Behaviour(stop=Stop(Break.CUT, billed=billed))


def stall_before_headers() -> Behaviour:
    """Accept the request and say nothing until the client gives up; nothing is billed."""
    return Behaviour(stop=Stop(Break.STALL, billed=False))


# in the stream


def cut_after(tokens: int) -> Behaviour:
    """Drop the connection after so many tokens: no usage, no [DONE]."""
    return Behaviour(stop=Stop(Break.CUT, tokens))


def end_after(tokens: int) -> Behaviour:
    """End the reply in due form after so many tokens, but without usage and [DONE]."""
    return Behaviour(stop=Stop(Break.END, tokens))


def stall_after(tokens: int, comment_every_s: float | None = None) -> Behaviour:
    """Say nothing more after so many tokens, or only comments, until the client gives up."""
    return Behaviour(stop=Stop(Break.STALL, tokens, comment_every_s=comment_every_s))


def error_after(
    tokens: int,
    code: int | str = 502,
    message: str = "Provider disconnected unexpectedly",
    error_type: str = "provider_unavailable",
) -> Behaviour:
    """Send an error event after so many tokens; older replies had its code as a string."""
    error = {"code": code, "message": message, "metadata": {"error_type": error_type}}
    return Behaviour(stop=Stop(Break.ERROR, tokens, error=error))


def error_first(code: int | str = 502, message: str = "Provider returned error") -> Behaviour:
    """Send an error as the first event, before the role and any thought."""
    error = {"code": code, "message": message, "metadata": {"error_type": "provider_unavailable"}}
    return Behaviour(stop=Stop(Break.ERROR, 0, first=True, error=error))


def error_in_choice(code: int = 502, message: str = "Provider returned error") -> Behaviour:
    """Answer a call without stream with HTTP 200, `choices[0].error` and finish_reason "error"."""
    return error_after(0, code, message)


def keepalives(count: int) -> Behaviour:
    """Send so many comments before the first event; without stream, blank lines before the JSON."""
    return Behaviour(keepalives=count)


def malformed_after(tokens: int) -> Behaviour:
    """Send one data line of broken JSON after so many tokens, then go on."""
    return Behaviour(malformed_after=tokens)


def in_pieces(piece_bytes: int = 1) -> Behaviour:
    """Write the reply a few bytes at a time, so that characters and lines are split over reads."""
    return Behaviour(piece_bytes=piece_bytes)


# the answer


def says(answer: str) -> Behaviour:
    """Give exactly this answer."""
    return Behaviour(answer=answer)


def thinks(tokens: int) -> Behaviour:
    """Spend so many tokens on thinking first, whatever was asked for."""
    return Behaviour(thinking_tokens=tokens)


def only_thinks(tokens: int = 64) -> Behaviour:
    """Put out nothing but thoughts: finish_reason "length", no text, billed."""
    return Behaviour(thinking_tokens=tokens, answer="", finish_reason="length")


def finishes_with(reason: str) -> Behaviour:
    """End with another finish_reason, such as "content_filter"."""
    return Behaviour(finish_reason=reason)


# the usage


def usage_shaped(shape: UsageShape) -> Behaviour:
    """Report the usage in this shape."""
    return Behaviour(usage_shape=shape)


def no_usage() -> Behaviour:
    """End properly without ever reporting usage."""
    return usage_shaped(UsageShape.MISSING)


def usage_reported(**fields: Any) -> Behaviour:
    """Report other values than the true ones."""
    return Behaviour(usage=fields)


def negative_cost() -> Behaviour:
    """Report a cost below zero."""
    return usage_reported(cost=Decimal("-0.01"))


def nan_cost() -> Behaviour:
    """Report a cost that is no number, as a string."""
    return usage_reported(cost="NaN")


def huge_cost() -> Behaviour:
    """Report a cost that no call can have."""
    return usage_reported(cost=Decimal("1e12"))


def cost_without_tokens(cost_usd: Decimal = Decimal("0.5")) -> Behaviour:
    """Report a cost for no tokens at all."""
    return usage_reported(prompt_tokens=0, completion_tokens=0, total_tokens=0, cost=cost_usd)


def charged(cost_usd: Decimal) -> Behaviour:
    """Really bill this, and report it: an actual cost that no price list explains."""
    return Behaviour(charge_usd=cost_usd)


def byok(fee_usd: Decimal = Decimal(0)) -> Behaviour:
    """Serve with the account's own provider key: `cost` is the fee, the rest stands in cost_details."""
    return Behaviour(byok_fee_usd=fee_usd)


# hooks


def on_request(hook: Hook) -> Behaviour:
    """Call `hook` when the request has been read, before anything is sent."""
    return Behaviour(on_request=(hook,))


def after_tokens(tokens: int, hook: Hook) -> Behaviour:
    """Call `hook` when so many tokens have been sent; the stream waits for it."""
    return Behaviour(at_tokens=((tokens, hook),))
