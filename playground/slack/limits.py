"""Rate limits: how often a method may be called, as Slack documents it, on the injected clock.

A tier's figure is per method and workspace, in a window of 60 s that slides. Slack tolerates short bursts
without saying how long; here the allowance is a tenth of the tier, and three messages for
`chat.postMessage`. Methods with "special" limits have no published figure; of those only
`chat.postMessage`'s second per channel is enforced. A refused call does not count.
Source: https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from playground.slack.refusal import RateLimited

if TYPE_CHECKING:
    from playground.clock import Clock

WINDOW_S = 60.0
TIER_2 = 20
TIER_3 = 50
TIER_4 = 100
BURST_SHARE = 10
"""A tier tolerates a tenth of itself on top; see the module's docstring."""

POST_INTERVAL_S = 1.0
POST_BURST = 3
"""Messages into one channel that may follow each other without a pause."""

PER_MINUTE = {
    "chat.startStream": TIER_2,
    "chat.stopStream": TIER_2,
    "conversations.list": TIER_2,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "conversations.replies": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.open": TIER_3,
    "reactions.add": TIER_3,
    "agents.sessions.setStatus": TIER_3,
    "chat.appendStream": TIER_4,
    "chat.postEphemeral": TIER_4,
    "users.info": TIER_4,
    "views.publish": TIER_4,
    "assistant.threads.setSuggestedPrompts": TIER_4,
}


class RateLimits:
    """Counts the app's calls; `enforced` may be switched off where a test is about something else."""

    def __init__(self, clock: Clock) -> None:
        self.enforced = True
        self._clock = clock
        self._lock = threading.Lock()
        self._admitted: dict[str, deque[float]] = defaultdict(deque)
        self._free_at: dict[str, float] = {}

    def admit(self, method: str, channel: str = "") -> None:
        """Count one call, or raise RateLimited with the whole seconds to wait."""
        if not self.enforced:
            return
        with self._lock:
            if method in PER_MINUTE:
                self._admit_in_window(method)
            elif method == "chat.postMessage":
                self._admit_to_channel(channel)

    def _admit_in_window(self, method: str) -> None:
        now, calls = self._clock.now(), self._admitted[method]
        while calls and calls[0] <= now - WINDOW_S:
            calls.popleft()
        tier = PER_MINUTE[method]
        if len(calls) >= tier + tier // BURST_SHARE:
            raise RateLimited(math.ceil(calls[0] + WINDOW_S - now))
        calls.append(now)

    def _admit_to_channel(self, channel: str) -> None:
        """One message a second, counted from a virtual schedule that may run ahead by the burst."""
        now = self._clock.now()
        free_at = max(self._free_at.get(channel, now), now)
        ahead = free_at - now - (POST_BURST - 1) * POST_INTERVAL_S
        if ahead > 0:
            raise RateLimited(math.ceil(ahead))
        self._free_at[channel] = free_at + POST_INTERVAL_S
