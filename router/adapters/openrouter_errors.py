"""The error table of OpenRouter: for every way a call can fail, what may be tried next and what it cost.

One table; the first row that matches decides, and the last matches everything. Two promises hold for all of
it: RETRY and WAIT stand only where nothing was billed, and no word of the provider's gets out.

Sources: https://openrouter.ai/docs/api_reference/errors-and-debugging (statuses, types, availability,
moderation, guardrails), https://openrouter.ai/docs/api_reference/limits (402, 429, `limit_source`),
https://openrouter.ai/docs/guides/features/zero-completion-insurance (what is billed).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from router.adapters.error_reply import ErrorReply, read_error
from router.domain.completion import exact_json
from router.errors import Billed, CallFailed, Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from router.domain.completion import Usage

FEWEST_TOKENS = 16
"""Some providers refuse a smaller `max_tokens`, so who can afford less can afford nothing."""

DEFAULT_WAIT_S = 5.0
"""Where a wait is right and its length was not said: calls in flight settle within seconds."""

ANY = range(1000)
SUCCESSES, REDIRECTS, REFUSALS, FAULTS = (range(first, first + 100) for first in (200, 300, 400, 500))
TIMEOUTS = frozenset({408, 499, 504, 524})
"""Someone on the way gave up waiting, or believes that we did: the model may still be at work."""

REFUSED_CONTENT = frozenset({"content_policy_violation", "refusal"})
BUDGETS = frozenset({"openrouter_guardrail_budget", "openrouter_workspace_budget", "openrouter_key_limit"})
RETIRED = frozenset(
    {"model_not_found", "model_deprecated", "model_unavailable_upstream", "free_variant_ended"}
)
_TOO_LONG = re.compile(
    r"context[ _](length|window)|(prompt|input) is too long|too many (input )?tokens|maximum prompt length"
    r"|reduce the length of the (messages|prompt)"
)
_LIMIT_REACHED = re.compile(r"(key|budget|spending|spend) limit (exceeded|reached)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what may be tried, for which statuses and errors that holds, and whether it cost money."""

    code: str
    remedy: Remedy
    statuses: Container[int] = ANY
    when: Callable[[ErrorReply], object] = lambda _: True
    billed: Billed = Billed.NO

    def matches(self, error: ErrorReply) -> bool:
        """Whether this row speaks of such an error."""
        return error.status in self.statuses and bool(self.when(error))


TABLE: tuple[Row, ...] = (
    # The message does not fit, or a model is gone or cannot do what it is asked to.
    Row("context_length", Remedy.LARGER_WINDOW, when=lambda e: e.kind == "context_length_exceeded"),
    Row("context_length", Remedy.LARGER_WINDOW, REFUSALS, lambda e: _TOO_LONG.search(e.text)),
    Row("invalid_model", Remedy.DROP_MODEL, REFUSALS, lambda e: e.invalid_model),
    Row("reasoning_mandatory", Remedy.FALLBACK, {400}, lambda e: "reasoning is mandatory" in e.text),
    # Money and quota. All of it is looked at before a provider is asked.
    Row("in_flight_budget", Remedy.WAIT, when=lambda e: e.limit == "openrouter_in_flight_budget"),
    Row("in_flight_budget", Remedy.WAIT, {402}, lambda e: e.reason == "in_flight_budget_exhausted"),
    Row("free_tier_daily", Remedy.FALLBACK, when=lambda e: e.limit == "openrouter_free_tier_daily"),
    Row("free_tier_daily", Remedy.FALLBACK, {429}, lambda e: "free-models-per-day" in e.message),
    Row("afford_fewer", Remedy.SHRINK, {402}, lambda e: (e.affordable_tokens or 0) >= FEWEST_TOKENS),
    Row("too_dear", Remedy.FALLBACK, {402}, lambda e: e.reason == "weight_exceeds_budget"),
    Row("too_dear", Remedy.FALLBACK, {402}, lambda e: "prompt tokens limit exceeded" in e.message),
    Row("too_dear", Remedy.FALLBACK, {400}, lambda e: e.kind == "token_limit_exceeded"),
    Row("budget_wall", Remedy.STOP_OPERATOR, when=lambda e: e.limit in BUDGETS),
    Row("budget_wall", Remedy.STOP_OPERATOR, {402, 403}, lambda e: _LIMIT_REACHED.search(e.message)),
    Row("no_credits", Remedy.STOP_OPERATOR, {402}, lambda e: e.limit or not e.by_provider),
    Row("bad_key", Remedy.STOP_OPERATOR, {401}, lambda e: not e.by_provider),
    # The content was refused. Every model of the chain has had its say; no milder judge is looked for.
    Row("moderation", Remedy.STOP_REFUSED, {403}, lambda e: e.flagged),
    Row("moderation", Remedy.STOP_REFUSED, REFUSALS, lambda e: e.kind in REFUSED_CONTENT),
    Row("guardrail", Remedy.STOP_REFUSED, {403}, lambda e: e.blocked or "request blocked" in e.message),
    # These models cannot be had: by us, at this price, any more, or now.
    Row("not_for_us", Remedy.FALLBACK, {403}),
    Row("over_max_price", Remedy.FALLBACK, {404}, lambda e: "max price" in e.step),
    Row("model_retired", Remedy.FALLBACK, REFUSALS, lambda e: e.unavailable in RETIRED),
    Row("privacy_restricted", Remedy.FALLBACK, {404}, lambda e: e.unavailable == "privacy_restricted"),
    Row("no_endpoints", Remedy.FALLBACK, {404}),
    Row("busy", Remedy.WAIT, {429}, lambda e: e.retry_after_s is not None),
    Row("busy", Remedy.WAIT, {503}, lambda e: e.by_openrouter and e.retry_after_s is not None),
    Row("rate_limited", Remedy.FALLBACK, {429}),
    # Something broke. What OpenRouter itself reports as an error it does not bill; what only a proxy before
    # it reports, or what ended because someone waited too long, may go on behind it and be billed.
    Row("timed_out", Remedy.FALLBACK, TIMEOUTS, billed=Billed.UNKNOWN),
    Row("provider_failed", Remedy.RETRY, FAULTS, lambda e: e.by_openrouter),
    Row("gateway_failed", Remedy.FALLBACK, FAULTS, billed=Billed.UNKNOWN),
    # Our request is wrong, or one provider thinks so.
    Row("too_large", Remedy.STOP_REFUSED, {413}),
    Row("unprocessable", Remedy.STOP_REFUSED, {422}),
    Row("provider_refused", Remedy.FALLBACK, REFUSALS, lambda e: e.by_provider),
    Row("bad_request", Remedy.STOP_REFUSED, REFUSALS),
    Row("redirected", Remedy.STOP_OPERATOR, REDIRECTS),
    # An error within a 200 that does not say which; and what is neither an error nor a completion.
    Row("unnamed_error", Remedy.FALLBACK, SUCCESSES, lambda e: e.by_openrouter),
    Row("unreadable_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
)

TRANSPORT_TABLE: dict[str, Row] = {
    # No connection, so nothing was sent.
    "ConnectError": Row("no_connection", Remedy.RETRY),
    "ConnectTimeout": Row("no_connection", Remedy.RETRY),
    "PoolTimeout": Row("no_connection", Remedy.RETRY),
    "ProxyError": Row("no_connection", Remedy.RETRY),
    # The body did not get through whole, and half a JSON object cannot be run.
    "WriteError": Row("send_failed", Remedy.RETRY),
    "WriteTimeout": Row("send_failed", Remedy.RETRY),
    # Sent, and then silence: the model may be at work.
    "ReadError": Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
    "ReadTimeout": Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
    "CloseError": Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
    "RemoteProtocolError": Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
    "DecodingError": Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN),
    # The address or a header is one that cannot be sent to or sent, or the address leads in circles.
    "LocalProtocolError": Row("cannot_send", Remedy.STOP_OPERATOR),
    "UnsupportedProtocol": Row("cannot_send", Remedy.STOP_OPERATOR),
    "TooManyRedirects": Row("cannot_send", Remedy.STOP_OPERATOR),
}
"""What an exception of httpx means, by the name of its class or of the nearest one above it."""

