"""Workspace: the fake Slack that people, tests and the Web API act upon.

It keeps the promise that what people do reaches the app as the events Slack would send, and no others.
What the app may do is decided by the Web API's methods; how requests reach the app is delivery's business.
All of it may be used from several threads at once.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from playground.slack import events, interactions
from playground.slack.installation import BOT_TOKEN, SIGNING_SECRET, Installation
from playground.slack.message import Message
from playground.slack.refusal import Refused
from playground.slack.request import Outgoing, Purpose
from playground.slack.stream import State
from playground.slack.visible import unescaped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from playground.clock import Clock
    from playground.slack.board import Change
    from playground.slack.directory import Channel, User

Json = dict[str, Any]

POST_CHARS = 40_000
"""The most that fits into one message."""


class Workspace(Installation):
    """A Slack workspace with people, channels and one app, Penny."""

    def __init__(
        self, clock: Clock, signing_secret: str = SIGNING_SECRET, bot_token: str = BOT_TOKEN
    ) -> None:
        super().__init__(clock, signing_secret, bot_token)

    # What people do

    def post_as_user(
        self,
        channel: str,
        user: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[Mapping[str, Any]] = (),
        *,
        broadcast: bool = False,
        client_msg_id: str = "",
    ) -> str:
        """Post `text` (in Slack's form, mentions as `<@U…>`) and return its ts.

        `files` have name, mimetype and content (bytes); `broadcast` shows a reply in the channel as well.
        Raises Refused.
        """
        with self.board.lock:
            place, author = self.directory.channel(channel), self.directory.user(user)
            self._require_can_post(place, author)
            if len(unescaped(text)) > POST_CHARS:
                raise Refused("msg_too_long")
            if not text and not files:
                raise Refused("no_text")
            message = self._new_message(place, author, text, thread_ts)
            message.files = [self._file(one, author) for one in files]
            message.client_msg_id = (
                "" if files else client_msg_id or f"c0ffee00-0000-4000-8000-{self.board.number():0>12}"
            )
            message.subtype = _subtype(is_share=bool(files), is_broadcast=broadcast and not message.is_root)
            self.board.post(message)
            return message.ts

    def post_as_bot(
        self, channel: str, text: str, thread_ts: str | None = None, bot: str = "deploybot"
    ) -> str:
        """Post as another app's bot and return the ts."""
        with self.board.lock:
            place, author = self.directory.channel(channel), self.directory.user(bot)
            self._require_can_post(place, author)
            message = self._new_message(place, author, text, thread_ts)
            self.board.post(message)
            return message.ts

    def edit_as_user(self, channel: str, ts: str, text: str) -> None:
        """Change the words of a person's message."""
        with self.board.lock:
            self.board.edit(self.board.store.find(self.directory.channel(channel).id, ts), text)

    def unfurl(self, channel: str, ts: str, url: str) -> None:
        """Attach a preview of a link to a message, as Slack does some seconds after the post."""
        with self.board.lock:
            message = self.board.store.find(self.directory.channel(channel).id, ts)
            with self.board.changing(message):
                preview = {"id": 1, "from_url": url, "original_url": url, "title": url, "fallback": url}
                message.attachments = [*message.attachments, preview]

    def delete_message(self, channel: str, ts: str) -> None:
        """Take any message down, also one that is being streamed."""
        with self.board.lock:
            self.board.remove(self.board.store.find(self.directory.channel(channel).id, ts))

    def join(self, channel: str, user: str) -> str:
        """Let someone enter a channel; return the ts of Slack's message about it."""
        with self.board.lock:
            place, who = self.directory.channel(channel), self.directory.user(user)
            place.members.add(who.id)
            message = self._new_message(place, who, f"<@{who.id}> has joined the channel", None)
            message.subtype = "channel_join"
            self.board.post(message)
            return message.ts

    def press_stop(self, ts: str, user: str = "ada") -> None:
        """Press Slack's stop button in the thread of a message: the whole session stops, with its streams."""
        with self.board.lock:
            message, who = self.board.store.find_anywhere(ts), self.directory.user(user)
            streams = self.board.streams_in(message.channel, message.thread)
            for one in streams:
                self.board.end_stream(one, State.STOPPED_BY_USER)
            stopped = [one.ts for one in streams]
            self.set_session(message.channel, message.thread, "active")
            self.board.send(self.stop_event(message.channel, message.thread, who.id, stopped))

    def run_command(
        self, command: str, text: str = "", *, user: str = "ada", channel: str = "ask-penny"
    ) -> None:
        """Type a slash command."""
        self.board.send(self.slash_command(command, text, user=user, channel=channel))

    def press(self, channel: str, ts: str, action_id: str, value: str = "", **how: Any) -> None:
        """Press a button, or choose an option, in a message; see `block_action`."""
        self.board.send(self.block_action(channel, ts, action_id, value, **how))

    def press_home(
        self,
        action_id: str,
        value: str = "",
        *,
        user: str = "ada",
        block_id: str = "",
        state: Json | None = None,
        inputs: Json | None = None,
    ) -> None:
        """Press a button, or choose an option, in the home tab. Raises LookupError if it has no such element.

        What its inputs hold is told along: `inputs` as in `state_values`, or `state` in Slack's own form.
        """
        with self.board.lock:
            who = self.directory.user(user)
            if who.id not in self.homes:
                raise Refused("not_found", "nothing was published for that home tab")
            view, press = self.homes[who.id], self._press(action_id, value, block_id=block_id)
            held = interactions.state_values(view["blocks"], inputs or {}) if state is None else state
            payload = interactions.home_action(self.directory, who, view, press, held)
            self.board.send(Outgoing(Purpose.ACTION, payload))

    def open_home(self, user: str = "ada", tab: str = "home") -> None:
        """Open the app's home (or messages) tab."""
        with self.board.lock:
            who, dm = self.directory.user(user), self.directory.direct_message(user)
            view = self.homes.get(who.id)
            event = events.home_event(who.id, dm.id, tab, view, self.board.store.next_ts())
            self.board.send(self.board.event(event, dm))

    # Bodies that a test may sign and deliver itself

    def slash_command(
        self, command: str, text: str = "", *, user: str = "ada", channel: str = "ask-penny"
    ) -> Outgoing:
        """Return the body of a slash command."""
        with self.board.lock:
            who, place = self.directory.user(user), self.directory.channel(channel)
            press = self._press(command, text, self.response_urls.mint(place.id, who.id, "commands"))
            form = interactions.command_form(self.directory, who, place, (command, text), press)
            return Outgoing(Purpose.COMMAND, form)

    def block_action(
        self,
        channel: str,
        ts: str,
        action_id: str,
        value: str = "",
        *,
        user: str = "ada",
        block_id: str = "",
        inputs: Json | None = None,
    ) -> Outgoing:
        """Return the body of a press in a message, or in what one person alone sees of the app.

        Raises LookupError if there is no such element; `inputs` as in `state_values`.
        """
        with self.board.lock:
            who, place = self.directory.user(user), self.directory.channel(channel)
            shown = self._ephemeral_of(who, ts)
            url = self.response_urls.mint(place.id, who.id, "actions", ts, is_ephemeral=bool(shown))
            press = self._press(action_id, value, url, block_id)
            if shown:
                payload = interactions.ephemeral_action(
                    self.directory, who, place, shown, press, inputs or {}
                )
            else:
                message = self.board.store.find(place.id, ts)
                payload = interactions.message_action(
                    self.directory, who, place, message, press, inputs or {}
                )
            return Outgoing(Purpose.ACTION, payload)

    def stop_event(self, channel: str, thread_ts: str, user: str, streams: Sequence[str] = ()) -> Outgoing:
        """Return the body of the event that a press on Slack's stop button sends."""
        place, who = self.directory.channel(channel), self.directory.user(user)
        with self.board.lock:
            event_ts = self.board.store.next_ts()
        event = events.stopped_event(place.id, thread_ts, who.id, list(streams), event_ts)
        return self.board.event(event, place)

    # What is there to see

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Have every change told to `callback`; see `Board.subscribe`."""
        return self.board.subscribe(callback)

    def message(self, channel: str, ts: str) -> Message:
        """Return one message. Raises Refused("message_not_found")."""
        with self.board.lock:
            self.board.let_time_pass()
            return self.board.store.find(self.directory.channel(channel).id, ts)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return the thread that `ts` is in, root first."""
        with self.board.lock:
            self.board.let_time_pass()
            store, place = self.board.store, self.directory.channel(channel).id
            return store.thread(place, store.root_of(place, ts))

    def replies_by_bot(self, channel: str, ts: str) -> list[Message]:
        """Return what Penny said in a thread, oldest first."""
        return [one for one in self.thread(channel, ts) if one.author == self.directory.bot]

    # Making

    def _new_message(self, channel: Channel, author: User, text: str, thread_ts: str | None) -> Message:
        """Build a message; a reply to a reply goes to its thread, as Slack has it."""
        store = self.board.store
        root = store.root_of(channel.id, thread_ts) if thread_ts else None
        if root and not store.has_thread(channel.id, root):
            raise Refused("thread_not_found")
        return Message(
            channel=channel.id,
            ts=store.next_ts(),
            author=author,
            text=text,
            thread_ts=root,
            parent_user=_author_of(store.thread(channel.id, root)) if root else "",
        )

    def new_message(self, channel: Channel, thread_ts: str | None) -> Message:
        """Build an empty message by Penny, to be filled and posted. Raises Refused("thread_not_found")."""
        return self._new_message(channel, self.directory.bot, "", thread_ts)

    def _require_can_post(self, channel: Channel, author: User) -> None:
        if author.deleted:
            raise Refused("account_inactive")
        if channel.archived:
            raise Refused("is_archived")
        if author.id not in channel.members:
            raise Refused("not_in_channel")

    def _file(self, file: Mapping[str, Any], author: User) -> Json:
        return self.files.keep(f"F{self.board.number()}", self.team_id, author.id, file)

    def _press(
        self, action_id: str, value: str, response_url: str = "", block_id: str = ""
    ) -> interactions.Press:
        trigger, ts = f"{self.board.number()}.{self.team_id}", self.board.store.next_ts()
        return interactions.Press(action_id, value, ts, trigger, response_url, block_id)

    def _ephemeral_of(self, user: User, ts: str) -> Json | None:
        """Return what `user` alone sees there; None if that ts is a message's, or another's."""
        with contextlib.suppress(Refused):
            shown = self.board.shown_ephemeral(ts)
            return shown if shown["user"] == user.id else None
        return None


def _subtype(*, is_share: bool, is_broadcast: bool) -> str | None:
    if is_broadcast:
        return "thread_broadcast"
    return "file_share" if is_share else None


def _author_of(thread: list[Message]) -> str:
    """Return the root's author; Slack itself where only a tombstone is left of the root."""
    return thread[0].author.id if thread and thread[0].is_root else "USLACKBOT"
