"""Places: the channel, message or user that a call names, or the refusal that Slack answers instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.slack.refusal import Refused

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.directory import Channel, User
    from playground.slack.message import Message
    from playground.slack.stream import Stream
    from playground.slack.workspace import Workspace


def seen_channel(workspace: Workspace, given: str) -> Channel:
    """Return the channel of that id, if the app may know of it."""
    channel = workspace.directory.channels.get(given)
    if channel is None or not (channel.is_public or workspace.bot_user in channel.members):
        raise Refused("channel_not_found")
    return channel


def joined_channel(workspace: Workspace, given: str) -> Channel:
    """Return the channel of that id, if the app is in it."""
    channel = seen_channel(workspace, given)
    if workspace.bot_user not in channel.members:
        raise Refused("not_in_channel")
    return channel


def open_channel(workspace: Workspace, given: str) -> Channel:
    """Return the channel of that id, if the app may post there."""
    channel = joined_channel(workspace, given)
    if channel.archived:
        raise Refused("is_archived")
    return channel


def named_user(workspace: Workspace, given: str) -> User:
    """Return the user of that id."""
    user = workspace.directory.users.get(given)
    if user is None:
        raise Refused("user_not_found")
    return user


def streamed_message(workspace: Workspace, args: Arguments) -> tuple[Message, Stream]:
    """Return the streamed message that a call names, and its stream, if the app started it."""
    channel = open_channel(workspace, args.text("channel"))
    message = workspace.board.store.find(channel.id, args.text("ts"))
    if message.author != workspace.directory.bot:
        raise Refused("message_not_owned_by_app")
    if message.stream is None:
        raise Refused("message_not_in_streaming_state")
    return message, message.stream