UNNAMED_BREAK = Row("no_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN)
"""A class of httpx's that the table does not name."""

EMPTY_REPLY = Row("empty_reply", Remedy.FALLBACK, billed=Billed.UNKNOWN)
"""A stream ended before it said anything that can be read."""

NO_CONTENT = Row("no_content", Remedy.RETRY)
"""A stream ended in order, with neither text nor a finish reason: OpenRouter does not bill that."""


def classify(
    status: int, headers: Mapping[str, str], body_text: str, now: float, models: tuple[str, ...] = ()
) -> CallFailed:
    """Say what a reply that is no completion means. `now`: epoch seconds; `models`: the call's chain."""
    return _failed(read_error(status, headers, exact_json(body_text), now, models))


def classify_event(event: Mapping[str, Any], now: float, models: tuple[str, ...] = ()) -> CallFailed:
    """Say what an error within a stream means."""
    return _failed(read_error(200, {}, event, now, models))


def classify_transport(error: Exception) -> CallFailed:
    """Say what an exception of httpx means; its text stays behind."""
    rows = (TRANSPORT_TABLE.get(parent.__name__) for parent in type(error).__mro__)
    return failed_by(next((row for row in rows if row), UNNAMED_BREAK))


def failed_by(row: Row, status: int = 0) -> CallFailed:
    """Make the failure of a row that needs nothing from the reply."""
    return CallFailed(code=row.code, remedy=row.remedy, billed=row.billed, status=status)


def priced(failure: CallFailed, usage: Usage | None) -> CallFailed:
    """Let the usage that a failed stream stated overrule the row; what may have cost is not just repeated."""
    if usage is None:
        return failure
    if usage.cost_usd is not None:
        billed = Billed.YES if usage.cost_usd else Billed.NO
    else:
        billed = Billed.UNKNOWN if usage.prompt_tokens or usage.completion_tokens else failure.billed
    is_repeat = failure.remedy in (Remedy.RETRY, Remedy.WAIT)
    remedy = Remedy.FALLBACK if is_repeat and billed is not Billed.NO else failure.remedy
    return replace(failure, billed=billed, remedy=remedy, cost_usd=usage.cost_usd or None)


def _failed(error: ErrorReply) -> CallFailed:
    row = next(row for row in TABLE if row.matches(error))
    return replace(
        failed_by(row, error.status),
        retry_after_s=_wait_s(row, error),
        resets_at=error.resets_at,
        affordable_tokens=error.affordable_tokens if row.remedy is Remedy.SHRINK else None,
        model=error.invalid_model if row.remedy is Remedy.DROP_MODEL else "",
    )


def _wait_s(row: Row, error: ErrorReply) -> float | None:
    """Say how long to wait where waiting helps: always before a WAIT, before a RETRY if it was asked for."""
    if row.remedy not in (Remedy.WAIT, Remedy.RETRY):
        return None
    return (
        DEFAULT_WAIT_S if row.remedy is Remedy.WAIT and error.retry_after_s is None else error.retry_after_s
    )
