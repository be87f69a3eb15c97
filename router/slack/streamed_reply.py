"""A streamed reply: one answer in a thread, shown while it is being written.

The model is read by one thread, Slack is written by another, so that neither waits for the other. Keeps
these promises: at most one write a second but for the last, fewer when Slack asks for it; native stream
first, post-and-edit where a stream is refused or breaks; a further message at 9 kB; broadcasts defused; and
what was generated is shown in full as long as the worker lives.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from router.adapters.slack_web import SlackWeb
from router.domain.reply import Defuser, cut_part
from router.errors import SlackRateLimited, SlackRefused, SlackUnavailable
from router.journal import write_line
from router.slack.blocks import Block
from router.slack.parts import EditedPart, Mark, NativePart, Part, Place, PlainPart

INTERVAL_S = 1.0
"""Between two writes to Slack: all answers of a workspace share about 100 appends a minute.
https://docs.slack.dev/apis/web-api/rate-limits"""

SLOWEST_S = 10.0
"""The interval doubles up to this when Slack says 429."""

TROUBLE_WAIT_S = 1.0
"""Before another try when Slack did not answer."""

HOPELESS = frozenset(
    {
        "account_inactive",
        "cannot_reply_to_message",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_authed",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
        "token_expired",
        "token_revoked",
        "user_is_bot",
    }
)
"""Refusals after which nothing can be posted in this place at all."""

BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "invalid_arguments"})
"""Refusals that may be about a kind of block that this workspace does not have."""

STOPPED_BY_USER = "stopped_by_user"
GONE = "message_not_found"
NO_STREAM = frozenset({STOPPED_BY_USER, GONE, "message_not_in_streaming_state"})
"""Refusals that say that the stream has ended."""


@dataclass(frozen=True, slots=True)
class Fittings:
    """What a reply carries beside its words.

    `mark` makes a part's metadata, by which it is known, from whether the reply ends with it and
    from the tier that answers. `controls`
    stand under a part while it grows, where Slack has no button of its own.
    """

    mark: Callable[[bool, str], Mark] = lambda _is_complete, _tier: None
    controls: tuple[Block, ...] = ()


BARE = Fittings()


