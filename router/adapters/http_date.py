"""The Date header: what time it is where an answer came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def told_at(headers: Mapping[str, str]) -> float | None:
    """Return when an answer was made by its server's clock, in epoch seconds; None if it does not say."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
