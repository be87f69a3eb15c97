"""Response URLs: where an app may answer a command or a press, five times within thirty minutes.

Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.clock import Clock

LIFE_S = 1800.0
USES = 5


@dataclass(slots=True)
class Ticket:
    """What a response URL leads to: a channel and a person, for a press also the message."""

    channel: str
    user: str
    message_ts: str
    minted_at: float
    is_ephemeral: bool = False
    uses: int = 0


class ResponseUrls:
    """Mints response URLs and knows which may still be used. `base` is where they are served."""

    def __init__(self, clock: Clock) -> None:
        self.base = "https://hooks.slack.com"
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[str, Ticket] = {}

    def mint(
        self, channel: str, user: str, purpose: str, message_ts: str = "", *, is_ephemeral: bool = False
    ) -> str:
        """Return a new URL; `purpose` is commands or actions."""
        key = secrets.token_hex(12)
        with self._lock:
            self._tickets[key] = Ticket(channel, user, message_ts, self._clock.now(), is_ephemeral)
        return f"{self.base}/{purpose}/{key}"

    def look_up(self, key: str) -> Ticket:
        """Return what a URL leads to; whoever uses it counts the use. Raises Refused."""
        with self._lock:
            ticket = self._tickets.get(key)
            if ticket is None or self._clock.now() - ticket.minted_at > LIFE_S:
                raise Refused("expired_url")
            if ticket.uses >= USES:
                raise Refused("used_url")
            return ticket
