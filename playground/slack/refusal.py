"""Refusals: how Slack says no, with the code that Slack itself uses."""

from __future__ import annotations


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Slack answers `ok: false`; `code` is Slack's word, `details` go into `response_metadata.messages`."""

    def __init__(self, code: str, *details: str) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


class RateLimited(Refused):
    """Slack answers 429; the same call may succeed after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("ratelimited")
        self.retry_after_s = retry_after_s
