"""Board: where messages are put up, changed and taken down.

It keeps the promise that whatever changes is told to both audiences: to the app, as the events that Slack
would send, and to the watchers of the page, as changes. Who may do what is decided elsewhere. Everything
happens under one lock; callbacks are called inside it and must only take note.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.slack import events
from playground.slack.directory import Kind
from playground.slack.refusal import Refused
from playground.slack.request import Outgoing, Purpose
from playground.slack.store import Store
from playground.slack.stream import State
from playground.slack.view import deleted_view, view_of
from playground.slack.visible import mentioned_users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playground.clock import Clock
    from playground.slack.directory import Channel, Directory
    from playground.slack.message import Message

Json = dict[str, Any]

STATUS_LIFE_S = 120.0
"""Slack takes a status away after two minutes.
https://docs.slack.dev/reference/methods/assistant.threads.setStatus"""

FIRST_NUMBER = 0xA1_0000_0000
"""Where ids begin; any number that looks like one of Slack's would do."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a watcher should show.

    `kind` is message, status, session, ephemeral, home, prompts, delivery or ledger.
    """

    kind: str
    data: Json


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A mass mention by the bot that rang."""

    channel: str
    ts: str
    mention: str


@dataclass(frozen=True, slots=True)
class Status:
    """What the app says it is doing in a thread, until it posts there or two minutes are over."""

    text: str
    set_at: float


class Board:
    """The workspace's messages and who is told about them."""

    def __init__(self, clock: Clock, directory: Directory) -> None:
        self.clock = clock
        self.directory = directory
        self.lock = threading.RLock()
        self.store = Store(clock)
        self.broadcasts: list[Broadcast] = []
        self.ephemerals: list[Json] = []
        """Everything that was shown to one person only, each later version too."""
        self.mention_first = False
        """Whether the `app_mention` twin is sent before its `message`; Slack promises no order."""
        self._ephemeral_now: dict[str, Json] = {}
        self._statuses: dict[tuple[str, str], Status] = {}
        self._streams: list[Message] = []
        self._apps: list[Callable[[Outgoing], None]] = []
        self._watchers: list[Callable[[Change], None]] = []
        self._numbers = itertools.count(FIRST_NUMBER)

    # Audiences

    def on_outgoing(self, callback: Callable[[Outgoing], None]) -> None:
        """Have every request for the app told to `callback`."""
        with self.lock:
            self._apps.append(callback)

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Have every change told to `callback`, until the function that is returned is called."""
        with self.lock:
            self._watchers.append(callback)
        return lambda: self._unsubscribe(callback)

    def _unsubscribe(self, callback: Callable[[Change], None]) -> None:
        with self.lock, contextlib.suppress(ValueError):
            self._watchers.remove(callback)

    @property
    def is_watched(self) -> bool:
        """Whether anyone is told of changes."""
        with self.lock:
            return bool(self._watchers)

    def send(self, outgoing: Outgoing) -> None:
        """Hand a request to whoever delivers to the app."""
        with self.lock:
            for app in self._apps:
                app(outgoing)

    def tell(self, kind: str, data: Json) -> None:
        """Tell the watchers of a change."""
        with self.lock:
            for watcher in self._watchers:
                watcher(Change(kind, data))

    def number(self) -> str:
        """Return an id's worth of letters and digits that never repeats."""
        with self.lock:
            return f"{next(self._numbers):010X}"

    def event(self, event: Json, channel: Channel | None) -> Outgoing:
        """Return the request for an event, with an event id of its own."""
        name = events.EventId(f"Ev{self.number()}", int(self.clock.now()))
        return Outgoing(Purpose.EVENT, events.envelope(event, self.directory, channel, name))

    # Messages

    def post(self, message: Message) -> None:
        """Put up a new message."""
        with self.lock:
            self.store.add(message)
            if message.is_streaming:
                self._streams.append(message)
            if message.author == self.directory.bot:
                self.clear_status(message.channel, message.thread)
            self._show(message)
            self._send_twins(message)

    @contextlib.contextmanager
    def changing(self, message: Message, *, quietly: bool = False) -> Iterator[None]:
        """Change a message inside the block; if that is refused, nothing is told.

        Quietly means that only watchers learn of it: Slack sends no event for each piece of a stream.
        """
        with self.lock:
            previous = self.store.wire(message)
            yield
            self._show(message)
            if not quietly:
                channel = self.directory.channels[message.channel]
                wire = self.store.wire(message)
                self._emit(events.changed_event(wire, previous, channel, self.store.next_ts()), channel)

    def edit(self, message: Message, text: str) -> None:
        """Change a person's words; a mention of the bot in them is sent anew, as Slack does."""
        with self.lock:
            with self.changing(message):
                message.text = text
                message.edited = {"user": message.author.id, "ts": self.store.next_ts()}
            channel = self.directory.channels[message.channel]
            if self._mentions_bot(message, channel):
                self._emit(events.mention_event(self.store.wire(message), channel), channel)

    def remove(self, message: Message) -> None:
        """Take a message down."""
        with self.lock:
            channel, previous = self.directory.channels[message.channel], self.store.wire(message)
            gone = deleted_view(self.store, message)
            self.store.remove(message)
            self._streams = [one for one in self._streams if one is not message]
            self.tell("message", {"channel": message.channel, "message": gone})
            self._emit(events.deleted_event(previous, channel, self.store.next_ts()), channel)

    def show_ephemeral(
        self, channel: str, user: str, thread_ts: str | None, text: str, blocks: list[Json]
    ) -> str:
        """Show something to one person only and return its ts; it is no message that could be read later."""
        with self.lock:
            place = {"channel": channel, "user": user, "thread_ts": thread_ts, "ts": self.store.next_ts()}
            self._show_once(place | {"text": text, "blocks": blocks})
            return str(place["ts"])

    def change_ephemeral(self, ts: str, text: str, blocks: list[Json]) -> None:
        """Show something else in the place of what one person sees."""
        with self.lock:
            self._show_once(self.shown_ephemeral(ts) | {"text": text, "blocks": blocks})

    def remove_ephemeral(self, ts: str) -> None:
        """Take away what one person sees."""
        with self.lock:
            self.tell("ephemeral", self.shown_ephemeral(ts) | {"text": "", "blocks": [], "deleted": True})
            del self._ephemeral_now[ts]

    def shown_ephemeral(self, ts: str) -> Json:
        """Return what one person sees, as it is now. Raises Refused("message_not_found")."""
        with self.lock:
            if ts not in self._ephemeral_now:
                raise Refused("message_not_found")
            return self._ephemeral_now[ts]

    def _show_once(self, shown: Json) -> None:
        self._ephemeral_now[shown["ts"]] = shown
        self.ephemerals.append(shown)
        self.tell("ephemeral", shown)

    # Streams and statuses

    def end_stream(self, message: Message, state: State) -> None:
        """Let a streamed message take no more; what was written stays."""
        with self.lock, self.changing(message):
            if message.stream is not None:
                message.stream.state = state
            self._streams = [one for one in self._streams if one is not message]

    def streams_in(self, channel: str, thread: str) -> list[Message]:
        """Return the messages of a thread that are being written."""
        with self.lock:
            return [one for one in self._streams if (one.channel, one.thread) == (channel, thread)]

    def set_status(self, channel: str, thread: str, text: str) -> None:
        """Show what the app does in a thread; an empty text clears it."""
        with self.lock:
            if not text:
                self.clear_status(channel, thread)
                return
            self._statuses[channel, thread] = Status(text, self.clock.now())
            self.tell("status", {"channel": channel, "thread_ts": thread, "status": text})

    def clear_status(self, channel: str, thread: str) -> None:
        """Take a thread's status away, if it has one."""
        if self._statuses.pop((channel, thread), None) is not None:
            self.tell("status", {"channel": channel, "thread_ts": thread, "status": ""})

    def status(self, channel: str, thread: str) -> str:
        """Return what the app is said to do in a thread; empty if nothing."""
        with self.lock:
            self.let_time_pass()
            shown = self._statuses.get((channel, thread))
            return shown.text if shown else ""

    def let_time_pass(self) -> None:
        """Do what the clock has made due: streams and statuses that have run out."""
        now = self.clock.now()
        with self.lock:
            for message in list(self._streams):
                if message.stream is not None and message.stream.has_run_out(now):
                    self.end_stream(message, State.EXPIRED)
            for place, shown in list(self._statuses.items()):
                if now - shown.set_at >= STATUS_LIFE_S:
                    self.clear_status(*place)

    # What follows from a message

    def _show(self, message: Message) -> None:
        self.tell("message", {"channel": message.channel, "message": view_of(self.store, message)})
        if message.author == self.directory.bot:
            self._record_broadcasts(message)

    def _record_broadcasts(self, message: Message) -> None:
        known = Counter(one.mention for one in self.broadcasts if one.ts == message.ts)
        for mention in (Counter(message.live_mentions) - known).elements():
            self.broadcasts.append(Broadcast(message.channel, message.ts, mention))

    def _send_twins(self, message: Message) -> None:
        channel = self.directory.channels[message.channel]
        wire = self.store.wire(message)
        if channel.shared_with:
            wire |= {"user_team": message.author.team, "source_team": message.author.team}
        if message.subtype == "thread_broadcast":
            wire["root"] = self.store.wire(self.store.find(message.channel, message.thread))
        twins = [events.message_event(wire, channel)]
        if self._mentions_bot(message, channel):
            twins.append(events.mention_event(wire, channel))
        for event in reversed(twins) if self.mention_first else twins:
            self._emit(event, channel)

    def _mentions_bot(self, message: Message, channel: Channel) -> bool:
        """Whether an `app_mention` follows: never in direct messages, nor of what the bot says or does."""
        bot = self.directory.bot
        is_told = channel.kind is not Kind.IM and message.author != bot
        return is_told and bot.id in mentioned_users(message.visible_text)

    def _emit(self, event: Json, channel: Channel) -> None:
        if self.directory.bot.id in channel.members:
            self.send(self.event(event, channel))
