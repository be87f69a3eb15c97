"""Interactions: what Slack sends when a person types a command or presses something in a message or home tab.

Sources: https://docs.slack.dev/interactivity/implementing-slash-commands,
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.slack.directory import Kind
from playground.slack.events import VERIFICATION_TOKEN

if TYPE_CHECKING:
    from playground.slack.directory import Channel, Directory, User
    from playground.slack.message import Message

Json = dict[str, Any]

CHANNEL_NAMES = {Kind.IM: "directmessage", Kind.GROUP: "privategroup", Kind.MPIM: "privategroup"}
"""What a payload says instead of the name of a channel that is not public."""

CHOSEN_FIELDS = {
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
}
"""Where an action says what was chosen, for elements that choose by id."""


@dataclass(frozen=True, slots=True)
class Press:
    """What a person did to one element: `value` of a button, or the option that was chosen."""

    action_id: str
    value: str
    action_ts: str
    trigger_id: str
    response_url: str = ""


def command_form(
    directory: Directory, user: User, channel: Channel, words: tuple[str, str], press: Press
) -> dict[str, str]:
    """Return the form of a slash command; `words` are the command and the text behind it."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": directory.team.id,
        "team_domain": directory.team.domain,
        "channel_id": channel.id,
        "channel_name": CHANNEL_NAMES.get(channel.kind, channel.name),
        "user_id": user.id,
        "user_name": user.name,
        "command": words[0],
        "text": words[1],
        "api_app_id": directory.bot.app_id,
        "is_enterprise_install": "false",
        "response_url": press.response_url,
        "trigger_id": press.trigger_id,
    }


def message_action(
    directory: Directory, user: User, channel: Channel, message: Message, press: Press
) -> Json:
    """Return the `block_actions` payload of a press in a message.

    Raises LookupError if the message has no such element.
    """
    threaded = {} if message.is_root else {"thread_ts": message.thread_ts}
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": False,
        **threaded,
    }
    return _action_head(directory, user, press) | {
        "container": container,
        "channel": {"id": channel.id, "name": CHANNEL_NAMES.get(channel.kind, channel.name)},
        "message": message.wire(),
        "state": {"values": {}},
        "response_url": press.response_url,
        "actions": [_action(message.shown_blocks, press)],
    }


def home_action(directory: Directory, user: User, view: Json, press: Press, state: Json) -> Json:
    """Return the `block_actions` payload of a press in the home tab; `state` is what its inputs hold."""
    return _action_head(directory, user, press) | {
        "container": {"type": "view", "view_id": view["id"]},
        "view": view | {"state": {"values": state}},
        "actions": [_action(view["blocks"], press)],
    }


def _action_head(directory: Directory, user: User, press: Press) -> Json:
    return {
        "type": "block_actions",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
        "api_app_id": directory.bot.app_id,
        "token": VERIFICATION_TOKEN,
        "trigger_id": press.trigger_id,
        "team": {"id": directory.team.id, "domain": directory.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _action(blocks: list[Json], press: Press) -> Json:
    for block in blocks:
        for element in elements_of(block):
            if element.get("action_id") == press.action_id:
                return _pressed(block, element, press)
    raise LookupError(f"no element with action_id {press.action_id!r}")


def elements_of(block: Json) -> list[Json]:
    """Return the interactive elements of a block."""
    single = [block.get("accessory"), block.get("element")]
    many = block.get("elements") or []
    return [one for one in [*single, *many] if isinstance(one, dict) and "type" in one]


def _pressed(block: Json, element: Json, press: Press) -> Json:
    head = {
        "type": element["type"],
        "action_id": press.action_id,
        "block_id": block.get("block_id", ""),
        "action_ts": press.action_ts,
    }
    if element["type"] == "feedback_buttons":
        half = element["positive_button"]
        if press.value == element["negative_button"]["value"]:
            half = element["negative_button"]
        return head | {"text": half["text"], "value": half["value"]}
    chosen = next((one for one in element.get("options", []) if one["value"] == press.value), None)
    if chosen is not None:
        return head | {"selected_option": chosen}
    if element["type"] in CHOSEN_FIELDS:
        return head | {CHOSEN_FIELDS[element["type"]]: press.value}
    text = {"text": element["text"]} if "text" in element else {}
    return head | text | {"value": press.value or element.get("value", "")}
