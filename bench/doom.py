"""Doom: which deliveries end in the death of their worker, and when; drawn by chance that can be repeated."""

from __future__ import annotations

import random
import threading
from collections import deque

from router.delivered import MAX_RECEIVES

FIRST_GUESS_S = 0.5
"""How long an answer takes, until some have been timed."""

STRIKE_UNTIL = 0.9
"""The share of all deliveries over which kills are drawn, so that the last ones find someone at work."""


class Doom:
    """Decides which deliveries end in a kill, and when. A job's last delivery is spared.

    A job that always kills its worker is parked by the queue, which is another story.
    """

    def __init__(self, kills: int, deliveries: int, seed: int) -> None:
        self._lots = random.Random(f"doom {seed}")  # noqa: S311 - chance that can be repeated, not a secret
        places = range(max(1, int(deliveries * STRIKE_UNTIL)))
        self._due = deque(sorted(self._lots.choice(places) for _ in range(kills)))
        self._lock = threading.Lock()
        self._deliveries = 0
        self._typical_s = FIRST_GUESS_S

    def moment_s(self, receives: int) -> float | None:
        """Return how long after its hand-over this delivery's worker is killed, if it is."""
        with self._lock:
            self._deliveries += 1
            if receives >= MAX_RECEIVES or not self._due or self._due[0] >= self._deliveries:
                return None
            self._due.popleft()
            return self._lots.uniform(0, self._typical_s)

    def missed(self) -> None:
        """Note that a worker was done before its moment: another one takes its place."""
        with self._lock:
            self._due.appendleft(0)

    def finished(self, took_s: float) -> None:
        """Note how long a delivery took: moments are drawn from the length of one."""
        with self._lock:
            self._typical_s += 0.1 * (took_s - self._typical_s)
