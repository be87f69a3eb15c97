"""Presses: what becomes of the buttons under an answer, and of Slack's own stop button.

Each does its work once, for those allowed, and has a word for everyone else: for who is not, for who pressed
before, and for a button that is older than what it was about.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from router.adapters.ratings import BAD, GOOD, Rated
from router.answer import Again, Answer
from router.delivered import Delivered
from router.domain import notices
from router.domain.explanation import explain
from router.domain.ladder import Tier
from router.domain.message import ChannelId, Message, Ts, UserId, read_files
from router.domain.press import Press, read_press
from router.errors import MalformedError, SlackRefused
from router.journal import write_line
from router.replying import Tools
from router.slack.thread import read_thread
from router.slack.whisper import Addressee, whisper

MOST_LOOKED_AT = 20
"""Messages of a thread, the newest first, among which the one that is being answered is looked for."""

Body = dict[str, Any]


class Presses:
    """The listeners of everything that can be pressed."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    # thumbs

    def rate(self, body: Body, delivered: Delivered) -> None:
        """Count a thumb for the model whose answer it is under."""
        press = read_press(body)
        fields = press.fields
        rating, known = fields.get("rating"), all(fields.get(name) for name in ("month", "id", "model"))
        if rating not in (GOOD, BAD) or not known:
            self._tell(press, notices.OLD_BUTTON)
            return
        rated = Rated(press.channel, fields["month"], fields["id"], fields["model"], press.user)
        before = self._tools.ratings.rate(rated, rating)
        self._tell(press, notices.rated(is_same=before == rating, is_moved=bool(before)))
        write_line("rate", "counted", job=delivered.id, channel=press.channel, rating=rating, before=before)

    # a stronger model

    def answer_again(self, body: Body, delivered: Delivered) -> None:
        """Answer a message once more by a stronger tier, for the person who pressed."""
        press = read_press(body)
        wanted = self._wanted(press)
        message = self._message_of(body, press) if wanted else None
        if wanted is None or message is None:
            self._tell(press, notices.QUESTION_GONE if wanted else notices.OLD_BUTTON)
            write_line("answer", "nothing_to_answer_again", job=delivered.id, channel=press.channel)
            return
        tier, at_most_usd = wanted
        Answer(self._tools, message, delivered, Again(tier, at_most_usd, _addressee(press))).answer()

    def _wanted(self, press: Press) -> tuple[Tier, Decimal] | None:
        """Read which tier is asked for, and for how much; None when the button says neither (any more)."""
        fields = press.fields
        try:
            at_most_usd = Decimal(fields.get("usd", ""))
            tier = self._tools.config.ladder.named(fields.get("tier", ""))
        except (InvalidOperation, KeyError):
            return None
        return (tier, at_most_usd) if at_most_usd.is_finite() and fields.get("ts") else None

    def _message_of(self, body: Body, press: Press) -> Message | None:
        """Look the message up that a reply answers; None when it, or all of its thread, is gone."""
        try:
            posts = read_thread(self._tools.slack, press.channel, press.thread)
        except SlackRefused:
            return None
        own = next((post for post in posts if post.get("ts") == press.fields["ts"]), None)
        if own is None or own.get("subtype") == "tombstone":
            return None
        reply = body.get("message")
        us = reply.get("user") if isinstance(reply, dict) else None
        text = own.get("text")
        return Message(
            channel=ChannelId(press.channel),
            ts=Ts(press.fields["ts"]),
            thread=Ts(press.thread),
            user=UserId(press.user),  # who asks now, and is charged
            text=text if isinstance(text, str) else "",
            team=press.team,
            author_team=press.user_team,
            is_direct=press.channel.startswith("D"),
            mentions_us=True,
            our_user=UserId(us if isinstance(us, str) else ""),
            files=read_files(own.get("files")),
        )

    # why this model

    def explain(self, body: Body, delivered: Delivered) -> None:
        """Tell the presser why the answer's model was chosen."""
        press = read_press(body)
        record = self._record(press)
        self._tell(press, explain(record) if record else notices.NO_RECORD)
        write_line("explain", "told" if record else "no_record", job=delivered.id, channel=press.channel)

    def _record(self, press: Press) -> dict[str, Any] | None:
        """Find what was recorded of an answer: for good once it is paid, until then its reservation."""
        fields = press.fields
        if not all(fields.get(name) for name in ("month", "at", "id")):
            return None
        record = self._tools.usage.record(press.channel, fields["month"], fields["at"], fields["id"])
        return record or self._tools.ledger.facts(fields["id"])

    # stop

    def stop(self, body: Body, delivered: Delivered) -> None:
        """Stop an answer by the button under it: for whom it is, or who may change settings."""
        press = read_press(body)
        fields, tools = press.fields, self._tools
        if not fields.get("ts"):
            self._tell(press, notices.OLD_BUTTON)
            return
        is_theirs = fields.get("user") == press.user
        if not is_theirs and not tools.settings.may_change(
            tools.people.find(press.user, press.user_team, press.team)
        ):
            self._tell(press, notices.NOT_YOURS_TO_STOP)
            return
        is_running = tools.claims.stop(press.channel, fields["ts"], fields.get("again", ""), press.user)
        if not is_running:
            self._tell(press, notices.NOTHING_TO_STOP)
        write_line("stop", "asked" if is_running else "too_late", job=delivered.id, channel=press.channel)

    def stopped(self, body: Body, delivered: Delivered) -> None:
        """Take note of Slack's own stop button: the stream has ended, the model is still to be told."""
        event = body.get("event")
        event = event if isinstance(event, dict) else {}
        channel, thread, user = (event.get(name) for name in ("channel", "thread_ts", "user"))
        if not (isinstance(channel, str) and isinstance(thread, str)):
            raise MalformedError("event: must have channel and thread_ts")
        by = user if isinstance(user, str) else ""
        is_running = self._stop_in(channel, thread, by)
        write_line("stop", "asked" if is_running else "too_late", job=delivered.id, channel=channel)

    def _stop_in(self, channel: str, thread: str, by: str) -> bool:
        """Stop what is being answered in a thread; the claims know which of its messages that is."""
        if self._stop_message(channel, thread, by):
            return True
        try:
            posts = read_thread(self._tools.slack, channel, thread)
        except SlackRefused:
            return False
        newest = [str(post.get("ts")) for post in reversed(posts) if not post.get("bot_id")]
        return any(self._stop_message(channel, ts, by) for ts in newest[:MOST_LOOKED_AT] if ts != thread)

    def _stop_message(self, channel: str, ts: str, by: str) -> bool:
        tiers = ("", *(tier.name for tier in self._tools.config.ladder.tiers[:-1]))
        return any(self._tools.claims.stop(channel, ts, answering, by) for answering in tiers)

    # the messages tab

    def suggest(self, body: Body, _delivered: Delivered) -> None:
        """Offer first questions to who opens the messages tab."""
        event = body.get("event")
        event = event if isinstance(event, dict) else {}
        prompts, channel = self._tools.config.reply.suggested_prompts, event.get("channel")
        if event.get("tab") != "messages" or not prompts or not isinstance(channel, str):
            return
        shown = [{"title": prompt.title, "message": prompt.message} for prompt in prompts]
        try:
            self._tools.slack.call("assistant.threads.setSuggestedPrompts", channel_id=channel, prompts=shown)
        except SlackRefused as refused:  # a workspace that has no agents is none the worse
            write_line("suggest", "refused", reason=refused.code)

    def _tell(self, press: Press, words: str) -> None:
        whisper(self._tools.slack, _addressee(press), words)


def _addressee(press: Press) -> Addressee:
    return Addressee(press.channel, press.user, press.thread, press.response_url)
