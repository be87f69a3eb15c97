"""Responses: what the app posts to a response URL of a command or a press.

Plain HTTP, not the Web API: 200 "ok", or a 4xx with the code as its text.
Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from playground.slack.methods.chat import read_words
from playground.slack.refusal import Refused
from playground.slack.workspace import POST_CHARS

if TYPE_CHECKING:
    from playground.slack.arguments import Arguments
    from playground.slack.response_urls import Ticket
    from playground.slack.workspace import Workspace


def respond(workspace: Workspace, key: str, args: Arguments) -> None:
    """Do what the app answers. Raises Refused; only what is accepted counts as a use."""
    with workspace.board.lock:
        ticket = workspace.response_urls.look_up(key)
        if ticket.message_ts and args.flag("delete_original"):
            _delete(workspace, ticket)
        elif ticket.message_ts and args.flag("replace_original"):
            _replace(workspace, ticket, args)
        elif args.text("response_type") == "in_channel":
            _post(workspace, ticket, args)
        else:
            _show(workspace, ticket, args)
        ticket.uses += 1


def _delete(workspace: Workspace, ticket: Ticket) -> None:
    if ticket.is_ephemeral:
        workspace.board.remove_ephemeral(ticket.message_ts)
    else:
        workspace.board.remove(workspace.board.store.find(ticket.channel, ticket.message_ts))


def _replace(workspace: Workspace, ticket: Ticket, args: Arguments) -> None:
    if ticket.is_ephemeral:
        workspace.board.change_ephemeral(ticket.message_ts, *read_words(args, POST_CHARS))
        return
    message = workspace.board.store.find(ticket.channel, ticket.message_ts)
    if message.is_streaming:
        raise Refused("streaming_state_conflict")
    text, blocks = read_words(args, POST_CHARS)
    with workspace.board.changing(message):
        message.stream = None
        message.text, message.blocks = text, blocks


def _post(workspace: Workspace, ticket: Ticket, args: Arguments) -> None:
    """Post where the command was typed; that works in channels, too, in which the bot is not."""
    text, blocks = read_words(args, POST_CHARS)
    channel = workspace.directory.channels[ticket.channel]
    message = workspace.new_message(channel, args.text("thread_ts") or None)
    message.text, message.blocks = text, blocks
    workspace.board.post(message)


def _show(workspace: Workspace, ticket: Ticket, args: Arguments) -> None:
    text, blocks = read_words(args, POST_CHARS)
    thread_ts = args.text("thread_ts") or None
    workspace.board.show_ephemeral(ticket.channel, ticket.user, thread_ts, text, blocks)
