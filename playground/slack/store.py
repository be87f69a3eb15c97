"""Store: every message of the workspace, by channel and ts, in the order of posting."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.clock import Clock
    from playground.slack.message import Message

Json = dict[str, Any]

STEP_US = 100
"""Messages of one instant are this many microseconds apart, as ids that never repeat."""

US = 1_000_000


class Store:
    """Keeps messages and mints their timestamps; not thread-safe by itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_us = 0
        self._channels: dict[str, dict[str, Message]] = defaultdict(dict)
        self._tombstones: set[tuple[str, str]] = set()

    def next_ts(self) -> str:
        """Return a timestamp later than every one before it."""
        self._last_us = max(int(self._clock.now() * US), self._last_us + STEP_US)
        return f"{self._last_us // US}.{self._last_us % US:06d}"

    def add(self, message: Message) -> None:
        """Keep a new message."""
        self._channels[message.channel][message.ts] = message

    def find(self, channel: str, ts: str) -> Message:
        """Return a message; raises Refused("message_not_found")."""
        found = self._channels[channel].get(ts)
        if found is None:
            raise Refused("message_not_found")
        return found

    def find_anywhere(self, ts: str) -> Message:
        """Return the message of that ts in whichever channel; timestamps do not repeat across them."""
        for messages in self._channels.values():
            if ts in messages:
                return messages[ts]
        raise Refused("message_not_found")

    def remove(self, message: Message) -> None:
        """Forget a message; a root that has replies leaves a tombstone, under which the thread goes on."""
        if message.is_root and len(self.thread(message.channel, message.ts)) > 1:
            self._tombstones.add((message.channel, message.ts))
        del self._channels[message.channel][message.ts]

    def has_thread(self, channel: str, ts: str) -> bool:
        """Whether one may reply to `ts`."""
        return ts in self._channels[channel] or (channel, ts) in self._tombstones

    def root_of(self, channel: str, ts: str) -> str:
        """Return the root of the thread that `ts` is in; itself if it starts one."""
        message = self._channels[channel].get(ts)
        return message.thread if message else ts

    def thread(self, channel: str, root: str) -> list[Message]:
        """Return a thread, root first, then oldest first."""
        return [m for m in self._channels[channel].values() if m.thread == root]

    def in_channel(self, channel: str) -> list[Message]:
        """Return what the channel itself shows, oldest first: roots, and replies broadcast to it."""
        return [m for m in self._channels[channel].values() if m.is_root or m.subtype == "thread_broadcast"]

    def replies(self, root: Message) -> list[Message]:
        """Return the replies to a root, oldest first."""
        if not root.is_root:
            return []
        return [m for m in self.thread(root.channel, root.ts) if m is not root]

    def wire(self, message: Message) -> Json:
        """Return the message as apps get it, with its thread's counters if it is a root."""
        replies = self.replies(message)
        if not replies:
            return message.wire()
        return message.wire() | {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": sorted({reply.author.id for reply in replies}),
            "latest_reply": replies[-1].ts,
        }
