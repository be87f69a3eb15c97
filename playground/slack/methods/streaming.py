"""chat.*Stream: writing a message bit by bit; what a stream itself takes is decided in `stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playground.slack.blocks import require_valid
from playground.slack.directory import Kind
from playground.slack.methods.places import named_user, open_channel, streamed_message
from playground.slack.methods.surfaces import session_state
from playground.slack.refusal import Refused
from playground.slack.stream import State, Stream, read_content

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.directory import Channel
    from playground.slack.stream import Content
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

DISPLAY_MODES = frozenset({"", "timeline", "plan"})


def start(workspace: Workspace, args: Arguments) -> Json:
    """Start a streamed reply; it counts as the beginning of the app's work in that thread."""
    channel = open_channel(workspace, args.text("channel"))
    if workspace.refuse_streams:
        raise Refused("channel_type_not_supported")
    thread_ts = args.required("thread_ts")
    if args.text("task_display_mode") not in DISPLAY_MODES:
        raise Refused("invalid_arguments", "[ERROR] must be one of: timeline, plan")
    _require_recipient(workspace, args, channel)
    content = _content(args)
    message = workspace.new_message(channel, thread_ts)
    message.stream = Stream(workspace.clock.now())
    message.stream.add(content)
    workspace.board.post(message)
    workspace.set_session(channel.id, message.thread, "processing")
    return {"channel": channel.id, "ts": message.ts}


def append(workspace: Workspace, args: Arguments) -> Json:
    """Add to a live stream, `markdown_text` or `chunks`."""
    message, stream = streamed_message(workspace, args)
    content = _content(args)
    if content is None:
        raise Refused("no_text")
    with workspace.board.changing(message, quietly=True):
        stream.add(content)
    return {"channel": message.channel, "ts": message.ts}


def stop(workspace: Workspace, args: Arguments) -> Json:
    """End a live stream, with a last piece of content and blocks below it."""
    message, stream = streamed_message(workspace, args)
    content = _content(args)
    blocks = require_valid(args.items("blocks", "invalid_blocks_format") or [])
    metadata = args.mapping("metadata", "invalid_metadata_format")
    status = session_state(args.text("session_status") or "active")
    stream.add(content)
    message.blocks, message.metadata = blocks, metadata
    workspace.board.end_stream(message, State.ENDED)
    workspace.set_session(message.channel, message.thread, status)
    return {"channel": message.channel, "ts": message.ts, "message": message.wire()}


def _content(args: Arguments) -> Content | None:
    return read_content(args.text("markdown_text"), args.items("chunks", "invalid_chunks"))


def _require_recipient(workspace: Workspace, args: Arguments, channel: Channel) -> None:
    """Refuse a stream that does not say to whom it is shown live; only in a direct message is that clear."""
    user, team = args.text("recipient_user_id"), args.text("recipient_team_id")
    if channel.kind is Kind.IM and not user and not team:
        return
    if not user:
        raise Refused("missing_recipient_user_id")
    if not team:
        raise Refused("missing_recipient_team_id")
    if named_user(workspace, user).team != team:
        raise Refused("user_not_found")
