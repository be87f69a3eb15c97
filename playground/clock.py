"""Clock: what time it is, in epoch seconds.

Everything in the playground that waits for a moment asks a clock for it, so that a test can move time by
hand. Pauses that only pace something (typing speed) are not its business.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time."""

    def now(self) -> float:
        """Return epoch seconds."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time()


class ManualClock:
    """Time that stands still until it is advanced; may be read and advanced from several threads."""

    def __init__(self, start: float) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return epoch seconds."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        """Move time forward; it never runs backward."""
        if seconds < 0:
            raise ValueError(f"time runs forward only, not by {seconds} s")
        with self._lock:
            self._now += seconds
