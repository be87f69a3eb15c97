"""A message: what a person posted, as read from one of Slack's events.

Keeps the promise that either twin (`app_mention`, `message`) of one post reads as the same message.
Whether a message is for us is decided here as far as the event alone can tell; whether we take part in
its thread is found out by the worker.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NewType

from router.errors import MalformedError

ChannelId = NewType("ChannelId", str)
UserId = NewType("UserId", str)
Ts = NewType("Ts", str)
"""Slack's timestamp of a message, `1700000000.000100`; with the channel it names the message."""

ANSWERABLE_SUBTYPES = frozenset({None, "file_share", "thread_broadcast"})
"""Subtypes that carry a person's words. All others are joins, edits, unfurls and the like."""

_ID = re.compile(r"[A-Z0-9]{2,32}")
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")
_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")


class NotForUs(StrEnum):
    """Why a post goes no further."""

    OWN_POST = "own_post"
    BOT_POST = "bot_post"
    EDIT = "edit"
    SUBTYPE = "subtype"
    CHANNEL_TALK = "channel_talk"
    TO_SOMEONE_ELSE = "to_someone_else"


RENDITIONS = ("thumb_1024", "thumb_960", "thumb_720", "thumb_480", "thumb_360")
"""Sizes in which Slack has an image, by the longer side in pixels; only up to its own size.
https://docs.slack.dev/reference/objects/file-object"""

LARGEST_IMAGE = 1024
"""Pixels of the longer side, by which the tokens of an image are bounded."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that hangs on a message; `mimetype` as Slack gives it, empty if unknown.

    `address` is where its bytes are, of an image those of a rendition that is not too large; empty when there
    is none. `size` is in bytes, of the file itself.
    """

    name: str
    mimetype: str = ""
    id: str = ""
    size: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a person posted.

    `thread` is the ts of the thread's root (the message's own for a root). `files` is None when the event
    cannot tell: an `app_mention` may lack them. `author_team` is the author's own workspace, which in a
    shared channel need not be ours. `text` is Slack's, still escaped, mentions in place.
    """

    channel: ChannelId
    ts: Ts
    thread: Ts
    user: UserId
    text: str
    team: str
    author_team: str
    is_direct: bool
    mentions_us: bool
    our_user: UserId
    files: tuple[File, ...] | None

    @property
    def is_reply(self) -> bool:
        """Whether it stands inside a thread rather than starting one."""
        return self.thread != self.ts

    @property
    def needs_our_thread(self) -> bool:
        """Whether it is for us only if we already take part in its thread."""
        return not (self.is_direct or self.mentions_us)


def read_message(body: dict[str, Any]) -> Message | NotForUs:
    """Read the `app_mention` or `message` event of an `event_callback` body.

    Raises MalformedError when a field that identifies the message is absent or of the wrong type.
    """
    event = body.get("event")
    if not isinstance(event, dict):
        raise MalformedError("event: must be an object")
    our_user = _our_user(body)
    refused = _refusal(event, our_user, body.get("api_app_id"))
    if refused is not None:
        return refused
    message = _message(body, event, our_user)
    if message.is_direct or message.mentions_us:
        return message
    if not message.is_reply:
        return NotForUs.CHANNEL_TALK
    if _MENTION.search(message.text):
        return NotForUs.TO_SOMEONE_ELSE
    return message


def _our_user(body: dict[str, Any]) -> UserId:
    """Our bot user: `authorizations[0]` is the truth, also on Enterprise Grid."""
    authorizations = body.get("authorizations")
    if isinstance(authorizations, list) and authorizations and isinstance(authorizations[0], dict):
        user = authorizations[0].get("user_id")
        if isinstance(user, str) and _ID.fullmatch(user):
            return UserId(user)
    raise MalformedError("authorizations[0].user_id: must name our bot user")


def _our_team(body: dict[str, Any]) -> str:
    """Our workspace; in a shared channel `team_id` may be the other one's."""
    authorization = body["authorizations"][0]
    return _first_id(authorization.get("team_id"), body.get("context_team_id"), body.get("team_id"))


def _refusal(event: dict[str, Any], our_user: UserId, our_app: Any) -> NotForUs | None:
    profile = event.get("bot_profile")
    app = event.get("app_id") or (profile.get("app_id") if isinstance(profile, dict) else None)
    if event.get("user") == our_user or (our_app and app == our_app):
        return NotForUs.OWN_POST
    if event.get("bot_id") or event.get("subtype") == "bot_message":
        return NotForUs.BOT_POST
    if event.get("edited") or event.get("subtype") == "message_changed":
        return NotForUs.EDIT
    subtype = event.get("subtype")
    if not (subtype is None or isinstance(subtype, str)):
        raise MalformedError("event.subtype: must be a string")
    if event.get("hidden") or subtype not in ANSWERABLE_SUBTYPES:
        return NotForUs.SUBTYPE
    return None


def _message(body: dict[str, Any], event: dict[str, Any], our_user: UserId) -> Message:
    channel = _field(event, "channel", _ID)
    ts = _field(event, "ts", _TS)
    thread = ts if event.get("thread_ts") in (None, "") else _field(event, "thread_ts", _TS)
    text = "" if event.get("text") is None else event["text"]
    if not isinstance(text, str):
        raise MalformedError("event.text: must be a string")
    is_mention = event.get("type") == "app_mention"
    team = _our_team(body) or _first_id(event.get("team"))
    return Message(
        channel=ChannelId(channel),
        ts=Ts(ts),
        thread=Ts(thread),
        user=UserId(_field(event, "user", _ID)),
        text=text,
        team=team,
        author_team=_first_id(event.get("user_team"), event.get("team"), team),
        is_direct=event.get("channel_type") == "im" or channel.startswith("D"),
        mentions_us=is_mention or our_user in _MENTION.findall(text),
        our_user=our_user,
        files=None if is_mention and "files" not in event else read_files(event.get("files")),
    )


def _field(event: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise MalformedError(f"event.{name}: must look like {form.pattern}")
    return value


def _first_id(*candidates: Any) -> str:
    return next((c for c in candidates if isinstance(c, str) and _ID.fullmatch(c)), "")


def read_files(files: Any) -> tuple[File, ...]:
    """Read the `files` of an event or of a message in a thread; what is not a file is passed over."""
    if not isinstance(files, list):
        return ()
    return tuple(_file(f) for f in files if isinstance(f, dict) and f.get("mode") != "tombstone")


def _file(raw: dict[str, Any]) -> File:
    size = raw.get("size")
    return File(
        name=_text(raw.get("name")) or _text(raw.get("title")) or "a file",
        mimetype=_text(raw.get("mimetype")).lower(),
        id=_text(raw.get("id")),
        size=size if isinstance(size, int) and not isinstance(size, bool) else 0,
        address=_address(raw),
    )


def _address(raw: dict[str, Any]) -> str:
    own = raw.get("url_private")
    if not _text(raw.get("mimetype")).lower().startswith("image/") or _is_small(raw):
        return own if isinstance(own, str) else ""
    found = (raw.get(name) for name in RENDITIONS)
    return next((address for address in found if isinstance(address, str) and address), "")


def _is_small(raw: dict[str, Any]) -> bool:
    """Whether an image is known to be no larger than the largest rendition."""
    sides = (raw.get("original_w"), raw.get("original_h"))
    return all(isinstance(side, int) and 0 < side <= LARGEST_IMAGE for side in sides)


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
