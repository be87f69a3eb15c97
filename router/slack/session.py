"""A session: Slack's word for our work in a thread; while it is processed, Slack offers to stop it.

A stream begins and ends one by itself. This is for the time before there is any text, and for replies that do
not end as the stream that they began as. https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

import threading

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRateLimited, SlackRefused, SlackUnavailable


class Session:
    """The session of a thread; `is_open` says that an earlier worker may have left it so.

    Nothing here raises or is worth a second try: a workspace may have no sessions, and Slack itself ends one
    that is forgotten after an hour.
    """

    def __init__(self, slack: SlackWeb, channel: str, thread: str, *, is_open: bool = False) -> None:
        self._slack = slack
        self._channel = channel
        self._thread = thread
        self._is_open = is_open
        self._is_decided = False
        self._lock = threading.Lock()  # an opening that is under way is not overtaken by the closing

    def open(self) -> None:
        """Say that we are at work; a second time, or after the closing, nothing."""
        with self._lock:
            if not self._is_decided:
                self._is_decided = True
                self._is_open = self._set("processing") or self._is_open

    def close(self, *, has_left_stream: bool) -> None:
        """Say that we are done, if Slack may think otherwise: by our word, or by a stream that we left."""
        with self._lock:
            self._is_decided = True
            if self._is_open or has_left_stream:
                self._set("active")

    def _set(self, status: str) -> bool:
        """Say how far we are; False when Slack did not take it."""
        try:
            self._slack.call(
                "agents.sessions.setStatus",
                channel_id=self._channel,
                thread_ts=self._thread,
                status=status,
            )
        except (SlackRefused, SlackRateLimited):
            return False
        except SlackUnavailable:
            return True  # it may have arrived
        return True
