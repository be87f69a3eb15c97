"""Slack's signature: the proof that a request is Slack's, over the body's bytes exactly as they came.

Nothing else of a request may be looked at before it holds. The scheme:
https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum

LONGEST_AGE_S = 300
"""Slack's own advice against replays; it holds for clocks that run ahead as well."""

LONGEST_TIMESTAMP = 12
"""Digits. Epoch seconds have ten until the year 2286; a longer number is no time and costs time to read."""


class Flaw(StrEnum):
    """Why a request is not taken for Slack's."""

    MISSING = "missing"
    STALE = "stale"
    WRONG = "wrong"


def find_flaw(body: bytes, timestamp: str, signature: str, secret: str, now: float) -> Flaw | None:
    """Find what is wrong with a signature; None means that Slack signed `body` within five minutes of `now`.

    Takes the same time for every signature of a fresh request. Only WRONG depends on the secret.
    """
    if not (signature and _is_number(timestamp)):
        return Flaw.MISSING
    if abs(now - int(timestamp)) > LONGEST_AGE_S:
        return Flaw.STALE
    expected = sign(body, timestamp, secret)
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        return Flaw.WRONG
    return None


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """Sign `body` as Slack does, version 0."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _is_number(timestamp: str) -> bool:
    return timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST_TIMESTAMP
