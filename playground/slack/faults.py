"""Faults: what a test makes the Web API do wrong.

A failure is taken once per call, in the order in which they were asked for; where none waits, calls are
answered as Slack would.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

ANY_METHOD = "*"

OK = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """How one call fails: an error code in a 200, or an HTTP status, or no answer at all (`cut`)."""

    method: str
    error: str
    status: int
    retry_after_s: float | None
    takes_effect: bool
    cut: bool


class Faults:
    """The failures that wait for their call, and how long each method takes."""

    def __init__(self) -> None:
        self.refuse_streams = False
        """Every `chat.startStream` is refused, as in a workspace that has no streaming."""
        self._lock = threading.Lock()
        self._waiting: list[Failure] = []
        self._latency_s: dict[str, float] = {}

    def fail_next(
        self,
        method: str,
        error: str = "internal_error",
        *,
        status: int = OK,
        retry_after: float | None = None,
        times: int = 1,
        takes_effect: bool = False,
        cut: bool = False,
    ) -> None:
        """Make the next `times` calls of `method` ("*" is any) fail.

        With `takes_effect` the work is done before the failure is told; with `cut` the connection breaks
        instead of an answer. Status 429 without `retry_after` asks for one second.
        """
        failure = Failure(method, error, status, retry_after, takes_effect, cut)
        with self._lock:
            self._waiting.extend([failure] * times)

    def take(self, method: str) -> Failure | None:
        """Take the failure that waits for this call, if one does."""
        with self._lock:
            for failure in self._waiting:
                if failure.method in {method, ANY_METHOD}:
                    self._waiting.remove(failure)
                    return failure
        return None

    def set_latency(self, seconds: float, method: str = ANY_METHOD) -> None:
        """Make every call of `method` take that long, in real time."""
        with self._lock:
            self._latency_s[method] = seconds

    def latency_s(self, method: str) -> float:
        """Return how long a call of `method` is held back."""
        with self._lock:
            return self._latency_s.get(method, self._latency_s.get(ANY_METHOD, 0.0))
