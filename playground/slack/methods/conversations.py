"""conversations.*: reading channels and threads, with Slack's order and pagination."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from playground.slack.directory import Kind
from playground.slack.methods.places import joined_channel, named_user, seen_channel
from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.directory import Channel
    from playground.slack.message import Message
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

REPLIES_LIMIT = 1000
HISTORY_LIMIT = 999
HISTORY_DEFAULT = 100
GROUP_MEMBERS = 8
"""The most people in one group of direct messages."""

LIST_LIMIT = 1000
LIST_DEFAULT = 100
TYPES = {
    "public_channel": Kind.CHANNEL,
    "private_channel": Kind.GROUP,
    "mpim": Kind.MPIM,
    "im": Kind.IM,
}
"""What `conversations.list` calls the kinds of channels."""

_CURSOR = "next:"


def replies(workspace: Workspace, args: Arguments) -> Json:
    """Return a thread, oldest first; for a message inside a thread, that message alone."""
    channel = joined_channel(workspace, args.required("channel"))
    ts, store = args.required("ts"), workspace.board.store
    thread = store.thread(channel.id, ts)
    if not thread:
        thread = [
            message for message in store.thread(channel.id, store.root_of(channel.id, ts)) if message.ts == ts
        ]
    if not thread:
        raise Refused("thread_not_found")
    return _page(workspace, args, thread, _limit(args, REPLIES_LIMIT, REPLIES_LIMIT))


def history(workspace: Workspace, args: Arguments) -> Json:
    """Return what a channel shows, newest first; replies are not among it."""
    channel = joined_channel(workspace, args.required("channel"))
    messages = workspace.board.store.in_channel(channel.id)[::-1]
    return _page(workspace, args, messages, _limit(args, HISTORY_DEFAULT, HISTORY_LIMIT))


def info(workspace: Workspace, args: Arguments) -> Json:
    """Return what is known of a channel."""
    channel = seen_channel(workspace, args.required("channel"))
    return {"channel": channel.wire(workspace.bot_user)}


def list_channels(workspace: Workspace, args: Arguments) -> Json:
    """Return the channels that the app may know of, public ones unless other types are asked for."""
    types = {one.strip() for one in (args.text("types") or "public_channel").split(",")}
    if not types <= set(TYPES):
        raise Refused("invalid_types")
    limit = _limit(args, LIST_DEFAULT, LIST_LIMIT)
    channels = [one for one in workspace.directory.channels.values() if _is_listed(workspace, one, types)]
    if args.flag("exclude_archived"):
        channels = [one for one in channels if not one.archived]
    start = _start(args.text("cursor"), [one.id for one in channels])
    shown = [one.wire(workspace.bot_user) for one in channels[start : start + limit]]
    return {"channels": shown} | _rest([one.id for one in channels[start + limit :]])


def _is_listed(workspace: Workspace, channel: Channel, types: set[str]) -> bool:
    is_known = channel.is_public or workspace.bot_user in channel.members
    return is_known and channel.kind in {TYPES[one] for one in types}


def open_conversation(workspace: Workspace, args: Arguments) -> Json:
    """Open the direct message with one user, or a group of direct messages with several."""
    if args.has("channel"):
        opened = joined_channel(workspace, args.text("channel"))
    else:
        opened = _opened(workspace, [one.strip() for one in args.required("users").split(",")])
    whole = opened.wire(workspace.bot_user) if args.flag("return_im") else {"id": opened.id}
    return {"channel": whole, "already_open": True, "no_op": True}


def _opened(workspace: Workspace, users: list[str]) -> Channel:
    people = [named_user(workspace, user).id for user in users]
    if len(people) > GROUP_MEMBERS:
        raise Refused("too_many_users")
    directory = workspace.directory
    return directory.direct_message(people[0]) if len(people) == 1 else directory.group_message(people)


def _limit(args: Arguments, default: int, most: int) -> int:
    limit = args.number("limit", default)
    if not 1 <= limit <= most:
        raise Refused("invalid_limit")
    return limit


def _page(workspace: Workspace, args: Arguments, messages: list[Message], limit: int) -> Json:
    """Cut a page out of the messages that the bounds of the call let through, in the order given."""
    oldest, latest = args.moment("oldest"), args.moment("latest")
    inclusive = args.flag("inclusive")
    within = [one for one in messages if _is_within(float(one.ts), oldest, latest, inclusive=inclusive)]
    start = _start(args.text("cursor"), [one.ts for one in within])
    page, rest = within[start : start + limit], within[start + limit :]
    shown = [workspace.board.store.wire(one) for one in page]
    return {"messages": shown, "has_more": bool(rest)} | _rest([one.ts for one in rest])


def _rest(keys: list[str]) -> Json:
    """Return the part of an answer that leads on to the next page, nothing if this was the last."""
    if not keys:
        return {}
    cursor = base64.b64encode(f"{_CURSOR}{keys[0]}".encode()).decode()
    return {"response_metadata": {"next_cursor": cursor}}


def _is_within(moment: float, oldest: float | None, latest: float | None, *, inclusive: bool) -> bool:
    if inclusive and moment in {oldest, latest}:
        return True
    return (oldest is None or moment > oldest) and (latest is None or moment < latest)


def _start(cursor: str, keys: list[str]) -> int:
    if not cursor:
        return 0
    try:
        decoded = base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refused("invalid_cursor") from None
    key = decoded.removeprefix(_CURSOR)
    if not decoded.startswith(_CURSOR) or key not in keys:
        raise Refused("invalid_cursor")
    return keys.index(key)
