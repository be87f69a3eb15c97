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

HELD_BY_ID = {
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
}
"""Elements that hold a text or an id: the field that says which, and the one with which it began."""

ONE_OPTION = frozenset({"static_select", "radio_buttons"})
SEVERAL_OPTIONS = frozenset({"checkboxes", "multi_static_select"})


@dataclass(frozen=True, slots=True)
class Press:
    """What a person did to one element: `value` of a button, an input, or the option that was chosen.

    Several options are lines of the value. `block_id`, if given, tells elements of one `action_id` apart.
    """

    action_id: str
    value: str
    action_ts: str
    trigger_id: str
    response_url: str = ""
    block_id: str = ""


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
    directory: Directory, user: User, channel: Channel, message: Message, press: Press, inputs: Json
) -> Json:
    """Return the `block_actions` payload of a press in a message; `inputs` as in `state_values`.

    Raises LookupError if the message has no such element.
    """
    place = (message.ts, None if message.is_root else message.thread_ts)
    payload = _in_channel(directory, user, channel, place, press, message.shown_blocks, inputs)
    return payload | {"message": message.wire()}


def ephemeral_action(
    directory: Directory, user: User, channel: Channel, shown: Json, press: Press, inputs: Json
) -> Json:
    """Return the payload of a press in what one person alone sees: it brings no message along.

    Raises LookupError if there is no such element.
    """
    place = (shown["ts"], shown["thread_ts"])
    payload = _in_channel(directory, user, channel, place, press, shown["blocks"], inputs)
    payload["container"]["is_ephemeral"] = True
    return payload


def _in_channel(
    directory: Directory,
    user: User,
    channel: Channel,
    place: tuple[str, str | None],
    press: Press,
    blocks: list[Json],
    inputs: Json,
) -> Json:
    ts, thread_ts = place
    container = {
        "type": "message",
        "message_ts": ts,
        "channel_id": channel.id,
        "is_ephemeral": False,
        **({"thread_ts": thread_ts} if thread_ts else {}),
    }
    return _action_head(directory, user, press) | {
        "container": container,
        "channel": {"id": channel.id, "name": CHANNEL_NAMES.get(channel.kind, channel.name)},
        "state": {"values": state_values(blocks, inputs)},
        "response_url": press.response_url,
        "actions": [_action(blocks, press)],
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


def state_values(blocks: list[Json], inputs: Json) -> Json:
    """Return what all elements hold that hold something, by block and action.

    `inputs` says what people changed, as `{block_id: {action_id: value}}`; the rest is as it began.
    """
    values: Json = {}
    for block in blocks:
        place = str(block.get("block_id", ""))
        given = inputs.get(place, {})
        for element in elements_of(block):
            name = element.get("action_id")
            if name and _holds(element):
                value = given.get(name, _begins_with(element))
                values.setdefault(place, {})[name] = _held(element, value)
    return values


def _holds(element: Json) -> bool:
    return element["type"] in HELD_BY_ID or element["type"] in ONE_OPTION | SEVERAL_OPTIONS


def _begins_with(element: Json) -> str:
    if element["type"] in HELD_BY_ID:
        return str(element.get(HELD_BY_ID[element["type"]][1]) or "")
    options = element.get("initial_options") or [element.get("initial_option")]
    return "\n".join(option["value"] for option in options if option)


def _held(element: Json, value: str) -> Json:
    """Return what an element holds, as Slack puts it; null where nothing was written or chosen."""
    kind = element["type"]
    if kind in HELD_BY_ID:
        return {"type": kind, HELD_BY_ID[kind][0]: value or None}
    chosen = [one for one in options_of(element) if one["value"] in value.split("\n")]
    if kind in SEVERAL_OPTIONS:
        return {"type": kind, "selected_options": chosen}
    return {"type": kind, "selected_option": chosen[0] if chosen else None}


def options_of(element: Json) -> list[Json]:
    """Return the options of an element, those in groups too."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(one for group in groups for one in group["options"])]


def _action(blocks: list[Json], press: Press) -> Json:
    for block in blocks:
        if press.block_id and block.get("block_id") != press.block_id:
            continue
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
    if _holds(element):
        return head | _held(element, press.value)
    chosen = next((one for one in options_of(element) if one["value"] == press.value), None)
    if chosen is not None:
        return head | {"selected_option": chosen}
    text = {"text": element["text"]} if "text" in element else {}
    return head | text | {"value": press.value or element.get("value", "")}