class StreamedReply:
    """One answer in a thread. `write` as it comes, then `close` once.

    `adopted` are the messages that an earlier worker left half-written: they are filled again from their
    start instead of posting others, and those left over are taken away. `on_posted` is called, off the
    reader's path, with all timestamps of the reply so far whenever a message was posted. `wait` waits on the
    condition until it is notified or, at the latest, for seconds of `clock`. `fittings` are
    what it carries beside its words.
    """

    def __init__(
        self,
        slack: SlackWeb,
        place: Place,
        *,
        adopted: tuple[str, ...] = (),
        on_posted: Callable[[tuple[str, ...]], None],
        fittings: Fittings = BARE,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait,
    ) -> None:
        self._slack = slack
        self._place = place
        self._adopted = list(adopted)
        self._on_posted = on_posted
        self._fittings = fittings
        self._clock = clock
        self._wait = wait
        self._defuser = Defuser()
        self._changed = threading.Condition()
        self._incoming = ""
        self._closing: list[Block] | None = None
        self._until = 0.0
        self._thread: threading.Thread | None = None
        self._text = ""  # of the current part; only the writing thread touches this and what follows
        self._part: Part | None = None
        self._streams_refused = False
        self._posted: tuple[str, ...] = ()
        self._noted: tuple[str, ...] = ()
        self._is_behind = False
        self._is_complete = False
        self._interval_s = INTERVAL_S
        self._due = 0.0
        self._not_before = 0.0
        self.has_left_stream = False
        """Whether a stream was begun that the reply did not end as: Slack may think that it still grows."""
        self.is_stopped = False
        """Whether the person pressed Stop: nothing more should be generated."""
        self.is_hopeless = False
        """Whether nothing can be posted here any more (channel gone, bot removed, token revoked)."""
        self.tier = ""
        """Which tier answers, once that is known; its thread remembers it."""
        self.first_text_at: float | None = None
        """When the first text stood in Slack, by `clock`."""

    @property
    def is_unwanted(self) -> bool:
        """Whether generating more text is useless."""
        return self.is_stopped or self.is_hopeless

    def write(self, text: str) -> None:
        """Add text to the answer; returns at once."""
        with self._changed:
            self._incoming += self._defuser.feed(text)
            self._start()
            self._changed.notify()

    def close(self, blocks: list[Block], until: float, last_words: str = "") -> bool:
        """Show all that was written and `last_words`, with `blocks` under it; whether it stands in Slack.

        Tries until `until` (by `clock`). Must be called once, after the last `write`; without any before it,
        one message is posted and nothing is streamed. False as well when there is nothing to show at all.
        """
        with self._changed:
            self._incoming += self._defuser.feed(last_words) + self._defuser.rest()
            self._closing = blocks
            self._until = until
            self._start()
            self._changed.notify()
            thread = self._thread
        if thread:
            thread.join(max(0.0, until - self._clock()) + 15.0)  # one call to Slack may take ten seconds
        return self._is_complete

    def give_up(self) -> None:
        """Write nothing more: whoever takes over finishes what stands in the thread."""
        with self._changed:
            self.is_hopeless = True
            self._changed.notify()

    def _start(self) -> None:
        if self._thread is None and (self._incoming or self._closing is not None):
            self._thread = threading.Thread(target=self._run, name="reply", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except Exception as error:  # noqa: BLE001 - who reads the model must learn that nobody writes any more
            write_line("reply", "crashed", channel=self._place.channel, reason=type(error).__name__)
            self.is_hopeless = True

    def _write_until_closed(self) -> None:
        """Write until closed and everything stands in Slack, or nothing can."""
        while not (self._is_complete or self.is_hopeless):
            closing = self._take()
            if self.is_hopeless:
                return
            if self._could_show(closing):
                self._due = self._clock() + self._interval_s
                self._is_complete = closing is not None and not self._is_behind
            elif closing is not None and self._clock() >= self._until:
                self.is_hopeless = True
            if self._posted != self._noted:
                self._noted = self._posted
                self._on_posted(self._posted)
        if self._is_complete:
            self._remove_leftovers()

    def _could_show(self, closing: list[Block] | None) -> bool:
        """Write once; if Slack does not take it, do what helps the next try."""
        try:
            self._is_behind = not self._show(closing)
        except SlackRateLimited as limited:
            self._slow_down(limited.after_s)
        except SlackUnavailable:
            self._distrust()
        except SlackRefused as refused:
            self._adapt(refused)
        else:
            return True
        return False

    def _take(self) -> list[Block] | None:
        """Wait until something is to be written and its time has come; return the blocks when closing."""
        with self._changed:
            while not self.is_hopeless and ((wait_s := self._seconds_to_wait()) is None or wait_s > 0):
                self._wait(self._changed, wait_s)
            self._text += self._incoming
            self._incoming = ""
            self._is_behind = True
            return self._closing

    def _seconds_to_wait(self) -> float | None:
        """Return how long to wait before writing, at most until the last moment; None: for more text."""
        if self._closing is not None:  # what is left and fits into one write waits only for Slack
            return min(self._due if self._is_behind else self._not_before, self._until) - self._clock()
        return self._due - self._clock() if self._incoming or self._is_behind else None

    def _show(self, closing: list[Block] | None) -> bool:
        """Show what one message takes; whether that is all."""
        if closing is None and not self._text.strip():
            return True  # Slack takes no blank message
        part = self._part or self._open_part(is_whole=closing is not None)
        fixed = len(part.shown) if isinstance(part, NativePart) else 0
        text, rest = cut_part(self._text, fixed=fixed)
        if rest:
            part.close(text, [], self._fittings.mark(False, self.tier))  # noqa: FBT003 - whether it is complete: no
            self._part, self._text = None, rest
        elif closing is None:
            part.show(text)
        else:
            part.close(text, closing, self._fittings.mark(True, self.tier))  # noqa: FBT003 - and here it is
        self._after_write(part)
        return not rest

    def _open_part(self, *, is_whole: bool) -> Part:
        if self._adopted:
            part: Part = self._edited(self._adopted.pop(0), is_streaming=True)
        elif self._streams_refused or is_whole:
            part = self._edited()
        else:
            part = NativePart(self._slack, self._place)
        self._part = part
        return part

    def _edited(self, ts: str = "", *, is_streaming: bool = False) -> EditedPart:
        return EditedPart(
            self._slack, self._place, ts, is_streaming=is_streaming, controls=self._fittings.controls
        )

    def _after_write(self, part: Part) -> None:
        if not part.ts:
            return
        if self.first_text_at is None:
            self.first_text_at = self._clock()
        if part.ts not in self._posted:
            self._posted += (part.ts,)

    def _slow_down(self, after_s: float) -> None:
        """Leave Slack alone for as long as it asks; a stream that may not start becomes an edited message."""
        if isinstance(self._part, NativePart) and not self._part.ts:
            self._streams_refused, self._part = True, None
            return
        self._interval_s = min(SLOWEST_S, self._interval_s * 2)
        self._due = self._not_before = self._clock() + after_s

    def _distrust(self) -> None:
        """Nobody knows whether the last write arrived: from here on write what may be repeated."""
        self._streams_refused = True
        self._replace_stream(is_streaming=True)
        self._due = self._not_before = self._clock() + TROUBLE_WAIT_S

    def _adapt(self, refused: SlackRefused) -> None:
        part = self._part
        if refused.code in HOPELESS:
            self.is_hopeless = True
        elif refused.code in BLOCKS_REFUSED and self._has_left_out_controls():
            return
        elif isinstance(part, NativePart):
            self._streams_refused = True
            self.is_stopped = self.is_stopped or refused.code == STOPPED_BY_USER
            self._replace_stream(is_streaming=refused.code not in NO_STREAM)
        elif isinstance(part, EditedPart) and part.ts and refused.code == GONE:
            self._part = self._edited()
        elif isinstance(part, EditedPart):
            self._part = PlainPart(self._slack, self._place)
        else:
            self.is_hopeless = True

    def _replace_stream(self, *, is_streaming: bool) -> None:
        if isinstance(self._part, NativePart):
            ts = self._part.ts
            self.has_left_stream = self.has_left_stream or bool(ts)
            self._part = self._edited(ts, is_streaming=is_streaming) if ts else None

    def _has_left_out_controls(self) -> bool:
        """Leave out what can be pressed: this workspace may not have all kinds. Whether there was any."""
        with self._changed:
            closing = self._closing
            if closing is None or all(block["type"] == "context" for block in closing):
                return False
            self._closing = [block for block in closing if block["type"] == "context"]
        return True

    def _remove_leftovers(self) -> None:
        """Take away what an earlier worker had posted and this answer, being shorter, did not fill."""
        for ts in self._adopted:
            with contextlib.suppress(SlackRefused, SlackUnavailable):
                EditedPart(self._slack, self._place, ts, is_streaming=True).remove()
