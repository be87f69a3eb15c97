"""chat.*: posting, changing and deleting messages, as https://docs.slack.dev/reference/methods has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.slack.blocks import MARKDOWN_CHARS, require_valid
from playground.slack.methods.places import joined_channel, named_user, open_channel, seen_channel
from playground.slack.refusal import Refused
from playground.slack.workspace import POST_CHARS

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.directory import Channel
    from playground.slack.message import Message
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

UPDATE_CHARS = 4_000
"""`text` of chat.update; Markdown may be longer there."""

ATTACHMENTS = 100


def post_message(workspace: Workspace, args: Arguments) -> Json:
    """Post a message; a user's id as the channel means the direct message with them."""
    channel = _addressed(workspace, args.text("channel"))
    text, blocks = read_words(args, POST_CHARS)
    message = workspace.new_message(channel, args.text("thread_ts") or None)
    message.text, message.blocks = text, blocks
    message.metadata = args.mapping("metadata", "invalid_metadata_format")
    message.attachments = _attachments(args)
    if not message.is_root and args.flag("reply_broadcast"):
        message.subtype = "thread_broadcast"
    workspace.board.post(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.wire()}


def post_ephemeral(workspace: Workspace, args: Arguments) -> Json:
    """Show a message to one person only."""
    channel = _channel_or_direct_message(workspace, args.text("channel"))
    user = named_user(workspace, args.required("user"))
    if user.id not in channel.members:
        raise Refused("user_not_in_channel")
    text, blocks = read_words(args, POST_CHARS)
    thread_ts = args.text("thread_ts") or None
    return {"message_ts": workspace.board.show_ephemeral(channel.id, user.id, thread_ts, text, blocks)}


def update(workspace: Workspace, args: Arguments) -> Json:
    """Replace text and blocks of one of the app's own messages, streamed content included."""
    channel, message = _own_message(workspace, args, "cant_update_message")
    if channel.archived:
        raise Refused("is_inactive")
    if message.is_streaming:
        raise Refused("streaming_state_conflict")
    text, blocks = read_words(args, UPDATE_CHARS)
    metadata = args.mapping("metadata", "invalid_metadata_format")
    with workspace.board.changing(message):
        message.stream = None
        message.text, message.blocks = text, blocks
        message.metadata = message.metadata if metadata is None else metadata
        message.edited = {"user": message.author.id, "ts": workspace.board.store.next_ts()}
    return {"channel": channel.id, "ts": message.ts, "text": text, "message": message.wire()}


def delete(workspace: Workspace, args: Arguments) -> Json:
    """Delete one of the app's own messages."""
    channel, message = _own_message(workspace, args, "cant_delete_message")
    workspace.board.remove(message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(workspace: Workspace, args: Arguments) -> Json:
    """Return the address of a message."""
    channel = seen_channel(workspace, args.text("channel"))
    message = workspace.board.store.find(channel.id, args.text("message_ts"))
    place = f"https://{workspace.directory.team.domain}.slack.com/archives/{channel.id}"
    address = f"{place}/p{message.ts.replace('.', '')}"
    inside = "" if message.is_root else f"?thread_ts={message.thread}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address + inside}


def read_words(args: Arguments, most: int) -> tuple[str, list[Json]]:
    """Return the text and blocks that a call wants shown; `markdown_text` becomes a Markdown block."""
    text, markdown = args.text("text"), args.text("markdown_text")
    given = args.items("blocks", "invalid_blocks_format")
    if markdown:
        if text or given is not None:
            raise Refused("markdown_text_conflict")
        if len(markdown) > MARKDOWN_CHARS:
            raise Refused("msg_too_long")
        given = [{"type": "markdown", "text": markdown}]
    if len(text) > most:
        raise Refused("msg_too_long")
    blocks = require_valid(given) if given is not None else []
    if not text and not blocks and not args.has("attachments"):
        raise Refused("no_text")
    return text, blocks


def _addressed(workspace: Workspace, given: str) -> Channel:
    if given.startswith(("U", "W")):
        given = workspace.directory.direct_message(named_user(workspace, given).id).id
    return open_channel(workspace, given)


def _own_message(workspace: Workspace, args: Arguments, refusal: str) -> tuple[Channel, Message]:
    channel = joined_channel(workspace, args.text("channel"))
    message = workspace.board.store.find(channel.id, args.text("ts"))
    if message.author != workspace.directory.bot:
        raise Refused(refusal)
    return channel, message


def _attachments(args: Arguments) -> list[Json]:
    attachments = args.items("attachments", "invalid_attachments") or []
    if len(attachments) > ATTACHMENTS:
        raise Refused("too_many_attachments")
    if not all(isinstance(one, dict) for one in attachments):
        raise Refused("invalid_attachments")
    return attachments


def _channel_or_direct_message(workspace: Workspace, given: str) -> Channel:
    """Return the channel of that id; a user's id means the direct message with the app."""
    is_user = given in workspace.directory.users
    return open_channel(workspace, workspace.directory.direct_message(given).id if is_user else given)
