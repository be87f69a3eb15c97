"""An error as OpenRouter tells it, in a reply of its own or within a stream, read into plain types.

Keeps the promise that reading never fails: whatever is absent, of the wrong type, too long or out of all
bounds is read as not said. What the error means is left to the table in `openrouter_errors`.
https://openrouter.ai/docs/api_reference/errors-and-debugging
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT_S = 86_400.0
"""Limits renew within a day; who asks for more is not waited for anyway."""

LONGEST_TEXT = 4_000
"""Characters of an error that are looked at. OpenRouter's own sentences have some hundred."""

SUCCESSES, ERRORS = range(200, 300), range(400, 600)

STATUS_OF_TYPE = {
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "not_found": 404,
    "rate_limit_exceeded": 429,
    "server": 500,
    "unmapped": 500,
    "provider_unavailable": 502,
    "provider_overloaded": 503,
    "timeout": 504,
}
"""For an error within a 200 whose `code` is missing or a word."""

_AFFORD = re.compile(r"can only afford ([0-9][0-9,]{0,12})")


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What a reply says of its error, texts in lower case; what it does not say is empty or None.

    `by_openrouter` tells an error object from the page of a proxy, `by_provider` an error that a provider
    gave from one of OpenRouter's own. `text` is the message and the provider's own words.
    """

    status: int
    by_openrouter: bool
    by_provider: bool
    message: str
    text: str
    kind: str
    limit: str
    reason: str
    unavailable: str
    step: str
    flagged: bool
    blocked: bool
    invalid_model: str
    affordable_tokens: int | None
    retry_after_s: float | None
    resets_at: float | None


def error_in(body: Any) -> dict[str, Any] | None:
    """Find the error in a reply or an event: on top, in its first choice, or in a bare finish reason."""
    if not isinstance(body, dict):
        return None
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    in_choice = choice.get("error") if isinstance(choice, dict) else None
    for error in (body.get("error"), in_choice):
        if isinstance(error, dict):
            return error
        if error:
            return {"message": error}
    return {} if isinstance(choice, dict) and choice.get("finish_reason") == "error" else None


def read_error(
    status: int, headers: Mapping[str, str], body: Any, now: float, models: tuple[str, ...]
) -> ErrorReply:
    """Read the error in `body`, parsed JSON or None. `now`: epoch seconds; `models`: the call's chain."""
    found = error_in(body)
    error = found or {}
    metadata = _object(error.get("metadata"))
    availability = _object(error.get("availability")) or _object(metadata.get("availability"))
    message = _text(error.get("message"))
    unavailable = "model_not_found" if "not a valid model" in message else _text(availability.get("code"))
    hints = _hints(headers, metadata)
    resets_at = _resets_at(hints, metadata, now)
    kind = _text(metadata.get("error_type")) or _text(error.get("error_type"))
    return ErrorReply(
        status=_status(status, error, kind),
        by_openrouter=found is not None and _is_openrouters(body),
        by_provider=bool(_text(metadata.get("provider_name")) or metadata.get("provider_code")),
        message=message,
        text=f"{message}\n{_text(metadata.get('raw'))}",
        kind=kind,
        limit=_text(metadata.get("limit_source")),
        reason=_text(metadata.get("reason")),
        unavailable=unavailable,
        step=_text(metadata.get("failed_routing_step")),
        flagged="flagged_input" in metadata or "reasons" in metadata,
        blocked="patterns" in metadata,
        invalid_model=_invalid_model(message, unavailable, models),
        affordable_tokens=_affordable(message),
        retry_after_s=_retry_after_s(hints, metadata, availability, resets_at, now),
        resets_at=resets_at,
    )


def _is_openrouters(body: Any) -> bool:
    """Tell OpenRouter's shapes from `{"error": "…"}`, which anything on the way may write."""
    return "choices" in body or isinstance(body.get("error"), dict)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:LONGEST_TEXT].lower() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    """Read a finite number, also one written as text, as headers are."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _status(status: int, error: Mapping[str, Any], kind: str) -> int:
    """Take HTTP's word; within a 200 the error's `code`, or else what its type stands for."""
    if status not in SUCCESSES:
        return status
    code = int(_number(error.get("code")) or 0)
    return code if code in ERRORS else STATUS_OF_TYPE.get(kind, status)


def _invalid_model(message: str, unavailable: str, models: tuple[str, ...]) -> str:
    """Name the one of our models that the error complains of; the longest, as one id may begin another."""
    named = [model for model in models if unavailable == "model_not_found" and model.lower() in message]
    return max(named, key=len, default="")


def _affordable(message: str) -> int | None:
    found = _AFFORD.search(message)
    return int(found[1].replace(",", "")) if found else None


def _hints(headers: Mapping[str, str], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the reply's headers over those that OpenRouter repeats within the error; names in lower case."""
    repeated = _object(metadata.get("headers"))
    return {str(name).lower(): value for name, value in (*repeated.items(), *headers.items())}


def _resets_at(hints: Mapping[str, Any], metadata: Mapping[str, Any], now: float) -> float | None:
    """Read when a limit renews, in epoch seconds: as a date in the error, or in ms in a header."""
    stated = metadata.get("resets_at")
    at = _epoch(stated) if isinstance(stated, str) else _number(stated)
    if at is None:
        reset_ms = _number(hints.get("x-ratelimit-reset"))
        at = None if reset_ms is None else reset_ms / 1000
    far = 400 * LONGEST_WAIT_S  # a yearly budget is the slowest there is
    return at if at is not None and now - LONGEST_WAIT_S <= at <= now + far else None


def _epoch(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _retry_after_s(
    hints: Mapping[str, Any],
    metadata: Mapping[str, Any],
    availability: Mapping[str, Any],
    resets_at: float | None,
    now: float,
) -> float | None:
    stated = (hints.get("retry-after"), metadata.get("retry_after_seconds"), availability.get("retry_after"))
    waits = [
        *(_seconds(value, now) for value in stated),
        None if resets_at is None else max(0.0, resets_at - now),
    ]
    return next((min(wait, LONGEST_WAIT_S) for wait in waits if wait is not None), None)


def _seconds(value: Any, now: float) -> float | None:
    """Read a wait: seconds, or the HTTP date at which it ends."""
    seconds = _number(value)
    if seconds is not None:
        return seconds if seconds >= 0 else None
    if not isinstance(value, str):
        return None
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
