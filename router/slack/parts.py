"""A part: one Slack message that shows a stretch of a reply as it grows.

A `NativePart` is streamed: appended to, never changed. An `EditedPart` is posted and then replaced as a
whole, which any workspace allows and which may be repeated safely. A `PlainPart` is posted once. All raise
what Slack raises; what to do about it is the reply's business.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRefused
from router.slack.blocks import Block

NOTIFICATION_CHARS = 150
"""An edited message's `text` is only its notification (the answer stands in its blocks): Slack refuses one
above 4,000 characters. https://docs.slack.dev/reference/methods/chat.update"""


Mark = dict[str, Any] | None
"""The metadata by which a finished reply is known, on its last part."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply goes: a thread, and the person and team it is for, which Slack asks of streams."""

    channel: str
    thread: str
    user: str
    team: str
    is_direct: bool


class NativePart:
    """A streamed message, see https://docs.slack.dev/reference/methods/chat.startStream."""

    def __init__(self, slack: SlackWeb, place: Place) -> None:
        self._slack = slack
        self._place = place
        self.ts = ""
        self.shown = ""

    def show(self, text: str) -> None:
        """Show `text`, which begins with what is shown already."""
        more = text[len(self.shown) :]
        if not self.ts:
            self.ts = self._start(more)
        elif more:
            self._slack.call("chat.appendStream", channel=self._place.channel, ts=self.ts, markdown_text=more)
        self.shown = text

    def _start(self, text: str) -> str:
        place = self._place
        answer = self._slack.call(
            "chat.startStream",
            channel=place.channel,
            thread_ts=place.thread,
            recipient_user_id=None if place.is_direct else place.user,
            recipient_team_id=None if place.is_direct else place.team,
            markdown_text=text,
        )
        return _ts_in(answer, "chat.startStream")

    def close(self, text: str, blocks: list[Block], mark: Mark = None) -> None:
        """End the stream with the rest of `text` and with `blocks` under it.

        What a stream began with, `markdown_text` or `chunks`, is all that it takes.
        """
        if not self.ts:
            self.show(text)
        more = text[len(self.shown) :]
        self._slack.call(
            "chat.stopStream",
            channel=self._place.channel,
            ts=self.ts,
            markdown_text=more or None,
            blocks=blocks or None,
            metadata=mark,
        )
        self.shown = text


class EditedPart:
    """A message that is posted once and then replaced as a whole.

    With a `ts` it takes over a message that is already there; `is_streaming` says that the message may
    still be a live stream, which Slack does not let anyone edit.
    """

    def __init__(
        self,
        slack: SlackWeb,
        place: Place,
        ts: str = "",
        *,
        is_streaming: bool = False,
        controls: tuple[Block, ...] = (),
    ) -> None:
        self._slack = slack
        self._place = place
        self._is_streaming = is_streaming
        self._controls = list(controls)
        self.ts = ts
        self.shown = ""

    def show(self, text: str) -> None:
        """Show `text`, and under it what a person may press while it grows."""
        self._write(text, self._controls, None)

    def close(self, text: str, blocks: list[Block], mark: Mark = None) -> None:
        """Show `text` with `blocks` under it, for good; `text` may be blank if there are blocks."""
        self._write(text, blocks, mark)

    def _write(self, text: str, blocks: list[Block], mark: Mark) -> None:
        self._end_stream()
        content = [{"type": "markdown", "text": text}, *blocks] if text.strip() else blocks
        whole = {"text": text[:NOTIFICATION_CHARS], "blocks": content, "metadata": mark}
        if self.ts:
            self._slack.call("chat.update", channel=self._place.channel, ts=self.ts, **whole)
        else:
            self.ts = self._post(**whole)
        self.shown = text

    def _post(self, **content: object) -> str:
        answer = self._slack.call(
            "chat.postMessage",
            channel=self._place.channel,
            thread_ts=self._place.thread,
            unfurl_links=False,
            unfurl_media=False,
            **content,
        )
        return _ts_in(answer, "chat.postMessage")

    def remove(self) -> None:
        """Take the message away."""
        self._end_stream()
        self._slack.call("chat.delete", channel=self._place.channel, ts=self.ts)

    def _end_stream(self) -> None:
        if not self._is_streaming:
            return
        # It may have ended before; else the edit that follows says what is wrong.
        with contextlib.suppress(SlackRefused):
            self._slack.call("chat.stopStream", channel=self._place.channel, ts=self.ts)
        self._is_streaming = False


class PlainPart:
    """A message posted once, as it is, when its text is complete: the last resort."""

    def __init__(self, slack: SlackWeb, place: Place) -> None:
        self._slack = slack
        self._place = place
        self.ts = ""
        self.shown = ""

    def show(self, text: str) -> None:
        """Wait for the rest of the text."""

    def close(self, text: str, blocks: list[Block], mark: Mark = None) -> None:  # noqa: ARG002 - see below
        """Post `text` without blocks or formatting: they are what Slack may have refused."""
        answer = self._slack.call(
            "chat.postMessage",
            channel=self._place.channel,
            thread_ts=self._place.thread,
            unfurl_links=False,
            unfurl_media=False,
            text=text,
            metadata=mark,
        )
        self.ts = _ts_in(answer, "chat.postMessage")
        self.shown = text


def _ts_in(answer: dict[str, Any], method: str) -> str:
    """Read what Slack calls the message; without it, the message cannot be written on."""
    ts = answer.get("ts")
    if not (isinstance(ts, str) and ts):
        raise SlackRefused(method, "no_ts_in_answer")
    return ts


Part = NativePart | EditedPart | PlainPart
